//! `system.storage.maintenance`: what the server has done to the files of tables by itself, to those who manage
//! them.

use datafusion::common::Result;

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{INT8, TEXT, TIMESTAMPTZ};

pub const MAINTENANCE: NativeRelation = NativeRelation {
    name: "maintenance",
    columns: &[
        ("table_id", TEXT),
        ("table_name", TEXT),
        ("operation", TEXT),
        ("started_at", TIMESTAMPTZ),
        ("ended_at", TIMESTAMPTZ),
        ("files_added", INT8),
        ("files_removed", INT8),
        ("bytes_added", INT8),
        ("bytes_removed", INT8),
        ("error", TEXT),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, _: &Lookup, rows: &mut Rows) -> Result<()> {
    for run in visible.facts.maintenance.iter() {
        let exists = visible.snapshot().relation_by_id(run.relation).is_some();
        let manages = exists && visible.access.manages(run.relation);
        if !manages && !visible.access.is_admin() {
            continue;
        }
        rows.push(&[
            run.relation.to_string().into(),
            run.name.as_str().into(),
            run.operation.name().into(),
            Cell::Timestamp(run.started_at),
            Cell::Timestamp(run.ended_at),
            Cell::Int8(run.files_added),
            Cell::Int8(run.files_removed),
            Cell::Int8(run.bytes_added),
            Cell::Int8(run.bytes_removed),
            run.error.as_deref().into(),
        ])?;
    }
    Ok(())
}
