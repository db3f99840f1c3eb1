//! `CURRENT_SCHEMA` and `CURRENT_ROLE` without parentheses become calls: the grammar takes them for columns.

use sqlparser::ast::{CastKind, DataType, Expr, TimezoneInfo};

use super::call;
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Identifier(name) = expression else { return Ok(()) };
    if name.quote_style.is_some() {
        return Ok(());
    }
    // The time of day is the transaction's, on the session's clocks.
    if name.value.eq_ignore_ascii_case("localtime") {
        *expression = local_time();
        return Ok(());
    }
    let words = ["current_schema", "current_role", "system_user"];
    if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(&name.value)) {
        *expression = call(word, Vec::new());
    }
    Ok(())
}

fn local_time() -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(call("localtimestamp", Vec::new())),
        data_type: DataType::Time(None, TimezoneInfo::None),
        array: false,
        format: None,
    }
}
