//! A challenge's life: created, read, and what a device was asked. How it ends is in `settlements`, who takes it in
//! `claims`.
//!
//! Each transition is one guarded UPDATE; its condition, one of the [`Rules`], holds the state and the time read in the
//! same transaction.

use super::challenge_state::{is_over, state_of};
use super::engine::Transaction;
use super::engine::row::Row;
use super::engine::value::values;
use super::new_challenge::{NewChallenge, Recipient};
use super::prompts::Raise;
use super::rules::{AHEAD, CLAIM_WINDOW, Rules, condition};
use super::{Store, StoreError, accounts, codes, move_rows, prompts, pushes, webhooks};
use crate::domain::actor::Actor;
use crate::domain::fact::Fact;
use crate::domain::methods::Methods;
use crate::domain::rows::{AccountRow, ChallengeRow, DeviceRow, RelyingPartyRow};
use crate::domain::states::{Prompt, PushStage, SettledMethod};
use countersign_protocol::challenge::Purpose;
use countersign_protocol::decision::DecisionKeys;
use countersign_protocol::enrolment::TICKET_LIFETIME;
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::key::PublicKey;
use countersign_protocol::receipt::Receipt;
use countersign_protocol::relying_party_api::{ChallengeState, EnrolmentStage, MoveState};
use countersign_protocol::time::Timestamp;
use std::time::Duration;

/// What became of a creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It is new.
    New {
        /// The questions beside it that ask for their numbers from now on.
        raised: Vec<ChallengeId>,
    },
    /// The same request came before; this is its challenge.
    Same(ChallengeId),
    /// Another request came under the same key, or of the same attempt.
    Mismatch,
    /// The account was deleted meanwhile.
    NoAccount,
    /// As many questions wait for the person as may; the first of them ends after this pause.
    TooManyOpen(Duration),
    /// The move that asks is in this state, in which it does not ask this.
    MoveNotNow(MoveState),
}

/// What a device was asked, and with which keys it may answer.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The device's row.
    pub device: DeviceRow,
    /// The device's enrolment.
    pub enrolment_id: EnrolmentId,
    /// The account's row.
    pub account: AccountRow,
    /// Who asked.
    pub relying_party: RelyingPartyRow,
    /// The signed challenge.
    pub compact: String,
    /// What it was before another question came beside it, when one did.
    pub earlier: Option<String>,
    /// The keys that may answer.
    pub keys: DecisionKeys,
    /// Whether the hardware of the device was found to ask the person for each approval.
    pub gated: bool,
    /// The decision and the report that count already, when there are any.
    pub counted: [Option<String>; 2],
}

/// A challenge as its relying party sees it.
#[derive(Debug, Clone)]
pub struct ChallengeRecord {
    /// Names it.
    pub id: ChallengeId,
    /// Its account.
    pub account_id: AccountId,
    /// Its state at the time of reading.
    pub state: ChallengeState,
    /// How many digits the person types; none where YES is a tap.
    pub digits: Option<u8>,
    /// What the page shows.
    pub number: Option<String>,
    /// What the phones were made to do.
    pub prompt: Prompt,
    /// True once the person has said "this was not me".
    pub reported: bool,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What became of each of its pushes, and the reason where one did not go through.
    pub pushes: Vec<(PushStage, Option<String>)>,
    /// The signed question and answer, once there is one that proves what its state says.
    pub receipt: Option<Receipt>,
    /// How it may be answered by what the account has now.
    pub methods: Methods,
    /// By what it was settled; none where it was not, or was taken back or reported.
    pub settled_method: Option<SettledMethod>,
    /// True when it is kept that somebody was told of its end by the clock.
    pub told_over: bool,
}

