//! Rows of a result to the client: batch by batch, with what waits to be sent bounded. It never collects a
//! result.

use metrics::counter;

use crate::base::render::Format;
use crate::base::text_style::TextStyle;
use crate::base::{Result, metric};
use crate::session::Rows;

use super::encode::BatchEncoder;
use super::guard::Guard;
use super::socket::Socket;

/// How a sending of rows ended.
pub(super) enum Sent {
    /// All rows are sent.
    All,
    /// As many as were asked for; there may be more.
    Some,
}

/// How rows are written.
#[derive(Clone, Copy)]
pub(super) struct Encoding<'a> {
    pub(super) formats: &'a [Format],
    pub(super) style: &'a TextStyle,
    /// Bytes of rows that wait for the client before more are encoded.
    pub(super) buffer_bytes: usize,
}

/// Sends up to `max` rows; `None` sends all.
pub(super) async fn send_rows(
    socket: &mut Socket,
    guard: &Guard,
    rows: &mut Rows,
    encoding: Encoding<'_>,
    max: Option<u64>,
) -> Result<(Sent, u64)> {
    let mut sent = 0u64;
    loop {
        let left = max.map_or(u64::MAX, |max| max.saturating_sub(sent));
        if left == 0 {
            return Ok((Sent::Some, sent));
        }
        if !guard.run(socket, rows.ready()).await? {
            return Ok((Sent::All, sent));
        }
        let count = usize::try_from(left).unwrap_or(usize::MAX);
        let Some((batch, range)) = rows.take(count) else { return Ok((Sent::All, sent)) };
        let encoder = BatchEncoder::new(&batch, encoding.formats, encoding.style)?;
        let range_length = range.len() as u64;
        for row in range {
            encoder.write_data_row(row, socket.out())?;
            sent += 1;
            if socket.out().len() > encoding.buffer_bytes {
                guard.flush(socket).await?;
            }
        }
        counter!(metric::ROWS_SENT_TOTAL).increment(range_length);
    }
}
