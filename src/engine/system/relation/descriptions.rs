//! `lakegate_catalog.descriptions`: comments on schemas, relations, columns, constraints, indexes and catalogs, and
//! PostgreSQL's on the system's own objects.

use datafusion::common::Result;

use crate::base::Oid;

use super::super::lookup::Lookup;
use super::super::recorded::{self, PG_CLASS, PG_CONSTRAINT, PG_DATABASE, PG_NAMESPACE};
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{BOOL, INT4, OID, TEXT};

pub const DESCRIPTIONS: NativeRelation = NativeRelation {
    name: "descriptions",
    columns: &[
        ("objoid", OID),
        ("classoid", OID),
        ("objsubid", INT4),
        ("description", TEXT),
        ("is_shared", BOOL),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    let mut push = |object: Oid, class: Oid, column: i32, comment: Option<&str>| match comment {
        Some(comment) if lookup.admits_number("objoid", object.0) => {
            let shared = class == PG_DATABASE;
            rows.push(&[object.into(), class.into(), column.into(), comment.into(), shared.into()])
        }
        _ => Ok(()),
    };
    for described in recorded::DESCRIPTIONS.iter() {
        push(described.object, described.class, described.subobject, Some(described.text))?;
    }
    for catalog in visible.snapshot().catalogs() {
        if visible.access.may_know(catalog.id) {
            push(catalog.oid, PG_DATABASE, 0, catalog.comment.as_deref())?;
        }
    }
    for schema in visible.schemas() {
        push(schema.oid, PG_NAMESPACE, 0, schema.comment.as_deref())?;
    }
    for (_, relation) in visible.relations(lookup, "objoid", "") {
        push(relation.oid, PG_CLASS, 0, relation.comment.as_deref())?;
        for column in relation.columns.iter() {
            push(relation.oid, PG_CLASS, column.number.into(), column.comment.as_deref())?;
        }
    }
    for (_, _, constraint) in visible.constraints(lookup, ("objoid", "", "")) {
        push(constraint.oid, PG_CONSTRAINT, 0, constraint.comment.as_deref())?;
    }
    for (_, _, index) in visible.indexes(lookup, ("objoid", "", "")) {
        push(index.oid(), PG_CLASS, 0, index.comment())?;
    }
    Ok(())
}
