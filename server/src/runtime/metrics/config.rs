//! `[metrics]`: where the figures are read.

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// `[metrics]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Where the figures are, and nothing else: an address that only the monitoring reaches. Without it they are at
    /// `/metrics` of the server itself, for callers on this machine, while `public_url` is on it too.
    pub listen: Option<SocketAddr>,
}
