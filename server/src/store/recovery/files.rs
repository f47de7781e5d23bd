//! The files of the recovery journal: JSON, a line a thing, only ever added to. A new one is begun when the last is
//! long; old ones go as a whole.
//!
//! The server and commands beside it write to the same file, whole lines under a lock. A line that was cut, by a full
//! disk or a power cut, is taken away by whoever writes next: what it held is written again.

use super::line::Line;
use crate::store::StoreError;
use countersign_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How long a file may be before the next is begun, in bytes.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// What the files' names end with.
const ENDING: &str = "jsonl";
/// The longest line that is read, in bytes.
const MOST_LINE: u64 = 16 * 1024;

/// Which process writes: only one begins new files and removes old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// The server, which is alone with its folder.
    Server,
    /// A command beside it.
    Command,
}

/// The first line of each file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    recovery_journal: u32,
    server: String,
}

/// A line that cannot be read, or that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The file.
    pub file: PathBuf,
    /// The line in it, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: &'static str,
}

/// What was read of a recovery journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The lines, by their numbers.
    pub lines: Vec<Line>,
    /// What could not be read.
    pub broken: Vec<Broken>,
}

fn unwritable(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    move |error| StoreError::RecoveryJournal(format!("{} cannot be written: {error}", path.display()))
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> StoreError {
    move |error| StoreError::RecoveryJournal(format!("{} cannot be read: {error}", path.display()))
}

fn other_server(path: &Path) -> StoreError {
    StoreError::RecoveryJournal(format!(
        "{} is that of another server: give each server a folder of its own, [backup] journal",
        path.display()
    ))
}

/// The files of a journal, oldest first: their names are numbers with as many digits.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The recovery journal as it is written.
pub(super) struct Files {
    folder: PathBuf,
    head: Vec<u8>,
    who: Writer,
    file: File,
    path: PathBuf,
    last_row: i64,
}

impl Files {
    /// Opens a journal, and begins it where there is none.
    pub fn open(folder: &Path, server: &str, who: Writer) -> Result<Self, StoreError> {
        private_file::create_folder(folder).map_err(unwritable(folder))?;
        let head = Head { recovery_journal: 1, server: server.to_owned() };
        let known = files(folder).map_err(unreadable(folder))?;
        let mut last_row = 0;
        // The last file may have no line yet.
        for path in known.iter().rev() {
            let found = read_file(path, server, false)?;
            if let Some(line) = found.lines.iter().map(|line| line.row).max() {
                last_row = line;
                break;
            }
        }
        let mut head = serde_json::to_vec(&head).unwrap_or_default();
        head.push(b'\n');
        let path = known.last().cloned().unwrap_or_else(|| name(folder, last_row));
        let file = begin(&path, &head)?;
        Ok(Self { folder: folder.to_owned(), head, who, file, path, last_row })
    }

    /// The number of the last line.
    pub const fn last_row(&self) -> i64 {
        self.last_row
    }

    /// Adds lines. When it fails, nothing of them counts.
    pub fn append(&mut self, lines: &[Line]) -> Result<(), StoreError> {
        let Some(last) = lines.last() else { return Ok(()) };
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line).map_err(|error| StoreError::Unreadable(error.to_string()))?;
            text.push(b'\n');
        }
        let written = write_whole(&mut self.file, &self.head, &text).and_then(|length| {
            if lines.iter().any(Line::is_precious) {
                self.file.sync_data()?;
            }
            Ok(length)
        });
        let length = written.map_err(unwritable(&self.path))?;
        self.last_row = last.row;
        if length > MOST_BYTES && self.who == Writer::Server {
            let path = name(&self.folder, last.row + 1);
            self.file = begin(&path, &self.head)?;
            self.path = path;
        }
        Ok(())
    }
}

fn name(folder: &Path, row: i64) -> PathBuf {
    folder.join(format!("{row:020}.{ENDING}"))
}

fn begin(path: &Path, head: &[u8]) -> Result<File, StoreError> {
    let made = (|| {
        private_file::touch(path)?;
        let mut file = OpenOptions::new().read(true).append(true).open(path)?;
        write_whole(&mut file, head, b"")?;
        file.sync_all()?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
        Ok(file)
    })();
    made.map_err(unwritable(path))
}

/// Adds whole lines under a lock, after the first line where that is missing, and takes away what was cut before; gives
/// the length of the file.
fn write_whole(file: &mut File, head: &[u8], text: &[u8]) -> std::io::Result<u64> {
    file.lock()?;
    let written = (|| {
        let mut length = file.seek(SeekFrom::End(0))?;
        if length > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut end = [0];
            file.read_exact(&mut end)?;
            if end != *b"\n" {
                length = whole_lines(file, length)?;
                file.set_len(length)?;
            }
        }
        if length == 0 {
            file.write_all(head)?;
            length += head.len() as u64;
        }
        file.write_all(text)?;
        Ok(length + text.len() as u64)
    })();
    file.unlock()?;
    written
}

/// How much of a file is whole lines.
fn whole_lines(file: &mut File, length: u64) -> std::io::Result<u64> {
    let from = length.saturating_sub(MOST_BYTES * 2);
    file.seek(SeekFrom::Start(from))?;
    let mut rest = Vec::new();
    file.read_to_end(&mut rest)?;
    Ok(rest.iter().rposition(|byte| *byte == b'\n').map_or(from, |place| from + place as u64 + 1))
}

