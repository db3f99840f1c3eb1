//! `lakegate_catalog.indexes`: the declared indexes of tables, and those that PostgreSQL would have for keys.

use datafusion::common::Result;

use crate::base::SecurableId;
use crate::catalog::{IndexKey, IndexedValue, Relation, Schema, TableIndex};

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{BOOL, INT2, INT2_VECTOR, NAME, OID, OID_VECTOR, TEXT};

pub const INDEXES: NativeRelation = NativeRelation {
    name: "indexes",
    columns: &[
        ("indexrelid", OID),
        ("indexname", NAME),
        ("nspname", NAME),
        ("indrelid", OID),
        ("relname", NAME),
        ("indnatts", INT2),
        ("indnkeyatts", INT2),
        ("indisunique", BOOL),
        ("indnullsnotdistinct", BOOL),
        ("indisprimary", BOOL),
        ("indimmediate", BOOL),
        ("indkey", INT2_VECTOR),
        ("indoption", INT2_VECTOR),
        ("indzeros", OID_VECTOR),
        ("indexprs", TEXT),
        ("indpred", TEXT),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    let by = ("indexrelid", "indrelid", "indexname");
    for (schema, relation, index) in visible.indexes(lookup, by) {
        push(schema, relation, index, rows)?;
    }
    Ok(())
}

fn push(
    schema: &Schema,
    relation: &Relation,
    index: TableIndex<'_>,
    rows: &mut Rows,
) -> Result<()> {
    let definition = index.definition();
    let number = |id: SecurableId| {
        let column = relation.columns.iter().find(|column| column.id == id);
        column.map_or(0, |column| column.number)
    };
    let keys = definition.keys.iter().map(|key| match key.value {
        IndexedValue::Column(id) => number(id),
        // PostgreSQL's number of what is no column.
        IndexedValue::Expression { .. } => 0,
    });
    let columns: Vec<i16> = keys.chain(definition.included.iter().map(|id| number(*id))).collect();
    let options: Vec<i16> = definition.keys.iter().map(option).collect();
    let zeros: Vec<i64> = definition.keys.iter().map(|_| 0).collect();
    let expressions = definition.keys.iter().filter_map(|key| match &key.value {
        IndexedValue::Column(_) => None,
        IndexedValue::Expression { sql, .. } => Some(sql.as_str()),
    });
    let expressions = expressions.collect::<Vec<_>>().join(", ");
    rows.push(&[
        index.oid().into(),
        index.name().into(),
        schema.name.as_str().into(),
        relation.oid.into(),
        relation.name.as_str().into(),
        count(columns.len()).into(),
        count(definition.keys.len()).into(),
        definition.unique.into(),
        definition.nulls_not_distinct.into(),
        index.is_primary().into(),
        index.is_immediate().into(),
        Cell::Int2s(columns),
        Cell::Int2s(options),
        Cell::Int8s(zeros),
        if expressions.is_empty() { Cell::Null } else { expressions.into() },
        definition.predicate.clone().map_or(Cell::Null, Cell::from),
    ])
}

/// `INDOPTION_DESC` and `INDOPTION_NULLS_FIRST` of PostgreSQL.
fn option(key: &IndexKey) -> i16 {
    i16::from(key.descending) | (i16::from(key.nulls_first) << 1)
}

fn count(count: usize) -> i16 {
    i16::try_from(count).unwrap_or(i16::MAX)
}
