//! `CURRENT_SCHEMA` and `CURRENT_ROLE` without parentheses become calls: the grammar takes them for columns. `LOCALTIME`
//! and `CURRENT_TIME`, with a precision or without, become casts of the transaction's timestamp.

use sqlparser::ast::{
    DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, TimezoneInfo,
};

use super::{call, cast};
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
        Expr::Function(function) => {
            let Some(digits) = precision(&function.args) else { return Ok(()) };
            // The time of day is the transaction's, on the session's clocks.
            match function.name.to_string().to_lowercase().as_str() {
                "localtime" => *expression = time_of("localtimestamp", digits, TimezoneInfo::None),
                "current_time" => {
                    let zone = TimezoneInfo::WithTimeZone;
                    *expression = time_of("current_timestamp", digits, zone);
                }
                _ => {}
            }
        }
        _ => {}
    }
    Ok(())
}

/// The digits of a second that `localtime` or `localtime(n)` asks for; `None` for other arguments.
fn precision(arguments: &FunctionArguments) -> Option<Option<Expr>> {
    match arguments {
        FunctionArguments::None => Some(None),
        FunctionArguments::List(list) => match list.args.as_slice() {
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(digits)))] => {
                Some(Some(Expr::Value(digits.clone())))
            }
            _ => None,
        },
        FunctionArguments::Subquery(_) => None,
    }
}

fn time_of(timestamp: &str, digits: Option<Expr>, zone: TimezoneInfo) -> Expr {
    let now = call(timestamp, Vec::new());
    let now = match digits {
        Some(digits) => call("datetime_rounded", vec![now, digits]),
        None => now,
    };
    cast(now, DataType::Time(None, zone))
}
