//! docs/command-line.md is made of the commands themselves, so that no argument is missing there or without its
//! sentence.

use crate::command_line::CommandLine;
use clap::{Arg, Command, CommandFactory};
use std::fmt::Write;
use std::path::Path;

/// Set to anything, the page is written anew.
const RENEW: &str = "COUNTERSIGN_RENEW";

/// What a command or an argument says of itself, as one line.
fn sentence(text: Option<&clap::builder::StyledStr>, of: &str) -> String {
    let text = text.unwrap_or_else(|| panic!("{of} has no help text")).to_string();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(line.len() > 3, "{of} says nothing: {line:?}");
    line
}

/// A paragraph in lines that fit beside another file on a screen.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if lines.last().is_some_and(|line| line.chars().count() + 1 + word.chars().count() > 120) {
            lines.push(String::new());
        }
        let line = lines.last_mut().unwrap();
        let space = if line.is_empty() { "" } else { " " };
        write!(line, "{space}{word}").unwrap();
    }
    lines.join("\n")
}

/// How an argument is written: `--organisation <ORGANISATION>`, `<ID>`.
fn written(argument: &Arg) -> String {
    let value = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let takes_value = argument.get_action().takes_values();
    let value = value.filter(|_| takes_value).map(|name| format!("<{name}>"));
    match (argument.get_long(), value) {
        (Some(long), Some(value)) => format!("--{long} {value}"),
        (Some(long), None) => format!("--{long}"),
        (None, value) => value.unwrap_or_else(|| argument.get_id().to_string()),
    }
}

fn describe(command: &Command, path: &str, page: &mut String) {
    let path = format!("{path} {}", command.get_name()).trim().to_owned();
    let about = sentence(command.get_about(), &path);
    let leaf = command.get_subcommands().next().is_none();
    let marks = if path.contains(' ') { "###" } else { "##" };
    writeln!(page, "\n{marks} `{path}`\n\n{}", wrapped(&format!("{about}."))).unwrap();
    let arguments: Vec<&Arg> =
        command.get_arguments().filter(|one| !["help", "version"].contains(&one.get_id().as_str())).collect();
    if !arguments.is_empty() {
        writeln!(page, "\n| argument | |\n|---|---|").unwrap();
    }
    for argument in arguments {
        let of = format!("{path} {}", argument.get_id());
        let needed = if argument.is_required_set() { "" } else { " (optional)" };
        let meaning = sentence(argument.get_help(), &of).replace('|', "\\|");
        writeln!(page, "| `{}`{needed} | {meaning} |", written(argument)).unwrap();
    }
    if !leaf {
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            describe(below, &path, page);
        }
    }
}

#[test]
fn the_page_has_every_command_and_every_argument() {
    let mut page =
        "# The command line\n\nMade of the commands themselves; a test compares them. Exit codes: 0 done, 1 \
                    internal, 2 usage or configuration, 3\nrefused, 4 unreachable, 5 store, vault or key cannot be \
                    opened. `--json` prints JSON.\n"
            .to_owned();
    for command in CommandLine::command().get_subcommands() {
        describe(command, "", &mut page);
    }
    for word in ["admin device revoke", "admin key rotate-vapid", "phone report", "`--config <FILE>`"] {
        assert!(page.contains(word), "{word} was found");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/command-line.md");
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page,
        "docs/command-line.md is not what the commands say: {RENEW}=1 cargo test -p countersign reference"
    );
}
