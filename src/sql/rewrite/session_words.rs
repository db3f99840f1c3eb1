//! `CURRENT_SCHEMA` and `CURRENT_ROLE` without parentheses become calls: the grammar takes them for columns.

use sqlparser::ast::{CastKind, DataType, Expr, FunctionArguments, Ident, TimezoneInfo};

use super::call;
use crate::base::Result;

/// Words that are calls without parentheses, though the grammar takes them for names.
const WORDS: [&str; 3] = ["current_schema", "current_role", "system_user"];

/// Whether a name alone is such a word.
pub fn is_session_word(name: &Ident) -> bool {
    name.quote_style.is_none() && WORDS.iter().any(|word| word.eq_ignore_ascii_case(&name.value))
}

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    match expression {
        Expr::Identifier(name) if is_session_word(name) => {
            *expression = call(&name.value.to_lowercase(), Vec::new());
        }
        Expr::Function(function) if matches!(function.args, FunctionArguments::None) => {
            let name = function.name.to_string();
            // The time of day is the transaction's, on the session's clocks.
            if name.eq_ignore_ascii_case("localtime") {
                *expression = time_of("localtimestamp", TimezoneInfo::None);
            } else if name.eq_ignore_ascii_case("current_time") {
                *expression = time_of("current_timestamp", TimezoneInfo::WithTimeZone);
            }
        }
        _ => {}
    }
    Ok(())
}

fn time_of(timestamp: &str, zone: TimezoneInfo) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(call(timestamp, Vec::new())),
        data_type: DataType::Time(None, zone),
        array: false,
        format: None,
    }
}
