//! What the simulation itself has done about moves, and what their pages believe: nothing of a move may come from
//! anything else.

use super::handset::Errand;
use super::move_rules::{Movement, Turn};
use super::moves::MoveStep;
use super::world::World;
use countersign_protocol::challenge::Purpose;
use countersign_protocol::handle::{ChallengeId, EnrolmentId, MoveId};
use countersign_protocol::relying_party_api::{Move, MoveProof, MoveState};
use std::collections::{BTreeMap, BTreeSet};

/// A move, as its page knows it.
#[derive(Debug, Clone)]
pub struct Going {
    /// Names it.
    pub id: MoveId,
    /// The person, as a number in the world.
    pub person: usize,
    /// The phone that is replaced.
    pub old: EnrolmentId,
    /// The new phone, once there was an offer.
    pub new: Option<EnrolmentId>,
    /// Its state, as far as the page has heard.
    pub believed: MoveState,
    /// Whether it has its second half, as far as the page has heard.
    pub is_proven: bool,
    /// The question that was asked last.
    pub question: Option<ChallengeId>,
    /// True while the page waits for an answer.
    pub is_waiting: bool,
}

/// What people, pages and phones have done.
#[derive(Default)]
pub struct Deeds {
    /// The moves, oldest first.
    pub going: Vec<Going>,
    /// The links that a thief has taken, each with the thief's phone.
    pub stolen: BTreeSet<(EnrolmentId, usize)>,
    /// The digits that a new phone has shown to its person.
    pub digits: BTreeMap<EnrolmentId, String>,
    /// The devices that phones have enrolled, each with its phone and its person.
    held: BTreeMap<EnrolmentId, (usize, usize)>,
    wanted: BTreeSet<EnrolmentId>,
    offered: BTreeSet<MoveId>,
    taken_back: BTreeSet<MoveId>,
    /// How many codes were sent that were shown or printed, and whether they are of a paper.
    codes: BTreeMap<(MoveId, bool), usize>,
    typed: BTreeSet<EnrolmentId>,
    yes: BTreeSet<(ChallengeId, usize)>,
    no: BTreeSet<ChallengeId>,
}

impl Deeds {
    /// A move by its name.
    pub fn going(&self, id: MoveId) -> Option<&Going> {
        self.going.iter().find(|one| one.id == id)
    }

    /// Changes what a page knows of a move.
    pub fn change(&mut self, id: MoveId, change: impl FnOnce(&mut Going)) {
        if let Some(one) = self.going.iter_mut().find(|one| one.id == id) {
            change(one);
        }
    }

    /// A page hears how a move stands.
    pub fn hear(&mut self, person: usize, told: &Move) {
        if self.going(told.id).is_none() {
            let (believed, is_proven) = (MoveState::Armed, false);
            let (id, old) = (told.id, told.device_id);
            let (new, question, is_waiting) = (None, None, false);
            self.going.push(Going { id, person, old, new, believed, is_proven, question, is_waiting });
        }
        self.change(told.id, |one| {
            if one.believed != told.state {
                one.question = None;
            }
            (one.believed, one.is_proven, one.new) = (told.state, told.proof.is_some(), told.new_device_id);
        });
    }

    /// A page takes a step.
    pub fn step(&mut self, step: &MoveStep) {
        match step {
            MoveStep::Create(old) => drop(self.wanted.insert(*old)),
            MoveStep::Offer(id) => drop(self.offered.insert(*id)),
            MoveStep::Cancel(id) => drop(self.taken_back.insert(*id)),
            MoveStep::Prove(id, code) if !code.starts_with("000") => {
                *self.codes.entry((*id, code.contains(' '))).or_default() += 1;
            }
            MoveStep::Prove(..) | MoveStep::Read(_) | MoveStep::Ask(_) | MoveStep::Rehearse(_) => {}
        }
    }

    /// A person answers on this phone.
    pub fn answers(&mut self, phone: usize, errand: &Errand) {
        match errand {
            Errand::Approve(id, _) => drop(self.yes.insert((*id, phone))),
            Errand::Deny(id) => drop(self.no.insert(*id)),
            _ => {}
        }
    }

    /// A phone holds this device of a person.
    pub fn holds(&mut self, device: EnrolmentId, (phone, person): (usize, usize)) {
        self.held.insert(device, (phone, person));
    }

    /// True when the phone that holds this device was told YES to a question.
    fn said_yes(&self, id: ChallengeId, device: Option<EnrolmentId>) -> bool {
        let held = device.and_then(|device| self.held.get(&device));
        held.is_some_and(|(phone, _)| self.yes.contains(&(id, *phone)))
    }

    /// The digits of a new phone are typed on the page.
    pub fn types(&mut self, new: EnrolmentId) {
        self.typed.insert(new);
    }

