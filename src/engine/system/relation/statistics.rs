//! `lakegate_catalog.statistics`: what ANALYZE has found in columns, to those who may read them.

use datafusion::common::Result;

use crate::catalog::Privilege;

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{FLOAT4, INT2, INT4, NAME, OID, TEXT};

pub const STATISTICS: NativeRelation = NativeRelation {
    name: "statistics",
    columns: &[
        ("relid", OID),
        ("schemaname", NAME),
        ("tablename", NAME),
        ("attname", NAME),
        ("attnum", INT2),
        ("null_frac", FLOAT4),
        ("avg_width", INT4),
        ("n_distinct", FLOAT4),
        ("bounds", TEXT),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for (schema, relation) in visible.relations(lookup, "relid", "tablename") {
        let Some(found) = visible.facts.statistics.get(&relation.id) else { continue };
        if !visible.access.has(relation.id, Privilege::Select) {
            continue;
        }
        for column in relation.columns.iter() {
            let Some(found) = found.columns.get(&column.id) else { continue };
            let bounds = match (&found.least, &found.greatest) {
                (Some(least), Some(greatest)) => Cell::Text(array(least, greatest).into()),
                _ => Cell::Null,
            };
            rows.push(&[
                relation.oid.into(),
                schema.name.as_str().into(),
                relation.name.as_str().into(),
                column.field.name().as_str().into(),
                column.number.into(),
                Cell::Float4(found.null_fraction as f32),
                Cell::Int4(i32::try_from(found.average_bytes).unwrap_or(i32::MAX)),
                Cell::Float4(found.distinct_count as f32),
                bounds,
            ])?;
        }
    }
    Ok(())
}

/// PostgreSQL's text of an array of two.
fn array(least: &str, greatest: &str) -> String {
    let quoted = |text: &str| {
        let is_plain = !text.is_empty()
            && !text.eq_ignore_ascii_case("null")
            && !text.contains(|c: char| c.is_whitespace() || "{}\",\\".contains(c));
        match is_plain {
            true => text.to_owned(),
            false => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        }
    };
    format!("{{{},{}}}", quoted(least), quoted(greatest))
}
