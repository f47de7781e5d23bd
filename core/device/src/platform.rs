//! What a platform brings: its vault, its network, its clock, its randomness, and where pushes reach it.

use crate::transport::Transport;
use crate::vault::KeyVault;
use async_trait::async_trait;
use countersign_protocol::device_api::PushRegistration;
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::randomness::Randomness;
use countersign_protocol::time::Clock;
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

/// Where a platform's push registrations come from. The core asks when a server has none, or when one has to be made
/// anew, so that an account which receives no pushes repairs itself at its next contact.
#[async_trait]
pub trait PushRegistrar: Send + Sync {
    /// All registrations for this account, at most [`MAX_PUSH_REGISTRATIONS`]; none when the platform has none to give
    /// now. Each gets the same pushes, and the person sees one prompt. When `rejected`, a push network no longer knows
    /// one of those that were registered: the platform asks its networks for fresh ones.
    ///
    /// `webpush_public_key` is the server's key for Web Push, in base64url. A subscription that was made with another
    /// one is to be made anew with this one, and to name it.
    ///
    /// It is polled by a pull, which waits for it, so it must not block the thread. Pulls of several accounts may call
    /// it at once. It has no way to fail: an empty list means that the next pull asks again.
    ///
    /// [`MAX_PUSH_REGISTRATIONS`]: countersign_protocol::device_api::MAX_PUSH_REGISTRATIONS
    async fn registrations(
        &self,
        account: EnrolmentId,
        rejected: bool,
        webpush_public_key: Option<String>,
    ) -> Vec<PushRegistration>;
}