impl Store {
    /// The devices of an account that can be asked.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn recipients(&self, account: AccountRow) -> Result<Vec<Recipient>, StoreError> {
        self.read(move |tx| {
            let sql = format!(
                "SELECT {RECIPIENT} FROM enrolment e WHERE account = $1 AND state = 'confirmed' ORDER BY row_id"
            );
            tx.rows("enrolment", &sql, values![account])?.iter().map(read_recipient).collect()
        })
        .await
    }

    /// This device, if it can be asked for the purpose: one in use, or one that is to take over and rehearses, within
    /// its time.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn recipient(
        &self,
        device: DeviceRow,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Option<Recipient>, StoreError> {
        self.read(move |tx| {
            let state = match purpose {
                Purpose::Move => EnrolmentStage::Confirmed,
                Purpose::Rehearsal => EnrolmentStage::Proposed,
            };
            let sql = format!(
                "SELECT {RECIPIENT} FROM enrolment e WHERE row_id = $1 AND state = $2
                 AND (state = 'confirmed' OR (expires_at > $3 AND expires_at <= $4))"
            );
            let values = values![device, state, now, now + TICKET_LIFETIME + AHEAD];
            tx.row("enrolment", &sql, values)?.as_ref().map(read_recipient).transpose()
        })
        .await
    }

    /// The challenge that an earlier request made under this key, if there was one.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn created_before(
        &self,
        relying_party: RelyingPartyRow,
        key: String,
        request_sha256: String,
    ) -> Result<Option<Created>, StoreError> {
        self.read(move |tx| same_request(tx, relying_party, &key, &request_sha256)).await
    }

    /// Step 1's write: the challenge, what each device is asked, and the pushes to be sent, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn create_challenge(
        &self,
        by: Actor,
        mut new: NewChallenge,
        raising: impl Raise,
    ) -> Result<Created, StoreError> {
        let rules = self.rules;
        self.write(move |tx, now| {
            if let Some(key) = &new.idempotency_key
                && let Some(found) = same_request(tx, new.relying_party, key, &new.request_sha256)?
            {
                return Ok(found);
            }
            if let Some(attempt) = &new.attempt
                && let Some(found) = same_attempt(tx, &rules, &new, attempt, now)?
            {
                return Ok(found);
            }
            if !accounts::is_there(tx, new.account)? {
                return Ok(Created::NoAccount);
            }
            if let Some((moving, purpose)) = new.of_move
                && let Some(state) = move_rows::not_to_ask(tx, now, moving, purpose)?
            {
                return Ok(Created::MoveNotNow(state));
            }
            if let Some(pause) = prompts::too_many(tx, &rules, now, &new)? {
                return Ok(Created::TooManyOpen(pause));
            }
            let raised = prompts::raise_overlapping(tx, &rules, now, &by, &mut new, &raising)?;
            let prompt = prompts::allowed(tx, &rules, now, &new)?;
            let row_id = insert(tx, &new, prompt)?;
            webhooks::tell(tx, now, &by, row_id, Fact::ChallengeCreated)?;
            for (recipient, compact) in &new.devices {
                let sql = "INSERT INTO challenge_device (challenge, enrolment, compact) VALUES ($1, $2, $3)";
                tx.execute(sql, values![row_id, recipient.row_id, compact])?;
                if recipient.has_push && prompt == Prompt::Pushed {
                    pushes::queue(tx, row_id, recipient.row_id, now, new.expires_at)?;
                }
            }
            Ok(Created::New { raised })
        })
        .await
    }

    /// What a device was asked; none when this key's device was not, or the challenge does not exist.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn asked(&self, id: ChallengeId, key_id: String) -> Result<Option<Asked>, StoreError> {
        self.read(move |tx| {
            let sql = "SELECT e.row_id, e.handle, e.approval_key, e.request_key, e.request_key_id,
                              e.attestation_gated, c.account, c.relying_party, d.compact,
                              d.earlier, c.decision, c.report
                       FROM challenge c JOIN challenge_device d ON d.challenge = c.row_id
                       JOIN enrolment e ON e.row_id = d.enrolment
                       WHERE c.handle = $1
                         AND (e.state = 'confirmed' OR (e.state = 'proposed' AND c.purpose = 'rehearsal'))";
            let read = |row: &Row| {
                let keys = DecisionKeys {
                    approval: row.get::<PublicKey>("approval_key")?,
                    request: row.get::<PublicKey>("request_key")?,
                };
                let asked = Asked {
                    device: row.get("row_id")?,
                    enrolment_id: row.get("handle")?,
                    account: row.get("account")?,
                    relying_party: row.get("relying_party")?,
                    compact: row.get("compact")?,
                    earlier: row.get("earlier")?,
                    keys,
                    gated: row.get("attestation_gated")?,
                    counted: [row.get("decision")?, row.get("report")?],
                };
                let request_key_id: String = row.get("request_key_id")?;
                let own = request_key_id == key_id || keys.approval.thumbprint().as_str() == key_id;
                Ok(own.then_some(asked))
            };
            let asked = tx.rows("enrolment", sql, values![id])?;
            let asked: Vec<Option<Asked>> = asked.iter().map(read).collect::<Result<_, StoreError>>()?;
            Ok(asked.into_iter().flatten().next())
        })
        .await
    }

    /// A challenge of this relying party. One of another does not exist here.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn challenge(
        &self,
        relying_party: RelyingPartyRow,
        id: ChallengeId,
        now: Timestamp,
    ) -> Result<Option<ChallengeRecord>, StoreError> {
        let rules = self.rules;
        let record = self.read(move |tx| read_challenge(tx, &rules, relying_party, id, now)).await?;
        let Some(ChallengeRecord { told_over: false, state, .. }) = record else { return Ok(record) };
        if !is_over(state) {
            return Ok(record);
        }
        // Nobody is told that it is over before that is durable. The moment of the look counts, and not that of the
        // write: the clock may have gone back between them.
        self.write(move |tx, _| {
            let sql = format!(
                "UPDATE challenge SET told_over_at = $2 WHERE handle = $1 AND told_over_at IS NULL
                 AND state IN ('pending', 'approved') AND {}",
                condition(rules.own, &[("relying_party", 3)])
            );
            tx.execute(&sql, values![id, now, relying_party])?;
            read_challenge(tx, &rules, relying_party, id, now)
        })
        .await
    }
}

