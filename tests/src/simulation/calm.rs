//! Once messages flow, what the phones show is what the server knows.

use super::database::{self, Device};
use super::handset::Errand;
use super::network::silence;
use super::world::World;
use countersign_device::{Outcome, Past};
use countersign_protocol::handle::{ChallengeId, EnrolmentId};
use countersign_protocol::relying_party_api::ChallengeState;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How near its end a challenge is left out: a phone counts whole seconds, and may know the time a little late.
const NEAR_THE_END: Duration = Duration::from_secs(3);
/// How many of its latest requests are compared.
const COMPARED: u32 = 40;

impl World {
    /// The network recovers: what is on its way arrives, every phone asks, and then all agree.
    ///
    /// # Errors
    /// What must not be.
    pub async fn converge(&mut self) -> Result<(), String> {
        self.record.count("convergences");
        self.record.tell("the network recovers".into());
        self.troubles_end();
        for call in self.network.open_calls() {
            self.network.answer(call, Err(silence()));
        }
        self.flow().await?;
        for phone in 0..self.phones.len() {
            for (id, _) in self.phones[phone].accounts.clone() {
                self.phones[phone].send(Errand::Refresh(id));
                self.flow().await?;
            }
        }
        // In the first round answers are delivered, in the second the others hear of them.
        for _ in 0..2 {
            for phone in 0..self.phones.len() {
                for (id, _) in self.phones[phone].accounts.clone() {
                    self.phones[phone].send(Errand::Pull(id, 0));
                    self.flow().await?;
                }
            }
        }
        self.look(true).await?;
        let now = self.now();
        let devices = self.inspect(move |_, tx| database::devices(tx, now)).await.map_err(|error| error.to_string())?;
        if let Some(phone) = (0..self.phones.len()).find(|phone| self.gateway.is_missed(*phone)) {
            return Err(format!("phone {phone} has asked, and does not know that it is not reached any more"));
        }
        if let Some(id) = self.removed.iter().find(|id| devices.get(id).is_some_and(|device| device.in_use)) {
            return Err(format!("a phone says that {id} is removed, and it is in use"));
        }
        for phone in 0..self.phones.len() {
            self.compare_pending(phone, &devices)?;
            self.compare_history(phone, &devices)?;
        }
        Ok(())
    }

    /// What waits for a phone is what it shows. One that has an account twice shows a request once.
    fn compare_pending(&self, phone: usize, devices: &BTreeMap<EnrolmentId, Device>) -> Result<(), String> {
        let now = self.now();
        let own = self.phones[phone].accounts.iter();
        let in_use: BTreeMap<EnrolmentId, &Device> =
            own.filter_map(|(id, _)| Some((*id, devices.get(id).filter(|device| device.in_use)?))).collect();
        // What was asked by a clock that has jumped back since is from the future, and phones refuse it for that.
        let near = |id: &ChallengeId| {
            let (begin, end) = self.database.row(*id).map_or((now, now), |row| (row.created_at, row.expires_at));
            begin > now || end < now + NEAR_THE_END && now < end + NEAR_THE_END
        };
        let states = |id: &ChallengeId| self.database.row(*id).map(|row| self.database.states(row, now));
        let waits_still = |id: &ChallengeId| states(id) == Some([ChallengeState::Pending; 2]);
        let waits: BTreeSet<ChallengeId> = in_use
            .values()
            .flat_map(|device| device.brought())
            .filter(|id| !near(id) && waits_still(id))
            .copied()
            .collect();
        let prompts = self.phones[phone].core.pending().map_err(|error| error.to_string())?;
        let own = prompts.iter().filter(|prompt| in_use.contains_key(&prompt.challenge.enrolment_id));
        let own = own.filter(|prompt| !near(&prompt.challenge.challenge_id));
        let shown: BTreeMap<ChallengeId, bool> =
            own.map(|prompt| (prompt.challenge.challenge_id, prompt.answering)).collect();
        if let Some(missing) = waits.iter().find(|id| !shown.contains_key(id)) {
            return Err(format!("phone {phone} does not show {missing}, which waits for it"));
        }
        // Somebody was told that its time is over, and the clock went back: a phone hears of no end but by its time,
        // which by this clock has not come. Its answer is refused.
        let told_too_early = |id: &ChallengeId| self.database.row(*id).is_some_and(|row| row.was_told_over_before(now));
        // A YES that was dated by a wrong clock is refused for that, and only the person can sign it anew: it is kept.
        let is_over = |(id, answering): &(&ChallengeId, &bool)| {
            !**answering
                && !told_too_early(id)
                && states(id).is_none_or(|states| !states.contains(&ChallengeState::Pending))
        };
        match shown.iter().find(is_over) {
            Some((id, _)) => Err(format!("phone {phone} shows {id}, which is over")),
            None => Ok(()),
        }
    }

    /// What a phone remembers is what became of it.
    fn compare_history(&self, phone: usize, devices: &BTreeMap<EnrolmentId, Device>) -> Result<(), String> {
        let now = self.now();
        for Past { challenge, outcome, .. } in
            self.phones[phone].core.history(COMPARED).map_err(|error| error.to_string())?
        {
            let id = challenge.challenge_id;
            let Some(row) = self.database.row(id) else { return Err(format!("{id} is not known to the server")) };
            let [state, by_the_latest_clock] = self.database.states(row, now);
            let own = row.settled_by.is_some()
                && row.settled_by == devices.get(&challenge.enrolment_id).map(|device| device.row_id);
            let agrees = |state: ChallengeState| match outcome {
                Outcome::Approved => {
                    own && matches!(
                        state,
                        ChallengeState::Approved
                            | ChallengeState::Claimed
                            | ChallengeState::Lapsed
                            | ChallengeState::Revoked
                    )
                }
                Outcome::Denied => own && state == ChallengeState::Denied,
                Outcome::WrongNumber => own && state == ChallengeState::Denied && row.wrong_number,
                // Also what the server has not acknowledged yet, and may refuse for a wrong clock.
                Outcome::Reported => true,
                Outcome::AlreadyAnswered => row.settled_by.is_some(),
                Outcome::AnsweredByCode => row.settled_by.is_none() && state != ChallengeState::Cancelled,
                Outcome::Expired => !own,
                Outcome::Cancelled => state == ChallengeState::Cancelled,
            };
            if !agrees(state) && !agrees(by_the_latest_clock) {
                let by = if own { "this phone" } else { "another, or nobody" };
                return Err(format!(
                    "phone {phone} remembers {id} as {}; it is {} by {by}",
                    outcome.as_str(),
                    state.as_str()
                ));
            }
        }
        Ok(())
    }
}
