//! `FETCH FIRST n ROWS ONLY` becomes `LIMIT n`: the planner refuses FETCH. WITH TIES and PERCENT have no such
//! form and are refused.

use sqlparser::ast::{Expr, LimitClause, Query, Value};

use crate::base::{Error, ErrorKind, Result};

pub fn rewrite(query: &mut Query) -> Result<()> {
    let Some(fetch) = query.fetch.take() else { return Ok(()) };
    if fetch.with_ties || fetch.percent {
        return Err(Error::unsupported("FETCH FIRST with WITH TIES or PERCENT"));
    }
    let one = || Expr::value(Value::Number("1".to_owned(), false));
    let count = fetch.quantity.unwrap_or_else(one);
    match &mut query.limit_clause {
        None => {
            query.limit_clause = Some(LimitClause::LimitOffset {
                limit: Some(count),
                offset: None,
                limit_by: Vec::new(),
            });
            Ok(())
        }
        Some(LimitClause::LimitOffset { limit: limit @ None, .. }) => {
            *limit = Some(count);
            Ok(())
        }
        Some(_) => Err(Error::new(ErrorKind::SyntaxError, "multiple LIMIT clauses not allowed")),
    }
}
