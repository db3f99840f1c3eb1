//! What a regular expression means: PostgreSQL's advanced ones in the words of two crates. `regex` searches in linear
//! time. `fancy-regex` goes back over what it has read: for back references and look-around, and where alternatives begin
//! alike, of which PostgreSQL takes the longest match and `regex` the first. Its steps are bounded.
//! <https://www.postgresql.org/docs/16/functions-matching.html#POSIX-MATCHING-RULES>

use regex::RegexBuilder;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

use crate::base::{Error, ErrorKind, Result};

/// How often a search may go back.
const BACKTRACKS_MAX: usize = 1_000_000;

/// What a pattern is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Whether there is a match.
    Test,
    /// Where the matches are.
    Find,
}

/// A pattern ready to be searched for.
pub struct Compiled {
    pub regex: Regex,
    /// The flag `g`.
    pub global: bool,
}

pub enum Regex {
    Linear(regex::Regex),
    Backtracking(Box<fancy_regex::Regex>),
}

/// A match with its groups.
pub enum Found<'t> {
    Linear(regex::Captures<'t>),
    Backtracking(fancy_regex::Captures<'t, str>),
}

/// A part of the text: bytes from `start` to before `end`.
#[derive(Debug, Clone, Copy)]
pub struct Part<'t> {
    pub start: usize,
    pub end: usize,
    pub text: &'t str,
}

#[derive(Debug, Clone, Copy, Default)]
struct Style {
    ignores_case: bool,
    by_lines: bool,
    dot_all: bool,
    extended: bool,
}

/// A pattern in the words of the crates.
struct Translated {
    pattern: String,
    /// Whether it refers back or looks around.
    backtracks: bool,
    /// Whether a quantifier prefers fewer.
    is_lazy: bool,
}

impl Translated {
    fn plain(pattern: String) -> Self {
        Translated { pattern, backtracks: false, is_lazy: false }
    }
}

impl Regex {
    fn new(translated: &Translated, style: Style, purpose: Purpose) -> Result<Regex> {
        let Translated { pattern, backtracks, is_lazy } = translated;
        let wants_longest = purpose == Purpose::Find
            && !backtracks
            && !is_lazy
            && pattern.contains('|')
            && !is_decided(pattern, style);
        if *backtracks || wants_longest {
            let regex = fancy_regex::RegexBuilder::new(pattern)
                .case_insensitive(style.ignores_case)
                .multi_line(style.by_lines)
                .dot_matches_new_line(style.dot_all)
                .ignore_whitespace(style.extended)
                .leftmost_longest(!is_lazy)
                .backtrack_limit(BACKTRACKS_MAX)
                .build();
            return match regex {
                Ok(regex) => Ok(Regex::Backtracking(Box::new(regex))),
                Err(error) => Err(invalid("it cannot be read").caused_by(error)),
            };
        }
        let regex = RegexBuilder::new(pattern)
            .case_insensitive(style.ignores_case)
            .multi_line(style.by_lines)
            .dot_matches_new_line(style.dot_all)
            .ignore_whitespace(style.extended)
            .build();
        regex.map(Regex::Linear).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => invalid("the expression is too large"),
            other => invalid("it cannot be read").caused_by(other),
        })
    }

    /// Errors: 54001 for a search that goes back too often.
    pub fn is_match(&self, text: &str) -> Result<bool> {
        match self {
            Regex::Linear(regex) => Ok(regex.is_match(text)),
            Regex::Backtracking(regex) => regex.is_match(text).map_err(too_complex),
        }
    }

    /// Errors: 54001 for a search that goes back too often.
    pub fn first<'t>(&self, text: &'t str) -> Result<Option<Found<'t>>> {
        match self {
            Regex::Linear(regex) => Ok(regex.captures(text).map(Found::Linear)),
            Regex::Backtracking(regex) => {
                let found = regex.captures(text).map_err(too_complex)?;
                Ok(found.map(Found::Backtracking))
            }
        }
    }

    /// Every match, none of which overlaps another.
    /// Errors: 54001 for a search that goes back too often.
    pub fn all<'r, 't: 'r>(
        &'r self,
        text: &'t str,
    ) -> Box<dyn Iterator<Item = Result<Found<'t>>> + 'r> {
        match self {
            Regex::Linear(regex) => {
                Box::new(regex.captures_iter(text).map(|found| Ok(Found::Linear(found))))
            }
            Regex::Backtracking(regex) => Box::new(
                regex
                    .captures_iter(text)
                    .map(|found| found.map(Found::Backtracking).map_err(too_complex)),
            ),
        }
    }

    /// Groups, the whole match as the first of them.
    pub fn captures_len(&self) -> usize {
        match self {
            Regex::Linear(regex) => regex.captures_len(),
            Regex::Backtracking(regex) => regex.captures_len(),
        }
    }
}