    /// Checks that the simulation has given a second half which is new, and uses it up.
    fn check_proof(&mut self, turn: &Turn) -> Result<&'static str, String> {
        let Movement { id, proof, proven_at, .. } = &turn.after;
        match proof {
            Some(MoveProof::OldPhone) => {
                let given = turn.answers(Purpose::Move).any(|answer| {
                    answer.device == turn.after.old
                        && Some(answer.at) == *proven_at
                        && self.said_yes(answer.id, Some(turn.old_device))
                });
                if given { Ok("second halves by the old phone") } else { Err("no YES of the old phone".into()) }
            }
            Some(code) => {
                let of_paper = *code == MoveProof::BackupCode;
                let left = self.codes.get_mut(&(*id, of_paper)).filter(|left| **left > 0);
                *left.ok_or("nobody typed a code")? -= 1;
                Ok(if of_paper { "second halves by a backup code" } else { "second halves by a code" })
            }
            None => Err("its second half is gone".into()),
        }
    }

    /// Checks that somebody has done what ended this move.
    fn check_end(&self, turn: &Turn) -> Result<&'static str, String> {
        let Movement { id, state, new, .. } = &turn.after;
        let (word, right) = match state {
            MoveState::Switched => {
                let answered = turn.answers(Purpose::Rehearsal).any(|answer| {
                    Some(answer.device) == *new
                        && Some(answer.at) == turn.after.ended_at
                        && self.said_yes(answer.id, turn.new_device)
                });
                let typed = turn.new_device.is_some_and(|new| self.typed.contains(&new));
                ("moves switched", answered && typed)
            }
            MoveState::Refused => ("moves refused", turn.questions.iter().any(|one| self.no.contains(&one.id))),
            MoveState::Cancelled => ("moves taken back", self.taken_back.contains(id) || turn.old_ended),
            MoveState::Expired => ("moves expired", turn.after.valid_until <= turn.seen_at),
            _ => ("moves reported", turn.was_reported),
        };
        if right { Ok(word) } else { Err(format!("nobody has done what makes it {}", state.as_str())) }
    }
}

impl World {
    /// Compares what became of moves with what the simulation has done.
    ///
    /// # Errors
    /// What was done by nobody.
    pub fn check_turns(&mut self, turns: &[Turn]) -> Result<(), String> {
        for turn in turns {
            let words = self.check_turn(turn).map_err(|reason| {
                format!("move {}: {reason}\n  {:?}\n  {:?}", turn.after.id, turn.before, turn.after)
            })?;
            for word in words {
                self.record.count(word);
            }
        }
        Ok(())
    }

    fn check_turn(&mut self, turn: &Turn) -> Result<Vec<&'static str>, String> {
        self.record.tell(format!("move {} is {:?} {:?}", turn.after.id, turn.after.state, turn.after.proof));
        let (before, after) = (turn.before.as_ref(), &turn.after);
        let mut words = Vec::new();
        if before.is_none() {
            if !self.deeds.wanted.contains(&turn.old_device) {
                return Err("nobody wanted it".into());
            }
            self.hear_of(turn);
            words.push("moves made");
        }
        if before.and_then(|before| before.proven_at.zip(before.proof)) != after.proven_at.zip(after.proof) {
            words.push(self.deeds.check_proof(turn)?);
        }
        if before.and_then(|before| before.new) != after.new {
            if !self.deeds.offered.contains(&after.id) {
                return Err("nobody opened its link".into());
            }
            self.may_forget(turn.new_before);
            words.push(if before.is_some_and(|before| before.new.is_some()) {
                "links of moves again"
            } else {
                "links of moves"
            });
        }
        let was = before.map(|before| before.state);
        if was == Some(after.state) {
            return Ok(words);
        }
        match after.state {
            MoveState::Rehearsing if !turn.new_device.is_some_and(|new| self.deeds.typed.contains(&new)) => {
                return Err("nobody typed the digits of its new phone".into());
            }
            MoveState::Rehearsing => words.push("rehearsals begun"),
            MoveState::Armed | MoveState::Offered => {}
            _ => {
                words.push(self.deeds.check_end(turn)?);
                let ended = if after.state == MoveState::Switched { Some(turn.old_device) } else { turn.new_device };
                self.may_forget(ended);
                if after.state != MoveState::Switched {
                    words.push("moves ended otherwise");
                }
            }
        }
        Ok(words)
    }

    /// A device has ended that might have heard that it is not reached any more.
    fn may_forget(&self, ended: Option<EnrolmentId>) {
        if let Some((phone, _)) = ended.and_then(|ended| self.deeds.held.get(&ended)) {
            self.gateway.may_forget(*phone);
        }
    }

    /// The page hears of a move whose creation was answered to nobody, as the operator would tell.
    fn hear_of(&mut self, turn: &Turn) {
        let held = self.deeds.held.get(&turn.old_device).copied();
        if let (Some((_, person)), None) = (held, self.deeds.going(turn.after.id)) {
            let (id, old, believed) = (turn.after.id, turn.old_device, turn.after.state);
            let (new, question, is_proven, is_waiting) = (None, None, false, false);
            self.deeds.going.push(Going { id, person, old, new, believed, is_proven, question, is_waiting });
        }
    }
}
