//! `lakegate_catalog.attributes`: the columns of every relation, the system's included.

use std::sync::Arc;

use datafusion::common::Result;

use crate::base::datatype::{NO_TYPMOD, PgType, pg_type_of};
use crate::base::{Oid, SecurableId, datatype::BaseType};
use crate::catalog::{Column, ColumnSource, IndexedValue, Relation, TableIndex};

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::recorded::{self, RecordedRelation};
use super::super::rows::Rows;
use super::super::sequence::{self, Sequence};
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{BOOL, CHAR, INT2, INT4, INT8, NAME, OID, TEXT};

pub const ATTRIBUTES: NativeRelation = NativeRelation {
    name: "attributes",
    columns: &[
        ("attrelid", OID),
        ("attname", NAME),
        ("atttypid", OID),
        ("attlen", INT2),
        ("attnum", INT2),
        ("atttypmod", INT4),
        ("attndims", INT2),
        ("attbyval", BOOL),
        ("attalign", CHAR),
        ("attstorage", CHAR),
        ("attnotnull", BOOL),
        ("attcollation", OID),
        ("description", TEXT),
        ("is_system", BOOL),
        // What makes its values: the word of `pg_attribute` for identity and generated columns, and an expression.
        ("atthasdef", BOOL),
        ("attidentity", CHAR),
        ("attgenerated", CHAR),
        ("expression", TEXT),
        ("identity_start", INT8),
        ("identity_increment", INT8),
        ("identity_minimum", INT8),
        ("identity_maximum", INT8),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for relation in recorded::RELATIONS.iter() {
        if lookup.admits_number("attrelid", relation.oid.0) {
            push_system_columns(relation, lookup, rows)?;
        }
    }
    // A column's relation is found by OID only; no lookup binds its name.
    for (_, relation) in visible.relations(lookup, "attrelid", "relname") {
        push_columns(relation, lookup, rows)?;
    }
    for (_, sequence) in visible.sequences(lookup, ("attrelid", "", "")) {
        push_sequence_columns(&sequence, lookup, rows)?;
    }
    // By OID only, too: of an index.
    for (_, relation, index) in visible.indexes(lookup, ("attrelid", "", "")) {
        push_index_columns(relation, index, lookup, rows)?;
    }
    Ok(())
}

fn push_system_columns(
    relation: &'static RecordedRelation,
    lookup: &Lookup,
    rows: &mut Rows,
) -> Result<()> {
    for (number, column) in (1_i16..).zip(&relation.columns) {
        if lookup.admits_text("attname", column.name) {
            let attribute = Attribute {
                relation: relation.oid,
                name: column.name,
                number,
                pg_type: column.pg_type,
                typmod: column.typmod,
                not_null: column.not_null,
                comment: None,
                is_system: true,
                source: None,
            };
            rows.push(&attribute.row())?;
        }
    }
    Ok(())
}

fn push_columns(relation: &Arc<Relation>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for Column { number, field, comment, source, .. } in relation.columns.iter() {
        if lookup.admits_text("attname", field.name()) {
            // A column of a type that PostgreSQL cannot have is text to the outside.
            let text = (PgType::Scalar(BaseType::Text), NO_TYPMOD);
            let (pg_type, typmod) = pg_type_of(field).unwrap_or(text);
            let attribute = Attribute {
                relation: relation.oid,
                name: field.name(),
                number: *number,
                pg_type,
                typmod,
                // A view's columns are never declared NOT NULL.
                not_null: !field.is_nullable() && relation.as_table().is_some(),
                comment: comment.as_deref(),
                is_system: false,
                source: source.as_ref(),
            };
            rows.push(&attribute.row())?;
        }
    }
    Ok(())
}

/// What an index holds, under the numbers that it has there.
fn push_index_columns<'a>(
    relation: &'a Arc<Relation>,
    index: TableIndex<'a>,
    lookup: &Lookup,
    rows: &mut Rows,
) -> Result<()> {
    let text = (PgType::Scalar(BaseType::Text), NO_TYPMOD);
    let of_column = |id: SecurableId| {
        let column = relation.columns.iter().find(|column| column.id == id)?;
        Some((column.field.name().clone(), pg_type_of(&column.field).unwrap_or(text)))
    };
    let definition = index.definition();
    let keys = definition.keys.iter().map(|key| match &key.value {
        IndexedValue::Column(id) => of_column(*id),
        IndexedValue::Expression { name, type_oid, sql: _ } => {
            let pg_type = PgType::from_oid(Oid(*type_oid)).unwrap_or(text.0);
            Some((name.clone(), (pg_type, NO_TYPMOD)))
        }
    });
    let parts = keys.chain(definition.included.iter().map(|id| of_column(*id)));
    for (number, part) in (1_i16..).zip(parts) {
        let Some((name, (pg_type, typmod))) = part else { continue };
        if lookup.admits_text("attname", &name) {
            let attribute = Attribute {
                relation: index.oid(),
                name: &name,
                number,
                pg_type,
                typmod,
                not_null: false,
                comment: None,
                is_system: false,
                source: None,
            };
            rows.push(&attribute.row())?;
        }
    }
    Ok(())
}

