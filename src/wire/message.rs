//! What a logged-in client can say: one closed enum, read from message bodies that may hold anything.
//! A body that lies about its counts or lengths is an error, never a panic and never an allocation.
//!
//! pgwire's structs are not used in this direction: its decoders panic on truncated bodies, take broken
//! UTF-8 for text, and cannot tell a missing string from an empty one.

use std::borrow::Cow;

use bytes::{Buf, Bytes};

use crate::base::encoding::Encoding;
use crate::base::{Error, ErrorKind, Oid, Result};

/// A message of a logged-in client.
#[derive(Debug)]
pub enum FrontendMessage {
    Query {
        text: String,
    },
    Parse {
        statement: String,
        text: String,
        parameter_types: Vec<Oid>,
    },
    Bind(Bind),
    Describe(Target),
    Execute {
        portal: String,
        max_rows: i32,
    },
    Close(Target),
    Flush,
    Sync,
    FunctionCall,
    CopyData(Bytes),
    CopyDone,
    CopyFail {
        reason: String,
    },
    Terminate,
    /// A message of this kind whose body was malformed or too large. It is answered with the error as if
    /// the message itself had failed, unless messages are being skipped until Sync.
    Malformed {
        kind: MessageKind,
        error: Error,
    },
}

/// The parameters of a portal.
#[derive(Debug)]
pub struct Bind {
    pub portal: String,
    pub statement: String,
    /// As sent: none, one for all, or one each; not checked against `parameters` nor the statement.
    pub parameter_formats: Vec<i16>,
    /// `None` is NULL.
    pub parameters: Vec<Option<Bytes>>,
    /// As sent, like `parameter_formats`.
    pub result_formats: Vec<i16>,
}

/// What Describe and Close are about; the empty name is the unnamed one.
#[derive(Debug, PartialEq, Eq)]
pub enum Target {
    Statement(String),
    Portal(String),
}

/// The first byte of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    Query,
    Parse,
    Bind,
    Describe,
    Execute,
    Close,
    Flush,
    Sync,
    FunctionCall,
    CopyData,
    CopyDone,
    CopyFail,
    Terminate,
}

/// Bytes of a message that carries no data of the user's (PostgreSQL's `PQ_SMALL_MESSAGE_LIMIT`).
const SMALL_MESSAGE_BYTES_MAX: usize = 10_000;

impl MessageKind {
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            b'Q' => MessageKind::Query,
            b'P' => MessageKind::Parse,
            b'B' => MessageKind::Bind,
            b'D' => MessageKind::Describe,
            b'E' => MessageKind::Execute,
            b'C' => MessageKind::Close,
            b'H' => MessageKind::Flush,
            b'S' => MessageKind::Sync,
            b'F' => MessageKind::FunctionCall,
            b'd' => MessageKind::CopyData,
            b'c' => MessageKind::CopyDone,
            b'f' => MessageKind::CopyFail,
            b'X' => MessageKind::Terminate,
            _ => return None,
        })
    }

    /// Whether an error in this message makes the server skip messages until Sync; after any other it is
    /// ready for the next query at once.
    pub fn is_extended_query(self) -> bool {
        match self {
            MessageKind::Parse
            | MessageKind::Bind
            | MessageKind::Describe
            | MessageKind::Execute
            | MessageKind::Close
            | MessageKind::Flush => true,
            MessageKind::Query
            | MessageKind::Sync
            | MessageKind::FunctionCall
            | MessageKind::CopyData
            | MessageKind::CopyDone
            | MessageKind::CopyFail
            | MessageKind::Terminate => false,
        }
    }

    /// The largest body of this kind, where any message may have `message_bytes_max`.
    pub fn body_bytes_max(self, message_bytes_max: usize) -> usize {
        match self {
            MessageKind::Query
            | MessageKind::Parse
            | MessageKind::Bind
            | MessageKind::FunctionCall
            | MessageKind::CopyData => message_bytes_max,
            MessageKind::Describe
            | MessageKind::Execute
            | MessageKind::Close
            | MessageKind::Flush
            | MessageKind::Sync
            | MessageKind::CopyDone
            | MessageKind::CopyFail
            | MessageKind::Terminate => message_bytes_max.min(SMALL_MESSAGE_BYTES_MAX),
        }
    }
}

