//! `lakegate_catalog.prepared_statements`: the session's own prepared statements, by its client's messages and by
//! PREPARE.

use datafusion::common::Result;

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{BOOL, REGTYPES, TEXT, TIMESTAMPTZ};
use crate::base::Oid;

pub const PREPARED_STATEMENTS: NativeRelation = NativeRelation {
    name: "prepared_statements",
    columns: &[
        ("name", TEXT),
        ("statement", TEXT),
        ("prepare_time", TIMESTAMPTZ),
        ("parameter_types", REGTYPES),
        ("result_types", REGTYPES),
        ("from_sql", BOOL),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, _: &Lookup, rows: &mut Rows) -> Result<()> {
    let types = |oids: &[Oid]| Cell::Int8s(oids.iter().map(|oid| i64::from(oid.0)).collect());
    for (name, prepared) in visible.facts.prepared.list() {
        rows.push(&[
            name.into(),
            prepared.statement.as_ref().into(),
            Cell::Timestamp(prepared.prepare_time),
            types(&prepared.parameter_types),
            prepared.result_types.as_deref().map_or(Cell::Null, types),
            prepared.from_sql.into(),
        ])?;
    }
    Ok(())
}
