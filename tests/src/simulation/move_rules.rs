//! What must hold of moves and of the phones in use, read from what the server keeps: a person's new phone takes over
//! in the moment in which the old one ends, or everything is as it was.

use super::row::{AHEAD, Row};
use countersign_protocol::challenge::Purpose;
use countersign_protocol::handle::{ChallengeId, EnrolmentId, MoveId};
use countersign_protocol::relying_party_api::{MoveProof, MoveState};
use countersign_protocol::time::Timestamp;
use countersign_server::store::{Row as Columns, StoreError, Transaction};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a second half serves to open the link. Written down a second time, so that a change of the server's is
/// noticed.
const PROOF_SERVES: Duration = Duration::from_secs(600);

/// A move as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    row_id: i64,
    /// Names it.
    pub id: MoveId,
    account: i64,
    /// The phone that is replaced.
    pub old: i64,
    /// The new one, of the latest offer.
    pub new: Option<i64>,
    /// How far it has come.
    pub state: MoveState,
    /// Its second half.
    pub proof: Option<MoveProof>,
    /// When that came.
    pub proven_at: Option<Timestamp>,
    valid_from: Timestamp,
    /// Until when it may be made.
    pub valid_until: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

impl Movement {
    fn read(row: &Columns) -> Result<Self, StoreError> {
        Ok(Self {
            row_id: row.get("row_id")?,
            id: row.get("handle")?,
            account: row.get("account")?,
            old: row.get("old_device")?,
            new: row.get("new_device")?,
            state: row.get("state")?,
            proof: row.get("proof")?,
            proven_at: row.get("proven_at")?,
            valid_from: row.get("valid_from")?,
            valid_until: row.get("valid_until")?,
            ended_at: row.get("ended_at")?,
        })
    }

    const fn is_living(&self) -> bool {
        super::moves::is_living(self.state)
    }
}

/// A device as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stage {
    id: EnrolmentId,
    account: i64,
    word: String,
    reason: Option<String>,
}

impl Stage {
    fn read(row: &Columns) -> Result<(i64, Self), StoreError> {
        let (id, account, word, reason) =
            (row.get("handle")?, row.get("account")?, row.get("state")?, row.get("void_reason")?);
        Ok((row.get("row_id")?, Self { id, account, word, reason }))
    }
}

/// A question of a move that was answered.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Names it.
    pub id: ChallengeId,
    purpose: Option<Purpose>,
    word: String,
    /// The device that answered.
    pub device: i64,
    /// When.
    pub at: Timestamp,
}

/// A move that has changed between two looks.
#[derive(Debug)]
pub struct Turn {
    /// As it was; none when it is new.
    pub before: Option<Movement>,
    /// As it is.
    pub after: Movement,
    /// Its questions that were answered.
    pub questions: Vec<Answered>,
    /// The phone that is replaced.
    pub old_device: EnrolmentId,
    /// The new phone.
    pub new_device: Option<EnrolmentId>,
    /// The one of the offer before.
    pub new_before: Option<EnrolmentId>,
    /// True when the old phone has ended.
    pub old_ended: bool,
    /// True when somebody said "this was not me" in the moment in which the move ended.
    pub was_reported: bool,
    /// The server's time at the look.
    pub seen_at: Timestamp,
}

impl Turn {
    /// The answers YES to questions of this purpose.
    pub fn answers(&self, purpose: Purpose) -> impl Iterator<Item = &Answered> {
        let is_yes = |one: &&Answered| matches!(one.word.as_str(), "approved" | "revoked");
        self.questions.iter().filter(move |one| one.purpose == Some(purpose)).filter(is_yes)
    }
}

/// The moves and the devices as they were at the last look.
#[derive(Default)]
pub struct Book {
    moves: BTreeMap<i64, Movement>,
    stages: BTreeMap<i64, Stage>,
    turns: Vec<Turn>,
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in the place of a closure that is handed the error")]
fn text(error: StoreError) -> String {
    error.to_string()
}

impl Book {
    /// The moves that have changed since this was asked last.
    pub fn take_turns(&mut self) -> Vec<Turn> {
        std::mem::take(&mut self.turns)
    }

