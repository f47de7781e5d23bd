//! Backup codes: ten are made and shown once; each lets its person in once, when the phone is not there.

use super::Service;
use super::authenticate::RelyingParty;
use crate::domain::backup_code::{BackupCode, CODES};
use crate::domain::refused::Refused;
use crate::domain::rows::AuthenticatorRow;
use crate::keys::backup_code_hash::BackupCodeHash;
use crate::store::{Counted, MadeBackupCodes, NewBackupCodes};
use countersign_protocol::handle::{AccountId, AuthenticatorId};
use countersign_protocol::time::Timestamp;
use std::sync::Arc;

/// A fresh set. Its codes are shown this once.
pub struct Made {
    /// Names it.
    pub id: AuthenticatorId,
    /// The codes, in the order of their numbers.
    pub codes: Vec<BackupCode>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Makes ten codes for a person, which end those before.
///
/// # Errors
/// `not_found`; `no_device` for somebody without a phone or an application in use, since paper alone is no second
/// factor; `unavailable` when the database gives no answer; `internal`.
pub async fn make(service: &Service, by: &RelyingParty, user: AccountId) -> Result<Made, Refused> {
    let account = service.store.account(by.organisation(), user).await?.ok_or(Refused::NotFound("user"))?;
    let id = AuthenticatorId::random(&*service.randomness);
    let codes: Vec<_> = (0..CODES).map(|number| BackupCode::random(number, &*service.randomness)).collect();
    let (to_hash, cost, randomness) = (codes.clone(), service.settings.hash_cost, Arc::clone(&service.randomness));
    let hashes = hashing(service, move || {
        to_hash.iter().map(|code| BackupCodeHash::new(code, cost, &*randomness)).collect::<Result<Vec<_>, _>>()
    })
    .await?;
    let seal = |(hash, code): (BackupCodeHash, &BackupCode)| {
        hash.seal(&service.keys.at_rest, id, code.number(), &*service.randomness)
    };
    let created_at = service.now();
    let new = NewBackupCodes { id, created_at, hashes: hashes.into_iter().zip(&codes).map(seal).collect() };
    match service.store.make_backup_codes(by.actor(), account.row_id, new).await? {
        MadeBackupCodes::Yes => {}
        MadeBackupCodes::NoOtherFactor => return Err(Refused::NoDevice),
        MadeBackupCodes::NoAccount => return Err(Refused::NotFound("user")),
    }
    // Ending a set may have taken approvals back.
    service.wake.account_changed(account.row_id);
    Ok(Made { id, codes, created_at })
}

/// What a typed backup code turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    /// Right, and good.
    Right(AuthenticatorRow),
    /// Right, and used up.
    UsedBefore,
    /// Wrong.
    Wrong,
}

/// Compares a typed code with the one of its number, at the set where the attempt was counted.
pub(super) async fn compare(service: &Service, counted: &[Counted], code: BackupCode) -> Result<Compared, Refused> {
    let number = code.number();
    let Some(set) = counted.first() else { return Ok(Compared::Wrong) };
    // A set that was ended meanwhile has no codes.
    let Some(kept) = service.store.backup_code(set.row_id, number).await? else { return Ok(Compared::Wrong) };
    let unreadable = |error: String| {
        tracing::error!(authenticator = %set.codes.id, %error, "a backup code cannot be compared");
        Refused::Internal
    };
    let hash = BackupCodeHash::open(&service.keys.at_rest, set.codes.id, number, &kept.hash).map_err(unreadable)?;
    Ok(match (hashing(service, move || hash.is_of(&code)).await?, kept.used) {
        (true, false) => Compared::Right(set.row_id),
        (true, true) => Compared::UsedBefore,
        (false, _) => Compared::Wrong,
    })
}

/// Does work of some hundredths of a second and some megabytes beside the threads that serve, and no more of it at one
/// time than there are processors.
async fn hashing<T: Send + 'static>(
    service: &Service,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, Refused> {
    let broken = |error: String| {
        tracing::error!(%error, "a backup code cannot be hashed");
        Refused::Internal
    };
    let _place = service.hashing.acquire().await.map_err(|error| broken(error.to_string()))?;
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| broken(error.to_string()))?;
    done.map_err(broken)
}
