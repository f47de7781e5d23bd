//! Step 3, receive: a sealed message comes in by push or by pull, is opened, checked, kept once, and shown.

use crate::authenticator::{Account, Authenticator};
use crate::connection;
use crate::error::Error;
use crate::keyring::Opened;
use crate::store::{Kept, Outcome, Progress, StoredChallenge};
use countersign_protocol::Refusal;
use countersign_protocol::challenge::{self, Challenge};
use countersign_protocol::decision::Answer;
use countersign_protocol::device_api::{
    EnrolmentState, Known, MAX_PULLED, MAX_WAIT_SECONDS, PulledChallenges, PushStatus,
};
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::jws::Unverified;
use countersign_protocol::link::ChallengeLink;
use countersign_protocol::retraction::{Reason, Retraction};
use countersign_protocol::revocation::EndReason;
use countersign_protocol::sealing::Envelope;
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// A request as the person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The account that is asked.
    pub account: Account,
    /// What is asked.
    pub challenge: Challenge,
    /// How long the answer may still take, by the server's time.
    pub time_left: Duration,
    /// True when the person has answered and the server has not been heard yet.
    pub answering: bool,
}

/// A request that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// What was asked.
    pub challenge: Challenge,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended here.
    pub at: Timestamp,
}

/// What became of a received message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// A request that was not known: show it.
    New(ChallengeId),
    /// A request that is known already, from an earlier push or a pull: one request, one prompt.
    Known(ChallengeId),
    /// A known request that asks for a number by now, since a second one came beside it: show it anew.
    Changed(ChallengeId),
    /// A request that waits no longer: take its prompt away, wherever it is shown.
    Retracted(ChallengeId),
}

/// What a pull brought.
#[derive(Debug)]
pub struct Pulled {
    /// What the server says of this account on this device.
    pub state: EnrolmentState,
    /// What became of each message.
    pub received: Vec<Result<Received, Refusal>>,
    /// Whether pushes reach this device, as the server knew before this device repaired it; none from an older server.
    pub push: Option<PushStatus>,
    /// The server's key for Web Push subscriptions, in base64url, when a registration is missing or to be made anew.
    pub webpush_public_key: Option<String>,
    /// Why the latest push to this device did not go through, when it did not; in words for who looks into it.
    pub push_failure: Option<String>,
    /// Why the account is over on this device, when the server has just said so in a signed word.
    pub ended: Option<EndReason>,
}

impl Authenticator {
    /// Takes in a message that came by push. `unknown_key` may mean that the server has a new signing key: a pull then
    /// learns it and brings the same request.
    ///
    /// # Errors
    /// The refusal of whatever does not agree; [`Error::Store`]. Nothing of a refused message is kept.
    pub fn receive(&self, body: &[u8]) -> Result<Received, Error> {
        self.receive_envelope(&Envelope::from_json(body)?)
    }

    fn receive_envelope(&self, envelope: &Envelope) -> Result<Received, Error> {
        let now = self.platform.clock.now();
        let mut keyring = self.keyring();
        let mut opened = keyring.open_envelope(envelope, now);
        if opened == Err(Refusal::CannotOpen) {
            // Perhaps for an account that another process on this store has enrolled.
            keyring.reload()?;
            opened = keyring.open_envelope(envelope, now);
        }
        drop(keyring);
        match opened? {
            Opened::Challenge { challenge, compact } => self.keep(&challenge, compact, now),
            Opened::Retraction(retraction) => {
                let outcome = match retraction.reason {
                    Reason::Answered => Outcome::AlreadyAnswered,
                    Reason::Code => Outcome::AnsweredByCode,
                    Reason::Cancelled => Outcome::Cancelled,
                };
                let Retraction { challenge_id, enrolment_id, .. } = retraction;
                self.store.retract_challenge(challenge_id, enrolment_id, outcome, now)?;
                Ok(Received::Retracted(challenge_id))
            }
        }
    }

    fn keep(&self, challenge: &Challenge, compact: String, now: Timestamp) -> Result<Received, Error> {
        let challenge_id = challenge.challenge_id;
        let stored = StoredChallenge {
            challenge_id,
            enrolment_id: challenge.enrolment_id,
            compact,
            received_at: now,
            progress: Progress::Pending,
        };
        Ok(match self.store.keep_challenge(&stored, challenge)? {
            Kept::New => Received::New(challenge_id),
            Kept::Known => Received::Known(challenge_id),
            Kept::Changed => Received::Changed(challenge_id),
            Kept::Retracted => Received::Retracted(challenge_id),
        })
    }

