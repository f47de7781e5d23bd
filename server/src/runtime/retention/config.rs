//! `[retention]`: an age for each kind of row, as a number with a unit, such as `"90d"`.

use crate::store::{Ages, KEY_LEAST, OVER_LEAST, PROOF_REMEMBERED};
use serde::{Deserialize, Serialize, Serializer};
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The most days of an event: PROTOCOL.md has receivers keep an event's id for two days more.
const EVENTS_MOST: Duration = Duration::from_secs(30 * DAY);
/// The least age of a device that has ended.
const ENDED_LEAST: Duration = Duration::from_secs(30 * DAY);

/// `[retention]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "toml::Table")]
pub struct RetentionConfig(pub Ages);

/// A length of time as people write it: whole minutes, hours or days.
pub fn length(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        'm' => MINUTE,
        'h' => HOUR,
        'd' => DAY,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    // What `parse` takes beyond digits, such as a sign, is no length of time.
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| number.parse::<u64>().ok()?.checked_mul(unit)).flatten().map(Duration::from_secs)
}

/// A length of time in the greatest unit that is whole.
pub fn text(age: Duration) -> String {
    let seconds = age.as_secs();
    match (seconds % DAY, seconds % HOUR) {
        (0, _) => format!("{}d", seconds / DAY),
        (_, 0) => format!("{}h", seconds / HOUR),
        _ => format!("{}m", seconds / MINUTE),
    }
}

/// The ages that a section names.
struct Section(toml::Table);

impl Section {
    /// The age under this key, if there is one.
    fn take(&mut self, key: &str) -> Result<Option<Duration>, String> {
        let Some(found) = self.0.remove(key) else { return Ok(None) };
        let age = found.as_str().and_then(length);
        age.map(Some).ok_or_else(|| {
            format!("retention.{key} is {found}; expected a number and a unit, m, h or d: such as \"45m\" or \"90d\"")
        })
    }

    /// The age under this key, or the default one; within these bounds. What is not named keeps within them by itself.
    fn within(&mut self, key: &str, default: Duration, least: Bound<'_>, most: Bound<'_>) -> Result<Duration, String> {
        let Some(age) = self.take(key)? else {
            return Ok(default.max(least.age).min(most.age));
        };
        let refused = |word, bound: Bound<'_>| {
            Err(format!(
                "retention.{key} is \"{}\"; expected at {word} \"{}\": {}",
                text(age),
                text(bound.age),
                bound.why
            ))
        };
        match age {
            _ if age < least.age => refused("least", least),
            _ if age > most.age => refused("most", most),
            _ => Ok(age),
        }
    }
}

/// A bound of an age, and what would be wrong beyond it.
#[derive(Clone, Copy)]
struct Bound<'a> {
    age: Duration,
    why: &'a str,
}

const fn bound(age: Duration, why: &str) -> Bound<'_> {
    Bound { age, why }
}

/// No upper bound.
const ENDLESS: Bound<'static> = bound(Duration::MAX, "");

impl Serialize for RetentionConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Ages { challenges, idempotency_keys, pushes, proofs, events, journal, addresses, links, ended } = self.0;
        serializer.collect_map([
            ("challenges", text(challenges)),
            ("idempotency_keys", text(idempotency_keys)),
            ("pushes", text(pushes)),
            ("proofs", text(proofs)),
            ("events", text(events)),
            ("journal", text(journal)),
            ("addresses", text(addresses)),
            ("links", text(links)),
            ("ended", text(ended)),
        ])
    }
}

impl TryFrom<toml::Table> for RetentionConfig {
    type Error = String;

