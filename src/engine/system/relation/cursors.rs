//! `lakegate_catalog.cursors`: the session's own cursors and portals.

use datafusion::common::Result;

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{BOOL, TEXT, TIMESTAMPTZ};

pub const CURSORS: NativeRelation = NativeRelation {
    name: "cursors",
    columns: &[
        ("name", TEXT),
        ("statement", TEXT),
        ("is_holdable", BOOL),
        ("is_binary", BOOL),
        ("is_scrollable", BOOL),
        ("creation_time", TIMESTAMPTZ),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, _: &Lookup, rows: &mut Rows) -> Result<()> {
    for (name, cursor) in visible.facts.cursors.list() {
        rows.push(&[
            name.into(),
            cursor.statement.as_ref().into(),
            cursor.is_holdable.into(),
            cursor.is_binary.into(),
            cursor.is_scrollable.into(),
            Cell::Timestamp(cursor.creation_time),
        ])?;
    }
    Ok(())
}
