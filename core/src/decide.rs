//! Step 4, decide: the person answers, the device signs, and the signed answer is kept until the server has it.

use crate::authenticator::Authenticator;
use crate::connection::{self, Body};
use crate::decision::{self, Answer, Decision, Given};
use crate::device_api::DecisionAnswer;
use crate::device_keys;
use crate::enrol::is_final;
use crate::error::Error;
use crate::handle::{ChallengeId, EnrolmentId};
use crate::jws::Unverified;
use crate::receive::read_kept;
use crate::store::{Outcome, Progress, StoredChallenge};
use crate::vault::Purpose;

/// Whether a key that asks the person may be used: not in the background.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Person,
    Nobody,
}

/// Which of two answers to one request is kept.
#[derive(Clone, Copy)]
enum Keeps {
    First,
    Latest,
}

impl Authenticator {
    /// Answers YES, with the number that the page shows where the request asks for one. Signed by the approval key, which
    /// may ask the person first.
    ///
    /// # Errors
    /// `malformed` when a number is missing, or has another form than was asked for; [`Error::UnknownChallenge`]; the
    /// key's, after which the request still waits; [`Error::QuestionChanged`], after which it waits and asks for a number;
    /// the network's, after which the signed answer is kept and the same call, or the next pull, delivers it.
    pub async fn approve(&self, id: ChallengeId, number: Option<&str>) -> Result<Outcome, Error> {
        self.decide(id, Given::approve(number)).await
    }

    /// Answers NO. Signed by the request key, so that nothing stands between the person and a refusal. It takes the place
    /// of a YES that the server has not acknowledged.
    ///
    /// # Errors
    /// As [`Authenticator::approve`].
    pub async fn deny(&self, id: ChallengeId) -> Result<Outcome, Error> {
        self.decide(id, Answer::Deny.into()).await
    }

    /// Says "this was not me", also of a request that is over: an approval that nobody took is taken back, and the server
    /// pushes nothing more for this account until its owner allows it again.
    ///
    /// # Errors
    /// As [`Authenticator::deny`].
    pub async fn report(&self, id: ChallengeId) -> Result<Outcome, Error> {
        self.decide(id, Answer::Report.into()).await
    }

    async fn decide(&self, id: ChallengeId, given: Given<'_>) -> Result<Outcome, Error> {
        let stored = self.store.challenge(id)?;
        match (&stored.progress, given.answer) {
            (Progress::Finished { outcome: Outcome::Reported, .. }, _) => return Ok(Outcome::Reported),
            (Progress::Finished { .. }, Answer::Report) => self.keep_answer(&stored, given, Keeps::Latest).await?,
            (Progress::Finished { outcome, .. }, _) => return Ok(*outcome),
            (Progress::Pending, Answer::Approve | Answer::Deny) if self.is_over(&stored)? => {
                self.store.finish_challenge(id, Outcome::Expired, self.platform.clock.now())?;
                return Ok(Outcome::Expired);
            }
            (Progress::Pending, _) => self.keep_answer(&stored, given, Keeps::First).await?,
            // A YES that may not have arrived, and then NO, or "this was not me": the stronger word takes its place. Never
            // the other way round.
            (Progress::Answering { answer: Answer::Approve, .. }, Answer::Deny)
            | (Progress::Answering { answer: Answer::Approve | Answer::Deny, .. }, Answer::Report) => {
                self.keep_answer(&stored, given, Keeps::Latest).await?;
            }
            (Progress::Answering { .. }, _) => {}
        }
        // What is kept now is what is sent: two taps may have raced.
        self.deliver(&self.store.challenge(id)?, Asks::Person).await
    }

    /// Signs an answer and keeps it before it is sent.
    async fn keep_answer(&self, stored: &StoredChallenge, given: Given<'_>, keeps: Keeps) -> Result<(), Error> {
        if given.answer == Answer::Approve {
            read_kept(&stored.compact)?.policy.check_number(given.number)?;
        }
        let decision = self.sign_answer(stored, given).await?;
        match keeps {
            Keeps::First => self.store.set_answering(stored.challenge_id, given.answer, &decision),
            Keeps::Latest => self.store.replace_answer(stored.challenge_id, given.answer, &decision),
        }
    }

