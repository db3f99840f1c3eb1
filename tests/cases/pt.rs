//! The `.pt` files: messages that a client sends and the messages that must come back.
//!
//! ```text
//! # A comment.
//! send [conn=NAME] [only=lakegate|postgres] [fragmented]
//! Query {"query": "SELECT 1"}
//!
//! until [conn=NAME] [only=lakegate|postgres] [ignore=NoticeResponse,…] [brief]
//!     [cancelling]
//! ReadyForQuery
//! ----
//! RowDescription {"fields":[…]}
//! …
//! ```
//! - `send` writes its messages in one piece; `Raw {"hex": "51 00"}` writes bytes, `Raw {"type": "B", "body":
//!   "hex"}` a body with its true length, `{"type": "B", "size": n}` one of n zero bytes, `Cancel` asks for a cancel over a connection of its own.
//! - `until` reads until the named messages have come, one after the other, and compares all that came.
//!   `Closed` stands for the end of the connection; `brief` leaves only severity and code of errors.
//! - `until cancelling` asks for a cancel again and again meanwhile: one that comes before the statement has
//!   begun is lost, and nothing tells when it has.
//! - `only` marks where the two servers differ on purpose; a comment says why.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::support::{BackendMessage, Endpoint, Fields, RawClient, message};
use super::{Servers, Target, files, name_of, schema_of, trial};

pub fn trials(folder: &Path, target: Target, servers: &Arc<Servers>) -> Vec<Trial> {
    let case = |file: PathBuf| {
        let (name, servers) = (name_of(&file, folder), Arc::clone(servers));
        let schema = schema_of(&["pt", &name]);
        trial("pt", target, &name, move || run(&file, &schema, target, &servers))
    };
    files(folder, "pt").into_iter().map(case).collect()
}

fn run(file: &Path, schema: &str, target: Target, servers: &Servers) -> Result<(), Failed> {
    let text = std::fs::read_to_string(file)?;
    let blocks = parse(&text)?;
    let endpoint = servers.prepare(target, schema)?;
    let mut connections = Connections { endpoint, schema, open: BTreeMap::new() };
    let mut written = String::new();
    let mut differences = String::new();
    for block in blocks {
        let Block::Exchange(exchange) = &block else {
            written.push_str(&block.to_string());
            continue;
        };
        if exchange.only.is_some_and(|only| only != target) {
            written.push_str(&block.to_string());
            continue;
        }
        let connection = connections.get(&exchange.connection)?;
        match &exchange.expected {
            None => {
                exchange.send(connection).map_err(|reason| exchange.complain(file, &reason))?;
                written.push_str(&block.to_string());
            }
            Some(expected) => {
                let came = exchange.receive(connection)?;
                if came != *expected {
                    let reason = difference(expected, &came);
                    differences.push_str(&exchange.complain(file, &reason));
                }
                let answered = Exchange { expected: Some(came), ..exchange.clone() };
                written.push_str(&Block::Exchange(answered).to_string());
            }
        }
    }
    if target.is_blessed() {
        std::fs::write(file, written.trim_end().to_owned() + "\n")?;
        return Ok(());
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.into()) }
}

/// The connections of a file, opened when they are first named.
struct Connections<'a> {
    endpoint: Endpoint,
    schema: &'a str,
    open: BTreeMap<String, RawClient>,
}

impl Connections<'_> {
    fn get(&mut self, name: &str) -> Result<&mut RawClient, Failed> {
        if !self.open.contains_key(name) {
            let settings = [("search_path", self.schema), ("TimeZone", "UTC")];
            let client = RawClient::connect(&self.endpoint, &settings)?;
            self.open.insert(name.to_owned(), client);
        }
        self.open.get_mut(name).ok_or_else(|| "no connection".into())
    }
}

// ---- the file ------------------------------------------------------------------------------------

enum Block {
    /// Comments and empty lines, kept when the file is written again.
    Text(String),
    Exchange(Exchange),
}

#[derive(Debug, Clone)]
struct Exchange {
    /// 1-based.
    line: usize,
    header: String,
    connection: String,
    only: Option<Target>,
    ignore: Vec<String>,
    brief: bool,
    /// Send byte by byte.
    fragmented: bool,
    /// Ask for cancels while waiting.
    cancelling: bool,
    /// Messages to send, or names to wait for.
    lines: Vec<String>,
    /// `None` for `send`.
    expected: Option<Vec<String>>,
}

