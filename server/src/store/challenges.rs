//! A challenge's life: created, read, and what a device was asked. How it ends is in `settlements`, who takes it in
//! `claims`.
//!
//! Each transition is one guarded UPDATE; its condition, one of the [`Rules`], holds the state and the time read in the
//! same transaction.

use super::accounts::parse;
use super::devices::read_public_key;
use super::prompts::{Prompt, Raise};
use super::rules::{CLAIM_WINDOW, Rules};
use super::{Store, StoreError, codes, prompts, pushes};
use crate::domain::methods::Methods;
use countersign_protocol::decision::DecisionKeys;
use countersign_protocol::handle::{AccountId, ChallengeId, EnrolmentId};
use countersign_protocol::receipt::Receipt;
use countersign_protocol::relying_party_api::ChallengeState;
use countersign_protocol::sealing::SealingPublicKey;
use countersign_protocol::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// What a stored word means at this moment: an overdue pending challenge is expired, an overdue approval lapsed.
pub(super) fn read_state(
    word: &str,
    expires_at: Timestamp,
    settled_at: Option<Timestamp>,
    now: Timestamp,
) -> rusqlite::Result<ChallengeState> {
    Ok(match word {
        "pending" if expires_at <= now => ChallengeState::Expired,
        "pending" => ChallengeState::Pending,
        "approved" if settled_at.is_none_or(|at| at + CLAIM_WINDOW <= now) => ChallengeState::Lapsed,
        "approved" => ChallengeState::Approved,
        "denied" => ChallengeState::Denied,
        "reported" => ChallengeState::Reported,
        "cancelled" => ChallengeState::Cancelled,
        "claimed" => ChallengeState::Claimed,
        "revoked" => ChallengeState::Revoked,
        _ => return Err(rusqlite::Error::InvalidQuery),
    })
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
    /// What the page shows and the person types; none where YES is a tap.
    pub number: Option<String>,
    /// How it may be answered.
    pub methods: Methods,
    /// Each device and its signed challenge.
    pub devices: Vec<(Recipient, String)>,
}

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
    /// Another request came under the same key.
    Mismatch,
}

/// What a device was asked, and with which keys it may answer.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The device's row.
    pub device: i64,
    /// The account's row.
    pub account: i64,
    /// The signed challenge.
    pub compact: String,
    /// What it was before another question came beside it, when one did.
    pub earlier: Option<String>,
    /// The keys that may answer.
    pub keys: DecisionKeys,
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
    /// What became of its pushes: a word for each, and the reason where one did not go through.
    pub pushes: Vec<(String, Option<String>)>,
    /// The signed question and answer, once there is one that proves what its state says.
    pub receipt: Option<Receipt>,
    /// How it may be answered by what the account has now.
    pub methods: Methods,
    /// True when a one-time code has settled it.
    pub settled_by_code: bool,
}

impl Store {
    /// The devices of an account that can be asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recipients(&self, account: i64) -> Result<Vec<Recipient>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT row_id, handle, request_key_id, sealing_key,
                              EXISTS (SELECT 1 FROM push_registration r WHERE r.enrolment = e.row_id AND r.sealed IS NOT NULL)
                       FROM enrolment e WHERE account = ?1 AND state = 'confirmed' ORDER BY row_id";
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
    pub async fn create_challenge(&self, mut new: NewChallenge, raising: impl Raise) -> Result<Created, StoreError> {
        let rules = self.rules;
        self.write(move |connection, now| {
            if let Some(key) = &new.idempotency_key
                && let Some(found) = same_request(connection, new.relying_party, key, &new.request_sha256)?
            {
                return Ok(found);
            }
            let raised = prompts::raise_overlapping(connection, &rules, now, &mut new, &raising)?;
            let prompt = prompts::allowed(connection, &rules, now, &new)?;
            let row_id = insert(connection, &new, prompt)?;
            for (recipient, compact) in &new.devices {
                let sql = "INSERT INTO challenge_device (challenge, enrolment, compact) VALUES (?1, ?2, ?3)";
                connection.prepare_cached(sql)?.execute((row_id, recipient.row_id, compact))?;
                if recipient.has_push && prompt == Prompt::Pushed {
                    pushes::queue(connection, row_id, recipient.row_id, now, new.expires_at)?;
                }
            }
            Ok(Created::New { raised })
        })
        .await
    }

