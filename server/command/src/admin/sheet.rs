//! A CSV file with a header, as the offices of this world write it: with or without a byte order mark, with commas,
//! semicolons or tabs, and with a line here and there that is wrong.

use super::office::refused;
use crate::failure::Failure;
use crate::terminal::visible;
use csv::{Reader, ReaderBuilder, StringRecord};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// How many bad lines are named; of more, their number is.
const MOST_NAMED: usize = 20;
/// What stands between two cells, where the header does not say otherwise.
const COMMA: u8 = b',';

/// An open file, with the columns that are wanted of it.
pub(super) struct Sheet {
    path: PathBuf,
    reader: Reader<File>,
    /// Where each wanted column stands, if the file has it.
    columns: Vec<Option<usize>>,
    /// How many lines the reader is behind: it takes a line for over at its carriage return, and counts it only at the
    /// line feed, which it reads with the next.
    lines_behind: u64,
    record: StringRecord,
}

/// One line of a file.
pub(super) struct Line {
    /// Its number, from 1: the header's.
    pub number: u64,
    /// The cells of the wanted columns, none where the file has no such column or the line no such cell; or what is
    /// wrong with the whole line.
    pub cells: Result<Vec<Option<String>>, String>,
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure { exit_code: 2, message: format!("{}: {why}", path.display()) }
}

/// What stands between the cells of a header: the most frequent of what spreadsheets write.
fn delimiter(header: &[u8]) -> u8 {
    let count = |one: u8| header.iter().filter(|byte| **byte == one).count();
    let best = [COMMA, b';', b'\t'].into_iter().rev().max_by_key(|one| count(*one));
    best.unwrap_or(COMMA)
}

impl Sheet {
    /// Opens a file, and looks for these columns in its header.
    ///
    /// # Errors
    /// What to tell the person, when the file or its header cannot be read.
    pub(super) fn open(path: &Path, columns: &[&str]) -> Result<Self, Failure> {
        let open = || File::open(path).map_err(|error| unusable(path, &format!("it cannot be read: {error}")));
        let mut header = Vec::new();
        let first = BufReader::new(open()?).read_until(b'\n', &mut header);
        first.map_err(|error| unusable(path, &format!("it cannot be read: {error}")))?;
        let lines_behind = u64::from(header.ends_with(b"\r\n"));
        let mut reader = ReaderBuilder::new().flexible(true).delimiter(delimiter(&header)).from_reader(open()?);
        let header =
            reader.headers().map_err(|error| unusable(path, &format!("its header cannot be read: {error}")))?;
        let is = |title: &str, name: &str| title.trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case(name);
        let columns = columns.iter().map(|name| header.iter().position(|title| is(title, name))).collect();
        Ok(Self { path: path.to_owned(), reader, columns, lines_behind, record: StringRecord::new() })
    }

    fn number(&self, position: Option<&csv::Position>) -> u64 {
        position.map_or(0, csv::Position::line) + self.lines_behind
    }

    /// Whether the file has the column of this place among the wanted ones.
    pub(super) fn has(&self, column: usize) -> bool {
        self.columns.get(column).is_some_and(Option::is_some)
    }

    /// A failure of this file as a whole.
    pub(super) fn unusable(&self, why: &str) -> Failure {
        unusable(&self.path, why)
    }

    /// The next line; none at the end.
    ///
    /// # Errors
    /// What to tell the person, when the file cannot be read on.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Failure> {
        let wrong = match self.reader.read_record(&mut self.record) {
            Ok(false) => return Ok(None),
            Ok(true) => {
                let number = self.number(self.record.position());
                let cell = |column: &Option<usize>| column.and_then(|at| self.record.get(at)).map(str::to_owned);
                return Ok(Some(Line { number, cells: Ok(self.columns.iter().map(cell).collect()) }));
            }
            Err(error) => error,
        };
        match wrong.kind() {
            csv::ErrorKind::Utf8 { .. } => {
                let number = self.number(wrong.position());
                Ok(Some(Line { number, cells: Err("it is not UTF-8".into()) }))
            }
            // The file itself cannot be read on: the next line would say so for ever.
            _ => Err(self.unusable(&wrong.to_string())),
        }
    }
}

/// What is wrong with a file, by line.
#[derive(Default)]
pub(super) struct BadLines(Vec<(u64, String)>);

impl BadLines {
    pub(super) fn add(&mut self, line: u64, why: String) {
        self.0.push((line, why));
    }

    pub(super) const fn count(&self) -> usize {
        self.0.len()
    }

    /// Each of them, with what is wrong with it.
    pub(super) fn each(&self) -> impl Iterator<Item = (u64, &str)> {
        self.0.iter().map(|(line, why)| (*line, why.as_str()))
    }

    /// The first of them, a line each.
    pub(super) fn named(&self) -> String {
        let named = self.0.iter().take(MOST_NAMED).map(|(line, why)| format!("line {line}: {}", visible(why)));
        let more = self.0.len().saturating_sub(MOST_NAMED);
        let more = (more > 0).then(|| format!("and {more} more"));
        named.chain(more).collect::<Vec<_>>().join("\n")
    }

    /// The refusal of a file with such lines; `done` says what cannot be done with them.
    pub(super) fn refuse(&self, path: &Path, done: &str) -> Failure {
        let (path, count, named) = (path.display(), self.count(), self.named());
        let lines = if count == 1 { "line" } else { "lines" };
        refused(format!(
            "{path}: {count} {lines} cannot be {done}, so nothing was. Mend them, or say --continue to leave them out\n\
             {named}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_numbers_that_an_editor_shows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        for end in ["\n", "\r\n"] {
            let lines = ["name,device", "maya,", "\"two\nlines\",", "noor,"];
            std::fs::write(&path, lines.join(end)).unwrap();
            let mut sheet = Sheet::open(&path, &["device", "name"]).unwrap();
            let mut read = Vec::new();
            while let Some(line) = sheet.next().unwrap() {
                read.push((line.number, line.cells.unwrap().swap_remove(1).unwrap()));
            }
            let expected =
                [(2, "maya"), (3, "two\nlines"), (5, "noor")].map(|(number, name)| (number, name.to_owned()));
            assert_eq!(read, expected, "{end:?}");
        }
    }

    #[test]
    fn the_header_says_what_stands_between_cells() {
        for (header, expected) in [
            ("name", b','),
            ("name,device", b','),
            ("name;device;key", b';'),
            ("name\tdevice", b'\t'),
            ("a;b,c,d", b','),
        ] {
            assert_eq!(delimiter(header.as_bytes()), expected, "{header}");
        }
    }
}
