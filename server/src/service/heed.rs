//! What the operator has done: `countersign admin` works on the same database from another process, and whoever waits
//! here is concerned by it all the same. The journal tells, since every such act is a line in it.

use super::wake::Wake;
use crate::store::{OperatorAct, Store, StoreError};

/// Wakes whom the operator's acts since the last call concern; the first call only remembers where the journal ends.
/// Whoever is woken looks again, and is told what is so now: a revoked key nothing more.
///
/// # Errors
/// [`StoreError`], when the database gives no answer; what was not heeded is heeded at the next call.
pub async fn heed(store: &Store, wake: &Wake) -> Result<(), StoreError> {
    let (acts, end) = store.operator_acts(wake.heeded()).await?;
    for OperatorAct { relying_party, account, challenge, enrolment } in acts {
        if let Some(relying_party) = relying_party {
            wake.relying_party_changed(relying_party);
        }
        if let Some(challenge) = challenge {
            wake.challenges.wake(challenge);
        }
        if let Some(enrolment) = enrolment {
            wake.enrolments.wake(enrolment);
        }
        if let Some(account) = account {
            wake.account_changed(account);
        }
    }
    wake.heed_from(end);
    Ok(())
}
