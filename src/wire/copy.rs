//! COPY over the protocol: rows out as CopyData, CopyData in as rows. It knows the messages; `session::copy`
//! knows the formats.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use datafusion::arrow::datatypes::{Field, Schema};

use crate::base::datatype::{BaseType, PgType};
use crate::base::encoding::Encoding;
use crate::base::render::Format;
use crate::base::text_style::TextStyle;
use crate::base::{Error, ErrorKind, Result};
use crate::engine::{CopyTarget, RowStream};
use crate::session::Rows;
use crate::session::copy::format::{CopyFormat, CopyOptions, CopyReader, CopyWriter};
use crate::session::copy::options_of;
use crate::sql::statement::CopyOption;

use super::charset::encode_value;
use super::describe::message;
use super::guard::Guard;
use super::message::FrontendMessage;
use super::rows::flush;
use super::socket::Socket;

/// What COPY writes is text.
const TEXT: PgType = PgType::Scalar(BaseType::Text);

/// Sends a result as COPY data; the number of its rows.
pub(super) async fn copy_out(
    socket: &mut Socket,
    guard: &Guard,
    rows: RowStream,
    options: &[CopyOption],
    style: &TextStyle,
    buffer_bytes: usize,
) -> Result<u64> {
    let mut rows = Rows::new(rows, "COPY");
    let fields: Vec<Field> = rows
        .columns()
        .iter()
        .map(|column| column.field.clone().with_name(column.name.clone()))
        .collect();
    let count = fields.len();
    let schema = Arc::new(Schema::new(fields));
    let options = options_of(options)?;
    let encoding = encoding_of(&options, style)?;
    let mut writer = CopyWriter::new(schema, options, *style)?;
    write_response(socket.out(), b'H', writer.value_format(), count)?;
    // The header of binary goes with the first row, as PostgreSQL sends it: readers expect both in one message.
    let mut header = BytesMut::new();
    writer.start(&mut header);
    if writer.value_format() == Format::Text {
        send_data(socket.out(), encoding, |out| {
            out.extend_from_slice(&header.split());
            Ok(())
        })?;
    }
    while guard.run(socket, rows.ready()).await? {
        let Some((batch, range)) = rows.take() else { break };
        let encoded = writer.rows_of(&batch)?;
        for row in range {
            send_data(socket.out(), encoding, |out| {
                out.extend_from_slice(&header.split());
                writer.write_row(&encoded, row, out)
            })?;
            if socket.out().len() > buffer_bytes {
                flush(socket, guard, &rows).await?;
            }
        }
    }
    send_data(socket.out(), encoding, |out| {
        out.extend_from_slice(&header);
        writer.finish(out);
        Ok(())
    })?;
    message(socket.out(), b'c', |_| Ok(()))?;
    Ok(rows.taken())
}

/// The character set of the data: the one that is named, or the client's.
fn encoding_of(options: &CopyOptions, style: &TextStyle) -> Result<Encoding> {
    let encoding = options.encoding.unwrap_or(style.encoding);
    match options.format {
        CopyFormat::Binary if !encoding.is_same() => {
            let what = format!("COPY in binary in the encoding {}", encoding.name());
            Err(Error::unsupported(what).with_hint("Use text, CSV, or client_encoding UTF8."))
        }
        CopyFormat::Text | CopyFormat::Csv | CopyFormat::Binary => Ok(encoding),
    }
}

/// A CopyData message, unless there is nothing in it.
fn send_data(
    out: &mut BytesMut,
    encoding: Encoding,
    write: impl FnOnce(&mut BytesMut) -> Result<()>,
) -> Result<()> {
    let start = out.len();
    message(out, b'd', |out| {
        let start = out.len();
        write(out)?;
        match encoding.is_same() {
            true => Ok(()),
            false => encode_value(encoding, TEXT, Format::Text, start, out),
        }
    })?;
    if out.len() == start + 5 {
        out.truncate(start);
    }
    Ok(())
}

/// Takes COPY data until the client is done; the number of rows, which are committed then.
pub(super) async fn copy_in(
    socket: &mut Socket,
    guard: &Guard,
    target: CopyTarget,
    style: &TextStyle,
) -> Result<u64> {
    let CopyTarget { table, options, mut sink } = target;
    let options = options_of(&options)?;
    let encoding = encoding_of(&options, style)?;
    let (mut stream, mut text) = (encoding.stream(), String::new());
    let mut reader = CopyReader::new(&table.name, Arc::clone(sink.schema()), &options, style)?;
    let format = match options.format {
        CopyFormat::Binary => Format::Binary,
        CopyFormat::Text | CopyFormat::Csv => Format::Text,
    };
    write_response(socket.out(), b'G', format, sink.schema().fields().len())?;
    guard.flush(socket).await?;
    loop {
        match guard.read(socket).await? {
            Some(FrontendMessage::CopyData(data)) => {
                sink.received(data.len());
                let data: &[u8] = match encoding.is_same() {
                    true => &data,
                    false => {
                        text.clear();
                        stream.push(&data, false, &mut text)?;
                        text.as_bytes()
                    }
                };
                for batch in reader.push(data)? {
                    guard.run(socket, sink.push(batch)).await?;
                }
            }
            Some(FrontendMessage::CopyDone) => break,
            Some(FrontendMessage::CopyFail { reason }) => {
                return Err(Error::new(
                    ErrorKind::QueryCanceled,
                    format!("COPY from stdin failed: {reason}"),
                ));
            }
            // A client may ask for a flush, or send its Sync early, while it copies.
            Some(FrontendMessage::Flush | FrontendMessage::Sync) => {}
            Some(FrontendMessage::Malformed { error, .. }) => return Err(error),
            Some(_) => {
                return Err(Error::new(
                    ErrorKind::ProtocolViolation,
                    "unexpected message type during COPY from stdin",
                ));
            }
            None => {
                return Err(Error::new(
                    ErrorKind::ConnectionFailure,
                    "unexpected EOF on client connection during COPY from stdin",
                ));
            }
        }
    }
    if !encoding.is_same() {
        // A character that has no end is told.
        stream.push(&[], true, &mut text)?;
    }
    if let Some(batch) = reader.finish()? {
        guard.run(socket, sink.push(batch)).await?;
    }
    guard.run(socket, sink.finish()).await
}

/// CopyOutResponse (`H`) or CopyInResponse (`G`).
fn write_response(out: &mut BytesMut, kind: u8, format: Format, columns: usize) -> Result<()> {
    let code = match format {
        Format::Text => 0u8,
        Format::Binary => 1,
    };
    message(out, kind, |out| {
        out.put_u8(code);
        out.put_i16(i16::try_from(columns).unwrap_or(i16::MAX));
        (0..columns).for_each(|_| out.put_i16(i16::from(code)));
        Ok(())
    })
}
