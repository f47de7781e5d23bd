//! What a restored database is made to know before it serves: the lines of the recovery journal that are newer than its
//! backup, and that everything which was under way is over.
//!
//! Each line is applied as far as what it speaks of is in the database; applying it twice changes nothing.

use super::line::Line;
use crate::domain::actor::Actor;
use crate::domain::code_steps;
use crate::domain::fact::Fact;
use crate::domain::rows::{AccountRow, AuthenticatorRow, DeviceRow, RelyingPartyRow};
use crate::store::claims::Of;
use crate::store::engine::Transaction;
use crate::store::engine::value::values;
use crate::store::{
    Rules, Store, StoreError, authenticators, backup_codes, claims, codes, enrolments, moves, organisations, people,
    prompts, proofs, used_steps, webhooks,
};
use countersign_protocol::revocation::EndReason;
use countersign_protocol::time::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;

/// What is replayed, and how far the database is carried beyond what it knows.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// The lines, oldest first.
    pub lines: Vec<Line>,
    /// The database's journal goes on with a number above this one: no number is given twice.
    pub above_row: i64,
    /// By how much the era of request proofs grows, beyond one: by chance, since nobody knows how far it had come.
    pub era_step: u64,
}

/// What was done to a restored database, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// Lines of the recovery journal that are newer than the backup.
    pub lines_replayed: usize,
    /// Devices that were ended since the backup, and are ended again.
    pub devices_ended: usize,
    /// Relying parties that were revoked since, and are again.
    pub relying_parties_revoked: usize,
    /// Relying parties whose API key was rotated since: the earlier one is ended again.
    pub api_keys_rotated: usize,
    /// People who were deleted since, and are again.
    pub people_deleted: usize,
    /// Code applications that were removed since, and sets of backup codes that were ended, and are again.
    pub applications_removed: usize,
    /// Backup codes that were used since, and are used up again.
    pub backup_codes_spent: usize,
    /// Accounts whose pushes were stopped by a report since, and are again.
    pub prompts_stopped: usize,
    /// Code authenticators that were locked since, and are again.
    pub codes_locked: usize,
    /// Approvals that were claimed since, and cannot be again.
    pub claims: usize,
    /// Webhooks that were removed or changed since, and are off until they are set anew.
    pub webhooks_off: usize,
    /// Devices that were confirmed since. They are lost, and enrol again.
    pub devices_lost: usize,
    /// Accounts, relying parties and sets of backup codes that were made since. They are lost.
    pub others_lost: usize,
    /// Moves to a new phone that went on and are cancelled: the old phones go on.
    pub moves_cancelled: usize,
    /// Questions that waited and are cancelled.
    pub challenges_cancelled: usize,
    /// Approvals that nobody had claimed and are revoked.
    pub approvals_revoked: usize,
    /// Enrolment links and unconfirmed devices that are over.
    pub enrolments_ended: usize,
    /// Code authenticators of which every code up to now is spent.
    pub codes_spent: usize,
    /// Pushes that waited and are not sent.
    pub pushes_dropped: usize,
    /// The highest sequence of a certificate that is known to have been made.
    pub highest_sequence: u64,
}

/// What applies lines.
struct Replay<'a> {
    tx: &'a dyn Transaction,
    rules: &'a Rules,
    now: Timestamp,
    by: &'a Actor,
    done: Recovered,
}

impl Store {
    /// Makes a database that was just restored fit to serve, all of it or nothing.
    ///
    /// # Errors
    /// [`StoreError`], when the database gives no answer.
    pub async fn recover(&self, recovery: Recovery) -> Result<Recovered, StoreError> {
        let rules = self.rules;
        self.write(move |tx, now| {
            let mut replay = Replay { tx, rules: &rules, now, by: &Actor::OPERATOR, done: Recovered::default() };
            // First of all, so that every further line has a number that no other ever had.
            replay.restored(recovery.above_row)?;
            for line in &recovery.lines {
                replay.apply(line)?;
            }
            replay.done.lines_replayed = recovery.lines.len();
            replay.end_what_was_under_way()?;
            replay.spend_codes()?;
            proofs::begin_era(tx, now, recovery.era_step)?;
            let sql = "SELECT max(sequence) AS highest FROM signing_key";
            let highest: Option<u64> = tx.one_row("signing_key", sql, values![])?.get("highest")?;
            replay.done.highest_sequence = replay.done.highest_sequence.max(highest.unwrap_or_default());
            Ok(replay.done)
        })
        .await
    }
}

