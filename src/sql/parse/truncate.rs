//! TRUNCATE, of one table or several. It knows no table.

use sqlparser::tokenizer::Token;

use crate::base::Result;
use crate::sql::cursor::Cursor;
use crate::sql::statement::{Referring, Statement, Truncate};

/// `TRUNCATE [TABLE] [ONLY] name [*], … [RESTART | CONTINUE IDENTITY] [CASCADE | RESTRICT]`
pub fn truncate(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("truncate")?;
    c.take("table");
    let tables = c.list(|c| {
        c.take("only");
        let name = c.object_name()?;
        c.take_token(&Token::Mul);
        Ok(name)
    })?;
    let restart_identity = c.take_all(&["restart", "identity"]);
    if !restart_identity {
        c.take_all(&["continue", "identity"]);
    }
    let referring = match c.take_any(&["cascade", "restrict"]) {
        Some("cascade") => Some(Referring::Cascade),
        Some(_) => Some(Referring::Restrict),
        None => None,
    };
    Ok(Statement::Truncate(Truncate { tables, restart_identity, referring }))
}
