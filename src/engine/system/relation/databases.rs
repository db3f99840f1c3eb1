//! `lakegate_catalog.databases`: the catalogs that the principal may know of.

use datafusion::common::Result;

use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::acl::{AclKind, acl};
use super::{ACL, NAME, OID};

pub const DATABASES: NativeRelation = NativeRelation {
    name: "databases",
    columns: &[("oid", OID), ("datname", NAME), ("datdba", OID), ("datacl", ACL)],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for catalog in visible.snapshot().catalogs() {
        if lookup.admits_text("datname", &catalog.name) && visible.access.may_know(catalog.id) {
            rows.push(&[
                catalog.oid.into(),
                catalog.name.as_str().into(),
                visible.role_oid(catalog.owner).into(),
                acl(visible, catalog.id, catalog.owner, AclKind::Database),
            ])?;
        }
    }
    Ok(())
}
