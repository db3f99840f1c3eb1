//! LISTEN, UNLISTEN and NOTIFY.

use sqlparser::tokenizer::Token;

use crate::base::Result;
use crate::sql::cursor::Cursor;
use crate::sql::statement::{SessionStatement, Statement};

pub fn notify(c: &mut Cursor<'_>) -> Result<Statement> {
    let word = c.word();
    c.advance();
    let statement = match word.as_str() {
        "listen" => SessionStatement::Listen(c.identifier()?),
        "unlisten" if c.take_token(&Token::Mul) => SessionStatement::Unlisten(None),
        "unlisten" => SessionStatement::Unlisten(Some(c.identifier()?)),
        _ => {
            let channel = c.identifier()?;
            let payload = match c.take_token(&Token::Comma) {
                true => c.string()?,
                false => String::new(),
            };
            SessionStatement::Notify { channel, payload }
        }
    };
    Ok(Statement::Session(statement))
}
