//! What a platform brings: its vault, its network, its clock, its randomness.

use crate::randomness::Randomness;
use crate::time::Clock;
use crate::transport::Transport;
use crate::vault::KeyVault;
use std::sync::Arc;

/// Everything that the core does not do itself.
#[derive(Clone)]
pub struct Platform {
    /// Where keys come from.
    pub vault: Arc<dyn KeyVault>,
    /// The way to the network.
    pub transport: Arc<dyn Transport>,
    /// The device's clock.
    pub clock: Arc<dyn Clock>,
    /// The device's randomness.
    pub randomness: Arc<dyn Randomness>,
}
