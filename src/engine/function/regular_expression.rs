//! Regular expressions: PostgreSQL's advanced ones read into those of the crate `regex`, and the functions that
//! use them. Back references and look-around are refused, since they have no bound of time.
//! <https://www.postgresql.org/docs/16/functions-matching.html>

use datafusion::arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Int32Type};
use regex::{Captures, Regex, RegexBuilder};

use crate::base::datatype::BaseType;
use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, Texts, Values};

use Kind::{Int4, Text};

const TEXT: Returns = Returns::Type(BaseType::Text);
const BOOL: Returns = Returns::Type(BaseType::Bool);
const INTEGER: Returns = Returns::Type(BaseType::Int4);
const TEXTS: Returns = Returns::ArrayOf(BaseType::Text);

pub const MATCHES: &str = "regexp_is_match";

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable(MATCHES, &[Overload::new(&[Text, Text, Text], BOOL, is_match).optional(1)]),
    Kernel::immutable(
        "regexp_like",
        &[Overload::new(&[Text, Text, Text], BOOL, is_match).optional(1)],
    ),
    Kernel::immutable(
        "similar_to",
        &[Overload::new(&[Text, Text, Text], BOOL, similar_to).optional(1)],
    ),
    Kernel::immutable(
        "regexp_replace",
        &[
            Overload::new(&[Text, Text, Text, Text], TEXT, replace).optional(1),
            Overload::new(&[Text, Text, Text, Int4, Int4, Text], TEXT, replace_from).optional(2),
        ],
    ),
    Kernel::immutable(
        "regexp_match",
        &[Overload::new(&[Text, Text, Text], TEXTS, first_match).optional(1)],
    ),
    Kernel::immutable(
        "regexp_match_all",
        &[Overload::new(
            &[Text, Text, Text],
            Returns::Computed(|_| Ok(list_of_lists())),
            all_matches,
        )
        .optional(1)],
    ),
    Kernel::immutable(
        "regexp_split_to_array",
        &[Overload::new(&[Text, Text, Text], TEXTS, split).optional(1)],
    ),
    Kernel::immutable(
        "regexp_count",
        &[Overload::new(&[Text, Text, Int4, Text], INTEGER, count).optional(2)],
    ),
    Kernel::immutable(
        "regexp_substr",
        &[Overload::new(&[Text, Text, Int4, Int4, Text, Int4], TEXT, substr).optional(4)],
    ),
    Kernel::immutable(
        "regexp_instr",
        &[Overload::new(&[Text, Text, Int4, Int4, Int4, Text, Int4], INTEGER, instr).optional(5)],
    ),
];

/// A pattern ready to be searched for.
struct Compiled {
    regex: Regex,
    /// The flag `g`.
    global: bool,
}

/// The patterns of a call, each compiled once while it does not change.
struct Patterns<'a> {
    patterns: Texts<'a>,
    flags: Option<Texts<'a>>,
    last: Option<(&'a str, &'a str, Compiled)>,
    translate: fn(&str, &str) -> Result<Compiled>,
}

impl<'a> Patterns<'a> {
    fn new(a: &'a Arguments<'_>, flags: usize) -> Result<Patterns<'a>> {
        let (patterns, flags) = (a.texts(1)?, a.optional_texts(flags)?);
        Ok(Patterns { patterns, flags, last: None, translate: compile })
    }

    fn at(&mut self, row: usize) -> Result<&Compiled> {
        let pattern = self.patterns.at(row);
        let flags = self.flags.as_ref().map_or("", |flags| flags.at(row));
        let compiled = match self.last.take() {
            Some((known, known_flags, compiled)) if known == pattern && known_flags == flags => {
                compiled
            }
            _ => (self.translate)(pattern, flags)?,
        };
        Ok(&self.last.insert((pattern, flags, compiled)).2)
    }

    /// For functions that give one match at most.
    fn single(&mut self, row: usize, function: &str) -> Result<&Compiled> {
        let compiled = self.at(row)?;
        if compiled.global {
            let message = format!("{function}() does not support the \"global\" option");
            return Err(Error::new(ErrorKind::InvalidParameterValue, message));
        }
        Ok(compiled)
    }
}

fn invalid(detail: &str) -> Error {
    let message = format!("invalid regular expression: {detail}");
    Error::new(ErrorKind::InvalidRegularExpression, message)
}

fn compile(pattern: &str, flags: &str) -> Result<Compiled> {
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
        Some(rest) => regex::escape(rest),
        None if literal => regex::escape(pattern),
        None => translated(pattern)?,
    };
    let regex = RegexBuilder::new(&translated)
        .case_insensitive(ignores_case)
        .multi_line(by_lines)
        .dot_matches_new_line(dot_all)
        .ignore_whitespace(extended)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => invalid("the expression is too large"),
            other => invalid("it cannot be read").caused_by(other),
        })?;
    Ok(Compiled { regex, global })
}

