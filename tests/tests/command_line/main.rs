//! The command line as operators and people meet it.

#![cfg(test)]

mod admin;
mod data_folder;
mod flood;
mod gateway;
mod hostile;
mod init;
mod phone;
mod phone_answers;
mod phone_codes;
mod revocation;
mod startup;
mod terminal;
mod tls;
mod usage;
