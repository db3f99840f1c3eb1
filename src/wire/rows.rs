//! Rows of a result to the client: batch by batch, with what waits to be sent bounded. It never collects a
//! result.

use crate::base::Result;
use crate::base::render::Format;
use crate::base::text_style::TextStyle;
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

/// Sends up to `max` rows; `None` sends all.
pub(super) async fn send_rows(
    socket: &mut Socket,
    guard: &Guard,
    rows: &mut Rows,
    formats: &[Format],
    style: &TextStyle,
    max: Option<u64>,
    buffer_bytes: usize,
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
        let encoder = BatchEncoder::new(&batch, formats, style)?;
        for row in range {
            encoder.write_data_row(row, socket.out())?;
            sent += 1;
            if socket.out().len() > buffer_bytes {
                guard.flush(socket).await?;
            }
        }
    }
}
