//! DEFAULT in the VALUES of an INSERT: the grammar of expressions takes it for a column of that name. It
//! knows no table.

use sqlparser::ast::{Expr, Query, SetExpr, Value};
use sqlparser::parser::Parser;

use super::dialect::LakegateDialect;
use crate::base::{Error, Result};

/// What DEFAULT means in a column that has other values too.
pub enum DefaultValue {
    Expression(Expr),
    /// The table numbers the row.
    Number,
}

/// The columns of VALUES after [`without_defaults`].
pub struct KeptColumns {
    /// The places of the columns that are left, in order.
    pub kept: Vec<usize>,
    /// The places of those that the table numbers in some rows. After the kept columns stands one for each of
    /// them that says in which.
    pub numbered: Vec<usize>,
}

/// Takes DEFAULT out of VALUES: columns that have nothing else are left out, and the others have the value that
/// is asked for by their place. `None` where nothing has changed.
pub fn without_defaults(
    query: &mut Query,
    value: impl Fn(usize) -> Result<DefaultValue>,
) -> Result<Option<KeptColumns>> {
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
    let mut numbered = Vec::new();
    for &column in &kept {
        let mut defaults =
            values.rows.iter().filter_map(|row| row.get(column)).filter(|v| is_default(v));
        if defaults.next().is_some() && matches!(value(column)?, DefaultValue::Number) {
            numbered.push(column);
        }
    }
    for row in &mut values.rows {
        let mut content = Vec::with_capacity(kept.len() + numbered.len());
        let mut flags = Vec::with_capacity(numbered.len());
        for (column, given) in row.content.drain(..).enumerate() {
            if !kept.contains(&column) {
                continue;
            }
            let is_default = is_default(&given);
            if numbered.contains(&column) {
                flags.push(Expr::value(Value::Boolean(is_default)));
            }
            content.push(match is_default {
                false => given,
                true => match value(column)? {
                    DefaultValue::Expression(expression) => expression,
                    DefaultValue::Number => Expr::value(Value::Null),
                },
            });
        }
        content.extend(flags);
        row.content = content;
    }
    Ok(Some(KeptColumns { kept, numbered }))
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
