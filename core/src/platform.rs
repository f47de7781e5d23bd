//! What a platform brings: its vault, its network, its clock, its randomness, and where pushes reach it.

use crate::device_api::PushRegistration;
use crate::handle::EnrolmentId;
use crate::randomness::Randomness;
use crate::time::Clock;
use crate::transport::Transport;
use crate::vault::KeyVault;
use async_trait::async_trait;
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
    /// Where pushes reach this device; none on a device that only pulls.
    pub push: Option<Arc<dyn PushRegistrar>>,
}

/// Where a platform's push registration comes from. The core asks when a server has none, so that an account which
/// receives no pushes repairs itself at its next contact.
#[async_trait]
pub trait PushRegistrar: Send + Sync {
    /// The registration for this account; none when the platform has none to give now. When `rejected`, the push network
    /// no longer knows the one that was registered: the platform asks its network for a fresh one.
    async fn registration(&self, account: EnrolmentId, rejected: bool) -> Option<PushRegistration>;
}
