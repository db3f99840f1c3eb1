//! `lakegate_catalog.memberships`: which user or group is directly in which group.

use datafusion::common::Result;

use super::super::lookup::Lookup;
use super::super::recorded::SYSTEM_ROLE;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::OID;

pub const MEMBERSHIPS: NativeRelation = NativeRelation {
    name: "memberships",
    columns: &[("roleid", OID), ("member", OID), ("grantor", OID)],
    rows,
};

fn rows(visible: &Visible<'_>, _: &Lookup, rows: &mut Rows) -> Result<()> {
    for member in visible.snapshot().principals() {
        for group in &member.member_of {
            let group = visible.role_oid(*group);
            rows.push(&[group.into(), member.oid.into(), SYSTEM_ROLE.into()])?;
        }
    }
    Ok(())
}
