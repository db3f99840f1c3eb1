//! `lakegate_catalog.procedures`: the functions that Lakegate has, as PostgreSQL records them, the input and
//! output functions of its types among them.

use datafusion::common::Result;

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::recorded;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{BOOL, CHAR, CHARS, FLOAT4, INT2, NAME, OID, OID_VECTOR, OIDS, TEXT, TEXTS};

pub const PROCEDURES: NativeRelation = NativeRelation {
    name: "procedures",
    columns: &[
        ("oid", OID),
        ("proname", NAME),
        ("prolang", OID),
        ("procost", FLOAT4),
        ("prorows", FLOAT4),
        ("provariadic", OID),
        ("prokind", CHAR),
        ("proleakproof", BOOL),
        ("proisstrict", BOOL),
        ("proretset", BOOL),
        ("provolatile", CHAR),
        ("proparallel", CHAR),
        ("pronargs", INT2),
        ("pronargdefaults", INT2),
        ("prorettype", OID),
        ("proargtypes", OID_VECTOR),
        ("prosrc", TEXT),
        ("proallargtypes", OIDS),
        ("proargmodes", CHARS),
        ("proargnames", TEXTS),
    ],
    rows,
};

fn rows(_: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for recorded in recorded::PROCEDURES.iter() {
        if !lookup.admits_number("oid", recorded.oid.0)
            || !lookup.admits_text("proname", recorded.proname)
        {
            continue;
        }
        rows.push(&[
            recorded.oid.into(),
            recorded.proname.into(),
            recorded.prolang.into(),
            Cell::Float4(recorded.procost),
            Cell::Float4(recorded.prorows),
            recorded.provariadic.into(),
            recorded.prokind.into(),
            recorded.proleakproof.into(),
            recorded.proisstrict.into(),
            recorded.proretset.into(),
            recorded.provolatile.into(),
            recorded.proparallel.into(),
            recorded.pronargs.into(),
            recorded.pronargdefaults.into(),
            recorded.prorettype.into(),
            Cell::Int8s(recorded.proargtypes.clone()),
            recorded.prosrc.into(),
            recorded.proallargtypes.clone().map_or(Cell::Null, Cell::Int8s),
            recorded.proargmodes.clone().map_or(Cell::Null, Cell::Texts),
            recorded.proargnames.clone().map_or(Cell::Null, Cell::Texts),
        ])?;
    }
    Ok(())
}
