//! The `countersign` binary.

use clap::Parser;
use countersign_server::command_line::{CommandLine, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    run(CommandLine::parse())
}
