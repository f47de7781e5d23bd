//! The server's configuration: a TOML file, overlaid by the environment.

#[cfg(test)]
mod example;
pub mod settings;
mod show;
pub mod source;

use super::apps::AppsConfig;
use super::attestation::AttestationConfig;
use super::backup::config::BackupConfig;
use super::metrics::config::MetricsConfig;
use super::retention::config::RetentionConfig;
use super::startup::StartupError;
use super::tls::TlsConfig;
use crate::delivery::push::config::PushConfig;
use crate::delivery::webhook::config::WebhookConfig;
use crate::domain::network::Network;
use crate::doors::forwarded::{Proxies, ProxyHeader};
use crate::keys::backup_code_hash::HashCost;
use crate::keys::master_key::MasterKeySource;
use crate::service::limits::Limits;
use serde::{Deserialize, Serialize};
use source::{CONFIG_VARIABLE, DEFAULT_FILE, Origin, Source};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The whole configuration.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// The address under which phones reach this server, without a trailing slash. Default: `http://` and `listen`.
    pub public_url: Option<String>,
    /// The addresses of the operator's own proxies: what they say of whom they speak for is believed.
    #[serde(default)]
    pub trusted_proxies: Vec<Network>,
    /// The header in which they say it. The other one is whatever a stranger wrote.
    #[serde(default)]
    pub proxy_header: ProxyHeader,
    /// TLS of the server's own. Without it, a proxy speaks TLS.
    pub tls: Option<TlsConfig>,
    /// Where the database is.
    #[serde(default = "default_data_dir")]
    pub data_dir: PathBuf,
    /// Where the master key comes from. Default: the file `master.key` in `data_dir`.
    #[serde(default)]
    pub master_key: MasterKeySource,
    /// The ways to the phones.
    #[serde(default)]
    pub push: PushConfig,
    /// How relying parties are told of their challenges.
    #[serde(default)]
    pub webhook: WebhookConfig,
    /// One-time codes.
    #[serde(default)]
    pub codes: CodesConfig,
    /// What an approval is worth.
    #[serde(default)]
    pub approval: ApprovalConfig,
    /// Which apps are the operator's own.
    #[serde(default)]
    pub apps: AppsConfig,
    /// What is asked of phones beside their own word.
    #[serde(default)]
    pub attestation: AttestationConfig,
    /// How long what is over is kept.
    #[serde(default)]
    pub retention: RetentionConfig,
    /// Backups, and the recovery journal.
    #[serde(default)]
    pub backup: BackupConfig,
    /// Bounds.
    #[serde(default)]
    pub limits: Limits,
    /// The log.
    #[serde(default)]
    pub log: LogConfig,
    /// The figures.
    #[serde(default)]
    pub metrics: MetricsConfig,
    /// What the hash of a backup code costs. It is not in the file: a world of a test's own makes it cheap.
    #[serde(skip)]
    pub hash_cost: HashCost,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

fn default_data_dir() -> PathBuf {
    PathBuf::from("countersign-data")
}

/// One-time codes.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodesConfig {
    /// Whether only the code of this very step is accepted. Otherwise the one before and the one after it are too, for
    /// clocks that are half a minute wrong.
    pub strict: bool,
}

/// What an approval is worth.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApprovalConfig {
    /// Whether a phone's own word that it verified its owner (biometric or PIN) is believed: such an approval unlocks
    /// the account's codes, and lets pushes through again after a report. With `false`, only that of a phone whose key
    /// is attested to ask its owner each time, and an administrator.
    pub accept_unattested: bool,
}

impl Default for ApprovalConfig {
    fn default() -> Self {
        Self { accept_unattested: true }
    }
}

/// The log.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// How lines look.
    #[serde(default)]
    pub format: LogFormat,
    /// Whether each answer is a line: method, route, status, how long it took, the request's id, and which relying
    /// party asked.
    #[serde(default)]
    pub access: bool,
    /// Whether such a line has the caller's address too, which is personal data.
    #[serde(default)]
    pub addresses: bool,
}

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// A configuration, and where it comes from.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// Where each value comes from that is not the default, by its key.
    pub origins: BTreeMap<String, Origin>,
}

