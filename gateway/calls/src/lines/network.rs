//! Where a carrier's calls come from.

use std::net::IpAddr;

use super::settings::is_host;

/// Networks wider than this hold half the world (bits of the prefix, IPv4).
const WIDEST_V4: u8 = 8;
/// The same for IPv6: what a provider gets from its registry.
const WIDEST_V6: u8 = 19;

/// An address, a network or a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// So many first bits of an address.
    Network(IpAddr, u8),
    /// A host's name, which Asterisk looks up.
    Name,
}

impl Source {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            let is_name = bits.is_none() && is_host(text) && text.bytes().any(|it| it.is_ascii_alphabetic());
            return if is_name { Ok(Self::Name) } else { Err("must be an address, a network or a host's name") };
        };
        let (longest, widest) = if address.is_ipv4() { (32, WIDEST_V4) } else { (128, WIDEST_V6) };
        let bits = match bits {
            None => longest,
            Some(bits) => match bits.parse::<u8>() {
                Ok(bits) if bits <= longest => bits,
                _ => return Err("must be an address, a network or a host's name"),
            },
        };
        if bits < widest {
            return Err("must not be that wide a network: half the world would be the carrier");
        }
        Ok(Self::Network(address, bits))
    }

    pub(super) fn covers(&self, address: IpAddr) -> bool {
        let shifted = |bits: u128, of: u32, kept: u8| bits.checked_shr(of - u32::from(kept)).unwrap_or(0);
        match (self, address.to_canonical()) {
            (Self::Network(IpAddr::V4(network), bits), IpAddr::V4(address)) => {
                let (network, address) = (u128::from(network.to_bits()), u128::from(address.to_bits()));
                shifted(network, 32, *bits) == shifted(address, 32, *bits)
            }
            (Self::Network(IpAddr::V6(network), bits), IpAddr::V6(address)) => {
                shifted(network.to_bits(), 128, *bits) == shifted(address.to_bits(), 128, *bits)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn covers(source: &str, address: &str) -> bool {
        Source::parse(source).unwrap().covers(address.parse().unwrap())
    }

    #[test]
    fn networks_hold_their_addresses() {
        assert!(covers("192.0.2.0/24", "192.0.2.255") && !covers("192.0.2.0/24", "192.0.3.0"));
        assert!(covers("192.0.2.7", "192.0.2.7") && !covers("192.0.2.7", "192.0.2.8"));
        assert!(covers("192.0.2.7", "::ffff:192.0.2.7"));
        assert!(covers("2001:db8::/32", "2001:db8:1::1") && !covers("2001:db8::/32", "2001:db9::1"));
        assert!(!covers("sip.example.net", "192.0.2.7") && !covers("192.0.2.7", "2001:db8::1"));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for wrong in [
            "",
            "1.2.3",
            "1.2.3.4/33",
            "1.2.3.4/x",
            "0.0.0.0/0",
            "10.0.0.0/7",
            "::/0",
            "a b",
            "x/8",
            "-x.y",
            "1.2.3.4;x",
        ] {
            assert!(Source::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_a_place_or_refused(text in "\\PC{0,60}|[0-9a-f:./]{0,40}", address: [u8; 4]) {
            if let Ok(source) = Source::parse(&text) {
                source.covers(IpAddr::from(address));
            }
        }
    }
}