impl FrontendMessage {
    /// Reads a whole body.
    pub fn decode(kind: MessageKind, body: Bytes, encoding: Encoding) -> Self {
        FrontendMessage::try_decode(kind, body, encoding)
            .unwrap_or_else(|error| FrontendMessage::Malformed { kind, error })
    }

    fn try_decode(kind: MessageKind, body: Bytes, encoding: Encoding) -> Result<Self> {
        let mut body = Body(body, encoding);
        let message = match kind {
            MessageKind::Query => FrontendMessage::Query { text: body.text()? },
            MessageKind::Parse => FrontendMessage::Parse {
                statement: body.text()?,
                text: body.text()?,
                parameter_types: body.many(|body| Ok(Oid(body.integer(Bytes::try_get_u32)?)))?,
            },
            MessageKind::Bind => FrontendMessage::Bind(Bind {
                portal: body.text()?,
                statement: body.text()?,
                parameter_formats: body.many(|body| body.integer(Bytes::try_get_i16))?,
                parameters: body.many(Body::value)?,
                result_formats: body.many(|body| body.integer(Bytes::try_get_i16))?,
            }),
            MessageKind::Describe => FrontendMessage::Describe(body.target("DESCRIBE")?),
            MessageKind::Close => FrontendMessage::Close(body.target("CLOSE")?),
            MessageKind::Execute => FrontendMessage::Execute {
                portal: body.text()?,
                max_rows: body.integer(Bytes::try_get_i32)?,
            },
            MessageKind::Flush => FrontendMessage::Flush,
            MessageKind::Sync => FrontendMessage::Sync,
            // Refused whatever it says, so nothing of it is read.
            MessageKind::FunctionCall => return Ok(FrontendMessage::FunctionCall),
            MessageKind::CopyData => return Ok(FrontendMessage::CopyData(body.0)),
            MessageKind::CopyDone => FrontendMessage::CopyDone,
            MessageKind::CopyFail => FrontendMessage::CopyFail { reason: body.text()? },
            // PostgreSQL leaves without reading further.
            MessageKind::Terminate => return Ok(FrontendMessage::Terminate),
        };
        body.end()?;
        Ok(message)
    }
}

/// The rest of a message body.
struct Body(Bytes, Encoding);

impl Body {
    fn integer<T>(
        &mut self,
        get: impl FnOnce(&mut Bytes) -> std::result::Result<T, bytes::TryGetError>,
    ) -> Result<T> {
        get(&mut self.0).map_err(|_| insufficient())
    }

    fn bytes(&mut self, length: usize) -> Result<Bytes> {
        if length > self.0.len() {
            return Err(insufficient());
        }
        Ok(self.0.split_to(length))
    }

    /// Text up to a zero byte.
    fn text(&mut self) -> Result<String> {
        let Some(length) = self.0.iter().position(|byte| *byte == 0) else {
            return Err(Error::new(ErrorKind::ProtocolViolation, "invalid string in message"));
        };
        let text = self.0.split_to(length);
        self.0.advance(1);
        match self.1.is_same() {
            true => utf8(&text).map(str::to_owned),
            false => self.1.decode(&text).map(Cow::into_owned),
        }
    }

    /// A 16-bit count and as many elements. The vector grows with what is really there.
    fn many<T>(&mut self, element: impl Fn(&mut Body) -> Result<T>) -> Result<Vec<T>> {
        let count = self.integer(Bytes::try_get_u16)?;
        (0..count).map(|_| element(self)).collect()
    }

