//! What nobody knows: an API key, a link, a key of a device, a signature. Told as such a few hundred times; past that
//! the address hears only that it was too often, and after a pause, so that a program that tries on and on slows
//! itself.
//!
//! What is valid is never slowed, whatever else comes from its address: behind one proxy all have the same one.

use super::Service;
use super::rates::holder;
use crate::domain::refused::Refused;
use countersign_protocol::Refusal;
use std::net::IpAddr;
use std::time::Duration;

/// How long an answer is held back.
const PAUSE: Duration = Duration::from_secs(1);
/// The most answers that are held back at one time. Each is a connection that its caller pays for too.
pub const MOST_HELD: usize = 1_000;

/// Does it, and counts a failure.
///
/// # Errors
/// Those of `work`; `too_many_failures` in the place of a failure past the limit of the address.
pub async fn counted<T>(
    service: &Service,
    address: Option<IpAddr>,
    work: impl Future<Output = Result<T, Refused>>,
) -> Result<T, Refused> {
    let refused = match work.await {
        Err(refused) if is_failure(&refused) => refused,
        other => return other,
    };
    let Some(address) = address else { return Err(refused) };
    let Err(pause) = service.rates.failures.take(&*service.clock, holder(address)) else { return Err(refused) };
    hold_back(service).await;
    Err(Refused::TooManyFailures(pause))
}

/// Holds an answer back that says that something came too often, so that a program which asks again at once slows
/// itself.
pub(super) async fn hold_back(service: &Service) {
    if let Ok(_held) = service.held.try_acquire() {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = service.stopping.cancelled() => {}
        }
    }
}

/// Whether it is what somebody meets who guesses. What an honest phone meets whose clock is wrong, or whose nonce is
/// old, is none.
const fn is_failure(refused: &Refused) -> bool {
    matches!(
        refused,
        Refused::Unauthorised | Refused::InvalidTicket | Refused::Message(Refusal::UnknownKey | Refusal::BadSignature)
    )
}
