//! The master key: seals the secrets in the database, and is never in it.

use super::{KeysError, only_for_us};
use countersign_protocol::at_rest::AtRestKey;

use countersign_protocol::randomness::Randomness;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The file in the data folder that holds it where nothing else is configured.
const DEFAULT_FILE: &str = "master.key";

/// Where the master key comes from: one of the three.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MasterKeySource {
    /// The file `master.key` in the data directory.
    #[default]
    #[serde(skip_deserializing)]
    Default,
    /// This file.
    File(PathBuf),
    /// This environment variable.
    #[serde(rename = "env")]
    Environment(String),
    /// What this command prints.
    Command(Vec<String>),
}

impl MasterKeySource {
    /// The file that holds the key of the server in this folder, where it is in a file.
    pub fn file(&self, data_dir: &Path) -> Option<PathBuf> {
        match self {
            Self::Default => Some(data_dir.join(DEFAULT_FILE)),
            Self::File(path) => Some(path.clone()),
            Self::Environment(_) | Self::Command(_) => None,
        }
    }
}

/// Makes the file of a new server's master key where it is to be in a file and that is missing; gives that file.
///
/// # Errors
/// [`KeysError::MasterKey`], when the file cannot be written.
pub fn make(
    source: &MasterKeySource,
    data_dir: &Path,
    randomness: &dyn Randomness,
) -> Result<Option<PathBuf>, KeysError> {
    let Some(path) = source.file(data_dir) else { return Ok(None) };
    let text = Zeroizing::new(BASE64.encode(&*Zeroizing::new(randomness.bytes::<32>())) + "\n");
    match private_file::write_new(&path, text.as_bytes()) {
        Ok(()) => Ok(Some(path)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(wrong(format!("the master key cannot be written to {}: {error}", path.display()))),
    }
}

/// Reads the master key of a server.
///
/// # Errors
/// [`KeysError::MasterKey`], with what to do about it.
pub fn load(source: &MasterKeySource, data_dir: &Path) -> Result<AtRestKey, KeysError> {
    let text = match source {
        MasterKeySource::File(path) => read(path)?,
        MasterKeySource::Default => read(&data_dir.join(DEFAULT_FILE))?,
        MasterKeySource::Environment(name) => Zeroizing::new(
            std::env::var(name)
                .map_err(|_| wrong(format!("the environment variable {name} does not hold a master key")))?,
        ),
        MasterKeySource::Command(command) => print_key(command)?,
    };
    // An editor may have put a byte order mark before it, and a variable quotes around it.
    let bare = text.trim_matches(|one: char| one.is_whitespace() || matches!(one, '\u{feff}' | '"' | '\''));
    let bytes = Zeroizing::new(BASE64.decode(bare.as_bytes()).map_err(|_| not_a_key())?);
    let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(bytes.as_slice().try_into().map_err(|_| not_a_key())?);
    Ok(AtRestKey::new(&bytes))
}

fn wrong(reason: String) -> KeysError {
    KeysError::MasterKey(reason)
}

fn not_a_key() -> KeysError {
    wrong("a master key is 32 bytes in base64; make one with: head -c 32 /dev/urandom | base64".into())
}

fn read(path: &Path) -> Result<Zeroizing<String>, KeysError> {
    only_for_us::check(path).map_err(wrong)?;
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(wrong(format!(
            "{} is missing, and the database was made with one. Put the file back from where you keep it; without it \
             the secrets in the database cannot be read",
            path.display()
        ))),
        Err(error) => Err(wrong(format!("{} cannot be read: {error}", path.display()))),
    }
}

fn print_key(command: &[String]) -> Result<Zeroizing<String>, KeysError> {
    let [program, arguments @ ..] = command else {
        return Err(wrong("[master_key] command is empty".into()));
    };
    let output = std::process::Command::new(program)
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| wrong(format!("{program}, which should print the master key, does not start: {error}")))?;
    if !output.status.success() {
        return Err(wrong(format!("{program}, which should print the master key, ended with {}", output.status)));
    }
    String::from_utf8(output.stdout).map(Zeroizing::new).map_err(|_| not_a_key())
}
