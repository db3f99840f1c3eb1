//! The grammar: which statement begins with which word. Each family of statements has its own file; queries
//! and expressions are sqlparser's.

mod absent;
mod alter;
mod alter_table;
mod comment;
mod convert;
mod copy;
mod copy_into;
mod create;
mod cursor;
mod describe;
mod explain;
mod grant;
mod index;
mod insert;
mod key;
mod maintenance;
mod materialized;
mod merge;
mod notify;
mod prepare;
mod principal;
mod refused;
mod set;
mod setval;
mod show;
mod storage;
mod table;
mod transaction;
mod truncate;
mod update;
mod with;

use sqlparser::tokenizer::Token;

use super::cursor::Cursor;
use super::statement::{SessionStatement, Statement, Use};
use crate::base::Result;

pub use table::column;

/// One statement; the caller sees that nothing follows it.
pub fn statement(c: &mut Cursor<'_>) -> Result<Statement> {
    if *c.peek() == Token::LParen {
        return query(c);
    }
    let word = c.word();
    match word.as_str() {
        "select" | "values" | "table" => query(c),
        "with" => match with::kind(c) {
            with::WithKind::Query => query(c),
            with::WithKind::Insert => insert::insert(c),
            with::WithKind::Parts => with::with(c),
        },
        "explain" => explain::explain(c),
        "insert" => insert::insert(c),
        "update" => update::update(c),
        "delete" => update::delete(c),
        "merge" => merge::merge(c),
        "truncate" => truncate::truncate(c),
        "copy" => copy::copy(c),
        "convert" => convert::convert(c),
        "create" => create::create(c),
        "alter" => alter::alter(c),
        "drop" => create::drop(c),
        "comment" => comment::comment(c),
        "optimize" => maintenance::optimize(c),
        "reorg" => maintenance::reorg(c),
        "vacuum" => maintenance::vacuum(c),
        "analyze" | "analyse" => maintenance::analyze(c),
        "restore" => maintenance::restore(c),
        "refresh" if c.is_nth(1, "materialized") => materialized::refresh(c),
        "grant" => grant::grant(c),
        "revoke" => grant::revoke(c),
        "show" => show::show(c),
        "desc" | "describe" => describe::describe(c),
        "use" => use_namespace(c),
        "set" => set::set(c),
        "reset" => set::reset(c),
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint" | "release" => {
            transaction::transaction(c)
        }
        "prepare" => prepare::prepare(c),
        "execute" => prepare::execute(c),
        "deallocate" => prepare::deallocate(c),
        "discard" => prepare::discard(c),
        "declare" => cursor::declare(c),
        "fetch" | "move" => cursor::fetch(c),
        "close" => cursor::close(c),
        "listen" | "unlisten" | "notify" => notify::notify(c),
        _ => Err(refused::statement(c)),
    }
}

/// A query, or the CREATE TABLE that SELECT … INTO is.
fn query(c: &mut Cursor<'_>) -> Result<Statement> {
    let (query, target) = c.query_with_target()?;
    Ok(match target {
        Some(target) => table::select_into(target, query),
        None => setval::setval(query)?,
    })
}

fn use_namespace(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("use")?;
    let names_follow = matches!(c.peek_nth(1), Token::Word(_));
    let target = if names_follow && c.take("catalog") {
        Use::Catalog(c.identifier()?)
    } else {
        if names_follow {
            c.take_any(&["schema", "database", "namespace"]);
        }
        Use::Schema(c.schema_name()?)
    };
    Ok(Statement::Session(SessionStatement::Use(target)))
}
