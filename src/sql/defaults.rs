//! DEFAULT in the VALUES of an INSERT: the grammar of expressions takes it for a column of that name. It
//! knows no table.

use sqlparser::ast::{Expr, Query, SetExpr};
use sqlparser::parser::Parser;

use super::dialect::LakegateDialect;
use crate::base::{Error, Result};

/// Takes DEFAULT out of VALUES: columns that have nothing else are left out, and the others have the value that
/// is asked for by their place. The places of the columns that are left; `None` where nothing has changed.
pub fn without_defaults(
    query: &mut Query,
    value: impl Fn(usize) -> Result<Expr>,
) -> Result<Option<Vec<usize>>> {
    let SetExpr::Values(values) = query.body.as_mut() else { return Ok(None) };
    if !values.rows.iter().any(|row| row.iter().any(is_default)) {
        return Ok(None);
    }
    let width = values.rows.first().map_or(0, |row| row.len());
    if values.rows.iter().any(|row| row.len() != width) {
        // The planner says so.
        return Ok(None);
    }
    let is_only_default =
        |column: usize| values.rows.iter().all(|row| row.get(column).is_some_and(is_default));
    let kept: Vec<usize> = (0..width).filter(|column| !is_only_default(*column)).collect();
    if kept.is_empty() && values.rows.len() > 1 {
        return Err(Error::unsupported("several rows of nothing but DEFAULT"));
    }
    for row in &mut values.rows {
        let mut content = Vec::with_capacity(kept.len());
        for (column, given) in row.content.drain(..).enumerate() {
            if kept.contains(&column) {
                content.push(if is_default(&given) { value(column)? } else { given });
            }
        }
        row.content = content;
    }
    Ok(Some(kept))
}

fn is_default(value: &Expr) -> bool {
    matches!(value, Expr::Identifier(name)
        if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("default"))
}

/// The expression that a column's default is. 0A000 for one that cannot be read.
pub fn default_expression(text: &str) -> Result<Expr> {
    let dialect = LakegateDialect::for_tokens(&[]);
    let parsed = Parser::new(&dialect).try_with_sql(text);
    let parsed = parsed.and_then(|mut parser| parser.parse_expr());
    parsed.map_err(|cause| {
        Error::unsupported(format!("the default \"{text}\" of a column")).caused_by(cause)
    })
}
