//! A line of the recovery journal: a line of the database's journal, with what a restore needs beside it. Handles only:
//! no names, and nothing that lets anybody in.

use crate::domain::fact::Fact;
use crate::store::StoreError;
use crate::store::engine::Transaction;
use crate::store::engine::row::Row;
use crate::store::engine::value::values;
use countersign_protocol::revocation::EndReason;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Line {
    /// The number of the line in the database's journal.
    pub row: i64,
    /// The number of the line before it here: one that is missing is noticed.
    pub prev: i64,
    /// When it was written, in milliseconds.
    pub at: i64,
    /// What has become true.
    pub fact: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The relying party that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relying_party: Option<String>,
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// What makes codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticator: Option<String>,
    /// The last step of it that was spent (RFC 6238).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// The highest sequence of a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The SHA-256 of the relying party's API key, in base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_sha256: Option<String>,
}

/// What a restore has to do with a fact.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeping {
    /// It must be on the disk before anybody is told.
    AtOnce,
    /// It only saves work after a restore, which ends every open challenge and every code up to its moment by itself.
    InTime,
    /// A restore does without it.
    Not,
}

/// Every fact is named here, so that a new one is not forgotten by a restore because nobody thought of it.
const fn keeping(fact: Fact) -> Keeping {
    match fact {
        Fact::ApiKeyRotated
        | Fact::RelyingPartyCreated
        | Fact::RelyingPartyRevoked
        | Fact::AccountDeleted
        | Fact::DeviceEnded
        | Fact::ChallengeReported
        | Fact::PromptsStopped
        | Fact::PromptsResumed
        | Fact::CodesLocked
        | Fact::CodesUnlocked
        | Fact::ApplicationRemoved
        | Fact::BackupCodeAccepted
        | Fact::BackupCodesEnded
        | Fact::WebhookSet
        | Fact::WebhookRotated
        | Fact::WebhookRemoved
        | Fact::WebhookDisabled
        | Fact::SigningKeyMade
        | Fact::ServerRestored => Keeping::AtOnce,
        Fact::AccountCreated
        | Fact::DeviceConfirmed
        | Fact::ChallengeClaimed
        | Fact::CodeAccepted
        | Fact::BackupCodesMade
        | Fact::ApplicationConfirmed => Keeping::InTime,
        Fact::OrganisationCreated
        | Fact::OrganisationRenamed
        | Fact::RelyingPartyRenamed
        | Fact::AccountRenamed
        | Fact::AccountExported
        | Fact::EnrolmentOpened
        | Fact::DeviceProposed
        | Fact::DeviceAttested
        | Fact::DeviceNotAttested
        | Fact::ConfirmationRefused
        | Fact::PushRegistered
        | Fact::PushGone
        | Fact::PushMoved
        | Fact::ChallengeCreated
        | Fact::ChallengeNumbered
        | Fact::ChallengeApproved
        | Fact::ChallengeDenied
        | Fact::ChallengeCancelled
        | Fact::ChallengeRevoked
        | Fact::PromptLimitLifted
        | Fact::CodeRefused
        | Fact::CodesAhead
        | Fact::ApplicationProposed
        | Fact::MoveCreated
        | Fact::MoveCodeGiven
        | Fact::MoveCodeRefused
        | Fact::MoveProven
        | Fact::MoveOffered
        | Fact::MoveRehearsing
        | Fact::MoveSwitched
        | Fact::MoveEnded
        | Fact::WebhookReplayed
        | Fact::VapidKeyMade => Keeping::Not,
    }
}

/// Whether a restore needs to know of it.
pub(super) fn is_kept(fact: &str, reason: Option<&str>) -> bool {
    match Fact::of_word(fact) {
        // A link that nobody used ends by its time, in a restored database too.
        Some(Fact::DeviceEnded) => reason != Some(EndReason::Expired.as_str()),
        fact => fact.is_some_and(|fact| keeping(fact) != Keeping::Not),
    }
}

impl Line {
    /// Whether it must be on the disk before anybody is told.
    pub(super) fn is_precious(&self) -> bool {
        Fact::of_word(&self.fact).is_none_or(|fact| keeping(fact) == Keeping::AtOnce)
    }
}

/// Lines, and how far the database's journal was looked at for them.
pub(super) struct Lines {
    pub lines: Vec<Line>,
    pub seen: i64,
}

/// The lines after the number `seen`, of at most so many of the database's journal. `prev` is the last one that
/// is kept.
pub(super) fn after(tx: &dyn Transaction, seen: i64, mut prev: i64, most: usize) -> Result<Lines, StoreError> {
    let sql = "SELECT row_id, at, fact, reason, relying_party, account, device, challenge, authenticator FROM journal
               WHERE row_id > $1 ORDER BY row_id LIMIT $2";
    let mut found = Lines { lines: Vec::new(), seen };
    for row in tx.rows("journal", sql, values![seen, most])? {
        found.seen = row.get("row_id")?;
        let (fact, reason): (String, Option<String>) = (row.get("fact")?, row.get("reason")?);
        if is_kept(&fact, reason.as_deref()) {
            let line = read(tx, &row, prev, fact, reason)?;
            prev = line.row;
            found.lines.push(line);
        }
    }
    Ok(found)
}

/// What stands beside the line in the database is read as it is by now: never less than it was then.
fn read(tx: &dyn Transaction, row: &Row, prev: i64, fact: String, reason: Option<String>) -> Result<Line, StoreError> {
    let mut line = Line {
        row: row.get("row_id")?,
        prev,
        at: row.get("at")?,
        reason,
        relying_party: row.get("relying_party")?,
        account: row.get("account")?,
        device: row.get("device")?,
        challenge: row.get("challenge")?,
        authenticator: row.get("authenticator")?,
        ..Line::default()
    };
    match Fact::of_word(&fact) {
        Some(Fact::CodeAccepted | Fact::ApplicationConfirmed) => {
            let sql = "SELECT row_id, last_step FROM code_authenticator WHERE handle = $1";
            let found = tx.row("code_authenticator", sql, values![line.authenticator.as_deref()])?;
            line.step = found.map(|found| found.get("last_step")).transpose()?.flatten();
        }
        Some(Fact::SigningKeyMade) => {
            let sql = "SELECT max(sequence) AS highest FROM signing_key";
            line.sequence = tx.one_row("signing_key", sql, values![])?.get("highest")?;
        }
        Some(Fact::ApiKeyRotated) => {
            let sql = "SELECT k.sha256 FROM api_key k JOIN relying_party p ON p.row_id = k.relying_party
                       WHERE p.handle = $1 AND k.revoked_at IS NULL";
            let found = tx.row("api_key", sql, values![line.relying_party.as_deref()])?;
            let digest: Option<Vec<u8>> = found.map(|found| found.get("sha256")).transpose()?;
            line.api_key_sha256 = digest.map(|digest| BASE64URL_NOPAD.encode(&digest));
        }
        _ => {}
    }
    line.fact = fact;
    Ok(line)
}