    /// Until when a move may be made whose new phone rehearses.
    pub fn rehearses_until(&self, id: MoveId) -> Option<Timestamp> {
        let one = self.moves.values().rev().find(|one| one.id == id)?;
        (one.state == MoveState::Rehearsing).then_some(one.valid_until)
    }

    /// Checks that the device which has settled a challenge could answer it: it was in use before, or it rehearsed.
    ///
    /// # Errors
    /// When it could not.
    pub fn may_have_settled(&self, row: &Row) -> Result<(), String> {
        let Some(device) = row.settled_by else { return Ok(()) };
        let word = self.stages.get(&device).map_or("unknown", |stage| stage.word.as_str());
        let right = if row.purpose == Some(Purpose::Rehearsal) { "proposed" } else { "confirmed" };
        if word == right { Ok(()) } else { Err(format!("device {device} is {word}, and its answer counts")) }
    }

    /// Looks at the moves that go on and at the devices that are not over; with `all`, at every one there ever was.
    ///
    /// # Errors
    /// What must not be, in a sentence.
    pub fn look(&mut self, tx: &dyn Transaction, (from, now): (Timestamp, Timestamp), all: bool) -> Result<(), String> {
        let stages = self.read_stages(tx, all).map_err(text)?;
        let moves = self.read_moves(tx, all).map_err(text)?;
        for (row_id, before) in &self.stages {
            let after = &stages[row_id];
            if after.id != before.id {
                // A link that nobody took was removed at its age, and its row is another's.
                continue;
            }
            let may_follow = before.word == after.word
                || matches!(
                    (before.word.as_str(), after.word.as_str()),
                    ("open", "proposed" | "void") | ("proposed", "confirmed" | "void") | ("confirmed", "void")
                );
            if !may_follow {
                return Err(format!("device {} was {} and is {}", after.id, before.word, after.word));
            }
        }
        let mut turns = Vec::new();
        for after in &moves {
            let before = self.moves.get(&after.row_id);
            if before != Some(after) {
                self.check(before, after, &stages, (from, now))
                    .map_err(|reason| format!("move {}: {reason}\n  {before:?}\n  {after:?}", after.id))?;
                turns.push(turn(tx, before, after, &stages, now).map_err(text)?);
            }
        }
        for after in &moves {
            let sql = "SELECT count(*) AS waiting FROM challenge
                       WHERE move = $1 AND state = 'pending' AND told_over_at IS NULL AND expires_at > $2";
            let waiting = tx.one_row("challenge", sql, &[after.row_id.into(), now.into()]);
            let waiting: usize = waiting.and_then(|row| row.get("waiting")).map_err(text)?;
            if waiting > 0 && !after.is_living() {
                return Err(format!("move {} is over, and a question of it waits", after.id));
            }
        }
        for after in moves {
            self.moves.insert(after.row_id, after);
        }
        self.check_phones(tx, &stages)?;
        self.stages = stages;
        self.turns.extend(turns);
        Ok(())
    }

    fn read_stages(&self, tx: &dyn Transaction, all: bool) -> Result<BTreeMap<i64, Stage>, StoreError> {
        const STAGES: &str = "SELECT row_id, handle, account, state, void_reason FROM enrolment";
        let living = if all { STAGES.to_owned() } else { format!("{STAGES} WHERE state <> 'void'") };
        let found = tx.rows("enrolment", &living, &[])?;
        let mut found: BTreeMap<i64, Stage> = found.iter().map(Stage::read).collect::<Result<_, _>>()?;
        for (row_id, before) in &self.stages {
            if !found.contains_key(row_id) {
                let sql = format!("{STAGES} WHERE row_id = $1");
                let after = if before.word == "void" {
                    None
                } else {
                    tx.row("enrolment", &sql, &[(*row_id).into()])?.as_ref().map(Stage::read).transpose()?
                };
                // A link that nobody took is removed at its age.
                let gone = Stage { word: "void".into(), ..before.clone() };
                found.insert(*row_id, after.map_or(gone, |(_, after)| after));
            }
        }
        Ok(found)
    }

