//! `lakegate_catalog.settings`: the session's settings.

use datafusion::common::Result;

use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::TEXT;

pub const SETTINGS: NativeRelation = NativeRelation {
    name: "settings",
    columns: &[
        ("name", TEXT),
        ("setting", TEXT),
        ("boot_val", TEXT),
        ("short_desc", TEXT),
        ("vartype", TEXT),
        ("source", TEXT),
    ],
    rows,
};

fn rows(visible: &Visible<'_>, _: &Lookup, rows: &mut Rows) -> Result<()> {
    for setting in visible.facts.settings.values() {
        rows.push(&[
            setting.name.as_str().into(),
            setting.value.as_str().into(),
            setting.default.as_str().into(),
            setting.description.into(),
            setting.kind.into(),
            setting.source.into(),
        ])?;
    }
    Ok(())
}
