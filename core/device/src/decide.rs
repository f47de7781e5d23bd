//! Step 4, decide: the person answers, the device signs, and the signed answer is kept until the server has it.

use crate::authenticator::Authenticator;
use crate::connection::{self, Body};
use crate::device_keys;
use crate::error::Error;
use crate::receive::read_kept;
use crate::store::{Outcome, Progress, StoredChallenge};
use crate::vault::Purpose;
use countersign_protocol::AnyProblemCode::Known;
use countersign_protocol::ProblemCode::{
    AlreadyAnswered, Cancelled, Expired, FutureTime, StaleTime, WrongChallenge, WrongNumber,
};
use countersign_protocol::decision::{self, Answer, Decision, Given};
use countersign_protocol::device_api::DecisionAnswer;
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::jws::Unverified;
use countersign_protocol::typed;

/// Whether a key that asks the person may be used: not in the background.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Person,
    Nobody,
}

impl Authenticator {
    /// Answers YES, with the number that the page shows where the request asks for one, as it was typed. Signed by the
    /// approval key, which may ask the person first.
    ///
    /// # Errors
    /// `malformed` when a number is missing, or has another form than was asked for; [`Error::UnknownChallenge`];
    /// [`Error::AccountEnded`]; [`Error::Key`] and [`Error::Vault`] when the key did not sign, after which the request
    /// still waits; [`Error::QuestionChanged`], after which it waits and asks for a number; [`Error::Unreachable`],
    /// [`Error::UnexpectedAnswer`] and [`Error::ServerRefused`] when the server did not take the answer, after which
    /// the signed answer is kept and the same call, or the next pull, delivers it; [`Error::Store`] when it cannot be
    /// kept.
    pub async fn approve(&self, id: ChallengeId, number: Option<&str>) -> Result<Outcome, Error> {
        // What is no number at all is none of the form that was asked for.
        let number = number.map(|number| typed::digits(number).unwrap_or_default());
        self.decide(id, Given::approve(number.as_deref())).await
    }

    /// Answers NO. Signed by the request key, so that nothing stands between the person and a refusal. It takes the
    /// place of a YES that the server has not acknowledged.
    ///
    /// # Errors
    /// As [`Authenticator::approve`].
    pub async fn deny(&self, id: ChallengeId) -> Result<Outcome, Error> {
        self.decide(id, Answer::Deny.into()).await
    }