/// Reads a file. Its last line may have been cut: only then, and where nothing follows, that is as it may be.
fn read_file(path: &Path, server: &str, is_last: bool) -> Result<Found, StoreError> {
    let mut from = BufReader::new(File::open(path).map_err(unreadable(path))?);
    let mut found = Found::default();
    for number in 1.. {
        let mut bytes = Vec::new();
        let read = (&mut from).take(MOST_LINE).read_until(b'\n', &mut bytes).map_err(unreadable(path))?;
        if read == 0 {
            break;
        }
        let broken = |reason| Broken { file: path.to_owned(), line: number, reason };
        let whole = bytes.last() == Some(&b'\n');
        if number == 1 {
            match serde_json::from_slice::<Head>(&bytes) {
                Ok(head) if head.server == server && head.recovery_journal == 1 => {}
                Ok(_) => return Err(other_server(path)),
                Err(_) if !whole && is_last => {}
                Err(_) => found.broken.push(broken("it does not say whose it is")),
            }
            continue;
        }
        match serde_json::from_slice::<Line>(&bytes) {
            Ok(line) if whole => found.lines.push(line),
            _ if !whole && is_last => {}
            _ => found.broken.push(broken("it cannot be read")),
        }
    }
    Ok(found)
}

/// Reads a whole journal.
pub(super) fn read(folder: &Path, server: &str) -> Result<Found, StoreError> {
    let known = files(folder).map_err(unreadable(folder))?;
    let Some(last) = known.last() else {
        return Err(StoreError::RecoveryJournal(format!("is not in {}", folder.display())));
    };
    let mut all = Found::default();
    for path in &known {
        let found = read_file(path, server, path == last)?;
        all.lines.extend(found.lines);
        all.broken.extend(found.broken);
    }
    all.lines.sort_by_key(|line| line.row);
    Ok(all)
}

impl Found {
    /// What a restore of a backup whose last line is `row` lacks: the line of the backup itself, and any of which a
    /// later one says that it was there.
    pub fn missing_since(&self, row: i64) -> Option<i64> {
        let known: HashSet<i64> = self.lines.iter().map(|line| line.row).collect();
        if row > 0 && !known.contains(&row) {
            return Some(row);
        }
        let later = self.lines.iter().filter(|line| line.row > row);
        later.map(|line| line.prev).find(|prev| *prev > row && !known.contains(prev))
    }
}

/// Removes the files whose lines are all older.
pub(super) fn forget(folder: &Path, before: Timestamp) -> Result<usize, StoreError> {
    let known = files(folder).map_err(unreadable(folder))?;
    let mut removed = 0;
    for path in known.iter().rev().skip(1).rev() {
        let from = BufReader::new(File::open(path).map_err(unreadable(path))?);
        let mut newest = None;
        for line in from.lines() {
            let line = line.map_err(unreadable(path))?;
            let at = serde_json::from_str::<Line>(&line).ok().map(|line| line.at);
            newest = newest.max(at);
        }
        // Older ones are only removed before younger ones, so that what is left is whole from its first line on.
        if newest.is_none_or(|newest| newest >= before.millis()) {
            break;
        }
        std::fs::remove_file(path).map_err(unwritable(path))?;
        removed += 1;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines with these numbers, each at its number of milliseconds.
    fn lines(rows: std::ops::Range<i64>) -> Vec<Line> {
        let line = |row| Line { row, prev: row - 1, at: row, fact: "challenge.claimed".into(), ..Line::default() };
        rows.map(line).collect()
    }

    #[test]
    fn a_long_journal_goes_on_in_another_file_and_old_ones_go_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Files::open(folder.path(), "id", Writer::Server).unwrap();
        let mut command = Files::open(folder.path(), "id", Writer::Command).unwrap();
        server.append(&lines(1..60_000)).unwrap();
        command.append(&lines(59_000..60_001)).unwrap();
        server.append(&lines(60_000..130_000)).unwrap();
        server.append(&lines(130_000..130_010)).unwrap();
        assert_eq!(files(folder.path()).unwrap().len(), 2);
        let found = read(folder.path(), "id").unwrap();
        assert_eq!((found.broken.len(), found.missing_since(5), found.missing_since(130_009)), (0, None, None));
        assert_eq!(found.missing_since(130_010), Some(130_010), "it does not reach the backup");
        assert_eq!(Files::open(folder.path(), "id", Writer::Command).unwrap().last_row(), 130_009);
        assert!(Files::open(folder.path(), "other", Writer::Server).is_err());

        assert_eq!(forget(folder.path(), Timestamp::from_millis(100_000)).unwrap(), 0, "some of it is younger");
        assert_eq!(forget(folder.path(), Timestamp::from_millis(1_000_000)).unwrap(), 1, "the last one stays");
        let found = read(folder.path(), "id").unwrap();
        assert_eq!(found.missing_since(130_005), None, "a backup that is younger than what went is restored");
        assert!(found.missing_since(5).is_some());
    }

    #[test]
    fn a_line_that_was_cut_is_taken_away_by_whoever_writes_next() {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Files::open(folder.path(), "id", Writer::Server).unwrap();
        server.append(&lines(1..4)).unwrap();
        let path = files(folder.path()).unwrap().remove(0);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(read(folder.path(), "id").unwrap().broken.is_empty(), "cut at {length}");
            let mut again = Files::open(folder.path(), "id", Writer::Server).unwrap();
            let next = again.last_row() + 1;
            again.append(&lines(next..4)).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), whole, "cut at {length}");
        }
    }
}
