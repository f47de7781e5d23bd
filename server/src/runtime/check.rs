//! All that a server reads at its start, looked at without starting one: nothing is made, moved or migrated.

use super::attestation::AttestationConfig;
use super::config::Loaded;
use super::data_folder::{self, Standing};
use super::file_limit;
use super::startup::StartupError;
use crate::delivery::push::fcm::service_account::ServiceAccount;
use crate::domain::apps::Apps;
use crate::domain::attestation::AttestationPolicy;
use crate::keys::attestation::Trust;
use crate::keys::server_keys::ID_FILE;
use crate::keys::{key_file, master_key, only_for_us};
use crate::runtime::tls;
use crate::store::recovery;
use countersign_protocol::time::{Clock, Timestamp};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A server starts with it, or is made with it.
    Ok,
    /// A server starts with it, and somebody should look at it.
    Warn,
    /// A server does not start with it.
    Error,
}

impl Verdict {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// What was found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The thing: a setting, or what it speaks of.
    pub subject: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// In a sentence; without secrets.
    pub says: String,
}

/// What has been found so far.
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, subject: &'static str, verdict: Verdict, says: impl Into<String>) {
        self.0.push(Finding { subject, verdict, says: says.into() });
    }

    /// What was read, or why it was not.
    fn read<T>(
        &mut self,
        subject: &'static str,
        read: Result<T, String>,
        says: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        match read {
            Ok(value) => {
                self.add(subject, Verdict::Ok, says(&value));
                Some(value)
            }
            Err(reason) => {
                self.add(subject, Verdict::Error, reason);
                None
            }
        }
    }
}

/// Looks at everything that this configuration names.
pub fn check(loaded: &Loaded, clock: &dyn Clock) -> Vec<Finding> {
    let config = &loaded.config;
    let mut found = Findings(Vec::new());
    found.add("configuration", Verdict::Ok, loaded.told());
    let url = config.public_url_at(config.listen).map_err(|error| error.to_string());
    let url = found.read("public_url", url, Clone::clone);
    listen(loaded, &mut found);
    tls_pair(loaded, url.as_deref(), clock.now(), &mut found);
    folder(&config.data_dir, clock.now(), &mut found);
    let missing = config.master_key.file(&config.data_dir).is_some_and(|path| !path.exists());
    let known = data_folder::database(&config.data_dir).exists();
    match master_key::load(&config.master_key, &config.data_dir) {
        Ok(_) => found.add("master_key", Verdict::Ok, "it can be read"),
        // Only the file of a server that is not there yet is made.
        Err(_) if missing && !known => found.add("master_key", Verdict::Ok, "countersign init makes it"),
        Err(error) => found.add("master_key", Verdict::Error, error.to_string()),
    }
    backup(loaded, &mut found);
    attestation(&config.attestation, &config.apps.apps(), &mut found);
    push(loaded, &mut found);
    let (fit, says) = file_limit::look(config.limits.connections);
    let verdict = match fit {
        fit if fit >= config.limits.connections => Verdict::Ok,
        fit if fit >= file_limit::LEAST => Verdict::Warn,
        _ => Verdict::Error,
    };
    found.add("file limit", verdict, says);
    found.0
}

fn attestation(config: &AttestationConfig, apps: &Apps, found: &mut Findings) {
    let says = |trust: &Trust| match config.android {
        AttestationPolicy::Off => "phones are not asked where their keys live".into(),
        _ => format!("{} roots, {} withdrawn certificates", trust.roots.fingerprints().count(), trust.revoked.len()),
    };
    found.read("attestation", config.read(apps).map_err(|error| error.to_string()), says);
    for warning in config.warnings(apps) {
        found.add("attestation", Verdict::Warn, warning);
    }
}

fn listen(loaded: &Loaded, found: &mut Findings) {
    let config = &loaded.config;
    port("listen", config.listen, found);
    if let Some(address) = config.metrics.listen {
        port("metrics.listen", address, found);
    }
    if config.tls.is_none() && !config.listen.ip().is_loopback() {
        let says = "there is no [tls], and others than this machine reach the port: only your own proxy should";
        found.add("tls", Verdict::Warn, says);
    } else if config.tls.is_none() {
        found.add("tls", Verdict::Ok, "a proxy on this machine speaks it");
    }
    let proxies = config.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let says = if proxies.is_empty() { "none: the address of a connection is the caller's".into() } else { proxies };
    found.add("trusted_proxies", Verdict::Ok, says);
}