    fn try_from(table: toml::Table) -> Result<Self, String> {
        let (mut section, default) = (Section(table), Ages::default());
        let over = bound(OVER_LEAST, "what is younger may still be claimed, counted, or told again");
        let challenges = section.within("challenges", default.challenges, over, ENDLESS)?;
        let journal = section.within("journal", default.journal, over, ENDLESS)?;
        let with_line = bound(journal, "an address goes with its line at the latest (retention.journal)");
        let with_challenge = bound(challenges, "it goes with its challenge at the latest (retention.challenges)");
        let key = bound(KEY_LEAST, "a relying party that had no answer asks again with the same key, within a day");
        let proof = bound(PROOF_REMEMBERED, "a proof that is forgotten while its nonce is fresh could be used again");
        let told = [
            bound(challenges, "an event is about a challenge, which goes after it (retention.challenges)"),
            bound(journal, "an event tells a line of the journal, which goes after it (retention.journal)"),
            bound(EVENTS_MOST, "receivers keep an event's id for 32 days, and would take a later one as new"),
        ];
        let told = told.into_iter().min_by_key(|bound| bound.age).unwrap_or(ENDLESS);
        let phone = bound(ENDED_LEAST, "a phone that rests meanwhile would never hear that its account is over");
        let receipt = bound(challenges, "the receipts of its challenges need it (retention.challenges)");
        let ages = Ages {
            challenges,
            journal,
            addresses: section.within("addresses", default.addresses, over, with_line)?,
            idempotency_keys: section.within("idempotency_keys", default.idempotency_keys, key, with_challenge)?,
            pushes: section.within("pushes", default.pushes, over, with_challenge)?,
            proofs: section.within("proofs", default.proofs, proof, ENDLESS)?,
            events: section.within("events", default.events, over, told)?,
            links: section.within("links", default.links, over, ENDLESS)?,
            ended: section.within(
                "ended",
                default.ended,
                if challenges > ENDED_LEAST { receipt } else { phone },
                ENDLESS,
            )?,
        };
        match section.0.keys().next() {
            None => Ok(Self(ages)),
            Some(unknown) => Err(format!(
                "retention.{unknown} is no age; expected one of challenges, idempotency_keys, pushes, proofs, events, \
                 journal, addresses, links, ended"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(section: &str) -> Result<Ages, String> {
        RetentionConfig::try_from(section.parse::<toml::Table>().unwrap()).map(|config| config.0)
    }

    #[test]
    fn an_age_is_a_number_with_a_unit() {
        for (written, seconds) in [("45m", 2700), ("12h", 43_200), ("90d", 7_776_000), ("0d", 0)] {
            assert_eq!(length(written), Some(Duration::from_secs(seconds)), "{written}");
        }
        for wrong in ["", "d", "90", "90 d", "-1d", "+1d", "1.5d", "90D", "90s", "9é", "99999999999999999999d"] {
            assert_eq!(length(wrong), None, "{wrong}");
        }
        for written in ["45m", "36h", "90d"] {
            assert_eq!(text(length(written).unwrap()), written);
        }
    }

    #[test]
    fn what_is_not_named_has_its_default_and_keeps_within_what_is() {
        assert_eq!(read("").unwrap(), Ages::default());
        assert_eq!(RetentionConfig::default().0, Ages::default());
        let days = |number| Duration::from_secs(number * DAY);
        let short = read("challenges = '5d'").unwrap();
        assert_eq!([short.challenges, short.pushes, short.events, short.idempotency_keys], [days(5); 4]);
        assert_eq!((short.journal, short.ended), (days(365), days(365)));
        assert_eq!(read("challenges = '1000d'").unwrap().ended, days(1000));
        assert_eq!(read("journal = '20d'").unwrap().events, days(20));
    }

    #[test]
    fn what_would_break_something_is_refused_with_key_found_expected_and_reason() {
        for (section, parts) in [
            ("challenges = '90 days'", ["challenges", "\"90 days\"", "a number and a unit"]),
            ("challenges = 90", ["challenges", "is 90", "a number and a unit"]),
            ("chalenges = '90d'", ["chalenges", "no age", "challenges, idempotency_keys"]),
            ("challenges = '1d'", ["challenges is \"1d\"", "at least \"2d\"", "may still be claimed"]),
            ("challenges = '0d'", ["challenges is \"0d\"", "at least \"2d\"", "may still be claimed"]),
            ("idempotency_keys = '23h'", ["idempotency_keys is \"23h\"", "at least \"1d\"", "the same key"]),
            ("idempotency_keys = '91d'", ["idempotency_keys is \"91d\"", "at most \"90d\"", "retention.challenges"]),
            ("pushes = '1h'", ["pushes is \"1h\"", "at least \"2d\"", ""]),
            ("pushes = '91d'", ["pushes is \"91d\"", "at most \"90d\"", "retention.challenges"]),
            ("proofs = '9m'", ["proofs is \"9m\"", "at least \"10m\"", "could be used again"]),
            ("events = '1d'", ["events is \"1d\"", "at least \"2d\"", ""]),
            ("events = '31d'", ["events is \"31d\"", "at most \"30d\"", "32 days"]),
            ("events = '9d'\nchallenges = '8d'", ["events is \"9d\"", "at most \"8d\"", "retention.challenges"]),
            ("events = '9d'\njournal = '8d'", ["events is \"9d\"", "at most \"8d\"", "retention.journal"]),
            ("journal = '2h'", ["journal is \"2h\"", "at least \"2d\"", ""]),
            ("addresses = '1d'", ["addresses is \"1d\"", "at least \"2d\"", ""]),
            ("addresses = '366d'", ["addresses is \"366d\"", "at most \"365d\"", "retention.journal"]),
            ("links = '5m'", ["links is \"5m\"", "at least \"2d\"", ""]),
            ("ended = '29d'\nchallenges = '9d'", ["ended is \"29d\"", "at least \"30d\"", "never hear"]),
            ("ended = '89d'", ["ended is \"89d\"", "at least \"90d\"", "receipts"]),
        ] {
            let refused = read(section).unwrap_err();
            assert!(parts.iter().all(|part| refused.contains(part)), "{section}: {refused}");
        }
    }
}
