//! BEGIN, COMMIT, ROLLBACK, savepoints and the modes of transactions, in all of PostgreSQL's spellings.

use sqlparser::tokenizer::Token;

use crate::base::Result;
use crate::sql::cursor::Cursor;
use crate::sql::statement::{IsolationLevel, SessionStatement, Statement, TransactionModes};

pub fn transaction(c: &mut Cursor<'_>) -> Result<Statement> {
    let word = c.word();
    c.advance();
    let statement = match word.as_str() {
        "begin" => {
            c.take_any(&["work", "transaction"]);
            SessionStatement::Begin(modes(c)?)
        }
        "start" => {
            c.expect("transaction")?;
            SessionStatement::StartTransaction(modes(c)?)
        }
        "savepoint" => SessionStatement::Savepoint(c.identifier()?),
        "release" => {
            c.take("savepoint");
            SessionStatement::Release(c.identifier()?)
        }
        "commit" | "end" => {
            if c.is("prepared") {
                return Err(c.unsupported("COMMIT PREPARED"));
            }
            SessionStatement::Commit { and_chain: chain(c)? }
        }
        _ => {
            if c.is("prepared") {
                return Err(c.unsupported("ROLLBACK PREPARED"));
            }
            let and_chain = chain(c)?;
            if !and_chain && c.take("to") {
                c.take("savepoint");
                SessionStatement::RollbackTo(c.identifier()?)
            } else {
                SessionStatement::Rollback { and_chain }
            }
        }
    };
    Ok(Statement::Session(statement))
}

/// `[WORK | TRANSACTION] [AND [NO] CHAIN]`
fn chain(c: &mut Cursor<'_>) -> Result<bool> {
    c.take_any(&["work", "transaction"]);
    if !c.take("and") {
        return Ok(false);
    }
    let chain = !c.take("no");
    c.expect("chain")?;
    Ok(chain)
}

pub fn set_transaction(c: &mut Cursor<'_>, for_session: bool) -> Result<Statement> {
    if c.at_end() {
        return Err(c.syntax_error());
    }
    let modes = modes(c)?;
    Ok(Statement::Session(SessionStatement::SetTransaction { modes, for_session }))
}

/// The modes, between which commas may be left out.
fn modes(c: &mut Cursor<'_>) -> Result<TransactionModes> {
    let mut modes = TransactionModes::default();
    let mut comma = false;
    while comma || !c.at_end() {
        if c.take_all(&["isolation", "level"]) {
            modes.isolation = Some(isolation(c)?);
        } else if c.take_all(&["read", "only"]) {
            modes.read_only = Some(true);
        } else if c.take_all(&["read", "write"]) {
            modes.read_only = Some(false);
        } else if c.take("deferrable") {
            modes.deferrable = Some(true);
        } else if c.take_all(&["not", "deferrable"]) {
            modes.deferrable = Some(false);
        } else {
            return Err(c.syntax_error());
        }
        comma = c.take_token(&Token::Comma);
    }
    Ok(modes)
}

fn isolation(c: &mut Cursor<'_>) -> Result<IsolationLevel> {
    let levels: &[(&[&str], IsolationLevel)] = &[
        (&["read", "uncommitted"], IsolationLevel::ReadUncommitted),
        (&["read", "committed"], IsolationLevel::ReadCommitted),
        (&["repeatable", "read"], IsolationLevel::RepeatableRead),
        (&["serializable"], IsolationLevel::Serializable),
    ];
    match levels.iter().find(|(words, _)| c.take_all(words)) {
        Some((_, level)) => Ok(*level),
        None => Err(c.syntax_error()),
    }
}