    /// Says "this was not me", also of a request that is over: an approval that nobody took is taken back, and the
    /// server pushes nothing more for this account until its owner allows it again.
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
            (Progress::Finished { outcome, .. }, Answer::Approve | Answer::Deny) => return Ok(*outcome),
            (Progress::Pending, Answer::Approve | Answer::Deny) if self.is_over(&stored)? => {
                self.store.finish_challenge(id, Outcome::Expired, self.platform.clock.now())?;
                return Ok(Outcome::Expired);
            }
            // The person said YES before, and the server has not acknowledged it. That answer is delivered, and the
            // person is not asked to sign again.
            (Progress::Answering { .. }, Answer::Approve) => {}
            _ => self.keep_answer(&stored, given).await?,
        }
        // The answer that is sent is read from the store again: of two taps at the same time, only one was kept.
        self.deliver(&self.store.challenge(id)?, Asks::Person).await
    }

    /// Signs an answer and keeps it before it is sent. One that is kept already and is as strong stays.
    async fn keep_answer(&self, stored: &StoredChallenge, given: Given<'_>) -> Result<(), Error> {
        if given.answer == Answer::Approve {
            read_kept(&stored.compact)?.policy.check_number(given.number)?;
        }
        let decision = self.sign_answer(stored, given).await?;
        self.store.keep_answer(stored.challenge_id, given.answer, &decision)
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

    /// Signs a kept answer once more, for the time that holds now; none when a stronger one has taken its place
    /// meanwhile.
    async fn sign_again(&self, stored: &StoredChallenge, earlier: &str) -> Result<Option<String>, Error> {
        let signed = read_signed(earlier)?;
        let given = Given { answer: signed.decision, number: signed.number.as_deref() };
        let decision = self.sign_answer(stored, given).await?;
        let renewed = self.store.renew_answer(stored.challenge_id, earlier, &decision)?;
        Ok(renewed.then_some(decision))
    }

    /// Delivers the signed answers of an account that the server has not acknowledged. One that cannot be delivered
    /// does not hold up the others; one that the server refuses is over once its time is.
    pub(crate) async fn deliver_answers(&self, enrolment_id: EnrolmentId) -> Result<(), Error> {
        for stored in self.store.unfinished_challenges()? {
            if stored.enrolment_id != enrolment_id || !matches!(stored.progress, Progress::Answering { .. }) {
                continue;
            }
            match self.deliver(&stored, Asks::Nobody).await {
                // The answer may have counted, and a server that is busy now has not said so: only a final refusal ends
                // it.
                Err(error) if error.is_final() && self.is_over(&stored)? => {
                    self.store.give_up_answer(stored.challenge_id, self.platform.clock.now())?;
                }
                Ok(_)
                | Err(
                    Error::Refused(_)
                    | Error::ServerRefused { .. }
                    | Error::UnexpectedAnswer { .. }
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
            // The person's YES was dropped when the question began to ask for a number.
            Progress::Pending => return Err(Error::QuestionChanged),
        };
        let outcome = match self.post_decision(stored, answer, &decision).await {
            // This device's clock was set since the server's time was learned: the same answer is sent, dated anew.
            Err(refused @ Error::ServerRefused { code: Known(FutureTime | StaleTime), .. }) => {
                self.refresh_server(stored.enrolment_id).await?;
                if answer == Answer::Approve && asks == Asks::Nobody {
                    // A YES needs the person to be signed again.
                    return Err(refused);
                }
                let Some(decision) = self.sign_again(stored, &decision).await? else {
                    return Box::pin(self.deliver(&self.store.challenge(stored.challenge_id)?, asks)).await;
                };
                self.post_decision(stored, answer, &decision).await?
            }
            Err(Error::ServerRefused { code: Known(WrongChallenge), .. }) if answer == Answer::Approve => {
                return Err(self.question_changed(stored, &decision).await?);
            }
            outcome => outcome?,
        };
        self.store.finish_challenge(stored.challenge_id, outcome, self.platform.clock.now())?;
        Ok(outcome)
    }

    /// The question asks for a number by now, so the YES without one is dropped. The request waits for the person
    /// again, in the form that this fetches.
    async fn question_changed(&self, stored: &StoredChallenge, decision: &str) -> Result<Error, Error> {
        drop(self.fetch(stored.enrolment_id, 0).await?);
        self.store.forget_approval(stored.challenge_id, decision)?;
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
                let DecisionAnswer { state } = connection::read(&response)?;
                if !acknowledges(answer, &state) {
                    return Err(Error::UnexpectedAnswer { status: response.status });
                }
                Ok(match answer {
                    Answer::Approve => Outcome::Approved,
                    Answer::Deny => Outcome::Denied,
                    Answer::Report => Outcome::Reported,
                })
            }
            Err(Error::ServerRefused { code: Known(AlreadyAnswered), .. }) => Ok(Outcome::AlreadyAnswered),
            Err(Error::ServerRefused { code: Known(Expired), .. }) => Ok(Outcome::Expired),
            Err(Error::ServerRefused { code: Known(Cancelled), .. }) => Ok(Outcome::Cancelled),
            Err(Error::ServerRefused { code: Known(WrongNumber), .. }) => Ok(Outcome::WrongNumber),
            Err(error) => Err(error),
        }
    }
}

/// True for the state with which a server says that this answer counts (PROTOCOL.md, Decision). Of a report it is what
/// the challenge is now.
fn acknowledges(answer: Answer, state: &str) -> bool {
    match answer {
        Answer::Approve => state == "approved",
        Answer::Deny => state == "denied",
        Answer::Report => {
            matches!(state, "denied" | "reported" | "expired" | "cancelled" | "claimed" | "lapsed" | "revoked")
        }
    }
}

/// The claims of a decision that this device signed.
fn read_signed(compact: &str) -> Result<Decision, Error> {
    Ok(Unverified::parse::<Decision>(compact)?.claims_without_verification()?)
}
