//! Step 4, decide: the person answers, the device signs, and the signed answer is kept until the server has it.

use crate::authenticator::Authenticator;
use crate::connection::{self, Body};
use crate::decision::{self, Answer};
use crate::device_api::DecisionAnswer;
use crate::device_keys;
use crate::enrol::is_final;
use crate::error::Error;
use crate::handle::{ChallengeId, EnrolmentId};
use crate::store::{Outcome, Progress, StoredChallenge};
use crate::vault::Purpose;

/// Whether a key that asks the person may be used: not in the background.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Person,
    Nobody,
}

impl Authenticator {
    /// Answers YES. Signed by the approval key, which may ask the person first.
    ///
    /// # Errors
    /// [`Error::UnknownChallenge`]; the key's, after which the request still waits; the network's, after which the
    /// signed answer is kept and the same call, or the next pull, delivers it.
    pub async fn approve(&self, id: ChallengeId) -> Result<Outcome, Error> {
        self.decide(id, Answer::Approve).await
    }

    /// Answers NO. Signed by the request key, so that nothing stands between the person and a refusal. It takes the place
    /// of a YES that the server has not acknowledged.
    ///
    /// # Errors
    /// As [`Authenticator::approve`].
    pub async fn deny(&self, id: ChallengeId) -> Result<Outcome, Error> {
        self.decide(id, Answer::Deny).await
    }

    async fn decide(&self, id: ChallengeId, answer: Answer) -> Result<Outcome, Error> {
        let stored = self.store.challenge(id)?;
        match (&stored.progress, answer) {
            (Progress::Finished { outcome, .. }, _) => return Ok(*outcome),
            (Progress::Pending, _) if self.is_over(&stored)? => {
                self.store.finish_challenge(id, Outcome::Expired, self.platform.clock.now())?;
                return Ok(Outcome::Expired);
            }
            (Progress::Pending, _) => {
                let decision = self.sign_answer(&stored, answer).await?;
                self.store.set_answering(id, answer, &decision)?;
            }
            (Progress::Answering { answer: Answer::Approve, .. }, Answer::Deny) => {
                // A YES that may not have arrived, and then NO: the NO takes its place. Never the other way round.
                let decision = self.sign_answer(&stored, answer).await?;
                self.store.replace_answer(id, answer, &decision)?;
            }
            (Progress::Answering { .. }, _) => {}
        }
        // What is kept now is what is sent: two taps may have raced.
        self.deliver(&self.store.challenge(id)?, Asks::Person).await
    }

    async fn sign_answer(&self, stored: &StoredChallenge, answer: Answer) -> Result<String, Error> {
        let purpose = match answer {
            Answer::Approve => Purpose::Approval,
            Answer::Deny => Purpose::Request,
        };
        let keys = self.store.enrolment(stored.enrolment_id)?.keys;
        let key = device_keys::load(&self.platform, &keys, purpose)?;
        let now = self.server_time(stored.enrolment_id)?;
        Ok(decision::sign(&stored.compact, stored.challenge_id, answer, &*key, now).await?)
    }

    /// Delivers the signed answers of an account that the server has not acknowledged. One that cannot be delivered does
    /// not hold up the others; one that the server refuses is over once its time is.
    pub(crate) async fn deliver_answers(&self, enrolment_id: EnrolmentId) -> Result<(), Error> {
        for stored in self.store.unfinished_challenges()? {
            if stored.enrolment_id != enrolment_id || !matches!(stored.progress, Progress::Answering { .. }) {
                continue;
            }
            match self.deliver(&stored, Asks::Nobody).await {
                // Perhaps it counted, and a server that is busy now has not said so.
                Err(error) if is_final(&error) && self.is_over(&stored)? => {
                    self.store.finish_challenge(stored.challenge_id, Outcome::Expired, self.platform.clock.now())?;
                }
                Ok(_) | Err(Error::ServerRefused { .. } | Error::Key(_) | Error::Vault(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn deliver(&self, stored: &StoredChallenge, asks: Asks) -> Result<Outcome, Error> {
        let (answer, decision) = match &stored.progress {
            Progress::Finished { outcome, .. } => return Ok(*outcome),
            Progress::Answering { answer, decision } => (*answer, decision),
            Progress::Pending => return Err(Error::UnknownChallenge),
        };
        let outcome = match self.post_decision(stored, answer, decision).await {
            Err(Error::ServerRefused { code, detail }) if matches!(code.as_str(), "future_time" | "stale_time") => {
                // This device's clock was set since the server's time was learned: the same answer, dated anew.
                self.refresh_server(stored.enrolment_id).await?;
                if answer == Answer::Approve && asks == Asks::Nobody {
                    return Err(Error::ServerRefused { code, detail });
                }
                let decision = self.sign_answer(stored, answer).await?;
                self.store.replace_answer(stored.challenge_id, answer, &decision)?;
                self.post_decision(stored, answer, &decision).await?
            }
            outcome => outcome?,
        };
        self.store.finish_challenge(stored.challenge_id, outcome, self.platform.clock.now())?;
        Ok(outcome)
    }

    async fn post_decision(&self, stored: &StoredChallenge, answer: Answer, decision: &str) -> Result<Outcome, Error> {
        let enrolment = self.store.enrolment(stored.enrolment_id)?;
        let call = connection::Call {
            server_url: &enrolment.server_url,
            method: "POST",
            target: format!("/v1/device/challenges/{}/decision", stored.challenge_id),
            body: Some(Body::jose(decision)),
            timeout: connection::REQUEST_TIMEOUT,
        };
        match connection::send(&self.platform, &call).await {
            Ok(response) => {
                connection::read::<DecisionAnswer>(&response)?;
                Ok(match answer {
                    Answer::Approve => Outcome::Approved,
                    Answer::Deny => Outcome::Denied,
                })
            }
            Err(Error::ServerRefused { code, detail }) => match code.as_str() {
                "already_answered" => Ok(Outcome::AlreadyAnswered),
                "expired" => Ok(Outcome::Expired),
                "cancelled" => Ok(Outcome::Cancelled),
                _ => Err(Error::ServerRefused { code, detail }),
            },
            Err(error) => Err(error),
        }
    }
}
