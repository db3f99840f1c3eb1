//! `lakegate_catalog.column_expressions`: the defaults and generation expressions of columns. Few columns have one,
//! and who asks for all of them must not read all columns.

use datafusion::common::Result;

use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{INT2, OID, TEXT};

pub const COLUMN_EXPRESSIONS: NativeRelation = NativeRelation {
    name: "column_expressions",
    columns: &[("attrelid", OID), ("attnum", INT2), ("expression", TEXT)],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    // By OID only; no lookup binds the relation's name.
    for (_, relation) in visible.relations(lookup, "attrelid", "relname") {
        for column in relation.columns.iter() {
            if let Some(expression) = column.source.as_ref().and_then(|source| source.expression())
            {
                rows.push(&[relation.oid.into(), column.number.into(), expression.into()])?;
            }
        }
    }
    Ok(())
}