impl<'t> Found<'t> {
    /// A group of the match, or for 0 the whole.
    pub fn get(&self, group: usize) -> Option<Part<'t>> {
        match self {
            Found::Linear(found) => found.get(group).map(|part| Part {
                start: part.start(),
                end: part.end(),
                text: part.as_str(),
            }),
            Found::Backtracking(found) => found.get(group).map(|part| Part {
                start: part.start(),
                end: part.end(),
                text: part.as_str(),
            }),
        }
    }
}

fn too_complex(error: fancy_regex::Error) -> Error {
    Error::new(ErrorKind::StatementTooComplex, "regular expression is too complex")
        .with_hint(
            "Back references, look-around and alternatives that begin alike take many steps.",
        )
        .caused_by(error)
}

/// Whether the first alternative that matches is the only one, wherever there are several: none begins as another does.
fn is_decided(pattern: &str, style: Style) -> bool {
    let parsed = regex_syntax::ParserBuilder::new()
        .case_insensitive(style.ignores_case)
        .multi_line(style.by_lines)
        .dot_matches_new_line(style.dot_all)
        .ignore_whitespace(style.extended)
        .build()
        .parse(pattern);
    // What cannot be read is for the crate to refuse.
    parsed.map_or(true, |hir| has_one_way(&hir))
}

fn has_one_way(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => true,
        HirKind::Repetition(repetition) => has_one_way(&repetition.sub),
        HirKind::Capture(capture) => has_one_way(&capture.sub),
        HirKind::Concat(parts) => parts.iter().all(has_one_way),
        HirKind::Alternation(alternatives) => {
            let mut begun = ClassUnicode::empty();
            alternatives.iter().all(|alternative| {
                let first = first_of(alternative);
                let mut shared = first.characters.clone();
                shared.intersect(&begun);
                begun.union(&first.characters);
                !first.may_be_empty && shared.ranges().is_empty() && has_one_way(alternative)
            })
        }
    }
}

/// With which characters a match can begin.
struct First {
    characters: ClassUnicode,
    may_be_empty: bool,
}

fn first_of(hir: &Hir) -> First {
    let of = |ranges: Vec<ClassUnicodeRange>| First {
        characters: ClassUnicode::new(ranges),
        may_be_empty: false,
    };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {
            First { characters: ClassUnicode::empty(), may_be_empty: true }
        }
        HirKind::Literal(literal) => {
            let text = String::from_utf8_lossy(&literal.0);
            of(text.chars().take(1).map(|first| ClassUnicodeRange::new(first, first)).collect())
        }
        HirKind::Class(Class::Unicode(class)) => {
            First { characters: class.clone(), may_be_empty: false }
        }
        HirKind::Class(Class::Bytes(class)) => {
            let range = |range: &regex_syntax::hir::ClassBytesRange| {
                ClassUnicodeRange::new(char::from(range.start()), char::from(range.end()))
            };
            of(class.ranges().iter().map(range).collect())
        }
        HirKind::Repetition(repetition) => {
            let first = first_of(&repetition.sub);
            First { may_be_empty: first.may_be_empty || repetition.min == 0, ..first }
        }
        HirKind::Capture(capture) => first_of(&capture.sub),
        HirKind::Concat(parts) => {
            let mut whole = First { characters: ClassUnicode::empty(), may_be_empty: true };
            for part in parts {
                let first = first_of(part);
                whole.characters.union(&first.characters);
                if !first.may_be_empty {
                    whole.may_be_empty = false;
                    break;
                }
            }
            whole
        }
        HirKind::Alternation(alternatives) => {
            let mut any = First { characters: ClassUnicode::empty(), may_be_empty: false };
            for first in alternatives.iter().map(first_of) {
                any.characters.union(&first.characters);
                any.may_be_empty |= first.may_be_empty;
            }
            any
        }
    }
}

fn invalid(detail: &str) -> Error {
    let message = format!("invalid regular expression: {detail}");
    Error::new(ErrorKind::InvalidRegularExpression, message)
}

/// A pattern with the flags of its function.
/// Errors: 2201B for one that cannot be read, 22023 for a flag that there is not.
pub fn compile(pattern: &str, flags: &str, purpose: Purpose) -> Result<Compiled> {
    let (mut ignores_case, mut by_lines, mut dot_all) = (false, false, true);
    let (mut extended, mut literal, mut global) = (false, false, false);
    for flag in flags.chars() {
        match flag {
            'g' => global = true,
            'i' => ignores_case = true,
            'c' => ignores_case = false,
            'n' | 'm' => (by_lines, dot_all) = (true, false),
            'p' => dot_all = false,
            's' => (by_lines, dot_all) = (false, true),
            'w' => by_lines = true,
            'x' => extended = true,
            't' => extended = false,
            'q' => literal = true,
            'e' | 'b' => {}
            other => {
                let message = format!("invalid regular expression option: \"{other}\"");
                return Err(Error::new(ErrorKind::InvalidParameterValue, message));
            }
        }
    }
    let translated = match pattern.strip_prefix("***=") {
        Some(rest) => Translated::plain(regex::escape(rest)),
        None if literal => Translated::plain(regex::escape(pattern)),
        None => translated(pattern)?,
    };
    let style = Style { ignores_case, by_lines, dot_all, extended };
    Ok(Compiled { regex: Regex::new(&translated, style, purpose)?, global })
}

