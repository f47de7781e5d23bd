//! When to come back, as a push network says it in `Retry-After` (RFC 9110, section 10.2.3).

use countersign_protocol::time::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// The three forms of an HTTP-date (RFC 9110, section 5.6.7): the one to send, and two that are read.
const DATES: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// The pause that the header asks for, in seconds or until a date; none when it is not there or says neither.
pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    // `parse` alone would also read "+7".
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    let date = DATES.iter().find_map(|form| DateTime::strptime(form, text).ok())?;
    let date = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(now.until(Timestamp::from_millis(date.as_millisecond())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn seconds_and_all_three_forms_of_a_date_are_read() {
        let now = Timestamp::from_seconds(784_111_770);
        let after =
            |text: &'static str| read(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]), now);
        assert_eq!(after("120"), Some(Duration::from_secs(120)));
        assert_eq!(after("0"), Some(Duration::ZERO));
        for date in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(after(date), Some(Duration::from_secs(7)), "{date}");
        }
        assert_eq!(after("Sun, 06 Nov 1994 08:49:00 GMT"), Some(Duration::ZERO), "a date that has passed");
        for wrong in ["", "soon", "-1", "+7", "1.5", "99999999999999999999", "Sun, 31 Feb 1994 08:49:37 GMT"] {
            assert_eq!(after(wrong), None, "{wrong}");
        }
        assert_eq!(read(&HeaderMap::new(), now), None);
    }
}
