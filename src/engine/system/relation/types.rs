//! `lakegate_catalog.types`: the types that Lakegate has, as PostgreSQL records them, and the types of the
//! rows of relations.

use std::collections::BTreeSet;

use datafusion::common::Result;

use crate::base::Oid;
use crate::base::datatype::{BaseType, NO_TYPMOD};

use super::super::lookup::Lookup;
use super::super::recorded::{self, PG_CATALOG, RecordedType, SYSTEM_ROLE};
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::{Named, Visible};
use super::{BOOL, CHAR, INT2, NAME, OID, REGPROC, TEXT};

/// Row types have the functions of `record`.
const RECORD: Oid = BaseType::Record.oid();
const RECORD_ARRAY: Oid = BaseType::Int4.array_oid();

pub const TYPES: NativeRelation = NativeRelation {
    name: "types",
    columns: &[
        ("oid", OID),
        ("typname", NAME),
        ("typnamespace", OID),
        ("typowner", OID),
        ("typrelid", OID),
        ("typlen", INT2),
        ("typbyval", BOOL),
        ("typtype", CHAR),
        ("typcategory", CHAR),
        ("typispreferred", BOOL),
        ("typdelim", CHAR),
        ("typelem", OID),
        ("typarray", OID),
        ("typinput", REGPROC),
        ("typoutput", REGPROC),
        ("typreceive", REGPROC),
        ("typsend", REGPROC),
        ("typmodin", REGPROC),
        ("typmodout", REGPROC),
        ("typalign", CHAR),
        ("typstorage", CHAR),
        ("typcollation", OID),
        ("typsubscript", REGPROC),
        ("typanalyze", REGPROC),
        ("sql_name", TEXT),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for recorded in recorded::TYPES.iter() {
        if lookup.admits_number("oid", recorded.oid.0)
            && lookup.admits_text("typname", recorded.typname)
        {
            push(recorded, rows)?;
        }
    }
    for named in with_rows(visible, lookup) {
        for is_array in [false, true] {
            push_row_type(visible, &named, is_array, lookup, rows)?;
        }
    }
    Ok(())
}

/// The relations whose row types are asked for.
fn with_rows<'a>(visible: &Visible<'a>, lookup: &Lookup) -> Vec<Named<'a>> {
    if let Some(oids) = lookup.numbers("oid") {
        let oids = oids.iter().filter_map(|&oid| u32::try_from(oid).ok());
        let relations = oids.filter_map(|oid| recorded::relation_of_row_type(Oid(oid)));
        return relations.filter_map(|(relation, _)| visible.named_by_oid(relation)).collect();
    }
    // Arrays have no relation.
    if let Some(oids) = lookup.numbers("typrelid").filter(|oids| !oids.contains(&0)) {
        let oids = oids.iter().filter_map(|&oid| u32::try_from(oid).ok());
        return oids.filter_map(|oid| visible.named_by_oid(Oid(oid))).collect();
    }
    // A row's type has its relation's name, the array of rows the same behind a line.
    let names = lookup.texts("typname").map(|names| {
        let of_arrays = names.iter().filter_map(|name| name.strip_prefix('_')).map(str::to_owned);
        names.iter().cloned().chain(of_arrays).collect::<BTreeSet<String>>()
    });
    let is_wanted = |name: &str| names.as_ref().is_none_or(|names| names.contains(name));
    let system = recorded::RELATIONS.iter().filter(|one| is_wanted(one.name)).map(Named::System);
    let named = match &names {
        Some(names) => Lookup::by_texts("relname", names.clone()),
        None => Lookup::default(),
    };
    let users = visible.relations(&named, "oid", "relname");
    system.chain(users.into_iter().map(|(schema, table)| Named::User(schema, table))).collect()
}

fn push_row_type(
    visible: &Visible<'_>,
    named: &Named<'_>,
    is_array: bool,
    lookup: &Lookup,
    rows: &mut Rows,
) -> Result<()> {
    let (row, array) = (recorded::row_type(named.oid()), recorded::row_array_type(named.oid()));
    let oid = if is_array { array } else { row };
    let name = if is_array { format!("_{}", named.name()) } else { named.name().to_owned() };
    if !lookup.admits_number("oid", oid.0) || !lookup.admits_text("typname", &name) {
        return Ok(());
    }
    let (namespace, owner) = match named {
        Named::System(relation) => (relation.namespace(), SYSTEM_ROLE),
        Named::User(schema, relation) => (schema.oid, visible.role_oid(relation.owner)),
        // An index has no rows, and a sequence has none of a type.
        Named::Index(..) | Named::Sequence(..) => return Ok(()),
    };
    // An array of rows is like any array; rows have functions of their own.
    let Some(like) = recorded::type_by_oid(if is_array { RECORD_ARRAY } else { RECORD }) else {
        return Ok(());
    };
    let (none, sql_name) = (Oid::INVALID, name.clone());
    rows.push(&[
        oid.into(),
        name.into(),
        namespace.into(),
        owner.into(),
        if is_array { none } else { named.oid() }.into(),
        like.typlen.into(),
        like.typbyval.into(),
        if is_array { "b" } else { "c" }.into(),
        if is_array { "A" } else { "C" }.into(),
        false.into(),
        like.typdelim.into(),
        if is_array { row } else { none }.into(),
        if is_array { none } else { array }.into(),
        like.typinput.into(),
        like.typoutput.into(),
        like.typreceive.into(),
        like.typsend.into(),
        none.into(),
        none.into(),
        "d".into(),
        "x".into(),
        none.into(),
        if is_array { like.typsubscript } else { none }.into(),
        if is_array { like.typanalyze } else { none }.into(),
        sql_name.into(),
    ])
}

fn push(recorded: &'static RecordedType, rows: &mut Rows) -> Result<()> {
    rows.push(&[
        recorded.oid.into(),
        recorded.typname.into(),
        PG_CATALOG.into(),
        SYSTEM_ROLE.into(),
        Oid::INVALID.into(),
        recorded.typlen.into(),
        recorded.typbyval.into(),
        recorded.typtype.into(),
        recorded.typcategory.into(),
        recorded.typispreferred.into(),
        recorded.typdelim.into(),
        recorded.typelem.into(),
        recorded.typarray.into(),
        recorded.typinput.into(),
        recorded.typoutput.into(),
        recorded.typreceive.into(),
        recorded.typsend.into(),
        recorded.typmodin.into(),
        recorded.typmodout.into(),
        recorded.typalign.into(),
        recorded.typstorage.into(),
        recorded.typcollation.into(),
        recorded.typsubscript.into(),
        recorded.typanalyze.into(),
        sql_name(recorded).into(),
    ])
}

/// The name that the standard's views show, which is `format_type`'s without a modifier.
fn sql_name(recorded: &RecordedType) -> String {
    match recorded.typname {
        "bpchar" => "character".to_owned(),
        _ => recorded.sql_name(NO_TYPMOD),
    }
}
