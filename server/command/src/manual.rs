//! `countersign completions` and `countersign man`: what a package carries of the command line, made of the commands
//! themselves.

use crate::command_line::CommandLine;
use crate::failure::Failure;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::path::PathBuf;

/// Write completions.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell. For one session of bash: source <(countersign completions bash)
    shell: Shell,
}

/// Write manual pages.
#[derive(Debug, Args)]
pub struct Pages {
    /// The folder that they are written to: one page a command, section 1
    folder: PathBuf,
}

/// Prints what a shell completes.
///
/// # Errors
/// When standard output is closed.
pub fn completions(options: &Completions) -> Result<(), Failure> {
    let mut command = CommandLine::command();
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut command, "countersign", &mut script);
    Ok(std::io::Write::write_all(&mut std::io::stdout(), &script)?)
}

/// Writes a page for each command.
///
/// # Errors
/// When the folder is missing or cannot be written to.
pub fn pages(options: &Pages) -> Result<(), Failure> {
    clap_mangen::generate_to(CommandLine::command(), &options.folder).map_err(|error| Failure {
        exit_code: 2,
        message: format!("{} cannot be written to: {error}", options.folder.display()),
    })
}
