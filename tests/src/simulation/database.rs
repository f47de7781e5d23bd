//! The server's database, read beside the server: every challenge must live as ARCHITECTURE.md and PROTOCOL.md say.

use countersign_protocol::challenge::{self, MAX_LIFETIME};
use countersign_protocol::decision::{self, Answer, DecisionKeys};
use countersign_protocol::handle::ChallengeId;
use countersign_protocol::key::PublicKey;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// How long an approval may be claimed. Written down a second time, so that a change of the server's is noticed.
const CLAIM_WINDOW: Duration = Duration::from_secs(60);
/// How far back prompts are counted, and how many that did not end in approval may be there: of all, and of one relying
/// party.
const PROMPT_WINDOW: Duration = Duration::from_secs(3600);
const MOST_PROMPTS: usize = 5;
const MOST_PROMPTS_OF_ONE: usize = 3;
/// How long a challenge is looked at after each step although its time is over.
const AFTERMATH: Duration = Duration::from_secs(5);

/// A challenge as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    row_id: i64,
    /// Names it.
    pub id: ChallengeId,
    relying_party: i64,
    account: i64,
    /// The stored word.
    pub word: String,
    created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    settled_at: Option<Timestamp>,
    /// The device that settled it.
    pub settled_by: Option<i64>,
    decision: Option<String>,
    claim_key: Option<String>,
    claimed_at: Option<Timestamp>,
    /// What the page shows, where a number is asked for.
    pub number: Option<String>,
    /// True when another number was typed.
    pub wrong_number: bool,
    /// How the phones were told.
    pub prompt: String,
    /// True once somebody has said "this was not me".
    pub reported: bool,
}

impl Row {
    /// What the stored word means at this moment.
    pub fn state(&self, now: Timestamp) -> ChallengeState {
        match self.word.as_str() {
            "pending" if self.expires_at <= now => ChallengeState::Expired,
            "pending" => ChallengeState::Pending,
            "approved" if self.settled_at.is_none_or(|at| at + CLAIM_WINDOW <= now) => ChallengeState::Lapsed,
            "approved" => ChallengeState::Approved,
            "denied" => ChallengeState::Denied,
            "reported" => ChallengeState::Reported,
            "cancelled" => ChallengeState::Cancelled,
            "claimed" => ChallengeState::Claimed,
            _ => ChallengeState::Revoked,
        }
    }

    /// Until when it may change by what somebody does.
    fn until(&self) -> Timestamp {
        match (self.word.as_str(), self.settled_at) {
            ("approved", Some(at)) => at + CLAIM_WINDOW,
            _ => self.expires_at,
        }
    }

    /// True while it may change by what somebody does, and shortly after.
    fn lives(&self, now: Timestamp) -> bool {
        matches!(self.word.as_str(), "pending" | "approved") && now < self.until() + AFTERMATH
    }

    /// As it was when it was created.
    fn unanswered(&self) -> Self {
        Self {
            word: "pending".into(),
            settled_at: None,
            settled_by: None,
            decision: None,
            claim_key: None,
            claimed_at: None,
            number: None,
            wrong_number: false,
            reported: false,
            ..self.clone()
        }
    }

    fn settlement(&self) -> (Option<Timestamp>, Option<i64>, Option<&String>) {
        (self.settled_at, self.settled_by, self.decision.as_ref())
    }
}

/// The time between two looks: from the earlier, which is not long past, to the later.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: Timestamp,
    to: Timestamp,
}

impl Span {
    fn holds(self, moment: Option<Timestamp>) -> bool {
        moment.is_some_and(|moment| self.from <= moment && moment <= self.to)
    }
}

/// The database, and what was in it at the last look.
pub struct Database {
    connection: Connection,
    version: i64,
    rows: BTreeMap<i64, Row>,
    by_id: BTreeMap<ChallengeId, i64>,
    living: BTreeSet<i64>,
    looked_at: Timestamp,
}

/// A change that a look has found: the state before, if there was one, and after.
pub type Change = (Option<String>, String);

impl Database {
    /// Opens the database beside the server.
    pub fn open(path: &Path, now: Timestamp) -> Self {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let (rows, by_id) = (BTreeMap::new(), BTreeMap::new());
        Self { connection, version: 0, rows, by_id, living: BTreeSet::new(), looked_at: now }
    }

    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The challenge as it was at the last look.
    pub fn row(&self, id: ChallengeId) -> Option<&Row> {
        self.rows.get(self.by_id.get(&id)?)
    }

