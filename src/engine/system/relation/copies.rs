//! `lakegate_catalog.copies`: every COPY that is running, to those who may know of its table.

use datafusion::common::Result;

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{INT4, INT8, OID, TEXT};

pub const COPIES: NativeRelation = NativeRelation {
    name: "copies",
    columns: &[
        ("pid", INT4),
        ("datid", OID),
        ("datname", TEXT),
        ("relid", OID),
        ("type", TEXT),
        ("bytes_processed", INT8),
        ("bytes_total", INT8),
        ("tuples_processed", INT8),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, _: &Lookup, rows: &mut Rows) -> Result<()> {
    let snapshot = visible.snapshot();
    for copy in visible.facts.copies.list() {
        let Some(relation) = snapshot.relation_by_id(copy.relation) else { continue };
        if !visible.access.may_know(relation.id) {
            continue;
        }
        let schema = snapshot.schema_by_id(relation.schema);
        let catalog = schema.and_then(|schema| snapshot.catalog_by_id(schema.catalog));
        let Some(catalog) = catalog else { continue };
        let [bytes, total, tuples] =
            copy.counts().map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        rows.push(&[
            copy.backend_pid.into(),
            catalog.oid.into(),
            catalog.name.as_str().into(),
            relation.oid.into(),
            copy.source.name().into(),
            Cell::Int8(bytes),
            Cell::Int8(total),
            Cell::Int8(tuples),
        ])?;
    }
    Ok(())
}
