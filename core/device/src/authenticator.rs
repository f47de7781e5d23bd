//! The authenticator: a device's accounts, the requests it received, and the answers it gave.
//!
//! One object for the whole device. What it does is in one file a step: `enrol`, `receive` (3), `decide` (4).

use crate::connection::{self, Call, Nonces, Proven, REQUEST_TIMEOUT, Signer};
use crate::device_keys;
use crate::error::Error;
use crate::keyring::{Anchor, Keyring};
use crate::platform::Platform;
use crate::store::{Store, StoredEnrolment};
use crate::vault::Purpose;
use countersign_protocol::AnyProblemCode::Known;
use countersign_protocol::attestation;
use countersign_protocol::device_api::Devices;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::key::Thumbprint;
use countersign_protocol::link::is_trustworthy;
use countersign_protocol::revocation::{self, EndReason};
use countersign_protocol::server_identity::{self, PinnedServer, WellKnown};
use countersign_protocol::time::Timestamp;
use countersign_protocol::{ProblemCode, Refusal};
use data_encoding::BASE64URL_NOPAD;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A device that answers for its owner.
pub struct Authenticator {
    pub(crate) store: Store,
    keyring: Mutex<Keyring>,
    pub(crate) platform: Platform,
    nonces: Nonces,
    /// What the pulls of each account brought, the latest first.
    brought: Mutex<BTreeMap<EnrolmentId, Vec<ChallengeId>>>,
}

/// An account on this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Names the account on this device, and this device on the server.
    pub id: EnrolmentId,
    /// The organisation's name.
    pub organisation: String,
    /// The account's name.
    pub account: String,
    /// The server's address.
    pub server_url: String,
    /// The name of this device in the account's list.
    pub device_name: String,
    /// Whether the account is in use yet.
    pub state: AccountState,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// How far the server's clock is ahead of this device's, in milliseconds; negative when it is behind. What is shown
    /// by the server's time allows for it.
    pub clock_offset_ms: i64,
    /// True when this device's clock was set since the server was last heard. What is shown by the server's time, such
    /// as a code, may be wrong until then. Where the [`Clock`](countersign_protocol::time::Clock) has no counter that
    /// nobody sets, only a clock that was set back is noticed.
    pub clock_was_set: bool,
}

/// Whether an account is in use yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountState {
    /// Waits until these six digits are typed on the signed-in page.
    Proposed {
        /// The six digits to show.
        confirmation_code: String,
    },
    /// In use.
    Confirmed,
    /// Over: the server said so in a signed revocation. Its keys are gone. The account stays in the list, so that the
    /// person reads why, until it is forgotten.
    Ended {
        /// Why.
        reason: EndReason,
    },
}

impl Authenticator {
    /// Opens the authenticator whose store is in `directory`, which is made when it is missing.
    ///
    /// # Errors
    /// [`Error::Store`] when it cannot be read, written or understood, and [`Error::Vault`] when the vault gives no key
    /// for it. The store is left as it is.
    pub fn open(directory: &Path, platform: Platform) -> Result<Self, Error> {
        let store = Store::open(directory)?;
        let keyring = Mutex::new(Keyring::open(directory, &*platform.vault)?);
        // What cannot be removed now keeps nobody from answering; the next pull tries again.
        drop(store.forget_old(platform.clock.now()));
        Ok(Self { store, keyring, platform, nonces: Nonces::default(), brought: Mutex::default() })
    }

    /// What the pulls of each account brought, the latest first.
    pub(crate) fn brought(&self) -> MutexGuard<'_, BTreeMap<EnrolmentId, Vec<ChallengeId>>> {
        // It only orders what a pull names: a list that is half changed costs a repetition and nothing else.
        self.brought.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn keyring(&self) -> MutexGuard<'_, Keyring> {
        // Its only invariant is that it equals the file, and that holds before and after every call that could panic.
        self.keyring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the server's clock is ahead of this device's, as this device knows it, in milliseconds; and whether this
    /// device's was set since it learned that.
    fn clock(&self, id: EnrolmentId) -> Result<(i64, bool), Error> {
        let mut keyring = self.keyring();
        if keyring.entry(id).is_err() {
            // Enrolled by another process on the same store.
            keyring.reload()?;
        }
        let entry = keyring.entry(id)?;
        Ok((entry.clock_offset_ms, entry.clock_was_set(Anchor::read(&*self.platform.clock))))
    }

    /// The server's time, as this device knows it.
    pub(crate) fn server_time(&self, id: EnrolmentId) -> Result<Timestamp, Error> {
        Ok(self.platform.clock.now().shifted(self.clock(id)?.0))
    }

    /// An account as an app sees it.
    pub(crate) fn account(&self, stored: StoredEnrolment) -> Result<Account, Error> {
        let (clock_offset_ms, clock_was_set) = match self.clock(stored.enrolment_id) {
            // An account whose key is gone is still shown, so that it can be removed.
            Err(Error::UnknownAccount) => (0, false),
            clock => clock?,
        };
        Ok(Account {
            id: stored.enrolment_id,
            organisation: stored.organisation,
            account: stored.account,
            server_url: stored.server_url,
            device_name: stored.device_name,
            state: match (stored.ended, stored.confirmation_code) {
                (Some(reason), _) => AccountState::Ended { reason },
                (None, Some(confirmation_code)) => AccountState::Proposed { confirmation_code },
                (None, None) => AccountState::Confirmed,
            },
            enrolled_at: stored.enrolled_at,
            clock_offset_ms,
            clock_was_set,
        })
    }

