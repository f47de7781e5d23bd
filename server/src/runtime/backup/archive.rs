//! The form of a backup file: a line that says what it is, a line of JSON that says what is in it, the files one after
//! the other, and the SHA-256 of all that, sealed under the master key. With a recipient, all but the first line is
//! sealed to that.
//!
//! The digest notices what a disk has done, and its sealing what a person has done: whoever can write where backups lie
//! does not have the master key.

use super::sealed::{In, Opened, Out};
use super::{BackupError, Watch, of_file};
use countersign_protocol::at_rest::{AtRestKey, Location};
use countersign_protocol::randomness::Randomness;
use countersign_protocol::sealing::stream::{HEAD_LENGTH, StreamOpener, StreamSealer};
use countersign_protocol::sealing::{SealingKey, SealingPublicKey};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The first line of a backup that is not sealed.
const PLAIN: &[u8] = b"countersign backup 1\n";
/// The first line of one that is.
const SEALED: &[u8] = b"countersign backup 1 sealed\n";
/// What the sealing is bound to.
const PURPOSE: &str = "countersign backup v1";
/// The longest second line that is read, in bytes.
const MOST_MANIFEST: usize = 64 * 1024;
/// The longest sealed digest that is read, in bytes.
const MOST_SEAL: u64 = 1024;
/// Bytes that are copied at a time.
const PIECE: usize = 1024 * 1024;

const SEAL_LOCATION: Location<'_> = Location { table: "backup", row: "", column: "sha256" };

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The server's id.
    pub server_id: String,
    /// When it was made, by the server's clock: RFC 3339.
    pub made_at: String,
    /// The files, in their order.
    pub files: Vec<Entry>,
}

/// A file in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name in the data folder.
    pub name: String,
    /// Its bytes.
    pub size: u64,
}

/// What becomes a file of a backup.
pub enum Source {
    /// The content of this file.
    File(PathBuf),
    /// These bytes.
    Bytes(Vec<u8>),
}

/// A backup that is being written.
pub struct Writing {
    out: Out,
    digest: Context,
    path: PathBuf,
}

impl Writing {
    /// Begins a file. One that is there is overwritten.
    ///
    /// # Errors
    /// [`BackupError::File`], [`BackupError::Key`] for a recipient that is no key.
    pub fn begin(path: &Path, to: Option<&SealingPublicKey>, randomness: &dyn Randomness) -> Result<Self, BackupError> {
        let file = private_file::touch(path).map_err(of_file(path))?;
        file.set_len(0).map_err(of_file(path))?;
        let mut out = BufWriter::with_capacity(PIECE, file);
        out.write_all(if to.is_some() { SEALED } else { PLAIN }).map_err(of_file(path))?;
        let out = match to {
            None => Out::Plain(out),
            Some(to) => {
                let begun = StreamSealer::begin(to, PURPOSE, randomness);
                let (head, sealer) = begun.map_err(|refusal| BackupError::Key(refusal.to_string()))?;
                out.write_all(&head).map_err(of_file(path))?;
                Out::Sealed(out, Box::new(sealer), zeroize::Zeroizing::default())
            }
        };
        Ok(Self { out, digest: Context::new(&SHA256), path: path.to_owned() })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.digest.update(bytes);
        self.out.write_all(bytes).map_err(of_file(&self.path))
    }

    /// Writes what the manifest says. Takes as long as the files are large.
    ///
    /// # Errors
    /// [`BackupError::File`], also for a source that is not as long as the manifest says.
    pub fn put_all(mut self, manifest: &Manifest, sources: Vec<Source>, watch: &Watch) -> Result<Self, BackupError> {
        let mut line = serde_json::to_vec(manifest).unwrap_or_default();
        line.push(b'\n');
        self.put(&line)?;
        let all: u64 = manifest.files.iter().map(|file| file.size).sum();
        let mut done = 0;
        for (entry, source) in manifest.files.iter().zip(sources) {
            let before = done;
            match source {
                Source::Bytes(bytes) => {
                    self.put(&bytes)?;
                    done += bytes.len() as u64;
                }
                Source::File(path) => {
                    let mut from = File::open(&path).map_err(of_file(&path))?;
                    let mut piece = vec![0; PIECE];
                    loop {
                        let read = from.read(&mut piece).map_err(of_file(&path))?;
                        if read == 0 {
                            break;
                        }
                        self.put(&piece[..read])?;
                        done += read as u64;
                        if !watch("writing", done, all) {
                            return Err(BackupError::Stopped);
                        }
                    }
                }
            }
            if done - before != entry.size {
                let changed = std::io::Error::other(format!("{} changed while it was written", entry.name));
                return Err(of_file(&self.path)(changed));
            }
        }
        Ok(self)
    }

