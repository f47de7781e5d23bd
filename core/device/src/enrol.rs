//! Enrolling this device from a link.

use crate::authenticator::{Account, Authenticator, Met};
use crate::connection::{self, Body, Call, REQUEST_TIMEOUT};
use crate::device_keys;
use crate::error::Error;
use crate::keyring::{Anchor, Entry};
use crate::store::{StoredEnrolling, StoredEnrolment};
use crate::vault::{Opens, at_rest_key};
use countersign_protocol::Refusal;
use countersign_protocol::at_rest::{AtRestKey, Location};
use countersign_protocol::attestation;
use countersign_protocol::device_api::{PushRegistration, RedemptionAnswer};
use countersign_protocol::enrolment::{self, EnrolmentLink, Possession, Redemption, Transcript};
use countersign_protocol::handle::EnrolmentId;
use countersign_protocol::jws;
use countersign_protocol::key::{Thumbprint, sha256_text};
use countersign_protocol::sealing::SealingKey;
use countersign_protocol::server_identity::PinnedServer;
use countersign_protocol::typed;

/// The name of a device whose own name shows nothing.
pub const UNNAMED: &str = "Phone";

impl Authenticator {
    /// Enrols this device for the account that the link belongs to. The link is taken as it was pasted; of the device's
    /// name, what can be shown stays ([`typed::name`]), and where nothing does, it is [`UNNAMED`]. The account is
    /// *proposed* until its confirmation code has been typed on the signed-in page. When the answer is lost, the same
    /// call with the same link goes on where it stopped.
    ///
    /// # Errors
    /// `malformed` for what is no link; `wrong_server` when the server is not the one that the link names, or its
    /// statement is of another; `unknown_key` when another key than the server's signed it, also after the server was
    /// asked once more for its key; `wrong_device` when its statement is about other keys; [`Error::ServerRefused`] as
    /// `invalid_ticket` or `redeemed_twice` when the link is of no use any more, and as `attestation_required` when the
    /// server does not take this phone; [`Error::Unreachable`] and
    /// [`Error::UnexpectedAnswer`] when the server is not heard, after which the same call goes on; [`Error::Key`],
    /// [`Error::Vault`] and [`Error::Store`] when the keys cannot be made or kept.
    pub async fn enrol(&self, link: &str, device_name: &str) -> Result<Account, Error> {
        let link = EnrolmentLink::parse(link)?;
        let ticket_sha256 = sha256_text(link.ticket.as_bytes());
        if let Some(known) = self.store.enrolment_of_ticket(&ticket_sha256)? {
            // The link was scanned again. New keys would look like a thief's second device to the server, which would
            // end the enrolment.
            return self.account(known);
        }
        let met = self.meet(&link, 0).await?;
        let enrolling = match self.store.enrolling(&ticket_sha256)? {
            Some(enrolling) => enrolling,
            None => {
                // Cleaned here and not by the server: the name is signed.
                let name = typed::name(device_name);
                self.begin(&ticket_sha256, &met, name.as_deref().unwrap_or(UNNAMED)).await?
            }
        };
        match self.redeem(&link, &met, &enrolling).await {
            Ok(answer) => self.believe(&link, &ticket_sha256, &met, &enrolling, &answer).await,
            Err(error) if error.is_final() => {
                self.store.drop_enrolling(&ticket_sha256)?;
                device_keys::destroy(&self.platform, &enrolling.keys);
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Asks the server of a link who it is and what time it is. Believed only as the server that the link names, and
    /// with no lower sequence than this device has seen of it: `seen`, or by any of its accounts.
    async fn meet(&self, link: &EnrolmentLink, seen: u64) -> Result<Met, Error> {
        let (document, asked) = self.well_known(&link.server_url).await?;
        let lowest_sequence = self.keyring().lowest_sequence(&link.fingerprint).max(seen);
        Ok(Met::check(&document, &asked, &link.fingerprint, lowest_sequence)?)
    }

    /// Believes the answer to a redemption. When the server's key was renewed since the server was met, the answer is
    /// signed by the new one: the server is met again, once, and the same answer is checked again.
    async fn believe(
        &self,
        link: &EnrolmentLink,
        ticket_sha256: &str,
        met: &Met,
        enrolling: &StoredEnrolling,
        answer: &RedemptionAnswer,
    ) -> Result<Account, Error> {
        match self.finish(link, ticket_sha256, met, enrolling, answer) {
            Err(Error::Refused(Refusal::UnknownKey)) => {
                let met = self.meet(link, met.server.sequence).await?;
                self.finish(link, ticket_sha256, &met, enrolling, answer)
            }
            finished => finished,
        }
    }

    /// Makes the keys and the signed redemption, and keeps both before anything is sent.
    async fn begin(&self, ticket_sha256: &str, met: &Met, device_name: &str) -> Result<StoredEnrolling, Error> {
        let challenge = met.wants_attestation.then(|| attestation::challenge(&met.server.server_id, ticket_sha256));
        let (pair, keys) = device_keys::create(&self.platform, challenge).await?;
        let sealing_key = SealingKey::generate(&*self.platform.randomness);
        let transcript = Transcript {
            aud: met.server.server_id.clone(),
            ticket_sha256: ticket_sha256.to_owned(),
            request_key: pair.request.public_key(),
            approval_key: pair.approval.public_key(),
            sealing_key: sealing_key.public(),
            device_name: device_name.to_owned(),
            iat: self.platform.clock.now().shifted(met.clock_offset_ms).seconds(),
        };
        let transcript = jws::sign(&transcript, &*pair.request).await?;
        let possession = Possession { transcript_sha256: enrolment::transcript_digest_text(&transcript) };
        let possession = jws::sign(&possession, &*pair.approval).await?;
        let sealing_key = self.sealing_key_sealer()?.seal(
            sealing_key_location(ticket_sha256),
            sealing_key.to_bytes().as_ref(),
            &*self.platform.randomness,
        );
        let enrolling = StoredEnrolling { keys, sealing_key, transcript, possession };
        self.store.put_enrolling(ticket_sha256, &enrolling)?;
        // Where the link was scanned twice at one time, both go on with the keys that were kept first.
        let kept = self.store.enrolling(ticket_sha256)?.unwrap_or(enrolling);
        Ok(kept)
    }

    fn sealing_key_sealer(&self) -> Result<AtRestKey, Error> {
        Ok(at_rest_key(&*self.platform.vault, Opens::AfterFirstUnlock)?)
    }

    async fn redeem(
        &self,
        link: &EnrolmentLink,
        met: &Met,
        enrolling: &StoredEnrolling,
    ) -> Result<RedemptionAnswer, Error> {
        // An earlier server refuses what it does not know, and one that wants none has no business to have it.
        let attestation =
            met.wants_attestation.then(|| device_keys::attestation(&self.platform, &enrolling.keys)).flatten();
        let redemption = Redemption {
            ticket: link.ticket.to_string(),
            transcript: enrolling.transcript.clone(),
            possession: enrolling.possession.clone(),
            attestation,
        };
        let call = Call {
            server_url: &link.server_url,
            method: "POST",
            target: "/v1/device/enrol".into(),
            body: Some(Body::json(&redemption)?),
            timeout: REQUEST_TIMEOUT,
        };
        connection::read(&connection::send(&self.platform, &call).await?)
    }

    fn finish(
        &self,
        link: &EnrolmentLink,
        ticket_sha256: &str,
        met: &Met,
        enrolling: &StoredEnrolling,
        answer: &RedemptionAnswer,
    ) -> Result<Account, Error> {
        let unverified = jws::Unverified::parse::<Transcript>(&enrolling.transcript)?;
        let transcript: Transcript = unverified.claims_without_verification()?;
        let PinnedServer { server_id, signing_key, .. } = &met.server;
        let statement =
            enrolment::check_statement(&answer.enrolment, server_id, signing_key, &transcript, &enrolling.transcript)?;
        let sealing_key =
            self.sealing_key_sealer()?.open(sealing_key_location(ticket_sha256), &enrolling.sealing_key)?;
        let sealing_key = SealingKey::from_bytes(&sealing_key)?;
        let id = statement.enrolment_id;
        if self.is_taken(id, &met.server.server_id, &statement.aud)? {
            // The server chose an id that names another account on this device. That account's key and pin must stay.
            return Err(Refusal::WrongDevice.into());
        }
        let code_seed = answer.code_seed.as_ref();
        let code_seed = code_seed
            .map(|envelope| self.keep_code_seed(envelope, &sealing_key, &met.server, &statement))
            .transpose()?;
        let time = (met.clock_offset_ms, Anchor::read(&*self.platform.clock));
        let entry = Entry::new(id, statement.sub, statement.aud.clone(), met.server.clone(), time, &sealing_key);
        self.keyring().put(entry, &*self.platform.randomness)?;
        let stored = StoredEnrolment {
            enrolment_id: id,
            server_url: link.server_url.clone(),
            organisation: statement.organisation,
            account: statement.account,
            device_name: transcript.device_name,
            confirmation_code: Some(enrolment::confirmation_code(&enrolling.transcript, statement.sub)),
            ended: None,
            enrolled_at: self.platform.clock.now(),
            keys: enrolling.keys.clone(),
            code_seed,
        };
        self.store.finish_enrolling(ticket_sha256, &stored)?;
        self.account(stored)
    }

    /// True when this id names another enrolment on this device. One of the same server and keys is this enrolment
    /// itself: its link was scanned twice, or the process died before its row was written.
    fn is_taken(&self, id: EnrolmentId, server_id: &Thumbprint, device: &Thumbprint) -> Result<bool, Error> {
        let mut keyring = self.keyring();
        keyring.reload()?;
        Ok(match keyring.entry(id) {
            Ok(entry) => entry.server.server_id != *server_id || entry.device != *device,
            Err(_) => self.store.enrolment(id).is_ok(),
        })
    }

    /// Tells an account's server all places to which to send pushes: 1 to 4. They replace those that it knew.
    ///
    /// # Errors
    /// [`Error::ServerRefused`] as `too_many_registrations`, `gateway_not_configured` or `unknown_webpush_key`;
    /// otherwise as [`Authenticator::pull`].
    pub async fn register_push(&self, id: EnrolmentId, registrations: &[PushRegistration]) -> Result<(), Error> {
        let body = match registrations {
            // The form that every server understands.
            [one] => Body::json(one)?,
            list => Body::json(list)?,
        };
        let proven = self.call(id, "PUT", "/v1/device/push".into(), Some(body)).await?;
        connection::read_done(&proven.response)
    }
}

/// Where a sealing key lies until its enrolment is finished and it moves into the keyring.
const fn sealing_key_location(ticket_sha256: &str) -> Location<'_> {
    Location { table: "enrolling", row: ticket_sha256, column: "sealing_key" }
}