/// A pattern in the words of the crate.
fn translated(pattern: &str) -> Result<String> {
    let mut made = String::with_capacity(pattern.len() + 8);
    let mut characters = pattern.strip_prefix("***:").unwrap_or(pattern).chars().peekable();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        match character {
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
                if let Some('=' | '!' | '<') = characters.peek() {
                    return Err(Error::unsupported("look-around in a regular expression"));
                }
            }
            other => made.push(other),
        }
    }
    Ok(made)
}

fn escape(letter: Option<char>, in_class: bool, made: &mut String) -> Result<()> {
    match letter {
        None => return Err(invalid("invalid escape \\ sequence")),
        Some('m') if !in_class => made.push_str("\\b{start}"),
        Some('M') if !in_class => made.push_str("\\b{end}"),
        Some('y') if !in_class => made.push_str("\\b"),
        Some('Y') if !in_class => made.push_str("\\B"),
        Some('Z') if !in_class => made.push_str("\\z"),
        Some('1'..='9') if !in_class => {
            return Err(Error::unsupported("a back reference in a regular expression"));
        }
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

fn is_match(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let mut patterns = Patterns::new(a, 2)?;
    a.make_flags(|row| {
        let compiled = patterns.single(row, "regexp_like")?;
        Ok(Some(compiled.regex.is_match(texts.at(row))))
    })
}

/// A pattern of SIMILAR TO covers the whole text.
fn similar_to(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let mut patterns = Patterns { translate: compile_similar, ..Patterns::new(a, 2)? };
    a.make_flags(|row| Ok(Some(patterns.at(row)?.regex.is_match(texts.at(row)))))
}

fn compile_similar(pattern: &str, escape: &str) -> Result<Compiled> {
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
    let regex = RegexBuilder::new(&made)
        .dot_matches_new_line(true)
        .build()
        .map_err(|error| invalid("it cannot be read").caused_by(error))?;
    Ok(Compiled { regex, global: false })
}

/// `substring(text from pattern)`: the first group of the first match, or all of it.
pub fn substring(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let mut patterns = Patterns::new(a, 2)?;
    a.make_texts(|row, out| {
        let regex = &patterns.at(row)?.regex;
        let Some(found) = regex.captures(texts.at(row)) else { return Ok(false) };
        let group = usize::from(regex.captures_len() > 1);
        match found.get(group) {
            Some(part) => {
                out.push_str(part.as_str());
                Ok(true)
            }
            None => Ok(false),
        }
    })
}

/// Writes a replacement: `\1` to `\9` are groups, `\&` is the match.
fn expand(found: &Captures<'_>, replacement: &str, out: &mut String) {
    let mut characters = replacement.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        let group = match characters.peek() {
            Some('&') => Some(0),
            Some(digit) if digit.is_ascii_digit() && *digit != '0' => {
                digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok())
            }
            Some('\\') => {
                characters.next();
                out.push('\\');
                continue;
            }
            _ => None,
        };
        match group {
            Some(group) => {
                characters.next();
                out.push_str(found.get(group).map_or("", |part| part.as_str()));
            }
            None => out.push('\\'),
        }
    }
}