impl std::fmt::Display for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Block::Text(text) => writeln!(f, "{text}"),
            Block::Exchange(exchange) => {
                writeln!(f, "{}", exchange.header)?;
                exchange.lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
                if let Some(expected) = &exchange.expected {
                    writeln!(f, "----")?;
                    expected.iter().try_for_each(|line| writeln!(f, "{line}"))?;
                }
                writeln!(f)
            }
        }
    }
}

fn parse(text: &str) -> Result<Vec<Block>, Failed> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            blocks.push(Block::Text(line.to_owned()));
            continue;
        }
        let mut exchange = Exchange::of_header(line, at + 1)?;
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.is_empty()) {
            match &mut exchange.expected {
                Some(expected) if line != "----" => expected.push(line.to_owned()),
                None if line == "----" => exchange.expected = Some(Vec::new()),
                _ => exchange.lines.push(line.to_owned()),
            }
        }
        // The empty line that ends a block belongs to it.
        lines.next();
        if exchange.header.starts_with("until") && exchange.expected.is_none() {
            exchange.expected = Some(Vec::new());
        }
        blocks.push(Block::Exchange(exchange));
    }
    Ok(blocks)
}

impl Exchange {
    fn of_header(header: &str, line: usize) -> Result<Self, Failed> {
        let mut words = header.split_whitespace();
        let command = words.next().unwrap_or_default();
        if !["send", "until"].contains(&command) {
            return Err(format!("line {line}: unknown block {command:?}").into());
        }
        let mut exchange = Exchange {
            line,
            header: header.to_owned(),
            connection: String::new(),
            only: None,
            ignore: Vec::new(),
            brief: false,
            fragmented: false,
            cancelling: false,
            lines: Vec::new(),
            expected: None,
        };
        for word in words {
            match word.split_once('=') {
                Some(("conn", name)) => exchange.connection = name.to_owned(),
                Some(("only", name)) if Target::from_name(name).is_some() => {
                    exchange.only = Target::from_name(name);
                }
                Some(("ignore", names)) => {
                    exchange.ignore = names.split(',').map(str::to_owned).collect();
                }
                None if word == "brief" => exchange.brief = true,
                None if word == "cancelling" => exchange.cancelling = true,
                None if word == "fragmented" => exchange.fragmented = true,
                _ => return Err(format!("line {line}: unknown option {word:?}").into()),
            }
        }
        Ok(exchange)
    }

    fn complain(&self, file: &Path, reason: &str) -> String {
        format!("{}:{}: {}\n{reason}\n", file.display(), self.line, self.header)
    }

    fn send(&self, client: &mut RawClient) -> Result<(), String> {
        let mut bytes = Vec::new();
        for line in &self.lines {
            let (name, fields) = line.split_once(' ').unwrap_or((line, "{}"));
            let fields: Value =
                serde_json::from_str(fields).map_err(|error| format!("{line}: {error}"))?;
            if name == "Cancel" {
                client.cancel().map_err(|error| error.to_string())?;
            } else {
                let encoded = encode(name, &fields).ok_or_else(|| format!("what is {line}?"))?;
                bytes.extend_from_slice(&encoded);
            }
        }
        let piece = if self.fragmented { 1 } else { bytes.len().max(1) };
        let mut pieces = bytes.chunks(piece);
        pieces.try_for_each(|piece| client.send(piece)).map_err(|error| error.to_string())
    }

    /// All that comes until the named messages have, as lines.
    fn receive(&self, client: &mut RawClient) -> Result<Vec<String>, Failed> {
        let mut awaited = self.lines.iter().map(String::as_str).peekable();
        let mut came = Vec::new();
        while awaited.peek().is_some() {
            if self.cancelling {
                cancel_until_answered(client)?;
            }
            let answer = match client.receive() {
                Ok(answer) => answer,
                Err(error) => {
                    came.push(match error.kind() {
                        ErrorKind::WouldBlock | ErrorKind::TimedOut => "Timeout".to_owned(),
                        _ => "Closed".to_owned(),
                    });
                    break;
                }
            };
            let name = name_of_kind(answer.kind);
            if !self.ignore.iter().any(|ignored| ignored == name) {
                came.push(format!("{name}{}", fields_of(&answer, self.brief)));
            }
            awaited.next_if_eq(&name);
        }
        Ok(came)
    }
}

