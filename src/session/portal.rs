//! Portals: bound statements and what is left of their rows. A portal never holds more than one batch of
//! them.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::ScalarValue;

use crate::base::{Error, ErrorKind, Result};
use crate::engine::{OutputColumn, RowStream};

use super::prepared::Prepared;

/// A bound statement.
pub struct Portal {
    pub prepared: Arc<Prepared>,
    pub parameters: Vec<ScalarValue>,
    /// The result formats as the client gave them, for the protocol alone.
    pub formats: Vec<i16>,
    pub state: PortalState,
}

pub enum PortalState {
    /// Not run yet.
    Ready,
    Rows(Rows),
    /// All rows sent, or none to send.
    Done,
}

/// A result that is being sent.
#[derive(Debug)]
pub struct Rows {
    stream: RowStream,
    /// The first word of the command tag.
    tag: &'static str,
    /// The batch in work, and its first row that is not sent.
    current: Option<(RecordBatch, usize)>,
    sent: u64,
}

impl Rows {
    pub fn new(stream: RowStream, tag: &'static str) -> Self {
        Rows { stream, tag, current: None, sent: 0 }
    }

    pub fn columns(&self) -> &Arc<[OutputColumn]> {
        self.stream.columns()
    }

    /// Waits until there are rows to take. `false` after the last. Safe to drop while waiting.
    pub async fn ready(&mut self) -> Result<bool> {
        loop {
            if let Some((batch, next)) = &self.current
                && *next < batch.num_rows()
            {
                return Ok(true);
            }
            match self.stream.next().await {
                Some(batch) => self.current = Some((batch?, 0)),
                None => return Ok(false),
            }
        }
    }

    /// The batch in work and its rows that are not taken yet, at most `count` of them; they count as sent.
    pub fn take(&mut self, count: usize) -> Option<(RecordBatch, std::ops::Range<usize>)> {
        let (batch, next) = self.current.as_mut()?;
        let rows = *next..batch.num_rows().min(next.saturating_add(count));
        *next = rows.end;
        self.sent += rows.len() as u64;
        Some((batch.clone(), rows))
    }

    /// The tag of the finished result: `SELECT 5`. SHOW and EXPLAIN count no rows.
    pub fn tag(&self, rows: u64) -> String {
        match self.tag {
            "SELECT" | "FETCH" | "INSERT 0" | "UPDATE" | "DELETE" | "MERGE" => format!("{} {rows}", self.tag),
            tag => tag.to_owned(),
        }
    }

    /// The rows taken so far.
    pub fn sent(&self) -> u64 {
        self.sent
    }
}

/// The portals of a session, by name; the empty name is the unnamed one.
#[derive(Default)]
pub struct Portals(HashMap<String, Portal>);

impl Portals {
    /// Errors: 42P03 when the name is taken; the unnamed portal is replaced.
    pub fn insert(&mut self, name: &str, portal: Portal, max: usize) -> Result<()> {
        if !name.is_empty() && self.0.contains_key(name) {
            return Err(Error::new(
                ErrorKind::DuplicateCursor,
                format!("cursor \"{name}\" already exists"),
            ));
        }
        if self.0.len() >= max {
            return Err(Error::new(
                ErrorKind::ConfigurationLimitExceeded,
                format!("a session can have at most {max} portals"),
            )
            .with_hint("Close the portals that are no longer needed."));
        }
        self.0.insert(name.to_owned(), portal);
        Ok(())
    }

    /// Errors: 34000.
    pub fn get(&self, name: &str) -> Result<&Portal> {
        self.0.get(name).ok_or_else(|| unknown(name))
    }

    /// Errors: 34000.
    pub fn get_mut(&mut self, name: &str) -> Result<&mut Portal> {
        self.0.get_mut(name).ok_or_else(|| unknown(name))
    }

    /// No error when there is none, as the protocol has it.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Portals end with their transaction.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

fn unknown(name: &str) -> Error {
    Error::new(ErrorKind::InvalidCursorName, format!("portal \"{name}\" does not exist"))
}
