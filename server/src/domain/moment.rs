//! Moments as people and programs read them.

use countersign_protocol::time::Timestamp;

/// A moment in RFC 3339; empty for one that no calendar has.
pub fn rfc3339(moment: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(moment.millis()).map_or_else(|_| String::new(), |moment| moment.to_string())
}

/// The moment that a text of RFC 3339 names, in whole milliseconds.
pub fn from_rfc3339(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|moment| Timestamp::from_millis(moment.as_millisecond()))
}
