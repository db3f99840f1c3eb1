//! The token stream of each statement in a text, in one spelling: every form of string literal, number,
//! `TABLE t` and time travel becomes the plain form that the grammar reads. Spans stay those of the text.

use std::mem;

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan, Tokenizer, TokenizerError, Word};

use super::dialect::LakegateDialect;
use super::source::Source;
use crate::base::name::IDENTIFIER_BYTES_MAX;
use crate::base::{Error, ErrorKind, Result};

/// Parameters of one statement, as the protocol counts them.
const PARAMETERS_MAX: usize = 65_535;

/// The tokens of each statement that is not empty.
pub fn statements(source: &Source<'_>) -> Result<Vec<Vec<TokenWithSpan>>> {
    let dialect = LakegateDialect::for_tokens(0);
    let tokens = Tokenizer::new(&dialect, source.text())
        .with_unescape(true)
        .tokenize_with_location()
        .map_err(|error| lexical_error(source, &error))?;
    let mut statements = Vec::new();
    let mut current = Vec::new();
    for token in tokens {
        match token.token {
            Token::SemiColon => end_statement(&mut statements, &mut current),
            Token::Whitespace(_) | Token::EOF => {}
            _ => push(source, &mut current, token)?,
        }
    }
    end_statement(&mut statements, &mut current);
    Ok(statements)
}

fn end_statement(statements: &mut Vec<Vec<TokenWithSpan>>, current: &mut Vec<TokenWithSpan>) {
    if !current.is_empty() {
        statements.push(plain_clauses(mem::take(current)));
    }
}

/// Appends one token in its plain form.
fn push(
    source: &Source<'_>,
    current: &mut Vec<TokenWithSpan>,
    mut next: TokenWithSpan,
) -> Result<()> {
    let span = next.span;
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
        Token::DollarQuotedString(ref mut quoted) => {
            next.token = Token::SingleQuotedString(mem::take(&mut quoted.value));
        }
        _ => {}
    }
    current.push(next);
    Ok(())
}

/// Cuts an over-long name as PostgreSQL does, so that every later reader sees one name.
fn cut_identifier(word: &mut Word) {
    if word.value.len() > IDENTIFIER_BYTES_MAX {
        let end = word.value.floor_char_boundary(IDENTIFIER_BYTES_MAX);
        word.value.truncate(end);
        word.keyword = Keyword::NoKeyword;
    }
}

/// `TABLE t` becomes `SELECT * FROM t`, and each spelling of time travel `VERSION AS OF n` or
/// `TIMESTAMP AS OF e`.
fn plain_clauses(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut plain: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let inserts = keyword(tokens.first()) == Keyword::INSERT;
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let before = keyword(plain.last());
        match keyword(Some(&token)) {
            Keyword::TABLE if is_table_query(&plain, inserts) && is_name(rest.peek()) => {
                for word in ["SELECT", "*", "FROM"] {
                    let plain_token =
                        if word == "*" { Token::Mul } else { Token::make_word(word, None) };
                    plain.push(TokenWithSpan { token: plain_token, span: token.span });
                }
            }
            Keyword::OF if before == Keyword::AS => {
                plain_as_of(&mut plain);
                plain.push(token);
                number_after_of(&mut plain, &mut rest);
            }
            _ if token.token == Token::AtSign => match at_version(&plain, &token, rest.peek()) {
                Some(clause) => {
                    rest.next();
                    plain.extend(clause);
                }
                None => plain.push(token),
            },
            _ => plain.push(token),
        }
    }
    plain
}

fn keyword(token: Option<&TokenWithSpan>) -> Keyword {
    match token {
        Some(TokenWithSpan { token: Token::Word(word), .. }) => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

fn is_name(token: Option<&TokenWithSpan>) -> bool {
    matches!(token, Some(TokenWithSpan { token: Token::Word(_), .. }))
}

/// Whether TABLE after `before` begins a query.
fn is_table_query(before: &[TokenWithSpan], inserts: bool) -> bool {
    let Some(last) = before.last() else { return true };
    match &last.token {
        Token::LParen => true,
        Token::RParen => inserts || keyword(before.first()) == Keyword::WITH,
        _ => match keyword(Some(last)) {
            Keyword::UNION
            | Keyword::INTERSECT
            | Keyword::EXCEPT
            | Keyword::ALL
            | Keyword::DISTINCT
            | Keyword::AS
            | Keyword::EXPLAIN
            | Keyword::ANALYZE
            | Keyword::VERBOSE => true,
            Keyword::INTO | Keyword::OVERWRITE => false,
            _ => inserts,
        },
    }
}

/// With `… FOR SYSTEM_VERSION AS` at the end: takes FOR away and names the clause in the plain way.
fn plain_as_of(plain: &mut Vec<TokenWithSpan>) {
    let Some(kind) = plain.len().checked_sub(2) else { return };
    let word = match plain.get(kind).map(|token| &token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
        _ => return,
    };
    let name = match word.as_str() {
        "VERSION" | "SYSTEM_VERSION" => "VERSION",
        "TIMESTAMP" | "SYSTEM_TIME" => "TIMESTAMP",
        _ => return,
    };
    if let Some(token) = plain.get_mut(kind) {
        token.token = Token::make_word(name, None);
    }
    if let Some(before) = kind.checked_sub(1)
        && keyword(plain.get(before)) == Keyword::FOR
    {
        plain.remove(before);
    }
}

/// `VERSION AS OF '3'` is Databricks' second spelling of `VERSION AS OF 3`.
fn number_after_of(
    plain: &mut Vec<TokenWithSpan>,
    rest: &mut std::iter::Peekable<std::vec::IntoIter<TokenWithSpan>>,
) {
    let version = plain.len().checked_sub(3).and_then(|at| plain.get(at));
    if keyword(version) != Keyword::VERSION {
        return;
    }
    let digits = rest.next_if(|next| {
        matches!(&next.token, Token::SingleQuotedString(text)
            if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
    });
    if let Some(TokenWithSpan { token: Token::SingleQuotedString(text), span }) = digits {
        plain.push(TokenWithSpan { token: Token::Number(text, false), span });
    }
}

/// The plain clause for `t@v12` and `t@20260131000000000`, where the three stand without a space.
fn at_version(
    before: &[TokenWithSpan],
    at: &TokenWithSpan,
    after: Option<&TokenWithSpan>,
) -> Option<Vec<TokenWithSpan>> {
    let (name, after) = (before.last()?, after?);
    let joined = name.span.end == at.span.start && at.span.end == after.span.start;
    if !joined || !is_name(Some(name)) {
        return None;
    }
    let (kind, value) = match &after.token {
        Token::Word(word) if word.quote_style.is_none() => {
            let digits = word.value.strip_prefix(['v', 'V'])?;
            let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            number.then(|| ("VERSION", Token::Number(digits.to_owned(), false)))?
        }
        Token::Number(digits, false) => {
            ("TIMESTAMP", Token::SingleQuotedString(timestamp_of_digits(digits)?))
        }
        _ => return None,
    };
    let words = [kind, "AS", "OF"].map(|word| Token::make_word(word, None));
    let clause = words.into_iter().chain([value]);
    Some(clause.map(|token| TokenWithSpan { token, span: after.span }).collect())
}

/// `yyyyMMddHHmmssSSS`, as Databricks writes it, as a timestamp literal.
fn timestamp_of_digits(digits: &str) -> Option<String> {
    if digits.len() != 17 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to);
    Some(format!(
        "{}-{}-{} {}:{}:{}.{}",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
        part(14, 17)?,
    ))
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