    /// A 32-bit length and as many bytes; length -1 is NULL.
    fn value(&mut self) -> Result<Option<Bytes>> {
        match self.integer(Bytes::try_get_i32)? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| insufficient())?;
                self.bytes(length).map(Some)
            }
        }
    }

    fn target(&mut self, message: &str) -> Result<Target> {
        let subtype = self
            .0
            .try_get_u8()
            .map_err(|_| Error::new(ErrorKind::ProtocolViolation, "no data left in message"))?;
        let name = self.text()?;
        match subtype {
            b'S' => Ok(Target::Statement(name)),
            b'P' => Ok(Target::Portal(name)),
            other => Err(Error::new(
                ErrorKind::ProtocolViolation,
                format!("invalid {message} message subtype {other}"),
            )),
        }
    }

    fn end(&self) -> Result<()> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::ProtocolViolation, "invalid message format")),
        }
    }
}

fn insufficient() -> Error {
    Error::new(ErrorKind::ProtocolViolation, "insufficient data left in message")
}

/// Text from a client, which speaks UTF-8.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let length = error.error_len().unwrap_or(4);
        let broken: Vec<String> =
            bytes.iter().skip(at).take(length).map(|byte| format!("0x{byte:02x}")).collect();
        Error::new(
            ErrorKind::CharacterNotInRepertoire,
            format!("invalid byte sequence for encoding \"UTF8\": {}", broken.join(" ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KINDS: &[u8] = b"QPBDECHSFdcfX";

    fn error(kind: MessageKind, body: &[u8]) -> String {
        match FrontendMessage::decode(kind, Bytes::copy_from_slice(body), Encoding::default()) {
            FrontendMessage::Malformed { error, .. } => {
                format!("{} {}", error.sqlstate(), error.message())
            }
            message => panic!("{message:?}"),
        }
    }

    #[test]
    fn reads_a_bind() {
        let body = b"p\0s\0\0\x01\0\x01\0\x02\xff\xff\xff\xff\0\0\0\x02ab\0\x00";
        let message = FrontendMessage::decode(
            MessageKind::Bind,
            Bytes::from_static(body),
            Encoding::default(),
        );
        let FrontendMessage::Bind(bind) = message else { panic!("{message:?}") };
        assert_eq!((bind.portal.as_str(), bind.statement.as_str()), ("p", "s"));
        assert_eq!(bind.parameter_formats, [1]);
        assert_eq!(bind.parameters, [None, Some(Bytes::from_static(b"ab"))]);
        assert!(bind.result_formats.is_empty());
    }

    #[test]
    fn lies_are_errors() {
        use MessageKind::*;
        assert_eq!(error(Query, b"select 1"), "08P01 invalid string in message");
        assert_eq!(error(Query, b"select 1\0x"), "08P01 invalid message format");
        let broken = "22021 invalid byte sequence for encoding \"UTF8\": 0xff";
        assert_eq!(error(Query, b"a\xff\0"), broken);
        let short = "08P01 insufficient data left in message";
        assert_eq!(error(Parse, b"\0\0\xff\xff"), short);
        assert_eq!(error(Bind, b"\0\0\0\0\0\x01\x7f\xff\xff\xff"), short);
        assert_eq!(error(Bind, b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0"), short);
        assert_eq!(error(Bind, b"\0\0"), short);
        assert_eq!(error(Execute, b"\0\0"), short);
        assert_eq!(error(Describe, b"X\0"), "08P01 invalid DESCRIBE message subtype 88");
        assert_eq!(error(Close, b""), "08P01 no data left in message");
        assert_eq!(error(Sync, b"x"), "08P01 invalid message format");
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(kind in 0..KINDS.len(), body: Vec<u8>) {
            let kind = MessageKind::from_byte(KINDS[kind]).unwrap();
            FrontendMessage::decode(kind, Bytes::from(body), Encoding::default());
        }
    }
}
