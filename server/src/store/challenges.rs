//! A challenge's life: created, settled at most once, claimed at most once.
//!
//! Each transition is one guarded UPDATE; its condition holds the state and the time read in the same transaction.

use super::accounts::parse;
use super::devices::read_public_key;
use super::{Store, StoreError, changed_one, codes, pushes};
use crate::methods::Methods;
use countersign_core::decision::{Answer, DecisionKeys};
use countersign_core::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_core::receipt::Receipt;
use countersign_core::sealing::SealingPublicKey;
use countersign_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long an approval waits to be claimed.
pub const CLAIM_WINDOW: Duration = Duration::from_secs(60);

/// The state of a challenge, as a reader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has answered, and there is time left.
    Pending,
    /// The person said yes; the relying party has not taken it yet.
    Approved,
    /// The person said no.
    Denied,
    /// The person said that this was not them.
    Reported,
    /// Nobody answered in time.
    Expired,
    /// The relying party took the question back.
    Cancelled,
    /// The relying party took the approval.
    Claimed,
    /// The relying party did not take the approval in time.
    Lapsed,
    /// The approval was taken back before it was claimed.
    Revoked,
}

impl State {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Reported => "reported",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Claimed => "claimed",
            Self::Lapsed => "lapsed",
            Self::Revoked => "revoked",
        }
    }

    /// What a stored word means at this moment: an overdue pending challenge is expired, an overdue approval lapsed.
    pub(super) fn read(
        word: &str,
        expires_at: Timestamp,
        settled_at: Option<Timestamp>,
        now: Timestamp,
    ) -> rusqlite::Result<Self> {
        Ok(match word {
            "pending" if expires_at <= now => Self::Expired,
            "pending" => Self::Pending,
            "approved" if settled_at.is_none_or(|at| at + CLAIM_WINDOW <= now) => Self::Lapsed,
            "approved" => Self::Approved,
            "denied" => Self::Denied,
            "reported" => Self::Reported,
            "cancelled" => Self::Cancelled,
            "claimed" => Self::Claimed,
            "revoked" => Self::Revoked,
            _ => return Err(rusqlite::Error::InvalidQuery),
        })
    }
}

/// A device that can be asked.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// The device's row.
    pub row_id: i64,
    /// The enrolment.
    pub enrolment_id: EnrolmentId,
    /// The thumbprint of its request key.
    pub key_id: String,
    /// Opens what is sealed to it.
    pub sealing_key: SealingPublicKey,
    /// True when it can be pushed to.
    pub has_push: bool,
}

/// A challenge to be created, with what each device is asked.
#[derive(Debug, Clone)]
pub struct NewChallenge {
    /// Names it.
    pub id: ChallengeId,
    /// Who asks.
    pub relying_party: i64,
    /// Who is asked.
    pub account: i64,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The sequence of the certificate whose key signed it.
    pub certificate: u64,
    /// The relying party's name for this request.
    pub idempotency_key: Option<String>,
    /// SHA-256 of the request, to tell a repetition from another request under the same key.
    pub request_sha256: String,
    /// How it may be answered.
    pub methods: Methods,
    /// Each device and its signed challenge.
    pub devices: Vec<(Recipient, String)>,
}

/// What became of a creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It is new.
    New,
    /// The same request came before; this is its challenge.
    Same(ChallengeId),
    /// Another request came under the same key.
    Mismatch,
}

/// What a device was asked, and with which keys it may answer.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The device's row.
    pub device: i64,
    /// The signed challenge.
    pub compact: String,
    /// When it was asked.
    pub created_at: Timestamp,
    /// The keys that may answer.
    pub keys: DecisionKeys,
}

/// A checked decision, to be settled.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The challenge.
    pub challenge: ChallengeId,
    /// The device that answered.
    pub device: i64,
    /// The answer.
    pub answer: Answer,
    /// The compact JWS of it.
    pub decision: String,
    /// True when it also unlocks the account's one-time codes.
    pub unlocks_codes: bool,
}

/// What became of a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// This answer counts; also when the same device gave the same answer before.
    Counts,
    /// Another answer was first.
    AlreadyAnswered,
    /// Too late.
    Expired,
    /// The relying party took the question back.
    Cancelled,
    /// The device is no longer in use, or was never asked.
    NotAsked,
}

