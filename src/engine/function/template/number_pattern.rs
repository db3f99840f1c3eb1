//! Templates of numbers, split into their pieces. It formats nothing.

use crate::base::{Error, ErrorKind, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// `9`
    Digit,
    /// `0`
    Zero,
    /// `.` and `D`
    Point,
    /// `,` and `G`
    Group,
    /// `L`
    Currency,
    /// `MI`
    Minus,
    /// `PL`
    Plus,
    /// `SG`
    Sign,
    /// `S`
    Anchored,
    /// `TH`, in capitals or not.
    Ordinal {
        upper: bool,
    },
    /// `RN`, in capitals or not.
    Roman {
        upper: bool,
    },
    /// `V`, `PR`, `EEEE`, `B`: what they mean is in the pattern.
    Silent,
    Literal(char),
}

/// Where `S` puts the sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    None,
    Before,
    After,
}

/// A template that has been read.
#[derive(Debug, Clone)]
pub struct NumberPattern {
    pub pieces: Vec<Piece>,
    /// Digits before the point.
    pub whole: usize,
    /// Digits behind it.
    pub fraction: usize,
    /// Digits behind `V`.
    pub shift: usize,
    /// `FM`
    pub fill: bool,
    pub has_point: bool,
    /// How many digits stand before the first `0`, and how many up to the last one.
    pub first_zero: Option<usize>,
    pub last_zero: usize,
    pub anchor: Anchor,
    /// Digits before `S`.
    before_anchor: usize,
    pub minus: bool,
    pub plus: bool,
    /// `PR`
    pub bracket: bool,
    /// `EEEE`
    pub scientific: bool,
    pub roman: bool,
}

const WORDS: &[&str] = &[
    "EEEE", "FM", "MI", "PL", "PR", "RN", "SG", "TH", "0", "9", ".", ",", "B", "D", "G", "L", "S",
    "V",
];

impl NumberPattern {
    pub fn parse(template: &str) -> Result<NumberPattern> {
        let mut pattern = NumberPattern {
            pieces: Vec::new(),
            whole: 0,
            fraction: 0,
            shift: 0,
            fill: false,
            has_point: false,
            first_zero: None,
            last_zero: 0,
            anchor: Anchor::None,
            before_anchor: 0,
            minus: false,
            plus: false,
            bracket: false,
            scientific: false,
            roman: false,
        };
        let mut shifted = false;
        let mut rest = template;
        while let Some(first) = rest.chars().next() {
            let word = WORDS.iter().find(|word| {
                rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            });
            if let Some(word) = word {
                let (written, after) = rest.split_at(word.len());
                pattern.take(word, written, &mut shifted)?;
                rest = after;
            } else if first == '"' {
                rest = pattern.take_quoted(rest.get(1..).unwrap_or_default());
            } else {
                let escaped = rest.strip_prefix('\\').and_then(|after| after.chars().next());
                let literal = escaped.filter(|escaped| *escaped == '"');
                let length = literal.map_or(first.len_utf8(), |_| 2);
                pattern.pieces.push(Piece::Literal(literal.unwrap_or(first)));
                rest = rest.get(length..).unwrap_or_default();
            }
        }
        // An anchor behind all digits of the whole part writes its sign behind them.
        if pattern.anchor == Anchor::Before && pattern.whole == pattern.before_anchor {
            pattern.anchor = Anchor::After;
        }
        Ok(pattern)
    }

    fn take_quoted<'a>(&mut self, text: &'a str) -> &'a str {
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => self.pieces.extend(characters.next().map(Piece::Literal)),
                other => self.pieces.push(Piece::Literal(other)),
            }
        }
        characters.as_str()
    }

    fn take(&mut self, word: &str, written: &str, shifted: &mut bool) -> Result<()> {
        let upper = written.starts_with(|letter: char| letter.is_ascii_uppercase());
        let piece = match word {
            "9" | "0" => {
                if self.bracket {
                    return Err(invalid(&format!("\"{word}\" must be ahead of \"PR\"")));
                }
                self.take_digit(word == "0", *shifted);
                if word == "0" { Piece::Zero } else { Piece::Digit }
            }
            "." | "D" => {
                if self.has_point {
                    return Err(invalid("multiple decimal points"));
                }
                if *shifted {
                    return Err(invalid("cannot use \"V\" and decimal point together"));
                }
                self.has_point = true;
                Piece::Point
            }
            "," | "G" => Piece::Group,
            "L" => Piece::Currency,
            "MI" => {
                self.minus = true;
                Piece::Minus
            }
            "PL" => {
                self.plus = true;
                Piece::Plus
            }
            "SG" => {
                (self.minus, self.plus) = (true, true);
                Piece::Sign
            }
            "S" => {
                if self.anchor != Anchor::None {
                    return Err(invalid("cannot use \"S\" twice"));
                }
                self.anchor = if self.has_point { Anchor::After } else { Anchor::Before };
                self.before_anchor = if self.has_point { usize::MAX } else { self.whole };
                Piece::Anchored
            }
            "TH" => Piece::Ordinal { upper },
            "RN" => {
                self.roman = true;
                Piece::Roman { upper }
            }
            "FM" => {
                self.fill = true;
                return Ok(());
            }
            "PR" => {
                self.bracket = true;
                Piece::Silent
            }
            "EEEE" => {
                self.scientific = true;
                Piece::Silent
            }
            "V" => {
                if self.has_point {
                    return Err(invalid("cannot use \"V\" and decimal point together"));
                }
                *shifted = true;
                Piece::Silent
            }
            _ => Piece::Silent,
        };
        self.pieces.push(piece);
        Ok(())
    }

    fn take_digit(&mut self, is_zero: bool, shifted: bool) {
        if is_zero && !self.has_point && self.first_zero.is_none() {
            self.first_zero = Some(self.whole);
        }
        match (self.has_point, shifted) {
            (true, _) => self.fraction += 1,
            (false, true) if !is_zero => self.shift += 1,
            (false, _) => self.whole += 1,
        }
        if is_zero {
            self.last_zero = self.whole + self.fraction;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Digits behind the point of a number that is read.
    pub fn decimals(&self) -> usize {
        self.fraction + self.shift
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::SyntaxError, message)
}
