//! One client's connection as messages: whole messages in, bytes of messages out. It knows no session and
//! answers nothing itself; it bounds what a client can make it hold.

use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use pgwire::messages::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::base::encoding::Encoding;
use crate::base::{Error, ErrorKind, Result};

use super::charset::encode_messages;
use super::error::{Severity, write_error};
use super::message::{FrontendMessage, MessageKind};
use super::tls::ByteStream;

/// Type byte and length word.
const HEADER_BYTES: usize = 5;

/// The type of the message that ends a series of the extended protocol.
const SYNC: u8 = b'S';
/// Bytes of the length word, which counts itself.
const LENGTH_BYTES: usize = 4;
/// What one read asks for at least.
const READ_BYTES: usize = 8 << 10;
/// What is read ahead of a running statement to see whether the client is still there. Once a client has
/// pipelined so much, its leaving is seen when the next answer is written.
const READ_AHEAD_BYTES_MAX: usize = 64 << 10;
/// Buffers that grew beyond this are given back when the session waits for its client.
const KEPT_BUFFER_BYTES: usize = 64 << 10;
/// How long a connection stays open after its last message, for the client to read it.
const LINGER: Duration = Duration::from_millis(500);

/// A framed connection to one client, over TCP or TLS.
///
/// Every `async fn` here may be dropped at any await (`select!`) without losing bytes.
pub struct Socket {
    stream: Box<dyn ByteStream>,
    incoming: BytesMut,
    outgoing: BytesMut,
    message_bytes_max: usize,
    oversized: Option<Oversized>,
    /// The most that went through either buffer since they were last given back.
    buffered_peak: usize,
    ended: bool,
    /// The client's character set, and how much of `outgoing` is in it already.
    encoding: Encoding,
    encoded: usize,
}

/// A message that is being read and dropped.
struct Oversized {
    kind: MessageKind,
    length: usize,
    left: usize,
}

/// A message of the login, before any other may come.
#[derive(Debug)]
pub(super) struct PasswordMessage(pub Bytes);

impl Socket {
    /// `incoming` holds what was read beyond the startup packet.
    pub(super) fn new(
        stream: Box<dyn ByteStream>,
        incoming: BytesMut,
        message_bytes_max: usize,
    ) -> Self {
        Socket {
            stream,
            incoming,
            outgoing: BytesMut::with_capacity(READ_BYTES),
            message_bytes_max,
            oversized: None,
            buffered_peak: 0,
            ended: false,
            encoding: Encoding::default(),
            encoded: 0,
        }
    }

