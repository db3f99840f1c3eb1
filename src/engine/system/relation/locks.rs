//! `lakegate_catalog.locks`: the advisory locks of all sessions, held and waited for.

use datafusion::common::Result;

use crate::engine::advisory::LockMode;

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{BOOL, INT2, INT4, OID, TEXT, TIMESTAMPTZ};

pub const LOCKS: NativeRelation = NativeRelation {
    name: "locks",
    columns: &[
        ("database", OID),
        ("classid", OID),
        ("objid", OID),
        ("objsubid", INT2),
        ("pid", INT4),
        ("mode", TEXT),
        ("granted", BOOL),
        ("waitstart", TIMESTAMPTZ),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, _: &Lookup, rows: &mut Rows) -> Result<()> {
    for lock in visible.facts.locks.list() {
        let mode = match lock.mode {
            LockMode::Shared => "ShareLock",
            LockMode::Exclusive => "ExclusiveLock",
        };
        rows.push(&[
            lock.key.database.into(),
            i64::from(lock.key.class).into(),
            i64::from(lock.key.object).into(),
            lock.key.sub_object.into(),
            lock.backend_pid.into(),
            mode.into(),
            lock.waiting_since.is_none().into(),
            lock.waiting_since.map_or(Cell::Null, Cell::Timestamp),
        ])?;
    }
    Ok(())
}
