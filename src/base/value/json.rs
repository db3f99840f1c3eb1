//! JSON read into its values, each with the text that it was written as, and written as `jsonb` writes it. It
//! knows no column.

use std::borrow::Cow;
use std::fmt::Write;

use crate::base::{Error, ErrorKind, Result};

/// A value with its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Json<'a> {
    /// As it was written, without the blanks around it.
    pub text: &'a str,
    pub value: JsonValue<'a>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum JsonValue<'a> {
    Null,
    Bool(bool),
    /// The digits are in the text.
    Number,
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    /// In the order of the text; a key may come again.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Values inside values.
const DEPTH_MAX: usize = 512;

impl<'a> Json<'a> {
    /// Reads a text. Errors: 22P02, 54001.
    pub fn parse(text: &'a str) -> Result<Json<'a>> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        reader.skip_blanks();
        let json = reader.value()?;
        reader.skip_blanks();
        if reader.at < text.len() {
            return Err(reader.unexpected("end of input"));
        }
        Ok(json)
    }

    /// The name of the type, as `json_typeof` says it.
    pub fn type_name(&self) -> &'static str {
        match self.value {
            JsonValue::Null => "null",
            JsonValue::Bool(_) => "boolean",
            JsonValue::Number => "number",
            JsonValue::String(_) => "string",
            JsonValue::Array(_) => "array",
            JsonValue::Object(_) => "object",
        }
    }

    /// The member of an object, the last of its key.
    pub fn member(&self, key: &str) -> Option<&Json<'a>> {
        match &self.value {
            JsonValue::Object(members) => {
                members.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The element of an array, counted from 0, or back from its end.
    pub fn element(&self, index: i64) -> Option<&Json<'a>> {
        match &self.value {
            JsonValue::Array(elements) => {
                let from_end = usize::try_from(index.unsigned_abs()).ok()?;
                match index < 0 {
                    true => elements.get(elements.len().checked_sub(from_end)?),
                    false => elements.get(from_end),
                }
            }
            _ => None,
        }
    }

    /// Writes the value as `jsonb` does: keys once, by their length and bytes; one blank behind `,` and `:`.
    pub fn write_binary_form(&self, out: &mut String) {
        match &self.value {
            JsonValue::Null => out.push_str("null"),
            JsonValue::Bool(true) => out.push_str("true"),
            JsonValue::Bool(false) => out.push_str("false"),
            JsonValue::Number => out.push_str(&plain_number(self.text)),
            JsonValue::String(text) => write_string(text, out),
            JsonValue::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    element.write_binary_form(out);
                }
                out.push(']');
            }
            JsonValue::Object(members) => {
                out.push('{');
                for (index, (key, value)) in sorted(members).into_iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    write_string(key, out);
                    out.push_str(": ");
                    value.write_binary_form(out);
                }
                out.push('}');
            }
        }
    }

    /// The text of the value in the form of `jsonb`.
    pub fn binary_form(&self) -> String {
        let mut out = String::with_capacity(self.text.len());
        self.write_binary_form(&mut out);
        out
    }
}

/// The members of an object as `jsonb` keeps them.
pub fn sorted<'m, 'a>(members: &'m [(Cow<'a, str>, Json<'a>)]) -> Vec<(&'m str, &'m Json<'a>)> {
    let mut kept: Vec<(&str, &Json<'a>)> = Vec::with_capacity(members.len());
    for (key, value) in members {
        match kept.iter_mut().find(|(known, _)| known == key) {
            Some((_, last)) => *last = value,
            None => kept.push((key, value)),
        }
    }
    kept.sort_by(|(one, _), (other, _)| (one.len(), *one).cmp(&(other.len(), *other)));
    kept
}

/// Writes a string with its quotes.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control < ' ' => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// A number without its exponent, with the digits that it was written with.
fn plain_number(text: &str) -> Cow<'_, str> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Cow::Borrowed(if text == "-0" { "0" } else { text });
    };
    // A number that long stays as it is.
    const EXPONENT_MAX: i64 = 10_000;
    let Ok(exponent) = exponent.parse::<i64>() else { return Cow::Borrowed(text) };
    if exponent.abs() > EXPONENT_MAX {
        return Cow::Borrowed(text);
    }
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let point = whole.len() as i64 + exponent;
    let number = if point <= 0 {
        format!("0.{}{all}", "0".repeat(usize::try_from(-point).unwrap_or(0)))
    } else {
        let point = usize::try_from(point).unwrap_or(0);
        let padded = format!("{all:0<point$}");
        let (whole, fraction) = padded.split_at(point);
        let whole = whole.trim_start_matches('0');
        let whole = if whole.is_empty() { "0" } else { whole };
        if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
    };
    Cow::Owned(format!("{sign}{number}"))
}

