//! DECLARE, FETCH, MOVE and CLOSE, in all of PostgreSQL's spellings.

use sqlparser::tokenizer::Token;

use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::statement::{
    CursorOptions, DeclareCursor, Fetch, Motion, SessionStatement, Statement,
};

pub fn declare(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("declare")?;
    let name = c.identifier()?;
    let mut options = options(c)?;
    c.expect("cursor")?;
    if c.take_all(&["with", "hold"]) {
        options.hold = true;
    } else {
        c.take_all(&["without", "hold"]);
    }
    c.expect("for")?;
    let query = c.query()?;
    let declare = DeclareCursor { name, options, query };
    Ok(Statement::Session(SessionStatement::DeclareCursor(declare)))
}

/// What stands between the name and CURSOR. Every cursor is insensitive: it reads a snapshot.
fn options(c: &mut Cursor<'_>) -> Result<CursorOptions> {
    let mut options = CursorOptions::default();
    let (mut no_scroll, mut insensitive, mut asensitive) = (false, false, false);
    loop {
        if c.take_all(&["no", "scroll"]) {
            no_scroll = true;
        } else {
            match c.take_any(&["scroll", "binary", "insensitive", "asensitive"]) {
                Some("scroll") => options.scroll = true,
                Some("binary") => options.binary = true,
                Some("insensitive") => insensitive = true,
                Some(_) => asensitive = true,
                None => break,
            }
        }
    }
    let exclusive = [
        (options.scroll && no_scroll, "SCROLL and NO SCROLL"),
        (insensitive && asensitive, "ASENSITIVE and INSENSITIVE"),
    ];
    match exclusive.into_iter().find(|(both, _)| *both) {
        Some((_, pair)) => Err(Error::new(
            ErrorKind::InvalidCursorDefinition,
            format!("cannot specify both {pair}"),
        )),
        None => Ok(options),
    }
}

pub fn fetch(c: &mut Cursor<'_>) -> Result<Statement> {
    let is_move = c.is("move");
    c.advance();
    let motion = motion(c)?;
    c.take_any(&["from", "in"]);
    let cursor = c.identifier()?;
    Ok(Statement::Session(SessionStatement::Fetch(Fetch { cursor, motion, is_move })))
}

fn motion(c: &mut Cursor<'_>) -> Result<Motion> {
    let one = Some(1);
    if let Some(count) = signed(c)? {
        return Ok(forward(count));
    }
    // Every one of these words is also the name that a cursor may have.
    let is_name = matches!(c.peek_nth(1), Token::EOF);
    if is_name || !c.is_any(WORDS) {
        return Ok(Motion::Forward(one));
    }
    let word = c.word();
    c.advance();
    Ok(match word.as_str() {
        "next" => Motion::Forward(one),
        "prior" => Motion::Backward(one),
        "first" => Motion::Absolute(1),
        "last" => Motion::Absolute(-1),
        "absolute" => Motion::Absolute(expect_signed(c)?),
        "relative" => Motion::Relative(expect_signed(c)?),
        "all" => Motion::Forward(None),
        "forward" => match counted(c)? {
            Some(count) => count.map_or(Motion::Forward(None), forward),
            None => Motion::Forward(one),
        },
        _ => match counted(c)? {
            Some(count) => count.map_or(Motion::Backward(None), backward),
            None => Motion::Backward(one),
        },
    })
}

const WORDS: &[&str] =
    &["next", "prior", "first", "last", "absolute", "relative", "all", "forward", "backward"];

/// A count of rows; a negative one goes the other way.
fn forward(count: i64) -> Motion {
    match count < 0 {
        true => Motion::Backward(Some(count.unsigned_abs())),
        false => Motion::Forward(Some(count.unsigned_abs())),
    }
}

fn backward(count: i64) -> Motion {
    match count < 0 {
        true => Motion::Forward(Some(count.unsigned_abs())),
        false => Motion::Backward(Some(count.unsigned_abs())),
    }
}

/// A count or ALL (`Some(None)`), where one stands.
fn counted(c: &mut Cursor<'_>) -> Result<Option<Option<i64>>> {
    if c.take("all") {
        return Ok(Some(None));
    }
    Ok(signed(c)?.map(Some))
}

fn expect_signed(c: &mut Cursor<'_>) -> Result<i64> {
    match signed(c)? {
        Some(number) => Ok(number),
        None => Err(c.syntax_error()),
    }
}

/// An `int4` with its sign, where one stands.
fn signed(c: &mut Cursor<'_>) -> Result<Option<i64>> {
    let negative = *c.peek() == Token::Minus;
    if !negative && !matches!(c.peek(), Token::Plus | Token::Number(..)) {
        return Ok(None);
    }
    if !matches!(c.peek(), Token::Number(..)) {
        c.advance();
    }
    let Token::Number(digits, _) = c.peek() else { return Err(c.syntax_error()) };
    let number = digits.parse::<i32>().map_err(|_| c.syntax_error())?;
    c.advance();
    Ok(Some(if negative { -i64::from(number) } else { i64::from(number) }))
}

pub fn close(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("close")?;
    let name = if c.take("all") { None } else { Some(c.identifier()?) };
    Ok(Statement::Session(SessionStatement::CloseCursor(name)))
}
