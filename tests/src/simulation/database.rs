//! What the server keeps, read through its own store and whichever engine is below it: every challenge must live as
//! ARCHITECTURE.md and PROTOCOL.md say.

use super::move_rules::{self, Book};
use super::row::{AHEAD, CLAIM_WINDOW, Row};
use countersign_protocol::challenge::{self, MAX_LIFETIME};
use countersign_protocol::decision::{self, Answer, DecisionKeys};
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::key::PublicKey;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::time::Timestamp;
use countersign_server::store::{Row as Columns, StoreError, Transaction};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How far back prompts are counted, and how many that did not end in approval may be there: of all, and of one relying
/// party.
const PROMPT_WINDOW: Duration = Duration::from_secs(3600);
const MOST_PROMPTS: usize = 5;
const MOST_PROMPTS_OF_ONE: usize = 3;
/// The most questions that wait for one person, and of one relying party.
const MOST_QUESTIONS: usize = 20;
const MOST_QUESTIONS_OF_ONE: usize = 5;

/// The most questions that a pull brings.
const MOST_BROUGHT: usize = 32;

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

/// What is kept, as it was at the last look.
pub struct Database {
    /// How far the journal had come: each change of a challenge is a line of it.
    told: Option<i64>,
    rows: BTreeMap<i64, Row>,
    by_id: BTreeMap<ChallengeId, i64>,
    living: BTreeSet<i64>,
    /// The moves and the devices.
    pub book: Book,
    looked_at: Timestamp,
    /// The latest time that the server's clock has shown: it may have jumped back since.
    latest: Timestamp,
}

/// A change that a look has found: the state before, if there was one, and after.
pub type Change = (Option<String>, String);

impl Database {
    /// Before the first look.
    pub fn new(now: Timestamp) -> Self {
        Self {
            told: None,
            rows: BTreeMap::new(),
            by_id: BTreeMap::new(),
            living: BTreeSet::new(),
            book: Book::default(),
            looked_at: now,
            latest: now,
        }
    }

    /// The server's clock has jumped, right after a look.
    pub fn clock_jumped(&mut self, now: Timestamp) {
        (self.looked_at, self.latest) = (now, self.latest.max(self.looked_at));
        self.living = self.rows.values().filter(|row| row.lives(now)).map(|row| row.row_id).collect();
    }

