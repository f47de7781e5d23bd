//! What an app brings, written in Kotlin or Swift: a network, a vault with its keys, a clock, and where pushes reach
//! it.
//!
//! **Errors.** Each method says which it may throw and when. Anything else that it throws arrives as the last variant
//! of the error that it declares, without the text of the failure: nobody knows what is in that. A method that declares
//! no error must not throw; if it does, the `Authenticator`'s call that needed it fails as `Internal`.
//!
//! **Threads.** The library has one thread, named `countersign`, on which all calls of every `Authenticator` take
//! turns.
//! - A method that is *not* `async` is called on that thread, so never at the same time as another such method. It may
//!   read a file or ask a keystore, but until it returns no other call of the library goes on, so it must not wait for
//!   the person or the network. It must not wait for a call of an `Authenticator` either: that call needs the same
//!   thread, and both would wait for ever.
//! - An `async` method is never run on that thread: it runs in a coroutine on `Dispatchers.Default` in Kotlin, and in a
//!   task outside every actor in Swift. The library goes on with other calls meanwhile, so the same method may be
//!   running several times at once. It may take as long as it needs, and should suspend rather than block. When the app
//!   gives up the call that needs it, its coroutine or task is cancelled.
//!
//! A [`PushOpener`] has no part in this: it calls `storage_key` and `now` on whatever thread the app calls it from. In
//! an app that uses one beside an `Authenticator`, those two methods may be running on two threads at once.
//!
//! [`PushOpener`]: crate::PushOpener

use crate::records::PushRegistration;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use uniffi::UnexpectedUniFFICallbackError;

/// Sends HTTP requests. It checks TLS, follows no redirect, keeps no cookies and no cache, and signs nothing: every
/// rule about what is sent, repeated and believed is in the core.
#[uniffi::export(foreign)]
#[async_trait::async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request as it is and reads the whole response, whatever its status. It ends within the request's
    /// `timeout`; the library has no other clock on it.
    ///
    /// Runs in a coroutine on `Dispatchers.Default` (Kotlin) or in a task outside every actor (Swift), never on the
    /// library's thread; it is cancelled when the app gives up the call that needs it. Several requests may be on their
    /// way at once.
    ///
    /// # Errors
    /// `Unreachable` when there is no whole response in time, for whatever reason. A response with an error's status is
    /// a response.
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
///
/// What is not `async` here, and in [`DeviceKey`], is called on the library's one thread, and no other call of the
/// library goes on until it returns. It may read a file or ask a keystore. It must not wait for the person, the
/// network, or a call of an `Authenticator`, which needs that same thread.
#[uniffi::export(foreign)]
#[async_trait::async_trait]
pub trait KeyVault: Send + Sync {
    /// The 32 random bytes that seal this device's secrets in the store: made at the first call, the same ones each
    /// time after that, different ones for each `opens`, and never in a backup. It must not ask the person.
    ///
    /// Called on the library's thread: with `AfterFirstUnlock` by `open` and `enrol`, and for each request to the
    /// server that a software key signs; with `WhileUnlocked` when an account is enrolled, when a one-time code is
    /// shown, and when a software key signs YES. A `PushOpener` calls it as well, with `AfterFirstUnlock`, on the
    /// thread that opens it; so two calls may be running at once.
    ///
    /// # Errors
    /// `Locked` while the phone's state does not allow what `opens` says: the call fails as `VaultLocked`, nothing is
    /// lost, and a later one may succeed. `Unreadable` when the key is lost or cannot be read by this app; other than
    /// 32 bytes is `Unreadable` too. It must never make a new key in the place of one that cannot be read: what that
    /// sealed would be lost.
    fn storage_key(&self, opens: Opens) -> Result<Vec<u8>, VaultError>;

    /// Makes a hardware key under this name, which `load` then gives; false where the platform has none, and a software
    /// key is used. No name comes twice. Called by `enrol`, twice one after the other.
    ///
    /// With an `attestation_challenge`, 32 bytes, the server wants to know where this key lives. On Android the key is
    /// then made with `setAttestationChallenge`, and its `attestation` is the certificate chain of the Keystore; a
    /// phone that cannot attest, or not now, makes the key without. On other platforms it means nothing. It comes for
    /// the key of the purpose `Approval` alone.
    ///
    /// Runs in a coroutine on `Dispatchers.Default` (Kotlin) or in a task outside every actor (Swift), never on the
    /// library's thread; it is cancelled when the app gives up the call that needs it. It may ask the person, and
    /// several may be running at once when the app enrols several accounts at once.
    ///
    /// # Errors
    /// `NotConfirmed` when the person was asked and did not agree; `Unavailable` when the hardware is there and makes
    /// no key now. The enrolment then fails before the link is used, so the same link may be tried again.
    async fn create(
        &self,
        name: String,
        purpose: Purpose,
        attestation_challenge: Option<Vec<u8>>,
    ) -> Result<bool, KeyError>;

