//! What the server says, in a client's character set: the texts of values and of messages. Values are in UTF-8 until then.
//! It decides no encoding and sends nothing.

use bytes::{BufMut, BytesMut};

use crate::base::datatype::{BaseType, PgType};
use crate::base::encoding::Encoding;
use crate::base::render::Format;
use crate::base::value::invalid_binary;
use crate::base::{Error, Oid, Result};

const HEADER_BYTES: usize = 5;

/// What becomes of each text inside a value.
type Convert<'c> = &'c dyn Fn(&[u8], &mut Vec<u8>) -> Result<()>;

/// A value for the client, in place of the one that begins at `start`.
pub fn encode_value(
    encoding: Encoding,
    pg_type: PgType,
    format: Format,
    start: usize,
    out: &mut BytesMut,
) -> Result<()> {
    let value = out.get(start..).unwrap_or_default();
    if value.is_ascii() && format == Format::Text {
        return Ok(());
    }
    let encode = |text: &[u8], out: &mut Vec<u8>| match std::str::from_utf8(text) {
        Ok(text) => encoding.encode(text, out),
        Err(error) => Err(Error::internal("a text is not UTF-8").caused_by(error)),
    };
    let converted = convert(pg_type, format, value, &encode)?;
    if let Some(converted) = converted {
        out.truncate(start);
        out.extend_from_slice(&converted);
    }
    Ok(())
}

/// A client's value, as the server reads it; `None` where it is that already.
pub fn decode_value(
    encoding: Encoding,
    pg_type: PgType,
    format: Format,
    value: &[u8],
) -> Result<Option<Vec<u8>>> {
    if encoding.is_same() {
        return Ok(None);
    }
    let decode = |text: &[u8], out: &mut Vec<u8>| {
        out.extend_from_slice(encoding.decode(text)?.as_bytes());
        Ok(())
    };
    convert(pg_type, format, value, &decode)
}

/// The value with its texts converted; `None` where it has none.
fn convert(
    pg_type: PgType,
    format: Format,
    value: &[u8],
    text: Convert<'_>,
) -> Result<Option<Vec<u8>>> {
    let mut out = Vec::with_capacity(value.len());
    match (format, pg_type) {
        (Format::Text, _) => text(value, &mut out)?,
        (Format::Binary, PgType::Scalar(BaseType::Record)) => record(value, text, &mut out)?,
        (Format::Binary, PgType::Scalar(base)) if is_text(base) => text(value, &mut out)?,
        (Format::Binary, PgType::Scalar(_)) => return Ok(None),
        (Format::Binary, PgType::Array(base)) if base == BaseType::Record || is_text(base) => {
            array(base, value, text, &mut out)?;
        }
        (Format::Binary, PgType::Array(_)) => return Ok(None),
    }
    Ok(Some(out))
}

/// Types whose binary form is their text. The byte before that of a `jsonb` is ASCII.
fn is_text(base: BaseType) -> bool {
    use BaseType::*;
    matches!(
        base,
        Text | Varchar | Bpchar | Name | Char | Json | Jsonb | Unknown | PgNodeTree | AclItem
    )
}

/// The parts of a binary form.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (part, rest) = self.0.split_at_checked(count).ok_or_else(invalid_binary)?;
        self.0 = rest;
        Ok(part)
    }

    fn number(&mut self, out: &mut Vec<u8>) -> Result<i32> {
        let part = self.take(4)?;
        out.extend_from_slice(part);
        let bytes = part.try_into().map_err(|_| invalid_binary())?;
        Ok(i32::from_be_bytes(bytes))
    }

    /// A length and a value of so many bytes, converted.
    fn value(&mut self, pg_type: PgType, text: Convert<'_>, out: &mut Vec<u8>) -> Result<()> {
        let mut length = Vec::with_capacity(4);
        let Ok(count) = usize::try_from(self.number(&mut length)?) else {
            out.extend_from_slice(&length);
            return Ok(());
        };
        let value = self.take(count)?;
        let converted = convert(pg_type, Format::Binary, value, text)?;
        let value = converted.as_deref().unwrap_or(value);
        let count = i32::try_from(value.len()).map_err(|_| invalid_binary())?;
        out.extend_from_slice(&count.to_be_bytes());
        out.extend_from_slice(value);
        Ok(())
    }
}

/// Dimensions, a flag and the type of the elements; then the length and beginning of each dimension, and the elements.
fn array(base: BaseType, value: &[u8], text: Convert<'_>, out: &mut Vec<u8>) -> Result<()> {
    let mut parts = Parts(value);
    let dimensions = parts.number(out)?;
    out.extend_from_slice(parts.take(8)?);
    for _ in 0..dimensions.max(0) {
        out.extend_from_slice(parts.take(8)?);
    }
    while !parts.0.is_empty() {
        parts.value(PgType::Scalar(base), text, out)?;
    }
    Ok(())
}

/// A count of fields; of each its type and value.
fn record(value: &[u8], text: Convert<'_>, out: &mut Vec<u8>) -> Result<()> {
    let mut parts = Parts(value);
    for _ in 0..parts.number(out)?.max(0) {
        let oid = parts.number(out)?;
        let pg_type = PgType::from_oid(Oid(oid as u32)).unwrap_or(PgType::Scalar(BaseType::Bytea));
        parts.value(pg_type, text, out)?;
    }
    Ok(())
}

/// Messages in UTF-8 as the client reads them: names of columns, errors, notices and notifications. Values in rows and
/// COPY are in its set already. `out` begins with a message.
pub fn encode_messages(encoding: Encoding, out: BytesMut) -> BytesMut {
    if encoding.is_same() {
        return out;
    }
    let mut written = BytesMut::with_capacity(out.len());
    let mut rest: &[u8] = &out;
    while let Some(&[kind, a, b, c, d]) = rest.first_chunk::<HEADER_BYTES>() {
        let length = u32::from_be_bytes([a, b, c, d]) as usize + 1;
        let Some((message, after)) = rest.split_at_checked(length) else { break };
        rest = after;
        let body = message.get(HEADER_BYTES..).unwrap_or_default();
        let is_told = matches!(kind, b'T' | b'E' | b'N' | b'A' | b'S');
        if !is_told || message.is_ascii() && kind != b'T' {
            written.extend_from_slice(message);
            continue;
        }
        let mut body = match kind {
            b'T' => encode_columns(encoding, body),
            b'A' => encode_after(encoding, body, 4),
            _ => encode_after(encoding, body, 0),
        };
        written.put_u8(kind);
        written.put_u32(u32::try_from(body.len() + 4).unwrap_or(u32::MAX));
        written.extend_from_slice(&body);
        body.clear();
    }
    written.extend_from_slice(rest);
    written
}

fn encode_after(encoding: Encoding, body: &[u8], binary: usize) -> Vec<u8> {
    let (before, texts) = body.split_at_checked(binary).unwrap_or((body, &[]));
    let mut out = before.to_vec();
    encoding.encode_lossy(&String::from_utf8_lossy(texts), &mut out);
    out
}

/// The names of columns, each before eighteen bytes about it.
fn encode_columns(encoding: Encoding, body: &[u8]) -> Vec<u8> {
    const ABOUT_BYTES: usize = 18;
    let (count, mut rest) = body.split_at_checked(2).unwrap_or((body, &[]));
    let mut out = count.to_vec();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let (name, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        encoding.encode_lossy(&String::from_utf8_lossy(name), &mut out);
        let (about, after) = after.split_at_checked(ABOUT_BYTES + 1).unwrap_or((after, &[]));
        out.extend_from_slice(about);
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}
