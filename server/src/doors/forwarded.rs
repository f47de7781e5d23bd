//! For whom a proxy speaks. Only the operator's own proxies are believed, and of what they pass on only what one of
//! them wrote itself: anything further to the left came from a stranger.

use crate::domain::client_address;
use crate::domain::network::Network;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The header in which the operator's proxies say for whom they speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, which nginx, Caddy, HAProxy and Apache write.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl ProxyHeader {
    const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

/// The proxies of the operator.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// Their addresses.
    pub trusted: Vec<Network>,
    /// What they write.
    pub header: ProxyHeader,
}

impl Proxies {
    /// Whether this address is one of them.
    pub fn trust(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// Who called, when this address holds the other end of the connection: from the right, the first address that is
    /// none of the operator's proxies. Where something else than an address stands before that, it is the proxy that
    /// wrote it: better its own address than a stranger's word.
    pub fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut caller = peer.to_canonical();
        if !self.trust(caller) {
            return caller;
        }
        // Several headers of one name are one list (RFC 9110, section 5.2).
        for value in headers.get_all(self.header.name()).iter().rev() {
            let Ok(text) = value.to_str() else { return caller };
            for hop in text.rsplit(',') {
                let Some(address) = self.address(hop) else { return caller };
                caller = address;
                if !self.trust(caller) {
                    return caller;
                }
            }
        }
        caller
    }

    fn address(&self, hop: &str) -> Option<IpAddr> {
        let written = match self.header {
            ProxyHeader::XForwardedFor => hop.trim(),
            ProxyHeader::Forwarded => {
                let mut parts = hop.split(';').filter_map(|part| part.trim().split_once('='));
                let (_, node) = parts.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
                let node = node.trim();
                node.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(node)
            }
        };
        client_address::read(written).ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn caller(header: ProxyHeader, peer: &str, values: &[&str]) -> String {
        let trusted = ["127.0.0.1", "10.0.0.0/8"].iter().map(|network| network.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header.name(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        Proxies { trusted, header }.caller(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_right_most_address_that_is_no_proxy_of_ours_counts() {
        let x = ProxyHeader::XForwardedFor;
        for (peer, values, expected) in [
            ("203.0.113.5", &["192.0.2.7"][..], "203.0.113.5"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["192.0.2.7"], "192.0.2.7"),
            ("::ffff:127.0.0.1", &["192.0.2.7"], "192.0.2.7"),
            ("127.0.0.1", &["6.6.6.6, 192.0.2.7"], "192.0.2.7"),
            ("127.0.0.1", &["6.6.6.6, 192.0.2.7, 10.1.2.3"], "192.0.2.7"),
            ("127.0.0.1", &["6.6.6.6", "192.0.2.7"], "192.0.2.7"),
            ("127.0.0.1", &["192.0.2.7:51234"], "192.0.2.7"),
            ("127.0.0.1", &["[2001:DB8::1]:443"], "2001:db8::1"),
            // What a proxy of ours wrote is no address: nothing to its left is believed.
            ("127.0.0.1", &["192.0.2.7, unknown"], "127.0.0.1"),
            ("127.0.0.1", &["192.0.2.7, <script>, 10.1.2.3"], "10.1.2.3"),
            ("127.0.0.1", &["192.0.2.7,"], "127.0.0.1"),
            ("127.0.0.1", &[""], "127.0.0.1"),
            ("127.0.0.1", &["192.0.2.7 10.0.0.1"], "127.0.0.1"),
            ("127.0.0.1", &["é"], "127.0.0.1"),
            ("10.9.9.9", &["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
        ] {
            assert_eq!(caller(x, peer, values), expected, "{peer} {values:?}");
        }
    }

    #[test]
    fn the_standard_header_is_read_where_it_is_the_one_that_is_named() {
        let f = ProxyHeader::Forwarded;
        for (values, expected) in [
            (&["for=192.0.2.7"][..], "192.0.2.7"),
            (&["for=6.6.6.6, for=\"[2001:db8::17]:4711\";proto=https"], "2001:db8::17"),
            (&["proto=https;For=\"192.0.2.7:80\";by=10.0.0.1"], "192.0.2.7"),
            (&["for=_hidden"], "127.0.0.1"),
            (&["for=unknown, for=10.0.0.2"], "10.0.0.2"),
            (&["192.0.2.7"], "127.0.0.1"),
        ] {
            assert_eq!(caller(f, "127.0.0.1", values), expected, "{values:?}");
        }
        let headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), HeaderValue::from_static("6.6.6.6"))]);
        let proxies = Proxies { trusted: vec!["127.0.0.1".parse().unwrap()], header: f };
        let peer = "127.0.0.1".parse().unwrap();
        assert_eq!(proxies.caller(peer, &headers), peer, "the header that is not named is a stranger's");
    }
}