/// What PostgreSQL keeps in a sequence.
fn push_sequence_columns(sequence: &Sequence<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    let columns = [
        ("last_value", BaseType::Int8),
        ("log_cnt", BaseType::Int8),
        ("is_called", BaseType::Bool),
    ];
    for (number, (name, base)) in (1_i16..).zip(columns) {
        if lookup.admits_text("attname", name) {
            let attribute = Attribute {
                relation: sequence.oid,
                name,
                number,
                pg_type: PgType::Scalar(base),
                typmod: NO_TYPMOD,
                not_null: true,
                comment: None,
                is_system: false,
                source: None,
            };
            rows.push(&attribute.row())?;
        }
    }
    Ok(())
}

struct Attribute<'a> {
    relation: Oid,
    name: &'a str,
    number: i16,
    pg_type: PgType,
    typmod: i32,
    not_null: bool,
    comment: Option<&'a str>,
    is_system: bool,
    source: Option<&'a ColumnSource>,
}

impl<'a> Attribute<'a> {
    fn row(&self) -> [Cell<'a>; 22] {
        let (identity, generated, expression, numbers) = match self.source {
            None => ("", "", None, None),
            Some(ColumnSource::Default(sql)) => ("", "", Some(sql.as_str()), None),
            Some(ColumnSource::Generated(sql)) => ("", "s", Some(sql.as_str()), None),
            Some(ColumnSource::Identity { start, step, by_default }) => {
                (if *by_default { "d" } else { "a" }, "", None, Some((*start, *step)))
            }
        };
        let bounds = numbers.map(|(_, step)| sequence::bounds(self.pg_type, step));
        let oid = self.pg_type.oid();
        let recorded = recorded::type_by_oid(oid);
        let dimensions = i16::from(matches!(self.pg_type, PgType::Array(_)));
        [
            self.relation.into(),
            self.name.into(),
            oid.into(),
            self.pg_type.length().into(),
            self.number.into(),
            self.typmod.into(),
            dimensions.into(),
            recorded.is_some_and(|recorded| recorded.typbyval).into(),
            recorded.map(|recorded| recorded.typalign).into(),
            recorded.map(|recorded| recorded.typstorage).into(),
            self.not_null.into(),
            recorded.map_or(Oid::INVALID, |recorded| recorded.typcollation).into(),
            self.comment.into(),
            self.is_system.into(),
            expression.is_some().into(),
            identity.into(),
            generated.into(),
            expression.into(),
            numbers.map(|(start, _)| start).into(),
            numbers.map(|(_, step)| step).into(),
            bounds.map(|(least, _)| least).into(),
            bounds.map(|(_, greatest)| greatest).into(),
        ]
    }
}