    /// Asks an account's server for what this device does not know yet: requests that wait, and those that wait no
    /// longer. Parks up to `wait_seconds` (60 at most) while there is nothing to say. Works when no push comes. Answers
    /// that could not be delivered before are delivered first, and a push registration that the server lacks is
    /// repaired.
    ///
    /// # Errors
    /// The server's and the network's; [`Error::AccountEnded`].
    pub async fn pull(&self, id: EnrolmentId, wait_seconds: u32) -> Result<Pulled, Error> {
        self.deliver_answers(id).await?;
        let pulled = self.fetch(id, wait_seconds).await?;
        if pulled.state != EnrolmentState::Void {
            self.repair_push(id, &pulled).await;
        }
        Ok(pulled)
    }

    /// Registers for pushes again where the server lacks a registration. When that fails, the next contact tries once
    /// more.
    async fn repair_push(&self, id: EnrolmentId, pulled: &Pulled) {
        let Some(registrar) = &self.platform.push else { return };
        let rejected = match pulled.push {
            Some(PushStatus::Gone) => true,
            Some(PushStatus::None | PushStatus::Outdated) => false,
            Some(PushStatus::Registered) | None => return,
        };
        let registrations = registrar.registrations(id, rejected, pulled.webpush_public_key.clone()).await;
        if !registrations.is_empty() {
            drop(self.register_push(id, &registrations).await);
        }
    }

    /// A pull without the deliveries before it.
    pub(crate) async fn fetch(&self, id: EnrolmentId, wait_seconds: u32) -> Result<Pulled, Error> {
        let wait = wait_seconds.min(MAX_WAIT_SECONDS);
        let known = Known::list_to_text(&self.known(id)?);
        let target = format!("/v1/device/challenges?wait={wait}&known={known}");
        let timeout = connection::REQUEST_TIMEOUT + Duration::from_secs(wait.into());
        let proven = self.call_for(id, "GET", target, None, timeout).await?;
        let pulled: PulledChallenges = connection::read(&proven.response)?;
        if pulled.state == EnrolmentState::Confirmed {
            self.store.set_confirmed(id)?;
            self.remove_replaced(id).await?;
        }
        let ended = match &pulled.revocation {
            Some(revocation) => Some(self.believe_revocation(id, revocation, &proven.jti).await?),
            None => None,
        };
        let mut received = Vec::with_capacity(pulled.challenges.len());
        for envelope in &pulled.challenges {
            received.push(match self.receive_pulled(id, envelope).await {
                Ok(one) => Ok(one),
                Err(Error::Refused(refusal)) => Err(refusal),
                Err(error) => return Err(error),
            });
        }
        let PulledChallenges { state, push, webpush_public_key, push_failure, .. } = pulled;
        Ok(Pulled { state, received, push, webpush_public_key, push_failure, ended })
    }

    /// An account that was enrolled again on this device is one account: the older enrolment goes, also on its server.
    /// When that cannot be reached, only here; the server then asks a device that no longer answers.
    async fn remove_replaced(&self, id: EnrolmentId) -> Result<(), Error> {
        let others = self.keyring().same_account(id)?;
        if others.is_empty() {
            return Ok(());
        }
        let enrolled_at = self.store.enrolment(id)?.enrolled_at;
        for older in others {
            let is_older = self.store.enrolment(older).is_ok_and(|other| other.enrolled_at < enrolled_at);
            if !is_older {
                continue;
            }
            match self.remove(older).await {
                Ok(()) | Err(Error::UnknownAccount) => {}
                Err(_) => self.forget(older)?,
            }
        }
        Ok(())
    }

    /// What this device holds of an account and may still hear about.
    fn known(&self, id: EnrolmentId) -> Result<Vec<Known>, Error> {
        let mut known = Vec::new();
        for stored in self.store.unfinished_challenges()? {
            let reported = matches!(stored.progress, Progress::Answering { answer: Answer::Report, .. });
            if stored.enrolment_id == id && !reported && !self.is_over(&stored)? {
                let challenge_sha256 = challenge::digest(&stored.compact);
                known.push(Known { challenge_id: stored.challenge_id, challenge_sha256 });
            }
        }
        known.truncate(MAX_PULLED);
        Ok(known)
    }

    /// Ends the account by the server's signed word. A signing key that is not known is learned first, as for a
    /// challenge.
    async fn believe_revocation(&self, id: EnrolmentId, revocation: &str, jti: &str) -> Result<EndReason, Error> {
        match self.end(id, revocation, jti) {
            Err(Error::Refused(Refusal::UnknownKey | Refusal::OldCertificate)) => {
                self.refresh_server(id).await?;
                self.end(id, revocation, jti)
            }
            ended => ended,
        }
    }

