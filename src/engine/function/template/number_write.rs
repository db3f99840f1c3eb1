//! Numbers written by a template, with the blanks and signs that PostgreSQL puts where digits are missing. It
//! reads none.

use crate::base::Result;

use super::number_pattern::{Anchor, NumberPattern, Piece};
use super::numeral::{ordinal_ending, roman};

/// A number as digits.
#[derive(Debug, Clone)]
pub struct Decimal {
    negative: bool,
    /// Digits of the whole part, without leading zeros but for a lone one.
    whole: String,
    fraction: String,
    /// `NaN` or `Infinity` in place of digits.
    special: bool,
}

impl Decimal {
    pub fn of_unscaled(value: i128, scale: i8) -> Decimal {
        let scale = usize::from(scale.max(0).unsigned_abs());
        let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        Decimal {
            negative: value < 0,
            whole: whole.to_owned(),
            fraction: fraction.to_owned(),
            special: false,
        }
    }

    /// A float with as many digits as its type is sure of, and no more behind the point than are `wanted`.
    pub fn of_float(value: f64, digits: usize, wanted: usize) -> Decimal {
        if !value.is_finite() {
            let word = if value.is_nan() { "NaN" } else { "Infinity" };
            return Decimal {
                negative: value < 0.0,
                whole: word.to_owned(),
                fraction: String::new(),
                special: true,
            };
        }
        let whole_digits = if value.abs() < 1.0 { 1 } else { value.abs().log10() as usize + 1 };
        // Formatting rounds halves to even, as C's does.
        let kept = digits.saturating_sub(whole_digits).min(wanted);
        let text = format!("{:.*}", kept, value.abs());
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        Decimal {
            negative: value < 0.0,
            whole: whole.to_owned(),
            fraction: fraction.to_owned(),
            special: false,
        }
    }

    /// Rounded half away from zero to a number of digits behind the point.
    fn rounded(&self, digits: usize) -> Decimal {
        if self.special {
            return self.clone();
        }
        if self.fraction.len() <= digits {
            let fraction = format!("{:0<digits$}", self.fraction);
            return Decimal { fraction, ..self.clone() };
        }
        let (kept, dropped) = self.fraction.split_at(digits);
        let mut bytes = format!("{}{kept}", self.whole).into_bytes();
        if dropped.starts_with(|first: char| first >= '5') {
            let mut carried = true;
            for digit in bytes.iter_mut().rev() {
                carried = *digit == b'9';
                *digit = if carried { b'0' } else { *digit + 1 };
                if !carried {
                    break;
                }
            }
            if carried {
                bytes.insert(0, b'1');
            }
        }
        let all = String::from_utf8(bytes).unwrap_or_default();
        let (whole, fraction) = all.split_at(all.len() - digits);
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            trimmed => trimmed,
        };
        let is_zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
        Decimal {
            negative: self.negative && !is_zero,
            whole: whole.to_owned(),
            fraction: fraction.to_owned(),
            special: false,
        }
    }

    /// Times a power of ten.
    fn shifted(&self, places: usize) -> Decimal {
        let padded = format!("{:0<places$}", self.fraction);
        let (moved, fraction) = padded.split_at(places);
        let whole = format!("{}{moved}", self.whole);
        let whole = match whole.trim_start_matches('0') {
            "" => "0".to_owned(),
            trimmed => trimmed.to_owned(),
        };
        Decimal { whole, fraction: fraction.to_owned(), ..self.clone() }
    }

    /// `1.23e+03`
    fn scientific(&self, digits: usize) -> String {
        let all = format!("{}{}", self.whole, self.fraction);
        let first = all.bytes().position(|digit| digit != b'0');
        let point = self.whole.len() as i64;
        let (significant, exponent) = match first {
            Some(first) => (all.get(first..).unwrap_or_default(), point - 1 - first as i64),
            None => ("0", 0),
        };
        let (lead, rest) = significant.split_at(1.min(significant.len()));
        let number = Decimal {
            negative: false,
            whole: lead.to_owned(),
            fraction: rest.to_owned(),
            special: false,
        };
        let mut rounded = number.rounded(digits);
        let mut exponent = exponent;
        if rounded.whole.len() > 1 {
            rounded = Decimal { whole: "1".to_owned(), ..rounded };
            exponent += 1;
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        let point = if digits > 0 { "." } else { "" };
        let exponent = exponent.unsigned_abs();
        format!("{}{point}{}e{sign}{exponent:02}", rounded.whole, rounded.fraction)
    }
}

