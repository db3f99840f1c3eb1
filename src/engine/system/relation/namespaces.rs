//! `lakegate_catalog.namespaces`: the schemas of the current catalog and the system's own.

use datafusion::common::Result;

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::recorded::{INFORMATION_SCHEMA, PG_CATALOG, SYSTEM_ROLE};
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::acl::{AclKind, acl};
use super::{ACL, NAME, OID};

pub const NAMESPACES: NativeRelation = NativeRelation {
    name: "namespaces",
    columns: &[("oid", OID), ("nspname", NAME), ("nspowner", OID), ("nspacl", ACL)],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for (oid, name) in [(PG_CATALOG, "pg_catalog"), (INFORMATION_SCHEMA, "information_schema")] {
        // Everybody may use the system's schemas.
        let acl = Cell::Texts(vec!["=U/lakegate".to_owned()]);
        rows.push(&[oid.into(), name.into(), SYSTEM_ROLE.into(), acl])?;
    }
    for schema in visible.schemas() {
        if lookup.admits_number("oid", schema.oid.0) && lookup.admits_text("nspname", &schema.name)
        {
            rows.push(&[
                schema.oid.into(),
                schema.name.as_str().into(),
                visible.role_oid(schema.owner).into(),
                acl(visible, schema.id, schema.owner, AclKind::Schema),
            ])?;
        }
    }
    Ok(())
}
