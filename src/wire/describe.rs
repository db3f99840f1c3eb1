//! What a statement takes and gives, as messages: RowDescription, ParameterDescription. It reads no rows.

use bytes::{BufMut, BytesMut};

use crate::base::datatype::PgType;
use crate::base::render::Format;
use crate::base::{Error, ErrorKind, Result};
use crate::engine::OutputColumn;

/// The format codes of a Bind message as formats.
///
/// # Errors
/// 22023 for a code that is none.
pub(super) fn formats_of(codes: &[i16]) -> Result<Vec<Format>> {
    let formats = codes.iter().map(|code| match code {
        0 => Ok(Format::Text),
        1 => Ok(Format::Binary),
        other => Err(Error::new(
            ErrorKind::InvalidParameterValue,
            format!("unsupported format code: {other}"),
        )),
    });
    formats.collect()
}

/// The format of one of `count` values: none given means text, one stands for all.
pub(super) fn format_at(formats: &[Format], index: usize) -> Format {
    match formats {
        [] => Format::Text,
        [only] => *only,
        formats => formats.get(index).copied().unwrap_or(Format::Text),
    }
}

/// Writes a RowDescription.
pub(super) fn write_row_description(
    columns: &[OutputColumn],
    formats: &[Format],
    out: &mut BytesMut,
) -> Result<()> {
    message(out, b'T', |out| {
        out.put_i16(count(columns.len())?);
        for (index, column) in columns.iter().enumerate() {
            out.put_slice(column.name.as_bytes());
            out.put_u8(0);
            let (relation, number) = match column.origin {
                Some(origin) => (origin.relation.0, origin.number),
                None => (0, 0),
            };
            out.put_u32(relation);
            out.put_i16(number);
            out.put_u32(column.pg_type.oid().0);
            out.put_i16(column.pg_type.length());
            out.put_i32(column.typmod);
            out.put_i16(match format_at(formats, index) {
                Format::Text => 0,
                Format::Binary => 1,
            });
        }
        Ok(())
    })
}

/// Writes a ParameterDescription.
pub(super) fn write_parameter_description(types: &[PgType], out: &mut BytesMut) -> Result<()> {
    message(out, b't', |out| {
        // Bind counts its parameters in the same 16 bits, without sign.
        let count = u16::try_from(types.len()).map_err(|_| too_many())?;
        out.put_u16(count);
        types.iter().for_each(|pg_type| out.put_u32(pg_type.oid().0));
        Ok(())
    })
}

/// Writes a message: its type byte, its length, and the body that `body` writes. Nothing stays of one that
/// fails.
pub(super) fn message(
    out: &mut BytesMut,
    kind: u8,
    body: impl FnOnce(&mut BytesMut) -> Result<()>,
) -> Result<()> {
    let start = out.len();
    out.put_u8(kind);
    out.put_i32(0);
    let written = body(out).and_then(|()| {
        let length = i32::try_from(out.len() - start - 1).map_err(|_| too_many())?;
        match out.get_mut(start + 1..start + 5) {
            Some(place) => place.copy_from_slice(&length.to_be_bytes()),
            None => return Err(Error::internal("a message has no place for its length")),
        }
        Ok(())
    });
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn count(count: usize) -> Result<i16> {
    i16::try_from(count).map_err(|_| too_many())
}

fn too_many() -> Error {
    Error::new(ErrorKind::ProgramLimitExceeded, "a message is larger than the protocol allows")
}
