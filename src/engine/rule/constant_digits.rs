//! How many digits after the point PostgreSQL gives the quotient, root, power or logarithm of numbers that are
//! written out: so many that 16 digits count at least. It reckons nothing; of columns, whose values differ, the
//! results have 16 digits after the point.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;

/// PostgreSQL's `NUMERIC_MIN_SIG_DIGITS`.
pub const DIGITS_MIN: i32 = 16;
/// More digits than these leave the functions no room for guard digits.
const DIGITS_MAX: i32 = 30;
/// Decimal digits in one of PostgreSQL's (`DEC_DIGITS`).
const GROUP: i32 = 4;

/// A number that stands in the statement.
#[derive(Debug, Clone, Copy)]
pub struct Constant {
    unscaled: i128,
    /// Digits after the point.
    pub scale: i32,
    /// Whether it is `numeric`, not an integer.
    pub is_numeric: bool,
}

impl Constant {
    pub fn of(expression: &Expr) -> Option<Constant> {
        let integer = |value: i64| Constant { unscaled: value.into(), scale: 0, is_numeric: false };
        match expression {
            Expr::Literal(ScalarValue::Decimal128(Some(unscaled), _, scale), _) if *scale >= 0 => {
                Some(Constant { unscaled: *unscaled, scale: (*scale).into(), is_numeric: true })
            }
            Expr::Literal(ScalarValue::Int64(Some(value)), _) => Some(integer(*value)),
            Expr::Literal(ScalarValue::Int32(Some(value)), _) => Some(integer((*value).into())),
            Expr::Negative(value) => {
                let constant = Constant::of(value)?;
                Some(Constant { unscaled: constant.unscaled.checked_neg()?, ..constant })
            }
            _ => None,
        }
    }

    fn is_zero(self) -> bool {
        self.unscaled == 0
    }

    /// The power of ten of the first digit.
    fn exponent(self) -> i32 {
        let digits = self.unscaled.unsigned_abs().checked_ilog10().unwrap_or(0);
        i32::try_from(digits).unwrap_or(i32::MAX) - self.scale
    }

    /// The place of the first group of digits, and what stands there.
    fn first_group(self) -> (i32, f64) {
        if self.is_zero() {
            return (0, 0.0);
        }
        let weight = self.exponent().div_euclid(GROUP);
        (weight, (self.approximately().abs() / 10_f64.powi(weight * GROUP)).floor())
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate needs few digits")]
    fn approximately(self) -> f64 {
        self.unscaled as f64 / 10_f64.powi(self.scale)
    }

    /// The power of ten of the natural logarithm's first digit, about (`estimate_ln_dweight`).
    fn logarithm_exponent(self) -> i32 {
        let value = self.approximately();
        let size = match value {
            ..=0.0 => return 0,
            0.9..=1.1 => {
                let unit = 10_i128.checked_pow(self.scale.unsigned_abs()).unwrap_or(i128::MAX);
                let distance = Constant { unscaled: self.unscaled - unit, ..self };
                return if distance.is_zero() { 0 } else { distance.exponent() };
            }
            value => value.ln().abs(),
        };
        truncated(size.log10())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float becomes the nearest integer it can")]
fn truncated(value: f64) -> i32 {
    value as i32
}

/// At least the digits of the arguments, and no more than there is room for.
fn within(digits: i32, arguments: &[Constant]) -> Option<i32> {
    let least = arguments.iter().map(|constant| constant.scale).max().unwrap_or(0);
    Some(digits.max(least).max(0)).filter(|digits| *digits <= DIGITS_MAX)
}

/// The digits of a quotient (`select_div_scale`).
pub fn of_quotient(dividend: Constant, divisor: Constant) -> Option<i32> {
    let ((weight, first), (by, first_by)) = (dividend.first_group(), divisor.first_group());
    let weight = weight - by - i32::from(first <= first_by);
    within(DIGITS_MIN - weight * GROUP, &[dividend, divisor])
}

/// The digits of the result of a function of numbers; `None` for another function, or where there is no room.
pub fn of_function(name: &str, arguments: &[Constant]) -> Option<i32> {
    use std::f64::consts::LOG10_E;
    let digits = match (name, arguments) {
        ("sqrt", [value]) => DIGITS_MIN - ((value.first_group().0 + 1) * GROUP / 2 - 1),
        ("exp", [value]) => DIGITS_MIN - truncated(value.approximately() * LOG10_E),
        ("ln", [value]) => DIGITS_MIN - value.logarithm_exponent(),
        // The logarithm of 10 lies between 1 and 10.
        ("log" | "log10", [value]) => DIGITS_MIN - value.logarithm_exponent(),
        ("log", [base, value]) => {
            DIGITS_MIN - (value.logarithm_exponent() - base.logarithm_exponent())
        }
        ("power", [base, exponent]) => {
            let is_whole = exponent.approximately().fract() == 0.0;
            let size = exponent.approximately() * base.approximately().abs().ln() * LOG10_E;
            match is_whole || !size.is_finite() {
                true => DIGITS_MIN,
                false => DIGITS_MIN - truncated(size),
            }
        }
        _ => return None,
    };
    within(digits, arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(unscaled: i128, scale: i32) -> Constant {
        Constant { unscaled, scale, is_numeric: true }
    }

    #[test]
    fn quotients_have_sixteen_digits_that_count() {
        let digits = |dividend, divisor| of_quotient(dividend, divisor).unwrap();
        assert_eq!(digits(number(10, 1), number(3, 0)), 20);
        assert_eq!(digits(number(10, 0), number(30, 1)), 16);
        assert_eq!(digits(number(123_456, 0), number(1, 0)), 12);
        assert_eq!(digits(number(0, 1), number(5, 0)), 20);
    }

    #[test]
    fn functions_have_the_digits_of_their_results() {
        assert_eq!(of_function("sqrt", &[number(2, 0)]), Some(15));
        assert_eq!(of_function("exp", &[number(10, 1)]), Some(16));
        assert_eq!(of_function("ln", &[number(20, 1)]), Some(16));
        assert_eq!(of_function("ln", &[number(99_949_452, 8)]), Some(20));
        assert_eq!(of_function("power", &[number(321, 1), number(98, 1)]), Some(2));
    }
}
