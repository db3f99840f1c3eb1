//! Offsets of window frames that are written as casts, `'1 year'::interval PRECEDING` and `2::int8 PRECEDING`, become
//! the constants that they are: the planner takes nothing else.

use sqlparser::ast::{
    CastKind, DataType, Expr, Function, Interval, Value, WindowFrameBound, WindowSpec, WindowType,
};

use super::take;
use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    if let Expr::Function(Function { over: Some(WindowType::WindowSpec(window)), .. }) = expression
    {
        in_window(window);
    }
    Ok(())
}

/// The same for a window of the WINDOW clause.
pub fn in_window(window: &mut WindowSpec) {
    let Some(frame) = &mut window.window_frame else { return };
    for bound in [Some(&mut frame.start_bound), frame.end_bound.as_mut()].into_iter().flatten() {
        if let WindowFrameBound::Preceding(Some(offset))
        | WindowFrameBound::Following(Some(offset)) = bound
        {
            plain(offset);
        }
    }
}

fn plain(offset: &mut Expr) {
    match offset {
        Expr::Nested(inner) => {
            plain(inner);
            *offset = take(inner);
        }
        Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, .. } => {
            let Expr::Value(constant) = expr.as_ref() else { return };
            match (&constant.value, &*data_type) {
                (Value::SingleQuotedString(_), DataType::Interval { .. }) => {
                    *offset = Expr::Interval(Interval {
                        value: Box::new(take(expr)),
                        leading_field: None,
                        leading_precision: None,
                        last_field: None,
                        fractional_seconds_precision: None,
                    });
                }
                (Value::Number(..), kind) if is_number(kind) => *offset = take(expr),
                (Value::SingleQuotedString(text), kind)
                    if is_number(kind) && text.trim().parse::<f64>().is_ok() =>
                {
                    let number = Value::Number(text.trim().to_owned(), false);
                    *offset = Expr::value(number);
                }
                _ => {}
            }
        }
        _ => {}
    }
}

fn is_number(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::SmallInt(_)
            | DataType::Int(_)
            | DataType::Integer(_)
            | DataType::BigInt(_)
            | DataType::Int2(_)
            | DataType::Int4(_)
            | DataType::Int8(_)
            | DataType::Numeric(_)
            | DataType::Decimal(_)
            | DataType::Real
            | DataType::Float4
            | DataType::Float8
            | DataType::DoublePrecision
    )
}
