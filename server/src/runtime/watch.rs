//! What the server watches of itself while it runs: its database, its clock, and the certificate of its signing key.

use crate::domain::moment::rfc3339;
use crate::keys::KeysError;
use crate::keys::certificate::Standing;
use crate::keys::server_keys::{self, Renewal};
use crate::service::Service;
use crate::service::heed::heed;
use countersign_protocol::time::Timestamp;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often the watch looks what `countersign admin` did: whoever waits hears of a revocation that soon.
const TICK: Duration = Duration::from_millis(500);
/// At how many of these looks the clock is looked at too.
const CLOCK_TICKS: u32 = 10;
/// How often the certificate is looked at, by the server's clock. A jump of that clock is a reason to look at once.
const CERTIFICATE_PERIOD: Duration = Duration::from_secs(3600);
/// How often the same word about the certificate comes in the log.
const REMINDER: Duration = Duration::from_secs(24 * 3600);
/// By how much the clock may differ from the counter of the machine between two looks: it is steered a little all the
/// time.
const STEERED: Duration = Duration::from_secs(3);

/// Watches the clock and the certificate of a server.
pub struct Watch {
    service: Arc<Service>,
    data_dir: PathBuf,
    /// What was read at the last look, at first by whoever served before: the clock, and the counter that nobody sets.
    seen: Option<(Timestamp, Option<Duration>)>,
    certificate_seen: Option<Timestamp>,
    said: Option<(Standing, Timestamp)>,
}

/// How far a clock went by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jump {
    /// Ahead, by so much.
    Forward(Duration),
    /// Back, by so much.
    Back(Duration),
}

impl Jump {
    /// How the clock jumped between two looks, if it did. Without a counter that nobody sets, only what goes back is
    /// seen.
    fn between(before: (Timestamp, Option<Duration>), after: (Timestamp, Option<Duration>)) -> Option<Self> {
        let passed = match (before.1, after.1) {
            // A counter that went back counts another machine's time: this one was restored on it.
            (Some(before), Some(after)) => after.checked_sub(before),
            _ => None,
        };
        let expected = before.0 + passed.unwrap_or_default();
        let (back, forward) = (after.0.until(expected), expected.until(after.0));
        if back > STEERED {
            Some(Self::Back(back))
        } else if passed.is_some() && forward > STEERED {
            Some(Self::Forward(forward))
        } else {
            None
        }
    }
}

impl Watch {
    /// A watch over a server whose root key, if it is at hand, is in `data_dir`.
    pub const fn new(service: Arc<Service>, data_dir: PathBuf) -> Self {
        Self { service, data_dir, seen: None, certificate_seen: None, said: None }
    }

    /// Watches until the server stops.
    pub async fn run(mut self) {
        for tick in 0_u32.. {
            if tick.is_multiple_of(CLOCK_TICKS) {
                self.look().await;
            }
            if let Err(error) = heed(&self.service.store, &self.service.wake).await
                && !error.was_told()
            {
                tracing::error!(%error, "whoever waits does not hear what the operator did");
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = self.service.stopping.cancelled() => break,
            }
        }
    }

    /// Looks once; gives the jump that was noticed. For a caller that moves the time itself, in the place of
    /// [`Watch::run`].
    pub async fn look(&mut self) -> Option<Jump> {
        self.service.store.look_after().await;
        let clock = &self.service.clock;
        let read = (clock.now(), clock.since_boot());
        if self.seen.is_none() {
            // The clock may have gone back while no server ran.
            let latest = self.service.store.latest_moment().await.unwrap_or_default();
            self.seen = latest.map(|latest| (latest, None));
        }
        let jump = self.seen.replace(read).and_then(|before| Jump::between(before, read));
        if let Some(jump) = jump {
            self.heal(jump, read.0).await;
        }
        let due = self.certificate_seen.is_none_or(|seen| read.0 >= seen + CERTIFICATE_PERIOD);
        if due || jump.is_some() {
            self.certificate_seen = Some(read.0);
            self.certificate(read.0).await;
            // Where nobody reads the figures, the lines that are to be counted do not become too many.
            if let Err(error) = self.service.told().await {
                tracing::error!(%error, "the figures cannot be read");
            }
        }
        jump
    }

