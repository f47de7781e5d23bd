//! Step 4, decide: the person answers, the device signs, and the signed answer is kept until the server has it.

use crate::authenticator::Authenticator;
use crate::connection::{self, Body};
use crate::decision::{self, Answer};
use crate::device_api::DecisionAnswer;
use crate::device_keys;
use crate::error::Error;
use crate::handle::{ChallengeId, EnrolmentId};
use crate::store::{Outcome, Progress, StoredChallenge};
use crate::vault::Purpose;

impl Authenticator {
    /// Answers YES. Signed by the approval key, which may ask the person first.
    ///
    /// # Errors
    /// [`Error::UnknownChallenge`]; the key's, after which the request still waits; the network's, after which the
    /// signed answer is kept and the same call, or the next pull, delivers it.
    pub async fn approve(&self, id: ChallengeId) -> Result<Outcome, Error> {
        self.decide(id, Answer::Approve).await
    }

    /// Answers NO. Signed by the request key, so that nothing stands between the person and a refusal.
    ///
    /// # Errors
    /// As [`Authenticator::approve`].
    pub async fn deny(&self, id: ChallengeId) -> Result<Outcome, Error> {
        self.decide(id, Answer::Deny).await
    }

    async fn decide(&self, id: ChallengeId, answer: Answer) -> Result<Outcome, Error> {
        // A request whose time is over is not answered any more; this moves it to the history.
        self.pending()?;
        let stored = self.store.challenge(id)?;
        match stored.progress {
            Progress::Finished { outcome, .. } => Ok(outcome),
            Progress::Answering { .. } => self.deliver(&stored).await,
            Progress::Pending => {
                let decision = self.sign_answer(&stored, answer).await?;
                self.store.set_answering(id, answer, &decision)?;
                // Two taps may race; the answer that was kept first is the one that is sent.
                self.deliver(&self.store.challenge(id)?).await
            }
        }
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

    /// Delivers the signed answers of an account that the server has not acknowledged.
    pub(crate) async fn deliver_answers(&self, enrolment_id: EnrolmentId) -> Result<(), Error> {
        for stored in self.store.unfinished_challenges()? {
            if stored.enrolment_id == enrolment_id && matches!(stored.progress, Progress::Answering { .. }) {
                match self.deliver(&stored).await {
                    // The server has spoken; there is nothing more to deliver of this one.
                    Ok(_) | Err(Error::ServerRefused { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    async fn deliver(&self, stored: &StoredChallenge) -> Result<Outcome, Error> {
        let (answer, decision) = match &stored.progress {
            Progress::Finished { outcome, .. } => return Ok(*outcome),
            Progress::Answering { answer, decision } => (*answer, decision),
            Progress::Pending => return Err(Error::UnknownChallenge),
        };
        let outcome = match self.post_decision(stored, answer, decision).await {
            Err(Error::ServerRefused { code, .. }) if matches!(code.as_str(), "future_time" | "stale_time") => {
                // This device's clock was set since the server's time was learned: the same answer, dated anew.
                self.refresh_server(stored.enrolment_id).await?;
                let decision = self.sign_answer(stored, answer).await?;
                self.store.replace_decision(stored.challenge_id, &decision)?;
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
