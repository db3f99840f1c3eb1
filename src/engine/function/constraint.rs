//! What constraints and the indexes of keys are defined as, in PostgreSQL's words.

use crate::base::name::quote_identifier;
use crate::base::{Error, SecurableId};
use crate::catalog::{ConstraintKind, Relation};
use crate::engine::system::cell::Cell;

use super::define::*;
use super::object_name::relation_name;

/// `pg_get_constraintdef`; NULL for what is not there.
pub fn constraint_definition<'a>(
    call: &Call<'_>,
    arguments: &'a [Cell<'a>],
) -> Result<Cell<'a>, Error> {
    let visible = call.visible()?;
    let oid = oid(arguments, 0);
    let Some((_, relation, constraint)) = visible.constraint_by_oid(oid) else {
        return Ok(Cell::Null);
    };
    if constraint.oid != oid {
        return Ok(Cell::Null);
    }
    let definition = match &constraint.kind {
        ConstraintKind::Check { expression } if arguments.len() > 1 && flag(arguments, 1) => {
            format!("CHECK ({expression})")
        }
        ConstraintKind::Check { expression } => format!("CHECK (({expression}))"),
        ConstraintKind::Key { primary, columns, rely: _ } => {
            let words = if *primary { "PRIMARY KEY" } else { "UNIQUE" };
            format!("{words} ({})", names(relation, columns))
        }
        ConstraintKind::Foreign { columns, relation: other, referenced, rely: _ } => {
            let Some(other) = visible.snapshot().relation_by_id(*other) else {
                return Ok(Cell::Null);
            };
            let own = names(relation, columns);
            let name = relation_name(visible, other.oid).unwrap_or_default();
            format!("FOREIGN KEY ({own}) REFERENCES {name}({})", names(other, referenced))
        }
    };
    Ok(definition.into())
}

/// `pg_get_indexdef`: the whole index, or the column at a place of it.
pub fn index_definition<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let visible = call.visible()?;
    let oid = oid(arguments, 0);
    let Some((schema, relation, key)) = visible.constraint_by_oid(oid) else {
        return Ok(Cell::Null);
    };
    if key.index != Some(oid) {
        return Ok(Cell::Null);
    }
    let columns = key.kind.columns();
    if arguments.len() > 1 && number(arguments, 1) != 0 {
        let place = usize::try_from(number(arguments, 1) - 1).ok();
        let column = place.and_then(|place| columns.get(place));
        return Ok(column.map(|id| names(relation, &[*id])).unwrap_or_default().into());
    }
    let is_pretty = arguments.len() > 2 && flag(arguments, 2);
    let table = match is_pretty {
        true => relation_name(visible, relation.oid).unwrap_or_default(),
        false => format!("{}.{}", quote_identifier(&schema.name), quote_identifier(&relation.name)),
    };
    let (name, columns) = (quote_identifier(&key.name), names(relation, columns));
    Ok(format!("CREATE UNIQUE INDEX {name} ON {table} USING btree ({columns})").into())
}

/// The names of columns, quoted where they must be.
fn names(relation: &Relation, columns: &[SecurableId]) -> String {
    let name = |id: &SecurableId| {
        let column = relation.columns.iter().find(|column| column.id == *id);
        column.map(|column| quote_identifier(column.field.name()).to_string())
    };
    columns.iter().filter_map(name).collect::<Vec<_>>().join(", ")
}