/// Gives up where a statement that can be cancelled would have ended long ago.
fn cancel_until_answered(client: &RawClient) -> std::io::Result<()> {
    for _ in 0..100 {
        if client.wait(Duration::from_millis(100))? {
            break;
        }
        client.cancel()?;
    }
    Ok(())
}

/// The lines that are missing (-) and those that came instead (+).
fn difference(expected: &[String], came: &[String]) -> String {
    let same_before = expected.iter().zip(came).take_while(|(one, other)| one == other).count();
    let line = |sign: &str, line: &String| format!("{sign} {line}\n");
    let before = expected.iter().take(same_before).map(|same| line(" ", same));
    let missing = expected.iter().skip(same_before).map(|missing| line("-", missing));
    let instead = came.iter().skip(same_before).map(|instead| line("+", instead));
    before.chain(missing).chain(instead).collect()
}

// ---- messages to send ----------------------------------------------------------------------------

fn encode(name: &str, fields: &Value) -> Option<Vec<u8>> {
    let text = |field: &str| {
        let mut bytes = fields[field].as_str().unwrap_or_default().as_bytes().to_vec();
        bytes.push(0);
        bytes
    };
    let target = |field: &str| fields[field].as_str().unwrap_or("S").as_bytes().to_vec();
    Some(match name {
        "Query" => message(b'Q', &text("query")),
        "Parse" => {
            let types = many(&fields["types"], |oid| {
                (oid.as_u64().unwrap_or(0) as u32).to_be_bytes().to_vec()
            });
            message(b'P', &[text("name"), text("query"), types].concat())
        }
        "Bind" => {
            let formats = many(&fields["formats"], format_code);
            let values = many(&fields["values"], value);
            let results = many(&fields["result_formats"], format_code);
            let body = [text("portal"), text("statement"), formats, values, results];
            message(b'B', &body.concat())
        }
        "Describe" => message(b'D', &[target("variant"), text("name")].concat()),
        "Close" => message(b'C', &[target("variant"), text("name")].concat()),
        "Execute" => {
            let most = fields["max_rows"].as_i64().unwrap_or(0) as i32;
            message(b'E', &[text("portal"), most.to_be_bytes().to_vec()].concat())
        }
        "Sync" => message(b'S', b""),
        "Flush" => message(b'H', b""),
        "Terminate" => message(b'X', b""),
        "CopyData" => message(b'd', fields["data"].as_str().unwrap_or_default().as_bytes()),
        "CopyDone" => message(b'c', b""),
        "CopyFail" => message(b'f', &text("reason")),
        "Raw" => {
            let body = match fields["size"].as_u64() {
                Some(size) => vec![0; size as usize],
                None => hex(fields["body"].as_str().or(fields["hex"].as_str())?)?,
            };
            match fields["type"].as_str() {
                Some(kind) => message(*kind.as_bytes().first()?, &body),
                None => body,
            }
        }
        _ => return None,
    })
}

/// A 16-bit count and the elements of a list.
fn many(list: &Value, element: impl Fn(&Value) -> Vec<u8>) -> Vec<u8> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let count = (list.len() as u16).to_be_bytes().to_vec();
    list.iter().fold(count, |mut bytes, item| {
        bytes.extend(element(item));
        bytes
    })
}

fn format_code(code: &Value) -> Vec<u8> {
    (code.as_i64().unwrap_or(0) as i16).to_be_bytes().to_vec()
}

/// A text, `null`, or `{"hex": …}`.
fn value(value: &Value) -> Vec<u8> {
    let bytes = match value {
        Value::Null => return (-1i32).to_be_bytes().to_vec(),
        Value::String(text) => text.as_bytes().to_vec(),
        other => hex(other["hex"].as_str().unwrap_or_default()).unwrap_or_default(),
    };
    [(bytes.len() as i32).to_be_bytes().to_vec(), bytes].concat()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| letter.to_digit(16))
        .collect::<Option<_>>()?;
    let byte = |pair: &[u32]| Some((pair.first()? << 4 | pair.get(1)?) as u8);
    digits.chunks(2).map(byte).collect()
}

