//! The text under parsing, and the way between sqlparser's lines and columns, characters and bytes.

use sqlparser::tokenizer::{Location, Span};

/// How many characters lie between two remembered byte offsets.
const STRIDE: usize = 256;

/// A text with an index into its lines and characters. All offsets are 0-based characters; positions,
/// which clients see, are 1-based.
pub struct Source<'a> {
    text: &'a str,
    /// The character offset at which each line begins.
    line_starts: Vec<usize>,
    /// The byte offset of every `STRIDE`th character.
    strides: Vec<usize>,
    characters: usize,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut line_starts = vec![0];
        let mut strides = Vec::with_capacity(text.len() / STRIDE + 1);
        let mut characters = 0;
        for (byte, character) in text.char_indices() {
            if characters % STRIDE == 0 {
                strides.push(byte);
            }
            characters += 1;
            if character == '\n' {
                line_starts.push(characters);
            }
        }
        Source { text, line_starts, strides, characters }
    }

    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The character offset of a location; sqlparser's columns count characters, each tab and carriage
    /// return as one.
    pub fn offset(&self, location: Location) -> usize {
        let line = usize::try_from(location.line).unwrap_or(usize::MAX).saturating_sub(1);
        let column = usize::try_from(location.column).unwrap_or(usize::MAX).saturating_sub(1);
        let start = self.line_starts.get(line).copied().unwrap_or(self.characters);
        start.saturating_add(column).min(self.characters)
    }

    /// The position of a span's start; `None` for the empty span of the end of input.
    pub fn position(&self, span: Span) -> Option<usize> {
        (span.start.line > 0).then(|| self.offset(span.start) + 1)
    }

    /// The position just after the text.
    pub fn end_position(&self) -> usize {
        self.characters + 1
    }

    /// The text between two character offsets.
    pub fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(self.byte(from)..self.byte(to)).unwrap_or_default()
    }

    /// Whether the text of a span begins with a digit.
    pub fn starts_with_digit(&self, span: Span) -> bool {
        let from = self.offset(span.start);
        self.slice(from, from + 1).bytes().all(|b| b.is_ascii_digit())
    }

    fn byte(&self, offset: usize) -> usize {
        let Some(&base) = self.strides.get(offset / STRIDE) else {
            return self.text.len();
        };
        let rest = self.text.get(base..).unwrap_or_default();
        rest.char_indices().nth(offset % STRIDE).map_or(self.text.len(), |(byte, _)| base + byte)
    }
}
