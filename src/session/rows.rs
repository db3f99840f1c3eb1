//! Rows on their way to a client: one reading of a cursor. It never holds more than one batch of them.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::record_batch::RecordBatch;
use tokio::sync::Mutex;

use crate::base::Result;
use crate::engine::{OutputColumn, RowStream};

use super::cursor::{Course, Cursor, SharedCursor};

/// A result that is being sent, or a part of one.
#[derive(Debug)]
pub struct Rows {
    cursor: SharedCursor,
    columns: Arc<[OutputColumn]>,
    /// The first word of the command tag.
    tag: &'static str,
    is_forward: bool,
    /// How many rows are still wanted; `None` for all.
    left: Option<u64>,
    /// The batch in work, and its first row that is not taken.
    current: Option<(RecordBatch, usize)>,
    taken: u64,
    is_binary: bool,
    /// Whether the query gives its place back when nobody reads these rows any more.
    rests: bool,
}

impl Rows {
    /// All rows of a result that nobody else reads.
    pub fn new(stream: RowStream, tag: &'static str) -> Self {
        let columns = Arc::clone(stream.columns());
        let cursor = Arc::new(Mutex::new(Cursor::new(stream, None)));
        Rows::reading(cursor, columns, tag, Course::ALL)
    }

    /// The rows of a course that a cursor has been brought to the beginning of.
    pub fn reading(
        cursor: SharedCursor,
        columns: Arc<[OutputColumn]>,
        tag: &'static str,
        course: Course,
    ) -> Self {
        Rows {
            cursor,
            columns,
            tag,
            is_forward: course.is_forward,
            left: course.rows,
            current: None,
            taken: 0,
            is_binary: false,
            rests: true,
        }
    }

    /// The same rows, as binary values where the client has no say.
    pub fn with_binary(mut self, is_binary: bool) -> Self {
        self.is_binary = is_binary;
        self
    }

    /// The first word of the command tag.
    pub(super) fn tag_word(&self) -> &'static str {
        self.tag
    }

    /// What is still wanted of the cursor.
    pub(super) fn course(&self) -> Course {
        Course { is_forward: self.is_forward, rows: self.left }
    }

    /// The cursor, for another to read on from here at once.
    pub(super) fn into_cursor(mut self) -> SharedCursor {
        self.rests = false;
        Arc::clone(&self.cursor)
    }

    /// Whether values are binary where the client has no say: those of a BINARY cursor.
    pub fn is_binary(&self) -> bool {
        self.is_binary
    }

    pub fn columns(&self) -> &Arc<[OutputColumn]> {
        &self.columns
    }

    /// Waits until there are rows to take. `false` after the last. Safe to drop while waiting, but then the
    /// cursor cannot be read any more.
    pub async fn ready(&mut self) -> Result<bool> {
        loop {
            if let Some((batch, next)) = &self.current
                && *next < batch.num_rows()
            {
                return Ok(true);
            }
            let most = self.left.unwrap_or(u64::MAX);
            if most == 0 {
                return Ok(false);
            }
            match self.cursor.lock().await.read(self.is_forward, most).await? {
                Some(batch) => {
                    let rows = batch.num_rows() as u64;
                    self.left = self.left.map(|left| left.saturating_sub(rows));
                    self.current = Some((batch, 0));
                }
                None => self.left = Some(0),
            }
        }
    }

    /// The batch in work and its rows that are not taken yet.
    pub fn take(&mut self) -> Option<(RecordBatch, Range<usize>)> {
        let (batch, next) = self.current.take()?;
        let rows = next..batch.num_rows();
        self.taken += rows.len() as u64;
        Some((batch, rows))
    }

    /// The tag of the finished result: `SELECT 5`. SHOW and EXPLAIN count no rows.
    pub fn tag(&self) -> String {
        match self.tag {
            "SELECT" | "FETCH" | "MOVE" | "INSERT 0" | "UPDATE" | "DELETE" | "MERGE" => {
                format!("{} {}", self.tag, self.taken)
            }
            tag => tag.to_owned(),
        }
    }

    /// The rows taken so far.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// The client takes its time: another query may have the place among the running ones.
    pub fn rest(&self) {
        // Whoever holds the lock reads, so that the query does not rest.
        if let Ok(mut cursor) = self.cursor.try_lock() {
            cursor.rest();
        }
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        if self.rests {
            self.rest();
        }
    }
}
