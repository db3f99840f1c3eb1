//! `INTERVAL '3' MONTH` becomes `CAST('3 month' AS interval)`, and `INTERVAL '1:02:03'` a cast as well: the
//! input function of the type reads what the planner cannot. What is smaller than the last field is cut off, and
//! seconds are rounded to their precision.

use sqlparser::ast::{CastKind, DataType, DateTimeField, Expr, Interval, IntervalFields, Value};

use super::{call, take};
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    match expression {
        Expr::Interval(interval) => {
            if let Some(made) = literal(interval) {
                *expression = made;
            }
        }
        Expr::Cast { data_type: DataType::Interval { fields, .. }, .. } => {
            if let Some(unit) = fields.take().and_then(last_unit) {
                *expression = truncated(take(expression), unit);
            }
        }
        _ => {}
    }
    Ok(())
}

fn literal(interval: &Interval) -> Option<Expr> {
    let Interval { value, leading_field, leading_precision, last_field, .. } = interval;
    let Expr::Value(literal) = value.as_ref() else { return None };
    let Value::SingleQuotedString(text) = &literal.value else { return None };
    // The last field is the unit of a bare number.
    let unit = last_field.as_ref().or(leading_field.as_ref());
    let of_minutes = (leading_field.as_ref().and_then(name), last_field.as_ref().and_then(name));
    let text = match unit {
        Some(unit) if text.trim().parse::<f64>().is_ok() => format!("{text} {}", name(unit)?),
        Some(_) if of_minutes == (Some("minute"), Some("second")) => with_hours(text),
        _ => text.clone(),
    };
    let made = Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::value(Value::SingleQuotedString(text))),
        data_type: DataType::Interval { fields: None, precision: None },
        array: false,
        format: None,
    };
    let precision = interval.fractional_seconds_precision.or(*leading_precision);
    Some(match (unit.and_then(name), precision) {
        (Some("second"), Some(digits)) => {
            let digits = Expr::value(Value::Number(digits.to_string(), false));
            call("datetime_rounded", vec![made, digits])
        }
        (Some(unit), _) => truncated(made, unit),
        (None, _) => made,
    })
}

/// What `MINUTE TO SECOND` reads: `2:03` has no hours.
fn with_hours(text: &str) -> String {
    let (days, clock) = match text.trim().rsplit_once(char::is_whitespace) {
        Some((days, clock)) => (format!("{days} "), clock),
        None => (String::new(), text.trim()),
    };
    let (sign, digits) = match clock.strip_prefix(['+', '-']) {
        Some(digits) => (clock.get(..1).unwrap_or_default(), digits),
        None => ("", clock),
    };
    match digits.matches(':').count() {
        1 => format!("{days}{sign}0:{digits}"),
        _ => text.to_owned(),
    }
}

/// The interval without what is smaller than the unit.
fn truncated(interval: Expr, unit: &'static str) -> Expr {
    match unit {
        "second" => interval,
        unit => {
            let unit = Expr::value(Value::SingleQuotedString(unit.to_owned()));
            call("date_trunc", vec![unit, interval])
        }
    }
}

fn last_unit(fields: IntervalFields) -> Option<&'static str> {
    Some(match fields {
        IntervalFields::Year => "year",
        IntervalFields::Month | IntervalFields::YearToMonth => "month",
        IntervalFields::Day => "day",
        IntervalFields::Hour | IntervalFields::DayToHour => "hour",
        IntervalFields::Minute | IntervalFields::DayToMinute | IntervalFields::HourToMinute => {
            "minute"
        }
        IntervalFields::Second
        | IntervalFields::DayToSecond
        | IntervalFields::HourToSecond
        | IntervalFields::MinuteToSecond => "second",
    })
}

/// The units that interval literals can have.
fn name(unit: &DateTimeField) -> Option<&'static str> {
    match unit {
        DateTimeField::Year | DateTimeField::Years => Some("year"),
        DateTimeField::Month | DateTimeField::Months => Some("month"),
        DateTimeField::Day | DateTimeField::Days => Some("day"),
        DateTimeField::Hour | DateTimeField::Hours => Some("hour"),
        DateTimeField::Minute | DateTimeField::Minutes => Some("minute"),
        DateTimeField::Second | DateTimeField::Seconds => Some("second"),
        _ => None,
    }
}
