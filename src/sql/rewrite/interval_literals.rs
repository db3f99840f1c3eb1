//! `INTERVAL '3' MONTH` becomes `CAST('3 month' AS interval)`, and `INTERVAL '1:02:03'` a cast as well: the
//! input function of the type reads what the planner cannot.

use sqlparser::ast::{CastKind, DataType, DateTimeField, Expr, Interval, Value};

use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Interval(Interval { value, leading_field, last_field, .. }) = expression else {
        return Ok(());
    };
    let Expr::Value(literal) = value.as_ref() else { return Ok(()) };
    let Value::SingleQuotedString(text) = &literal.value else { return Ok(()) };
    // The last field is the unit of a bare number.
    let unit = last_field.as_ref().or(leading_field.as_ref());
    let text = match unit {
        Some(unit) if text.trim().parse::<f64>().is_ok() => match name(unit) {
            Some(name) => format!("{text} {name}"),
            None => return Ok(()),
        },
        _ => text.clone(),
    };
    *expression = Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::value(Value::SingleQuotedString(text))),
        data_type: DataType::Interval { fields: None, precision: None },
        array: false,
        format: None,
    };
    Ok(())
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
