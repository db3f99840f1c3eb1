//! `lakegate_catalog.principals`: users and groups, and the role that owns the system's objects. Never their
//! verifiers.

use datafusion::common::Result;

use crate::catalog::principal::PrincipalKind;

use super::super::lookup::Lookup;
use super::super::recorded::{SYSTEM_ROLE, SYSTEM_ROLE_NAME};
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{BOOL, NAME, OID};

pub const PRINCIPALS: NativeRelation = NativeRelation {
    name: "principals",
    columns: &[("oid", OID), ("rolname", NAME), ("rolsuper", BOOL), ("rolcanlogin", BOOL)],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    rows.push(&[SYSTEM_ROLE.into(), SYSTEM_ROLE_NAME.into(), true.into(), false.into()])?;
    for principal in visible.snapshot().principals() {
        if lookup.admits_number("oid", principal.oid.0)
            && lookup.admits_text("rolname", &principal.name)
        {
            rows.push(&[
                principal.oid.into(),
                principal.name.as_str().into(),
                principal.admin.into(),
                (principal.kind == PrincipalKind::User).into(),
            ])?;
        }
    }
    Ok(())
}