impl Loaded {
    /// Reads the configuration file that counts ([`source::locate`]) and overlays the environment.
    ///
    /// # Errors
    /// [`StartupError::Configuration`], with place, found and expected.
    pub fn find(
        named: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, StartupError> {
        let environment: Vec<(String, String)> = environment.collect();
        let file = source::locate(named, &environment, Path::new(DEFAULT_FILE));
        Self::read(file, &environment).map_err(StartupError::Configuration)
    }

    fn read(file: Option<PathBuf>, environment: &[(String, String)]) -> Result<Self, String> {
        let source = Source::read(file.as_deref(), environment)?;
        for (key, beside) in NEEDED {
            let section = source.get(beside).and_then(toml::Value::as_table);
            if section.is_some_and(|section| !section.is_empty()) && source.get(key).is_none() {
                let other = source.origins.iter().find(|(other, _)| other.starts_with(beside));
                let place = other.map(|(_, origin)| format!("{origin}: ")).unwrap_or_default();
                let expected = settings::find(key).map_or("a value", |setting| setting.kind.expected());
                return Err(format!("{place}{key}: found nothing, expected {expected}: [{beside}] needs it"));
            }
        }
        let config: Config = match source.table.clone().try_into() {
            Ok(config) => config,
            Err(error) => return Err(culprit(&source, &error)),
        };
        config.check_values().map_err(|(key, expected)| source.wrong(key, &expected))?;
        Ok(Self { config, file, origins: source.origins })
    }

    /// Where the configuration comes from, in words for a log and for errors.
    pub fn told(&self) -> String {
        self.file.as_ref().map_or_else(
            || format!("no file (neither --config nor {CONFIG_VARIABLE} names one, and there is no {DEFAULT_FILE})"),
            |file| file.display().to_string(),
        )
    }
}

/// What a section cannot be without.
const NEEDED: [(&str, &str); 3] = [("tls.cert", "tls"), ("tls.key", "tls"), ("push.fcm.service_account", "push.fcm")];

/// Names the value that does not fit: it is the first without which the whole is refused for something else, or not at
/// all.
fn culprit(source: &Source, error: &toml::de::Error) -> String {
    let message = error.message();
    // Some sections say by themselves what was found and expected, and why.
    let named = message.split([' ', ':', ',']).next().filter(|key| settings::find(key).is_some());
    if let Some(key) = named {
        let section = key.rsplit_once('.').map_or(key, |(section, _)| section);
        let beside = || source.origins.iter().find(|(other, _)| other.starts_with(section)).map(|(_, origin)| origin);
        let place = source.origins.get(key).or_else(beside).map_or_else(String::new, |origin| format!("{origin}: "));
        return format!("{place}{message}");
    }
    let differs = |key: &&String| {
        let without: Result<Config, toml::de::Error> = source.without(key).try_into();
        without.map_err(|other| other.message() != message).err().unwrap_or(true)
    };
    let Some(key) = source.origins.keys().find(differs) else {
        return message.to_owned();
    };
    match message.split_once("expected ") {
        Some(("", expected)) => source.wrong(key, expected),
        _ => source.wrong(key, settings::find(key).map_or(message, |setting| setting.kind.expected())),
    }
}

impl Config {
    /// Reads a configuration file, or none, and overlays the environment.
    ///
    /// # Errors
    /// [`StartupError::Configuration`], with place, found and expected.
    pub fn load(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, StartupError> {
        let environment: Vec<(String, String)> = environment.collect();
        let loaded = Loaded::read(path.map(Path::to_owned), &environment).map_err(StartupError::Configuration)?;
        Ok(loaded.config)
    }

    /// The operator's proxies.
    pub fn proxies(&self) -> Proxies {
        Proxies { trusted: self.trusted_proxies.clone(), header: self.proxy_header }
    }

    /// Under which address phones reach a server that listens here.
    ///
    /// # Errors
    /// [`StartupError::Configuration`], where others than this machine are to reach it and nobody says how.
    pub fn public_url_at(&self, address: SocketAddr) -> Result<String, StartupError> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        match &self.public_url {
            Some(url) => Ok(url.clone()),
            None if address.ip().is_loopback() => Ok(format!("{scheme}://{address}")),
            None => Err(StartupError::Configuration(
                "public_url is missing: say under which https:// address phones reach this server".into(),
            )),
        }
    }

    /// Checks what reads well and cannot be meant.
    pub(super) fn check(&self) -> Result<(), String> {
        self.check_values().map_err(|(key, expected)| format!("{key}: expected {expected}"))
    }

