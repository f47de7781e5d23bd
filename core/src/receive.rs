//! Step 3, receive: a sealed message comes in by push or by pull, is opened, checked, kept once, and shown.

use crate::authenticator::{Account, Authenticator};
use crate::challenge::Challenge;
use crate::connection;
use crate::device_api::{EnrolmentState, MAX_WAIT_SECONDS, PulledChallenges};
use crate::error::Error;
use crate::handle::{ChallengeId, EnrolmentId};
use crate::jws::Unverified;
use crate::refusal::Refusal;
use crate::sealing::Envelope;
use crate::store::{Outcome, Progress, StoredChallenge};
use crate::time::Timestamp;
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
}

/// What a pull brought.
#[derive(Debug)]
pub struct Pulled {
    /// What the server says of this account on this device.
    pub state: EnrolmentState,
    /// What became of each message.
    pub received: Vec<Result<Received, Refusal>>,
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
        let opened = opened?;
        let challenge_id = opened.challenge.challenge_id;
        let stored = StoredChallenge {
            challenge_id,
            enrolment_id: opened.challenge.enrolment_id,
            compact: opened.compact,
            received_at: now,
            progress: Progress::Pending,
        };
        let new = self.store.put_challenge(&stored)?;
        Ok(if new { Received::New(challenge_id) } else { Received::Known(challenge_id) })
    }

    /// Asks an account's server for requests that wait, up to `wait_seconds` (60 at most) when there are none. Works
    /// when no push comes. Answers that could not be delivered before are delivered first.
    ///
    /// # Errors
    /// The server's and the network's.
    pub async fn pull(&self, id: EnrolmentId, wait_seconds: u32) -> Result<Pulled, Error> {
        self.deliver_answers(id).await?;
        let wait = wait_seconds.min(MAX_WAIT_SECONDS);
        let target = format!("/v1/device/challenges?wait={wait}");
        let timeout = connection::REQUEST_TIMEOUT + Duration::from_secs(wait.into());
        let response = self.call_for(id, "GET", target, None, timeout).await?;
        let pulled: PulledChallenges = connection::read(&response)?;
        if pulled.state == EnrolmentState::Confirmed {
            self.store.set_confirmed(id)?;
        }
        let mut received = Vec::with_capacity(pulled.challenges.len());
        for envelope in &pulled.challenges {
            received.push(match self.receive_pulled(id, envelope).await {
                Ok(one) => Ok(one),
                Err(Error::Refused(refusal)) => Err(refusal),
                Err(error) => return Err(error),
            });
        }
        Ok(Pulled { state: pulled.state, received })
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
            let answering = matches!(stored.progress, Progress::Answering { .. });
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
            if let Progress::Finished { outcome, at } = stored.progress {
                past.push(Past { challenge: read_kept(&stored.compact)?, outcome, at });
            }
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
fn read_kept(compact: &str) -> Result<Challenge, Error> {
    Ok(Unverified::parse::<Challenge>(compact)?.peek()?)
}
