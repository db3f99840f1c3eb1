//! What `timetz` is made of, becomes, and is ordered by. Values are their texts.

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{Time64MicrosecondType, TimestampMicrosecondType};

use crate::base::Result;
use crate::base::calendar::{MICROS_PER_DAY, MICROS_PER_SECOND};
use crate::base::datatype::BaseType;
use crate::base::text_style::TextStyle;
use crate::base::value::ZonedTime;

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns};

const TIMETZ: Returns = Returns::Type(BaseType::Timetz);

/// Bytes that are ordered as their times are.
pub const ZONED_TIME_KEY: &str = "timetz_order_key";
pub const TIME_OF_ZONED: &str = "time_of_timetz";
pub const ZONED_OF_TIME: &str = "timetz_of_time";

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable(
        ZONED_TIME_KEY,
        &[Overload::new(&[Kind::Text], Returns::Type(BaseType::Bytea), |a| {
            let times = a.texts(0)?;
            a.make_bytes(|row| Ok(Some(read(times.at(row))?.order_key())))
        })],
    ),
    Kernel::immutable(
        TIME_OF_ZONED,
        &[Overload::new(&[Kind::Text], Returns::Type(BaseType::Time), |a| {
            let times = a.texts(0)?;
            a.make::<Time64MicrosecondType>(|row| Ok(Some(read(times.at(row))?.micros)))
        })],
    ),
    Kernel::stable(
        ZONED_OF_TIME,
        &[
            Overload::new(&[Kind::Time], TIMETZ, of_time),
            Overload::new(&[Kind::Timestamptz], TIMETZ, of_instant),
        ],
    ),
];

/// Every value has its offset.
fn read(text: &str) -> Result<ZonedTime> {
    ZonedTime::parse(text.as_bytes(), &TextStyle::default())
}

/// A time has the offset that clocks have now.
fn of_time(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (times, style) = (a.values::<Time64MicrosecondType>(0)?, a.style());
    let now = a.facts()?.statement_timestamp.div_euclid(MICROS_PER_SECOND);
    let offset = style.time_zone.offset_at(now);
    a.make_texts(|row, out| {
        out.push_str(&ZonedTime { micros: times.at(row), offset }.text());
        Ok(true)
    })
}

fn of_instant(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (instants, style) = (a.values::<TimestampMicrosecondType>(0)?, a.style());
    a.make_texts(|row, out| {
        let instant = instants.at(row);
        let offset = style.time_zone.offset_at(instant.div_euclid(MICROS_PER_SECOND));
        let local = instant.saturating_add(i64::from(offset) * MICROS_PER_SECOND);
        out.push_str(&ZonedTime { micros: local.rem_euclid(MICROS_PER_DAY), offset }.text());
        Ok(true)
    })
}