/// A challenge as its relying party sees it.
#[derive(Debug, Clone)]
pub struct ChallengeRecord {
    /// Names it.
    pub id: ChallengeId,
    /// Its account.
    pub account_id: AccountId,
    /// Its state at the time of reading.
    pub state: State,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What became of its pushes: one word for each device that has any.
    pub pushes: Vec<String>,
    /// The signed question and answer, once there is one.
    pub receipt: Option<Receipt>,
    /// How it may be answered by what the account has now.
    pub methods: Methods,
    /// True when a one-time code has settled it.
    pub settled_by_code: bool,
}

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The approval is the caller's; also for the same claim sent again.
    Now,
    /// It was claimed before.
    AlreadyClaimed,
    /// There is no approval to claim in this state.
    NotApproved(State),
    /// There is no such challenge of this relying party.
    NotFound,
}

impl Store {
    /// The devices of an account that can be asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recipients(&self, account: i64) -> Result<Vec<Recipient>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT row_id, handle, request_key_id, sealing_key, push_registration IS NOT NULL FROM enrolment
                       WHERE account = ?1 AND state = 'confirmed' ORDER BY row_id";
            let read = |row: &Row<'_>| {
                Ok(Recipient {
                    row_id: row.get(0)?,
                    enrolment_id: parse(&row.get::<_, String>(1)?)?,
                    key_id: row.get(2)?,
                    sealing_key: SealingPublicKey::from_bytes(row.get(3)?),
                    has_push: row.get(4)?,
                })
            };
            Ok(connection.prepare_cached(sql)?.query_map([account], read)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The challenge that an earlier request made under this key, if there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn created_before(
        &self,
        relying_party: i64,
        key: String,
        request_sha256: String,
    ) -> Result<Option<Created>, StoreError> {
        self.read(move |connection| same_request(connection, relying_party, &key, &request_sha256)).await
    }

    /// Step 1's write: the challenge, what each device is asked, and the pushes to be sent, in one transaction.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_challenge(&self, new: NewChallenge) -> Result<Created, StoreError> {
        self.write(move |connection, now| {
            if let Some(key) = &new.idempotency_key
                && let Some(found) = same_request(connection, new.relying_party, key, &new.request_sha256)?
            {
                return Ok(found);
            }
            let sql = "INSERT INTO challenge (handle, relying_party, account, state, created_at, expires_at, certificate, idempotency_key, request_sha256, methods)
                       VALUES (:handle, :relying_party, :account, 'pending', :created_at, :expires_at, :certificate, :key, :request, :methods)";
            connection.prepare_cached(sql)?.execute(named_params! {
                ":handle": new.id.to_string(),
                ":relying_party": new.relying_party,
                ":account": new.account,
                ":created_at": new.created_at.millis(),
                ":expires_at": new.expires_at.millis(),
                ":certificate": i64::try_from(new.certificate).unwrap_or(i64::MAX),
                ":key": new.idempotency_key,
                ":request": new.request_sha256,
                ":methods": new.methods.as_str(),
            })?;
            let row_id = connection.last_insert_rowid();
            for (recipient, compact) in &new.devices {
                let sql = "INSERT INTO challenge_device VALUES (?1, ?2, ?3)";
                connection.prepare_cached(sql)?.execute((row_id, recipient.row_id, compact))?;
                if recipient.has_push {
                    pushes::queue(connection, row_id, recipient.row_id, now, new.expires_at)?;
                }
            }
            Ok(Created::New)
        })
        .await
    }

    /// What a device was asked; none when this key's device was not, or the challenge does not exist.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn asked(&self, id: ChallengeId, key_id: String) -> Result<Option<Asked>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT e.row_id, d.compact, c.created_at, e.approval_key, e.request_key, e.request_key_id
                       FROM challenge c JOIN challenge_device d ON d.challenge = c.row_id
                       JOIN enrolment e ON e.row_id = d.enrolment
                       WHERE c.handle = ?1 AND e.state = 'confirmed'";
            let read = |row: &Row<'_>| {
                let keys = DecisionKeys { approval: read_public_key(row, 3)?, request: read_public_key(row, 4)? };
                let asked = Asked {
                    device: row.get(0)?,
                    compact: row.get(1)?,
                    created_at: Timestamp::from_millis(row.get(2)?),
                    keys,
                };
                let own = row.get::<_, String>(5)? == key_id || keys.approval.thumbprint().as_str() == key_id;
                Ok(own.then_some(asked))
            };
            let mut statement = connection.prepare_cached(sql)?;
            let asked: Vec<Option<Asked>> = statement.query_map([id.to_string()], read)?.collect::<Result<_, _>>()?;
            Ok(asked.into_iter().flatten().next())
        })
        .await
    }

    /// Step 5's write: one guarded UPDATE. When it changes nothing, the rest says why.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn settle(&self, settlement: Settlement) -> Result<Settled, StoreError> {
        self.write(move |connection, now| {
            let state = match settlement.answer {
                Answer::Approve => "approved",
                Answer::Deny => "denied",
            };
            let id = settlement.challenge.to_string();
            let sql = "UPDATE challenge SET state = :state, settled_at = :now, settled_by = :device, settled_method = 'push', decision = :decision
                       WHERE handle = :id AND state = 'pending' AND expires_at > :now
                         AND EXISTS (SELECT 1 FROM enrolment e JOIN challenge_device d ON d.enrolment = e.row_id
                                     WHERE e.row_id = :device AND e.state = 'confirmed' AND d.challenge = challenge.row_id)";
            let changed = connection.prepare_cached(sql)?.execute(named_params! {
                ":state": state,
                ":now": now.millis(),
                ":device": settlement.device,
                ":decision": settlement.decision,
                ":id": id,
            })?;
            if changed_one(changed) {
                if settlement.unlocks_codes {
                    let sql = "SELECT account FROM challenge WHERE handle = ?1";
                    codes::unlock_codes(connection, connection.query_row(sql, [id], |row| row.get(0))?)?;
                }
                return Ok(Settled::Counts);
            }
            why_not_settled(connection, now, &settlement)
        })
        .await
    }

    /// A challenge of this relying party. One of another does not exist here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn challenge(
        &self,
        relying_party: i64,
        id: ChallengeId,
        now: Timestamp,
    ) -> Result<Option<ChallengeRecord>, StoreError> {
        self.read(move |connection| read_challenge(connection, relying_party, id, now)).await
    }

    /// Step 6's write: the approval goes to the first claim, and to every repetition of that claim.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim(&self, relying_party: i64, id: ChallengeId, key: Option<String>) -> Result<Claimed, StoreError> {
        self.write(move |connection, now| {
            let sql = "UPDATE challenge SET state = 'claimed', claimed_at = ?3, claim_key = ?4
                       WHERE handle = ?1 AND relying_party = ?2 AND state = 'approved' AND settled_at > ?5";
            let oldest = (now - CLAIM_WINDOW).millis();
            let changed =
                connection.prepare_cached(sql)?.execute((id.to_string(), relying_party, now.millis(), &key, oldest))?;
            if changed_one(changed) {
                return Ok(Claimed::Now);
            }
            let Some(record) = read_challenge(connection, relying_party, id, now)? else {
                return Ok(Claimed::NotFound);
            };
            if record.state != State::Claimed {
                return Ok(Claimed::NotApproved(record.state));
            }
            let sql = "SELECT claim_key FROM challenge WHERE handle = ?1";
            let first: Option<String> = connection.query_row(sql, [id.to_string()], |row| row.get(0))?;
            Ok(if key.is_some() && first == key { Claimed::Now } else { Claimed::AlreadyClaimed })
        })
        .await
    }

    /// Takes a pending question, or an approval that nobody claimed, back; the state afterwards, or none when there is no
    /// such challenge here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cancel(&self, relying_party: i64, id: ChallengeId) -> Result<Option<State>, StoreError> {
        self.write(move |connection, now| {
            let sql = "UPDATE challenge SET state = 'cancelled', settled_at = ?3
                       WHERE handle = ?1 AND relying_party = ?2 AND state = 'pending' AND expires_at > ?3";
            connection.prepare_cached(sql)?.execute((id.to_string(), relying_party, now.millis()))?;
            let sql = "UPDATE challenge SET state = 'revoked'
                       WHERE handle = ?1 AND relying_party = ?2 AND state = 'approved' AND settled_at > ?3";
            let oldest = (now - CLAIM_WINDOW).millis();
            connection.prepare_cached(sql)?.execute((id.to_string(), relying_party, oldest))?;
            Ok(read_challenge(connection, relying_party, id, now)?.map(|record| record.state))
        })
        .await
    }
}

