//! `lakegate_catalog.time_zones`: the zones of the tz database, as they are at the statement's time.

use chrono::{DateTime, Offset, Utc};
use chrono_tz::{OffsetComponents, OffsetName, TZ_VARIANTS};
use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::common::Result;

use super::super::cell::Cell;
use super::super::lookup::Lookup;
use super::super::rows::Rows;
use super::super::table::NativeRelation;
use super::super::visible::Visible;
use super::{BOOL, INTERVAL, TEXT};

/// In one second.
const NANOSECONDS: i64 = 1_000_000_000;

pub const TIME_ZONES: NativeRelation = NativeRelation {
    name: "time_zones",
    columns: &[("name", TEXT), ("abbrev", TEXT), ("utc_offset", INTERVAL), ("is_dst", BOOL)],
    rows,
};

fn rows(visible: &Visible<'_>, lookup: &Lookup, rows: &mut Rows) -> Result<()> {
    let now = DateTime::from_timestamp_micros(visible.facts.statement_timestamp);
    let now: DateTime<Utc> = now.unwrap_or_default();
    for zone in TZ_VARIANTS {
        if lookup.admits_text("name", zone.name()) {
            let local = now.with_timezone(&zone);
            let offset = local.offset();
            let seconds = i64::from(offset.fix().local_minus_utc());
            rows.push(&[
                zone.name().into(),
                offset.abbreviation().map_or(Cell::Null, Cell::from),
                Cell::Interval(IntervalMonthDayNano::new(0, 0, seconds * NANOSECONDS)),
                (!offset.dst_offset().is_zero()).into(),
            ])?;
        }
    }
    Ok(())
}
