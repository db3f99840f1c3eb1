//! The values that a path walks over: a document's own and those that it reckons.

use std::cmp::Ordering;

use datafusion::common::ScalarValue;

use crate::base::datatype::{BaseType, PgType};
use crate::base::text_style::TextStyle;
use crate::base::value::{Json, JsonValue, parse_text, sorted_members, write_json_string};
use crate::base::{Error, ErrorKind, Result};

use super::path::Arithmetic;

#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Null,
    Bool(bool),
    /// With its digits, without an exponent.
    Number(String),
    String(String),
    Array(Vec<Item>),
    /// Keys once, in the order of `jsonb`.
    Object(Vec<(String, Item)>),
}

impl Item {
    pub fn of(json: &Json<'_>) -> Item {
        match &json.value {
            JsonValue::Null => Item::Null,
            JsonValue::Bool(value) => Item::Bool(*value),
            JsonValue::Number => Item::Number(json.binary_form()),
            JsonValue::String(text) => Item::String(text.clone().into_owned()),
            JsonValue::Array(elements) => Item::Array(elements.iter().map(Item::of).collect()),
            JsonValue::Object(members) => {
                let members = sorted_members(members).into_iter();
                Item::Object(
                    members.map(|(key, value)| (key.to_owned(), Item::of(value))).collect(),
                )
            }
        }
    }

    /// Reads a text. Errors: 22P02, 54001.
    pub fn parse(text: &str) -> Result<Item> {
        Ok(Item::of(&Json::parse(text)?))
    }

    /// How many values it is made of, itself among them.
    pub fn values(&self) -> usize {
        1 + match self {
            Item::Array(elements) => elements.iter().map(Item::values).sum(),
            Item::Object(members) => members.iter().map(|(_, value)| value.values()).sum(),
            Item::Null | Item::Bool(_) | Item::Number(_) | Item::String(_) => 0,
        }
    }

    pub fn type_name(&self) -> &'static str {
        match self {
            Item::Null => "null",
            Item::Bool(_) => "boolean",
            Item::Number(_) => "number",
            Item::String(_) => "string",
            Item::Array(_) => "array",
            Item::Object(_) => "object",
        }
    }

    pub fn decimal(&self) -> Result<Option<Decimal>> {
        match self {
            Item::Number(digits) => Decimal::parse(digits).map(Some),
            _ => Ok(None),
        }
    }

    /// In the form of `jsonb`.
    pub fn write(&self, out: &mut String) {
        match self {
            Item::Null => out.push_str("null"),
            Item::Bool(true) => out.push_str("true"),
            Item::Bool(false) => out.push_str("false"),
            Item::Number(digits) => out.push_str(digits),
            Item::String(text) => write_json_string(text, out),
            Item::Array(elements) => write_array(elements, out),
            Item::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    write_json_string(key, out);
                    out.push_str(": ");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// The order of `jsonb`: Object > Array > Boolean > Number > String > Null; an empty array below all.
    pub fn compare(&self, other: &Item) -> Result<Ordering> {
        let rank = |item: &Item| match item {
            Item::Array(elements) if elements.is_empty() => 0,
            Item::Null => 1,
            Item::String(_) => 2,
            Item::Number(_) => 3,
            Item::Bool(_) => 4,
            Item::Array(_) => 5,
            Item::Object(_) => 6,
        };
        Ok(match (self, other) {
            (Item::Bool(one), Item::Bool(other)) => one.cmp(other),
            (Item::Number(one), Item::Number(other)) => {
                Decimal::parse(one)?.compare(Decimal::parse(other)?)?
            }
            (Item::String(one), Item::String(other)) => one.cmp(other),
            (Item::Array(one), Item::Array(other)) => {
                let mut order = one.len().cmp(&other.len());
                for (one, other) in one.iter().zip(other) {
                    if !order.is_eq() {
                        break;
                    }
                    order = one.compare(other)?;
                }
                order
            }
            (Item::Object(one), Item::Object(other)) => {
                let mut order = one.len().cmp(&other.len());
                for ((key, value), (other_key, other_value)) in one.iter().zip(other) {
                    if !order.is_eq() {
                        break;
                    }
                    order = key.cmp(other_key);
                    if order.is_eq() {
                        order = value.compare(other_value)?;
                    }
                }
                order
            }
            (one, other) => rank(one).cmp(&rank(other)),
        })
    }
}

pub fn write_array(elements: &[Item], out: &mut String) {
    out.push('[');
    for (index, element) in elements.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        element.write(out);
    }
    out.push(']');
}

/// A decimal number of at most 38 digits.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    value: i128,
    scale: u32,
}

/// Digits of a quotient after the point: PostgreSQL's `NUMERIC_MIN_SIG_DIGITS`.
const QUOTIENT_SCALE: u32 = 16;