/// A pattern in the words of the crates.
fn translated(pattern: &str) -> Result<Translated> {
    let (mut looks_around, mut has_lazy, mut refers_back) = (false, false, false);
    // A pattern whose first quantifier prefers fewer, prefers the shortest match as a whole.
    let mut prefers_fewer: Option<bool> = None;
    let mut made = String::with_capacity(pattern.len() + 8);
    let mut characters = pattern.strip_prefix("***:").unwrap_or(pattern).chars().peekable();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        if !in_class && matches!(character, '*' | '+' | '?' | '}') {
            made.push(character);
            let is_lazy = characters.next_if_eq(&'?').is_some();
            if *prefers_fewer.get_or_insert(is_lazy) || is_lazy {
                made.push('?');
            }
            has_lazy |= is_lazy;
            continue;
        }
        match character {
            '\\' if !in_class && matches!(characters.peek(), Some('1'..='9')) => {
                refers_back = true;
                made.push('\\');
            }
            '\\' => escape(characters.next(), in_class, &mut made)?,
            '[' if !in_class => {
                in_class = true;
                made.push('[');
                if characters.next_if_eq(&'^').is_some() {
                    made.push('^');
                }
                // A bracket that comes first is itself.
                if characters.next_if_eq(&']').is_some() {
                    made.push_str("\\]");
                }
            }
            '[' if matches!(characters.peek(), Some(':')) => {
                made.push('[');
                for next in characters.by_ref() {
                    made.push(next);
                    if next == ']' {
                        break;
                    }
                }
            }
            '[' => made.push_str("\\["),
            ']' if in_class => {
                in_class = false;
                made.push(']');
            }
            '&' | '~' if in_class => {
                made.push('\\');
                made.push(character);
            }
            '(' if !in_class && characters.peek() == Some(&'?') => {
                made.push('(');
                made.extend(characters.next());
                looks_around |= matches!(characters.peek(), Some('=' | '!' | '<'));
            }
            other => made.push(other),
        }
    }
    let backtracks = looks_around || refers_back;
    Ok(Translated { pattern: made, backtracks, is_lazy: has_lazy })
}

fn escape(letter: Option<char>, in_class: bool, made: &mut String) -> Result<()> {
    match letter {
        None => return Err(invalid("invalid escape \\ sequence")),
        Some('m') if !in_class => made.push_str("\\b{start}"),
        Some('M') if !in_class => made.push_str("\\b{end}"),
        Some('y') if !in_class => made.push_str("\\b"),
        Some('Y') if !in_class => made.push_str("\\B"),
        Some('Z') if !in_class => made.push_str("\\z"),
        Some('e') => made.push_str("\\x1B"),
        Some(
            letter @ ('d' | 'D' | 'w' | 'W' | 's' | 'S' | 'A' | 'n' | 't' | 'r' | 'f' | 'v' | 'x'
            | 'u' | 'U' | 'a'),
        ) => {
            made.push('\\');
            made.push(letter);
        }
        Some(letter) if letter.is_ascii_alphanumeric() => {
            return Err(invalid("invalid escape \\ sequence"));
        }
        Some(other) => made.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
    }
    Ok(())
}

/// A pattern of SIMILAR TO, which covers the whole text, with its escape character.
pub fn compile_similar(pattern: &str, escape: &str, purpose: Purpose) -> Result<Compiled> {
    let escape = escape.chars().next().unwrap_or('\\');
    let mut made = String::from("^(?:");
    let mut in_class = false;
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            escaped if escaped == escape => match characters.next() {
                Some(next) => made.push_str(&regex::escape(next.encode_utf8(&mut [0; 4]))),
                None => {
                    let message = "LIKE pattern must not end with escape character";
                    return Err(Error::new(ErrorKind::InvalidEscapeSequence, message));
                }
            },
            '[' if !in_class => {
                in_class = true;
                made.push('[');
            }
            ']' if in_class => {
                in_class = false;
                made.push(']');
            }
            other if in_class => made.push(other),
            '%' => made.push_str(".*"),
            '_' => made.push('.'),
            '(' => made.push_str("(?:"),
            '.' | '^' | '$' | '\\' => {
                made.push('\\');
                made.push(character);
            }
            other => made.push(other),
        }
    }
    made.push_str(")$");
    let style = Style { dot_all: true, ..Style::default() };
    let regex = Regex::new(&Translated::plain(made), style, purpose)?;
    Ok(Compiled { regex, global: false })
}
