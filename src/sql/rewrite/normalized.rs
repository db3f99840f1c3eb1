//! `IS NORMALIZED` is refused by its name: the planner would show its own tree.

use sqlparser::ast::Expr;

use crate::base::{Error, Result};

pub fn refuse(expression: &mut Expr) -> Result<()> {
    match expression {
        Expr::IsNormalized { .. } => Err(Error::unsupported("IS NORMALIZED")),
        _ => Ok(()),
    }
}
