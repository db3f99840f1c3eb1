//! `CURRENT_SCHEMA` and `CURRENT_ROLE` without parentheses become calls: the grammar takes them for columns.

use sqlparser::ast::Expr;

use super::call;
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Identifier(name) = expression else { return Ok(()) };
    if name.quote_style.is_some() {
        return Ok(());
    }
    let words = ["current_schema", "current_role", "system_user"];
    if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(&name.value)) {
        *expression = call(word, Vec::new());
    }
    Ok(())
}
