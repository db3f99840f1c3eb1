//! CREATE INDEX, ALTER INDEX and DROP INDEX in PostgreSQL's spelling.

use sqlparser::ast::Expr;
use sqlparser::tokenizer::Token;

use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::expression_columns::columns_of;
use crate::sql::index::{
    CreateIndex, DropIndex, IndexExpression, IndexPart, IndexPartValue, RenameIndex,
};
use crate::sql::output_name;
use crate::sql::statement::Statement;

/// The access methods of PostgreSQL (`pg_am`).
const METHODS: &[&str] = &["brin", "btree", "gin", "gist", "hash", "spgist"];

/// After CREATE: `[UNIQUE] INDEX [CONCURRENTLY] [[IF NOT EXISTS] name] ON table …`.
pub fn create(c: &mut Cursor<'_>) -> Result<Statement> {
    let unique = c.take("unique");
    c.expect("index")?;
    c.take("concurrently");
    let if_not_exists = c.take_if_not_exists();
    let is_named = !c.is("on") || if_not_exists;
    let name = if is_named { Some(c.identifier()?) } else { None };
    c.expect("on")?;
    c.take("only");
    let table = c.object_name()?;
    let method = if c.take("using") { method(c)? } else { "btree".to_owned() };
    let keys = c.parenthesized(|c| c.list(part))?;
    let included = if c.take("include") { c.column_names()? } else { Vec::new() };
    let nulls_not_distinct = c.take_all(&["nulls", "not", "distinct"]);
    if !nulls_not_distinct {
        c.take_all(&["nulls", "distinct"]);
    }
    if c.is("with") {
        return Err(c.unsupported("WITH of an index").with_hint("No data is kept for an index."));
    }
    if c.is("tablespace") {
        return Err(c.unsupported("TABLESPACE"));
    }
    let predicate = if c.take("where") { Some(expression(c)?) } else { None };
    Ok(Statement::CreateIndex(Box::new(CreateIndex {
        table,
        name,
        if_not_exists,
        unique,
        nulls_not_distinct,
        method,
        keys,
        included,
        predicate,
    })))
}

fn method(c: &mut Cursor<'_>) -> Result<String> {
    let position = c.position();
    let method = c.identifier()?;
    if METHODS.contains(&method.as_str()) {
        return Ok(method);
    }
    let message = format!("access method \"{method}\" does not exist");
    Err(Error::new(ErrorKind::UndefinedObject, message).at(position))
}

/// `{column | function(…) | (expression)} [COLLATE "C"] [operator class] [ASC | DESC] [NULLS {FIRST | LAST}]`
fn part(c: &mut Cursor<'_>) -> Result<IndexPart> {
    let is_column = matches!(c.peek(), Token::Word(_))
        && !matches!(c.peek_nth(1), Token::LParen | Token::Period);
    let value = match c.peek() {
        Token::LParen => {
            let expression = c.parenthesized(expression)?;
            IndexPartValue::Expression(expression)
        }
        _ if is_column => IndexPartValue::Column(c.column_name()?),
        _ => IndexPartValue::Expression(expression(c)?),
    };
    if c.take("collate") {
        let position = c.position();
        let (parts, _) = c.name_parts()?;
        if !matches!(parts.last().map(String::as_str), Some("C" | "POSIX" | "default")) {
            return Err(Error::unsupported("a collation other than \"C\"").at(position));
        }
    }
    let ends = matches!(c.peek(), Token::Comma | Token::RParen);
    let operator_class = match ends || c.is_any(&["asc", "desc", "nulls"]) {
        true => None,
        false => c.name_parts()?.0.pop(),
    };
    if operator_class.is_some() && *c.peek() == Token::LParen {
        return Err(c.unsupported("a parameter of an operator class"));
    }
    let descending = c.take_any(&["asc", "desc"]) == Some("desc");
    let nulls_first = match c.take("nulls") {
        true => match c.take_any(&["first", "last"]) {
            Some(place) => place == "first",
            None => return Err(c.syntax_error()),
        },
        false => descending,
    };
    Ok(IndexPart { value, operator_class, descending, nulls_first })
}

fn expression(c: &mut Cursor<'_>) -> Result<IndexExpression> {
    let start = c.position();
    let parsed = c.expression()?;
    if !parsed.relations.is_empty() {
        let message = "cannot use subquery in index expression or predicate";
        return Err(Error::new(ErrorKind::FeatureNotSupported, message).at(start));
    }
    let mut text = c.text_since(start);
    if let Expr::Nested(_) = parsed.ast {
        let inner = text.trim().strip_prefix('(').and_then(|text| text.strip_suffix(')'));
        text = inner.unwrap_or(&text).trim().to_owned();
    }
    let columns = columns_of(&parsed.ast);
    let name = output_name::of_expression(&parsed.ast);
    Ok(IndexExpression { text, name, columns })
}

/// After ALTER: `INDEX [IF EXISTS] name RENAME TO name`.
pub fn alter(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("index")?;
    if c.is("all") {
        return Err(c.unsupported("ALTER INDEX ALL"));
    }
    let if_exists = c.take_if_exists();
    let name = c.object_name()?;
    if !c.take_all(&["rename", "to"]) {
        return match c.peek() {
            Token::Word(_) => Err(c.unsupported("this change of an index")),
            _ => Err(c.syntax_error()),
        };
    }
    Ok(Statement::RenameIndex(RenameIndex { name, if_exists, to: c.identifier()? }))
}

/// After DROP: `INDEX [CONCURRENTLY] [IF EXISTS] name, … [CASCADE | RESTRICT]`. Nothing stands on an index.
pub fn drop(c: &mut Cursor<'_>) -> Result<Statement> {
    c.expect("index")?;
    c.take("concurrently");
    let if_exists = c.take_if_exists();
    let names = c.list(Cursor::object_name)?;
    c.take_any(&["cascade", "restrict"]);
    Ok(Statement::DropIndex(DropIndex { names, if_exists }))
}
