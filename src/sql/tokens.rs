//! The token stream of each statement in a text, in one spelling: every form of string literal and number
//! becomes the plain form that the grammar reads. Spans stay those of the text.

use std::mem;

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, TokenizerError, Word};

use super::clauses;
use super::dialect::LakegateDialect;
use super::source::Source;
use crate::base::name::IDENTIFIER_BYTES_MAX;
use crate::base::{Error, ErrorKind, Result};

/// Parameters of one statement, as the protocol counts them.
const PARAMETERS_MAX: usize = 65_535;

/// The tokens of one statement.
pub struct StatementTokens {
    /// At least one.
    pub tokens: Vec<TokenWithSpan>,
    /// Where the semicolon after it stands.
    pub semicolon: Option<Span>,
}

/// The tokens of each statement that is not empty.
pub fn statements(source: &Source<'_>) -> Result<Vec<StatementTokens>> {
    let dialect = LakegateDialect::for_tokens(&[]);
    let tokens = Tokenizer::new(&dialect, source.text())
        .with_unescape(true)
        .tokenize_with_location()
        .map_err(|error| lexical_error(source, &error))?;
    let mut statements = Vec::new();
    let mut current = Vec::new();
    for token in tokens {
        match token.token {
            Token::SemiColon => {
                end_statement(&mut statements, &mut current, Some(token.span));
            }
            Token::Whitespace(_) | Token::EOF => {}
            _ => push(source, &mut current, token)?,
        }
    }
    end_statement(&mut statements, &mut current, None);
    Ok(statements)
}

fn end_statement(
    statements: &mut Vec<StatementTokens>,
    current: &mut Vec<TokenWithSpan>,
    semicolon: Option<Span>,
) {
    if !current.is_empty() {
        let tokens = clauses::plain(mem::take(current));
        statements.push(StatementTokens { tokens, semicolon });
    }
}

/// Appends one token in its plain form.
fn push(
    source: &Source<'_>,
    current: &mut Vec<TokenWithSpan>,
    mut next: TokenWithSpan,
) -> Result<()> {
    let span = next.span;
    if let Token::Word(word) = &mut next.token
        && word.quote_style == Some('"')
        && take_unicode_prefix(current, span)
    {
        let name = unicode_name(&word.value);
        let name = name.ok_or_else(|| syntax("invalid Unicode escape"));
        word.value = name.map_err(|error| error.at_if(source.position(span)))?;
    }
    refuse_exclusion(source, current, &next)?;
    let previous = current.last_mut();
    match next.token {
        Token::Word(ref mut word) => {
            cut_identifier(word);
            if word.value.is_empty() {
                let message = "zero-length delimited identifier at or near \"\"\"\"";
                return Err(syntax(message).at_if(source.position(span)));
            }
            if let Some(TokenWithSpan { token: Token::Number(number, _), span: before }) = previous
                && before.end == span.start
                && word.quote_style.is_none()
            {
                let message = format!(
                    "trailing junk after numeric literal at or near \"{number}{}\"",
                    word.value
                );
                return Err(syntax(message).at_if(source.position(*before)));
            }
        }
        Token::Number(ref mut digits, _) => digits.retain(|c| c != '_'),
        Token::HexStringLiteral(ref digits) if source.starts_with_digit(span) => {
            let plain = digits.replace('_', "");
            let Ok(value) = u64::from_str_radix(&plain, 16) else {
                let message = format!("invalid hexadecimal integer at or near \"0x{digits}\"");
                return Err(syntax(message).at_if(source.position(span)));
            };
            next.token = Token::Number(value.to_string(), false);
        }
        Token::SingleQuotedString(ref mut text) => {
            // SQL joins literals that stand on different lines.
            if let Some(TokenWithSpan { token: Token::SingleQuotedString(first), span: before }) =
                previous
                && before.end.line < span.start.line
            {
                first.push_str(text);
                before.end = span.end;
                return Ok(());
            }
        }
        Token::EscapedStringLiteral(ref mut text)
        | Token::UnicodeStringLiteral(ref mut text)
        | Token::NationalStringLiteral(ref mut text) => {
            next.token = Token::SingleQuotedString(mem::take(text));
        }
        // No parameter: PostgreSQL's are numbered.
        Token::Placeholder(ref name) if name == "?" => next.token = Token::Question,
        Token::Pipe | Token::Ampersand => {
            if let Some(before) = previous
                && before.token == Token::Question
                && before.span.end == span.start
            {
                let is_any = next.token == Token::Pipe;
                before.token = if is_any { Token::QuestionPipe } else { Token::QuestionAnd };
                before.span.end = span.end;
                return Ok(());
            }
        }
        Token::SingleQuotedByteStringLiteral(_) | Token::HexStringLiteral(_) => {
            return Err(Error::unsupported("a bit string").at_if(source.position(span)));
        }
        Token::DollarQuotedString(ref mut quoted) => {
            next.token = Token::SingleQuotedString(mem::take(&mut quoted.value));
        }
        _ => {}
    }
    current.push(next);
    Ok(())
}

