//! The demo, as a person meets it: the real binary, Debian's Chromium, clicks.

#![cfg(test)]

mod answers;
mod backup_codes;
mod codes;
mod languages;
mod phones;
mod visit;