fn refused(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidTextRepresentation, "invalid input syntax for type json")
        .with_detail(detail)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// A token that is none of JSON's.
    fn invalid(&self) -> Error {
        match self.token() {
            "" => refused("The input string ended unexpectedly."),
            token => refused(format!("Token \"{token}\" is invalid.")),
        }
    }

    /// A token that does not belong here, or none of JSON's.
    fn unexpected(&self, expected: &str) -> Error {
        let token = self.token();
        let is_token = match token.as_bytes().first() {
            Some(b'{' | b'}' | b'[' | b']' | b',' | b':' | b'"' | b'-' | b'0'..=b'9') => true,
            _ => matches!(token, "true" | "false" | "null"),
        };
        if is_token {
            refused(format!("Expected {expected}, but found \"{token}\"."))
        } else {
            self.invalid()
        }
    }

    /// What stands here: a word or number, a string, or one character.
    fn token(&self) -> &'a str {
        let rest = self.rest();
        let is_part = |c: char| {
            c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '.') || !c.is_ascii()
        };
        let word = rest.len() - rest.trim_start_matches(is_part).len();
        let length = match rest.strip_prefix('"') {
            Some(string) => string.find('"').map_or(rest.len(), |end| end + 2),
            None if word > 0 => word,
            None => rest.chars().next().map_or(0, char::len_utf8),
        };
        rest.get(..length).unwrap_or_default()
    }

    fn value(&mut self) -> Result<Json<'a>> {
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => JsonValue::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Json { text: self.text.get(start..self.at).unwrap_or_default(), value })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<JsonValue<'a>>) -> Result<JsonValue<'a>> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("JSON is nested deeper than {DEPTH_MAX} levels");
            return Err(Error::new(ErrorKind::StatementTooComplex, message));
        }
        self.at += 1;
        self.skip_blanks();
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<JsonValue<'a>> {
        let mut members = Vec::new();
        if self.take(b'}') {
            return Ok(JsonValue::Object(members));
        }
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'"') {
                let expected = if members.is_empty() { "string or \"}\"" } else { "string" };
                return Err(self.unexpected(expected));
            }
            let key = self.string()?;
            self.skip_blanks();
            if !self.take(b':') {
                return Err(self.unexpected("\":\""));
            }
            self.skip_blanks();
            members.push((key, self.value()?));
            self.skip_blanks();
            if self.take(b'}') {
                return Ok(JsonValue::Object(members));
            }
            if !self.take(b',') {
                return Err(self.unexpected("\",\" or \"}\""));
            }
        }
    }

    fn array(&mut self) -> Result<JsonValue<'a>> {
        let mut elements = Vec::new();
        if self.take(b']') {
            return Ok(JsonValue::Array(elements));
        }
        loop {
            self.skip_blanks();
            elements.push(self.value()?);
            self.skip_blanks();
            if self.take(b']') {
                return Ok(JsonValue::Array(elements));
            }
            if !self.take(b',') {
                return Err(self.unexpected("\",\" or \"]\""));
            }
        }
    }

    fn word(&mut self) -> Result<JsonValue<'a>> {
        for (word, value) in [
            ("null", JsonValue::Null),
            ("true", JsonValue::Bool(true)),
            ("false", JsonValue::Bool(false)),
        ] {
            if self.token() == word {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.unexpected("JSON value"))
    }

    /// How many digits stand here.
    /// Skips digits and says how many they were.
    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|next| next.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<JsonValue<'a>> {
        let start = self.at;
        self.take(b'-');
        let starts_with_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        let mut is_number = whole == 1 || whole > 1 && !starts_with_zero;
        if self.take(b'.') {
            is_number &= self.digits() > 0;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'-') || self.take(b'+');
            is_number &= self.digits() > 0;
        }
        let goes_on = self.peek().is_some_and(|next| next.is_ascii_alphanumeric() || next == b'_');
        if is_number && !goes_on {
            return Ok(JsonValue::Number);
        }
        self.at = start;
        Err(self.invalid())
    }

    fn string(&mut self) -> Result<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        let mut made: Option<String> = None;
        loop {
            let rest = self.rest();
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(rest.len());
            if let Some(made) = &mut made {
                made.push_str(rest.get(..plain).unwrap_or_default());
            }
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    let text = self.text.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(made.map_or(Cow::Borrowed(text), Cow::Owned));
                }
                Some(b'\\') => {
                    let so_far = self.text.get(start..self.at).unwrap_or_default();
                    let mut text = made.unwrap_or_else(|| so_far.to_owned());
                    text.push(self.escape()?);
                    made = Some(text);
                }
                Some(control) => {
                    let message = format!("Character with value 0x{control:02x} must be escaped.");
                    return Err(refused(message));
                }
                None => {
                    let token = self.text.get(start - 1..).unwrap_or_default();
                    return Err(refused(format!("Token \"{token}\" is invalid.")));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        self.at += 1;
        let letter = self.peek().ok_or_else(|| self.invalid())?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point(),
            _ => {
                let start = self.at - 1;
                let letter = self.text.get(start..).and_then(|rest| rest.chars().next());
                let letter = letter.map(String::from).unwrap_or_default();
                return Err(refused(format!("Escape sequence \"\\{letter}\" is invalid.")));
            }
        })
    }

    fn code_point(&mut self) -> Result<char> {
        let low_missing = || refused("Unicode low surrogate must follow a high surrogate.");
        let high = self.code_unit()?;
        if !(0xd800..0xdc00).contains(&high) {
            let character = char::from_u32(high).ok_or_else(low_missing)?;
            return match character {
                '\0' => Err(refused("\\u0000 cannot be converted to text.")),
                other => Ok(other),
            };
        }
        if !(self.take(b'\\') && self.take(b'u')) {
            return Err(low_missing());
        }
        let low = self.code_unit()?;
        let both = low
            .checked_sub(0xdc00)
            .filter(|low| *low < 0x400)
            .map(|low| 0x10000 + ((high - 0xd800) << 10) + low);
        both.and_then(char::from_u32).ok_or_else(low_missing)
    }

    fn code_unit(&mut self) -> Result<u32> {
        let few = || refused("\"\\u\" must be followed by four hexadecimal digits.");
        let digits = self.rest().get(..4).ok_or_else(few)?;
        let unit = u32::from_str_radix(digits, 16).map_err(|_| few())?;
        self.at += 4;
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_jsonb_is_postgresql_s() {
        for (text, form) in [
            (r#"{"b":1, "a":2, "a":3}"#, r#"{"a": 3, "b": 1}"#),
            (r#"{"bb":1,"a":[1, 2.50,"x"]}"#, r#"{"a": [1, 2.50, "x"], "bb": 1}"#),
            ("1e3", "1000"),
            ("1.5e-3", "0.0015"),
            ("-0", "0"),
            (r#""\u00e9\n\"""#, "\"é\\n\\\"\""),
            (r#""\ud83d\ude00""#, "\"😀\""),
        ] {
            assert_eq!(Json::parse(text).unwrap().binary_form(), form, "{text}");
        }
        for text in ["", "{a}", "[1,]", "01", "nul", "\"\u{1}\"", "{} {}", r#""\ud800""#] {
            assert_eq!(Json::parse(text).unwrap_err().sqlstate(), "22P02", "{text}");
        }
    }
}
