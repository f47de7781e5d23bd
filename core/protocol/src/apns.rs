//! Where Apple's push network reaches a device.

use crate::refusal::Refusal;
use serde::{Deserialize, Serialize};

/// How many bytes a device token has. Apple promises no length; those of apps have had 32 so far.
const TOKEN_BYTES: std::ops::RangeInclusive<usize> = 32..=100;
/// The longest topic, in bytes: that of a bundle identifier.
const MAX_TOPIC_LENGTH: usize = 155;

/// An app on a device, as Apple Push Notification service (APNs) knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppleDevice {
    /// What `didRegisterForRemoteNotificationsWithDeviceToken` gave the app, in hex. A capability: it must not be
    /// logged.
    pub token: String,
    /// Which of Apple's two networks knows the token.
    pub environment: Environment,
    /// The app's bundle identifier; none for the app that the server is configured for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}

/// One of Apple's two push networks: the app's `aps-environment` entitlement says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Apps from the App Store and from `TestFlight`.
    Production,
    /// Apps that Xcode installed (`aps-environment` is `development`).
    Sandbox,
}

impl AppleDevice {
    /// Checks that the token is the hex of 32 to 100 bytes, and that the topic is letters, digits, hyphens and periods.
    ///
    /// # Errors
    /// `malformed` when one of them is not so.
    pub fn check(&self) -> Result<(), Refusal> {
        let digits = self.token.len();
        let token = digits.is_multiple_of(2)
            && TOKEN_BYTES.contains(&(digits / 2))
            && self.token.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !token {
            return Err(Refusal::Malformed("device token"));
        }
        if self.topic.as_deref().is_none_or(is_topic) { Ok(()) } else { Err(Refusal::Malformed("topic")) }
    }
}

/// True for text that can be an app's bundle identifier.
pub fn is_topic(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (1..=MAX_TOPIC_LENGTH).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(token: &str, topic: Option<&str>) -> AppleDevice {
        AppleDevice { token: token.into(), environment: Environment::Production, topic: topic.map(Into::into) }
    }

    #[test]
    fn a_token_is_the_hex_of_32_to_100_bytes() {
        for good in ["0a".repeat(32), "fF".repeat(80), "09".repeat(100)] {
            assert_eq!(device(&good, None).check(), Ok(()), "{good}");
        }
        for bad in [
            String::new(),
            "0a".repeat(31),
            "0a".repeat(101),
            format!("{}0", "0a".repeat(32)),
            format!("{}g", "0".repeat(63)),
            format!("{}/..", "0".repeat(61)),
            format!("{}é", "0".repeat(62)),
        ] {
            assert_eq!(device(&bad, None).check(), Err(Refusal::Malformed("device token")), "{bad}");
        }
    }

    #[test]
    fn a_topic_is_a_bundle_identifier() {
        let token = "0a".repeat(32);
        assert_eq!(device(&token, Some("com.example.Sign-In")).check(), Ok(()));
        assert_eq!(device(&token, Some(&"a".repeat(155))).check(), Ok(()));
        for bad in ["", "com.example app", "com.example\r\nx: y", "com_example", "zoë", &"a".repeat(156)] {
            assert_eq!(device(&token, Some(bad)).check(), Err(Refusal::Malformed("topic")), "{bad:?}");
        }
    }

    #[test]
    fn its_json_is_strict() {
        let read = serde_json::from_str::<AppleDevice>;
        assert_eq!(read(r#"{"token":"00","environment":"sandbox"}"#).unwrap().environment, Environment::Sandbox);
        assert!(read(r#"{"token":"00","environment":"development"}"#).is_err());
        assert!(read(r#"{"token":"00"}"#).is_err());
        assert!(read(r#"{"token":"00","environment":"sandbox","bundle":"x"}"#).is_err());
    }
}
