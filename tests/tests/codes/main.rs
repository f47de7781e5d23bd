//! One-time codes over real HTTP: of phones and of any other OTP application, alone and to settle a challenge.

#![cfg(test)]

mod application;
mod backup_codes;
mod challenge;
mod clock;
mod code_files;
mod foreign;
mod limits;
mod oathtool;
mod phone;
mod reasons;
mod world;
