//! Which addresses the server may connect to, when a stranger chose them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Decides which addresses may be connected to.
#[derive(Debug, Clone, Copy)]
pub struct AddressGuard {
    /// Whether private and loopback addresses may be.
    pub allow_private: bool,
}

impl AddressGuard {
    /// Checks what can be told before a name is resolved: the scheme, and an address written out.
    ///
    /// # Errors
    /// The reason.
    pub fn check_url(self, url: &Url) -> Result<(), &'static str> {
        if url.scheme() != "https" && !self.allow_private {
            return Err("the endpoint is not https");
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err("the endpoint names no host"),
        };
        match literal {
            Some(address) if !self.allows(address) => Err("the endpoint is a private address"),
            _ => Ok(()),
        }
    }

    /// Whether this address may be connected to.
    pub fn allows(self, address: IpAddr) -> bool {
        self.allow_private || is_public(address)
    }
}

/// True for an address of the public internet (the special-purpose registries of RFC 6890 say which are not).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol_assignments = a == 192 && b == 0 && c == 0;
    let benchmarking = a == 198 && (18..20).contains(&b);
    let reserved = a >= 240;
    !(address.is_unspecified()
        || a == 0
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || shared
        || protocol_assignments
        || benchmarking
        || reserved)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // 2000::/3 is all of the public space; NAT64 and 6to4 would smuggle a private IPv4 address through.
    let global_unicast = (first & 0xe000) == 0x2000;
    let documentation = first == 0x2001 && second == 0x0db8;
    let six_to_four = first == 0x2002;
    let teredo_and_protocols = first == 0x2001 && second < 0x0200;
    global_unicast && !documentation && !six_to_four && !teredo_and_protocols
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for address in ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "100.63.255.255", "100.128.0.1"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_endpoint_is_judged_before_and_after_its_name_is_resolved() {
        let guard = AddressGuard { allow_private: false };
        let check = |text: &str| guard.check_url(&Url::parse(text).unwrap());
        assert_eq!(check("https://push.example/1"), Ok(()));
        assert!(check("http://push.example/1").is_err());
        assert!(check("https://127.0.0.1/1").is_err());
        assert!(check("https://2130706433/1").is_err(), "127.0.0.1 as one number");
        assert!(check("https://[::1]/1").is_err());
        assert!(check("https://[::ffff:10.0.0.1]/1").is_err());
    }
}
