//! Functions and operators of `inet` and `cidr`. Values are their texts; each is read when it is reckoned with.
//! <https://www.postgresql.org/docs/16/functions-net.html>

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::Int32Type;

use crate::base::datatype::{BaseType, PgType, pg_type_of};
use crate::base::value::Network;
use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns};

use Kind::{Int4, Text};

const BOOL: Returns = Returns::Type(BaseType::Bool);
const INET: Returns = Returns::Type(BaseType::Inet);
const CIDR: Returns = Returns::Type(BaseType::Cidr);
const TEXT: Returns = Returns::Type(BaseType::Text);
const INTEGER: Returns = Returns::Type(BaseType::Int4);

/// Bytes that are ordered as their networks are.
pub const NETWORK_KEY: &str = "network_order_key";
/// The text that a cast gives: with the length of the network.
pub const NETWORK_SHOW: &str = "network_show";
pub const INET_OF_CIDR: &str = "inet_of_cidr";
pub const CIDR_OF_INET: &str = "cidr_of_inet";
pub const WITHIN: &str = "network_sub";
pub const WITHIN_OR_SAME: &str = "network_subeq";
pub const AROUND: &str = "network_sup";
pub const AROUND_OR_SAME: &str = "network_supeq";
pub const OVERLAP: &str = "network_overlap";

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable(
        NETWORK_KEY,
        &[Overload::new(&[Text], Returns::Type(BaseType::Bytea), |a| {
            let networks = a.texts(0)?;
            a.make_bytes(|row| Ok(Some(Network::parse_inet(networks.at(row))?.order_key())))
        })],
    ),
    Kernel::immutable(
        NETWORK_SHOW,
        &[Overload::new(&[Text], TEXT, |a| made(a, Network::cidr_text))],
    ),
    Kernel::immutable(
        INET_OF_CIDR,
        &[Overload::new(&[Text], INET, |a| made(a, Network::inet_text))],
    ),
    Kernel::immutable(
        CIDR_OF_INET,
        &[Overload::new(&[Text], CIDR, |a| made(a, |one| one.network().cidr_text()))],
    ),
    Kernel::immutable("host", &[Overload::new(&[Text], TEXT, |a| made(a, Network::host))]),
    Kernel::immutable(
        "network",
        &[Overload::new(&[Text], CIDR, |a| made(a, |one| one.network().cidr_text()))],
    ),
    Kernel::immutable(
        "broadcast",
        &[Overload::new(&[Text], INET, |a| made(a, |one| one.broadcast().inet_text()))],
    ),
    Kernel::immutable(
        "netmask",
        &[Overload::new(&[Text], INET, |a| made(a, |one| one.netmask().inet_text()))],
    ),
    Kernel::immutable(
        "hostmask",
        &[Overload::new(&[Text], INET, |a| made(a, |one| one.hostmask().inet_text()))],
    ),
    Kernel::immutable(
        "masklen",
        &[Overload::new(&[Text], INTEGER, |a| number(a, |one| i32::from(one.bits())))],
    ),
    Kernel::immutable(
        "family",
        &[Overload::new(&[Text], INTEGER, |a| number(a, |one| if one.is_v4() { 4 } else { 6 }))],
    ),
    Kernel::immutable("set_masklen", &[Overload::new(&[Text, Int4], INET, with_length)]),
    Kernel::immutable(
        "inet_same_family",
        &[Overload::new(&[Text, Text], BOOL, |a| compared(a, |a, b| a.is_v4() == b.is_v4()))],
    ),
    Kernel::immutable(
        WITHIN,
        &[Overload::new(&[Text, Text], BOOL, |a| {
            compared(a, |one, other| other.contains(one) && one.bits() > other.bits())
        })],
    ),
    Kernel::immutable(
        WITHIN_OR_SAME,
        &[Overload::new(&[Text, Text], BOOL, |a| compared(a, |one, other| other.contains(one)))],
    ),
    Kernel::immutable(
        AROUND,
        &[Overload::new(&[Text, Text], BOOL, |a| {
            compared(a, |one, other| one.contains(other) && other.bits() > one.bits())
        })],
    ),
    Kernel::immutable(
        AROUND_OR_SAME,
        &[Overload::new(&[Text, Text], BOOL, |a| compared(a, Network::contains))],
    ),
    Kernel::immutable(
        OVERLAP,
        &[Overload::new(&[Text, Text], BOOL, |a| {
            compared(a, |one, other| one.contains(other) || other.contains(one))
        })],
    ),
];

fn made(a: &Arguments<'_>, text: impl Fn(&Network) -> String) -> Result<ArrayRef> {
    let networks = a.texts(0)?;
    a.make_texts(|row, out| {
        out.push_str(&text(&Network::parse_inet(networks.at(row))?));
        Ok(true)
    })
}

fn number(a: &Arguments<'_>, of: impl Fn(&Network) -> i32) -> Result<ArrayRef> {
    let networks = a.texts(0)?;
    a.make::<Int32Type>(|row| Ok(Some(of(&Network::parse_inet(networks.at(row))?))))
}

fn compared(a: &Arguments<'_>, holds: impl Fn(&Network, &Network) -> bool) -> Result<ArrayRef> {
    let (ones, others) = (a.texts(0)?, a.texts(1)?);
    a.make_flags(|row| {
        let one = Network::parse_inet(ones.at(row))?;
        Ok(Some(holds(&one, &Network::parse_inet(others.at(row))?)))
    })
}

/// The address stays: of a `cidr` PostgreSQL has another function of that name, which clears bits.
fn with_length(a: &Arguments<'_>) -> Result<ArrayRef> {
    let field = a.fields.first();
    let is_cidr = field.is_some_and(|field| {
        pg_type_of(field).is_ok_and(|(pg_type, _)| pg_type == PgType::Scalar(BaseType::Cidr))
    });
    if is_cidr {
        return Err(Error::unsupported("set_masklen of a cidr")
            .with_hint("Use network(set_masklen(address::inet, length))."));
    }
    let (networks, lengths) = (a.texts(0)?, a.values::<Int32Type>(1)?);
    a.make_texts(|row, out| {
        let length = lengths.at(row);
        let network = Network::parse_inet(networks.at(row))?.with_bits(length);
        let network = network.ok_or_else(|| {
            let message = format!("invalid mask length: {length}");
            Error::new(ErrorKind::InvalidParameterValue, message)
        })?;
        out.push_str(&network.inet_text());
        Ok(true)
    })
}