    /// What a device was asked; none when this key's device was not, or the challenge does not exist.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn asked(&self, id: ChallengeId, key_id: String) -> Result<Option<Asked>, StoreError> {
        self.read(move |connection| {
            let sql =
                "SELECT e.row_id, d.compact, c.account, e.approval_key, e.request_key, e.request_key_id, d.earlier
                       FROM challenge c JOIN challenge_device d ON d.challenge = c.row_id
                       JOIN enrolment e ON e.row_id = d.enrolment
                       WHERE c.handle = ?1 AND e.state = 'confirmed'";
            let read = |row: &Row<'_>| {
                let keys = DecisionKeys { approval: read_public_key(row, 3)?, request: read_public_key(row, 4)? };
                let (device, compact, account, earlier) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(6)?);
                let asked = Asked { device, account, compact, earlier, keys };
                let own = row.get::<_, String>(5)? == key_id || keys.approval.thumbprint().as_str() == key_id;
                Ok(own.then_some(asked))
            };
            let mut statement = connection.prepare_cached(sql)?;
            let asked: Vec<Option<Asked>> = statement.query_map([id.to_string()], read)?.collect::<Result<_, _>>()?;
            Ok(asked.into_iter().flatten().next())
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
        let rules = self.rules;
        self.read(move |connection| read_challenge(connection, &rules, relying_party, id, now)).await
    }
}

fn insert(connection: &Connection, new: &NewChallenge, prompt: Prompt) -> Result<i64, StoreError> {
    let sql = "INSERT INTO challenge (handle, relying_party, account, state, created_at, expires_at, certificate, idempotency_key,
                                      request_sha256, digits, number, prompt, methods)
               VALUES (:handle, :relying_party, :account, 'pending', :created_at, :expires_at, :certificate, :key,
                       :request, :digits, :number, :prompt, :methods)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":handle": new.id.to_string(),
        ":relying_party": new.relying_party,
        ":account": new.account,
        ":created_at": new.created_at.millis(),
        ":expires_at": new.expires_at.millis(),
        ":certificate": i64::try_from(new.certificate).unwrap_or(i64::MAX),
        ":key": new.idempotency_key,
        ":request": new.request_sha256,
        ":digits": new.number.as_deref().map(prompts::digits),
        ":number": new.number,
        ":prompt": prompt.as_str(),
        ":methods": new.methods.as_str(),
    })?;
    Ok(connection.last_insert_rowid())
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

pub(super) fn read_challenge(
    connection: &Connection,
    rules: &Rules,
    relying_party: i64,
    id: ChallengeId,
    now: Timestamp,
) -> Result<Option<ChallengeRecord>, StoreError> {
    let sql = format!(
        "SELECT c.state, c.expires_at, c.settled_at, c.created_at, a.handle, c.row_id,
                k.certificate, e.statement, d.compact, c.decision, ek.certificate,
                c.digits, c.number, c.prompt, c.reported_at IS NOT NULL, c.wrong_number,
                c.methods, c.settled_method, c.account
               FROM challenge c JOIN account a ON a.row_id = c.account
               JOIN signing_key k ON k.sequence = c.certificate
               LEFT JOIN enrolment e ON e.row_id = c.settled_by
               LEFT JOIN signing_key ek ON ek.sequence = e.certificate
               LEFT JOIN challenge_device d ON d.challenge = c.row_id AND d.enrolment = c.settled_by
               WHERE c.handle = :id AND c.{}",
        rules.own
    );
    let read = |row: &Row<'_>| {
        let settled_at: Option<i64> = row.get(2)?;
        let expires_at = Timestamp::from_millis(row.get(1)?);
        let (enrolment, challenge, decision): (Option<String>, Option<String>, Option<String>) =
            (row.get(7)?, row.get(8)?, row.get(9)?);
        let receipt = match (enrolment, challenge, decision) {
            // A YES with a wrong number is a refusal: as a receipt it would read as an approval to who does not compare.
            (Some(enrolment), Some(challenge), Some(decision)) if !row.get::<_, bool>(15)? => Some(Receipt {
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
            state: read_state(&row.get::<_, String>(0)?, expires_at, settled_at.map(Timestamp::from_millis), now)?,
            digits: row.get(11)?,
            number: row.get(12)?,
            prompt: Prompt::read(&row.get::<_, String>(13)?)?,
            reported: row.get(14)?,
            created_at: Timestamp::from_millis(row.get(3)?),
            expires_at,
            pushes: Vec::new(),
            receipt,
            methods: Methods::read(&row.get::<_, String>(16)?),
            settled_by_code: row.get::<_, Option<String>>(17)?.as_deref() == Some("code"),
        };
        Ok((row.get::<_, i64>(5)?, row.get::<_, i64>(18)?, record))
    };
    let parameters = named_params! { ":id": id.to_string(), ":relying_party": relying_party };
    let found = connection.prepare_cached(&sql)?.query_row(parameters, read).optional()?;
    let Some((row_id, account, mut record)) = found else { return Ok(None) };
    // A push that is without its registration has been replaced by those to the new ones.
    let sql = "SELECT state, reason FROM push WHERE challenge = ?1 AND kind = 'challenge'
               AND (state <> 'dropped' OR registration IS NOT NULL)";
    let mut statement = connection.prepare_cached(sql)?;
    record.pushes = statement.query_map([row_id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    record.methods = record.methods.and(codes::methods_at_hand(connection, row_id, account)?);
    Ok(Some(record))
}