    /// The next message; `None` when the client has left. Flushes nothing.
    ///
    /// A message with a malformed body, or larger than the limit, comes as
    /// [`FrontendMessage::Malformed`] and the next one can be read.
    ///
    /// # Errors
    /// 08P01 (fatal: where the next message begins is unknown), 08006 (nobody is there to be told).
    pub async fn read(&mut self) -> Result<Option<FrontendMessage>> {
        loop {
            if let Some(message) = self.next_buffered()? {
                return Ok(Some(message));
            }
            self.give_back_buffers();
            if self.ended || !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// Resolves when the client has left, for `select!` beside running work. Messages that arrive
    /// meanwhile wait for [`Socket::read`]; with [`READ_AHEAD_BYTES_MAX`] of them waiting it never resolves.
    pub async fn closed(&mut self) {
        while !self.ended && self.incoming.len() < READ_AHEAD_BYTES_MAX {
            if self.fill().await.is_err() {
                return;
            }
        }
        if !self.ended {
            std::future::pending().await
        }
    }

    /// Where the bytes of outgoing messages are written. Nothing leaves before a flush.
    pub fn out(&mut self) -> &mut BytesMut {
        &mut self.outgoing
    }

    /// Writes a message into [`Socket::out`].
    ///
    /// # Errors
    /// XX000 when pgwire cannot encode it; nothing is written then.
    pub fn send<M: Message>(&mut self, message: M) -> Result<()> {
        let start = self.outgoing.len();
        self.outgoing.extend(M::message_type());
        let length_at = self.outgoing.len();
        self.outgoing.put_i32(0);
        if let Err(error) = message.encode_body(&mut self.outgoing) {
            self.outgoing.truncate(start);
            return Err(Error::internal("a message cannot be encoded").caused_by(error));
        }
        set_length(&mut self.outgoing, length_at);
        Ok(())
    }

    /// Writes an ErrorResponse into [`Socket::out`].
    pub fn send_error(&mut self, error: &Error, severity: Severity) {
        write_error(&mut self.outgoing, error, severity);
    }

    /// From now on the client reads and writes in this character set.
    pub fn set_encoding(&mut self, encoding: Encoding) {
        if self.encoding != encoding {
            self.encode();
            self.encoding = encoding;
        }
    }

    /// Puts the messages that wait into the client's character set.
    fn encode(&mut self) {
        if !self.encoding.is_same() {
            let messages = self.outgoing.split_off(self.encoded);
            self.outgoing.unsplit(encode_messages(self.encoding, messages));
        }
        self.encoded = self.outgoing.len();
    }

    /// Sends all that [`Socket::out`] holds.
    ///
    /// # Errors
    /// 08006 when the client has left.
    pub async fn flush(&mut self) -> Result<()> {
        self.buffered_peak = self.buffered_peak.max(self.outgoing.len());
        self.encode();
        while self.outgoing.has_remaining() {
            let sent = self.stream.write_buf(&mut self.outgoing).await.map_err(lost)?;
            self.encoded = self.outgoing.len();
            if sent == 0 {
                return Err(lost(std::io::ErrorKind::WriteZero.into()));
            }
        }
        self.stream.flush().await.map_err(lost)
    }

    /// Sends what is left and closes. A client that is still sending gets the time to read the last
    /// message: closing on unread bytes would make the kernel throw it away.
    pub async fn close(mut self) {
        let farewell = async {
            self.flush().await?;
            self.stream.shutdown().await.map_err(lost)?;
            let mut dropped = 0;
            while dropped < self.message_bytes_max && !self.ended {
                self.incoming.clear();
                self.fill().await?;
                dropped += self.incoming.len();
            }
            Ok::<_, Error>(())
        };
        // Whether the client heard it is nobody's concern any more.
        let _ = tokio::time::timeout(LINGER, farewell).await;
    }

    /// The next message of the login; `None` when the client has left.
    ///
    /// # Errors
    /// 08P01 for any other message or one above `bytes_max`.
    pub(super) async fn read_password_message(
        &mut self,
        bytes_max: usize,
    ) -> Result<Option<PasswordMessage>> {
        loop {
            if let Some((kind, length)) = self.header()? {
                if kind != b'p' {
                    return Err(Error::new(
                        ErrorKind::ProtocolViolation,
                        format!("expected SASL response, got message type {kind}"),
                    ));
                }
                if length > bytes_max {
                    return Err(invalid_length());
                }
                if let Some(body) = self.take_body(length) {
                    return Ok(Some(PasswordMessage(body)));
                }
            }
            if self.ended || !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// Reads what is there; `false` when the client has left.
    async fn fill(&mut self) -> Result<bool> {
        // Grows with what has come, never with what a length word promises.
        if self.incoming.capacity() - self.incoming.len() < READ_BYTES / 2 {
            self.incoming.reserve(READ_BYTES.max(self.incoming.len()));
        }
        let read = match self.stream.read_buf(&mut self.incoming).await {
            // How a client leaves that does not take its leave: without TLS's close_notify, by a reset.
            Err(error) if matches!(error.kind(), UnexpectedEof | ConnectionReset) => Ok(0),
            read => read.map_err(lost),
        };
        self.ended = !matches!(read, Ok(1..));
        read.map(|bytes| bytes > 0)
    }

    fn next_buffered(&mut self) -> Result<Option<FrontendMessage>> {
        if let Some(oversized) = &mut self.oversized {
            let dropped = oversized.left.min(self.incoming.len());
            self.incoming.advance(dropped);
            oversized.left -= dropped;
            if oversized.left > 0 {
                return Ok(None);
            }
            let (kind, length) = (oversized.kind, oversized.length);
            self.oversized = None;
            let most = kind.body_bytes_max(self.message_bytes_max);
            let error = Error::new(ErrorKind::ProgramLimitExceeded, "message is too large")
                .with_detail(format!("It has {length} bytes; the limit is {most} bytes."));
            return Ok(Some(FrontendMessage::Malformed { kind, error }));
        }
        let Some((byte, length)) = self.header()? else {
            return Ok(None);
        };
        let Some(kind) = MessageKind::from_byte(byte) else {
            return Err(Error::new(
                ErrorKind::ProtocolViolation,
                format!("invalid frontend message type {byte}"),
            ));
        };
        if length > kind.body_bytes_max(self.message_bytes_max) {
            self.incoming.advance(HEADER_BYTES);
            self.oversized = Some(Oversized { kind, length, left: length });
            return self.next_buffered();
        }
        Ok(self.take_body(length).map(|body| FrontendMessage::decode(kind, body, self.encoding)))
    }

    /// Whether a Sync is what comes next, as far as the client has sent already.
    pub fn sync_follows(&self) -> bool {
        self.incoming.first() == Some(&SYNC)
    }

    /// The type byte and the length of the body of the message that comes next.
    fn header(&self) -> Result<Option<(u8, usize)>> {
        let Some(&[kind, a, b, c, d]) = self.incoming.first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        usize::try_from(i32::from_be_bytes([a, b, c, d]))
            .ok()
            .and_then(|length| length.checked_sub(LENGTH_BYTES))
            .map(|length| Some((kind, length)))
            .ok_or_else(invalid_length)
    }

    fn take_body(&mut self, length: usize) -> Option<Bytes> {
        if self.incoming.len() < HEADER_BYTES + length {
            return None;
        }
        self.incoming.advance(HEADER_BYTES);
        self.buffered_peak = self.buffered_peak.max(length);
        Some(self.incoming.split_to(length).freeze())
    }

    /// An idle session keeps no buffer that one large message or answer has grown.
    fn give_back_buffers(&mut self) {
        let idle = self.incoming.is_empty() && self.outgoing.is_empty();
        if idle && self.buffered_peak > KEPT_BUFFER_BYTES {
            self.incoming = BytesMut::new();
            self.outgoing = BytesMut::new();
            self.buffered_peak = 0;
        }
    }
}

/// Writes the length word at `length_at` for a message that ends where `out` does.
pub(super) fn set_length(out: &mut BytesMut, length_at: usize) {
    // No encoder lets a message come near the 2 GiB that the word can tell.
    let length = i32::try_from(out.len() - length_at).unwrap_or(i32::MAX);
    if let Some(word) = out.get_mut(length_at..length_at + LENGTH_BYTES) {
        word.copy_from_slice(&length.to_be_bytes());
    }
}

fn invalid_length() -> Error {
    Error::new(ErrorKind::ProtocolViolation, "invalid message length")
}

fn lost(error: std::io::Error) -> Error {
    Error::new(ErrorKind::ConnectionFailure, "connection to client lost").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::DuplexStream;

    const LIMIT: usize = 100_000;

    fn pair() -> (Socket, DuplexStream) {
        let (client, server) = tokio::io::duplex(1 << 20);
        (Socket::new(Box::new(server), BytesMut::new(), LIMIT), client)
    }

    fn message(kind: u8, length: i32, body: &[u8]) -> Vec<u8> {
        [&[kind][..], &length.to_be_bytes(), body].concat()
    }

    fn query(text: &str) -> Vec<u8> {
        message(b'Q', text.len() as i32 + 5, format!("{text}\0").as_bytes())
    }

    async fn next_query(socket: &mut Socket) -> String {
        match socket.read().await.unwrap() {
            Some(FrontendMessage::Query { text }) => text,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn reads_messages_however_they_are_cut() {
        let (mut socket, mut client) = pair();
        let bytes = [query("one"), query("two"), message(b'S', 4, b"")].concat();
        let writing = async {
            for byte in bytes {
                client.write_all(&[byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(client);
        };
        let reading = async {
            assert_eq!(next_query(&mut socket).await, "one");
            assert_eq!(next_query(&mut socket).await, "two");
            assert!(matches!(socket.read().await, Ok(Some(FrontendMessage::Sync))));
            assert!(socket.read().await.unwrap().is_none());
        };
        tokio::join!(writing, reading);
    }

    #[tokio::test]
    async fn a_dropped_read_loses_nothing() {
        let (mut socket, mut client) = pair();
        client.write_all(&query("hello")[..7]).await.unwrap();
        let brief = Duration::from_millis(5);
        assert!(tokio::time::timeout(brief, socket.read()).await.is_err());
        assert!(tokio::time::timeout(brief, socket.closed()).await.is_err());
        client.write_all(&query("hello")[7..]).await.unwrap();
        assert_eq!(next_query(&mut socket).await, "hello");
    }

    #[tokio::test]
    async fn an_oversized_message_is_dropped_and_the_next_one_read() {
        let (mut socket, mut client) = pair();
        let writing = async {
            client.write_all(&query(&"x".repeat(LIMIT))).await.unwrap();
            client.write_all(&message(b'D', 20_004, &[0; 20_000])).await.unwrap();
            client.write_all(&query("next")).await.unwrap();
        };
        let reading = async {
            for expected in [MessageKind::Query, MessageKind::Describe] {
                match socket.read().await.unwrap() {
                    Some(FrontendMessage::Malformed { kind, error }) => {
                        assert_eq!((kind, error.sqlstate()), (expected, "54000"));
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(next_query(&mut socket).await, "next");
        };
        tokio::join!(writing, reading);
    }

    #[tokio::test]
    async fn a_promised_length_allocates_nothing() {
        let (client, server) = tokio::io::duplex(1 << 10);
        let mut socket = Socket::new(Box::new(server), BytesMut::new(), 1 << 30);
        let mut client = client;
        client.write_all(&message(b'Q', 1 << 29, b"select")).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(5), socket.read()).await.is_err());
        assert!(socket.incoming.capacity() < 64 << 10);
    }

    #[tokio::test]
    async fn lengths_and_types_that_lose_the_thread_are_fatal() {
        for bytes in [
            message(b'Q', 3, b""),
            message(b'Q', -1, b""),
            message(b'Q', i32::MIN, b""),
            message(b'z', 4, b""),
            message(b'p', 4, b""),
        ] {
            let (mut socket, mut client) = pair();
            client.write_all(&bytes).await.unwrap();
            assert_eq!(socket.read().await.unwrap_err().sqlstate(), "08P01", "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn leaving_is_seen_behind_pipelined_messages() {
        let (mut socket, mut client) = pair();
        client.write_all(&query("waiting")).await.unwrap();
        drop(client);
        socket.closed().await;
        assert_eq!(next_query(&mut socket).await, "waiting");
        assert!(socket.read().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn reading_ahead_is_bounded() {
        let (mut socket, mut client) = pair();
        let writing = async {
            client.write_all(&vec![0; 900_000]).await.unwrap();
            drop(client);
        };
        tokio::join!(writing, async {
            let watched = tokio::time::timeout(Duration::from_millis(20), socket.closed()).await;
            assert!(watched.is_err());
            assert!(socket.incoming.len() < 4 * READ_AHEAD_BYTES_MAX);
        });
    }

    #[tokio::test]
    async fn large_messages_leave_no_large_buffers() {
        let (mut socket, mut client) = pair();
        client.write_all(&query(&"x".repeat(LIMIT - 10))).await.unwrap();
        client.write_all(&message(b'S', 4, b"")).await.unwrap();
        assert_eq!(next_query(&mut socket).await.len(), LIMIT - 10);
        assert!(matches!(socket.read().await, Ok(Some(FrontendMessage::Sync))));
        assert!(tokio::time::timeout(Duration::from_millis(5), socket.read()).await.is_err());
        assert!(socket.incoming.capacity() <= KEPT_BUFFER_BYTES);
    }
}