    /// Finds the request that a link on the page of the same phone opens; asks the server when it is not here yet. The
    /// answer, and a number where one is asked for, are still the person's to give.
    ///
    /// # Errors
    /// `malformed`; [`Error::UnknownAccount`] when no account of that server is on this device;
    /// [`Error::UnknownChallenge`]; the network's.
    pub async fn open_link(&self, link: &str) -> Result<ChallengeId, Error> {
        let ChallengeLink { challenge_id, fingerprint, .. } = ChallengeLink::parse(link)?;
        if self.store.challenge(challenge_id).is_ok() {
            return Ok(challenge_id);
        }
        let accounts = self.keyring().enrolments_of(&fingerprint);
        if accounts.is_empty() {
            return Err(Error::UnknownAccount);
        }
        // One account that cannot be asked must not hide the others.
        let mut trouble = None;
        for id in accounts {
            trouble = self.fetch(id, 0).await.err().or(trouble);
            if self.store.challenge(challenge_id).is_ok() {
                return Ok(challenge_id);
            }
        }
        Err(trouble.unwrap_or(Error::UnknownChallenge))
    }

    /// Takes in one pulled message. Pulled messages are never over and never early, so one that seems to be, or whose
    /// signing key is not known, means that this device should ask the server for its time and certificate first.
    async fn receive_pulled(&self, id: EnrolmentId, envelope: &Envelope) -> Result<Received, Error> {
        match self.receive_envelope(envelope) {
            Err(Error::Refused(
                Refusal::UnknownKey | Refusal::OldCertificate | Refusal::FutureTime | Refusal::Expired,
            )) => {
                self.refresh_server(id).await?;
                self.receive_envelope(envelope)
            }
            received => received,
        }
    }

    /// The requests that wait for the person, oldest first. Those whose time is over move to the history.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn pending(&self) -> Result<Vec<Prompt>, Error> {
        let mut prompts = Vec::new();
        for stored in self.store.unfinished_challenges()? {
            let answering = match stored.progress {
                // "This was not me" asks the person nothing more.
                Progress::Answering { answer: Answer::Report, .. } => continue,
                Progress::Answering { .. } => true,
                _ => false,
            };
            match self.is_over(&stored) {
                // Perhaps it counted and only the reply was lost: the next delivery hears which.
                Ok(true) if answering => {}
                Ok(true) => {
                    self.store.finish_challenge(stored.challenge_id, Outcome::Expired, self.platform.clock.now())?;
                }
                Ok(false) => prompts.push(self.prompt(&stored, answering)?),
                // One that cannot be read must not hide the others.
                Err(Error::UnknownAccount | Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(prompts)
    }

    fn prompt(&self, stored: &StoredChallenge, answering: bool) -> Result<Prompt, Error> {
        let challenge = read_kept(&stored.compact)?;
        let time_left = self.server_time(stored.enrolment_id)?.until(challenge.ends_at());
        let account = self.account(self.store.enrolment(stored.enrolment_id)?)?;
        Ok(Prompt { account, challenge, time_left, answering })
    }

    /// True once a request's time is over, by the server's time.
    pub(crate) fn is_over(&self, stored: &StoredChallenge) -> Result<bool, Error> {
        Ok(read_kept(&stored.compact)?.ends_at() <= self.server_time(stored.enrolment_id)?)
    }

    /// The latest requests that are over, newest first, `most` at most.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn history(&self, most: u32) -> Result<Vec<Past>, Error> {
        // A request whose time is over belongs here, whether or not anybody looked at the list of pending ones.
        self.pending()?;
        let mut past = Vec::new();
        for stored in self.store.finished_challenges(most)? {
            let (outcome, at) = match stored.progress {
                Progress::Finished { outcome, at } => (outcome, at),
                // Reported after its end; the server has not acknowledged that yet.
                _ => (Outcome::Reported, stored.received_at),
            };
            past.push(Past { challenge: read_kept(&stored.compact)?, outcome, at });
        }
        Ok(past)
    }

    /// True once an account's confirmation code has been typed on the signed-in page, as far as this device has heard.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`], [`Error::Store`].
    pub fn is_confirmed(&self, id: EnrolmentId) -> Result<bool, Error> {
        Ok(self.store.enrolment(id)?.confirmation_code.is_none())
    }
}

/// The claims of a challenge that was checked when it came in.
pub(crate) fn read_kept(compact: &str) -> Result<Challenge, Error> {
    Ok(Unverified::parse::<Challenge>(compact)?.claims_without_verification()?)
}