/// Replaces the match of this number, counted from 1, or all of them for 0.
fn replaced(
    regex: &Regex,
    text: &str,
    from: usize,
    replacement: &str,
    wanted: usize,
    out: &mut String,
) {
    let mut copied = 0;
    for (index, found) in
        regex.captures_iter(text).filter(|found| starts_at(found) >= from).enumerate()
    {
        let Some(whole) = found.get(0) else { continue };
        if wanted == 0 || index + 1 == wanted {
            out.push_str(text.get(copied..whole.start()).unwrap_or_default());
            expand(&found, replacement, out);
            copied = whole.end();
        }
        if wanted != 0 && index + 1 >= wanted {
            break;
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
}

fn starts_at(found: &Captures<'_>) -> usize {
    found.get(0).map_or(0, |whole| whole.start())
}

fn replace(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (texts, replacements) = (a.texts(0)?, a.texts(2)?);
    let mut patterns = Patterns::new(a, 3)?;
    a.make_texts(|row, out| {
        let compiled = patterns.at(row)?;
        let wanted = usize::from(!compiled.global);
        replaced(&compiled.regex, texts.at(row), 0, replacements.at(row), wanted, out);
        Ok(true)
    })
}

fn replace_from(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (texts, replacements) = (a.texts(0)?, a.texts(2)?);
    let (starts, numbers) = (a.optional::<Int32Type>(3)?, a.optional::<Int32Type>(4)?);
    let mut patterns = Patterns::new(a, 5)?;
    a.make_texts(|row, out| {
        let from = start(&starts, row, texts.at(row))?;
        let wanted = at_least(&numbers, row, "n", 0, 1)?;
        let compiled = patterns.at(row)?;
        replaced(&compiled.regex, texts.at(row), from, replacements.at(row), wanted, out);
        Ok(true)
    })
}

type Integers<'a> = Option<Values<'a, Int32Type>>;

fn at_least(
    values: &Integers<'_>,
    row: usize,
    name: &str,
    least: i32,
    default: usize,
) -> Result<usize> {
    let Some(values) = values else { return Ok(default) };
    let value = values.at(row);
    if value < least {
        let message = format!("invalid value for parameter \"{name}\": {value}");
        return Err(Error::new(ErrorKind::InvalidParameterValue, message));
    }
    Ok(usize::try_from(value).unwrap_or_default())
}

/// The byte at which the search begins.
fn start(values: &Integers<'_>, row: usize, text: &str) -> Result<usize> {
    let character = at_least(values, row, "start", 1, 1)?;
    Ok(text
        .char_indices()
        .nth(character - 1)
        .map_or(text.len() + usize::from(character > text.chars().count() + 1), |(at, _)| at))
}

fn append_groups(regex: &Regex, found: &Captures<'_>, groups: &mut StringBuilder) {
    let first = usize::from(regex.captures_len() > 1);
    for group in found.iter().skip(first) {
        groups.append_option(group.map(|part| part.as_str()));
    }
}

fn first_match(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let mut patterns = Patterns::new(a, 2)?;
    a.make_text_arrays(|row, groups| {
        let regex = &patterns.single(row, "regexp_match")?.regex;
        let Some(found) = regex.captures(texts.at(row)) else { return Ok(false) };
        append_groups(regex, &found, groups);
        Ok(true)
    })
}

fn list_of_lists() -> Field {
    let texts = Field::new_list_field(DataType::Utf8, true);
    let groups = Field::new_list_field(DataType::List(texts.into()), true);
    Field::new("regexp_matches", DataType::List(groups.into()), true)
}

/// Every match, or the first without the flag `g`: the rows of `regexp_matches`.
fn all_matches(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let mut patterns = Patterns::new(a, 2)?;
    let mut matches = ListBuilder::new(ListBuilder::new(StringBuilder::new()));
    for row in 0..a.rows {
        if let (Some(text), Some(_)) = (texts.get(row), patterns.patterns.get(row)) {
            let compiled = patterns.at(row)?;
            let most = if compiled.global { usize::MAX } else { 1 };
            for found in compiled.regex.captures_iter(text).take(most) {
                append_groups(&compiled.regex, &found, matches.values().values());
                matches.values().append(true);
            }
        }
        matches.append(true);
    }
    Ok(std::sync::Arc::new(matches.finish()))
}

fn split(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let mut patterns = Patterns::new(a, 2)?;
    a.make_text_arrays(|row, parts| {
        let text = texts.at(row);
        let regex = &patterns.single(row, "regexp_split_to_array")?.regex;
        let mut copied = 0;
        for found in regex.find_iter(text) {
            // An empty match at an end, or right behind another, splits nothing.
            if found.is_empty() && (found.start() == copied || found.start() == text.len()) {
                continue;
            }
            parts.append_value(text.get(copied..found.start()).unwrap_or_default());
            copied = found.end();
        }
        parts.append_value(text.get(copied..).unwrap_or_default());
        Ok(true)
    })
}

fn count(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let starts = a.optional::<Int32Type>(2)?;
    let mut patterns = Patterns::new(a, 3)?;
    a.make::<Int32Type>(|row| {
        let text = texts.at(row);
        let from = start(&starts, row, text)?;
        let regex = &patterns.single(row, "regexp_count")?.regex;
        let found = regex.find_iter(text).filter(|found| found.start() >= from).count();
        Ok(i32::try_from(found).ok())
    })
}

fn substr(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let (starts, numbers) = (a.optional::<Int32Type>(2)?, a.optional::<Int32Type>(3)?);
    let groups = a.optional::<Int32Type>(5)?;
    let mut patterns = Patterns::new(a, 4)?;
    a.make_texts(|row, out| {
        let text = texts.at(row);
        let from = start(&starts, row, text)?;
        let number = at_least(&numbers, row, "n", 1, 1)?;
        let group = at_least(&groups, row, "subexpr", 0, 0)?;
        let regex = &patterns.single(row, "regexp_substr")?.regex;
        let mut found = regex.captures_iter(text).filter(|found| starts_at(found) >= from);
        let part = found.nth(number - 1).and_then(|found| found.get(group));
        if let Some(part) = &part {
            out.push_str(part.as_str());
        }
        Ok(part.is_some())
    })
}

fn instr(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let (starts, numbers) = (a.optional::<Int32Type>(2)?, a.optional::<Int32Type>(3)?);
    let (ends, groups) = (a.optional::<Int32Type>(4)?, a.optional::<Int32Type>(6)?);
    let mut patterns = Patterns::new(a, 5)?;
    a.make::<Int32Type>(|row| {
        let text = texts.at(row);
        let from = start(&starts, row, text)?;
        let number = at_least(&numbers, row, "n", 1, 1)?;
        let at_end = at_least(&ends, row, "endoption", 0, 0)? == 1;
        let group = at_least(&groups, row, "subexpr", 0, 0)?;
        let regex = &patterns.single(row, "regexp_instr")?.regex;
        let mut found = regex.captures_iter(text).filter(|found| starts_at(found) >= from);
        let part = found.nth(number - 1).and_then(|found| found.get(group));
        let place = part.map_or(0, |part| {
            let byte = if at_end { part.end() } else { part.start() };
            text.get(..byte).map_or(0, |before| before.chars().count()) + 1
        });
        Ok(i32::try_from(place).ok())
    })
}
