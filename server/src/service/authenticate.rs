//! Who asks. A value of each of these types is made here and nowhere else, from a key or a proof that was checked: a
//! use case that takes one cannot be reached without being one of them.

use super::{Service, api_key};
use crate::domain::actor::Actor;
use crate::domain::refused::Refused;
use crate::domain::rows::{OrganisationRow, RelyingPartyRow};
use crate::store::{self, AcceptedProof, ActiveDevice, PROOF_REMEMBERED};
use countersign_protocol::Refusal;
use countersign_protocol::device_api::EnrolmentState;
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::proof;
use std::net::IpAddr;

/// The relying party that asks.
pub struct RelyingParty {
    found: store::RelyingParty,
    address: Option<IpAddr>,
    key_sha256: [u8; 32],
    /// [`Wake::changes_of_keys`](super::wake::Wake::changes_of_keys) before the key was looked up.
    changes_seen: u64,
}

impl RelyingParty {
    /// The relying party with this API key, calling from this address. Read afresh each time, so that a revocation
    /// counts at once.
    ///
    /// # Errors
    /// `unauthorised` for a key that is not one, or was revoked; `unavailable`.
    pub async fn by_api_key(service: &Service, key: &str, address: Option<IpAddr>) -> Result<Self, Refused> {
        let (key_sha256, changes_seen) = (api_key::digest(key), service.wake.changes_of_keys());
        let found = service.store.relying_party_by_key(key_sha256).await?;
        found.map(|found| Self { found, address, key_sha256, changes_seen }).ok_or(Refused::Unauthorised)
    }

    /// For one that has waited: looks its key up again where the operator has changed any since.
    ///
    /// # Errors
    /// `unauthorised` when it is revoked; `unavailable`.
    pub async fn check_again(&self, service: &Service) -> Result<(), Refused> {
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
    /// `unknown_key`, `unavailable`, and those of a proof that is no JWS.
    pub async fn by_proof(service: &Service, proof: &str) -> Result<Self, Refused> {
        let key_id = proof::key_id(proof)?;
        let found = service.store.device_by_request_key(key_id, service.now()).await?;
        found.map(Self).ok_or(Refused::Message(Refusal::UnknownKey))
    }

    /// Its enrolment.
    pub const fn enrolment_id(&self) -> EnrolmentId {
        self.0.enrolment_id
    }

    /// Checks the proof over the whole request, which came from this address, and uses it up.
    ///
    /// # Errors
    /// `nonce_required`, `replayed`, `unavailable`; by its own name, what is wrong with the proof.
    pub async fn prove(
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
        if self.device.state == EnrolmentState::Confirmed {
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
