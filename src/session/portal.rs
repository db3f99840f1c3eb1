//! Portals: bound statements and cursors, which share their names. What ends them is here in one place; how
//! they are read is not.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;

use crate::base::value::Parameter;
use crate::base::{Error, ErrorKind, Result};
use crate::engine::OutputColumn;
use crate::engine::facts::{OpenCursor, SessionObjects};
use crate::sql::statement::CursorOptions;

use super::cursor::{Course, SharedCursor};
use super::prepared::Prepared;

/// A bound statement, or a declared cursor.
pub struct Portal {
    pub prepared: Arc<Prepared>,
    pub parameters: Vec<Parameter>,
    /// The result formats as the client gave them, for the protocol alone.
    pub formats: Vec<i16>,
    pub state: PortalState,
    pub options: CursorOptions,
    /// How many savepoints stood when it was made; `None` once it has outlived its transaction.
    pub level: Option<usize>,
}

pub enum PortalState {
    /// Not run yet.
    Ready,
    Rows {
        cursor: SharedCursor,
        columns: Arc<[OutputColumn]>,
        /// The first word of the command tag.
        tag: &'static str,
        /// What it still wants of the cursor: all of its own rows, or those of a FETCH.
        course: Course,
    },
    /// It gave no rows.
    Done,
}

/// The portals of a session, by name; the empty name is the unnamed one.
#[derive(Default)]
pub struct Portals {
    portals: HashMap<String, Portal>,
    /// What `pg_cursors` shows of them.
    shown: SessionObjects<OpenCursor>,
}

impl Portals {
    /// Errors: 42P03 when the name is taken; the unnamed portal is replaced.
    pub fn check_free(&self, name: &str, max: usize) -> Result<()> {
        if !name.is_empty() && self.portals.contains_key(name) {
            return Err(Error::new(
                ErrorKind::DuplicateCursor,
                format!("cursor \"{name}\" already exists"),
            ));
        }
        if self.portals.len() >= max {
            return Err(Error::new(
                ErrorKind::ConfigurationLimitExceeded,
                format!("a session can have at most {max} portals and cursors"),
            )
            .with_hint("Close those that are no longer needed."));
        }
        Ok(())
    }

    /// Keeps a portal under a name that is free.
    pub fn insert(&mut self, name: &str, portal: Portal) {
        let shown = OpenCursor {
            statement: Arc::clone(&portal.prepared.text),
            is_holdable: portal.options.hold,
            is_binary: portal.options.binary,
            is_scrollable: portal.options.scroll,
            creation_time: Utc::now().timestamp_micros(),
        };
        self.shown.put(name, shown);
        self.portals.insert(name.to_owned(), portal);
    }

    pub fn get(&self, name: &str) -> Option<&Portal> {
        self.portals.get(name)
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut Portal> {
        self.portals.get_mut(name)
    }

    /// Whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.shown.remove(name);
        self.portals.remove(name).is_some()
    }

    /// CLOSE ALL and the end of the session.
    pub fn clear(&mut self) {
        self.retain(|_| false);
    }

    /// What `pg_cursors` shows.
    pub fn shown(&self) -> SessionObjects<OpenCursor> {
        self.shown.clone()
    }

    /// The cursors WITH HOLD of the transaction that is about to commit.
    pub fn to_hold(&self) -> Vec<SharedCursor> {
        let in_transaction = self.portals.values().filter(|portal| portal.level.is_some());
        let held = in_transaction.filter(|portal| portal.options.hold);
        held.filter_map(|portal| match &portal.state {
            PortalState::Rows { cursor, .. } => Some(Arc::clone(cursor)),
            PortalState::Ready | PortalState::Done => None,
        })
        .collect()
    }

    /// The transaction is about to commit: of its portals only those WITH HOLD stay.
    pub fn before_commit(&mut self) {
        self.retain(|portal| portal.level.is_none() || portal.options.hold);
    }

    /// The transaction has committed: its cursors WITH HOLD belong to the session from now on.
    pub fn committed(&mut self) {
        self.before_commit();
        self.portals.values_mut().for_each(|portal| portal.level = None);
    }

    /// The transaction was rolled back, or is over and has held what it holds.
    pub fn end_transaction(&mut self) {
        self.retain(|portal| portal.level.is_none());
    }

    /// What was made since so many savepoints stood is undone.
    pub fn roll_back_to(&mut self, level: usize) {
        self.retain(|portal| portal.level.is_none_or(|made_at| made_at < level));
    }

    /// A savepoint is gone, and what was made after it belongs to the one before.
    pub fn release_to(&mut self, level: usize) {
        for portal in self.portals.values_mut() {
            portal.level = portal.level.map(|made_at| made_at.min(level));
        }
    }

    fn retain(&mut self, stays: impl Fn(&Portal) -> bool) {
        let shown = &self.shown;
        self.portals.retain(|name, portal| {
            let stays = stays(portal);
            if !stays {
                shown.remove(name);
            }
            stays
        });
    }
}

/// 34000, of a portal that the protocol names.
pub fn unknown_portal(name: &str) -> Error {
    Error::new(ErrorKind::InvalidCursorName, format!("portal \"{name}\" does not exist"))
}

/// 34000, of a cursor that a statement names.
pub fn unknown_cursor(name: &str) -> Error {
    Error::new(ErrorKind::InvalidCursorName, format!("cursor \"{name}\" does not exist"))
}