fn same_request(
    connection: &Connection,
    relying_party: i64,
    key: &str,
    request_sha256: &str,
) -> Result<Option<Created>, StoreError> {
    let sql = "SELECT handle, request_sha256 FROM challenge WHERE relying_party = ?1 AND idempotency_key = ?2";
    let read = |row: &Row<'_>| Ok((parse(&row.get::<_, String>(0)?)?, row.get::<_, String>(1)?));
    let found = connection.prepare_cached(sql)?.query_row((relying_party, key), read).optional()?;
    Ok(found.map(|(id, request)| if request == request_sha256 { Created::Same(id) } else { Created::Mismatch }))
}

fn why_not_settled(connection: &Connection, now: Timestamp, settlement: &Settlement) -> Result<Settled, StoreError> {
    let sql = "SELECT state, expires_at, settled_at, settled_by FROM challenge WHERE handle = ?1";
    let read = |row: &Row<'_>| {
        let settled_at: Option<i64> = row.get(2)?;
        let expires_at = Timestamp::from_millis(row.get(1)?);
        let state = State::read(&row.get::<_, String>(0)?, expires_at, settled_at.map(Timestamp::from_millis), now)?;
        Ok((state, row.get::<_, Option<i64>>(3)?))
    };
    let Some((state, settled_by)) = connection.query_row(sql, [settlement.challenge.to_string()], read).optional()?
    else {
        return Ok(Settled::NotAsked);
    };
    let approved = matches!(state, State::Approved | State::Claimed | State::Lapsed | State::Revoked);
    let same_answer = match settlement.answer {
        Answer::Approve => approved,
        Answer::Deny => state == State::Denied,
    };
    Ok(match state {
        _ if same_answer && settled_by == Some(settlement.device) => Settled::Counts,
        State::Pending => Settled::NotAsked,
        State::Expired => Settled::Expired,
        State::Cancelled => Settled::Cancelled,
        _ => Settled::AlreadyAnswered,
    })
}