    /// Says that the clock has jumped, and what follows; what was put off by the clock that was is due now.
    async fn heal(&self, jump: Jump, now: Timestamp) {
        match jump {
            Jump::Forward(by) => tracing::warn!(
                seconds = by.as_secs(),
                now = rfc3339(now),
                "the clock of this machine jumped forward. Challenges, links and approvals that waited may be over \
                 now, and stay so. If it was right before, set it right: what begins after that works at once"
            ),
            Jump::Back(by) => {
                tracing::warn!(
                    seconds = by.as_secs(),
                    now = rfc3339(now),
                    "the clock of this machine went back. Challenges and approvals of the time that is now ahead \
                     count as over, and phones make their request proofs anew; what waited to be sent again is sent now"
                );
                let Service { store, keys, .. } = &*self.service;
                if let Err(error) = store.send_what_waits().await {
                    tracing::error!(%error, "what waits to be sent again waits for the clock that was");
                }
                match store.proof_era(now).await {
                    Ok(era) => keys.nonces.begin(era),
                    Err(error) => tracing::error!(%error, "the nonces of the clock that was are still handed out"),
                }
            }
        }
        self.service.wake.pushes.notify_one();
        self.service.wake.events.notify_one();
    }

    /// Renews the certificate where that is due and can be done; says what is to be done where it cannot, once a day
    /// and when it becomes worse.
    async fn certificate(&mut self, now: Timestamp) {
        let Service { keys, store, randomness, .. } = &*self.service;
        match server_keys::renew(keys, store, &self.data_dir, now, &**randomness).await {
            Ok(Renewal::NotDue) => self.said = None,
            Ok(Renewal::Renewed(sequence)) => {
                self.said = None;
                tracing::info!(
                    sequence,
                    "the signing key was renewed by itself; phones learn of it at their next pull"
                );
            }
            Ok(Renewal::Needed(standing, term, without_root)) => {
                if is_news(self.said, standing, now) {
                    self.said = Some((standing, now));
                    say(standing, &term.warning(now).unwrap_or_default(), &without_root.to_string());
                }
            }
            Err(KeysError::Store(error)) if error.was_told() => {}
            Err(error) => tracing::error!(%error, "the certificate of the signing key cannot be looked at"),
        }
    }
}

/// True when a standing is worth a line: it is another than was said last, or that was a day ago. A moment that lies
/// ahead is of a clock that went back, and says nothing about how long ago it was.
fn is_news(said: Option<(Standing, Timestamp)>, standing: Standing, now: Timestamp) -> bool {
    said.is_none_or(|(said, at)| said != standing || now >= at + REMINDER || now < at)
}

/// Says in the log how the certificate stands, the louder the worse.
fn say(standing: Standing, warning: &str, root: &str) {
    match standing {
        Standing::Serves => {}
        Standing::EndsSoon => tracing::warn!(root, "{warning}"),
        Standing::EndsNext | Standing::NotBegun | Standing::Over => tracing::error!(root, "{warning}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_is_spoken_of_once_a_day_and_when_it_changes() {
        let start = Timestamp::from_seconds(1_800_000_000);
        let (mut said, mut lines) = (None, Vec::new());
        for hour in 0..72_u32 {
            let now = start + Duration::from_secs(3600) * hour;
            let standing = if hour < 30 { Standing::EndsSoon } else { Standing::EndsNext };
            if is_news(said, standing, now) {
                said = Some((standing, now));
                lines.push(hour);
            }
        }
        assert_eq!(lines, [0, 24, 30, 54]);
    }

    #[test]
    fn a_jump_is_what_the_counter_does_not_explain() {
        const HOUR: Duration = Duration::from_secs(3600);
        const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
        let up = |seconds| Some(Duration::from_secs(seconds));
        for (what, before, after, jump) in [
            ("time passes", (START, up(100)), (START + HOUR, up(3700)), None),
            ("it is steered", (START, up(100)), (START + Duration::from_secs(7), up(105)), None),
            ("it is set ahead", (START, up(100)), (START + HOUR * 2, up(100)), Some(Jump::Forward(HOUR * 2))),
            ("it is set back", (START, up(100)), (START - HOUR * 2, up(100)), Some(Jump::Back(HOUR * 2))),
            (
                "it is set back by less than has passed",
                (START, up(100)),
                (START + HOUR, up(100 + 7200)),
                Some(Jump::Back(HOUR)),
            ),
            ("no counter, ahead", (START, None), (START + HOUR, None), None),
            ("no counter, back", (START, None), (START - HOUR, None), Some(Jump::Back(HOUR))),
            ("another machine's counter", (START, up(100)), (START + HOUR, up(5)), None),
            ("another machine's counter, back", (START, up(100)), (START - HOUR, up(5)), Some(Jump::Back(HOUR))),
        ] {
            assert_eq!(Jump::between(before, after), jump, "{what}");
        }
    }
}
