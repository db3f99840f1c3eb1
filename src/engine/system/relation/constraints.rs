//! `lakegate_catalog.constraints`: checks and keys of tables, and the indexes that PostgreSQL would have for
//! keys.

use datafusion::common::Result;

use crate::base::{Deferral, Oid, SecurableId};
use crate::catalog::{Constraint, ConstraintKind, Relation, Schema};

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{BOOL, CHAR, INT2, INT2_VECTOR, INT2S, NAME, OID, OID_VECTOR, TEXT};

pub const CONSTRAINTS: NativeRelation = NativeRelation {
    name: "constraints",
    columns: &[
        ("oid", OID),
        ("conname", NAME),
        ("connamespace", OID),
        ("nspname", NAME),
        ("contype", CHAR),
        ("conrelid", OID),
        ("relname", NAME),
        ("conindid", OID),
        ("confrelid", OID),
        ("conkey", INT2S),
        ("confkey", INT2S),
        ("expression", TEXT),
        ("rely", BOOL),
        ("indnatts", INT2),
        ("indkey", INT2_VECTOR),
        ("indzeros", INT2_VECTOR),
        ("indcollation", OID_VECTOR),
        ("condeferrable", BOOL),
        ("condeferred", BOOL),
        ("confupdtype", CHAR),
        ("confdeltype", CHAR),
        ("confmatchtype", CHAR),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for (schema, relation, constraint) in
        visible.constraints(lookup, ("oid", "conrelid", "conname"))
    {
        push(visible, (schema, relation), constraint, rows)?;
    }
    Ok(())
}

fn push(
    visible: &Visible<'_>,
    (schema, relation): (&Schema, &Relation),
    constraint: &Constraint,
    rows: &mut Rows,
) -> Result<()> {
    let other = constraint.kind.referenced();
    let other = other.and_then(|other| visible.snapshot().relation_by_id(other));
    let (contype, expression, rely) = match &constraint.kind {
        ConstraintKind::Check { expression } => ("c", Some(expression.as_str()), None),
        ConstraintKind::Key { primary: true, rely, .. } => ("p", None, Some(*rely)),
        ConstraintKind::Key { primary: false, rely, .. } => ("u", None, Some(*rely)),
        ConstraintKind::Foreign { rely, .. } => ("f", None, Some(*rely)),
    };
    let rules = match &constraint.kind {
        ConstraintKind::Check { .. } | ConstraintKind::Key { .. } => None,
        ConstraintKind::Foreign { rules, .. } => Some(rules),
    };
    let (index, others) = match (&constraint.kind, other) {
        (ConstraintKind::Foreign { referenced, .. }, Some(other)) => {
            let key = other.key_over(referenced).and_then(|key| key.index);
            (key, Cell::Int2s(numbers(other, referenced)))
        }
        _ => (constraint.index, Cell::Null),
    };
    let keys = numbers(relation, constraint.kind.columns());
    let zeros = keys.iter().map(|_| 0);
    let (zeros, collations) = (zeros.clone().collect(), zeros.map(i64::from).collect());
    let conkey = if keys.is_empty() { Cell::Null } else { Cell::Int2s(keys.clone()) };
    rows.push(&[
        constraint.oid.into(),
        constraint.name.as_str().into(),
        schema.oid.into(),
        schema.name.as_str().into(),
        contype.into(),
        relation.oid.into(),
        relation.name.as_str().into(),
        index.unwrap_or(Oid::INVALID).into(),
        other.map_or(Oid::INVALID, |other| other.oid).into(),
        conkey,
        others,
        expression.into(),
        rely.into(),
        i16::try_from(keys.len()).unwrap_or(i16::MAX).into(),
        Cell::Int2s(keys),
        Cell::Int2s(zeros),
        Cell::Int8s(collations),
        (constraint.deferral != Deferral::NotDeferrable).into(),
        (constraint.deferral == Deferral::Deferred).into(),
        rules.map_or(" ", |rules| rules.on_update.letter()).into(),
        rules.map_or(" ", |rules| rules.on_delete.letter()).into(),
        rules.map_or(" ", |rules| if rules.match_full { "f" } else { "s" }).into(),
    ])
}

/// The attribute numbers of columns.
fn numbers(relation: &Relation, columns: &[SecurableId]) -> Vec<i16> {
    let number = |id: &SecurableId| {
        let column = relation.columns.iter().find(|column| column.id == *id);
        column.map(|column| column.number)
    };
    columns.iter().filter_map(number).collect()
}