/// `EXCLUDE CURRENT ROW`, `EXCLUDE GROUP` and `EXCLUDE TIES` behind the frame of a window. `EXCLUDE NO OTHERS` is what a
/// frame is without.
fn refuse_exclusion(
    source: &Source<'_>,
    before: &[TokenWithSpan],
    next: &TokenWithSpan,
) -> Result<()> {
    let word = |token: &TokenWithSpan| match &token.token {
        Token::Word(word) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    };
    let [.., frame, exclude] = before else { return Ok(()) };
    let is_exclusion = word(exclude) == Keyword::EXCLUDE
        && matches!(word(frame), Keyword::ROW | Keyword::PRECEDING | Keyword::FOLLOWING)
        && matches!(word(next), Keyword::CURRENT | Keyword::GROUP | Keyword::TIES);
    match is_exclusion {
        true => Err(Error::unsupported("EXCLUDE in the frame of a window")
            .at_if(source.position(exclude.span))),
        false => Ok(()),
    }
}

/// Takes `U&` away, where it stands right before a quoted name.
fn take_unicode_prefix(current: &mut Vec<TokenWithSpan>, name: Span) -> bool {
    let [.., letter, ampersand] = current.as_slice() else { return false };
    let is_letter = matches!(&letter.token, Token::Word(word)
        if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("u"));
    let is_prefix = is_letter
        && ampersand.token == Token::Ampersand
        && letter.span.end == ampersand.span.start
        && ampersand.span.end == name.start;
    if is_prefix {
        current.truncate(current.len() - 2);
    }
    is_prefix
}

/// The name with its escapes read: `\0061`, `\+000061` and `\\`. `None` for one that is none.
fn unicode_name(escaped: &str) -> Option<String> {
    let mut name = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((before, escape)) = rest.split_once('\\') {
        name.push_str(before);
        if let Some(after) = escape.strip_prefix('\\') {
            name.push('\\');
            rest = after;
            continue;
        }
        let (digits, length) = match escape.strip_prefix('+') {
            Some(digits) => (digits, 6),
            None => (escape, 4),
        };
        let code = digits.get(..length)?;
        name.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        rest = digits.get(length..)?;
    }
    name.push_str(rest);
    Some(name)
}

/// Cuts an over-long name as PostgreSQL does, so that every later reader sees one name.
fn cut_identifier(word: &mut Word) {
    if word.value.len() > IDENTIFIER_BYTES_MAX {
        let end = word.value.floor_char_boundary(IDENTIFIER_BYTES_MAX);
        word.value.truncate(end);
        word.keyword = Keyword::NoKeyword;
    }
}

/// The highest parameter number; refuses placeholders that PostgreSQL does not have.
pub fn highest_parameter(source: &Source<'_>, tokens: &[TokenWithSpan]) -> Result<usize> {
    let mut highest = 0;
    for TokenWithSpan { token, span } in tokens {
        let Token::Placeholder(name) = token else { continue };
        let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
        match number {
            Some(number @ 1..=PARAMETERS_MAX) => highest = highest.max(number),
            Some(number) => {
                let message = format!("there is no parameter ${number}");
                return Err(Error::new(ErrorKind::UndefinedParameter, message)
                    .at_if(source.position(*span)));
            }
            None => return Err(near(source, *span)),
        }
    }
    Ok(highest)
}

/// The syntax error that points at a span, worded as PostgreSQL does.
pub fn near(source: &Source<'_>, span: Span) -> Error {
    /// Longer words are cut in the message.
    const SHOWN_MAX: usize = 100;
    let (from, to) = (source.offset(span.start), source.offset(span.end));
    let shown = source.slice(from, to.min(from.saturating_add(SHOWN_MAX)));
    syntax(format!("syntax error at or near \"{shown}\"")).at_if(source.position(span))
}

/// sqlparser ends its messages with ` at Line: 1, Column: 8`.
pub fn location_in(message: &str) -> Option<Location> {
    let (_, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    let digits = column.find(|c: char| !c.is_ascii_digit()).unwrap_or(column.len());
    Some(Location::new(line.parse().ok()?, column.get(..digits)?.parse().ok()?))
}

fn syntax(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::SyntaxError, message)
}

fn lexical_error(source: &Source<'_>, error: &TokenizerError) -> Error {
    let offset = source.offset(error.location);
    let rest: String = source.slice(offset, offset.saturating_add(100)).to_owned();
    let message = if error.message.contains("multi-line comment") {
        "unterminated /* comment".to_owned()
    } else if error.message.contains("dollar-quoted") {
        "unterminated dollar-quoted string".to_owned()
    } else if error.message.contains("close delimiter") {
        format!("unterminated quoted identifier at or near \"{rest}\"")
    } else if error.message.contains("Unterminated") {
        format!("unterminated quoted string at or near \"{rest}\"")
    } else {
        format!("syntax error at or near \"{rest}\"")
    };
    syntax(message).at(offset + 1)
}
