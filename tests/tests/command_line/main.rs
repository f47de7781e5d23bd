//! The command line as operators and people meet it.

#![cfg(test)]

mod access_log;
mod admin;
mod check;
mod data_folder;
mod first_hour;
mod flood;
mod gateway;
mod hostile;
mod init;
mod journal;
mod moves;
mod package;
mod people;
mod phone;
mod phone_answers;
mod phone_code_files;
mod phone_codes;
mod proxies;
mod revocation;
mod startup;
mod terminal;
mod tls;
mod usage;