/// Writes a number by a template.
pub fn write(pattern: &NumberPattern, number: &Decimal, out: &mut String) -> Result<()> {
    if pattern.roman {
        let whole = number.rounded(0);
        let value = if whole.negative { None } else { whole.whole.parse().ok() };
        let numeral = value.and_then(roman).unwrap_or_else(|| "#".repeat(15));
        for piece in &pattern.pieces {
            if let Piece::Roman { upper } = piece {
                let cased = if *upper { numeral.clone() } else { numeral.to_lowercase() };
                let width = if pattern.fill { 0 } else { 15 };
                out.push_str(&format!("{cased:>width$}"));
            }
        }
        return Ok(());
    }
    if pattern.scientific && !number.special {
        out.push(if number.negative { '-' } else { ' ' });
        out.push_str(&number.scientific(pattern.fraction));
        return Ok(());
    }
    Writer::new(pattern, number).write(out);
    Ok(())
}

struct Writer<'a> {
    pattern: &'a NumberPattern,
    negative: bool,
    /// The digits, with the point.
    digits: Vec<u8>,
    /// The next of them.
    at: usize,
    /// Places before the first digit.
    blanks: usize,
    /// Places that the template has had.
    place: usize,
    places: usize,
    sign_written: bool,
    /// The last digit that `FM` keeps.
    last: Option<usize>,
    in_number: bool,
    bracket: bool,
}