    fn read_moves(&self, tx: &dyn Transaction, all: bool) -> Result<Vec<Movement>, StoreError> {
        let newest = self.moves.keys().next_back().copied().unwrap_or(0);
        let which = if all { "row_id > 0" } else { "row_id > $1" };
        let newest: &[_] = &[newest.into()];
        let found = tx.rows("move", &format!("SELECT * FROM move WHERE {which}"), if all { &[] } else { newest })?;
        let mut found: Vec<Movement> = found.iter().map(Movement::read).collect::<Result<_, _>>()?;
        if !all {
            for known in self.moves.values().filter(|known| known.is_living()) {
                let row = tx.one_row("move", "SELECT * FROM move WHERE row_id = $1", &[known.row_id.into()])?;
                found.push(Movement::read(&row)?);
            }
        }
        Ok(found)
    }

    /// Checks one change of a move.
    fn check(
        &self,
        before: Option<&Movement>,
        after: &Movement,
        stages: &BTreeMap<i64, Stage>,
        (from, now): (Timestamp, Timestamp),
    ) -> Result<(), String> {
        use MoveState::{Armed, Offered, Rehearsing, Switched};
        let word = |device: i64| stages.get(&device).map_or("unknown", |stage| stage.word.as_str());
        let Some(before) = before else {
            let first = after.state == Armed && after.new.is_none() && after.proof.is_none();
            let own = stages.get(&after.old).is_some_and(|old| old.account == after.account && old.word == "confirmed");
            return if first && own { Ok(()) } else { Err("it began in the middle, or from no phone in use".into()) };
        };
        if !before.is_living() {
            return Err("it had ended, and has changed".into());
        }
        let kept = (before.id, before.account, before.old, before.valid_from, before.valid_until);
        if kept != (after.id, after.account, after.old, after.valid_from, after.valid_until) {
            return Err("what was to be moved has changed".into());
        }
        let is_due = after.valid_from <= now && from < after.valid_until;
        if before.new != after.new {
            let fresh = after.proven_at.is_some_and(|at| from < at + PROOF_SERVES && at <= now + AHEAD);
            if after.proof.is_none() || !fresh || !is_due {
                return Err("its link was opened without a second half, or out of its time".into());
            }
            if before.new.is_some_and(|earlier| word(earlier) != "void") {
                return Err("the phone of the offer before is not over".into());
            }
        }
        let right = match (before.state, after.state) {
            (was, is) if was == is => true,
            (_, Offered) => before.new != after.new,
            (Offered, Rehearsing) => after.new.is_some_and(|new| word(new) == "proposed"),
            (Rehearsing, Switched) => before.new == after.new && is_due && after.ended_at < Some(after.valid_until),
            (_, Armed | Rehearsing | Switched) => false,
            _ => after.new.is_none_or(|new| word(new) == "void"),
        };
        if right && after.is_living() == after.ended_at.is_none() {
            Ok(())
        } else {
            Err(format!("it was {} and is {}", before.state.as_str(), after.state.as_str()))
        }
    }