    /// The accounts on this device, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read.
    pub fn accounts(&self) -> Result<Vec<Account>, Error> {
        self.store.enrolments()?.into_iter().map(|stored| self.account(stored)).collect()
    }

    /// The devices of an account, as the server knows them.
    ///
    /// # Errors
    /// As [`Authenticator::pull`].
    pub async fn devices(&self, id: EnrolmentId) -> Result<Devices, Error> {
        let proven = self.call(id, "GET", "/v1/device/devices".into(), None).await?;
        connection::read(&proven.response)
    }

    /// Removes an account: the server forgets this device first, then the device forgets the account. When the server
    /// cannot be reached, nothing is removed.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`]; [`Error::Unreachable`] and [`Error::UnexpectedAnswer`] when the server is not heard,
    /// and [`Error::ServerRefused`] when it refuses, unless it says that it does not know this device anyway. The
    /// account is still there then. [`Error::Store`] when it cannot be taken out of the store.
    pub async fn remove(&self, id: EnrolmentId) -> Result<(), Error> {
        if self.store.enrolment(id)?.ended.is_some() {
            return self.forget(id);
        }
        match self.call(id, "DELETE", format!("/v1/device/devices/{id}"), None).await {
            Ok(proven) => connection::read_done(&proven.response)?,
            Err(Error::ServerRefused { code: Known(ProblemCode::UnknownKey), .. }) => {}
            Err(error) => return Err(error),
        }
        self.forget(id)
    }

    /// Removes an account from this device alone. The server keeps asking a device that no longer answers, so this is
    /// for a server that is gone.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`] when it is not on this device; [`Error::Store`] when it cannot be taken out of the
    /// store.
    pub fn forget(&self, id: EnrolmentId) -> Result<(), Error> {
        let stored = self.store.enrolment(id)?;
        // The row goes first. When the process dies in between, a key without an account is left, which harms nobody;
        // an account without its key could do nothing any more.
        self.store.delete_enrolment(id)?;
        self.keyring().remove(id, &*self.platform.randomness)?;
        device_keys::destroy(&self.platform, &stored.keys);
        Ok(())
    }

    /// Ends an account, if `revocation` is signed by its server and answers the request proof with this `jti`. The row
    /// is changed before the keys are destroyed, as in [`Authenticator::forget`].
    pub(crate) fn end(&self, id: EnrolmentId, revocation: &str, jti: &str) -> Result<EndReason, Error> {
        let now = self.platform.clock.now();
        let reason = revocation::open(revocation, &self.keyring().entry(id)?.expected(now)?, jti)?.reason;
        let keys = self.store.enrolment(id)?.keys;
        self.store.end_enrolment(id, reason)?;
        self.keyring().remove(id, &*self.platform.randomness)?;
        device_keys::destroy(&self.platform, &keys);
        Ok(reason)
    }

    /// Follows a server to a new address. Believed only with the root that was pinned at enrolment.
    ///
    /// # Errors
    /// `malformed` when it is no address of a server; otherwise as [`Authenticator::refresh_server`]. The old address
    /// stays then.
    pub async fn relocate(&self, id: EnrolmentId, server_url: &str) -> Result<(), Error> {
        let trustworthy = url::Url::parse(server_url).is_ok_and(|url| is_trustworthy(&url));
        if !trustworthy || server_url.ends_with('/') {
            return Err(Refusal::Malformed("server address").into());
        }
        self.learn_from(id, server_url).await?;
        self.store.set_server_url(id, server_url)
    }

    /// Asks an account's server for its present certificate and time. Believed only with the pinned root, and never
    /// with a lower sequence.
    ///
    /// # Errors
    /// `wrong_server` when another server answers; `old_certificate` when it shows a lower sequence than before;
    /// `stale_time` when the answer took too long; everything else that [`WellKnown::pin`] refuses;
    /// [`Error::UnknownAccount`]; [`Error::Unreachable`], [`Error::UnexpectedAnswer`] and [`Error::ServerRefused`] when
    /// there is no such answer.
    pub async fn refresh_server(&self, id: EnrolmentId) -> Result<(), Error> {
        let server_url = self.store.enrolment(id)?.server_url;
        self.learn_from(id, &server_url).await.map(drop)
    }

    /// The key with which an account's server wants Web Push subscriptions to be made, in base64url: the Push API's
    /// `applicationServerKey`. None from a server that sends no Web Push.
    ///
    /// # Errors
    /// As [`Authenticator::refresh_server`].
    pub async fn webpush_public_key(&self, id: EnrolmentId) -> Result<Option<String>, Error> {
        let server_url = self.store.enrolment(id)?.server_url;
        Ok(self.learn_from(id, &server_url).await?.webpush_public_key)
    }

