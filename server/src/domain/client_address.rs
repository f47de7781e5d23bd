//! The address of a person's browser, in the forms in which web frameworks, proxies and sockets hand it over.

use super::refused::Refused;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads an address with or without its port, and gives it alone: an IPv4 address that travels in IPv6 is an IPv4
/// address, a zone is left out, since it means something on one machine only. Its `Display` is the canonical form (RFC
/// 5952), which is what a person sees. None where the text says that there is no address: empty, `-` as in logs,
/// `unknown` as in RFC 7239.
///
/// # Errors
/// `malformed` for everything else, with a sentence that says what to pass. The text is not repeated: it may be a
/// person's address.
pub fn read(text: &str) -> Result<Option<IpAddr>, Refused> {
    let text = text.trim();
    if text.is_empty() || text == "-" || text.eq_ignore_ascii_case("unknown") {
        return Ok(None);
    }
    // So Java writes a socket address whose host was never looked up: `/192.0.2.7:51234`.
    let written = text.strip_prefix('/').unwrap_or(text);
    let address = match written.strip_prefix('[') {
        Some(rest) => bracketed(rest),
        None => plain(written),
    };
    address.map(|address| Some(address.to_canonical())).ok_or_else(|| Refused::malformed(advice(text)))
}

/// After an opening bracket: `2001:db8::1]` or `2001:db8::1]:443`.
fn bracketed(rest: &str) -> Option<IpAddr> {
    let (address, port) = rest.split_once(']')?;
    let whole = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    whole.then(|| version_6(address)).flatten()
}

/// `192.0.2.7`, `192.0.2.7:51234`, `2001:db8::1`, `fe80::1%eth0`.
fn plain(text: &str) -> Option<IpAddr> {
    match text.split_once(':') {
        None => version_4(text),
        Some((address, port)) if !port.contains(':') => version_4(address).filter(|_| is_port(port)),
        Some(_) => version_6(text),
    }
}

/// Four decimal numbers. `127.1` and `0177.0.0.1` are other addresses to some programs, and none here.
fn version_4(text: &str) -> Option<IpAddr> {
    text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
}