impl<'a> Writer<'a> {
    fn new(pattern: &'a NumberPattern, number: &Decimal) -> Writer<'a> {
        let whole_places = pattern.whole + pattern.shift;
        let number = if pattern.shift > 0 && !number.special {
            number.shifted(pattern.shift)
        } else {
            number.clone()
        };
        let number = number.rounded(pattern.fraction);
        let fits = number.whole.len() <= whole_places;
        let mut text = match fits {
            true => number.whole.clone(),
            false => "#".repeat(whole_places),
        };
        if !(number.special && fits) && (pattern.fraction > 0 || !fits && pattern.has_point) {
            text.push('.');
            match fits {
                true => text.push_str(&number.fraction),
                false => text.push_str(&"#".repeat(pattern.fraction)),
            }
        }
        let blanks = if fits { whole_places - number.whole.len() } else { 0 };
        let negative = number.negative;
        let mut bracket = pattern.bracket;
        let sign_written = if pattern.plus || pattern.minus {
            pattern.minus
        } else {
            if !negative && pattern.fill {
                bracket = false;
            }
            !negative && pattern.fill && pattern.anchor == Anchor::None
        };
        let digits = text.into_bytes();
        let last = last_kept(pattern, &digits, blanks);
        let extra = usize::from(!sign_written && blanks == 0);
        let places = (pattern.fraction + whole_places + extra).saturating_sub(1);
        Writer {
            pattern,
            negative,
            digits,
            at: 0,
            blanks,
            place: 0,
            places,
            sign_written,
            last,
            in_number: false,
            bracket,
        }
    }

    fn sign(&self) -> char {
        if self.negative { '-' } else { '+' }
    }

    fn write(&mut self, out: &mut String) {
        let fill = self.pattern.fill;
        let pattern = self.pattern;
        for piece in &pattern.pieces {
            match piece {
                Piece::Digit | Piece::Zero | Piece::Point => self.place(piece, out),
                Piece::Group if self.in_number => out.push(','),
                Piece::Group if !fill => out.push(' '),
                // The currency symbol of the locale C is a blank.
                Piece::Currency => out.push(' '),
                Piece::Minus if self.negative => out.push('-'),
                Piece::Minus if !fill => out.push(' '),
                Piece::Plus if !self.negative => out.push('+'),
                Piece::Plus if !fill => out.push(' '),
                Piece::Sign => out.push(self.sign()),
                Piece::Ordinal { upper } if self.takes_ordinal() => {
                    let digits = String::from_utf8_lossy(&self.digits).into_owned();
                    let ending = ordinal_ending(&digits);
                    let ending = if *upper { ending.to_uppercase() } else { ending.to_owned() };
                    out.push_str(&ending);
                }
                Piece::Literal(character) => out.push(*character),
                Piece::Group
                | Piece::Minus
                | Piece::Plus
                | Piece::Ordinal { .. }
                | Piece::Anchored
                | Piece::Roman { .. }
                | Piece::Silent => {}
            }
        }
    }

    fn takes_ordinal(&self) -> bool {
        self.digits.first() != Some(&b'#') && !self.negative && !self.pattern.has_point
    }

    /// Whether the digit to write is the zero before the point of a number below one.
    fn is_lone_zero(&self) -> bool {
        self.pattern.first_zero.is_none()
            && self.at == 0
            && self.digits.first() == Some(&b'0')
            && self.pattern.fraction != 0
    }

    fn ends_with_point(&self) -> bool {
        self.last.and_then(|last| self.digits.get(last)) == Some(&b'.')
    }

    fn write_sign(&mut self, out: &mut String) {
        let pattern = self.pattern;
        let begins = self.place >= self.blanks || pattern.first_zero == Some(self.place);
        if self.sign_written || !begins || self.is_lone_zero() && !self.ends_with_point() {
            return;
        }
        match pattern.anchor {
            Anchor::Before => {
                out.push(self.sign());
                self.sign_written = true;
            }
            Anchor::After => {}
            Anchor::None => {
                if self.bracket {
                    out.push(if self.negative { '<' } else { ' ' });
                } else if self.negative {
                    out.push('-');
                } else if !pattern.fill {
                    out.push(' ');
                }
                self.sign_written = true;
            }
        }
    }

    /// One place of the template: a blank, a leading zero, a digit or the point.
    fn place(&mut self, piece: &Piece, out: &mut String) {
        let fill = self.pattern.fill;
        self.in_number = false;
        self.write_sign(out);
        let zeros_begin = self.pattern.first_zero.filter(|first| *first <= self.place);
        if self.place < self.blanks && zeros_begin.is_none() {
            if !fill {
                out.push(' ');
            }
        } else if self.place < self.blanks {
            out.push('0');
            self.in_number = true;
        } else {
            self.digit(piece, out);
            self.at = (self.at + 1).min(self.digits.len());
        }
        let end = self.places + usize::from(self.blanks > 0) + usize::from(self.pattern.has_point);
        let end = if self.last == Some(self.at) { self.place } else { end };
        if self.place + 1 == end {
            if self.sign_written && self.bracket {
                out.push(if self.negative { '>' } else { ' ' });
            } else if self.pattern.anchor == Anchor::After {
                out.push(self.sign());
            }
        }
        self.place += 1;
    }

    fn digit(&mut self, piece: &Piece, out: &mut String) {
        let fill = self.pattern.fill;
        match self.digits.get(self.at) {
            Some(b'.') if !self.ends_with_point() || fill => out.push('.'),
            Some(b'.') => {}
            Some(_) if self.last.is_some_and(|last| self.at > last) && *piece != Piece::Zero => {}
            Some(_) if self.is_lone_zero() => {
                if !fill {
                    out.push(' ');
                } else if self.ends_with_point() {
                    out.push('0');
                }
            }
            Some(digit) => {
                out.push(char::from(*digit));
                self.in_number = true;
            }
            None => {}
        }
    }
}

/// With `FM`, zeros at the end are dropped but for those that a `0` asks for.
fn last_kept(pattern: &NumberPattern, digits: &[u8], blanks: usize) -> Option<usize> {
    if !pattern.fill || !pattern.has_point {
        return None;
    }
    let point = digits.iter().position(|digit| *digit == b'.')?;
    let last = digits.iter().rposition(|digit| *digit != b'0').map_or(point, |at| at.max(point));
    if pattern.last_zero > blanks {
        let asked = (pattern.last_zero - blanks).min(digits.len().saturating_sub(1));
        return Some(last.max(asked));
    }
    Some(last)
}
