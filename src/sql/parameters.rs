//! Where parameters stand in a statement, as far as that tells their types. It infers nothing else.

use sqlparser::ast::{Expr, Query, SelectItem, SetExpr, Value};

/// The number of a bare parameter: 2 for `$2`.
pub fn placeholder(expression: &Expr) -> Option<usize> {
    match expression {
        Expr::Nested(inner) => placeholder(inner),
        Expr::Value(value) => match &value.value {
            Value::Placeholder(name) => name.strip_prefix('$')?.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The parameters that stand bare as an output of a query, with the place of the output, from 0.
pub fn placeholders_by_column(query: &Query) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    in_set(&query.body, &mut found);
    found
}

fn in_set(body: &SetExpr, found: &mut Vec<(usize, usize)>) {
    let mut look = |expression: &Expr, column: usize| {
        found.extend(placeholder(expression).map(|parameter| (parameter, column)));
    };
    match body {
        SetExpr::Values(values) => {
            for row in &values.rows {
                row.iter().enumerate().for_each(|(column, value)| look(value, column));
            }
        }
        SetExpr::Select(select) => {
            for (column, item) in select.projection.iter().enumerate() {
                match item {
                    SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                        look(expr, column);
                    }
                    // What follows a wildcard has no known place.
                    SelectItem::ExprWithAliases { .. }
                    | SelectItem::QualifiedWildcard(_, _)
                    | SelectItem::Wildcard(_) => return,
                }
            }
        }
        SetExpr::Query(query) => in_set(&query.body, found),
        SetExpr::SetOperation { left, right, .. } => {
            in_set(left, found);
            in_set(right, found);
        }
        SetExpr::Table(_)
        | SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_) => {}
    }
}
