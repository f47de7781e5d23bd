//! Step 3, receive: a sealed message comes by push or by pull. It is opened, checked against the enrolment that it is
//! for, kept once, and shown to the person.

use crate::authenticator::{Account, Authenticator};
use crate::connection;
use crate::error::Error;
use crate::keyring::Opened;
use crate::store::{Kept, Outcome, Progress, StoredChallenge};
use countersign_protocol::Refusal;
use countersign_protocol::challenge::{self, Challenge};
use countersign_protocol::decision::Answer;
use countersign_protocol::device_api::{
    EnrolmentState, Known, MAX_PULLED, MAX_WAIT_SECONDS, PulledChallenges, PushFailure, PushStatus,
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
    /// True when the person has answered, and the server has not acknowledged the answer yet.
    pub answering: bool,
}

/// A request that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// What was asked.
    pub challenge: Challenge,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended on this device, by this device's clock.
    pub at: Timestamp,
}

/// What the app does about a message that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// A request that this device did not know: show it.
    New(ChallengeId),
    /// A request that this device knows already, from an earlier push or pull. Its prompt is there, so there is nothing
    /// to do.
    Known(ChallengeId),
    /// A known request that now asks for a number, since a second sign-in of the same person began to wait beside it:
    /// show it again, in its new form.
    Changed(ChallengeId),
    /// A request that waits no longer: take its prompt and its notification away.
    Retracted(ChallengeId),
}

/// What a pull brought.
#[derive(Debug)]
pub struct Pulled {
    /// Whether the signed-in page has confirmed this device, as the server says without a signature.
    pub state: EnrolmentState,
    /// What to do about each message that came, or why it was refused.
    pub received: Vec<Result<Received, Refusal>>,
    /// Whether pushes reach this device, as the server knew before this pull repaired it. An older server does not say.
    pub push: Option<PushStatus>,
    /// The server's key for Web Push subscriptions, in base64url. It is there when a registration is missing or is to
    /// be made again.
    pub webpush_public_key: Option<String>,
    /// Why the latest push to this device did not go through. None when it did.
    pub push_failure: Option<PushFailure>,
    /// Why the account is over on this device. It is there when this pull brought the server's signed revocation.
    pub ended: Option<EndReason>,
}

impl Authenticator {
    /// Takes in a message that came by push. When it is refused as `unknown_key`, the server may have a new signing
    /// key: a pull then learns the key and brings the same request.
    ///
    /// # Errors
    /// [`Error::Refused`] for whatever does not agree, as [`Envelope::from_json`] and [`crate::Keyring::open_envelope`]
    /// say: nothing of a refused message is kept. [`Error::Store`] when the store cannot be read or written.
    pub fn receive(&self, body: &[u8]) -> Result<Received, Error> {
        self.receive_envelope(&Envelope::from_json(body)?)
    }

