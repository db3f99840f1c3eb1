//! `to_char`, `to_date`, `to_timestamp` and `to_number`: values written and read by a template.
//! <https://www.postgresql.org/docs/16/functions-formatting.html>

mod datetime_pattern;
mod datetime_read;
mod datetime_write;
mod number_pattern;
mod number_read;
mod number_write;
mod numeral;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float32Type, Float64Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, TimestampMicrosecondType,
};

use crate::base::Result;
use crate::base::calendar::MICROS_PER_DAY;
use crate::base::datatype::BaseType;

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, Shape, Texts, numeric_field};
use super::moment::{Zone, checked, interval_of, timestamp_out_of_range};

use datetime_pattern::Pattern;
use datetime_write::Moment;
use number_pattern::NumberPattern;
use number_write::Decimal;

const TEXT: Returns = Returns::Type(BaseType::Text);

pub const KERNELS: &[Kernel] = &[
    Kernel::stable(
        "to_char",
        &[
            Overload::new(&[Kind::Timestamptz, Kind::Text], TEXT, timestamptz_to_char),
            Overload::new(&[Kind::Timestamp, Kind::Text], TEXT, timestamp_to_char),
            Overload::new(&[Kind::Date, Kind::Text], TEXT, date_to_char),
            Overload::new(&[Kind::Interval, Kind::Text], TEXT, interval_to_char),
            Overload::new(&[Kind::Float8, Kind::Text], TEXT, float8_to_char),
            Overload::new(&[Kind::Float4, Kind::Text], TEXT, float4_to_char),
            Overload::new(&[Kind::Numeric, Kind::Text], TEXT, numeric_to_char),
            Overload::new(&[Kind::Int4, Kind::Text], TEXT, int4_to_char),
            Overload::new(&[Kind::Int8, Kind::Text], TEXT, int8_to_char),
        ],
    ),
    Kernel::immutable(
        "to_date",
        &[Overload::new(&[Kind::Text, Kind::Text], Returns::Type(BaseType::Date), to_date)],
    ),
    Kernel::immutable(
        "to_number",
        &[Overload::new(&[Kind::Text, Kind::Text], Returns::Computed(number_field), to_number)],
    ),
];

/// Patterns of a column of templates, each read once while it does not change.
struct Templates<'a, P> {
    texts: Texts<'a>,
    parse: fn(&str) -> Result<P>,
    last: Option<(&'a str, P)>,
}

impl<'a, P> Templates<'a, P> {
    fn new(
        arguments: &'a Arguments<'_>,
        index: usize,
        parse: fn(&str) -> Result<P>,
    ) -> Result<Self> {
        Ok(Templates { texts: arguments.texts(index)?, parse, last: None })
    }

    fn at(&mut self, row: usize) -> Result<&P> {
        let text = self.texts.at(row);
        let pattern = match self.last.take() {
            Some((known, pattern)) if known == text => pattern,
            _ => (self.parse)(text)?,
        };
        Ok(&self.last.insert((text, pattern)).1)
    }
}

fn moments(a: &Arguments<'_>, moment: impl Fn(usize) -> Result<Moment>) -> Result<ArrayRef> {
    let mut templates = Templates::new(a, 1, Pattern::parse)?;
    a.make_texts(|row, text| {
        let pattern = templates.at(row)?;
        datetime_write::write(pattern, &moment(row)?, text)?;
        Ok(!pattern.is_empty())
    })
}

fn timestamp_to_char(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<TimestampMicrosecondType>(0)?;
    moments(a, |row| Ok(Moment::of_clock(values.at(row), None)))
}

fn timestamptz_to_char(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<TimestampMicrosecondType>(0)?;
    let time_zone = a.style().time_zone;
    let zone = Zone::new(time_zone);
    moments(a, |row| {
        let instant = values.at(row);
        let seconds = instant.div_euclid(1_000_000);
        let name = time_zone.with_abbreviation_at(seconds, |name| name.unwrap_or("").to_owned());
        Ok(Moment::of_clock(zone.local(instant), Some((zone.offset(instant), name))))
    })
}

