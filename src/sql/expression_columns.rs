//! The columns that an expression names, by their last names. It knows no table.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, visit_expressions};

use super::cursor::fold;

/// Once for each time that a column is named.
pub fn columns_of(expression: &Expr) -> Vec<String> {
    let mut columns = Vec::new();
    let _ = visit_expressions(expression, |inner| {
        let ident = match inner {
            Expr::Identifier(ident) => Some(ident),
            Expr::CompoundIdentifier(idents) => idents.last(),
            _ => None,
        };
        columns.extend(ident.map(|ident| fold(&ident.value, ident.quote_style)));
        ControlFlow::<()>::Continue(())
    });
    columns
}