    /// Seals the digest under the master key, writes it, and waits for the disk.
    ///
    /// # Errors
    /// [`BackupError::File`].
    pub fn finish(self, at_rest: &AtRestKey, randomness: &dyn Randomness) -> Result<(), BackupError> {
        let Self { mut out, digest, path } = self;
        let seal = at_rest.seal(SEAL_LOCATION, digest.finish().as_ref(), randomness);
        out.write_all(&seal).and_then(|()| out.finish()).map_err(of_file(&path))
    }
}

/// A backup that is being read.
pub struct Reading {
    from: In,
    digest: Context,
    path: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
}

impl Reading {
    /// Opens a backup, and reads what is in it.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn open(path: &Path, key: Option<&SealingKey>) -> Result<Self, BackupError> {
        let file = File::open(path).map_err(of_file(path))?;
        let mut from = BufReader::with_capacity(PIECE, file);
        let mut first = Vec::new();
        // Byte by byte, up to the longest first line that there is.
        while first.last() != Some(&b'\n') && first.len() < SEALED.len() {
            let mut byte = [0];
            if from.read(&mut byte).map_err(of_file(path))? == 0 {
                break;
            }
            first.extend_from_slice(&byte);
        }
        let from = match &*first {
            PLAIN => In::Plain(from),
            SEALED => {
                let key = key.ok_or_else(|| BackupError::Sealed(path.to_owned()))?;
                let mut head = [0; HEAD_LENGTH];
                from.read_exact(&mut head).map_err(|_| BackupError::WrongKey(path.to_owned()))?;
                let opener = StreamOpener::begin(key, &head, PURPOSE);
                let opener = opener.map_err(|_| BackupError::WrongKey(path.to_owned()))?;
                In::Sealed(Box::new(Opened::new(from, opener).map_err(of_file(path))?))
            }
            _ => return Err(BackupError::NoBackup(path.to_owned())),
        };
        let manifest = Manifest { server_id: String::new(), made_at: String::new(), files: Vec::new() };
        let mut reading = Self { from, digest: Context::new(&SHA256), path: path.to_owned(), manifest };
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            reading.take(&mut byte)?;
            line.extend_from_slice(&byte);
            if line.len() > MOST_MANIFEST {
                return Err(reading.damaged("what is in it cannot be read"));
            }
        }
        reading.manifest =
            serde_json::from_slice(&line).map_err(|_| reading.damaged("what is in it cannot be read"))?;
        Ok(reading)
    }

    fn damaged(&self, reason: &str) -> BackupError {
        BackupError::Damaged { file: self.path.clone(), reason: reason.to_owned() }
    }

    /// An error while reading: what is sealed and does not open says so by its kind.
    fn failed(&self, error: std::io::Error) -> BackupError {
        match error.kind() {
            std::io::ErrorKind::InvalidData => BackupError::WrongKey(self.path.clone()),
            std::io::ErrorKind::UnexpectedEof => self.damaged("it ends too early"),
            _ => BackupError::File { file: self.path.clone(), error },
        }
    }

    fn take(&mut self, into: &mut [u8]) -> Result<(), BackupError> {
        self.from.read_exact(into).map_err(|error| self.failed(error))?;
        self.digest.update(into);
        Ok(())
    }

    /// Writes the files that have one of these names into a folder, reads everything to its end, and checks it. What
    /// it has written before it fails is to be thrown away.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn unpack(
        mut self,
        names: &[&str],
        folder: &Path,
        at_rest: &AtRestKey,
        watch: &Watch,
    ) -> Result<Manifest, BackupError> {
        let all: u64 = self.manifest.files.iter().map(|file| file.size).sum();
        let mut done = 0;
        for entry in self.manifest.files.clone() {
            let path = names.iter().find(|name| **name == entry.name).map(|name| folder.join(name));
            let mut into = match &path {
                Some(path) => {
                    let file = private_file::touch(path).map_err(of_file(path))?;
                    file.set_len(0).map_err(of_file(path))?;
                    Some((file, path))
                }
                None => return Err(self.damaged("there is a file in it that does not belong there")),
            };
            let mut left = entry.size;
            while left > 0 {
                let mut piece = vec![0; usize::try_from(left).unwrap_or(PIECE).min(PIECE)];
                self.take(&mut piece)?;
                left -= piece.len() as u64;
                done += piece.len() as u64;
                if let Some((file, path)) = &mut into {
                    file.write_all(&piece).map_err(of_file(path))?;
                }
                if !watch("reading", done, all) {
                    return Err(BackupError::Stopped);
                }
            }
            if let Some((file, path)) = into {
                file.sync_all().map_err(of_file(path))?;
            }
        }
        let mut seal = Vec::new();
        let rest = (&mut self.from).take(MOST_SEAL).read_to_end(&mut seal);
        rest.map_err(|error| self.failed(error))?;
        let Self { digest, path, manifest, .. } = self;
        if seal.is_empty() {
            return Err(BackupError::Damaged { file: path, reason: "it ends too early".into() });
        }
        match at_rest.open(SEAL_LOCATION, &seal) {
            Ok(kept) if kept.as_slice() == digest.finish().as_ref() => Ok(manifest),
            Ok(_) => Err(BackupError::Damaged { file: path, reason: "its digest is another".into() }),
            Err(countersign_protocol::at_rest::AtRestError::WrongKey) => Err(BackupError::OtherMasterKey(path)),
            Err(countersign_protocol::at_rest::AtRestError::Damaged) => {
                Err(BackupError::Damaged { file: path, reason: "its end was cut or changed".into() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::randomness::SystemRandomness;
    use std::sync::Arc;

    const NAMES: [&str; 2] = ["countersign.db", "server.id"];

    fn silent() -> Watch {
        Arc::new(|_, _, _| true)
    }

    fn write(path: &Path, database: &[u8], to: Option<&SealingPublicKey>) {
        let files = vec![
            Entry { name: NAMES[0].into(), size: database.len() as u64 },
            Entry { name: NAMES[1].into(), size: 3 },
        ];
        let manifest = Manifest { server_id: "id".into(), made_at: "then".into(), files };
        let sources = vec![Source::Bytes(database.to_vec()), Source::Bytes(b"id\n".to_vec())];
        let randomness = SystemRandomness::new();
        let written = Writing::begin(path, to, &randomness).unwrap().put_all(&manifest, sources, &silent()).unwrap();
        written.finish(&AtRestKey::new(&[1; 32]), &randomness).unwrap();
    }

    fn read(path: &Path, key: Option<&SealingKey>, master: u8) -> Result<Vec<u8>, BackupError> {
        let folder = tempfile::tempdir().unwrap();
        let reading = Reading::open(path, key)?;
        reading.unpack(&NAMES, folder.path(), &AtRestKey::new(&[master; 32]), &silent())?;
        assert_eq!(std::fs::read(folder.path().join(NAMES[1])).unwrap(), b"id\n");
        Ok(std::fs::read(folder.path().join(NAMES[0])).unwrap())
    }

    #[test]
    fn what_was_put_in_comes_out_sealed_or_not_at_every_length_around_a_piece() {
        let folder = tempfile::tempdir().unwrap();
        let key = SealingKey::generate(&SystemRandomness::new());
        let piece = countersign_protocol::sealing::stream::PIECE_LENGTH;
        for length in [0, 1, piece - 200, piece - 1, piece, piece + 1, 3 * piece] {
            let database: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let path = folder.path().join("backup");
            write(&path, &database, None);
            assert_eq!(read(&path, None, 1).unwrap(), database, "{length}");
            write(&path, &database, Some(&key.public()));
            assert_eq!(read(&path, Some(&key), 1).unwrap(), database, "{length}, sealed");
        }
    }

    #[test]
    fn what_was_cut_or_changed_is_refused_wherever_that_was() {
        let folder = tempfile::tempdir().unwrap();
        let (key, other) =
            (SealingKey::generate(&SystemRandomness::new()), SealingKey::generate(&SystemRandomness::new()));
        let path = folder.path().join("backup");
        for to in [None, Some(key.public())] {
            write(&path, b"a database", to.as_ref());
            let whole = std::fs::read(&path).unwrap();
            for length in 0..whole.len() {
                std::fs::write(&path, &whole[..length]).unwrap();
                assert!(read(&path, Some(&key), 1).is_err(), "cut at {length}");
            }
            for place in 0..whole.len() {
                let mut changed = whole.clone();
                changed[place] ^= 1;
                std::fs::write(&path, &changed).unwrap();
                assert!(read(&path, Some(&key), 1).is_err(), "changed at {place}");
            }
            std::fs::write(&path, [&*whole, b"more"].concat()).unwrap();
            assert!(read(&path, Some(&key), 1).is_err(), "with something behind it");
            std::fs::write(&path, &whole).unwrap();
            assert!(matches!(read(&path, Some(&key), 2), Err(BackupError::OtherMasterKey(_))));
        }
        assert!(matches!(read(&path, None, 1), Err(BackupError::Sealed(_))));
        assert!(matches!(read(&path, Some(&other), 1), Err(BackupError::WrongKey(_))));
        std::fs::write(&path, "PK").unwrap();
        assert!(matches!(read(&path, None, 1), Err(BackupError::NoBackup(_))));
    }
}
