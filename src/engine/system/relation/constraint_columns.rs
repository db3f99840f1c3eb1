//! `lakegate_catalog.constraint_columns`: each column of each key, and for foreign keys the column that it
//! refers to.

use datafusion::common::Result;

use crate::base::SecurableId;
use crate::catalog::{Constraint, ConstraintKind, Relation, Schema};

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{CHAR, INT4, NAME};

pub const CONSTRAINT_COLUMNS: NativeRelation = NativeRelation {
    name: "constraint_columns",
    columns: &[
        ("conname", NAME),
        ("contype", CHAR),
        ("nspname", NAME),
        ("relname", NAME),
        ("attname", NAME),
        ("ordinal_position", INT4),
        // Of a foreign key: the table, the column and its place in the key that is referred to.
        ("confname", NAME),
        ("confnspname", NAME),
        ("confrelname", NAME),
        ("confattname", NAME),
        ("position_in_unique_constraint", INT4),
        ("match_option", NAME),
        ("update_rule", NAME),
        ("delete_rule", NAME),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for (schema, relation, constraint) in visible.constraints(lookup, ("", "", "conname")) {
        if lookup.admits_text("relname", &relation.name)
            && lookup.admits_text("nspname", &schema.name)
        {
            push(visible, (schema, relation), constraint, rows)?;
        }
    }
    Ok(())
}

fn push(
    visible: &Visible<'_>,
    (schema, relation): (&Schema, &Relation),
    constraint: &Constraint,
    rows: &mut Rows,
) -> Result<()> {
    let snapshot = visible.snapshot();
    let other = constraint.kind.referenced().and_then(|other| snapshot.relation_by_id(other));
    let other_schema = other.and_then(|other| snapshot.schema_by_id(other.schema));
    let (contype, referenced, rules): (_, &[SecurableId], _) = match &constraint.kind {
        ConstraintKind::Check { .. } => return Ok(()),
        ConstraintKind::Key { primary: true, .. } => ("p", &[], None),
        ConstraintKind::Key { primary: false, .. } => ("u", &[], None),
        ConstraintKind::Foreign { referenced, rules, .. } => ("f", referenced, Some(rules)),
    };
    let key = other.and_then(|other| other.key_over(referenced));
    for (place, column) in constraint.kind.columns().iter().enumerate() {
        let target = referenced.get(place);
        let target_name = other.zip(target).and_then(|(other, id)| name(other, *id));
        let target_place = key.zip(target).and_then(|(key, target)| {
            key.kind.columns().iter().position(|column| column == target)
        });
        rows.push(&[
            constraint.name.as_str().into(),
            contype.into(),
            schema.name.as_str().into(),
            relation.name.as_str().into(),
            name(relation, *column).into(),
            ordinal(place),
            key.map(|key| key.name.as_str()).into(),
            other_schema.map(|schema| schema.name.as_str()).into(),
            other.map(|other| other.name.as_str()).into(),
            target_name.into(),
            target_place.map_or(Cell::Null, ordinal),
            rules.map(|rules| if rules.match_full { "FULL" } else { "NONE" }).into(),
            rules.map(|rules| rules.on_update.name()).into(),
            rules.map(|rules| rules.on_delete.name()).into(),
        ])?;
    }
    Ok(())
}

fn name(relation: &Relation, id: SecurableId) -> Option<&str> {
    let column = relation.columns.iter().find(|column| column.id == id);
    column.map(|column| column.field.name().as_str())
}

/// Counted from one.
fn ordinal(place: usize) -> Cell<'static> {
    i32::try_from(place + 1).unwrap_or(i32::MAX).into()
}
