//! What the operator says of webhooks: `[webhook]`.

use crate::domain::address_guard::AddressGuard;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Webhooks.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookConfig {
    /// Whether receivers on private and loopback addresses, and over plain `http`, are allowed: for tests, and for
    /// sites that are in the server's own network.
    pub allow_private: bool,
    /// More certificate authorities to trust, in PEM files.
    pub extra_roots: Vec<PathBuf>,
}

impl WebhookConfig {
    /// Which addresses receivers may have.
    pub const fn guard(&self) -> AddressGuard {
        AddressGuard { allow_private: self.allow_private }
    }
}
