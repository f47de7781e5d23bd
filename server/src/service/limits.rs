//! `[limits]`: how much one person, one relying party or one address may take of the server. An ordinary day of ten
//! thousand people meets none of them.

use serde::{Deserialize, Serialize};

/// The fewest connections that a server can be given: below, its reserve would be none.
const CONNECTIONS_LEAST: usize = 10;
/// The most: no system gives a process more files.
const CONNECTIONS_MOST: usize = 10_000_000;
/// The most of everything else.
const MOST: usize = 1_000_000;

/// How often something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How often a second in the long run; not 0.
    pub per_second: u32,
    /// How often at once; not 0.
    pub burst: u32,
}

/// Bounds of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most connections at one time. One that waits for an answer costs 11 to 16 KB.
    pub connections: usize,
    /// The most connections at one time of one address (in IPv6, of one customer's 64 bits) that did not prove who they
    /// are. Loopback and trusted proxies have no such limit.
    pub connections_per_address: usize,
    /// The most questions that wait for one person at one time.
    pub questions_per_person: u32,
    /// The most of them by one relying party, so that it leaves room for the others.
    pub questions_per_person_and_relying_party: u32,
    /// How many questions a second one relying party may ask that nobody says YES to; a YES gives its place back.
    pub creations_per_second: u32,
    /// How many such questions it may ask at once.
    pub creations_burst: u32,
    /// The most requests of one relying party that wait at one time.
    pub waits_per_relying_party: usize,
    /// The most enrolment links of one person that are open at one time.
    pub enrolments_per_person: u32,
    /// How many links a second one relying party may open that no device comes with; one that is confirmed gives its
    /// place back.
    pub enrolments_per_second: u32,
    /// How many such links it may open at once.
    pub enrolments_burst: u32,
    /// How many unknown API keys, keys and links, and wrong signatures a second are told as such to one address.
    pub failures_per_second: u32,
    /// How many of them at once.
    pub failures_burst: u32,
    /// How many requests of one relying party are worked on at one time; the others wait for their turn.
    pub turns_per_relying_party: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connections_per_address: 256,
            questions_per_person: 100,
            questions_per_person_and_relying_party: 50,
            creations_per_second: 50,
            creations_burst: 1_000,
            waits_per_relying_party: 10_000,
            enrolments_per_person: 50,
            enrolments_per_second: 20,
            enrolments_burst: 1_000,
            failures_per_second: 10,
            failures_burst: 300,
            turns_per_relying_party: 8,
        }
    }
}

impl Limits {
    /// The rate of unanswered questions of a relying party.
    pub(super) const fn creations(&self) -> Rate {
        Rate { per_second: self.creations_per_second, burst: self.creations_burst }
    }

    /// The rate of unused links of a relying party.
    pub(super) const fn enrolments(&self) -> Rate {
        Rate { per_second: self.enrolments_per_second, burst: self.enrolments_burst }
    }

    /// The rate of failures of an address.
    pub(super) const fn failures(&self) -> Rate {
        Rate { per_second: self.failures_per_second, burst: self.failures_burst }
    }

    /// The first value that cannot be meant: its key, and what is expected. 0 would let nothing through.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        let number = |value: u32| value as usize;
        let connections = [
            ("limits.connections", self.connections, CONNECTIONS_LEAST..=CONNECTIONS_MOST),
            ("limits.connections_per_address", self.connections_per_address, 1..=CONNECTIONS_MOST),
        ];
        let others = [
            ("limits.questions_per_person", number(self.questions_per_person)),
            ("limits.questions_per_person_and_relying_party", number(self.questions_per_person_and_relying_party)),
            ("limits.creations_per_second", number(self.creations_per_second)),
            ("limits.creations_burst", number(self.creations_burst)),
            ("limits.waits_per_relying_party", self.waits_per_relying_party),
            ("limits.enrolments_per_person", number(self.enrolments_per_person)),
            ("limits.enrolments_per_second", number(self.enrolments_per_second)),
            ("limits.enrolments_burst", number(self.enrolments_burst)),
            ("limits.failures_per_second", number(self.failures_per_second)),
            ("limits.failures_burst", number(self.failures_burst)),
            ("limits.turns_per_relying_party", self.turns_per_relying_party),
        ];
        let others = others.map(|(key, value)| (key, value, 1..=MOST));
        match connections.into_iter().chain(others).find(|(_, value, bounds)| !bounds.contains(value)) {
            None => Ok(()),
            Some((key, _, bounds)) => Err((key, format!("a whole number from {} to {}", bounds.start(), bounds.end()))),
        }
    }
}
