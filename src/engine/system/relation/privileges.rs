//! `lakegate_catalog.privileges`: who holds which of PostgreSQL's privileges directly on which relation, as
//! far as the principal is concerned by it.

use datafusion::common::Result;

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::acl::{TABLE_PRIVILEGES, privilege_names};
use super::{BOOL, NAME, OID, TEXT};

pub const PRIVILEGES: NativeRelation = NativeRelation {
    name: "privileges",
    columns: &[
        ("oid", OID),
        ("nspname", NAME),
        ("relname", NAME),
        ("grantor", NAME),
        ("grantee", NAME),
        ("privilege_type", TEXT),
        ("is_grantable", BOOL),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for (schema, relation) in visible.relations(lookup, "oid", "relname") {
        // The information schema, which this is for, knows no materialized views.
        if relation.as_materialized().is_some() {
            continue;
        }
        let Some(owner) = visible.snapshot().principal_by_id(relation.owner) else { continue };
        let manages = visible.access.manages(relation.id);
        let mut push = |grantee: &str, privilege: &'static str, grantable: bool| {
            rows.push(&[
                relation.oid.into(),
                schema.name.as_str().into(),
                relation.name.as_str().into(),
                owner.name.as_str().into(),
                Cell::from(grantee),
                privilege.into(),
                grantable.into(),
            ])
        };
        if manages {
            for (privilege, _) in TABLE_PRIVILEGES {
                push(&owner.name, privilege, true)?;
            }
        }
        for (grantee, privilege) in visible.snapshot().grants_on(relation.id) {
            if !manages && !visible.access.is(grantee) {
                continue;
            }
            let Some(grantee) = visible.snapshot().grantee_name(grantee) else { continue };
            for privilege in privilege_names(privilege) {
                push(grantee, privilege, false)?;
            }
        }
    }
    Ok(())
}
