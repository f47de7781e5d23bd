//! What the operator says of the push networks: `[push.apns]`, `[push.fcm]`, `[push.webpush]`.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The ways to the phones.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PushConfig {
    /// Web Push and `UnifiedPush`.
    #[serde(default)]
    pub webpush: WebPushConfig,
    /// Apple Push Notification service.
    #[serde(default)]
    pub apns: ApnsConfig,
    /// Firebase Cloud Messaging. Without it, devices that register for it are refused.
    pub fcm: Option<FcmConfig>,
}

/// Apple Push Notification service (APNs). Off until its key is named.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApnsConfig {
    /// The `.p8` file that Apple's developer site gave for the key.
    pub key_file: Option<PathBuf>,
    /// The key's id: 10 letters and digits.
    pub key_id: Option<String>,
    /// The id of the developer team: 10 letters and digits.
    pub team_id: Option<String>,
    /// The app's bundle identifier.
    pub topic: Option<String>,
    /// The network for apps from the Service Store and from `TestFlight`.
    pub base_url: String,
    /// The network for apps that Xcode installed.
    pub sandbox_base_url: String,
    /// More certificate authorities to trust, in PEM files.
    pub extra_roots: Vec<PathBuf>,
    /// Whether the two addresses may lead to private and loopback ones, for tests.
    pub allow_private: bool,
}

impl ApnsConfig {
    /// Whether pushes go through APNs.
    pub const fn is_configured(&self) -> bool {
        self.key_file.is_some() || self.key_id.is_some() || self.team_id.is_some() || self.topic.is_some()
    }
}

impl Default for ApnsConfig {
    fn default() -> Self {
        Self {
            key_file: None,
            key_id: None,
            team_id: None,
            topic: None,
            base_url: "https://api.push.apple.com".into(),
            sandbox_base_url: "https://api.sandbox.push.apple.com".into(),
            extra_roots: Vec::new(),
            allow_private: false,
        }
    }
}

/// Firebase Cloud Messaging.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FcmConfig {
    /// The service account's key file in JSON, as Google's console gives it.
    pub service_account: PathBuf,
    /// Where messages are sent, without a trailing slash.
    #[serde(default = "default_fcm_base_url")]
    pub base_url: String,
    /// Where access tokens come from. Default: the file's `token_uri`.
    pub token_url: Option<String>,
    /// More certificate authorities to trust, in PEM files.
    #[serde(default)]
    pub extra_roots: Vec<PathBuf>,
    /// Whether the two addresses may be private ones, or plain `http`. For tests.
    #[serde(default)]
    pub allow_private: bool,
}

fn default_fcm_base_url() -> String {
    "https://fcm.googleapis.com".into()
}

/// Web Push.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WebPushConfig {
    /// Whether endpoints on private and loopback addresses, and over plain `http`, are allowed. For tests and the demo:
    /// elsewhere it lets a stranger's subscription reach into the network.
    #[serde(default)]
    pub allow_private: bool,
    /// More certificate authorities to trust, in PEM files.
    #[serde(default)]
    pub extra_roots: Vec<PathBuf>,
}
