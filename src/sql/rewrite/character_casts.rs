//! `x::varchar(n)` becomes `left(x::text, n)::varchar(n)`, since a cast cuts text to its length and the
//! planner's does not; so for `char(n)`, whose trailing blanks have no meaning: they are cut off here, and are
//! written when a value goes out.

use sqlparser::ast::{CastKind, CharacterLength, DataType, Expr, Value};

use super::{call, take};
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, .. } =
        expression
    else {
        return Ok(());
    };
    let is_padded = matches!(data_type, DataType::Char(_) | DataType::Character(_));
    let length = match data_type {
        DataType::Varchar(length)
        | DataType::CharacterVarying(length)
        | DataType::CharVarying(length) => *length,
        DataType::Char(length) | DataType::Character(length) => {
            Some(length.unwrap_or(CharacterLength::IntegerLength { length: 1, unit: None }))
        }
        _ => return Ok(()),
    };
    if let Some(CharacterLength::IntegerLength { length, .. }) = length {
        let text = Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(take(expr)),
            data_type: DataType::Text,
            array: false,
            format: None,
        };
        let length = Expr::value(Value::Number(length.to_string(), false));
        let cut = call("left", vec![text, length]);
        **expr = if is_padded { call("rtrim", vec![cut]) } else { cut };
    }
    Ok(())
}
