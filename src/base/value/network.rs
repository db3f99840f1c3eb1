//! `inet`, `cidr` and `macaddr`: from text and from the wire, to their canonical texts, and what they are ordered by. It
//! knows no operators.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::syntax::{invalid_binary, invalid_text};
use crate::base::{Error, ErrorKind, Result};

/// PostgreSQL's `PGSQL_AF_INET`; IPv6 is the next.
const FAMILY_4: u8 = 2;
const FAMILY_6: u8 = 3;

/// The classes of addresses from before prefixes: the least first byte, and the length of the network.
const CLASSES: [(u8, u8); 5] = [(240, 32), (224, 8), (192, 24), (128, 16), (0, 8)];
const CLASS_D: u8 = 224;
const CLASS_D_BITS: u8 = 4;

/// An address, and how many bits of it are the network's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    address: Address,
    bits: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Address {
    V4([u8; 4]),
    V6([u8; 16]),
}

impl Address {
    fn octets(&self) -> &[u8] {
        match self {
            Address::V4(octets) => octets,
            Address::V6(octets) => octets,
        }
    }

    fn octets_mut(&mut self) -> &mut [u8] {
        match self {
            Address::V4(octets) => octets,
            Address::V6(octets) => octets,
        }
    }

    fn bits(&self) -> u8 {
        match self {
            Address::V4(_) => 32,
            Address::V6(_) => 128,
        }
    }

    /// The same address, with each bit that a mask of the network's length has or lacks changed.
    fn masked(mut self, bits: u8, change: fn(u8, u8) -> u8) -> Address {
        for (at, octet) in self.octets_mut().iter_mut().enumerate() {
            let left = usize::from(bits).saturating_sub(at * 8).min(8);
            let mask = (0xff00_u16 >> left) as u8;
            *octet = change(*octet, mask);
        }
        self
    }
}

impl Network {
    /// Reads an `inet`.
    pub fn parse_inet(text: &str) -> Result<Network> {
        let network = if text.contains(':') { read_v6(text) } else { read_v4(text) };
        network.ok_or_else(|| invalid_text("inet", text.as_bytes()))
    }

    /// Reads a `cidr`, whose address has no bits beyond the network's.
    pub fn parse_cidr(text: &str) -> Result<Network> {
        let network = if text.contains(':') { read_v6(text) } else { read_v4_network(text) };
        let network = network.ok_or_else(|| invalid_text("cidr", text.as_bytes()))?;
        match network.network() == network {
            true => Ok(network),
            false => Err(Error::new(
                ErrorKind::InvalidTextRepresentation,
                format!("invalid cidr value: \"{text}\""),
            )
            .with_detail("Value has bits set to right of mask.")),
        }
    }

    /// Reads what `inet_send` and `cidr_send` write.
    pub fn parse_binary(bytes: &[u8], is_cidr: bool) -> Result<Network> {
        let [family, bits, _, length, octets @ ..] = bytes else { return Err(invalid_binary()) };
        let address = match *family {
            FAMILY_4 => Address::V4(octets.try_into().map_err(|_| invalid_binary())?),
            FAMILY_6 => Address::V6(octets.try_into().map_err(|_| invalid_binary())?),
            _ => return Err(invalid_binary()),
        };
        let network = Network { address, bits: *bits };
        let fits = usize::from(*length) == octets.len() && *bits <= address.bits();
        match fits && (!is_cidr || network.network() == network) {
            true => Ok(network),
            false => Err(invalid_binary()),
        }
    }

    /// What `inet_send` writes.
    pub fn binary(&self, is_cidr: bool) -> Vec<u8> {
        let family = if self.is_v4() { FAMILY_4 } else { FAMILY_6 };
        let octets = self.address.octets();
        let mut bytes = vec![family, self.bits, u8::from(is_cidr), octets.len() as u8];
        bytes.extend_from_slice(octets);
        bytes
    }

    /// The text of an `inet`: a whole address says nothing of its length.
    pub fn inet_text(&self) -> String {
        match self.bits == self.address.bits() {
            true => self.host(),
            false => self.cidr_text(),
        }
    }

    /// The text of a `cidr`.
    pub fn cidr_text(&self) -> String {
        format!("{}/{}", self.host(), self.bits)
    }

    /// The address alone.
    pub fn host(&self) -> String {
        match self.address {
            Address::V4(octets) => Ipv4Addr::from(octets).to_string(),
            Address::V6(octets) => v6_text(octets),
        }
    }

    pub fn bits(&self) -> u8 {
        self.bits
    }

    pub fn is_v4(&self) -> bool {
        matches!(self.address, Address::V4(_))
    }

    /// The network that the address is in.
    pub fn network(&self) -> Network {
        let address = self.address.masked(self.bits, |octet, mask| octet & mask);
        Network { address, bits: self.bits }
    }

