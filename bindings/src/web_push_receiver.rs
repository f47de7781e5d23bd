//! The receiving half of Web Push, for an app whose push service (UnifiedPush) hands over bytes as they came.

use crate::error::AuthenticatorError;
use crate::records::PushRegistration;
use countersign_protocol::randomness::SystemRandomness;
use countersign_protocol::webpush::{Receiver, Subscription};
use zeroize::Zeroizing;

/// A subscriber of a Web Push or UnifiedPush service (RFC 8291): keep its bytes as secrets are kept, and register its
/// subscription. One for each account, so that two accounts cannot be told to be on one phone.
#[derive(uniffi::Object)]
pub struct WebPushReceiver(Receiver);

#[uniffi::export]
impl WebPushReceiver {
    /// A fresh subscriber.
    #[uniffi::constructor]
    pub fn generate() -> Self {
        Self(Receiver::generate(&SystemRandomness::new()))
    }

    /// The subscriber in these 48 bytes of an earlier one. `Malformed` when they are none.
    #[uniffi::constructor]
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, AuthenticatorError> {
        Ok(Self(Receiver::from_bytes(&Zeroizing::new(bytes))?))
    }

    /// The 48 secret bytes, to be kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes().to_vec()
    }

    /// What to register for an endpoint that leads here, with the server's key that it was made with.
    pub fn registration(&self, endpoint: String, application_server_key: Option<String>) -> PushRegistration {
        let Subscription { endpoint, p256dh, auth, .. } = self.0.subscription(endpoint);
        PushRegistration::WebPush { endpoint, p256dh, auth, application_server_key }
    }

    /// Takes the push service's encryption off: what `Authenticator.receive` takes. `CannotOpen` when it was encrypted
    /// to another subscriber.
    #[expect(clippy::needless_pass_by_value, reason = "a slice would be a direct ByteBuffer in Kotlin")]
    pub fn decrypt(&self, body: Vec<u8>) -> Result<Vec<u8>, AuthenticatorError> {
        Ok(self.0.decrypt(&body)?)
    }
}
