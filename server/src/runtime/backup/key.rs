//! The pair of keys of sealed backups: the public half on the server, the private one where backups are restored.
//!
//! Both are written with a checksum, so that a letter which was lost on the way is noticed before backups are made that
//! nobody can open.

use super::{BackupError, of_file};
use crate::keys::key_file;
use countersign_protocol::key::sha256;
use countersign_protocol::randomness::Randomness;
use countersign_protocol::sealing::{SealingKey, SealingPublicKey};
use data_encoding::BASE64URL_NOPAD;
use std::path::Path;
use zeroize::Zeroizing;

/// What the public half begins with.
const PUBLIC: &str = "countersign-backup-to-";
/// What the private half begins with.
const PRIVATE: &str = "countersign-backup-secret-";
/// Bytes of the checksum.
const CHECKSUM: usize = 4;

fn write(prefix: &str, bytes: &[u8; 32]) -> Zeroizing<String> {
    let mut checked = Zeroizing::new(bytes.to_vec());
    checked.extend_from_slice(&sha256(bytes)[..CHECKSUM]);
    Zeroizing::new(format!("{prefix}{}", BASE64URL_NOPAD.encode(&checked)))
}

fn read(prefix: &str, text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let checked = Zeroizing::new(BASE64URL_NOPAD.decode(text.trim().strip_prefix(prefix)?.as_bytes()).ok()?);
    let (bytes, checksum) = checked.split_at_checked(32)?;
    let bytes = Zeroizing::new(<[u8; 32]>::try_from(bytes).ok()?);
    (checksum == &sha256(&*bytes)[..CHECKSUM]).then_some(bytes)
}

/// The public half as people pass it on.
pub fn recipient_text(key: &SealingPublicKey) -> String {
    write(PUBLIC, key.as_bytes()).to_string()
}

/// Reads the public half.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub fn recipient(text: &str) -> Result<SealingPublicKey, String> {
    let found = read(PUBLIC, text).ok_or_else(|| {
        if text.trim().starts_with(PRIVATE) {
            return "this is the private half, which belongs to whoever restores; the server takes the other one"
                .into();
        }
        format!("a recipient is what `countersign admin backup-key` has printed: {PUBLIC}..., and all of it")
    });
    found.map(|bytes| SealingPublicKey::from_bytes(*bytes))
}

/// Makes a pair: the private half goes into a new file for this user alone, the public one is given.
///
/// # Errors
/// [`BackupError::Exists`], [`BackupError::File`].
pub fn create(file: &Path, randomness: &dyn Randomness) -> Result<SealingPublicKey, BackupError> {
    let key = SealingKey::generate(randomness);
    let text = Zeroizing::new(format!("{}\n", write(PRIVATE, &key.to_bytes()).as_str()));
    match private_file::write_new(file, text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(BackupError::Exists(file.to_owned())),
        written => written.map(|()| key.public()).map_err(of_file(file)),
    }
}

/// Reads the private half from its file.
///
/// # Errors
/// [`BackupError::Key`], with what is wrong.
pub fn open(file: &Path) -> Result<SealingKey, BackupError> {
    let wrong = |reason: &str| BackupError::Key(format!("{}: {reason}", file.display()));
    let bytes = key_file::read(file).map_err(|reason| wrong(&reason))?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let found = read(PRIVATE, text);
    let found = found.ok_or_else(|| wrong("it does not hold the private key of backups, or not all of it"))?;
    SealingKey::from_bytes(&*found).map_err(|_| wrong("it holds no key"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_protocol::randomness::SystemRandomness;

    #[test]
    fn a_key_is_read_as_it_was_written_and_not_with_a_letter_lost() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup.key");
        let public = create(&file, &SystemRandomness::new()).unwrap();
        assert!(matches!(create(&file, &SystemRandomness::new()), Err(BackupError::Exists(_))));
        assert_eq!(open(&file).unwrap().public(), public);
        let text = recipient_text(&public);
        assert_eq!(recipient(&format!(" {text}\n")).unwrap(), public);
        for place in PUBLIC.len()..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            assert!(recipient(&String::from_utf8(changed).unwrap()).is_err(), "the letter at {place}");
        }
        assert!(recipient(&text[..text.len() - 1]).is_err());
        let private = std::fs::read_to_string(&file).unwrap();
        assert!(recipient(&private).unwrap_err().contains("private half"));
        assert!(!recipient(&private).unwrap_err().contains(private.trim()), "it is not repeated");
    }
}