    /// All challenges as they were at the last look.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// Looks at the new challenges, at those that live, and at these; with `all`, at every one there ever was.
    ///
    /// # Errors
    /// What must not be, in a sentence.
    pub fn look(&mut self, now: Timestamp, these: &[ChallengeId], all: bool) -> Result<Vec<Change>, String> {
        let span = Span { from: self.looked_at, to: now };
        self.looked_at = now;
        let version = self.connection.pragma_query_value(None, "data_version", |row| row.get(0)).unwrap();
        if std::mem::replace(&mut self.version, version) == version && !all {
            self.living.retain(|row_id| self.rows[row_id].lives(now));
            return Ok(Vec::new());
        }
        let newest = self.rows.keys().next_back().copied().unwrap_or(0);
        let mut found = self.read("row_id > ?1", newest);
        if all {
            found.extend(self.read("row_id <= ?1", newest));
            let there: BTreeSet<i64> = found.iter().map(|row| row.row_id).collect();
            let gone = self.rows.keys().find(|row_id| !there.contains(row_id));
            if let Some(gone) = gone {
                return Err(format!("{} is gone", self.rows[gone].id));
            }
        } else {
            let wanted: BTreeSet<i64> =
                these.iter().filter_map(|id| self.by_id.get(id)).chain(&self.living).copied().collect();
            for row_id in wanted {
                found.extend(self.read("row_id = ?1", row_id));
            }
        }
        let mut changes = Vec::new();
        for row in found {
            let before = self.rows.get(&row.row_id);
            if before == Some(&row) {
                continue;
            }
            let checked = self.check(before, &row, span).and_then(|()| match before {
                None => self.check_prompt(&row),
                Some(_) => Ok(()),
            });
            checked.map_err(|reason| format!("{}: {reason}\n  {before:?}\n  {row:?}", row.id))?;
            changes.push((before.map(|before| before.word.clone()), row.word.clone()));
            self.by_id.insert(row.id, row.row_id);
            self.living.insert(row.row_id);
            self.rows.insert(row.row_id, row);
        }
        self.living.retain(|row_id| self.rows[row_id].lives(now));
        self.check_overlaps(now)?;
        Ok(changes)
    }

    /// The challenge that ends next, or whose approval lapses next, and when.
    pub fn next_end(&self, now: Timestamp) -> Option<(ChallengeId, Timestamp)> {
        let ends = self.living.iter().map(|row_id| (self.rows[row_id].id, self.rows[row_id].until()));
        ends.filter(|(_, end)| *end > now).min_by_key(|(_, end)| *end)
    }

    /// True when some device was asked these very bytes of a challenge.
    pub fn asks(&self, row: &Row, digest: &str) -> bool {
        let sql = "SELECT compact FROM challenge_device WHERE challenge = ?1";
        let mut statement = self.connection.prepare_cached(sql).unwrap();
        let copies = statement.query_map([row.row_id], |copy| copy.get::<_, String>(0)).unwrap();
        copies.map(Result::unwrap).any(|compact| challenge::digest(&compact) == digest)
    }

