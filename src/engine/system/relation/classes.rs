//! `lakegate_catalog.classes`: tables, views, the sequences of identity columns, the indexes that stand for keys,
//! and the system relations themselves, with the definitions of views.

use std::sync::Arc;

use datafusion::common::Result;

use crate::base::Oid;
use crate::catalog::{Privilege, Relation, RelationKind, Schema, TableIndex};

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::recorded::{self, RecordedRelation, SYSTEM_ROLE};
use super::super::rows::Rows;
use super::super::sequence::{self, Sequence};
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::acl::{AclKind, acl};
use super::{ACL, BOOL, CHAR, FLOAT4, INT2, INT4, NAME, OID, TEXT, TIMESTAMPTZ};

pub const CLASSES: NativeRelation = NativeRelation {
    name: "classes",
    columns: &[
        ("oid", OID),
        ("relname", NAME),
        ("relnamespace", OID),
        ("reltype", OID),
        ("nspname", NAME),
        ("relowner", OID),
        ("relkind", CHAR),
        ("relnatts", INT2),
        ("relacl", ACL),
        ("definition", TEXT),
        ("is_system", BOOL),
        ("relhasindex", BOOL),
        ("relchecks", INT2),
        ("relhastriggers", BOOL),
        ("relpages", INT4),
        ("reltuples", FLOAT4),
        ("analyzed_at", TIMESTAMPTZ),
        ("is_automatic", BOOL),
        ("relam", OID),
        ("relispopulated", BOOL),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for relation in recorded::RELATIONS.iter() {
        if lookup.admits_number("oid", relation.oid.0)
            && lookup.admits_text("relname", relation.name)
        {
            rows.push(&system_row(relation))?;
        }
    }
    let of_rows = lookup.numbers("reltype").map(|types| {
        let types = types.iter().filter_map(|&oid| u32::try_from(oid).ok());
        let relations = types.filter_map(|oid| recorded::relation_of_row_type(Oid(oid)));
        relations.filter_map(|(relation, _)| visible.relation_by_oid(relation)).collect()
    });
    let users = of_rows.unwrap_or_else(|| visible.relations(lookup, "oid", "relname"));
    for (schema, relation) in users {
        if lookup.admits_text("relname", &relation.name)
            && lookup.admits_number("relnamespace", schema.oid.0)
        {
            rows.push(&user_row(visible, schema, relation))?;
        }
    }
    for (schema, sequence) in visible.sequences(lookup, ("oid", "", "relname")) {
        if lookup.admits_number("relnamespace", schema.oid.0) {
            rows.push(&sequence_row(visible, schema, &sequence))?;
        }
    }
    for (schema, relation, index) in visible.indexes(lookup, ("oid", "", "relname")) {
        if lookup.admits_text("relname", index.name())
            && lookup.admits_number("relnamespace", schema.oid.0)
        {
            rows.push(&index_row(visible, schema, relation, index))?;
        }
    }
    Ok(())
}

fn system_row(relation: &'static RecordedRelation) -> [Cell<'static>; 20] {
    [
        relation.oid.into(),
        relation.name.into(),
        relation.namespace().into(),
        recorded::row_type(relation.oid).into(),
        relation.schema.into(),
        SYSTEM_ROLE.into(),
        relation.kind.into(),
        column_count(relation.columns.len()).into(),
        // Everybody may read the system's relations.
        Cell::Texts(vec!["=r/lakegate".to_owned()]),
        Cell::Null,
        true.into(),
        false.into(),
        0_i16.into(),
        false.into(),
        0_i32.into(),
        NOT_COUNTED,
        Cell::Null,
        Cell::Null,
        if relation.kind == "r" { HEAP } else { Oid::INVALID }.into(),
        true.into(),
    ]
}

/// `pg_am.oid` of tables.
const HEAP: Oid = Oid(2);

/// `reltuples` of what nobody has counted.
const NOT_COUNTED: Cell<'static> = Cell::Float4(-1.0);

/// Bytes of a page, as PostgreSQL counts files.
const PAGE_BYTES: u64 = 8192;

/// What ANALYZE has found in a table: pages, rows, when, and whether nobody has asked for it. To those who may
/// read it.
fn analyzed(visible: &Visible<'_>, relation: &Relation) -> [Cell<'static>; 4] {
    let found = visible.facts.statistics.get(&relation.id);
    match found.filter(|_| visible.access.has(relation.id, Privilege::Select)) {
        None => [0_i32.into(), NOT_COUNTED, Cell::Null, Cell::Null],
        Some(found) => [
            Cell::Int4(i32::try_from(found.bytes.div_ceil(PAGE_BYTES)).unwrap_or(i32::MAX)),
            Cell::Float4(found.rows as f32),
            Cell::Timestamp(found.analyzed_at),
            found.automatic.into(),
        ],
    }
}

fn user_row<'a>(
    visible: &Visible<'a>,
    schema: &'a Arc<Schema>,
    relation: &'a Arc<Relation>,
) -> [Cell<'a>; 20] {
    let kind = match &relation.kind {
        RelationKind::Table(_) => "r",
        RelationKind::View(_) => "v",
        RelationKind::MaterializedView(_) => "m",
    };
    let is_populated = relation.as_materialized().is_none_or(|view| view.populated);
    let [pages, tuples, at, automatic] = analyzed(visible, relation);
    [
        relation.oid.into(),
        relation.name.as_str().into(),
        schema.oid.into(),
        recorded::row_type(relation.oid).into(),
        schema.name.as_str().into(),
        visible.role_oid(relation.owner).into(),
        kind.into(),
        column_count(relation.columns.len()).into(),
        acl(visible, relation.id, relation.owner, AclKind::Relation),
        visible.definition(relation).into(),
        false.into(),
        relation.all_indexes().next().is_some().into(),
        column_count(relation.checks().count()).into(),
        has_foreign_keys(visible, relation).into(),
        pages,
        tuples,
        at,
        automatic,
        if relation.as_table().is_some() { HEAP } else { Oid::INVALID }.into(),
        is_populated.into(),
    ]
}

