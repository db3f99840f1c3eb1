//! Constants of type `numeric` have the digits that they are written with: `'1.50'::numeric` and `2::numeric` become
//! `1.50` and `2.`, and what has an exponent is written out. The planner would give the first ten digits after the
//! point, and the last a scale below zero. Constants of more digits stay as they are.

use sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, TypedString, UnaryOperator, Value,
};

use super::cast;
use crate::base::Result;

/// Digits that a decimal of 128 bits holds.
const DIGITS_MAX: usize = 38;

/// What is farther from 1 than this power of ten is read as a float.
const EXPONENT_MAX: i64 = 70;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let made = match &*expression {
        Expr::Value(constant) => match &constant.value {
            Value::Number(text, _) if is_beyond(text) => {
                decimal(text).or_else(|| is_far(text).then(|| float(text)))
            }
            _ => None,
        },
        Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, .. }
            if is_unconstrained(data_type) =>
        {
            match expr.as_ref() {
                Expr::Value(constant) => of_value(&constant.value),
                _ => None,
            }
        }
        Expr::TypedString(TypedString { data_type, value, .. }) if is_unconstrained(data_type) => {
            of_value(&value.value)
        }
        _ => None,
    };
    if let Some(made) = made {
        *expression = made;
    }
    Ok(())
}

/// Whether the planner would read a number otherwise than PostgreSQL.
fn is_beyond(text: &str) -> bool {
    let is_whole = text.bytes().all(|byte| byte.is_ascii_digit());
    text.contains(['e', 'E']) || is_whole && text.parse::<i64>().is_err()
}

/// Whether no decimal can hold a number, by its exponent.
fn is_far(text: &str) -> bool {
    let exponent =
        text.split_once(['e', 'E']).and_then(|(_, exponent)| exponent.parse::<i64>().ok());
    exponent.is_some_and(|exponent| exponent.abs() > EXPONENT_MAX)
}

fn float(text: &str) -> Expr {
    cast(Expr::value(Value::SingleQuotedString(text.to_owned())), DataType::DoublePrecision)
}

fn is_unconstrained(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Numeric(ExactNumberInfo::None)
            | DataType::Decimal(ExactNumberInfo::None)
            | DataType::Dec(ExactNumberInfo::None)
    )
}

fn of_value(value: &Value) -> Option<Expr> {
    match value {
        Value::Number(text, _) | Value::SingleQuotedString(text) => decimal(text),
        _ => None,
    }
}

/// A number with a point, without exponent; `None` for what is none, or too long.
pub fn decimal(text: &str) -> Option<Expr> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let point_at = usize::try_from(point.max(0)).ok()?;
    let leading = usize::try_from((-point).max(0)).ok()?;
    if point_at.max(digits.len()) + leading > DIGITS_MAX {
        return None;
    }
    let mut made = "0".repeat(leading) + &digits;
    made.extend(std::iter::repeat_n('0', point_at.saturating_sub(made.len())));
    made.insert(point_at.min(made.len()), '.');
    if made.starts_with('.') {
        made.insert(0, '0');
    }
    let number = Expr::value(Value::Number(made, false));
    Some(match negative {
        true => Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(number) },
        false => number,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_that_are_written() {
        let written = |text: &str| decimal(text).map(|number| number.to_string());
        assert_eq!(written("1.50").as_deref(), Some("1.50"));
        assert_eq!(written("2").as_deref(), Some("2."));
        assert_eq!(written(" -.5 ").as_deref(), Some("-0.5"));
        assert_eq!(written("1.5e3").as_deref(), Some("1500."));
        assert_eq!(written("1.5e-3").as_deref(), Some("0.0015"));
        assert_eq!(written("1e-2").as_deref(), Some("0.01"));
        assert_eq!(written("NaN"), None);
        assert_eq!(written("1e100"), None);
    }
}