fn read_challenge(
    connection: &Connection,
    relying_party: i64,
    id: ChallengeId,
    now: Timestamp,
) -> Result<Option<ChallengeRecord>, StoreError> {
    let sql = "SELECT c.state, c.expires_at, c.settled_at, c.created_at, a.handle, c.row_id,
                      k.certificate, e.statement, d.compact, c.decision, ek.certificate,
                      c.methods, c.settled_method, c.account
               FROM challenge c JOIN account a ON a.row_id = c.account
               JOIN signing_key k ON k.sequence = c.certificate
               LEFT JOIN enrolment e ON e.row_id = c.settled_by
               LEFT JOIN signing_key ek ON ek.sequence = e.certificate
               LEFT JOIN challenge_device d ON d.challenge = c.row_id AND d.enrolment = c.settled_by
               WHERE c.handle = ?1 AND c.relying_party = ?2";
    let read = |row: &Row<'_>| {
        let settled_at: Option<i64> = row.get(2)?;
        let expires_at = Timestamp::from_millis(row.get(1)?);
        let (enrolment, challenge, decision): (Option<String>, Option<String>, Option<String>) =
            (row.get(7)?, row.get(8)?, row.get(9)?);
        let receipt = match (enrolment, challenge, decision) {
            (Some(enrolment), Some(challenge), Some(decision)) => Some(Receipt {
                certificate: row.get(6)?,
                enrolment_certificate: row.get(10)?,
                enrolment,
                challenge,
                decision,
            }),
            _ => None,
        };
        let record = ChallengeRecord {
            id,
            account_id: parse(&row.get::<_, String>(4)?)?,
            state: State::read(&row.get::<_, String>(0)?, expires_at, settled_at.map(Timestamp::from_millis), now)?,
            created_at: Timestamp::from_millis(row.get(3)?),
            expires_at,
            pushes: Vec::new(),
            receipt,
            methods: Methods::read(&row.get::<_, String>(11)?),
            settled_by_code: row.get::<_, Option<String>>(12)?.as_deref() == Some("code"),
        };
        Ok((row.get::<_, i64>(5)?, row.get::<_, i64>(13)?, record))
    };
    let found = connection.prepare_cached(sql)?.query_row((id.to_string(), relying_party), read).optional()?;
    let Some((row_id, account, mut record)) = found else { return Ok(None) };
    let mut statement = connection.prepare_cached("SELECT state FROM push WHERE challenge = ?1")?;
    record.pushes = statement.query_map([row_id], |row| row.get(0))?.collect::<Result<_, _>>()?;
    record.methods = record.methods.and(codes::methods_at_hand(connection, row_id, account)?);
    Ok(Some(record))
}
