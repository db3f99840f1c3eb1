//! Regular expressions: the functions that use them. What their patterns mean, `pattern` knows.
//! <https://www.postgresql.org/docs/16/functions-matching.html>

use datafusion::arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Int32Type};

use crate::base::datatype::BaseType;
use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, Texts, Values};
use super::pattern::{Compiled, Found, Purpose, Regex, compile, compile_similar};

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

/// The patterns of a call, each compiled once while it does not change.
struct Patterns<'a> {
    patterns: Texts<'a>,
    flags: Option<Texts<'a>>,
    last: Option<(&'a str, &'a str, Compiled)>,
    translate: fn(&str, &str, Purpose) -> Result<Compiled>,
    purpose: Purpose,
}

impl<'a> Patterns<'a> {
    fn new(a: &'a Arguments<'_>, flags: usize) -> Result<Patterns<'a>> {
        let (patterns, flags) = (a.texts(1)?, a.optional_texts(flags)?);
        Ok(Patterns { patterns, flags, last: None, translate: compile, purpose: Purpose::Find })
    }

    fn at(&mut self, row: usize) -> Result<&Compiled> {
        let pattern = self.patterns.at(row);
        let flags = self.flags.as_ref().map_or("", |flags| flags.at(row));
        let compiled = match self.last.take() {
            Some((known, known_flags, compiled)) if known == pattern && known_flags == flags => {
                compiled
            }
            _ => (self.translate)(pattern, flags, self.purpose)?,
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

fn is_match(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let mut patterns = Patterns { purpose: Purpose::Test, ..Patterns::new(a, 2)? };
    a.make_flags(|row| {
        let compiled = patterns.single(row, "regexp_like")?;
        compiled.regex.is_match(texts.at(row)).map(Some)
    })
}

/// A pattern of SIMILAR TO covers the whole text.
fn similar_to(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let mut patterns =
        Patterns { translate: compile_similar, purpose: Purpose::Test, ..Patterns::new(a, 2)? };
    a.make_flags(|row| patterns.at(row)?.regex.is_match(texts.at(row)).map(Some))
}

/// `substring(text from pattern)`: the first group of the first match, or all of it.
pub fn substring(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let mut patterns = Patterns::new(a, 2)?;
    a.make_texts(|row, out| {
        let regex = &patterns.at(row)?.regex;
        let Some(found) = regex.first(texts.at(row))? else { return Ok(false) };
        let group = usize::from(regex.captures_len() > 1);
        match found.get(group) {
            Some(part) => {
                out.push_str(part.text);
                Ok(true)
            }
            None => Ok(false),
        }
    })
}

/// Writes a replacement: `\1` to `\9` are groups, `\&` is the match.
fn expand(found: &Found<'_>, replacement: &str, out: &mut String) {
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
                out.push_str(found.get(group).map_or("", |part| part.text));
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
) -> Result<()> {
    let (mut copied, mut number) = (0, 0);
    for found in regex.all(text) {
        let found = found?;
        let Some(whole) = found.get(0).filter(|whole| whole.start >= from) else { continue };
        number += 1;
        if wanted == 0 || number == wanted {
            out.push_str(text.get(copied..whole.start).unwrap_or_default());
            expand(&found, replacement, out);
            copied = whole.end;
        }
        if wanted != 0 && number >= wanted {
            break;
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Ok(())
}

/// The match of this number, counted from 1, among those that start at a byte or behind it.
fn numbered<'t>(
    regex: &Regex,
    text: &'t str,
    from: usize,
    number: usize,
) -> Result<Option<Found<'t>>> {
    let mut left = number;
    for found in regex.all(text) {
        let found = found?;
        if found.get(0).is_some_and(|whole| whole.start >= from) {
            left -= 1;
            if left == 0 {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

fn replace(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (texts, replacements) = (a.texts(0)?, a.texts(2)?);
    let mut patterns = Patterns::new(a, 3)?;
    a.make_texts(|row, out| {
        let compiled = patterns.at(row)?;
        let wanted = usize::from(!compiled.global);
        replaced(&compiled.regex, texts.at(row), 0, replacements.at(row), wanted, out)?;
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
        replaced(&compiled.regex, texts.at(row), from, replacements.at(row), wanted, out)?;
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

fn append_groups(regex: &Regex, found: &Found<'_>, groups: &mut StringBuilder) {
    let first = usize::from(regex.captures_len() > 1);
    for group in first..regex.captures_len() {
        groups.append_option(found.get(group).map(|part| part.text));
    }
}

fn first_match(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    let mut patterns = Patterns::new(a, 2)?;
    a.make_text_arrays(|row, groups| {
        let regex = &patterns.single(row, "regexp_match")?.regex;
        let Some(found) = regex.first(texts.at(row))? else { return Ok(false) };
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
            for found in compiled.regex.all(text).take(most) {
                append_groups(&compiled.regex, &found?, matches.values().values());
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
        for found in regex.all(text) {
            let Some(found) = found?.get(0) else { continue };
            // An empty match at an end, or right behind another, splits nothing.
            let is_at_end = found.start == copied || found.start == text.len();
            if found.text.is_empty() && is_at_end {
                continue;
            }
            parts.append_value(text.get(copied..found.start).unwrap_or_default());
            copied = found.end;
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
        let mut count = 0;
        for found in regex.all(text) {
            count += i32::from(found?.get(0).is_some_and(|whole| whole.start >= from));
        }
        Ok(Some(count))
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
        let part = numbered(regex, text, from, number)?.and_then(|found| found.get(group));
        if let Some(part) = &part {
            out.push_str(part.text);
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
        let part = numbered(regex, text, from, number)?.and_then(|found| found.get(group));
        let place = part.map_or(0, |part| {
            let byte = if at_end { part.end } else { part.start };
            text.get(..byte).map_or(0, |before| before.chars().count()) + 1
        });
        Ok(i32::try_from(place).ok())
    })
}
