//! `x::regclass` becomes `to_regclass(x)`, and so for the other types that name objects: what a name stands for
//! is found by a function, never by a cast.

use sqlparser::ast::{CastKind, DataType, Expr, ObjectNamePart, TypedString};

use super::{call, take};
use crate::base::Result;

const NAMING: &[(&str, &str)] = &[
    ("regclass", "to_regclass"),
    ("regtype", "to_regtype"),
    ("regproc", "to_regproc"),
    ("regnamespace", "to_regnamespace"),
    ("regrole", "to_regrole"),
];

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let (function, argument) = match expression {
        Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, .. } => {
            let Some(function) = function_of(data_type) else { return Ok(()) };
            (function, take(expr))
        }
        Expr::TypedString(TypedString { data_type, value, .. }) => {
            let Some(function) = function_of(data_type) else { return Ok(()) };
            (function, Expr::Value(value.clone()))
        }
        _ => return Ok(()),
    };
    *expression = call(function, vec![argument]);
    Ok(())
}

fn function_of(data_type: &DataType) -> Option<&'static str> {
    let name = match data_type {
        DataType::Regclass => "regclass",
        DataType::Custom(name, _) => match name.0.as_slice() {
            [ObjectNamePart::Identifier(name)] => &name.value,
            [ObjectNamePart::Identifier(schema), ObjectNamePart::Identifier(name)]
                if schema.value.eq_ignore_ascii_case("pg_catalog") =>
            {
                &name.value
            }
            _ => return None,
        },
        _ => return None,
    };
    let found = NAMING.iter().find(|(naming, _)| naming.eq_ignore_ascii_case(name));
    found.map(|(_, function)| *function)
}
