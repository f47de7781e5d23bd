//! Files of codes in the terminal phone: read, with their passwords, and written.

use super::show::{Printer, language};
use crate::failure::Failure;
use crate::terminal::visible;
use clap::Args;
use countersign_device::Authenticator;
use countersign_device::sentences::Sentence;
use countersign_protocol::code_file::{self, MAX_FILE};
use countersign_protocol::otpauth::{Found, LinkRefusal};
use serde_json::json;
use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// How often a person may type the password of a file.
const TRIES: u32 = 3;

/// Where to write the codes.
#[derive(Debug, Args)]
pub struct Export {
    /// The file to make. One that is there stays as it is
    file: PathBuf,
    /// A file whose first line is the password that is to open the export, of 15 characters or more; without it, the
    /// terminal asks
    #[arg(long, value_name = "FILE", conflicts_with = "unencrypted")]
    password_file: Option<PathBuf>,
    /// Write otpauth links, one a line, that nothing protects: whoever reads the file has all codes
    #[arg(long)]
    unencrypted: bool,
}

/// What is on standard input, or in the file of this name; none where there is no such file, and the word itself is
/// meant.
pub fn bytes_of(word: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    // One byte more than is read, so that a larger file is known for one.
    let most = MAX_FILE as u64 + 1;
    if word == "-" {
        let input = std::io::stdin();
        if input.is_terminal() {
            writeln!(std::io::stderr(), "Paste the link, then press Enter and Ctrl-D.")?;
        }
        input.lock().take(most).read_to_end(&mut bytes)?;
        return Ok(Some(bytes));
    }
    let path = Path::new(word);
    if word.contains("://") || !path.is_file() {
        return Ok(None);
    }
    let unreadable = |error: std::io::Error| Failure { exit_code: 5, message: format!("{}: {error}", visible(word)) };
    std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(unreadable)?;
    Ok(Some(bytes))
}

/// The codes of a file. Where it is encrypted and no file has its password, the person is asked.
pub fn read(file: &[u8], password_file: Option<&Path>) -> Result<Result<Found, LinkRefusal>, Failure> {
    if let Some(path) = password_file {
        return Ok(code_file::read(file, Some(&password_in(path)?)));
    }
    let mut found = code_file::read(file, None);
    for _ in 0..TRIES {
        match &found {
            Err(why @ (LinkRefusal::PasswordNeeded | LinkRefusal::WrongPassword)) => {
                writeln!(std::io::stderr(), "{}", Sentence::told(why, language()))?;
                found = code_file::read(file, Some(&asked("Password of the file: ")?));
            }
            _ => break,
        }
    }
    Ok(found)
}

/// The first line of a file.
fn password_in(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let name = visible(&path.display().to_string());
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| Failure { exit_code: 5, message: format!("{name}: {error}") })?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// What a person types in the terminal, without showing it.
fn asked(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    // Standard input may be the file, and standard output a program that reads JSON.
    let typed = std::io::stderr().is_terminal().then(|| rpassword::prompt_password(prompt).ok()).flatten();
    typed.map(Zeroizing::new).ok_or_else(|| Failure {
        exit_code: 2,
        message: "there is no terminal in which to ask for the password; say --password-file FILE".into(),
    })
}

/// A password for an export, typed twice.
fn chosen() -> Result<Zeroizing<String>, Failure> {
    let password = asked("Password for the export, 15 characters or more: ")?;
    if *asked("The same again: ")? != *password {
        return Err(Failure { exit_code: 3, message: "the two passwords differ; nothing was written".into() });
    }
    Ok(password)
}

/// Writes the codes of other services into a new file.
pub fn export(authenticator: &Authenticator, printer: Printer, options: &Export) -> Result<(), Failure> {
    let count = authenticator.foreign_codes()?.len();
    if count == 0 {
        let message = "there are no codes of other services on this phone; nothing was written".into();
        return Err(Failure { exit_code: 3, message });
    }
    let text = if options.unencrypted {
        authenticator.export_codes_unencrypted()?
    } else {
        let password = match &options.password_file {
            Some(path) => password_in(path)?,
            None => chosen()?,
        };
        Zeroizing::new(authenticator.export_codes(&password)?)
    };
    let name = visible(&options.file.display().to_string());
    write_new(&options.file, text.as_bytes()).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure { exit_code: 3, message: format!("{name} is there already; choose another name") }
        }
        _ => Failure { exit_code: 5, message: format!("{name}: {error}") },
    })?;
    Ok(printer.exported(&name, count, !options.unencrypted)?)
}

/// Writes a file that this user alone can read, and leaves nothing of it behind when it cannot be written.
fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = private_file::create_new(path)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).inspect_err(|_| drop(std::fs::remove_file(path)))
}

impl Printer {
    fn exported(self, file: &str, count: usize, encrypted: bool) -> std::io::Result<()> {
        if self.json {
            return Self::value(&json!({ "file": file, "codes": count, "encrypted": encrypted }));
        }
        let plural = if count == 1 { "code" } else { "codes" };
        Self::line(&format!("Wrote {count} {plural} to {file}."))?;
        Self::line(if encrypted {
            "The accounts that this phone answers for are not in it: their keys never leave the phone."
        } else {
            "Nothing protects this file: whoever reads it has the codes. Delete it as soon as it has served."
        })
    }
}
