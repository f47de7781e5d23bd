//! The command line: what can be said, where it leads, and the exit code at the end.
//!
//! Exit codes: 0 done, 1 internal, 2 usage or configuration, 3 refused, 4 the server is not heard or cannot do it now,
//! 5 store, vault or key cannot be opened.

use crate::failure::Failure;
use crate::{admin, bench, check, demo, init, manual, phone, serve, terminal, trial};
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// After the password, the phone asks YES or NO, and signs the answer.
#[derive(Debug, Parser)]
#[command(
    name = "countersign",
    version,
    after_help = "Try it: countersign demo\n\
                  Make a server: countersign init --config countersign.toml --public-url https://login.example\n\
                  Run it: countersign serve --config countersign.toml"
)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a server: its data folder, its keys and its database, and a configuration file where there is none
    Init(init::Options),
    /// Run the server
    Serve(serve::Options),
    /// Read all that a server would read at its start, and say how it stands; nothing is changed
    Check(check::Options),
    /// Try a server as a site would: enrol a person's phone, ask it, take the answer
    Try(trial::Options),
    /// Try everything in a browser: a sign-in site beside a phone, both on this machine
    Demo(demo::Options),
    /// Be a phone in this terminal
    Phone(phone::Options),
    /// Write what a shell completes after `countersign`
    Completions(manual::Completions),
    /// Write the manual pages
    Man(manual::Pages),
    /// Measure complete logins on this machine, against what cryptography and disk alone would allow
    Bench(bench::Options),
    /// Manage organisations, relying parties, users, devices and keys of a server on this machine
    Admin(admin::Options),
}

/// Runs a command to its end.
pub fn run(command_line: CommandLine) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&error.into()),
    };
    let result = runtime.block_on(async {
        match command_line.command {
            Command::Init(options) => init::run(options).await,
            Command::Serve(options) => serve::run(&options).await,
            Command::Check(options) => check::run(&options),
            Command::Try(options) => trial::run(options).await,
            Command::Completions(options) => manual::completions(&options, CommandLine::command()),
            Command::Man(options) => manual::pages(&options, CommandLine::command()),
            Command::Demo(options) => demo::run(options).await,
            Command::Phone(options) => phone::run(options).await,
            Command::Bench(options) => bench::run(options).await,
            Command::Admin(options) => admin::run(options).await,
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

fn report(failure: &Failure) -> ExitCode {
    // When standard error is gone there is nobody left to tell; the exit code still says it.
    let _ = terminal::print(std::io::stderr(), &format!("countersign: {}", failure.message));
    ExitCode::from(failure.exit_code)
}