/// Whether PostgreSQL would have triggers for foreign keys of the table, or of others to it: clients look for
/// foreign keys where it says so.
fn has_foreign_keys(visible: &Visible<'_>, relation: &Relation) -> bool {
    let mut own = relation.constraints.iter();
    own.any(|own| own.kind.referenced().is_some() && visible.sees_constraint(own))
        || visible
            .snapshot()
            .referring_to(relation.id)
            .any(|other| visible.access.may_know(other.id))
}

fn index_row<'a>(
    visible: &Visible<'a>,
    schema: &'a Arc<Schema>,
    relation: &'a Arc<Relation>,
    index: TableIndex<'a>,
) -> [Cell<'a>; 20] {
    let definition = index.definition();
    let parts = definition.keys.len() + definition.included.len();
    [
        index.oid().into(),
        index.name().into(),
        schema.oid.into(),
        Oid::INVALID.into(),
        schema.name.as_str().into(),
        visible.role_oid(relation.owner).into(),
        "i".into(),
        column_count(parts).into(),
        Cell::Null,
        Cell::Null,
        false.into(),
        false.into(),
        0_i16.into(),
        false.into(),
        0_i32.into(),
        NOT_COUNTED,
        Cell::Null,
        Cell::Null,
        access_method(&definition.method).into(),
        true.into(),
    ]
}

fn sequence_row<'a>(
    visible: &Visible<'a>,
    schema: &'a Arc<Schema>,
    sequence: &Sequence<'_>,
) -> [Cell<'a>; 20] {
    [
        sequence.oid.into(),
        sequence.name.clone().into(),
        schema.oid.into(),
        Oid::INVALID.into(),
        schema.name.as_str().into(),
        visible.role_oid(sequence.relation.owner).into(),
        "S".into(),
        sequence::ATTRIBUTES.into(),
        Cell::Null,
        Cell::Null,
        false.into(),
        false.into(),
        0_i16.into(),
        false.into(),
        1_i32.into(),
        Cell::Float4(1.0),
        Cell::Null,
        Cell::Null,
        Oid::INVALID.into(),
        true.into(),
    ]
}

/// `pg_am.oid` of an index's method (`pg_am.dat`).
fn access_method(name: &str) -> Oid {
    Oid(match name {
        "hash" => 405,
        "gist" => 783,
        "gin" => 2742,
        "brin" => 3580,
        "spgist" => 4000,
        _ => 403,
    })
}

fn column_count(count: usize) -> i16 {
    i16::try_from(count).unwrap_or(i16::MAX)
}