    /// The last address of the network.
    pub fn broadcast(&self) -> Network {
        let address = self.address.masked(self.bits, |octet, mask| octet | !mask);
        Network { address, bits: self.bits }
    }

    pub fn netmask(&self) -> Network {
        let address = self.address.masked(self.bits, |_, mask| mask);
        Network { address, bits: address.bits() }
    }

    pub fn hostmask(&self) -> Network {
        let address = self.address.masked(self.bits, |_, mask| !mask);
        Network { address, bits: address.bits() }
    }

    /// The same address in a network of another length; `None` where an address has not so many bits. -1 is all of them.
    pub fn with_bits(&self, bits: i32) -> Option<Network> {
        let all = self.address.bits();
        let bits = if bits == -1 { all } else { u8::try_from(bits).ok()? };
        (bits <= all).then_some(Network { address: self.address, bits })
    }

    /// Whether the other is inside of this network, or the same.
    pub fn contains(&self, other: &Network) -> bool {
        let inner = Network { address: other.address, bits: self.bits };
        self.is_v4() == other.is_v4()
            && other.bits >= self.bits
            && inner.network() == self.network()
    }

    /// What networks are ordered by, as bytes: the family, the network, its length, and the address.
    pub fn order_key(&self) -> Vec<u8> {
        let family = if self.is_v4() { FAMILY_4 } else { FAMILY_6 };
        let network = self.network();
        let mut key = vec![family];
        key.extend_from_slice(network.address.octets());
        key.push(self.bits);
        key.extend_from_slice(self.address.octets());
        key
    }
}

/// A number without sign and at most so large.
fn number(text: &str, max: u16) -> Option<u8> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.trim_start_matches('0');
    let value: u16 = if value.is_empty() { 0 } else { value.parse().ok()? };
    (is_number && value <= max).then_some(())?;
    u8::try_from(value).ok()
}

/// The octets before a slash, at most four, and the length after it.
fn octets_and_bits(text: &str) -> Option<(Vec<u8>, Option<u8>)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(number(bits, 32)?)),
        None => (text, None),
    };
    let octets: Option<Vec<u8>> = address.split('.').map(|octet| number(octet, 255)).collect();
    octets.filter(|octets| octets.len() <= 4).map(|octets| (octets, bits))
}

fn v4_of(octets: &[u8], bits: u8) -> Network {
    let mut address = [0; 4];
    for (slot, octet) in address.iter_mut().zip(octets) {
        *slot = *octet;
    }
    Network { address: Address::V4(address), bits }
}

/// Octets at the end may be left out where the length says that they are not the network's.
fn read_v4(text: &str) -> Option<Network> {
    let (octets, bits) = octets_and_bits(text)?;
    let bits = match bits {
        Some(bits) => bits,
        None if octets.len() == 4 => 32,
        None => return None,
    };
    (usize::from(bits / 8) <= octets.len()).then(|| v4_of(&octets, bits))
}

/// A network without a length has that of its class, and at least of what is written.
fn read_v4_network(text: &str) -> Option<Network> {
    let (octets, bits) = octets_and_bits(text)?;
    let first = *octets.first()?;
    let bits = bits.unwrap_or_else(|| {
        let class = CLASSES.iter().find(|(least, _)| first >= *least).map_or(8, |(_, bits)| *bits);
        let bits = class.max(octets.len() as u8 * 8);
        if bits == 8 && first == CLASS_D { CLASS_D_BITS } else { bits }
    });
    Some(v4_of(&octets, bits))
}

fn read_v6(text: &str) -> Option<Network> {
    let (address, bits) = match text.split_once('/') {
        Some((_, bits)) if bits.len() > 1 && bits.starts_with('0') => return None,
        Some((address, bits)) => (address, number(bits, 128)?),
        None => (text, 128),
    };
    let address: Ipv6Addr = address.parse().ok()?;
    Some(Network { address: Address::V6(address.octets()), bits })
}

/// The longest run of zeros, the first of several, is left out; what carries an IPv4 address shows it.
fn v6_text(octets: [u8; 16]) -> String {
    let words = Ipv6Addr::from(octets).segments();
    let (mut best, mut length) = (0, 0);
    let mut at = 0;
    while at < words.len() {
        let run = words.iter().skip(at).take_while(|word| **word == 0).count();
        if run > length {
            (best, length) = (at, run);
        }
        at += run.max(1);
    }
    if length < 2 {
        length = 0;
    }
    let carries = best == 0 && (length == 6 || length == 5 && words.get(5) == Some(&0xffff));
    let hexadecimal =
        |words: &[u16]| words.iter().map(|word| format!("{word:x}")).collect::<Vec<_>>().join(":");
    let [.., a, b, c, d] = octets;
    if carries {
        let mapped = if length == 5 { "ffff:" } else { "" };
        return format!("::{mapped}{}", Ipv4Addr::new(a, b, c, d));
    }
    if length == 0 {
        return hexadecimal(&words);
    }
    let before = words.get(..best).unwrap_or_default();
    let after = words.get(best + length..).unwrap_or_default();
    format!("{}::{}", hexadecimal(before), hexadecimal(after))
}

