//! Numbers read by a template. It writes none.

use crate::base::value::invalid_text;
use crate::base::{Error, ErrorKind, Result};

use super::number_pattern::{NumberPattern, Piece};

/// The number without its point, and the digits behind it. Errors: 22P02.
pub fn read(pattern: &NumberPattern, text: &str) -> Result<(i128, usize)> {
    if pattern.roman || pattern.scientific {
        let word = if pattern.roman { "RN" } else { "EEEE" };
        let message = format!("\"{word}\" not supported for input");
        return Err(Error::new(ErrorKind::FeatureNotSupported, message));
    }
    let mut reader = Reader { rest: text, negative: false, digits: String::new(), scale: None };
    for piece in &pattern.pieces {
        match piece {
            Piece::Digit | Piece::Zero | Piece::Point => reader.place(pattern),
            Piece::Group => {
                if reader.rest.starts_with(',') {
                    reader.skip();
                }
            }
            Piece::Minus | Piece::Plus | Piece::Sign | Piece::Anchored => reader.sign(),
            Piece::Literal(character) if *character == ' ' || reader.at_other() => reader.skip(),
            Piece::Currency | Piece::Ordinal { .. } if reader.at_other() => reader.skip(),
            Piece::Literal(_)
            | Piece::Currency
            | Piece::Ordinal { .. }
            | Piece::Roman { .. }
            | Piece::Silent => {}
        }
    }
    reader.sign();
    reader.finish(pattern)
}

struct Reader<'a> {
    rest: &'a str,
    negative: bool,
    digits: String,
    /// Digits behind the point, once it has come.
    scale: Option<usize>,
}

impl Reader<'_> {
    fn skip(&mut self) {
        let mut characters = self.rest.chars();
        characters.next();
        self.rest = characters.as_str();
    }

    /// Whether something comes that is no part of a number.
    fn at_other(&self) -> bool {
        self.rest.starts_with(|next: char| !next.is_ascii_digit() && !".,+-".contains(next))
    }

    fn sign(&mut self) {
        match self.rest.chars().next() {
            Some('-' | '<') => {
                self.negative = true;
                self.skip();
            }
            Some('+' | '>') => self.skip(),
            _ => {}
        }
    }

    fn place(&mut self, pattern: &NumberPattern) {
        self.rest = self.rest.trim_start();
        if self.digits.is_empty() && self.scale.is_none() {
            self.sign();
        }
        match self.rest.chars().next() {
            Some(digit) if digit.is_ascii_digit() => {
                self.digits.push(digit);
                self.scale = self.scale.map(|scale| scale + 1);
                self.skip();
            }
            Some('.') if self.scale.is_none() && pattern.has_point => {
                self.scale = Some(0);
                self.skip();
            }
            _ => {}
        }
    }

    fn finish(self, pattern: &NumberPattern) -> Result<(i128, usize)> {
        if self.digits.is_empty() {
            return Err(invalid_text("numeric", b" "));
        }
        let number: i128 =
            self.digits.parse().map_err(|_| crate::base::value::too_many_digits())?;
        let number = if self.negative { -number } else { number };
        Ok((number, self.scale.unwrap_or(0) + pattern.shift))
    }
}