fn version_6(text: &str) -> Option<IpAddr> {
    let address = match text.split_once('%') {
        Some((address, zone)) if is_zone(zone) => address,
        Some(_) => return None,
        None => text,
    };
    address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

/// RFC 6874, section 2: unreserved characters. Anything else after the sign is more than a zone.
fn is_zone(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    !text.is_empty() && text.bytes().all(unreserved)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// What to pass instead.
fn advice(text: &str) -> &'static str {
    let (host, port) = text.split_once(':').unwrap_or((text, ""));
    let is_short_or_octal = host.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.')) && !port.contains(':');
    if text.contains('=') || text.contains(';') {
        "context.ip holds a Forwarded header (RFC 7239). Take one address of it, without for=: the one that your own \
         proxy wrote."
    } else if text.contains(',') || text.split_whitespace().nth(1).is_some() {
        "context.ip holds more than one address. Take one address of X-Forwarded-For: the one that your own proxy \
         wrote."
    } else if text.starts_with("unix:") || text.starts_with(['/', '@']) {
        "context.ip names a Unix socket, which is the connection of your own proxy. Take one address of \
         X-Forwarded-For: the one that your own proxy wrote."
    } else if is_short_or_octal {
        "context.ip is not a whole IPv4 address: it is four decimal numbers from 0 to 255 without leading zeros, with \
         or without a port from 0 to 65535."
    } else {
        "context.ip is not an IP address. Pass one IPv4 or IPv6 address, with or without its port, and no host name; \
         leave it out when you have none."
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_frameworks_hand_over_is_shown_in_its_canonical_form() {
        for (handed_over, shown) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7:51234", "192.0.2.7"),
            (" 192.0.2.7\t", "192.0.2.7"),
            ("/192.0.2.7:51234", "192.0.2.7"),
            ("/192.0.2.7", "192.0.2.7"),
            ("192.0.2.7:0", "192.0.2.7"),
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
            ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("/[2001:db8:0:0:0:0:0:1]:51234", "2001:db8::1"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("fe80:0:0:0:0:0:0:1%2", "fe80::1"),
            ("[fe80::1%25eth0]:443", "fe80::1"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::FFFF:c000:207", "192.0.2.7"),
            ("[::ffff:192.0.2.7]:51234", "192.0.2.7"),
        ] {
            let address = read(handed_over).unwrap_or_else(|refused| panic!("{handed_over}: {refused:?}"));
            assert_eq!(address.map(|address| address.to_string()).as_deref(), Some(shown), "{handed_over}");
        }
    }

    #[test]
    fn what_says_that_there_is_none_is_none() {
        for none in ["", " ", "\t", "-", "unknown", "Unknown"] {
            assert_eq!(read(none), Ok(None), "{none:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_to_pass() {
        for (wrong, advice) in [
            ("198.51.100.4, 10.0.0.1", "one address of X-Forwarded-For"),
            ("198.51.100.4,10.0.0.1", "one address of X-Forwarded-For"),
            ("198.51.100.4 10.0.0.1", "one address of X-Forwarded-For"),
            ("unknown, 10.0.0.1", "one address of X-Forwarded-For"),
            ("for=192.0.2.60", "Forwarded header"),
            ("for=\"[2001:db8::17]:4711\";proto=https", "Forwarded header"),
            ("unix:", "Unix socket"),
            ("unix:/run/site.sock", "Unix socket"),
            ("/run/site.sock", "Unix socket"),
            ("@site", "Unix socket"),
            ("127.1", "four decimal numbers"),
            ("0177.0.0.1", "four decimal numbers"),
            ("010.0.0.1", "four decimal numbers"),
            ("2130706433", "four decimal numbers"),
            ("192.0.2.256", "four decimal numbers"),
            ("192.0.2.7:", "four decimal numbers"),
            ("192.0.2.7:65536", "four decimal numbers"),
            ("192.0.2.7:+80", "four decimal numbers"),
            ("192.0.2.7.", "four decimal numbers"),
            ("0x7f000001", "no host name"),
            ("localhost", "no host name"),
            ("host.example:443", "no host name"),
            ("localhost/127.0.0.1", "no host name"),
            ("192.0.2.0/24", "no host name"),
            ("[192.0.2.7]:80", "no host name"),
            ("[2001:db8::1]443", "no host name"),
            ("[2001:db8::1", "no host name"),
            ("2001:db8::1]", "no host name"),
            ("2001:db8::1::2", "no host name"),
            ("fe80::1%a, 10.0.0.1", "one address of X-Forwarded-For"),
            ("fe80::1%", "no host name"),
            ("('192.0.2.7', 51234)", "one address of X-Forwarded-For"),
            ("192.0.2.7\u{202e}", "no host name"),
            ("\u{661}92.0.2.7", "no host name"),
        ] {
            let Err(Refused::Malformed(sentence)) = read(wrong) else { panic!("{wrong} was read") };
            assert!(sentence.contains(advice), "{wrong}: {sentence}");
            assert!(!sentence.contains(wrong), "the text itself is not repeated");
        }
    }

    proptest! {
        #[test]
        fn every_address_is_read_in_each_of_its_forms(bits: u128, port: u16, four: u32) {
            let six = Ipv6Addr::from_bits(bits);
            let expected = IpAddr::V6(six).to_canonical();
            let long = six.segments().map(|segment| format!("{segment:04X}")).join(":");
            for text in [six.to_string(), long.clone(), format!("[{six}]:{port}"), format!("{long}%eth0")] {
                prop_assert_eq!(read(&text), Ok(Some(expected)));
            }
            let four = Ipv4Addr::from_bits(four);
            for text in [four.to_string(), format!("{four}:{port}"), format!("::ffff:{four}")] {
                prop_assert_eq!(read(&text), Ok(Some(IpAddr::V4(four))));
            }
        }

        #[test]
        fn whatever_is_read_is_read_the_same_again(text in "[-0-9a-fA-F:.%/\\[\\] ]{0,40}") {
            if let Ok(Some(address)) = read(&text) {
                prop_assert_eq!(read(&address.to_string()), Ok(Some(address)));
            }
        }
    }
}
