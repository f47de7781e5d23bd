//! A range of addresses, as operators write it: `10.0.0.0/8`, or one address alone.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// All addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether an address is in it. An IPv4 address that travels in IPv6 is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.of(address.to_canonical()) == Some(self.address)
    }

    /// The address with the bits cleared that tell the network's own apart; none for one of the other version.
    fn of(&self, address: IpAddr) -> Option<IpAddr> {
        match (self.address, address) {
            (IpAddr::V4(_), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
                Some(IpAddr::V4((u32::from(address) & mask).into()))
            }
            (IpAddr::V6(_), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
                Some(IpAddr::V6((u128::from(address) & mask).into()))
            }
            _ => None,
        }
    }

    /// The network in which one customer of a provider is: the address itself in IPv4, 64 bits of it in IPv6 (RFC
    /// 6177), of which a customer has all.
    pub fn of_one_customer(address: IpAddr) -> IpAddr {
        let address = address.to_canonical();
        let network = Self { address, bits: 64 };
        if address.is_ipv6() { network.of(address).unwrap_or(address) } else { address }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            "expected an address or a network of addresses, such as \"127.0.0.1\", \"10.0.0.0/8\" or \"2001:db8::/32\""
                .to_owned()
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| expected())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().map_err(|_| expected())?,
            Some(_) => return Err(expected()),
        };
        if bits > most {
            return Err(expected());
        }
        let network = Self { address, bits };
        match network.of(address) {
            Some(first) if first == address => Ok(network),
            Some(first) => Err(format!("expected a network's first address: \"{first}/{bits}\"")),
            None => Err(expected()),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, bits } = self;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        if *bits == whole { write!(formatter, "{address}") } else { write!(formatter, "{address}/{bits}") }
    }
}

impl serde::Serialize for Network {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_network_whose_bits_it_begins_with() {
        for (network, inside, outside) in [
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("10.0.0.0/8", "10.255.3.4", "11.0.0.0"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::/0", "::1", "127.0.0.1"),
            ("192.0.2.128/25", "::ffff:192.0.2.200", "192.0.2.127"),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert_eq!(parsed.to_string(), network);
            assert!(parsed.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{network} {outside}");
        }
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/+8", "localhost", "10.0.0"] {
            assert!(wrong.parse::<Network>().unwrap_err().starts_with("expected"), "{wrong}");
        }
    }

    #[test]
    fn a_customer_is_an_address_in_ipv4_and_sixty_four_bits_in_ipv6() {
        let of = |text: &str| Network::of_one_customer(text.parse().unwrap()).to_string();
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
