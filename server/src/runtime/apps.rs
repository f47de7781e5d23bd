//! `[apps]`: which apps are the operator's own.

use crate::domain::apps::Apps;
use serde::{Deserialize, Serialize};

/// `[apps]`. With these, phones open this server's links in the app without asking, and an attestation is believed of
/// these apps alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppsConfig {
    /// The package names of the apps for Android. Default: any may hold a key, and none opens links.
    pub android: Vec<String>,
    /// SHA-256 of the certificates with which those are signed, in hexadecimal. Default: as above.
    pub android_signatures: Vec<String>,
    /// The application ids of the apps for iPhones: team and bundle. Default: none opens links.
    pub apple: Vec<String>,
}

impl AppsConfig {
    /// The first value that cannot be meant: its key, and what is expected.
    ///
    /// # Errors
    /// That.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let wrong = |key, expected: &str| Err((key, expected.to_owned()));
        if !self.android.iter().all(|name| is_package(name)) {
            return wrong("apps.android", "a list of package names, such as [\"io.github.countersign.android\"]");
        }
        if digests(&self.android_signatures).is_none() {
            let expected = "a list of SHA-256 in hexadecimal, 64 digits each, such as keytool and apksigner print";
            return wrong("apps.android_signatures", expected);
        }
        if !self.apple.iter().all(|id| is_application_id(id)) {
            let expected = "a list of a team and a bundle each, such as [\"A1B2C3D4E5.io.github.countersign\"]";
            return wrong("apps.apple", expected);
        }
        Ok(())
    }

    /// The apps.
    pub fn apps(&self) -> Apps {
        Apps {
            android: self.android.clone(),
            // They were checked when the configuration was read.
            android_signatures: digests(&self.android_signatures).unwrap_or_default(),
            apple: self.apple.clone(),
        }
    }
}

/// Two or more names with dots between them, as Android wants them
/// (<https://developer.android.com/build/configure-app-module#set-application-id>).
fn is_package(name: &str) -> bool {
    let is_name = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.chars().all(|one| one.is_ascii_alphanumeric() || one == '_')
    };
    name.contains('.') && name.split('.').all(is_name)
}

/// The ten letters and digits of a team, a dot, and the id of a bundle.
fn is_application_id(id: &str) -> bool {
    let bundle = |one: char| one.is_ascii_alphanumeric() || one == '-' || one == '.';
    id.split_once('.').is_some_and(|(team, rest)| {
        let is_team = team.len() == 10 && team.chars().all(|one| one.is_ascii_uppercase() || one.is_ascii_digit());
        is_team && !rest.is_empty() && rest.chars().all(bundle)
    })
}

/// Digests as tools print them, with colons or without.
pub(super) fn digests(texts: &[String]) -> Option<Vec<[u8; 32]>> {
    let read = |text: &String| {
        let digits = text.replace(':', "").to_ascii_lowercase();
        data_encoding::HEXLOWER.decode(digits.as_bytes()).ok()?.try_into().ok()
    };
    texts.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_as_tools_print_them() {
        let printed = ["AB:".repeat(31) + "AB", "ab".repeat(32)];
        assert_eq!(digests(&printed), Some(vec![[0xab; 32]; 2]));
        assert_eq!(digests(&["ab".repeat(31)]), None);
        assert_eq!(digests(&["zz".repeat(32)]), None);
    }

    #[test]
    fn what_can_be_no_app_is_told_by_its_key() {
        let refused = |config: AppsConfig| config.check().err().map(|(key, _)| key);
        let named = |name: &str| AppsConfig { android: vec![name.into()], ..AppsConfig::default() };
        for right in ["io.github.countersign.android", "a.b", "A.b_2"] {
            assert_eq!(refused(named(right)), None, "{right}");
        }
        for wrong in ["", "countersign", "a.", ".a", "a.2b", "a b.c", "a.b\"", "https://a.b"] {
            assert_eq!(refused(named(wrong)), Some("apps.android"), "{wrong}");
        }
        let signed = AppsConfig { android_signatures: vec!["ab".into()], ..AppsConfig::default() };
        assert_eq!(refused(signed), Some("apps.android_signatures"));
        let apple = |id: &str| AppsConfig { apple: vec![id.into()], ..AppsConfig::default() };
        assert_eq!(refused(apple("A1B2C3D4E5.io.github.countersign")), None);
        for wrong in ["", "io.github.countersign", "A1B2C3D4E5", "A1B2C3D4E5.", "a1b2c3d4e5.x", "A1B2C3D4E5.x y"] {
            assert_eq!(refused(apple(wrong)), Some("apps.apple"), "{wrong}");
        }
    }
}
