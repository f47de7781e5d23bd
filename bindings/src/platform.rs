//! What an app brings, written in Kotlin or Swift: a network, a vault with its keys, and a clock.
//!
//! An implementation that fails in a way it does not declare becomes the last variant of the error it should have used,
//! without the text of the failure: nobody knows what is in that.

use crate::records::PushRegistration;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use uniffi::UnexpectedUniFFICallbackError;

/// Sends HTTP requests. It checks TLS, follows no redirect, keeps no cookies and no cache, and signs nothing: every rule
/// about what is sent, repeated and believed is in the core.
#[uniffi::export(foreign)]
#[async_trait::async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request as it is and reads the whole response, whatever its status.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;
}

/// An HTTP request, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HttpRequest {
    /// The method, in capitals.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The headers to set.
    pub headers: Vec<HttpHeader>,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
    /// How long to wait for the whole response.
    pub timeout: Duration,
    /// How many bytes of the body to read at most; a longer one is `Unreachable`.
    pub max_response_length: u32,
}

/// An HTTP response, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// All headers, in any case and order.
    pub headers: Vec<HttpHeader>,
    /// The body.
    pub body: Vec<u8>,
}

/// One header.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HttpHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Why there was no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum TransportError {
    /// No network, no route, no TLS, cut in the middle, too slow, too long.
    #[error("the server cannot be reached: {reason}")]
    Unreachable {
        /// What the platform said, for a person who looks into it. It must not carry the request.
        reason: String,
    },
}

impl From<UnexpectedUniFFICallbackError> for TransportError {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Unreachable { reason: "the transport failed in a way that it does not declare".into() }
    }
}

/// The platform's vault: where this device's keys come from.
#[uniffi::export(foreign)]
#[async_trait::async_trait]
pub trait KeyVault: Send + Sync {
    /// The 32 random bytes that seal this device's secrets in the store: made at the first call, the same ones each time
    /// after that, different ones for each `opens`, and never in a backup.
    fn storage_key(&self, opens: Opens) -> Result<Vec<u8>, VaultError>;

    /// Makes a hardware key under this name, which `load` then gives; false where the platform has none, and a software
    /// key is used.
    async fn create(&self, name: String, purpose: Purpose) -> Result<bool, KeyError>;

    /// The hardware key of this name; `Invalidated` when there is none. It must not ask the person: signing does.
    fn load(&self, name: String) -> Result<Arc<dyn DeviceKey>, KeyError>;

    /// Destroys the hardware key of this name, if there is one. A failure is not heard: the account is gone already.
    fn destroy(&self, name: String) -> Result<(), VaultError>;
}

/// A private P-256 key that signs and cannot be read: in the Secure Enclave, StrongBox or TEE.
#[uniffi::export(foreign)]
#[async_trait::async_trait]
pub trait DeviceKey: Send + Sync {
    /// Its public half in uncompressed form (SEC 1, section 2.3.3): 65 bytes, `04`, x, y.
    fn public_key(&self) -> Result<Vec<u8>, KeyError>;

    /// True when the platform asks the person (biometric or PIN) for each signature. It is signed with every decision as
    /// "user verified", so it must be true of the key and not only of the app's screens.
    fn asks_person(&self) -> Result<bool, KeyError>;

    /// Signs with ES256: r and s, 32 bytes each and not in DER, over SHA-256 of `message`.
    async fn sign(&self, message: Vec<u8>) -> Result<Vec<u8>, KeyError>;
}

/// What a signing key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Purpose {
    /// Signs background requests and NO; usable without the person.
    Request,
    /// Signs YES; where the platform can, it asks the person each time.
    Approval,
}

/// When a secret may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Opens {
    /// After the first unlock since the phone started: what a notification needs.
    AfterFirstUnlock,
    /// While the phone is unlocked: what needs the person.
    WhileUnlocked,
}

/// Why the vault gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum VaultError {
    /// Locked now; later it may open.
    #[error("the vault is locked")]
    Locked,
    /// Damaged, or not readable by this program.
    #[error("the vault cannot be read")]
    Unreadable,
}

impl From<UnexpectedUniFFICallbackError> for VaultError {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Unreadable
    }
}

/// Why a key did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum KeyError {
    /// The person did not confirm, or not in time. Nothing is lost: ask again.
    #[error("the person did not confirm the use of the key")]
    NotConfirmed,
    /// The platform has destroyed the key, for example after a change of fingerprints. Only a new enrolment helps.
    #[error("the key no longer exists on this device")]
    Invalidated,
    /// The vault is locked or broken. Trying again later may help.
    #[error("the key cannot be used now")]
    Unavailable,
}

impl From<UnexpectedUniFFICallbackError> for KeyError {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Unavailable
    }
}

/// The device's clock.
#[uniffi::export(foreign)]
pub trait Clock: Send + Sync {
    /// The present moment. It has no way to fail, and must not throw.
    fn now(&self) -> SystemTime;
}

/// Where the platform's push registrations come from. The core asks when a server has none, or when one has to be made anew, so
/// that an account which receives no pushes repairs itself at its next contact.
#[uniffi::export(foreign)]
#[async_trait::async_trait]
pub trait PushRegistrar: Send + Sync {
    /// All registrations for this account, at most 4; none when there is none to give now. Each gets the same pushes, and the
    /// person sees one prompt. When `rejected`, a push network no longer knows one of those that were registered: ask the
    /// networks for fresh ones. `webpush_public_key` is the server's key for Web Push: a subscription that was made with
    /// another one is to be made anew with this one, and to name it. It has no way to fail, and must not throw.
    async fn registrations(
        &self,
        account_id: String,
        rejected: bool,
        webpush_public_key: Option<String>,
    ) -> Vec<PushRegistration>;
}