    /// The hardware key of this name. It must not ask the person: signing does. Called on the library's thread after
    /// `create` and before each request or answer that is signed. It may give the same object each time.
    ///
    /// # Errors
    /// `Invalidated` when there is no such key any more: only a new enrolment helps, and the app says so. `Unavailable`
    /// when it cannot be reached now; a later call may succeed.
    fn load(&self, name: String) -> Result<Arc<dyn DeviceKey>, KeyError>;

    /// Destroys the hardware key of this name, if there is one. Called on the library's thread when an account is
    /// removed, forgotten, replaced or ended by its server, and when the server refuses an enrolment; also for a name
    /// that never had a key.
    ///
    /// # Errors
    /// They are not heard, since the account is gone already. `Locked` and `Unreadable` mean what they mean elsewhere.
    fn destroy(&self, name: String) -> Result<(), VaultError>;
}

/// A private P-256 key that signs and cannot be read: in the Secure Enclave, StrongBox or TEE. One that
/// [`KeyVault::load`] gives more than once may be signing for two calls at once.
#[uniffi::export(foreign)]
#[async_trait::async_trait]
pub trait DeviceKey: Send + Sync {
    /// Its public half in uncompressed form (SEC 1, section 2.3.3): 65 bytes, `04`, x, y. Called on the library's
    /// thread, right after each `load`.
    ///
    /// # Errors
    /// As `KeyVault.load`. What is no point of P-256 in this form counts as `Unavailable`.
    fn public_key(&self) -> Result<Vec<u8>, KeyError>;

    /// True when the platform asks the person (biometric or PIN) for each signature. It is signed with every decision
    /// as "user verified", so it must be true of the key and not only of the app's screens. Called on the library's
    /// thread, right after `public_key`.
    ///
    /// # Errors
    /// As `KeyVault.load`.
    fn asks_person(&self) -> Result<bool, KeyError>;

    /// What the platform says of this key: its certificates (X.509, DER), the key's own first and the root last. Empty
    /// where there are none, and for a key that was made without a challenge. Called on the library's thread, by
    /// `enrol`, for the key of the purpose `Approval`, and only where the server asked.
    ///
    /// # Errors
    /// As `KeyVault.load`. They are not heard: the enrolment goes on without an attestation, and the server decides.
    fn attestation(&self) -> Result<Vec<Vec<u8>>, KeyError>;

    /// Signs with ES256: r and s, 32 bytes each and not in DER, over SHA-256 of `message`. A key of the purpose
    /// `Approval` may ask the person here, and wait for them; one of the purpose `Request` must not, since it signs in
    /// the background.
    ///
    /// Runs in a coroutine on `Dispatchers.Default` (Kotlin) or in a task outside every actor (Swift), never on the
    /// library's thread; it is cancelled when the app gives up the call that needs it.
    ///
    /// # Errors
    /// `NotConfirmed` when the person did not agree, or not in time: the request still waits, and the app may ask
    /// again. `Invalidated` when the platform has destroyed the key, for example after a change of fingerprints.
    /// `Unavailable` when it cannot be used now; other than 64 bytes counts as `Unavailable`.
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
    /// The present moment, by the clock that the person may set. Called often, on the library's thread and on the one
    /// that opens a push with a `PushOpener`, so it must return at once and may be running twice. It has no way to
    /// fail, and must not throw.
    fn now(&self) -> SystemTime;
}

/// Where the platform's push registrations come from. The core asks when a server has none, or when one has to be made
/// anew, so that an account which receives no pushes repairs itself at its next contact.
#[uniffi::export(foreign)]
#[async_trait::async_trait]
pub trait PushRegistrar: Send + Sync {
    /// All registrations for this account, at most 4; an empty list when there is none to give now, and the next `pull`
    /// asks again. Each gets the same pushes, and the person sees one prompt. When `rejected`, a push network no longer
    /// knows one of those that were registered: ask the networks for fresh ones. `webpush_public_key` is the server's
    /// key for Web Push: a subscription that was made with another one is to be made anew with this one, and to name
    /// it.
    ///
    /// Called by `pull`, which waits for it: one that takes long delays what the pull has brought. Pulls of several
    /// accounts may call it at once. Runs in a coroutine on `Dispatchers.Default` (Kotlin) or in a task outside every
    /// actor (Swift), never on the library's thread; it is cancelled when the app gives up the call that needs it. It
    /// has no way to fail, and must not throw.
    async fn registrations(
        &self,
        account_id: String,
        rejected: bool,
        webpush_public_key: Option<String>,
    ) -> Vec<PushRegistration>;
}