    async fn learn_from(&self, id: EnrolmentId, server_url: &str) -> Result<WellKnown, Error> {
        let pinned = self.keyring().entry(id)?.server.server_id.clone();
        let (document, asked) = self.well_known(server_url).await?;
        let lowest_sequence = self.keyring().lowest_sequence(&pinned);
        let Met { server, clock_offset_ms, .. } = Met::check(&document, &asked, &pinned, lowest_sequence)?;
        let time = (clock_offset_ms, Anchor::read(&*self.platform.clock));
        self.keyring().learn(id, server, time, &*self.platform.randomness)?;
        Ok(document)
    }

    /// Asks a server who it is, with a nonce for its time. Nothing in the answer is checked yet.
    pub(crate) async fn well_known(&self, server_url: &str) -> Result<(WellKnown, TimeAsked), Error> {
        let nonce = BASE64URL_NOPAD.encode(&self.platform.randomness.bytes::<16>());
        let asked_at = self.platform.clock.now();
        let call = Call {
            server_url,
            method: "GET",
            target: format!("/.well-known/countersign?nonce={nonce}"),
            body: None,
            timeout: REQUEST_TIMEOUT,
        };
        let response = connection::send(&self.platform, &call).await?;
        Ok((connection::read(&response)?, TimeAsked { nonce, asked_at, answered_at: self.platform.clock.now() }))
    }

    pub(crate) async fn call(
        &self,
        id: EnrolmentId,
        method: &'static str,
        target: String,
        body: Option<connection::Body>,
    ) -> Result<Proven, Error> {
        self.call_for(id, method, target, body, REQUEST_TIMEOUT).await
    }

    pub(crate) async fn call_for(
        &self,
        id: EnrolmentId,
        method: &'static str,
        target: String,
        body: Option<connection::Body>,
        timeout: std::time::Duration,
    ) -> Result<Proven, Error> {
        let stored = self.store.enrolment(id)?;
        if stored.ended.is_some() {
            return Err(Error::AccountEnded);
        }
        let key = device_keys::load(&self.platform, &stored.keys, Purpose::Request)?;
        let call = Call { server_url: &stored.server_url, method, target, body, timeout };
        let attempt = async || {
            let signer = Signer { enrolment_id: id, key: &*key, now: self.server_time(id)? };
            connection::send_signed(&self.platform, &self.nonces, &call, &signer).await
        };
        if self.clock(id)?.1 {
            // The server would take a proof that is up to a minute wrong, and the codes would stay wrong. A server that
            // cannot be asked refuses the proof, or is not heard at all.
            drop(self.refresh_server(id).await);
        }
        let answer = match attempt().await {
            Err(Error::ServerRefused { code: Known(ProblemCode::FutureTime | ProblemCode::StaleTime), .. }) => {
                // This device's clock was set since the server's time was learned.
                self.refresh_server(id).await?;
                attempt().await?
            }
            answer => answer?,
        };
        self.confirm_offset(id)?;
        Ok(answer)
    }

    /// Notes now and then that the server goes by the time that this device takes it to go by.
    fn confirm_offset(&self, id: EnrolmentId) -> Result<(), Error> {
        let present = Anchor::read(&*self.platform.clock);
        let mut keyring = self.keyring();
        match keyring.entry(id) {
            Ok(entry) if entry.is_anchor_old(present) && !entry.clock_was_set(present) => {
                keyring.confirm_offset(id, present, &*self.platform.randomness)
            }
            _ => Ok(()),
        }
    }
}

/// When a server was asked for its time, and with which nonce.
pub(crate) struct TimeAsked {
    pub nonce: String,
    pub asked_at: Timestamp,
    pub answered_at: Timestamp,
}

/// A server that has shown who it is and what time it is.
pub(crate) struct Met {
    pub server: PinnedServer,
    /// How far its clock is ahead of this device's, in milliseconds.
    pub clock_offset_ms: i64,
    /// Whether it wants to know where the approval key lives.
    pub wants_attestation: bool,
}

impl Met {
    /// Believes a document with this root and no lower sequence. The time is signed by the certified key, so a stolen
    /// old key could vouch for its own: the certificate must last by the time that is learned and by this device's own
    /// clock.
    pub fn check(
        document: &WellKnown,
        asked: &TimeAsked,
        fingerprint: &Thumbprint,
        lowest_sequence: u64,
    ) -> Result<Self, Refusal> {
        let at_any_time = document.pin(fingerprint, lowest_sequence, Timestamp::from_seconds(0))?;
        let signed = document.time.as_deref().ok_or(Refusal::Malformed("signed time"))?;
        let offset =
            server_identity::learn_offset(signed, &at_any_time, &asked.nonce, asked.asked_at, asked.answered_at)?;
        let latest = asked.answered_at.max(asked.answered_at.shifted(offset));
        let server = document.pin(fingerprint, lowest_sequence, latest)?;
        let wants_attestation = document.attestation.iter().any(|kind| kind == attestation::ANDROID);
        Ok(Self { server, clock_offset_ms: offset, wants_attestation })
    }
}