// ---- messages that come --------------------------------------------------------------------------

fn name_of_kind(kind: u8) -> &'static str {
    match kind {
        b'1' => "ParseComplete",
        b'2' => "BindComplete",
        b'3' => "CloseComplete",
        b'A' => "NotificationResponse",
        b'C' => "CommandComplete",
        b'D' => "DataRow",
        b'E' => "ErrorResponse",
        b'G' => "CopyInResponse",
        b'H' => "CopyOutResponse",
        b'I' => "EmptyQueryResponse",
        b'N' => "NoticeResponse",
        b'S' => "ParameterStatus",
        b'T' => "RowDescription",
        b'V' => "FunctionCallResponse",
        b'Z' => "ReadyForQuery",
        b'c' => "CopyDone",
        b'd' => "CopyData",
        b'n' => "NoData",
        b's' => "PortalSuspended",
        b't' => "ParameterDescription",
        _ => "Unknown",
    }
}

fn fields_of(answer: &BackendMessage, brief: bool) -> String {
    let mut fields = Fields::new(&answer.body);
    match answer.kind {
        b'C' => object(&[("tag", fields.text().into())]),
        b'D' => {
            let values: Vec<Value> = answer.row().into_iter().map(shown).collect();
            object(&[("fields", values.into())])
        }
        b'E' | b'N' => error_fields(answer, brief),
        b'G' | b'H' => {
            let format = fields.u8();
            let columns: Vec<u16> = (0..fields.u16()).map(|_| fields.u16()).collect();
            object(&[("format", format.into()), ("column_formats", columns.into())])
        }
        b'S' => object(&[("name", fields.text().into()), ("value", fields.text().into())]),
        b'T' => row_description(fields),
        b'Z' => object(&[("status", String::from_utf8_lossy(&answer.body).into())]),
        b'd' => object(&[("data", shown(Some(answer.body.clone())))]),
        b't' => {
            let types: Vec<u32> = (0..fields.u16()).map(|_| fields.u32()).collect();
            object(&[("types", types.into())])
        }
        _ => String::new(),
    }
}

/// Table OIDs and column numbers are left out: they differ from run to run.
fn row_description(mut fields: Fields<'_>) -> String {
    let count = fields.u16();
    let column = |_| {
        let name = fields.text();
        fields.skip(6);
        let (oid, size, typmod) = (fields.u32(), fields.i16(), fields.i32());
        let parts: [(&str, Value); 5] = [
            ("name", name.into()),
            ("type", oid.into()),
            ("size", size.into()),
            ("typmod", typmod.into()),
            ("format", fields.i16().into()),
        ];
        object(&parts).trim_start().to_owned()
    };
    let columns: Vec<String> = (0..count).map(column).collect();
    format!(" {{\"fields\":[{}]}}", columns.join(","))
}

fn error_fields(answer: &BackendMessage, brief: bool) -> String {
    let shown: &[(u8, &str)] = match brief {
        true => &[(b'V', "severity"), (b'C', "code")],
        false => &[(b'V', "severity"), (b'C', "code"), (b'M', "message"), (b'P', "position")],
    };
    let found = answer.error_fields();
    let fields: Vec<(&str, Value)> = shown
        .iter()
        .filter_map(|(field, name)| {
            let (_, text) = found.iter().find(|(found, _)| found == field)?;
            Some((*name, json!(text)))
        })
        .collect();
    object(&fields)
}

/// ` {"name":value,…}` in this order.
fn object(fields: &[(&str, Value)]) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    format!(" {{{}}}", fields.join(","))
}

/// Text as text, other bytes as `\x…`.
fn shown(value: Option<Vec<u8>>) -> Value {
    let Some(bytes) = value else { return Value::Null };
    let printable = |text: &str| {
        !text.contains(|letter: char| letter < ' ' && letter != '\n' && letter != '\t')
    };
    match String::from_utf8(bytes) {
        Ok(text) if printable(&text) => text.into(),
        Ok(text) => hex_of(text.as_bytes()).into(),
        Err(error) => hex_of(error.as_bytes()).into(),
    }
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().fold("\\x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}