/// What is read of an enrolment `e` whose device is to be asked.
const RECIPIENT: &str = "row_id, handle, request_key_id, sealing_key,
    EXISTS (SELECT 1 FROM push_registration r WHERE r.enrolment = e.row_id AND r.sealed IS NOT NULL) AS has_push";

fn read_recipient(row: &Row) -> Result<Recipient, StoreError> {
    Ok(Recipient {
        row_id: row.get("row_id")?,
        enrolment_id: row.get("handle")?,
        key_id: row.get("request_key_id")?,
        sealing_key: row.get("sealing_key")?,
        has_push: row.get("has_push")?,
    })
}

fn insert(tx: &dyn Transaction, new: &NewChallenge, prompt: Prompt) -> Result<ChallengeRow, StoreError> {
    let sql = "INSERT INTO challenge (handle, relying_party, account, state, created_at, expires_at, certificate,
                                      idempotency_key, request_sha256, digits, number, prompt, methods, attempt,
                                      move, purpose)
               VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
               RETURNING row_id";
    let values = values![
        new.id,
        new.relying_party,
        new.account,
        new.created_at,
        new.expires_at,
        new.certificate,
        new.idempotency_key.as_deref(),
        &new.request_sha256,
        new.number.as_deref().map(prompts::digits),
        new.number.as_deref(),
        prompt,
        new.methods.words(),
        new.attempt.as_deref(),
        new.of_move.map(|(moving, _)| moving),
        new.of_move.map(|(_, purpose)| purpose),
    ];
    tx.one_row("challenge", sql, values)?.get("row_id")
}

fn same_request(
    tx: &dyn Transaction,
    relying_party: RelyingPartyRow,
    key: &str,
    request_sha256: &str,
) -> Result<Option<Created>, StoreError> {
    let sql = "SELECT row_id, handle, request_sha256 FROM challenge WHERE relying_party = $1 AND idempotency_key = $2";
    let found = tx.row("challenge", sql, values![relying_party, key])?;
    found.map(|found| as_before(&found, request_sha256)).transpose()
}

