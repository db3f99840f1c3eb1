//! `lakegate_catalog.settings`: the session's settings, with what PostgreSQL says of those that it has, too.

use std::borrow::Cow;

use datafusion::common::Result;

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::recorded;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{TEXT, TEXTS};

pub const SETTINGS: NativeRelation = NativeRelation {
    name: "settings",
    columns: &[
        ("name", TEXT),
        ("setting", TEXT),
        ("unit", TEXT),
        ("category", TEXT),
        ("short_desc", TEXT),
        ("extra_desc", TEXT),
        ("context", TEXT),
        ("vartype", TEXT),
        ("source", TEXT),
        ("min_val", TEXT),
        ("max_val", TEXT),
        ("enumvals", TEXTS),
        ("boot_val", TEXT),
    ],
    rows,
};

/// Settings that only SHOW tells of, by their names (PostgreSQL's `GUC_NO_SHOW_ALL`).
const UNLISTED: &[&str] = &["is_superuser", "session_authorization"];

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    for setting in visible.facts.settings.values() {
        if !lookup.admits_text("name", &setting.name) || UNLISTED.contains(&setting.name.as_str()) {
            continue;
        }
        let known = recorded::setting_by_name(&setting.name);
        let unit = known.and_then(|known| known.unit);
        let choices = setting.choices.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        rows.push(&[
            setting.name.as_str().into(),
            Cell::Text(in_unit(&setting.value, unit)),
            unit.into(),
            known.map_or("Customized Options", |known| known.category).into(),
            setting.description.into(),
            known.and_then(|known| known.extra_desc).into(),
            known.map_or("user", |known| known.context).into(),
            known.map_or(setting.kind, |known| known.vartype).into(),
            setting.source.into(),
            known.and_then(|known| known.min_val).into(),
            known.and_then(|known| known.max_val).into(),
            if choices.is_empty() { Cell::Null } else { Cell::Texts(choices) },
            Cell::Text(in_unit(&setting.default, unit)),
        ])?;
    }
    Ok(())
}

/// A value that SHOW gives with a unit of its own, as a number of the setting's unit.
fn in_unit<'a>(shown: &'a str, unit: Option<&str>) -> Cow<'a, str> {
    let Some(unit) = unit else { return Cow::Borrowed(shown) };
    let digits = shown.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let written = shown.get(digits.len()..).unwrap_or_default();
    let amount = digits.parse::<i64>().ok();
    match (amount, size_of(written), size_of(unit)) {
        (Some(amount), Some(written), Some(unit)) if unit > 0 => {
            Cow::Owned((amount.saturating_mul(written) / unit).to_string())
        }
        _ => Cow::Borrowed(shown),
    }
}

/// A unit of time in milliseconds, or one of memory in kibibytes.
fn size_of(unit: &str) -> Option<i64> {
    Some(match unit {
        "ms" | "kB" => 1,
        "8kB" => 8,
        "s" => 1_000,
        "MB" => 1 << 10,
        "min" => 60_000,
        "GB" => 1 << 20,
        "h" => 3_600_000,
        "TB" => 1 << 30,
        "d" => 86_400_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_in_the_unit_of_their_setting() {
        assert_eq!(in_unit("4MB", Some("kB")), "4096");
        assert_eq!(in_unit("5min", Some("ms")), "300000");
        assert_eq!(in_unit("0", Some("ms")), "0");
        assert_eq!(in_unit("4MB", None), "4MB");
    }
}
