//! What the phones are sent for, and what their owners hear of it.

use super::handset::{Errand, Finished, Told};
use super::world::World;
use countersign_device::{AccountState, Error, Outcome};
use countersign_protocol::decision::Answer;
use countersign_protocol::device_api::{EnrolmentState, PushStatus};
use countersign_protocol::handle::ChallengeId;
use std::sync::PoisonError;

impl World {
    /// A phone begins an errand.
    pub fn errand(&mut self, phone: usize, errand: Errand) {
        self.record.tell(format!("phone {phone}: {errand:?}"));
        self.deeds.answers(phone, &errand);
        self.phones[phone].send(errand);
    }

    /// Takes in what the phones have done.
    ///
    /// # Errors
    /// What must not be.
    pub fn hear_phones(&mut self) -> Result<(), String> {
        let finished = std::mem::take(&mut *self.desk.lock().unwrap_or_else(PoisonError::into_inner));
        for one in finished {
            self.record.tell(one.describe());
            let Finished { phone, errand, result } = one;
            match (result, errand) {
                (Ok(Told::Account(account)), Errand::Enrol { person, .. }) => {
                    self.record.count("enrolled");
                    if !self.phones[phone].accounts.iter().any(|(id, _)| *id == account.id) {
                        self.phones[phone].accounts.push((account.id, person));
                    }
                    self.deeds.holds(account.id, (phone, person));
                    // A thief who has the link does not have the page.
                    if self.deeds.stolen.contains(&(account.id, phone)) {
                        continue;
                    }
                    if let AccountState::Proposed { confirmation_code } = &account.state {
                        self.deeds.digits.insert(account.id, confirmation_code.clone());
                        self.type_digits(person, account.id, confirmation_code);
                        self.errand(phone, Errand::Register(account.id));
                    }
                }
                (Ok(Told::Outcome(outcome)), Errand::Approve(id, _) | Errand::Deny(id) | Errand::Report(id)) => {
                    self.told(phone, id, outcome)?;
                }
                (Ok(Told::Pulled(_, Some(PushStatus::Gone), _)), Errand::Pull(id, _)) => self.repair(phone, id),
                (Ok(_), Errand::Register(_)) => self.gateway.registered(phone),
                (Ok(Told::Pulled(EnrolmentState::Void, ..)), Errand::Pull(id, _)) => {
                    self.errand(phone, Errand::Remove(id));
                }
                (Ok(_), Errand::Remove(id)) => {
                    self.record.count("accounts removed");
                    self.phones[phone].accounts.retain(|(known, _)| *known != id);
                    self.removed.push(id);
                    self.gateway.may_forget(phone);
                }
                // Told before the phone was restarted, and not heard by its owner.
                (Err(Error::AccountEnded), Errand::Pull(id, _)) => self.errand(phone, Errand::Remove(id)),
                (Err(error), Errand::Enrol { link, person }) => {
                    super::check_phone_error(&error)?;
                    if matches!(error, Error::Unreachable(_) | Error::UnexpectedAnswer { .. }) {
                        self.errand(phone, Errand::Enrol { link, person });
                    }
                }
                (Err(error), _) => super::check_phone_error(&error)?,
                (Ok(_), _) => {}
            }
        }
        Ok(())
    }

    /// What a phone tells its owner is what the server has said.
    fn told(&mut self, phone: usize, id: ChallengeId, outcome: Outcome) -> Result<(), String> {
        self.record.count(match outcome {
            Outcome::Approved => "told approved",
            Outcome::Denied => "told denied",
            Outcome::Reported => "told reported",
            Outcome::WrongNumber => "told of a wrong number",
            _ => "told otherwise",
        });
        let counted = self.ledger.counted(id).map(|(_, answer)| *answer);
        let right = match outcome {
            Outcome::Approved => counted == Some(Answer::Approve),
            Outcome::Denied => counted == Some(Answer::Deny),
            Outcome::Reported => self.ledger.reported(id),
            _ => true,
        };
        if right { Ok(()) } else { Err(format!("phone {phone} says that {id} is {}", outcome.as_str())) }
    }
}