    /// The first value that reads well and cannot be meant: its key, and what is expected.
    fn check_values(&self) -> Result<(), (&'static str, String)> {
        if let Some(text) = &self.public_url {
            let expected = "an https:// address (or http:// of this very machine), without user, query and fragment, \
                            and without a slash at its end";
            let right = url::Url::parse(text).is_ok_and(|url| {
                let bare = url.username().is_empty() && url.password().is_none();
                let short = url.query().is_none() && url.fragment().is_none() && !text.ends_with('/');
                countersign_protocol::link::is_trustworthy(&url) && bare && short
            });
            if !right {
                return Err(("public_url", expected.into()));
            }
        }
        self.limits.check()?;
        self.apps.check()?;
        self.attestation.check()?;
        match &self.master_key {
            MasterKeySource::Command(command) if command.is_empty() => {
                Err(("master_key.command", "a list of a program and its arguments".into()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_environment(pairs: &[(&str, &str)]) -> Result<Config, StartupError> {
        Config::load(None, pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn the_environment_overlays_the_file() {
        let config = from_environment(&[
            ("COUNTERSIGN_LISTEN", "127.0.0.1:0"),
            ("COUNTERSIGN_PUSH__WEBPUSH__ALLOW_PRIVATE", "true"),
            ("COUNTERSIGN_PUSH__APNS__BASE_URL", "https://127.0.0.1:4430"),
            ("COUNTERSIGN_PUSH__APNS__EXTRA_ROOTS", "[\"/tmp/roots.pem\"]"),
            ("COUNTERSIGN_PUSH__FCM__SERVICE_ACCOUNT", "/etc/countersign/firebase.json"),
            ("COUNTERSIGN_WEBHOOK__ALLOW_PRIVATE", "true"),
            ("COUNTERSIGN_CODES__STRICT", "true"),
            ("COUNTERSIGN_APPROVAL__ACCEPT_UNATTESTED", "false"),
            ("COUNTERSIGN_MASTER_KEY__ENV", "COUNTERSIGN_KEY"),
            ("COUNTERSIGN_KEY", "the secret itself"),
            ("HOME", "/root"),
        ])
        .unwrap();
        assert_eq!(config.listen.port(), 0);
        assert!(config.push.webpush.allow_private && config.webhook.allow_private);
        assert!(!config.push.apns.is_configured());
        assert_eq!(config.push.apns.base_url, "https://127.0.0.1:4430");
        assert_eq!(config.push.apns.sandbox_base_url, "https://api.sandbox.push.apple.com");
        assert_eq!(config.push.apns.extra_roots, [Path::new("/tmp/roots.pem")]);
        let fcm = config.push.fcm.unwrap();
        assert_eq!(fcm.service_account, Path::new("/etc/countersign/firebase.json"));
        assert_eq!((fcm.base_url.as_str(), fcm.allow_private), ("https://fcm.googleapis.com", false));
        assert!(config.codes.strict && !config.approval.accept_unattested);
        let unset = from_environment(&[]).unwrap();
        assert!(unset.push.fcm.is_none() && !unset.webhook.allow_private);
        assert!(!unset.codes.strict && unset.approval.accept_unattested);
        assert!(matches!(config.master_key, MasterKeySource::Environment(name) if name == "COUNTERSIGN_KEY"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let reason = |pairs: &[(&str, &str)]| from_environment(pairs).unwrap_err().to_string();
        assert!(reason(&[("COUNTERSIGN_LISTENS", "x")]).contains("COUNTERSIGN_LISTENS"));
        let secret = reason(&[("COUNTERSIGN_MASTER_KEY", "the secret itself")]);
        assert!(secret.contains("COUNTERSIGN_MASTER_KEY") && !secret.contains("secret itself"), "{secret}");
        assert!(reason(&[("COUNTERSIGN_LISTEN__X", "x")]).contains("COUNTERSIGN_LISTEN__X"));
        let socket = reason(&[("COUNTERSIGN_LISTEN", "x")]);
        assert!(socket.contains("COUNTERSIGN_LISTEN: listen: found \"x\", expected"), "{socket}");
        assert!(reason(&[("COUNTERSIGN_PUBLIC_URL", "http://login.example")]).contains("https://"));
        assert!(reason(&[("COUNTERSIGN_PUSH__APNS", "x")]).contains("does not fit"));
        assert!(reason(&[("COUNTERSIGN_PUSH__APNS__KEYFILE", "x")]).contains("COUNTERSIGN_PUSH__APNS__KEY_FILE"));
        assert!(reason(&[("COUNTERSIGN_PUSH__WEBPUSH__ALLOW_PRIVATE", "maybe")]).contains("boolean"));
        assert!(reason(&[("COUNTERSIGN_PUSH__FCM__ALLOW_PRIVATE", "true")]).contains("service_account"));
        assert!(
            Config::load(Some(Path::new("/nowhere.toml")), std::iter::empty())
                .unwrap_err()
                .to_string()
                .contains("/nowhere.toml")
        );
    }
}