impl Replay<'_> {
    fn restored(&self, above: i64) -> Result<(), StoreError> {
        let sql = "SELECT max(row_id) AS last FROM journal";
        let last: Option<i64> = self.tx.one_row("journal", sql, values![])?.get("last")?;
        let number = last.unwrap_or_default().max(above) + 1;
        let sql = "INSERT INTO journal (row_id, at, actor_kind, fact) VALUES ($1, $2, $3, $4)";
        self.tx.execute(sql, values![number, self.now, self.by.kind(), Fact::ServerRestored]).map(drop)
    }

    /// The row of this handle; none where the table has none.
    fn find<T: crate::store::FromValue>(
        &self,
        table: &'static str,
        handle: Option<&str>,
    ) -> Result<Option<T>, StoreError> {
        let sql = format!("SELECT row_id FROM {table} WHERE handle = $1");
        self.tx.row(table, &sql, values![handle])?.map(|row| row.get("row_id")).transpose()
    }

    fn apply(&mut self, line: &Line) -> Result<(), StoreError> {
        let Self { tx, rules, now, by, .. } = *self;
        match Fact::of_word(&line.fact) {
            Some(Fact::DeviceEnded) => {
                if let Some(device) = self.find::<DeviceRow>("enrolment", line.device.as_deref())? {
                    let reason = line.reason.as_deref().and_then(|word| word.parse().ok());
                    let ended = enrolments::void(tx, rules, now, by, device, reason.unwrap_or(EndReason::Revoked))?;
                    self.done.devices_ended += usize::from(ended);
                }
            }
            Some(Fact::AccountDeleted) => {
                if let Some(account) = self.find::<AccountRow>("account", line.account.as_deref())? {
                    let deleted = people::delete(tx, rules, now, by, account)?;
                    self.done.people_deleted += usize::from(deleted.is_some());
                }
            }
            Some(Fact::RelyingPartyRevoked) => {
                let revoked = organisations::revoke(tx, rules, now, by, line.relying_party.as_deref())?;
                self.done.relying_parties_revoked += usize::from(revoked);
            }
            Some(Fact::ApiKeyRotated) => {
                let key = line.api_key_sha256.as_deref().and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok());
                let rotated = organisations::replace_key(tx, now, by, line.relying_party.as_deref(), key.as_deref())?;
                self.done.api_keys_rotated += usize::from(rotated);
            }
            Some(Fact::PromptsStopped | Fact::PromptsResumed | Fact::CodesUnlocked) => self.of_account(line)?,
            Some(
                Fact::ApplicationRemoved
                | Fact::BackupCodesEnded
                | Fact::CodesLocked
                | Fact::CodeAccepted
                | Fact::ApplicationConfirmed
                | Fact::BackupCodeAccepted,
            ) => self.of_authenticator(line)?,
            Some(Fact::BackupCodesMade) => {
                self.lost::<AuthenticatorRow>("code_authenticator", line.authenticator.as_deref())?;
            }
            Some(Fact::ChallengeClaimed) => {
                let sql = "UPDATE challenge SET state = 'claimed', claimed_at = $2
                           WHERE handle = $1 AND state = 'approved'";
                let claimed =
                    tx.changes_one(sql, values![line.challenge.as_deref(), Timestamp::from_millis(line.at)])?;
                self.done.claims += usize::from(claimed);
            }
            Some(Fact::WebhookSet | Fact::WebhookRotated | Fact::WebhookRemoved | Fact::WebhookDisabled) => {
                if let Some(row_id) = self.find::<RelyingPartyRow>("relying_party", line.relying_party.as_deref())? {
                    self.done.webhooks_off += usize::from(webhooks::switch_off(tx, now, row_id)?);
                }
            }
            Some(Fact::SigningKeyMade) => {
                self.done.highest_sequence = self.done.highest_sequence.max(line.sequence.unwrap_or_default());
            }
            Some(Fact::DeviceConfirmed) => {
                let sql = "SELECT row_id FROM enrolment WHERE handle = $1 AND state IN ('confirmed', 'void')";
                let lost = tx.row("enrolment", sql, values![line.device.as_deref()])?.is_none();
                self.done.devices_lost += usize::from(lost);
            }
            Some(Fact::AccountCreated) => self.lost::<AccountRow>("account", line.account.as_deref())?,
            Some(Fact::RelyingPartyCreated) => {
                self.lost::<RelyingPartyRow>("relying_party", line.relying_party.as_deref())?;
            }
            _ => {}
        }
        Ok(())
    }

    fn lost<T: crate::store::FromValue>(
        &mut self,
        table: &'static str,
        handle: Option<&str>,
    ) -> Result<(), StoreError> {
        let found: Option<T> = self.find(table, handle)?;
        self.done.others_lost += usize::from(found.is_none());
        Ok(())
    }

    fn of_authenticator(&mut self, line: &Line) -> Result<(), StoreError> {
        let Self { tx, rules, now, by, .. } = *self;
        let found = self.find::<AuthenticatorRow>("code_authenticator", line.authenticator.as_deref())?;
        let Some(row_id) = found else { return Ok(()) };
        match Fact::of_word(&line.fact) {
            Some(Fact::ApplicationRemoved | Fact::BackupCodesEnded) => {
                let removed = authenticators::remove(tx, rules, now, by, row_id)?;
                self.done.applications_removed += usize::from(removed);
            }
            Some(Fact::CodesLocked) => {
                self.done.codes_locked += usize::from(codes::lock_again(tx, now, by, row_id)?);
            }
            Some(Fact::BackupCodeAccepted) => {
                // The number is the first word of the reason.
                let number = line.reason.as_deref().and_then(|reason| reason.split(':').next()?.parse().ok());
                let spent = number.map_or(Ok(false), |number| backup_codes::spend_again(tx, now, row_id, number))?;
                self.done.backup_codes_spent += usize::from(spent);
            }
            _ => line.step.map_or(Ok(()), |step| used_steps::spend_up_to(tx, row_id, step))?,
        }
        Ok(())
    }

    fn of_account(&mut self, line: &Line) -> Result<(), StoreError> {
        let Self { tx, now, by, .. } = *self;
        let sql = "SELECT row_id, prompts_stopped_at IS NOT NULL AS stopped FROM account WHERE handle = $1";
        let Some(account) = tx.row("account", sql, values![line.account.as_deref()])? else { return Ok(()) };
        let (row_id, stopped): (AccountRow, bool) = (account.get("row_id")?, account.get("stopped")?);
        match Fact::of_word(&line.fact) {
            Some(Fact::PromptsStopped) => {
                prompts::stop(tx, now, by, row_id)?;
                self.done.prompts_stopped += usize::from(!stopped);
            }
            Some(Fact::PromptsResumed) => drop(prompts::resume(tx, now, by, row_id)?),
            _ => drop(codes::unlock(tx, now, by, row_id)?),
        }
        Ok(())
    }

    /// Nobody knows what became of what was under way: it may have been answered, claimed or reported since.
    fn end_what_was_under_way(&mut self) -> Result<(), StoreError> {
        let Self { tx, rules, now, by, .. } = *self;
        self.done.moves_cancelled = moves::end_all(tx, rules, now, by)?;
        self.done.challenges_cancelled = claims::cancel(tx, rules, now, by, Of::All)?;
        let sql = "SELECT count(*) AS approvals FROM challenge WHERE 1 = 1 AND state = 'approved'";
        let approved: usize = tx.one_row("challenge", sql, values![])?.get::<u32>("approvals")? as usize;
        claims::revoke(tx, rules, now, by, Of::All)?;
        let left: usize = tx.one_row("challenge", sql, values![])?.get::<u32>("approvals")? as usize;
        self.done.approvals_revoked = approved.saturating_sub(left);
        // A link that was used since would be good for another device.
        let sql = "SELECT row_id FROM enrolment WHERE 1 = 1 AND state IN ('open', 'proposed')";
        for row in tx.rows("enrolment", sql, values![])? {
            let ended = enrolments::void(tx, rules, now, by, row.get("row_id")?, EndReason::Expired)?;
            self.done.enrolments_ended += usize::from(ended);
        }
        let sql = "UPDATE push SET state = 'dropped', reason = 'the server was restored', leased_by = NULL,
                          leased_until = NULL
                   WHERE 1 = 1 AND state = 'queued'";
        self.done.pushes_dropped = tx.execute(sql, values![])?;
        Ok(())
    }

    /// Codes up to the furthest that could be accepted now may have been spent since the backup.
    fn spend_codes(&mut self) -> Result<(), StoreError> {
        let sql = "SELECT row_id, period FROM code_authenticator WHERE 1 = 1 AND state <> 'void' AND kind = 'totp'";
        for row in self.tx.rows("code_authenticator", sql, values![])? {
            let current = code_steps::step_at(self.now, row.get("period")?);
            used_steps::spend_up_to(self.tx, row.get("row_id")?, code_steps::furthest(current))?;
            self.done.codes_spent += 1;
        }
        Ok(())
    }
}