    async fn sign_answer(&self, stored: &StoredChallenge, given: Given<'_>) -> Result<String, Error> {
        let purpose = match given.answer {
            Answer::Approve => Purpose::Approval,
            Answer::Deny | Answer::Report => Purpose::Request,
        };
        let enrolment = self.store.enrolment(stored.enrolment_id)?;
        if enrolment.ended.is_some() {
            return Err(Error::AccountEnded);
        }
        let key = device_keys::load(&self.platform, &enrolment.keys, purpose)?;
        let now = self.server_time(stored.enrolment_id)?;
        Ok(decision::sign(&stored.compact, stored.challenge_id, given, &*key, now).await?)
    }

    /// Signs a kept answer once more, for the bytes and the time that hold now. A YES needs the person for that.
    async fn sign_again(&self, stored: &StoredChallenge, decision: &str, asks: Asks) -> Result<Option<String>, Error> {
        let earlier = read_signed(decision)?;
        if earlier.decision == Answer::Approve && asks == Asks::Nobody {
            return Ok(None);
        }
        let given = Given { answer: earlier.decision, number: earlier.number.as_deref() };
        let decision = self.sign_answer(stored, given).await?;
        self.store.replace_answer(stored.challenge_id, earlier.decision, &decision)?;
        Ok(Some(decision))
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
                Ok(_)
                | Err(
                    Error::ServerRefused { .. }
                    | Error::Key(_)
                    | Error::Vault(_)
                    | Error::QuestionChanged
                    | Error::AccountEnded,
                ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn deliver(&self, stored: &StoredChallenge, asks: Asks) -> Result<Outcome, Error> {
        let (answer, decision) = match &stored.progress {
            Progress::Finished { outcome, .. } => return Ok(*outcome),
            Progress::Answering { answer, decision } => (*answer, decision.clone()),
            // The question has changed since the YES, which no longer counts.
            Progress::Pending => return Err(Error::QuestionChanged),
        };
        let outcome = match self.post_decision(stored, answer, &decision).await {
            Err(Error::ServerRefused { code, detail }) => match code.as_str() {
                // This device's clock was set since the server's time was learned: the same answer, dated anew.
                "future_time" | "stale_time" => {
                    self.refresh_server(stored.enrolment_id).await?;
                    let refused = || Error::ServerRefused { code: code.clone(), detail };
                    let decision = self.sign_again(stored, &decision, asks).await?.ok_or_else(refused)?;
                    self.post_decision(stored, answer, &decision).await?
                }
                "wrong_challenge" if answer == Answer::Approve => return Err(self.question_changed(stored).await?),
                _ => return Err(Error::ServerRefused { code, detail }),
            },
            outcome => outcome?,
        };
        self.store.finish_challenge(stored.challenge_id, outcome, self.platform.clock.now())?;
        Ok(outcome)
    }

    /// The question asks for its number by now, so the YES lapses: it waits for the person again, in its new form.
    async fn question_changed(&self, stored: &StoredChallenge) -> Result<Error, Error> {
        drop(self.fetch(stored.enrolment_id, 0).await?);
        self.store.forget_approval(stored.challenge_id)?;
        Ok(Error::QuestionChanged)
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
                    Answer::Report => Outcome::Reported,
                })
            }
            Err(Error::ServerRefused { code, detail }) => match code.as_str() {
                "already_answered" => Ok(Outcome::AlreadyAnswered),
                "expired" => Ok(Outcome::Expired),
                "cancelled" => Ok(Outcome::Cancelled),
                "wrong_number" => Ok(Outcome::WrongNumber),
                _ => Err(Error::ServerRefused { code, detail }),
            },
            Err(error) => Err(error),
        }
    }
}

/// The claims of a decision that this device signed.
fn read_signed(compact: &str) -> Result<Decision, Error> {
    Ok(Unverified::parse::<Decision>(compact)?.peek()?)
}
