//! The server's configuration: a TOML file, overlaid by the environment.

use super::retention::config::RetentionConfig;
use super::startup::StartupError;
use super::tls::TlsConfig;
use crate::delivery::push::config::PushConfig;
use crate::delivery::webhook::config::WebhookConfig;
use crate::keys::master_key::MasterKeySource;
use crate::service::limits::Limits;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What the names of environment variables start with: `COUNTERSIGN_PUSH__WEBPUSH__ALLOW_PRIVATE` sets
/// `allow_private` in `[push.webpush]`.
const ENVIRONMENT_PREFIX: &str = "COUNTERSIGN_";

/// The whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// The address under which phones reach this server, without a trailing slash. Default: `http://` and `listen`.
    pub public_url: Option<String>,
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
    /// How long what is over is kept.
    #[serde(default)]
    pub retention: RetentionConfig,
    /// Bounds.
    #[serde(default)]
    pub limits: Limits,
    /// The log.
    #[serde(default)]
    pub log: LogConfig,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

fn default_data_dir() -> PathBuf {
    PathBuf::from("countersign-data")
}

/// One-time codes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodesConfig {
    /// Whether only the code of this very step is accepted. Otherwise the one before and the one after it are too, for
    /// clocks that are half a minute wrong.
    pub strict: bool,
}

/// What an approval is worth.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApprovalConfig {
    /// Whether a phone's own word that it verified its owner (biometric or PIN) is believed: such an approval unlocks
    /// the account's codes, and lets pushes through again after a report. There is no attestation of keys in this
    /// version, so with `false` only an administrator can.
    pub accept_unattested: bool,
}

impl Default for ApprovalConfig {
    fn default() -> Self {
        Self { accept_unattested: true }
    }
}

/// The log.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// How lines look.
    #[serde(default)]
    pub format: LogFormat,
}

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

impl Config {
    /// Reads a configuration file and overlays the environment.
    ///
    /// # Errors
    /// [`StartupError::Configuration`], with file and reason.
    pub fn load(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, StartupError> {
        let wrong = StartupError::Configuration;
        let mut table = match path {
            Some(path) => Self::read(path).map_err(|reason| wrong(format!("{}: {reason}", path.display())))?,
            None => toml::Table::new(),
        };
        let environment: Vec<(String, String)> = environment.collect();
        let master_key = master_key_variable(&table, &environment);
        for (name, value) in environment {
            if master_key.as_ref() == Some(&name) {
                continue;
            }
            if let Some(rest) = name.strip_prefix(ENVIRONMENT_PREFIX) {
                let keys: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
                overlay(&mut table, &keys, &value)
                    .map_err(|()| wrong(format!("{name} does not fit the configuration")))?;
            }
        }
        // The file is right, so what is wrong now came from the environment.
        let wrong = |reason: &str| wrong(format!("in the environment variables {ENVIRONMENT_PREFIX}...: {reason}"));
        let config: Self = table.try_into().map_err(|error: toml::de::Error| wrong(error.message()))?;
        config.check().map_err(|reason| wrong(&reason))?;
        Ok(config)
    }

    /// Reads a file, and checks it by itself, so that what is wrong in it is told with its line.
    fn read(path: &Path) -> Result<toml::Table, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("it cannot be read: {error}"))?;
        let config: Self = toml::from_str(&text).map_err(|error| error.to_string().trim_end().to_owned())?;
        config.check()?;
        text.parse().map_err(|error: toml::de::Error| error.to_string())
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

    pub(super) fn check(&self) -> Result<(), String> {
        if let Some(text) = &self.public_url {
            let url = url::Url::parse(text).map_err(|_| "public_url is not an address".to_owned())?;
            if !countersign_protocol::link::is_trustworthy(&url) || text.ends_with('/') {
                return Err(
                    "public_url must be https:// (or http:// on this very machine), without a slash at its end".into(),
                );
            }
        }
        self.limits.check()
    }
}

/// The variable that holds the master key itself: a secret, and no part of the configuration.
fn master_key_variable(table: &toml::Table, environment: &[(String, String)]) -> Option<String> {
    const SETTING: &str = "COUNTERSIGN_MASTER_KEY__ENV";
    let overlaid = environment.iter().find(|(name, _)| name == SETTING).map(|(_, value)| value.clone());
    overlaid.or_else(|| Some(table.get("master_key")?.get("env")?.as_str()?.to_owned()))
}

/// Puts one value where the keys lead; text that reads as a TOML value is that value.
fn overlay(table: &mut toml::Table, keys: &[String], value: &str) -> Result<(), ()> {
    match keys {
        [] => Err(()),
        // A whole section is no value; and what was put in its place might be a secret that an error then repeats.
        [last]
            if matches!(
                last.as_str(),
                "master_key"
                    | "tls"
                    | "push"
                    | "webpush"
                    | "apns"
                    | "fcm"
                    | "webhook"
                    | "codes"
                    | "approval"
                    | "retention"
                    | "limits"
                    | "log"
            ) =>
        {
            Err(())
        }
        [last] => {
            let parsed = format!("value = {value}").parse::<toml::Table>().ok().and_then(|mut one| one.remove("value"));
            table.insert(last.clone(), parsed.unwrap_or_else(|| toml::Value::String(value.to_owned())));
            Ok(())
        }
        [first, rest @ ..] => {
            let inner = table.entry(first.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            overlay(inner.as_table_mut().ok_or(())?, rest, value)
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
        assert!(reason(&[("COUNTERSIGN_LISTENS", "x")]).contains("listens"));
        let secret = reason(&[("COUNTERSIGN_MASTER_KEY", "the secret itself")]);
        assert!(secret.contains("COUNTERSIGN_MASTER_KEY") && !secret.contains("secret itself"), "{secret}");
        assert!(reason(&[("COUNTERSIGN_LISTEN__X", "x"), ("COUNTERSIGN_LISTEN", "x")]).contains("socket address"));
        assert!(reason(&[("COUNTERSIGN_PUBLIC_URL", "http://login.example")]).contains("https://"));
        assert!(reason(&[("COUNTERSIGN_PUSH__APNS", "x")]).contains("does not fit"));
        assert!(reason(&[("COUNTERSIGN_PUSH__APNS__KEYFILE", "x")]).contains("keyfile"));
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