    fn receive_envelope(&self, envelope: &Envelope) -> Result<Received, Error> {
        let now = self.platform.clock.now();
        let mut keyring = self.keyring();
        let mut opened = keyring.open_envelope(envelope, now);
        if opened == Err(Refusal::CannotOpen) {
            // Another process on this store may have enrolled the account that this message is for.
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

    /// Asks an account's server for the requests that this device does not know yet, and for those of its requests that
    /// wait no longer. When there are none, the server answers after `wait_seconds` (60 at most), or as soon as there
    /// is one. It works without any push. Before that it delivers the answers that could not be delivered earlier, and
    /// after it registers for pushes again where the server lacks a registration.
    ///
    /// # Errors
    /// [`Error::UnknownAccount`] and [`Error::AccountEnded`] when there is no such account any more;
    /// [`Error::Unreachable`] and [`Error::UnexpectedAnswer`] when the server is not heard; [`Error::ServerRefused`]
    /// when it refuses; [`Error::Key`] and [`Error::Vault`] when the request key cannot be used now; [`Error::Store`]
    /// when the store cannot be read or written. A message that is refused is no error: it is in [`Pulled::received`].
    pub async fn pull(&self, id: EnrolmentId, wait_seconds: u32) -> Result<Pulled, Error> {
        self.deliver_answers(id).await?;
        let pulled = self.fetch(id, wait_seconds).await?;
        if pulled.state != EnrolmentState::Void {
            self.repair_push(id, &pulled).await;
        }
        // Whoever only pulls never looks at what waits, and so would keep for ever what waits no longer. What cannot be
        // removed now is no trouble of this pull: the next one tries again.
        drop(self.pending());
        drop(self.store.forget_old(self.platform.clock.now()));
        Ok(pulled)
    }

    /// Registers for pushes again where the server lacks a registration. A failure is not reported: the next pull finds
    /// the registration missing and tries again.
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

    /// The pull itself: without the deliveries before it and the registration after it.
    pub(crate) async fn fetch(&self, id: EnrolmentId, wait_seconds: u32) -> Result<Pulled, Error> {
        let wait = wait_seconds.min(MAX_WAIT_SECONDS);
        let target = match Known::list_to_text(&self.known(id)?).as_str() {
            "" => format!("/v1/device/challenges?wait={wait}"),
            known => format!("/v1/device/challenges?wait={wait}&known={known}"),
        };
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
        let received = match ended {
            // Nothing of an account that is over is shown any more.
            Some(_) => Vec::new(),
            None => self.receive_pulled(id, &pulled.challenges).await?,
        };
        self.remember_brought(id, &received);
        let PulledChallenges { state, push, webpush_public_key, push_failure, .. } = pulled;
        Ok(Pulled { state, received, push, webpush_public_key, push_failure, ended })
    }

    /// Removes the older enrolments of an account that was enrolled a second time on this device, so that the person
    /// sees one account. One whose removal the server did not hear stays until the next pull, since the server would
    /// go on asking an enrolment that no longer answers; one that the server refuses to remove goes from this device
    /// alone.
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
                Err(error) if error.is_temporary() => {}
                Err(_) => self.forget(older)?,
            }
        }
        Ok(())
    }

    /// The requests of an account that this device holds and that may still change: all that are neither over nor
    /// reported. The server compares their digests and answers with what is different.
    fn known(&self, id: EnrolmentId) -> Result<Vec<Known>, Error> {
        let mut known = Vec::new();
        for stored in self.store.unfinished_challenges()? {
            let reported = matches!(stored.progress, Progress::Answering { answer: Answer::Report, .. });
            if stored.enrolment_id == id && !reported && !self.is_over(&stored)? {
                let challenge_sha256 = challenge::digest(&stored.compact);
                known.push(Known { challenge_id: stored.challenge_id, challenge_sha256 });
            }
        }
        // Of more than can be named, those that the server brought last: it chooses among the same, and would bring
        // again at once what is not named.
        let brought = self.brought().get(&id).cloned().unwrap_or_default();
        known.reverse();
        known.sort_by_key(|one| brought.iter().position(|id| *id == one.challenge_id).unwrap_or(usize::MAX));
        known.truncate(MAX_PULLED);
        Ok(known)
    }

    fn remember_brought(&self, id: EnrolmentId, received: &[Result<Received, Refusal>]) {
        let waits = |one: &Result<Received, Refusal>| match one {
            Ok(Received::New(id) | Received::Known(id) | Received::Changed(id)) => Some(*id),
            Ok(Received::Retracted(_)) | Err(_) => None,
        };
        let latest: Vec<ChallengeId> = received.iter().filter_map(waits).collect();
        let mut brought = self.brought();
        let brought = brought.entry(id).or_default();
        brought.retain(|earlier| !latest.contains(earlier));
        brought.splice(0..0, latest);
        brought.truncate(MAX_PULLED);
    }

    /// Ends the account if the server's signed revocation is genuine. Where the key that signed it is not known here,
    /// the server's present certificate is fetched first, as for a challenge.
    async fn believe_revocation(&self, id: EnrolmentId, revocation: &str, jti: &str) -> Result<EndReason, Error> {
        match self.end(id, revocation, jti) {
            Err(Error::Refused(Refusal::UnknownKey | Refusal::OldCertificate)) => {
                self.refresh_server(id).await?;
                self.end(id, revocation, jti)
            }
            ended => ended,
        }
    }

    /// Finds the request that a link on a page of this same phone names, and asks the account's server for it when it
    /// is not here yet. It answers nothing: the person still says YES or NO, and types the number where one is asked
    /// for.
    ///
    /// # Errors
    /// `malformed` when it is no such link; [`Error::UnknownAccount`] when no account of that server is on this device;
    /// [`Error::UnknownChallenge`] when the server has no such request for any of them; otherwise as
    /// [`Authenticator::pull`].
    pub async fn open_link(&self, link: &str) -> Result<ChallengeId, Error> {
        let ChallengeLink { challenge_id, fingerprint, .. } = ChallengeLink::parse(link)?;
        if self.store.challenge(challenge_id).is_ok() {
            return Ok(challenge_id);
        }
        let accounts = self.keyring().enrolments_of(&fingerprint);
        if accounts.is_empty() {
            return Err(Error::UnknownAccount);
        }
        // An account whose server cannot be asked must not keep the others from being asked.
        let mut trouble = None;
        for id in accounts {
            trouble = self.fetch(id, 0).await.err().or(trouble);
            if self.store.challenge(challenge_id).is_ok() {
                return Ok(challenge_id);
            }
        }
        Err(trouble.unwrap_or(Error::UnknownChallenge))
    }

    /// Takes in the messages of one pull. A server hands out none that is over or dated in the future. So when one
    /// seems to be, or when its signing key is not known, this device has an old certificate or a wrong idea of the
    /// server's time: it learns both from the server, and tries those once more. It learns once, however many are
    /// refused: a server must not send it round in a circle. And it learns after all were looked at: what was signed by
    /// the earlier key is believed under the earlier pin.
    async fn receive_pulled(
        &self,
        id: EnrolmentId,
        envelopes: &[Envelope],
    ) -> Result<Vec<Result<Received, Refusal>>, Error> {
        let receive = |envelope| match self.receive_envelope(envelope) {
            Ok(received) => Ok(Ok(received)),
            Err(Error::Refused(refusal)) => Ok(Err(refusal)),
            Err(error) => Err(error),
        };
        let mut received = envelopes.iter().map(receive).collect::<Result<Vec<_>, Error>>()?;
        let teaches = |one: &Result<Received, Refusal>| {
            use Refusal::{Expired, FutureTime, OldCertificate, UnknownKey};
            matches!(one, Err(UnknownKey | OldCertificate | FutureTime | Expired))
        };
        if !received.iter().any(teaches) {
            return Ok(received);
        }
        let learned = match self.refresh_server(id).await {
            Ok(()) => Ok(()),
            // They are refused for now, and the next pull brings them again: those beside them must not be lost.
            Err(error) if error.is_temporary() => return Ok(received),
            Err(Error::Refused(refusal)) => Err(refusal),
            Err(error) => return Err(error),
        };
        for (one, envelope) in received.iter_mut().zip(envelopes).filter(|(one, _)| teaches(one)) {
            *one = match &learned {
                Ok(()) => receive(envelope)?,
                Err(refusal) => Err(*refusal),
            };
        }
        Ok(received)
    }

    /// The requests that wait for the person, oldest first. Those whose time is over are moved to the history.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read or written.
    pub fn pending(&self) -> Result<Vec<Prompt>, Error> {
        let mut prompts = Vec::new();
        for stored in self.store.unfinished_challenges()? {
            let answering = match stored.progress {
                // A report needs nothing more from the person, so it has no prompt while it waits to be delivered.
                Progress::Answering { answer: Answer::Report, .. } => continue,
                Progress::Answering { .. } => true,
                _ => false,
            };
            match self.is_over(&stored) {
                // The answer may have counted although the reply was lost. The next delivery tells, so it is not
                // recorded as expired.
                Ok(true) if answering => {}
                Ok(true) => {
                    self.store.finish_challenge(stored.challenge_id, Outcome::Expired, self.platform.clock.now())?;
                }
                Ok(false) => prompts.push(self.prompt(&stored, answering)?),
                // A request whose account is gone, or whose bytes cannot be read, must not hide the others.
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
    /// [`Error::Store`] when the store cannot be read or written.
    pub fn history(&self, most: u32) -> Result<Vec<Past>, Error> {
        // This moves the requests whose time is over into the history, although nobody has asked for the pending ones
        // since.
        self.pending()?;
        let mut past = Vec::new();
        for stored in self.store.finished_challenges(most)? {
            let (outcome, at) = match stored.progress {
                Progress::Finished { outcome, at } => (outcome, at),
                // The person reported it after its end, and the server has not acknowledged that yet.
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
