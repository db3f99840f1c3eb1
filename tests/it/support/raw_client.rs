//! A blocking PostgreSQL client that sends any bytes and shows every message, for what real drivers hide:
//! text results in the extended protocol, pipelines, malformed messages.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Endpoint, scram};

/// A server that says nothing for so long has forgotten us.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection that has logged in.
pub struct RawClient {
    stream: TcpStream,
    endpoint: Endpoint,
    /// From BackendKeyData.
    key: Vec<u8>,
    read_timeout: Duration,
}

/// A message of the server.
#[derive(Debug, Clone)]
pub struct BackendMessage {
    pub kind: u8,
    pub body: Vec<u8>,
}

/// The last result of a query.
#[derive(Debug, Default)]
pub struct ResultSet {
    /// Names and type OIDs.
    pub columns: Vec<(String, u32)>,
    pub rows: Vec<Vec<Option<String>>>,
    pub tag: String,
}

/// An ErrorResponse, or the end of the connection (08006).
#[derive(Debug, Clone)]
pub struct SqlError {
    pub sqlstate: String,
    pub message: String,
    /// Empty where there is none, as the hint.
    pub detail: String,
    pub hint: String,
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.sqlstate, self.message)?;
        for (name, text) in [("DETAIL", &self.detail), ("HINT", &self.hint)] {
            if !text.is_empty() {
                write!(f, " {name}: {text}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for SqlError {}

impl From<io::Error> for SqlError {
    fn from(error: io::Error) -> Self {
        SqlError {
            sqlstate: "08006".to_owned(),
            message: error.to_string(),
            detail: String::new(),
            hint: String::new(),
        }
    }
}

/// A message with its type byte and its true length.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

impl RawClient {
    /// Connects and logs in, by SCRAM where asked to; `settings` go into the startup packet.
    pub fn connect(endpoint: &Endpoint, settings: &[(&str, &str)]) -> Result<Self, SqlError> {
        let stream = TcpStream::connect(endpoint.address)?;
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        stream.set_nodelay(true)?;
        let mut client = RawClient {
            stream,
            endpoint: endpoint.clone(),
            key: Vec::new(),
            read_timeout: READ_TIMEOUT,
        };
        let mut body = (3u32 << 16).to_be_bytes().to_vec();
        let who = [("user", endpoint.user.as_str()), ("database", endpoint.database.as_str())];
        for (name, value) in who.iter().chain(settings) {
            body.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
        }
        body.push(0);
        let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
        client.send(&[&length.to_be_bytes()[..], &body].concat())?;
        client.log_in()?;
        Ok(client)
    }

    fn log_in(&mut self) -> Result<(), SqlError> {
        let password = self.endpoint.password.clone().unwrap_or_default();
        loop {
            let answer = self.receive()?;
            let mut fields = Fields::new(&answer.body);
            match answer.kind {
                b'R' => match fields.i32() {
                    0 => {}
                    10 => {
                        let first = scram::first();
                        let mut body = b"SCRAM-SHA-256\0".to_vec();
                        body.extend_from_slice(&(first.len() as u32).to_be_bytes());
                        body.extend_from_slice(first.as_bytes());
                        self.send(&message(b'p', &body))?;
                    }
                    11 => {
                        let said = String::from_utf8_lossy(fields.rest());
                        let last = scram::last(&password, &said)?;
                        self.send(&message(b'p', last.as_bytes()))?;
                    }
                    // The server's own proof: who it is, these tests know.
                    12 => {}
                    other => return Err(io::Error::other(format!("authentication {other}")).into()),
                },
                b'K' => self.key = answer.body,
                b'E' => return Err(answer.error()),
                b'Z' => return Ok(()),
                _ => {}
            }
        }
    }

    /// How long an answer may take.
    pub fn wait_at_most(&mut self, timeout: Duration) {
        self.read_timeout = timeout;
        let _ = self.stream.set_read_timeout(Some(timeout));
    }

    /// Says that nothing more will be sent.
    pub fn end_sending(&self) -> io::Result<()> {
        self.stream.shutdown(std::net::Shutdown::Write)
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// The next message.
    ///
    /// # Errors
    /// `UnexpectedEof` when the server has closed, `WouldBlock` when it says nothing for long.
    pub fn receive(&mut self) -> io::Result<BackendMessage> {
        let mut header = [0; 5];
        self.stream.read_exact(&mut header)?;
        let [kind, a, b, c, d] = header;
        let length = u32::from_be_bytes([a, b, c, d]).saturating_sub(4);
        let mut body = vec![0; length as usize];
        self.stream.read_exact(&mut body)?;
        Ok(BackendMessage { kind, body })
    }

    /// Waits for the server to say something or to close; `false` when it has not after `timeout`.
    pub fn wait(&self, timeout: Duration) -> io::Result<bool> {
        self.stream.set_read_timeout(Some(timeout))?;
        let there = match self.stream.peek(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Ok(_) | Err(_) => true,
        };
        self.stream.set_read_timeout(Some(self.read_timeout))?;
        Ok(there)
    }

    /// Asks for the end of the running statement, over a connection of its own.
    pub fn cancel(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect(self.endpoint.address)?;
        let length = u32::try_from(self.key.len() + 8).unwrap_or(u32::MAX);
        let code = 80_877_102_u32;
        stream.write_all(&[&length.to_be_bytes(), &code.to_be_bytes(), &self.key[..]].concat())?;
        stream.read_to_end(&mut Vec::new()).map(|_| ())
    }

    /// Runs a text in the simple protocol; the last result counts.
    pub fn simple_query(&mut self, text: &str) -> Result<ResultSet, SqlError> {
        self.send(&message(b'Q', format!("{text}\0").as_bytes()))?;
        self.result_until_ready()
    }

    /// The fields of the error that a statement fails with; none when it does not.
    pub fn all_that_is_told(&mut self, text: &str) -> Vec<(u8, String)> {
        let mut told = Vec::new();
        let sent = self.send(&message(b'Q', format!("{text}\0").as_bytes()));
        while sent.is_ok()
            && let Ok(answer) = self.receive()
            && answer.kind != b'Z'
        {
            if answer.kind == b'E' {
                told = answer.error_fields();
            }
        }
        told
    }

    /// Runs one statement in the extended protocol, with all results in text.
    pub fn extended_query(&mut self, text: &str) -> Result<ResultSet, SqlError> {
        let parse = message(b'P', format!("\0{text}\0\0\0").as_bytes());
        let bind = message(b'B', b"\0\0\0\0\0\0\0\0");
        let describe = message(b'D', b"P\0");
        let execute = message(b'E', b"\0\0\0\0\0");
        let sync = message(b'S', b"");
        self.send(&[parse, bind, describe, execute, sync].concat())?;
        self.result_until_ready()
    }

    /// Runs a COPY FROM STDIN with these rows.
    pub fn copy_in(&mut self, text: &str, rows: &[u8]) -> Result<(), SqlError> {
        self.begin_copy_in(text)?;
        self.send(&[message(b'd', rows), message(b'c', b"")].concat())?;
        self.result_until_ready().map(drop)
    }

    /// Starts a COPY FROM STDIN; its rows may follow.
    pub fn begin_copy_in(&mut self, text: &str) -> Result<(), SqlError> {
        self.send(&message(b'Q', format!("{text}\0").as_bytes()))?;
        match self.receive()? {
            BackendMessage { kind: b'G', .. } => Ok(()),
            answer => {
                self.result_until_ready()?;
                Err(answer.error())
            }
        }
    }

    /// Reads to the end of the answer, to the last result of it.
    pub fn result_until_ready(&mut self) -> Result<ResultSet, SqlError> {
        let mut result = ResultSet::default();
        let mut error = None;
        loop {
            let answer = match self.receive() {
                Ok(answer) => answer,
                // A session that ends says why, and nothing more.
                Err(lost) => return Err(error.unwrap_or_else(|| lost.into())),
            };
            match answer.kind {
                b'T' => result = ResultSet { columns: answer.columns(), ..ResultSet::default() },
                b'D' => result.rows.push(answer.text_row()),
                b'C' => result.tag = Fields::new(&answer.body).text(),
                b'E' => error = Some(answer.error()),
                b'Z' => return error.map_or(Ok(result), Err),
                _ => {}
            }
        }
    }
}

impl BackendMessage {
    /// An ErrorResponse as an error.
    pub fn error(&self) -> SqlError {
        let fields = self.error_fields();
        let field = |name: u8| {
            let found = fields.iter().find(|(field, _)| *field == name);
            found.map(|(_, text)| text.clone()).unwrap_or_default()
        };
        SqlError {
            sqlstate: field(b'C'),
            message: field(b'M'),
            detail: field(b'D'),
            hint: field(b'H'),
        }
    }

    /// The fields of an ErrorResponse or NoticeResponse.
    pub fn error_fields(&self) -> Vec<(u8, String)> {
        let parts = self.body.split(|byte| *byte == 0);
        parts
            .filter_map(|part| part.split_first())
            .map(|(name, text)| (*name, String::from_utf8_lossy(text).into_owned()))
            .collect()
    }

    fn columns(&self) -> Vec<(String, u32)> {
        let mut fields = Fields::new(&self.body);
        let count = fields.u16();
        let column = |_| {
            let name = fields.text();
            fields.skip(6);
            let oid = fields.u32();
            fields.skip(8);
            (name, oid)
        };
        (0..count).map(column).collect()
    }

    fn text_row(&self) -> Vec<Option<String>> {
        let values = self.row();
        let text = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
        values.into_iter().map(|value| value.map(text)).collect()
    }

    /// The values of a DataRow.
    pub fn row(&self) -> Vec<Option<Vec<u8>>> {
        let mut fields = Fields::new(&self.body);
        (0..fields.u16()).map(|_| fields.value()).collect()
    }
}

/// The rest of a message body; beyond its end, all is zero and empty.
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub fn new(body: &'a [u8]) -> Self {
        Fields(body)
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((bytes, rest)) = self.0.split_first_chunk::<N>() else { return [0; N] };
        self.0 = rest;
        *bytes
    }

    pub fn u8(&mut self) -> u8 {
        u8::from_be_bytes(self.take())
    }

    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.take())
    }

    pub fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.take())
    }

    pub fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.take())
    }

    pub fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.take())
    }

    pub fn text(&mut self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }

    /// A value after its length; `None` for NULL.
    pub fn value(&mut self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.i32()).ok()?;
        let (value, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        Some(value.to_vec())
    }

    pub fn skip(&mut self, bytes: usize) {
        self.0 = self.0.get(bytes..).unwrap_or_default();
    }

    pub fn rest(&self) -> &'a [u8] {
        self.0
    }
}
