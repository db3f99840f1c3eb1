//! PREPARE, EXECUTE, DEALLOCATE and DISCARD.

use sqlparser::tokenizer::Token;

use crate::base::datatype::pg_type_of;
use crate::base::{Error, Oid, Result};
use crate::sql::cursor::Cursor;
use crate::sql::datatype::cast_type;
use crate::sql::statement::{Discard, Execute, Prepare, SessionStatement, Statement};

pub fn prepare(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("prepare")?;
    if c.is("transaction") && matches!(c.peek_nth(1), Token::SingleQuotedString(_)) {
        return Err(c.unsupported("PREPARE TRANSACTION"));
    }
    let name = c.identifier()?;
    let parameter_types = if *c.peek() == Token::LParen {
        c.parenthesized(|c| c.list(parameter_type))?
    } else {
        Vec::new()
    };
    c.expect("as")?;
    let position = c.position();
    let statement = super::statement(c)?;
    if !can_be_prepared(&statement) {
        return Err(Error::unsupported("PREPARE of this statement").at(position));
    }
    let prepare = Prepare { name, parameter_types, statement: Box::new(statement) };
    Ok(Statement::Session(SessionStatement::Prepare(prepare)))
}

fn parameter_type(c: &mut Cursor<'_>) -> Result<Oid> {
    let position = Some(c.position());
    if c.take("unknown") {
        return Ok(Oid::INVALID);
    }
    let data_type = c.data_type()?;
    let field = cast_type(&data_type).map_err(|error| error.at_if(position))?;
    let (pg_type, _) = pg_type_of(&field).map_err(|error| error.at_if(position))?;
    Ok(pg_type.oid())
}

fn can_be_prepared(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Merge(_)
            | Statement::With(_)
    )
}

pub fn execute(c: &mut Cursor<'_>) -> Result<Statement> {
    execution(c).map(SessionStatement::Execute).map(Statement::Session)
}

/// `EXECUTE name (value, …)`
pub fn execution(c: &mut Cursor<'_>) -> Result<Execute> {
    c.expect("execute")?;
    if c.is("immediate") && !matches!(c.peek_nth(1), Token::EOF | Token::LParen) {
        return Err(c.unsupported("EXECUTE IMMEDIATE"));
    }
    let name = c.identifier()?;
    let mut arguments = Vec::new();
    if *c.peek() == Token::LParen {
        arguments = c.parenthesized(|c| c.list(argument))?;
    }
    Ok(Execute { name, arguments })
}

fn argument(c: &mut Cursor<'_>) -> Result<sqlparser::ast::Expr> {
    let position = c.position();
    let expression = c.expression()?;
    if expression.relations.is_empty() {
        return Ok(expression.ast);
    }
    Err(Error::unsupported("a subquery in EXECUTE").at(position))
}

pub fn deallocate(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("deallocate")?;
    if matches!(c.peek_nth(1), Token::Word(_)) {
        c.take("prepare");
    }
    let name = if c.take("all") { None } else { Some(c.identifier()?) };
    Ok(Statement::Session(SessionStatement::Deallocate(name)))
}

pub fn discard(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("discard")?;
    let what = match c.word().as_str() {
        "all" => Discard::All,
        "plans" => Discard::Plans,
        "sequences" => Discard::Sequences,
        "temp" | "temporary" => Discard::Temporary,
        _ => return Err(c.syntax_error()),
    };
    c.advance();
    Ok(Statement::Session(SessionStatement::Discard(what)))
}