/// As PostgreSQL's `select_div_scale` counts it, in groups of four digits.
fn quotient_scale(dividend: Decimal, divisor: Decimal) -> u32 {
    let (weight, first) = dividend.first_group();
    let (divisor_weight, divisor_first) = divisor.first_group();
    let weight = weight - divisor_weight - i32::from(first <= divisor_first);
    u32::try_from(QUOTIENT_SCALE as i32 - weight * GROUP).unwrap_or(0)
}

/// Digits of a group.
const GROUP: i32 = 4;

fn out_of_range() -> Error {
    let message = "a number in a JSON document has too many digits to reckon with";
    Error::new(ErrorKind::NumericValueOutOfRange, message)
}

impl Decimal {
    fn parse(digits: &str) -> Result<Decimal> {
        let numeric = PgType::Scalar(BaseType::Numeric);
        match parse_text(numeric, digits, &TextStyle::default())? {
            ScalarValue::Decimal128(Some(value), _, scale) => {
                let scale = u32::try_from(scale).map_err(|_| out_of_range())?;
                Ok(Decimal { value, scale })
            }
            _ => Err(out_of_range()),
        }
    }

    /// Where the first group of digits stands, counted from the point, and its value.
    fn first_group(self) -> (i32, u128) {
        if self.value == 0 {
            return (0, 0);
        }
        let digits = self.value.unsigned_abs();
        let point = digits.ilog10() as i32 - self.scale as i32;
        let weight = point.div_euclid(GROUP);
        let places = weight * GROUP + self.scale as i32;
        let first = match u32::try_from(places) {
            Ok(places) => digits.checked_div(10_u128.saturating_pow(places)).unwrap_or(0),
            Err(_) => digits.saturating_mul(10_u128.saturating_pow(places.unsigned_abs())),
        };
        (weight, first)
    }

    /// Both with the digits of the one that has more.
    fn aligned(self, other: Decimal) -> Result<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        Ok((self.at_scale(scale)?, other.at_scale(scale)?, scale))
    }

    fn at_scale(self, scale: u32) -> Result<i128> {
        let factor = 10_i128.checked_pow(scale - self.scale.min(scale));
        factor.and_then(|factor| self.value.checked_mul(factor)).ok_or_else(out_of_range)
    }

    pub fn compare(self, other: Decimal) -> Result<Ordering> {
        let (one, other, _) = self.aligned(other)?;
        Ok(one.cmp(&other))
    }

    pub fn reckon(self, operation: Arithmetic, other: Decimal) -> Result<Decimal> {
        let by_zero = || Error::new(ErrorKind::DivisionByZero, "division by zero");
        let (one, two, scale) = self.aligned(other)?;
        let made = match operation {
            Arithmetic::Add => one.checked_add(two).map(|value| Decimal { value, scale }),
            Arithmetic::Subtract => one.checked_sub(two).map(|value| Decimal { value, scale }),
            Arithmetic::Multiply => self
                .value
                .checked_mul(other.value)
                .map(|value| Decimal { value, scale: self.scale + other.scale }),
            Arithmetic::Divide | Arithmetic::Modulo if two == 0 => return Err(by_zero()),
            Arithmetic::Modulo => one.checked_rem(two).map(|value| Decimal { value, scale }),
            Arithmetic::Divide => {
                let scale = quotient_scale(self, other).max(scale);
                let divided = 10_i128.checked_pow(scale).and_then(|factor| one.checked_mul(factor));
                divided.map(|divided| {
                    let (cut, rest) = (divided / two, divided % two);
                    let rounds = rest.unsigned_abs() * 2 >= two.unsigned_abs();
                    let away = if (one < 0) == (two < 0) { 1 } else { -1 };
                    Decimal { value: cut + if rounds { away } else { 0 }, scale }
                })
            }
        };
        made.ok_or_else(out_of_range)
    }

    pub fn negated(self) -> Decimal {
        Decimal { value: -self.value, ..self }
    }

    pub fn abs(self) -> Decimal {
        Decimal { value: self.value.abs(), ..self }
    }

    /// Without digits after the point: towards zero, down or up.
    pub fn whole(self, direction: Option<Ordering>) -> Decimal {
        let factor = 10_i128.checked_pow(self.scale).unwrap_or(i128::MAX);
        let value = match direction {
            None => self.value / factor,
            Some(Ordering::Less) => self.value.div_euclid(factor),
            Some(_) => -(-self.value).div_euclid(factor),
        };
        Decimal { value, scale: 0 }
    }

    pub fn integer(self) -> Option<i64> {
        i64::try_from(self.whole(None).value).ok()
    }

    pub fn item(self) -> Item {
        let sign = if self.value < 0 { "-" } else { "" };
        let digits = self.value.unsigned_abs().to_string();
        let scale = self.scale as usize;
        if scale == 0 {
            return Item::Number(format!("{sign}{digits}"));
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        Item::Number(format!("{sign}{whole}.{fraction}"))
    }
}
