//! The `countersign` binary: what can be said on the command line, a file a command.

mod admin;
mod bench;
mod check;
mod command_line;
mod demo;
mod failure;
mod init;
mod manual;
mod phone;
mod progress;
#[cfg(test)]
mod reference;
mod serve;
mod terminal;
mod trial;
mod typed_id;

use command_line::{read, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    read().map_or_else(|ended| ended, run)
}
