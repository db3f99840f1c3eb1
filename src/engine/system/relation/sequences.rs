//! `lakegate_catalog.sequences`: the sequences of identity columns.

use datafusion::common::Result;

use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{INT2, INT8, NAME, OID};

pub const SEQUENCES: NativeRelation = NativeRelation {
    name: "sequences",
    columns: &[
        ("oid", OID),
        ("relname", NAME),
        ("nspname", NAME),
        ("relowner", OID),
        ("relid", OID),
        ("attnum", INT2),
        ("seqtypid", OID),
        ("seqstart", INT8),
        ("seqincrement", INT8),
        ("seqmin", INT8),
        ("seqmax", INT8),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for (schema, sequence) in visible.sequences(lookup, ("oid", "relid", "relname")) {
        let (least, greatest) = sequence.bounds();
        rows.push(&[
            sequence.oid.into(),
            sequence.name.as_str().into(),
            schema.name.as_str().into(),
            visible.role_oid(sequence.relation.owner).into(),
            sequence.relation.oid.into(),
            sequence.column.number.into(),
            sequence.pg_type().oid().into(),
            sequence.start.into(),
            sequence.step.into(),
            least.into(),
            greatest.into(),
        ])?;
    }
    Ok(())
}