/// Reads a `macaddr` in one of PostgreSQL's spellings: two, four, or six digits between separators.
pub fn parse_macaddr(text: &str) -> Result<[u8; 6]> {
    let invalid = || invalid_text("macaddr", text.as_bytes());
    let word = text.trim();
    let parts: Vec<&str> = word.split([':', '-', '.']).collect();
    let separators: Vec<char> = word.chars().filter(|c| matches!(c, ':' | '-' | '.')).collect();
    let digits: Vec<String> = match (parts.len(), separators.first()) {
        (6, Some(':' | '-')) => parts.iter().map(|part| format!("{part:0>2}")).collect(),
        (3, Some('.' | '-')) => parts.iter().map(|part| format!("{part:0>4}")).collect(),
        (2, Some(':' | '-')) => parts.iter().map(|part| format!("{part:0>6}")).collect(),
        (1, None) if word.len() == 12 => vec![word.to_owned()],
        _ => return Err(invalid()),
    };
    let is_one_kind = separators.windows(2).all(|pair| pair.first() == pair.last());
    let digits = digits.concat();
    let is_whole = parts.iter().all(|part| !part.is_empty())
        && digits.len() == 12
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_one_kind || !is_whole {
        return Err(invalid());
    }
    let number = u64::from_str_radix(&digits, 16).map_err(|_| invalid())?;
    let [_, _, octets @ ..] = number.to_be_bytes();
    Ok(octets)
}

/// The text of a `macaddr`.
pub fn macaddr_text(octets: [u8; 6]) -> String {
    octets.map(|octet| format!("{octet:02x}")).join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_canonical_texts() {
        for (text, canonical) in [
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3/24", "10.1.2.3/24"),
            ("10/8", "10.0.0.0/8"),
            ("192.168.1.0/32", "192.168.1.0"),
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
            ("::ffff:1.2.3.4/128", "::ffff:1.2.3.4"),
            ("::102:304/120", "::1.2.3.4/120"),
            ("::", "::"),
            ("1::2:0:0:0:3", "1:0:0:2::3"),
            ("fe80::/10", "fe80::/10"),
        ] {
            let network = Network::parse_inet(text).unwrap();
            assert_eq!(network.inet_text(), canonical, "{text}");
            let again = Network::parse_binary(&network.binary(false), false).unwrap();
            assert_eq!(again, network);
        }
        for text in
            ["", "10.1", "10.1.2.256", "10.1.2.3/33", "1:2", "a.b.c.d", "1.2.3.4.5", "10/16"]
        {
            assert_eq!(Network::parse_inet(text).unwrap_err().sqlstate(), "22P02", "{text}");
        }
    }

    #[test]
    fn networks_take_the_length_of_their_class() {
        for (text, canonical) in [
            ("10", "10.0.0.0/8"),
            ("10.1", "10.1.0.0/16"),
            ("128", "128.0.0.0/16"),
            ("192.168.1", "192.168.1.0/24"),
            ("224", "224.0.0.0/4"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            assert_eq!(Network::parse_cidr(text).unwrap().cidr_text(), canonical, "{text}");
        }
        let error = Network::parse_cidr("10.1.2.3/24").unwrap_err();
        assert_eq!(error.detail(), Some("Value has bits set to right of mask."));
    }

    #[test]
    fn the_order_is_by_network_then_length_then_address() {
        let texts =
            ["10.0.0.0/8", "10.1.0.0/8", "10.0.0.0/16", "10.0.0.1/16", "10.1.0.0/16", "::/0"];
        let keys: Vec<_> =
            texts.map(|text| Network::parse_inet(text).unwrap().order_key()).into_iter().collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn hardware_addresses_have_many_spellings() {
        for text in [
            "08:00:2b:01:02:03",
            "08-00-2B-01-02-03",
            "08002b:010203",
            "08002b-010203",
            "0800.2b01.0203",
            "0800-2b01-0203",
            "08002b010203",
        ] {
            assert_eq!(macaddr_text(parse_macaddr(text).unwrap()), "08:00:2b:01:02:03", "{text}");
        }
        for text in ["", "08:00:2b:01:02", "08:00:2b:01:02:0g", "08002b01020", "08:00-2b:01:02:03"]
        {
            assert_eq!(parse_macaddr(text).unwrap_err().sqlstate(), "22P02", "{text}");
        }
    }
}
