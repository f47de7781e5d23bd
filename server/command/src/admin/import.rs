//! `countersign admin user import`: people out of a CSV file. The whole file is read before anything is written, so
//! that one bad line leaves nothing half done; what is there already stays, so that the same file can be sent again.

use super::office::{Office, no_organisation, or_unknown, refused};
use crate::failure::Failure;
use crate::terminal::{self, visible};
use clap::Args;
use countersign_server::domain::refused::Refused;
use countersign_server::service::names;
use csv::{Reader, ReaderBuilder, StringRecord};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// How many people are written in one transaction: a running server waits for its end, which is soon.
const BATCH: usize = 500;
/// How many bad lines are named; of more, their number is.
const MOST_NAMED: usize = 20;

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The organisation's name
    #[arg(long)]
    organisation: String,
    /// The file: UTF-8, commas, a header with a column name
    file: PathBuf,
    /// Leave bad lines out, and name them, instead of importing nothing
    #[arg(long = "continue")]
    go_on: bool,
}

/// The people of a file, line by line.
struct People {
    reader: Reader<File>,
    column: usize,
    record: StringRecord,
}

impl People {
    fn open(path: &Path) -> Result<Self, Failure> {
        let unusable = |why: String| Failure { exit_code: 2, message: format!("{}: {why}", path.display()) };
        let file = File::open(path).map_err(|error| unusable(format!("it cannot be read: {error}")))?;
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(file);
        let header = reader.headers().map_err(|error| unusable(format!("its header cannot be read: {error}")))?;
        let is_name = |title: &str| title.trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case("name");
        let column = header.iter().position(is_name);
        let column = column.ok_or_else(|| unusable("its first line names no column \"name\"".into()))?;
        Ok(Self { reader, column, record: StringRecord::new() })
    }

    /// The next name, or what is wrong with the line of this number; none at the end.
    fn next(&mut self) -> Option<Result<String, (u64, String)>> {
        match self.reader.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => {
                let line = self.record.position().map_or(0, csv::Position::line);
                let Some(name) = self.record.get(self.column) else {
                    return Some(Err((line, "it has no name".into())));
                };
                Some(names::typed(name).map_err(|refused| match refused {
                    Refused::Malformed(why) => (line, why),
                    _ => (line, "the name is not taken".into()),
                }))
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                let why = match error.kind() {
                    csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
                    // The file itself cannot be read on: the next line would say so for ever.
                    _ => return Some(Err((0, error.to_string()))),
                };
                Some(Err((line, why)))
            }
        }
    }
}

/// What is wrong with a file, by line.
#[derive(Default)]
struct Bad(Vec<(u64, String)>);

impl Bad {
    fn lines(&self) -> String {
        let named = self.0.iter().take(MOST_NAMED).map(|(line, why)| format!("line {line}: {}", visible(why)));
        let more = self.0.len().saturating_sub(MOST_NAMED);
        let more = (more > 0).then(|| format!("and {more} more"));
        named.chain(more).collect::<Vec<_>>().join("\n")
    }
}

/// Reads the whole file: how many people it holds, and what is wrong with it.
fn check(path: &Path) -> Result<(usize, Bad), Failure> {
    let (mut people, mut good, mut bad) = (People::open(path)?, 0, Bad::default());
    while let Some(next) = people.next() {
        match next {
            Ok(_) => good += 1,
            Err((0, why)) => {
                return Err(Failure { exit_code: 2, message: format!("{}: {why}", path.display()) });
            }
            Err(wrong) => bad.0.push(wrong),
        }
    }
    Ok((good, bad))
}

/// Shows how far it has come, where somebody looks.
fn progress(done: usize, all: usize) {
    if std::io::stderr().is_terminal() {
        let percent = done * 100 / all.max(1);
        let end = if done == all { "\n" } else { "" };
        // When nobody reads any more, the import goes on.
        let _ = write!(std::io::stderr(), "\r{done} of {all} ({percent} %){end}");
    }
}

impl Office {
    /// Imports people. When it is cut in the middle, what is written stays, and the same file again does the rest.
    pub(super) async fn import_users(&self, import: Import) -> Result<Value, Failure> {
        let Import { organisation, file, go_on } = import;
        let operator = self.operator();
        or_unknown(operator.organisation(&organisation).await, || no_organisation(&organisation))?;
        let (all, bad) = check(&file)?;
        if !bad.0.is_empty() {
            if !go_on {
                let count = bad.0.len();
                let file = file.display();
                return Err(refused(format!(
                    "{file}: {count} lines cannot be imported, so nothing was. Mend them, or say --continue to leave \
                     them out\n{}",
                    bad.lines()
                )));
            }
            terminal::print(std::io::stderr(), &format!("left out:\n{}", bad.lines()))?;
        }
        let (mut people, mut batch, mut done, mut new) = (People::open(&file)?, Vec::with_capacity(BATCH), 0, 0);
        loop {
            let next = people.next();
            let is_end = next.is_none();
            match next {
                Some(Ok(name)) => batch.push(name),
                Some(Err((0, why))) => return Err(refused(format!("{}: {why}", file.display()))),
                Some(Err(_)) | None => {}
            }
            if batch.len() == BATCH || (is_end && !batch.is_empty()) {
                let made = operator.import_users(&organisation, &batch).await?;
                new += made.iter().filter(|made| **made).count();
                done += batch.len();
                batch.clear();
                progress(done, all);
            }
            if is_end {
                return Ok(json!({ "new": new, "known": done - new, "left_out": bad.0.len() }));
            }
        }
    }
}
