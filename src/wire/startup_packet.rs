//! The first packet of a connection: what a stranger may ask before saying who it is. Pure reading, over
//! bytes that may hold anything.

use crate::base::{Error, ErrorKind, Result};

use super::message::utf8;

/// A packet without a type byte.
#[derive(Debug, PartialEq, Eq)]
pub enum StartupPacket {
    SslRequest,
    GssEncRequest,
    CancelRequest { pid: i32, secret: Vec<u8> },
    Startup(Startup),
}

/// A StartupMessage.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Startup {
    pub minor_version: u16,
    pub user: String,
    pub database: Option<String>,
    /// The command-line options, not yet taken apart.
    pub options: Option<String>,
    pub replication: Option<String>,
    /// Names of protocol extensions (`_pq_.…`); none exists.
    pub protocol_options: Vec<String>,
    /// All other parameters, in their order.
    pub settings: Vec<(String, String)>,
}

/// Codes in place of a version, with "major version" 1234.
const CANCEL_REQUEST: (u16, u16) = (1234, 5678);
const SSL_REQUEST: (u16, u16) = (1234, 5679);
const GSSENC_REQUEST: (u16, u16) = (1234, 5680);

/// Length of a cancel key in protocol 3.2; in 3.0 it is 4.
const SECRET_BYTES_MAX: usize = 256;

impl StartupPacket {
    /// Reads the packet after its length word.
    ///
    /// # Errors
    /// All are fatal: 0A000 for another protocol, 08P01 for a malformed packet, 22021 for broken UTF-8,
    /// 28000 without a user.
    pub fn decode(packet: &[u8], negotiation: Negotiation) -> Result<Self> {
        let Some((&[a, b, c, d], rest)) = packet.split_first_chunk::<4>() else {
            return Err(invalid_length());
        };
        match (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])) {
            CANCEL_REQUEST => decode_cancel(rest),
            // A second request is no request but a version that does not exist, as in PostgreSQL.
            SSL_REQUEST if negotiation.tls_open => Ok(StartupPacket::SslRequest),
            GSSENC_REQUEST if negotiation.gss_open => Ok(StartupPacket::GssEncRequest),
            (3, minor_version) => Startup::decode(minor_version, rest).map(StartupPacket::Startup),
            (major, minor) => Err(Error::new(
                ErrorKind::FeatureNotSupported,
                format!(
                    "unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.2"
                ),
            )),
        }
    }
}

/// What a connection may still ask for: each kind of encryption once, and none inside another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Negotiation {
    pub tls_open: bool,
    pub gss_open: bool,
}

impl Startup {
    fn decode(minor_version: u16, parameters: &[u8]) -> Result<Self> {
        let mut startup = Startup { minor_version, ..Startup::default() };
        let mut user = None;
        let mut rest = parameters;
        loop {
            let (name, after_name) = next_text(rest)?;
            if name.is_empty() {
                if !after_name.is_empty() {
                    return Err(invalid_layout());
                }
                break;
            }
            let (value, after_value) = next_text(after_name)?;
            rest = after_value;
            let value = value.to_owned();
            match name {
                "user" => user = Some(value),
                "database" => startup.database = Some(value).filter(|name| !name.is_empty()),
                "options" => startup.options = Some(value),
                "replication" => startup.replication = Some(value),
                name if name.starts_with("_pq_.") => startup.protocol_options.push(name.to_owned()),
                name => startup.settings.push((name.to_owned(), value)),
            }
        }
        startup.user = user.filter(|user| !user.is_empty()).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidAuthorizationSpecification,
                "no PostgreSQL user name specified in startup packet",
            )
        })?;
        Ok(startup)
    }
}

fn decode_cancel(rest: &[u8]) -> Result<StartupPacket> {
    match rest.split_first_chunk::<4>() {
        Some((pid, secret)) if (4..=SECRET_BYTES_MAX).contains(&secret.len()) => {
            let pid = i32::from_be_bytes(*pid);
            Ok(StartupPacket::CancelRequest { pid, secret: secret.to_vec() })
        }
        _ => Err(Error::new(ErrorKind::ProtocolViolation, "invalid length of query cancel packet")),
    }
}

/// Splits a zero-terminated text from the front.
fn next_text(bytes: &[u8]) -> Result<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0).ok_or_else(invalid_layout)?;
    let (text, rest) = bytes.split_at(end);
    Ok((utf8(text)?, rest.get(1..).unwrap_or_default()))
}

pub(super) fn invalid_length() -> Error {
    Error::new(ErrorKind::ProtocolViolation, "invalid length of startup packet")
}

fn invalid_layout() -> Error {
    Error::new(
        ErrorKind::ProtocolViolation,
        "invalid startup packet layout: expected terminator as last byte",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OPEN: Negotiation = Negotiation { tls_open: true, gss_open: true };

    fn refusal(packet: &[u8]) -> String {
        let error = StartupPacket::decode(packet, OPEN).unwrap_err();
        format!("{} {}", error.sqlstate(), error.message())
    }

    #[test]
    fn reads_a_startup() {
        let packet = b"\0\x03\0\x02user\0ada\0TimeZone\0UTC\0_pq_.x\x001\0database\0main\0\0";
        let expected = Startup {
            minor_version: 2,
            user: "ada".to_owned(),
            database: Some("main".to_owned()),
            protocol_options: vec!["_pq_.x".to_owned()],
            settings: vec![("TimeZone".to_owned(), "UTC".to_owned())],
            ..Startup::default()
        };
        assert_eq!(StartupPacket::decode(packet, OPEN).unwrap(), StartupPacket::Startup(expected));
    }

    #[test]
    fn refuses_what_postgresql_refuses() {
        let none = "28000 no PostgreSQL user name specified in startup packet";
        assert_eq!(refusal(b"\0\x03\0\0\0"), none);
        assert_eq!(refusal(b"\0\x03\0\0user\0\0\0"), none);
        let layout = "08P01 invalid startup packet layout: expected terminator as last byte";
        assert_eq!(refusal(b"\0\x03\0\0user\0ada\0"), layout);
        assert_eq!(refusal(b"\0\x03\0\0user\0ada\0\0x"), layout);
        assert_eq!(refusal(b"\0\x03\0\0user"), layout);
        let two = "0A000 unsupported frontend protocol 2.0: server supports 3.0 to 3.2";
        assert_eq!(refusal(b"\0\x02\0\0"), two);
        assert_eq!(refusal(b"\x04"), "08P01 invalid length of startup packet");
        assert!(refusal(b"\0\x03\0\0user\0\xff\0\0").starts_with("22021"));
        assert!(refusal(b"\x04\xd2\x16\x2e\0\0\0\x01abc").starts_with("08P01"));
    }

    #[test]
    fn negotiations_happen_once() {
        let ssl = b"\x04\xd2\x16\x2f";
        assert_eq!(StartupPacket::decode(ssl, OPEN).unwrap(), StartupPacket::SslRequest);
        let closed = Negotiation { tls_open: false, gss_open: false };
        let error = StartupPacket::decode(ssl, closed).unwrap_err();
        assert!(error.message().starts_with("unsupported frontend protocol 1234.5679"), "{error}");
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(version in 0..4usize, rest: Vec<u8>) {
            let versions: [&[u8]; 4] = [b"\0\x03\0\0", b"\x04\xd2\x16\x2e", b"\x04\xd2\x16\x2f", b""];
            let packet = [versions[version], &rest].concat();
            let _ = StartupPacket::decode(&packet, OPEN);
        }
    }
}