    /// Checks that the new phone of a move came into use in the moment in which the old one went, and for no other
    /// reason, and that there is no moment with both. One from which its person has removed the account went before.
    fn check_phones(&self, tx: &dyn Transaction, stages: &BTreeMap<i64, Stage>) -> Result<(), String> {
        let was = |device: i64| self.stages.get(&device).map_or("unknown", |stage| stage.word.as_str());
        let is = |device: i64| stages.get(&device).map_or("unknown", |stage| stage.word.as_str());
        let mut moving = BTreeMap::new();
        let mut taken_over: BTreeMap<i64, i64> = BTreeMap::new();
        for one in self.moves.values() {
            if one.is_living() && moving.insert(one.account, one.id).is_some() {
                return Err(format!("two moves of account {} go on", one.account));
            }
            let Some(new) = one.new else { continue };
            if one.state != MoveState::Switched && is(new) == "confirmed" {
                return Err(format!("the new phone of move {} is in use, and it is not switched", one.id));
            }
            if one.state == MoveState::Switched && is(one.old) != "void" {
                return Err(format!("the old phone of move {} is in use, and it is switched", one.id));
            }
            if was(new) != "confirmed" && is(new) == "confirmed" {
                if was(one.old) != "confirmed" {
                    if removed_itself(tx, stages[&one.old].id).map_err(text)? {
                        continue;
                    }
                    return Err(format!("the new phone of move {} takes over from none in use", one.id));
                }
                taken_over.insert(one.old, new);
            }
        }
        // As many phones as before: each that has ended for a move has one that came for it, and the other way round.
        let moved = |row_id: &i64, stage: &Stage| {
            stage.reason.as_deref() == Some("moved") && self.stages.get(row_id).is_none_or(|was| was.word != "void")
        };
        match stages.iter().find(|(row_id, stage)| moved(row_id, stage) && !taken_over.contains_key(row_id)) {
            Some((_, stage)) => Err(format!("device {} has ended for a move, and none has taken over", stage.id)),
            None => match taken_over.keys().find(|old| stages[*old].reason.as_deref() != Some("moved")) {
                Some(old) => Err(format!("device {} was replaced, and ended for another reason", stages[old].id)),
                None => Ok(()),
            },
        }
    }
}

/// True when the phone itself has removed this device.
fn removed_itself(tx: &dyn Transaction, device: EnrolmentId) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) AS lines FROM journal
               WHERE fact = 'device.ended' AND device = $1 AND actor_kind = 'device'";
    Ok(tx.one_row("journal", sql, &[device.into()])?.get::<usize>("lines")? > 0)
}

/// Checks that a new phone which is asked to rehearse has shown its digits not too long ago.
///
/// # Errors
/// When it has not.
pub fn may_be_asked(tx: &dyn Transaction, row: &Row) -> Result<(), String> {
    if row.purpose != Some(Purpose::Rehearsal) {
        return Ok(());
    }
    let sql = "SELECT e.state, e.expires_at FROM challenge_device d JOIN enrolment e ON e.row_id = d.enrolment
               WHERE d.challenge = $1";
    let device = tx.one_row("enrolment", sql, &[row.row_id.into()]).map_err(text)?;
    let (word, until): (String, Timestamp) =
        (device.get("state").map_err(text)?, device.get("expires_at").map_err(text)?);
    match word.as_str() {
        "proposed" if row.created_at < until => Ok(()),
        _ => Err(format!("it asks a phone that is {word}, whose time is over at {until:?}")),
    }
}

fn turn(
    tx: &dyn Transaction,
    before: Option<&Movement>,
    after: &Movement,
    stages: &BTreeMap<i64, Stage>,
    now: Timestamp,
) -> Result<Turn, StoreError> {
    let sql = "SELECT row_id, handle, purpose, state, settled_by, settled_at FROM challenge
               WHERE move = $1 AND settled_by IS NOT NULL";
    let read = |row: &Columns| {
        Ok(Answered {
            id: row.get("handle")?,
            purpose: row.get("purpose")?,
            word: row.get("state")?,
            device: row.get("settled_by")?,
            at: row.get("settled_at")?,
        })
    };
    let questions = tx.rows("challenge", sql, &[after.row_id.into()])?;
    let questions = questions.iter().map(read).collect::<Result<_, StoreError>>()?;
    let sql = "SELECT count(*) AS reports FROM challenge WHERE account = $1 AND reported_at = $2";
    let reports = match after.ended_at {
        Some(at) => tx.one_row("challenge", sql, &[after.account.into(), at.into()])?.get::<usize>("reports")?,
        None => 0,
    };
    let id = |device: Option<i64>| device.and_then(|device| stages.get(&device)).map(|stage| stage.id);
    Ok(Turn {
        before: before.cloned(),
        after: after.clone(),
        questions,
        old_device: stages[&after.old].id,
        new_device: id(after.new),
        new_before: id(before.and_then(|before| before.new)),
        old_ended: stages[&after.old].word == "void",
        was_reported: reports > 0,
        seen_at: now,
    })
}