fn date_to_char(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Date32Type>(0)?;
    let time_zone = a.style().time_zone;
    let zone = Zone::new(time_zone);
    // A date is its midnight in the session's zone.
    moments(a, |row| {
        let local = i64::from(values.at(row)) * MICROS_PER_DAY;
        let instant = zone.instant(local);
        let seconds = instant.div_euclid(1_000_000);
        let name = time_zone.with_abbreviation_at(seconds, |name| name.unwrap_or("").to_owned());
        Ok(Moment::of_clock(local, Some((zone.offset(instant), name))))
    })
}

fn interval_to_char(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<IntervalMonthDayNanoType>(0)?;
    moments(a, |row| Ok(Moment::of_interval(interval_of(values.at(row)))))
}

/// Writes numbers that are made with the digits behind the point that the template wants.
fn numbers(a: &Arguments<'_>, number: impl Fn(usize, usize) -> Decimal) -> Result<ArrayRef> {
    let mut templates = Templates::new(a, 1, NumberPattern::parse)?;
    a.make_texts(|row, text| {
        let pattern = templates.at(row)?;
        let wanted = if pattern.scientific { usize::MAX } else { pattern.decimals() };
        number_write::write(pattern, &number(row, wanted), text)?;
        Ok(!pattern.is_empty())
    })
}

fn float8_to_char(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Float64Type>(0)?;
    numbers(a, |row, wanted| Decimal::of_float(values.at(row), 15, wanted))
}

fn float4_to_char(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Float32Type>(0)?;
    numbers(a, |row, wanted| Decimal::of_float(values.at(row).into(), 6, wanted))
}

fn numeric_to_char(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Decimal128Type>(0)?;
    let scale = match a.raw(0)?.0.data_type() {
        DataType::Decimal128(_, scale) => *scale,
        _ => 0,
    };
    numbers(a, |row, _| Decimal::of_unscaled(values.at(row), scale))
}

fn int4_to_char(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Int32Type>(0)?;
    numbers(a, |row, _| Decimal::of_unscaled(values.at(row).into(), 0))
}

fn int8_to_char(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Int64Type>(0)?;
    numbers(a, |row, _| Decimal::of_unscaled(values.at(row).into(), 0))
}

fn to_date(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let mut templates = Templates::new(a, 1, Pattern::parse)?;
    a.make::<Date32Type>(|row| {
        let read = datetime_read::read(templates.at(row)?, texts.at(row))?;
        i32::try_from(read.day).map(Some).map_err(|_| timestamp_out_of_range())
    })
}

/// `to_timestamp(text, template)`: without a zone in the text, on the clocks of the session's zone.
pub fn to_timestamp(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let mut templates = Templates::new(a, 1, Pattern::parse)?;
    let zone = Zone::new(a.style().time_zone);
    a.make::<TimestampMicrosecondType>(|row| {
        let read = datetime_read::read(templates.at(row)?, texts.at(row))?;
        let local = super::moment::at_time(read.day, read.time)?;
        let instant = match read.offset {
            Some(seconds) => local - seconds * 1_000_000,
            None => zone.instant(local),
        };
        checked(instant).map(Some)
    })
}

/// Digits after the point that the template can read; a column has one scale.
fn number_field(shape: &Shape<'_>) -> Result<Field> {
    let scale = match shape.text(1) {
        Some(template) => {
            let pattern = NumberPattern::parse(template)?;
            let read = shape.text(0).and_then(|text| number_read::read(&pattern, text).ok());
            read.map_or(pattern.decimals(), |(_, scale)| scale)
        }
        None => 10,
    };
    Ok(numeric_field(38, i8::try_from(scale.min(37)).unwrap_or(37)))
}

fn to_number(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let mut templates = Templates::new(a, 1, NumberPattern::parse)?;
    let wanted = match a.returns.data_type() {
        DataType::Decimal128(_, scale) => usize::from(scale.unsigned_abs()),
        _ => 0,
    };
    a.make::<Decimal128Type>(|row| {
        let (number, scale) = number_read::read(templates.at(row)?, texts.at(row))?;
        let power = |digits: usize| 10_i128.checked_pow(u32::try_from(digits).unwrap_or(u32::MAX));
        let scaled = match wanted >= scale {
            true => power(wanted - scale).and_then(|factor| number.checked_mul(factor)),
            false => power(scale - wanted).map(|divisor| number / divisor),
        };
        scaled.map(Some).ok_or_else(crate::base::value::too_many_digits)
    })
}
