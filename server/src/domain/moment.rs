//! Moments as people and programs read them.

use countersign_protocol::time::Timestamp;

/// A moment in RFC 3339; empty for one that no calendar has.
pub fn rfc3339(moment: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(moment.millis()).map_or_else(|_| String::new(), |moment| moment.to_string())
}