    /// What a challenge is now, and what it is by the latest time that the server's clock has shown. The two differ
    /// only after a jump back, until which it was over: then the server may say either, unless it has told one of them.
    pub fn states(&self, row: &Row, now: Timestamp) -> [ChallengeState; 2] {
        [row.state_by_clock(now), row.state_by_clock(now.max(self.latest))]
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
    pub fn look(
        &mut self,
        tx: &dyn Transaction,
        now: Timestamp,
        these: &[ChallengeId],
        all: bool,
    ) -> Result<Vec<Change>, String> {
        let span = Span { from: self.looked_at, to: now };
        self.looked_at = now;
        let told = tx.one_row("journal", "SELECT max(row_id) AS last FROM journal", &[]);
        let told = told.and_then(|row| row.get("last")).map_err(text)?;
        if std::mem::replace(&mut self.told, told) == told && !all {
            self.living.retain(|row_id| self.rows[row_id].lives(now));
            return Ok(Vec::new());
        }
        let newest = self.rows.keys().next_back().copied().unwrap_or(0);
        let mut found = read(tx, "row_id > $1", newest).map_err(text)?;
        if all {
            found.extend(read(tx, "row_id <= $1", newest).map_err(text)?);
            let there: BTreeSet<i64> = found.iter().map(|row| row.row_id).collect();
            let gone = self.rows.keys().find(|row_id| !there.contains(row_id));
            if let Some(gone) = gone {
                return Err(format!("{} is gone", self.rows[gone].id));
            }
        } else {
            let wanted: BTreeSet<i64> =
                these.iter().filter_map(|id| self.by_id.get(id)).chain(&self.living).copied().collect();
            for row_id in wanted {
                found.extend(read(tx, "row_id = $1", row_id).map_err(text)?);
            }
        }
        let mut changes = Vec::new();
        for row in found {
            let before = self.rows.get(&row.row_id);
            if before == Some(&row) {
                continue;
            }
            let checked = check(tx, before, &row, span).and_then(|()| match before {
                None => self.check_prompt(tx, &row).and_then(|()| move_rules::may_be_asked(tx, &row)),
                Some(before) if before.settled_by != row.settled_by => self.book.may_have_settled(&row),
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
        self.book.look(tx, (span.from, span.to), all)?;
        Ok(changes)
    }

    /// The challenge that ends next, or whose approval lapses next, and when.
    pub fn next_end(&self, now: Timestamp) -> Option<(ChallengeId, Timestamp)> {
        let ends = self.living.iter().map(|row_id| (self.rows[row_id].id, self.rows[row_id].until()));
        ends.filter(|(_, end)| *end > now).min_by_key(|(_, end)| *end)
    }

    /// Checks that the phones may have been made to ring for a challenge that is new.
    fn check_prompt(&self, tx: &dyn Transaction, new: &Row) -> Result<(), String> {
        if new.prompt != "pushed" {
            return Ok(());
        }
        let sql = "SELECT prompts_stopped_at FROM account WHERE row_id = $1";
        let account = tx.one_row("account", sql, &[new.account.into()]);
        let stopped: Option<Timestamp> = account.and_then(|row| row.get("prompts_stopped_at")).map_err(text)?;
        if stopped.is_some() {
            return Err("the phones ring although the person has reported a prompt".into());
        }
        let unwanted = self.rows.values().rev().filter(|row| {
            row.account == new.account
                && row.prompt == "pushed"
                && row.created_at > new.created_at - PROMPT_WINDOW
                && row.created_at <= new.created_at + AHEAD
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

    /// Checks that no two questions wait for one person side by side as taps, and that not too many wait.
    fn check_overlaps(&self, now: Timestamp) -> Result<(), String> {
        let mut taps: BTreeMap<i64, usize> = BTreeMap::new();
        let mut waiting: BTreeMap<i64, usize> = BTreeMap::new();
        let mut of_one: BTreeMap<(i64, i64), usize> = BTreeMap::new();
        // A question that no phone was asked, since there is only paper, is on no screen beside another.
        let mut on_phones: BTreeMap<i64, usize> = BTreeMap::new();
        let waits = |row: &&Row| self.states(row, now) == [ChallengeState::Pending; 2];
        for row in self.living.iter().map(|row_id| &self.rows[row_id]).filter(waits) {
            *waiting.entry(row.account).or_default() += 1;
            *of_one.entry((row.account, row.relying_party)).or_default() += 1;
            *on_phones.entry(row.account).or_default() += usize::from(row.on_phones);
            *taps.entry(row.account).or_default() += usize::from(row.on_phones && row.number.is_none());
        }
        if let Some(((account, _), waiting)) = of_one.iter().find(|(_, waiting)| **waiting > MOST_QUESTIONS_OF_ONE) {
            return Err(format!("{waiting} questions of one relying party wait for account {account}"));
        }
        if let Some((account, waiting)) = waiting.iter().find(|(_, waiting)| **waiting > MOST_QUESTIONS) {
            return Err(format!("{waiting} questions wait for account {account}"));
        }
        match on_phones.iter().find(|(account, waiting)| **waiting > 1 && taps[account] > 0) {
            Some((account, waiting)) => {
                Err(format!("{waiting} questions wait for account {account}, and one is a tap"))
            }
            None => Ok(()),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in the place of a closure that is handed the error")]
fn text(error: StoreError) -> String {
    error.to_string()
}

fn read(tx: &dyn Transaction, condition: &str, row_id: i64) -> Result<Vec<Row>, StoreError> {
    let sql = format!(
        "SELECT row_id, handle, relying_party, account, purpose, state, created_at, expires_at, settled_at, settled_by,
                decision, claim_key, claimed_at, number, wrong_number, prompt, report, told_over_at,
                EXISTS (SELECT 1 FROM challenge_device d WHERE d.challenge = challenge.row_id) AS on_phones
         FROM challenge WHERE {condition}"
    );
    tx.rows("challenge", &sql, &[row_id.into()])?.iter().map(Row::read).collect()
}

/// True when some device was asked these very bytes of a challenge.
///
/// # Errors
/// The store's, when the database gives no answer.
pub fn asks(tx: &dyn Transaction, row: &Row, digest: &str) -> Result<bool, StoreError> {
    let sql = "SELECT compact FROM challenge_device WHERE challenge = $1";
    let copies = tx.rows("challenge_device", sql, &[row.row_id.into()])?;
    let copies: Vec<String> = copies.iter().map(|copy| copy.get("compact")).collect::<Result<_, _>>()?;
    Ok(copies.iter().any(|compact| challenge::digest(compact) == digest))
}

/// A device, as the server knows it.
#[derive(Debug, Default)]
pub struct Device {
    /// Its row.
    pub row_id: i64,
    /// True from its confirmation until it is removed.
    pub in_use: bool,
    waits: Vec<ChallengeId>,
}

impl Device {
    /// What waits for it and a pull brings: nothing is said of what lies beyond the most that one brings.
    pub fn brought(&self) -> &[ChallengeId] {
        if self.waits.len() > MOST_BROUGHT { &[] } else { &self.waits }
    }
}

/// Every device, with what waits for it now. A phone that has learned a rotated signing key opens nothing that the
/// earlier one signed, so what was asked before the latest rotation does not count.
///
/// # Errors
/// The store's, when the database gives no answer.
pub fn devices(tx: &dyn Transaction, now: Timestamp) -> Result<BTreeMap<EnrolmentId, Device>, StoreError> {
    let mut devices = BTreeMap::new();
    let mut ids = BTreeMap::new();
    for row in tx.rows("enrolment", "SELECT row_id, handle, state FROM enrolment", &[])? {
        let (row_id, id, state): (i64, EnrolmentId, String) =
            (row.get("row_id")?, row.get("handle")?, row.get("state")?);
        ids.insert(row_id, id);
        devices.insert(id, Device { row_id, in_use: state == "confirmed", waits: Vec::new() });
    }
    let sql = "SELECT d.enrolment, c.handle FROM challenge c JOIN challenge_device d ON d.challenge = c.row_id
               WHERE c.state = 'pending' AND c.expires_at > $1
                 AND c.certificate = (SELECT max(sequence) FROM signing_key)";
    for row in tx.rows("challenge_device", sql, &[now.into()])? {
        let device = ids.get(&row.get("enrolment")?).and_then(|id| devices.get_mut(id));
        device.unwrap().waits.push(row.get("handle")?);
    }
    Ok(devices)
}

/// How many questions of each relying party wait for an account.
///
/// # Errors
/// The store's, when the database gives no answer.
pub fn open_questions(tx: &dyn Transaction, account: AccountId, now: Timestamp) -> Result<Vec<usize>, StoreError> {
    let sql = "SELECT count(*) AS open FROM challenge c JOIN account a ON a.row_id = c.account
               WHERE a.handle = $1 AND c.state = 'pending' AND c.told_over_at IS NULL AND c.expires_at > $2
               GROUP BY c.relying_party";
    tx.rows("challenge", sql, &[account.into(), now.into()])?.iter().map(|row| row.get("open")).collect()
}

/// True when so many questions, of one relying party each, are as many as may wait.
pub fn are_many(open: &[usize]) -> bool {
    open.iter().sum::<usize>() >= MOST_QUESTIONS || open.iter().any(|of_one| *of_one >= MOST_QUESTIONS_OF_ONE)
}

/// How many links of an account are open.
///
/// # Errors
/// The store's, when the database gives no answer.
pub fn open_links(tx: &dyn Transaction, account: AccountId, now: Timestamp) -> Result<usize, StoreError> {
    let sql = "SELECT count(*) AS open FROM enrolment e JOIN account a ON a.row_id = e.account
               WHERE a.handle = $1 AND e.state IN ('open', 'proposed') AND e.expires_at > $2";
    tx.one_row("enrolment", sql, &[account.into(), now.into()])?.get("open")
}

/// A queued push that nobody has tried to send.
#[derive(Debug)]
pub struct NotTried {
    /// Its row.
    pub row_id: i64,
    /// Whom it is for.
    pub device: EnrolmentId,
    /// True when its time has come and no sender has it.
    pub is_due: bool,
    /// When its time comes, and until when a sender has it.
    pub times: (Timestamp, Option<Timestamp>),
    /// When somebody was told that its question is over.
    pub told_over_at: Option<Timestamp>,
}

/// The pushes that were queued to be sent, and not tried.
///
/// # Errors
/// The store's, when the database gives no answer.
pub fn pushes_not_tried(tx: &dyn Transaction, now: Timestamp) -> Result<Vec<NotTried>, StoreError> {
    let sql = "SELECT p.row_id, e.handle, p.due_at, p.leased_until, c.told_over_at FROM push p
               JOIN challenge c ON c.row_id = p.challenge JOIN enrolment e ON e.row_id = p.enrolment
               JOIN account a ON a.row_id = c.account
               WHERE p.state = 'queued' AND p.attempts = 0 AND p.expires_at > $1 AND e.state = 'confirmed'
                 AND (c.state = 'pending') = (p.kind = 'challenge')
                 AND (p.kind = 'retraction' OR a.prompts_stopped_at IS NULL)";
    let read = |row: &Columns| {
        let (due_at, leased_until): (Timestamp, Option<Timestamp>) = (row.get("due_at")?, row.get("leased_until")?);
        let is_due = due_at <= now && leased_until.is_none_or(|until| until <= now);
        Ok(NotTried {
            row_id: row.get("row_id")?,
            device: row.get("handle")?,
            is_due,
            times: (due_at, leased_until),
            told_over_at: row.get("told_over_at")?,
        })
    };
    tx.rows("push", sql, &[now.into()])?.iter().map(read).collect()
}

fn check(tx: &dyn Transaction, before: Option<&Row>, after: &Row, span: Span) -> Result<(), String> {
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
    match before.told_over_at {
        Some(_) if was != is || after.told_over_at != before.told_over_at => {
            return Err("it was told as over, and has changed".into());
        }
        None if after.told_over_at.is_some_and(|at| !after.is_over(at)) => {
            return Err("it was told as over before it was".into());
        }
        _ => {}
    }
    match (was, is) {
        (was, is) if was == is && before.settlement() == after.settlement() => {}
        ("pending", "approved" | "denied" | "reported" | "claimed" | "revoked") => {
            check_settled(tx, after, span)?;
        }
        ("pending", "cancelled") => check_cancelled(after, span)?,
        ("approved", "claimed" | "revoked") if before.settlement() == after.settlement() => {}
        ("approved", "claimed" | "revoked") => return Err("the answer has changed".into()),
        _ => return Err(format!("it was {was} and is {is}")),
    }
    if was == is { Ok(()) } else { check_claim(after, span) }
}

/// Checks who settled it, when, and with what.
fn check_settled(tx: &dyn Transaction, row: &Row, span: Span) -> Result<(), String> {
    if !span.holds(row.settled_at) || row.settled_at >= Some(row.expires_at) {
        return Err("it was settled at a wrong time".into());
    }
    let (Some(device), Some(decision)) = (row.settled_by, &row.decision) else {
        return Err("it is settled, and nobody answered".into());
    };
    let sql = "SELECT d.compact, e.approval_key, e.request_key, e.account FROM challenge_device d
               JOIN enrolment e ON e.row_id = d.enrolment WHERE d.challenge = $1 AND d.enrolment = $2";
    let asked = tx.row("challenge_device", sql, &[row.row_id.into(), device.into()]).map_err(text)?;
    let asked = asked.ok_or("a device answered that was not asked")?;
    let account: i64 = asked.get("account").map_err(text)?;
    if account != row.account {
        return Err("a device of another account answered".into());
    }
    let compact: String = asked.get("compact").map_err(text)?;
    let key = |column| asked.get::<PublicKey>(column).map_err(text);
    let keys = DecisionKeys { approval: key("approval_key")?, request: key("request_key")? };
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

fn check_claim(row: &Row, span: Span) -> Result<(), String> {
    let end = row.settled_at.map(|at| at + CLAIM_WINDOW);
    match row.word.as_str() {
        "revoked" if Some(span.from) >= end => Err("it was taken back although it had lapsed".into()),
        "claimed" if !span.holds(row.claimed_at) || row.claimed_at >= end => {
            Err("it was claimed at a wrong time".into())
        }
        "claimed" if row.purpose.is_some() => Err("it is of a move, and was claimed".into()),
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