fn port(subject: &'static str, address: SocketAddr, found: &mut Findings) {
    match TcpListener::bind(address) {
        Ok(_) => found.add(subject, Verdict::Ok, format!("{address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let says = format!("{address} is taken: by this server, if it runs; else another program listens there");
            found.add(subject, Verdict::Warn, says);
        }
        Err(error) => found.add(subject, Verdict::Error, format!("cannot listen on {address}: {error}")),
    }
}

/// The recovery journal, without which or with another server's a server does not start, and where backups go.
fn backup(loaded: &Loaded, found: &mut Findings) {
    let config = &loaded.config;
    let journal = config.backup.journal(&config.data_dir);
    // What else is wrong with the data folder is told under data_dir.
    let id = std::fs::read_to_string(config.data_dir.join(ID_FILE)).ok().filter(|_| journal.exists());
    match id {
        Some(id) => {
            let read = recovery::read(&journal, id.trim()).map_err(|error| error.to_string());
            found.read("backup.journal", read, |_| journal.display().to_string());
        }
        None => found.add("backup.journal", Verdict::Ok, format!("{} is made at the start", journal.display())),
    }
    match &config.backup.schedule {
        Some(schedule) if schedule.directory.is_dir() => {
            found.add("backup.directory", Verdict::Ok, schedule.directory.display().to_string());
        }
        Some(schedule) => {
            let says = format!("{} is no folder: no backup is made until it is", schedule.directory.display());
            found.add("backup.directory", Verdict::Warn, says);
        }
        None => found.add("backup.directory", Verdict::Ok, "not configured: no backup is made by itself"),
    }
}

fn tls_pair(loaded: &Loaded, url: Option<&str>, now: Timestamp, found: &mut Findings) {
    let Some(config) = &loaded.config.tls else { return };
    let read = config.read().map_err(|error| error.to_string());
    let says = "certificate and key belong to each other";
    if let Some(pair) = found.read("tls", read, |_| says.into()) {
        let days = now.until(pair.ends).as_secs() / (24 * 3600);
        let warnings = pair.warnings(url.and_then(tls::host).as_deref(), now);
        if warnings.is_empty() {
            found.add("tls.cert", Verdict::Ok, format!("it serves for {days} days more"));
        }
        for warning in warnings {
            found.add("tls.cert", Verdict::Warn, warning);
        }
    }
    private("tls.key", &config.key, found);
}

fn folder(data_dir: &Path, now: Timestamp, found: &mut Findings) {
    let shown = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    match data_folder::standing(data_dir, &data_folder::place(data_dir)) {
        Err(error) => found.add("data_dir", Verdict::Error, error.to_string()),
        Ok(Standing::HalfMade) => {
            found.add("data_dir", Verdict::Error, StartupError::HalfMade(data_dir.to_owned()).to_string());
        }
        Ok(Standing::Server(_)) => {
            private("data_dir", data_dir, found);
            found.add("data_dir", Verdict::Ok, shown.display().to_string());
        }
        Ok(Standing::Nothing) if data_dir.exists() && !data_dir.is_dir() => {
            found.add("data_dir", Verdict::Error, format!("{} is no folder", shown.display()));
        }
        Ok(Standing::Nothing) => {
            let says = format!("{} has no server yet: countersign init makes one", shown.display());
            found.add("data_dir", Verdict::Ok, says);
        }
    }
    // A server refuses a root that others can use; of the master key, reading it says the same.
    if let Err(reason) = only_for_us::check(&data_dir.join("root.key")) {
        found.add("data_dir", Verdict::Error, reason);
    }
    private("data_dir", &data_folder::database(data_dir), found);
    // What was written last was written by a clock that was right then.
    let database = data_folder::database(data_dir);
    let written = std::fs::metadata(database).and_then(|metadata| metadata.modified()).ok();
    let written = written.and_then(|at| i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok());
    match written.map(Timestamp::from_millis) {
        Some(written) if now < written => {
            found.add("clock", Verdict::Warn, "it is before the moment at which the database was written last");
        }
        _ => found.add("clock", Verdict::Ok, crate::domain::moment::rfc3339(now)),
    }
}

/// Warns of what others than its owner can read.
#[cfg(unix)]
fn private(subject: &'static str, path: &Path, found: &mut Findings) {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let Ok(metadata) = std::fs::metadata(path) else { return };
    let mode = metadata.permissions().mode() & 0o777;
    // A key that a group of its own reads is how certificates are often shared; nobody else has a reason.
    let others = if subject == "tls.key" { 0o007 } else { 0o077 };
    if mode & others != 0 {
        let right = if metadata.is_dir() { "700" } else { "600" };
        let says = format!("{} can be read by others (mode {mode:o}): chmod {right}", path.display());
        found.add(subject, Verdict::Warn, says);
    }
    // Linux says in the owner of its own entry who this process is.
    let own = std::fs::metadata("/proc/self").map(|own| own.uid()).ok();
    if own.is_some_and(|own| own != metadata.uid() && own != 0) {
        let says = format!("{} is another user's; run this as the server's user", path.display());
        found.add(subject, Verdict::Warn, says);
    }
}

#[cfg(not(unix))]
fn private(_: &'static str, _: &Path, _: &mut Findings) {}

fn push(loaded: &Loaded, found: &mut Findings) {
    let config = &loaded.config.push;
    let roots: [(&'static str, &[PathBuf]); 3] = [
        ("push.webpush", &config.webpush.extra_roots),
        ("push.apns", &config.apns.extra_roots),
        ("webhook", &loaded.config.webhook.extra_roots),
    ];
    for (subject, extra) in roots {
        if !extra.is_empty() {
            let read = https_client::roots(extra).map_err(|error| error.to_string());
            found.read(subject, read, |_| "its extra_roots can be read".into());
        }
    }
    match (&config.apns.key_file, config.apns.is_configured()) {
        (Some(path), _) => {
            let read = key_file::read(path).and_then(|text| key_file::p256(&text));
            let read = read.map_err(|reason| format!("key_file: {}: {reason}", path.display()));
            found.read("push.apns", read, |_| "its key can be read".into());
            private("push.apns", path, found);
        }
        (None, true) => found.add("push.apns", Verdict::Error, "key_file is missing"),
        (None, false) => found.add("push.apns", Verdict::Ok, "not configured: iPhones hear nothing by themselves"),
    }
    match &config.fcm {
        Some(fcm) => {
            let read = ServiceAccount::read(&fcm.service_account).map_err(|error| error.to_string());
            found.read("push.fcm", read.map(drop), |()| "its service account can be read".into());
            private("push.fcm", &fcm.service_account, found);
        }
        None => found.add("push.fcm", Verdict::Ok, "not configured: Androids hear through Web Push or not at all"),
    }
    if config.webpush.allow_private {
        found.add("push.webpush", Verdict::Warn, "allow_private is true: endpoints may lead into your network");
    }
}