/// The newest challenge of this attempt that can still lead to a sign-in. One that cannot answers no repetition:
/// whoever tries then is asked anew.
fn same_attempt(
    tx: &dyn Transaction,
    rules: &Rules,
    new: &NewChallenge,
    attempt: &str,
    now: Timestamp,
) -> Result<Option<Created>, StoreError> {
    let sql = format!(
        "SELECT row_id, handle, request_sha256 FROM challenge
         WHERE relying_party = $1 AND account = $2 AND attempt = $3 AND (({}) OR ({})) ORDER BY row_id DESC LIMIT 1",
        condition(rules.may_settle, &[("now", 4)]),
        condition(rules.may_claim, &[("oldest", 5)])
    );
    let values = values![new.relying_party, new.account, attempt, now, now - CLAIM_WINDOW];
    let found = tx.row("challenge", &sql, values)?;
    found.map(|found| as_before(&found, &new.request_sha256)).transpose()
}

fn as_before(found: &Row, request_sha256: &str) -> Result<Created, StoreError> {
    let same = found.get::<String>("request_sha256")? == request_sha256;
    Ok(if same { Created::Same(found.get("handle")?) } else { Created::Mismatch })
}

/// The signed question and answer of a challenge's row, once there are both.
fn receipt_of(row: &Row) -> Result<Option<Receipt>, StoreError> {
    let enrolment: Option<String> = row.get("statement")?;
    let challenge: Option<String> = row.get("compact")?;
    let decision: Option<String> = row.get("decision")?;
    let wrong_number: bool = row.get("wrong_number")?;
    Ok(match (enrolment, challenge, decision) {
        // A YES with a wrong number is a refusal: as a receipt it would read as an approval to who does not compare.
        (Some(enrolment), Some(challenge), Some(decision)) if !wrong_number => Some(Receipt {
            certificate: row.get("certificate")?,
            enrolment_certificate: row.get("enrolment_certificate")?,
            enrolment,
            challenge,
            decision,
        }),
        _ => None,
    })
}

/// A challenge of this relying party, as it is at this moment.
pub(super) fn read_challenge(
    tx: &dyn Transaction,
    rules: &Rules,
    relying_party: RelyingPartyRow,
    id: ChallengeId,
    now: Timestamp,
) -> Result<Option<ChallengeRecord>, StoreError> {
    let sql = format!(
        "SELECT c.row_id, c.account, c.state, c.created_at, c.expires_at, c.settled_at, c.settled_method, c.decision,
                c.told_over_at,
                c.digits, c.number, c.wrong_number, c.prompt, c.methods, c.reported_at IS NOT NULL AS reported,
                a.handle AS account_handle, k.certificate, e.statement, ek.certificate AS enrolment_certificate,
                d.compact
         FROM challenge c JOIN account a ON a.row_id = c.account
         JOIN signing_key k ON k.sequence = c.certificate
         LEFT JOIN enrolment e ON e.row_id = c.settled_by
         LEFT JOIN signing_key ek ON ek.sequence = e.certificate
         LEFT JOIN challenge_device d ON d.challenge = c.row_id AND d.enrolment = c.settled_by
         WHERE c.handle = $1 AND c.{}",
        condition(rules.own, &[("relying_party", 2)])
    );
    let Some(row) = tx.row("challenge", &sql, values![id, relying_party])? else { return Ok(None) };
    let row_id: ChallengeRow = row.get("row_id")?;
    let at_hand = codes::methods_at_hand(tx, row_id, row.get("account")?)?;
    // A push that is without its registration has been replaced by those to the new ones.
    let sql = "SELECT row_id, state, reason FROM push WHERE challenge = $1 AND kind = 'challenge'
               AND (state <> 'dropped' OR registration IS NOT NULL)";
    let pushes = tx.rows("push", sql, values![row_id])?;
    let pushes = pushes.iter().map(|push| Ok((push.get("state")?, push.get("reason")?)));
    Ok(Some(ChallengeRecord {
        id,
        account_id: row.get("account_handle")?,
        state: state_of(&row, now)?,
        digits: row.get("digits")?,
        number: row.get("number")?,
        prompt: row.get("prompt")?,
        reported: row.get("reported")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        pushes: pushes.collect::<Result<_, StoreError>>()?,
        receipt: receipt_of(&row)?,
        methods: Methods::read(&row.get::<String>("methods")?).and(at_hand),
        settled_method: row.get("settled_method")?,
        told_over: row.get::<Option<Timestamp>>("told_over_at")?.is_some(),
    }))
}
