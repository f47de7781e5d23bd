//! `[attestation]`: what is asked of phones, and the files that say whom to believe.

use super::apps::digests;
use super::startup::StartupError;
use crate::domain::apps::Apps;
use crate::domain::attestation::AttestationPolicy;
use crate::keys::attestation::{RevocationList, Roots, Trust};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// `[attestation]`. The two files are read again on SIGHUP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttestationConfig {
    /// What is asked of Android phones.
    pub android: AttestationPolicy,
    /// The roots that are trusted, in PEM or as Google publishes them. Default: Google's, as this version knows them.
    pub roots: Option<PathBuf>,
    /// The certificates that were withdrawn, as Google publishes them. Default: none.
    pub revoked: Option<PathBuf>,
    /// The verified boot keys of other systems than the phones' makers', in hexadecimal. Default: none.
    pub boot_keys: Vec<String>,
}

impl AttestationConfig {
    /// The first value that cannot be meant: its key, and what is expected.
    ///
    /// # Errors
    /// That.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let expected = "a list of SHA-256 in hexadecimal, 64 digits each";
        digests(&self.boot_keys).ok_or(("attestation.boot_keys", expected.to_owned()))?;
        Ok(())
    }

    /// Reads the files; where no phone is asked, none is read. A key is believed of these apps, where any are named.
    ///
    /// # Errors
    /// [`StartupError::Configuration`], with file, found and expected.
    pub fn read(&self, apps: &Apps) -> Result<Trust, StartupError> {
        if self.android == AttestationPolicy::Off {
            return Ok(Trust::default());
        }
        let roots = read("attestation.roots", self.roots.as_deref(), Roots::parse)?.unwrap_or_else(Roots::google);
        let revoked = read("attestation.revoked", self.revoked.as_deref(), RevocationList::parse)?.unwrap_or_default();
        let (packages, signatures) = (apps.android.clone(), apps.android_signatures.clone());
        // They were checked when the configuration was read.
        let boot_keys = digests(&self.boot_keys).unwrap_or_default();
        Ok(Trust { roots, revoked, packages, signatures, boot_keys })
    }

    /// What an operator should know although a server starts with it: one sentence each.
    pub fn warnings(&self, apps: &Apps) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.android == AttestationPolicy::Require && self.revoked.is_none() {
            warnings.push(
                "attestation.revoked names no file, so a key that its maker has withdrawn is believed: fetch \
                 https://android.googleapis.com/attestation/status every day, and send SIGHUP"
                    .into(),
            );
        }
        if self.android == AttestationPolicy::Require && apps.android_signatures.is_empty() {
            warnings
                .push("apps.android_signatures is empty, so the key of any app is taken, not of yours alone".into());
        }
        warnings
    }
}

fn read<T>(
    key: &str,
    path: Option<&Path>,
    parse: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<Option<T>, StartupError> {
    let Some(path) = path else { return Ok(None) };
    let wrong = |reason: String| StartupError::Configuration(format!("{key}: {}: {reason}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    parse(&bytes).map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_key_that_cannot_be_meant_is_told_by_its_key() {
        let wrong = AttestationConfig { boot_keys: vec!["ab".into()], ..AttestationConfig::default() };
        assert_eq!(wrong.check().unwrap_err().0, "attestation.boot_keys");
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_with_what_was_expected() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("status.json");
        let config = AttestationConfig { revoked: Some(file.clone()), ..AttestationConfig::default() };
        assert!(config.read(&Apps::default()).unwrap_err().to_string().contains("attestation.revoked"));
        std::fs::write(&file, "<html>").unwrap();
        let refused = config.read(&Apps::default()).unwrap_err().to_string();
        assert!(refused.contains("status.json") && refused.contains("expected Google's list"), "{refused}");
        std::fs::write(&file, r#"{"entries": {"ab12": {"status": "REVOKED"}}}"#).unwrap();
        assert_eq!(config.read(&Apps::default()).unwrap().revoked.len(), 1);
        let off = AttestationConfig { android: AttestationPolicy::Off, roots: Some("/nowhere".into()), ..config };
        assert!(off.read(&Apps::default()).is_ok(), "nothing is read where nobody is asked");
    }
}
