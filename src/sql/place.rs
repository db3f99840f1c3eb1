//! Where in a text stands what an error speaks of, when the error itself has lost the place: a constant by
//! its value, a call by the function's name. It guesses nothing: what is not found has no place.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::cursor::fold;
use super::source::Source;
use super::tokens;

/// The 1-based character where the string constant `value` stands, if it stands where it is read as a value of a
/// type that is not text: before a cast, after a type or an operator, among the arguments of a call, in an INSERT.
pub fn of_constant(text: &str, value: &str) -> Option<usize> {
    first(text, |tokens, index| {
        let is_it = |token: &TokenWithSpan| matches!(&token.token, Token::SingleQuotedString(found) if found == value);
        tokens.get(index).is_some_and(is_it) && is_read(tokens, index)
    })
}

/// The 1-based character of the first constant that is read as `json` or `jsonb`.
pub fn of_document(text: &str) -> Option<usize> {
    let names_it = |token: Option<&TokenWithSpan>| {
        matches!(token.map(|token| &token.token), Some(Token::Word(word))
            if word.value.eq_ignore_ascii_case("json") || word.value.eq_ignore_ascii_case("jsonb"))
    };
    first(text, |tokens, index| {
        let is_string = matches!(
            tokens.get(index).map(|token| &token.token),
            Some(Token::SingleQuotedString(_))
        );
        let before = index.checked_sub(1).and_then(|before| tokens.get(before));
        is_string && (names_it(before) || names_it(tokens.get(index + 2)))
    })
}

/// The 1-based character of the first call of a function, by the last part of its name.
pub fn of_call(text: &str, name: &str) -> Option<usize> {
    first(text, |tokens, index| {
        let Some(Token::Word(word)) = tokens.get(index).map(|token| &token.token) else {
            return false;
        };
        fold(&word.value, word.quote_style) == name
            && tokens.get(index + 1).is_some_and(|next| next.token == Token::LParen)
    })
}

fn first(text: &str, is_it: impl Fn(&[TokenWithSpan], usize) -> bool) -> Option<usize> {
    let source = Source::new(text);
    let statements = tokens::statements(&source).ok()?;
    statements.iter().find_map(|statement| {
        let tokens = statement.tokens.as_slice();
        let index = (0..tokens.len()).find(|&index| is_it(tokens, index))?;
        source.position(tokens.get(index)?.span)
    })
}

/// Whether the constant is read when the statement is planned. One that is a value of VALUES or of a select list
/// is text there, and is read with the rows, which have no place.
fn is_read(tokens: &[TokenWithSpan], index: usize) -> bool {
    let keyword = |token: &TokenWithSpan| match &token.token {
        Token::Word(word) => Some(word.keyword),
        _ => None,
    };
    let inserts = tokens.first().and_then(keyword) == Some(Keyword::INSERT);
    if inserts || tokens.get(index + 1).is_some_and(|next| next.token == Token::DoubleColon) {
        return true;
    }
    let has_values = || tokens.iter().any(|token| keyword(token) == Some(Keyword::VALUES));
    let Some(before) = index.checked_sub(1).and_then(|before| tokens.get(before)) else {
        return false;
    };
    match &before.token {
        Token::Word(word) => word.keyword != Keyword::SELECT,
        Token::LParen | Token::Comma => !has_values(),
        _ => true,
    }
}
