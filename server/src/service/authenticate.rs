//! Who asks. A value of each of these types is made here and nowhere else, from a key or a proof that was checked: a
//! use case that takes one cannot be reached without being one of them.

use super::rates::Buckets;
use super::turns::Turn;
use super::waiting::Place;
use super::{Service, api_key, failures};
use crate::domain::actor::Actor;
use crate::domain::refused::Refused;
use crate::domain::rows::{OrganisationRow, RelyingPartyRow};
use crate::store::{self, AcceptedProof, ActiveDevice, PROOF_REMEMBERED};
use countersign_protocol::Refusal;
use countersign_protocol::device_api::EnrolmentState;
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::proof;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The relying party that asks.
pub struct RelyingParty {
    found: store::RelyingParty,
    address: Option<IpAddr>,
    key_sha256: [u8; 32],
    /// [`Wake::changes_of_keys`](super::wake::Wake::changes_of_keys) before the key was looked up.
    changes_seen: u64,
    turn: Mutex<Option<Turn>>,
}

impl RelyingParty {
    /// The relying party with this API key, calling from this address. Read afresh each time, so that a revocation
    /// counts at once.
    ///
    /// # Errors
    /// `unauthorised` for a key that is not one, or was revoked; `too_many_failures`; `unavailable`.
    pub async fn by_api_key(service: &Service, key: &str, address: Option<IpAddr>) -> Result<Self, Refused> {
        failures::counted(service, address, Self::look_up(service, key, address)).await
    }

    async fn look_up(service: &Service, key: &str, address: Option<IpAddr>) -> Result<Self, Refused> {
        let (key_sha256, changes_seen) = (api_key::digest(key), service.wake.changes_of_keys());
        let turn = service.turns.take_by_key(&key_sha256).await;
        let found = service.store.relying_party_by_key(key_sha256).await?;
        service.turns.remember(key_sha256, found.as_ref().map(|found| found.row_id));
        let found = found.ok_or(Refused::Unauthorised)?;
        let turn = match turn {
            Some(turn) => turn,
            None => service.turns.take(found.row_id).await,
        };
        Ok(Self { found, address, key_sha256, changes_seen, turn: Mutex::new(Some(turn)) })
    }

    /// Gives its turn up: what follows is no work.
    pub(super) fn rest(&self) {
        drop(self.turn.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Takes what may be taken only so often.
    ///
    /// # Errors
    /// `refused` of the pause, when it is too early; after a rest, so that who asks again at once slows itself.
    pub(super) async fn take(
        &self,
        service: &Service,
        buckets: &Buckets<RelyingPartyRow>,
        refused: fn(Duration) -> Refused,
    ) -> Result<(), Refused> {
        let Err(pause) = buckets.take(&*service.clock, self.row()) else { return Ok(()) };
        self.rest();
        failures::hold_back(service).await;
        Err(refused(pause))
    }

    /// A place among those of this relying party that wait; none for who does not wait. Who waits has given its turn
    /// up: see [`RelyingParty::look_again`].
    ///
    /// # Errors
    /// `too_many_waits`.
    pub(super) fn wait_place<'a>(
        &self,
        service: &'a Service,
        patience: Duration,
    ) -> Result<Option<Place<'a, RelyingPartyRow>>, Refused> {
        if patience.is_zero() {
            return Ok(None);
        }
        let most = service.settings.limits.waits_per_relying_party;
        let place = service.wake.relying_parties.enter_within(self.row(), most).ok_or(Refused::TooManyWaits)?;
        self.rest();
        Ok(Some(place))
    }

    /// For a look of one that waits: a turn for it.
    ///
    /// # Errors
    /// Those of [`RelyingParty::check_again`].
    pub(super) async fn look_again(&self, service: &Service) -> Result<Option<Turn>, Refused> {
        let rests = self.turn.lock().unwrap_or_else(PoisonError::into_inner).is_none();
        let turn = if rests { Some(service.turns.take(self.row()).await) } else { None };
        self.check_again(service).await?;
        Ok(turn)
    }

    /// For one that has waited: looks its key up again where the operator has changed any since.
    ///
    /// # Errors
    /// `unauthorised` when it is revoked; `unavailable`.
    async fn check_again(&self, service: &Service) -> Result<(), Refused> {
        if service.wake.changes_of_keys() == self.changes_seen {
            return Ok(());
        }
        let found = service.store.relying_party_by_key(self.key_sha256).await?;
        found.map(drop).ok_or(Refused::Unauthorised)
    }

