//! What constraints and the indexes of keys are defined as, in PostgreSQL's words.

use crate::base::name::quote_identifier;
use crate::base::{Deferral, Error, ReferentialAction, ReferentialRules, SecurableId};
use crate::catalog::{ConstraintKind, IndexKey, IndexedValue, Relation};
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
    let late = match constraint.deferral {
        Deferral::NotDeferrable => "",
        Deferral::Deferrable => " DEFERRABLE",
        Deferral::Deferred => " DEFERRABLE INITIALLY DEFERRED",
    };
    let definition = match &constraint.kind {
        ConstraintKind::Check { expression } => {
            let mut expression = expression.trim();
            while let Some(inner) = inside_one_pair(expression) {
                expression = inner.trim();
            }
            match arguments.len() > 1 && flag(arguments, 1) {
                true => format!("CHECK ({expression})"),
                false => format!("CHECK (({expression}))"),
            }
        }
        ConstraintKind::Key { primary, columns, rely: _ } => {
            let words = if *primary { "PRIMARY KEY" } else { "UNIQUE" };
            format!("{words} ({}){late}", names(relation, columns))
        }
        ConstraintKind::Foreign { columns, relation: other, referenced, rely: _, rules } => {
            let Some(other) = visible.snapshot().relation_by_id(*other) else {
                return Ok(Cell::Null);
            };
            let own = names(relation, columns);
            let name = relation_name(visible, other.oid).unwrap_or_default();
            let (others, rules) = (names(other, referenced), rules_text(rules));
            format!("FOREIGN KEY ({own}) REFERENCES {name}({others}){rules}{late}")
        }
    };
    Ok(definition.into())
}

/// What a foreign key says beside its columns, where that is not what others do.
fn rules_text(rules: &ReferentialRules) -> String {
    let mut text = String::new();
    if rules.match_full {
        text.push_str(" MATCH FULL");
    }
    for (on, action) in [("UPDATE", rules.on_update), ("DELETE", rules.on_delete)] {
        if action != ReferentialAction::NoAction {
            text.push_str(&format!(" ON {on} {}", action.name()));
        }
    }
    text
}

/// `pg_get_indexdef`: the whole index, or the column at a place of it.
pub fn index_definition<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let visible = call.visible()?;
    let Some((schema, relation, index)) = visible.index_by_oid(oid(arguments, 0)) else {
        return Ok(Cell::Null);
    };
    let definition = index.definition();
    if arguments.len() > 1 && number(arguments, 1) != 0 {
        let place = usize::try_from(number(arguments, 1) - 1).ok();
        let key = place.and_then(|place| definition.keys.get(place));
        if let Some(key) = key {
            return Ok(indexed_value(relation, key).into());
        }
        let place = place.and_then(|place| place.checked_sub(definition.keys.len()));
        let column = place.and_then(|place| definition.included.get(place));
        return Ok(column.map(|id| names(relation, &[*id])).unwrap_or_default().into());
    }
    let is_pretty = arguments.len() > 2 && flag(arguments, 2);
    let table = match is_pretty {
        true => relation_name(visible, relation.oid).unwrap_or_default(),
        false => format!("{}.{}", quote_identifier(&schema.name), quote_identifier(&relation.name)),
    };
    let unique = if definition.unique { "UNIQUE " } else { "" };
    let name = quote_identifier(index.name());
    let keys: Vec<String> = definition.keys.iter().map(|key| index_key(relation, key)).collect();
    let (method, keys) = (&definition.method, keys.join(", "));
    let mut text = format!("CREATE {unique}INDEX {name} ON {table} USING {method} ({keys})");
    if !definition.included.is_empty() {
        text.push_str(&format!(" INCLUDE ({})", names(relation, &definition.included)));
    }
    if definition.nulls_not_distinct {
        text.push_str(" NULLS NOT DISTINCT");
    }
    match &definition.predicate {
        Some(predicate) if is_pretty => text.push_str(&format!(" WHERE {predicate}")),
        Some(predicate) => text.push_str(&format!(" WHERE ({predicate})")),
        None => {}
    }
    Ok(text.into())
}

/// A part of an index's key with its order, where that is not PostgreSQL's default.
fn index_key(relation: &Relation, key: &IndexKey) -> String {
    let mut text = indexed_value(relation, key);
    if let Some(class) = &key.operator_class {
        text.push_str(&format!(" {}", quote_identifier(class)));
    }
    match (key.descending, key.nulls_first) {
        (false, false) => {}
        (false, true) => text.push_str(" NULLS FIRST"),
        (true, true) => text.push_str(" DESC"),
        (true, false) => text.push_str(" DESC NULLS LAST"),
    }
    text
}

/// A column's name or an expression, in parentheses where it is not a function's call alone.
fn indexed_value(relation: &Relation, key: &IndexKey) -> String {
    match &key.value {
        IndexedValue::Column(id) => names(relation, &[*id]),
        IndexedValue::Expression { sql, name, type_oid: _ } => {
            let called = sql.get(..name.len()).zip(sql.get(name.len()..));
            let is_call = called.is_some_and(|(function, rest)| {
                function.eq_ignore_ascii_case(name) && inside_one_pair(rest.trim()).is_some()
            });
            if is_call { sql.clone() } else { format!("({sql})") }
        }
    }
}

/// What stands inside of a text that is one pair of parentheses.
fn inside_one_pair(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    let mut quote = None;
    for (place, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
        if depth == 0 && place + character.len_utf8() < text.len() {
            return None;
        }
    }
    text.strip_prefix('(')?.strip_suffix(')')
}

/// The names of columns, quoted where they must be.
fn names(relation: &Relation, columns: &[SecurableId]) -> String {
    let name = |id: &SecurableId| {
        let column = relation.columns.iter().find(|column| column.id == *id);
        column.map(|column| quote_identifier(column.field.name()).to_string())
    };
    columns.iter().filter_map(name).collect::<Vec<_>>().join(", ")
}
