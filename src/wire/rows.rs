//! Rows of a result to the client: batch by batch, with what waits to be sent bounded. It never collects a
//! result.

use std::time::Duration;

use metrics::counter;

use crate::base::render::Format;
use crate::base::text_style::TextStyle;
use crate::base::{Result, metric};
use crate::session::Rows;

use super::encode::BatchEncoder;
use super::guard::Guard;
use super::socket::Socket;

/// How rows are written.
#[derive(Clone, Copy)]
pub(super) struct Encoding<'a> {
    pub(super) formats: &'a [Format],
    pub(super) style: &'a TextStyle,
    /// Bytes of rows that wait for the client before more are encoded.
    pub(super) buffer_bytes: usize,
}

/// How long a client may take for what waits before its query gives up the place among the running ones.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sends the rows.
pub(super) async fn send_rows(
    socket: &mut Socket,
    guard: &Guard,
    rows: &mut Rows,
    encoding: Encoding<'_>,
) -> Result<()> {
    while guard.run(socket, rows.ready()).await? {
        let Some((batch, range)) = rows.take() else { break };
        let encoder = BatchEncoder::new(&batch, encoding.formats, encoding.style)?;
        let count = range.len() as u64;
        for row in range {
            encoder.write_data_row(row, socket.out())?;
            if socket.out().len() > encoding.buffer_bytes {
                flush(socket, guard, rows).await?;
            }
        }
        counter!(metric::ROWS_SENT_TOTAL).increment(count);
    }
    Ok(())
}

/// Sends what waits. A client that reads slowly keeps no other query from running.
pub(super) async fn flush(socket: &mut Socket, guard: &Guard, rows: &Rows) -> Result<()> {
    match tokio::time::timeout(PATIENCE, guard.flush(socket)).await {
        Ok(flushed) => flushed,
        Err(_) => {
            rows.rest();
            guard.flush(socket).await
        }
    }
}