    /// Who acts when it does, and from where.
    pub fn actor(&self) -> Actor {
        Actor::relying_party(&self.found.handle, self.address)
    }

    /// Its row.
    pub const fn row(&self) -> RelyingPartyRow {
        self.found.row_id
    }

    /// Its external handle.
    pub fn handle(&self) -> &str {
        &self.found.handle
    }

    /// The row of its organisation: nothing outside it exists for this relying party.
    pub const fn organisation(&self) -> OrganisationRow {
        self.found.organisation.row_id
    }

    /// The name of its organisation.
    pub fn organisation_name(&self) -> &str {
        &self.found.organisation.name
    }

    /// The registered name that people see when it asks.
    pub fn name(&self) -> &str {
        &self.found.name
    }
}

/// The device whose key a proof names, before the proof was checked: it is told its next nonce, and nothing else.
pub struct NamedDevice(ActiveDevice);

impl NamedDevice {
    /// The device whose request key a proof names.
    ///
    /// # Errors
    /// `unknown_key`, `too_many_failures`, `unavailable`, and those of a proof that is no JWS.
    pub async fn by_proof(service: &Service, proof: &str, address: Option<IpAddr>) -> Result<Self, Refused> {
        let named = async {
            let found = service.store.device_by_request_key(proof::key_id(proof)?, service.now()).await?;
            found.map(Self).ok_or(Refused::Message(Refusal::UnknownKey))
        };
        failures::counted(service, address, named).await
    }

    /// Its enrolment.
    pub const fn enrolment_id(&self) -> EnrolmentId {
        self.0.enrolment_id
    }

    /// Checks the proof over the whole request, which came from this address, and uses it up.
    ///
    /// # Errors
    /// `nonce_required`, `replayed`, `too_many_failures`, `unavailable`; by its own name, what is wrong with the proof.
    pub async fn prove(
        self,
        service: &Service,
        proof: &str,
        signed: proof::Request<'_>,
        address: Option<IpAddr>,
    ) -> Result<Device, Refused> {
        failures::counted(service, address, self.prove_it(service, proof, signed, address)).await
    }

    async fn prove_it(
        self,
        service: &Service,
        proof: &str,
        signed: proof::Request<'_>,
        address: Option<IpAddr>,
    ) -> Result<Device, Refused> {
        let Self(device) = self;
        let now = service.now();
        let proof = proof::check(proof, signed, &device.request_key, now)?;
        let nonces = &service.keys.nonces;
        let Some(era) = nonces.is_fresh(device.enrolment_id, &proof.nonce, now) else {
            // The nonce that comes with this refusal must be one that serves.
            nonces.begin(service.store.proof_era(now).await?);
            return Err(Refused::NonceRequired);
        };
        match service.store.accept_proof(device.row_id, proof.jti.clone(), era, now + PROOF_REMEMBERED).await? {
            AcceptedProof::Now => Ok(Device { device, jti: proof.jti, address }),
            AcceptedProof::Before => Err(Refused::Replayed),
            // The clock went back, so that a nonce whose proof is forgotten could serve again.
            AcceptedProof::OtherEra(era) => {
                nonces.begin(era);
                Err(Refused::NonceRequired)
            }
        }
    }
}

/// A nonce for the next proof of a device.
pub fn next_nonce(service: &Service, device: EnrolmentId) -> String {
    service.keys.nonces.issue(device, service.now())
}

/// The device that asks, by its request proof, whatever the state of its enrolment.
#[derive(Clone)]
pub struct Device {
    device: ActiveDevice,
    jti: String,
    address: Option<IpAddr>,
}

impl Device {
    /// What is known of it, as of the moment of its proof.
    pub const fn known(&self) -> &ActiveDevice {
        &self.device
    }

    /// Who acts when it does, and from where.
    pub fn actor(&self) -> Actor {
        Actor::device(self.device.enrolment_id, self.address)
    }

    /// The `jti` of its proof, by which an answer can be bound to this very request.
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// The device, when it is in use.
    ///
    /// # Errors
    /// `device_not_in_use`.
    pub fn confirmed(self) -> Result<ConfirmedDevice, Refused> {
        if self.device.state == EnrolmentState::Confirmed && !self.device.rehearses {
            Ok(ConfirmedDevice(self.device))
        } else {
            Err(Refused::DeviceNotInUse)
        }
    }
}

/// The device that asks, when it is in use.
pub struct ConfirmedDevice(ActiveDevice);

impl ConfirmedDevice {
    /// What is known of it, as of the moment of its proof.
    pub const fn known(&self) -> &ActiveDevice {
        &self.0
    }
}
