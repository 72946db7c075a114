//! A network, and the addresses as applications write them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Addresses that begin alike: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    first: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address, or a whole network, is inside.
    pub fn holds(&self, other: &Self) -> bool {
        other.bits >= self.bits
            && other.first.is_ipv4() == self.first.is_ipv4()
            && prefix(other.first, self.bits) == prefix(self.first, self.bits)
    }

    /// An address, or a whole network, as a column has it: as a text, as its bytes in hexadecimal, or as the number that
    /// `INET_ATON` makes of it.
    pub fn written(text: &str, is_number: bool) -> Option<Self> {
        let text = text.trim();
        if is_number {
            let address = Ipv4Addr::from_bits(text.parse().ok()?);
            return Some(Self { first: address.into(), bits: 32 });
        }
        if let Ok(written) = text.parse() {
            return Some(written);
        }
        let digits = text.strip_prefix("\\x").unwrap_or(text);
        let (first, bits) = match &hex::decode(digits).ok()?[..] {
            [a, b, c, d] => (IpAddr::from([*a, *b, *c, *d]), 32),
            bytes => (IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical(), 128),
        };
        Some(Self { first, bits: if first.is_ipv4() { 32 } else { bits } })
    }
}

impl Network {
    /// The site that an address belongs to, as networks are given out: 24 bits of IPv4, 48 of IPv6. A network that is wider
    /// stays so.
    pub(in crate::session) fn site(&self) -> Self {
        let bits = self.bits.min(if self.first.is_ipv4() { 24 } else { 48 });
        let first = match self.first {
            IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(
                cut(u128::from(address.to_bits()), 32, bits).try_into().unwrap_or(0),
            )),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(cut(address.to_bits(), 128, bits))),
        };
        Self { first, bits }
    }
}

/// The first bits of so many, the others zero.
fn cut(number: u128, all: u8, bits: u8) -> u128 {
    let rest = u32::from(all - bits.min(all));
    number.checked_shr(rest).unwrap_or_default().checked_shl(rest).unwrap_or_default()
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is no network: write 10.0.0.0/8, 2001:db8::/32 or an address");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| wrong())?;
        // `::ffff:10.0.0.1` is what servers write that take both kinds by one socket.
        let first = written.to_canonical();
        let (all, mapped) = if first.is_ipv4() { (32, written.is_ipv6()) } else { (128, false) };
        let bits = match bits {
            None => all,
            Some(bits) if mapped => bits.checked_sub(96).ok_or_else(wrong)?,
            Some(bits) => bits,
        };
        if bits > all {
            return Err(wrong());
        }
        Ok(Self { first, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

/// The first bits of an address.
fn prefix(address: IpAddr, bits: u8) -> u128 {
    let (number, all) = match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    number.checked_shr(u32::from(all - bits.min(all))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_their_network_however_they_are_written() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3", "::ffff:10.1.2.3", "10.1.2.4"),
            ("10.0.0.0/8", "10.1.2.0/24", "10.0.0.0/7"),
            ("::ffff:10.0.0.0/104", "10.9.9.9/32", "::1"),
            ("0.0.0.0/0", "255.255.255.255", "2001:db8::1"),
            ("2001:db8::/32", " 2001:db8:1::1 ", "2001:db9::1"),
            ("::/0", "::1", "1.2.3.4"),
        ] {
            let parsed: Network = network.parse().unwrap();
            let holds = |text| parsed.holds(&Network::written(text, false).unwrap());
            assert!(holds(inside) && !holds(outside), "{network}");
        }
        for (text, is_number, address) in [
            ("167772161", true, "10.0.0.1/32"),
            ("4294967295", true, "255.255.255.255/32"),
            ("0a000001", false, "10.0.0.1/32"),
            ("\\xc0a80001", false, "192.168.0.1/32"),
            ("20010db8000000000000000000000001", false, "2001:db8::1/128"),
            ("00000000000000000000ffff0a000001", false, "10.0.0.1/32"),
        ] {
            assert_eq!(Network::written(text, is_number).unwrap().to_string(), address);
        }
        for (text, is_number) in
            [("", false), ("unknown", false), ("4294967296", true), ("-1", true), ("0a", false)]
        {
            assert_eq!(Network::written(text, is_number), None, "{text}");
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "::1/129", "10.0.0.0/-1", "::ffff:10.0.0.0/8", "a/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