    fn read(&self, condition: &str, row_id: i64) -> Vec<Row> {
        let sql = format!(
            "SELECT row_id, handle, relying_party, account, state, created_at, expires_at, settled_at, settled_by, \
                    decision,
                    claim_key, claimed_at, number, wrong_number, prompt, report IS NOT NULL \
             FROM challenge WHERE {condition}"
        );
        let mut statement = self.connection.prepare_cached(&sql).unwrap();
        let moment = |millis: Option<i64>| millis.map(Timestamp::from_millis);
        let rows = statement.query_map([row_id], |row| {
            Ok(Row {
                row_id: row.get(0)?,
                id: row.get::<_, String>(1)?.parse().unwrap(),
                relying_party: row.get(2)?,
                account: row.get(3)?,
                word: row.get(4)?,
                created_at: Timestamp::from_millis(row.get(5)?),
                expires_at: Timestamp::from_millis(row.get(6)?),
                settled_at: moment(row.get(7)?),
                settled_by: row.get(8)?,
                decision: row.get(9)?,
                claim_key: row.get(10)?,
                claimed_at: moment(row.get(11)?),
                number: row.get(12)?,
                wrong_number: row.get(13)?,
                prompt: row.get(14)?,
                reported: row.get(15)?,
            })
        });
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn check(&self, before: Option<&Row>, after: &Row, span: Span) -> Result<(), String> {
        let asked = after.unanswered();
        let before = before.unwrap_or(&asked);
        if before.unanswered() != asked {
            return Err("what was asked has changed".into());
        }
        let lifetime = after.created_at.until(after.expires_at);
        if lifetime.is_zero() || lifetime > MAX_LIFETIME {
            return Err(format!("it lives {lifetime:?}"));
        }
        if before.number.is_some() && before.number != after.number || before.reported && !after.reported {
            return Err("its number has changed, or its report is gone".into());
        }
        let (was, is) = (before.word.as_str(), after.word.as_str());
        match (was, is) {
            (was, is) if was == is && before.settlement() == after.settlement() => {}
            ("pending", "approved" | "denied" | "reported" | "claimed" | "revoked") => {
                self.check_settled(after, span)?;
            }
            ("pending", "cancelled") => check_cancelled(after, span)?,
            ("approved", "claimed" | "revoked") if before.settlement() == after.settlement() => {}
            ("approved", "claimed" | "revoked") => return Err("the answer has changed".into()),
            _ => return Err(format!("it was {was} and is {is}")),
        }
        if was == is { Ok(()) } else { check_claim(after, span) }
    }

    /// Checks that the phones may have been made to ring for a challenge that is new.
    fn check_prompt(&self, new: &Row) -> Result<(), String> {
        if new.prompt != "pushed" {
            return Ok(());
        }
        let sql = "SELECT prompts_stopped_at IS NOT NULL FROM account WHERE row_id = ?1";
        let stopped = self.connection.prepare_cached(sql).unwrap().query_row([new.account], |row| row.get(0));
        if stopped.unwrap() {
            return Err("the phones ring although the person has reported a prompt".into());
        }
        let unwanted = self.rows.values().rev().filter(|row| {
            row.account == new.account
                && row.prompt == "pushed"
                && row.created_at > new.created_at - PROMPT_WINDOW
                && !matches!(row.word.as_str(), "approved" | "claimed")
        });
        let (mut of_person, mut of_relying_party) = (0, 0);
        for row in unwanted {
            of_person += 1;
            of_relying_party += usize::from(row.relying_party == new.relying_party);
        }
        if of_person >= MOST_PROMPTS || of_relying_party >= MOST_PROMPTS_OF_ONE {
            return Err(format!("the phones ring after {of_person} unwanted prompts, {of_relying_party} by this one"));
        }
        Ok(())
    }

    /// Checks that no two questions wait for one person side by side as taps.
    fn check_overlaps(&self, now: Timestamp) -> Result<(), String> {
        let mut taps: BTreeMap<i64, usize> = BTreeMap::new();
        let mut waiting: BTreeMap<i64, usize> = BTreeMap::new();
        for row in
            self.living.iter().map(|row_id| &self.rows[row_id]).filter(|row| row.state(now) == ChallengeState::Pending)
        {
            *waiting.entry(row.account).or_default() += 1;
            *taps.entry(row.account).or_default() += usize::from(row.number.is_none());
        }
        match waiting.iter().find(|(account, waiting)| **waiting > 1 && taps[account] > 0) {
            Some((account, waiting)) => {
                Err(format!("{waiting} questions wait for account {account}, and one is a tap"))
            }
            None => Ok(()),
        }
    }

    /// Checks who settled it, when, and with what.
    fn check_settled(&self, row: &Row, span: Span) -> Result<(), String> {
        if !span.holds(row.settled_at) || row.settled_at >= Some(row.expires_at) {
            return Err("it was settled at a wrong time".into());
        }
        let (Some(device), Some(decision)) = (row.settled_by, &row.decision) else {
            return Err("it is settled, and nobody answered".into());
        };
        let sql = "SELECT d.compact, e.approval_key, e.request_key, e.account FROM challenge_device d
                   JOIN enrolment e ON e.row_id = d.enrolment WHERE d.challenge = ?1 AND d.enrolment = ?2";
        let asked = self.connection.prepare_cached(sql).unwrap().query_row((row.row_id, device), |asked| {
            let compact: String = asked.get(0)?;
            let keys: (Vec<u8>, Vec<u8>) = (asked.get(1)?, asked.get(2)?);
            Ok((compact, keys, asked.get::<_, i64>(3)?))
        });
        let Some((compact, (approval, request), account)) = asked.optional().unwrap() else {
            return Err("a device answered that was not asked".into());
        };
        if account != row.account {
            return Err("a device of another account answered".into());
        }
        let key = |bytes: &[u8]| PublicKey::from_uncompressed(bytes).unwrap();
        let keys = DecisionKeys { approval: key(&approval), request: key(&request) };
        let decision = decision::check(decision, &compact, &keys, span.to)
            .map_err(|refusal| format!("its decision does not count: {refusal}"))?;
        let right = match row.word.as_str() {
            "approved" | "claimed" | "revoked" => {
                decision.decision == Answer::Approve && decision.number == row.number && !row.wrong_number
            }
            "reported" => decision.decision == Answer::Report && row.reported,
            _ if row.wrong_number => decision.decision == Answer::Approve && decision.number != row.number,
            _ => decision.decision == Answer::Deny,
        };
        if right { Ok(()) } else { Err(format!("it is {} by {:?}", row.word, decision.decision)) }
    }
}

fn check_claim(row: &Row, span: Span) -> Result<(), String> {
    let end = row.settled_at.map(|at| at + CLAIM_WINDOW);
    match row.word.as_str() {
        "revoked" if Some(span.from) >= end => Err("it was taken back although it had lapsed".into()),
        "claimed" if !span.holds(row.claimed_at) || row.claimed_at >= end => {
            Err("it was claimed at a wrong time".into())
        }
        "claimed" => Ok(()),
        _ if row.claimed_at.is_some() || row.claim_key.is_some() => Err("it is not claimed, and has a claim".into()),
        _ => Ok(()),
    }
}

fn check_cancelled(row: &Row, span: Span) -> Result<(), String> {
    if !span.holds(row.settled_at) || row.settled_at >= Some(row.expires_at) {
        return Err("it was taken back at a wrong time".into());
    }
    if row.settled_by.is_some() || row.decision.is_some() {
        return Err("it was taken back, and has an answer".into());
    }
    Ok(())
}
