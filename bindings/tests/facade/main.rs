//! The facade as an app uses it, with the app's parts written in Rust.

#![cfg(test)]

mod app;
mod border;
mod codes;
mod foreign_codes;
mod login;
mod pushes;
mod sentences;
mod threads;
