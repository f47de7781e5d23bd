//! Whether to believe a network that calls a device's token useless, when a mistake of this server's own would make it
//! say so of every token: a service account of another project, a wrong topic, two environments that changed places.
//!
//! A registration that is dropped is not pushed to until its phone comes by itself. So a few of a network are believed,
//! and when more come in a row and nothing is taken between them, the rest are kept, and the log says what to look at.

use countersign_protocol::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many in a row are believed of one network.
const MOST_IN_A_ROW: usize = 3;
/// After this time a doubtful word counts no more.
const MEMORY: Duration = Duration::from_secs(3600);
/// The doubtful words of each network since it last took a message. There are three such networks: what a Web Push
/// service says of an endpoint leaves no doubt.
#[derive(Default)]
pub struct Doubt(Mutex<HashMap<String, Vec<Timestamp>>>);

impl Doubt {
    /// The network took a message, so this server is configured for it rightly.
    pub fn taken(&self, network: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(network);
    }

    /// Whether the registration is to be dropped, now that its network calls it useless.
    pub fn believes(&self, network: &str, now: Timestamp) -> bool {
        let mut networks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = networks.entry(network.to_owned()).or_default();
        said.retain(|at| *at <= now && now < *at + MEMORY);
        let believed = said.len() < MOST_IN_A_ROW;
        if believed {
            said.push(now);
        }
        believed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn a_few_useless_tokens_are_believed_and_a_mistake_of_our_own_drops_no_more_than_those() {
        let doubt = Doubt::default();
        let believed = |network: &str, now| (0..100).filter(|_| doubt.believes(network, now)).count();
        assert_eq!(believed("fcm", NOW), MOST_IN_A_ROW);
        assert_eq!(believed("apns", NOW), MOST_IN_A_ROW, "each network by itself");
        doubt.taken("fcm");
        assert_eq!(believed("fcm", NOW), MOST_IN_A_ROW, "a message that was taken shows that all is well");
        assert_eq!(believed("fcm", NOW + MEMORY - Duration::from_millis(1)), 0);
        assert_eq!(believed("fcm", NOW + MEMORY), MOST_IN_A_ROW);
        assert_eq!(believed("fcm", NOW - MEMORY), MOST_IN_A_ROW, "a clock that was set back leaves none for ever");
    }
}
