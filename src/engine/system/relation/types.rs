//! `lakegate_catalog.types`: the types that Lakegate has, as PostgreSQL records them.

use datafusion::common::Result;

use crate::base::datatype::NO_TYPMOD;

use super::super::lookup::Lookup;
use super::super::recorded::{self, RecordedType};
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{BOOL, CHAR, INT2, NAME, OID, REGPROC, TEXT};

pub const TYPES: NativeRelation = NativeRelation {
    name: "types",
    columns: &[
        ("oid", OID),
        ("typname", NAME),
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
        ("sql_name", TEXT),
    ],
    rows,
};

fn rows(_: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for recorded in recorded::TYPES.iter() {
        if lookup.admits_number("oid", recorded.oid.0)
            && lookup.admits_text("typname", recorded.typname)
        {
            push(recorded, rows)?;
        }
    }
    Ok(())
}

fn push(recorded: &'static RecordedType, rows: &mut Rows) -> Result<()> {
    rows.push(&[
        recorded.oid.into(),
        recorded.typname.into(),
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
