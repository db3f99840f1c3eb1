//! `f(a, VARIADIC array)`: the elements are arguments. An array that is written gives them; of any other, the functions
//! that join or count its elements are said with those that take arrays. The rest is refused.

use sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Value,
};

use super::{call, take};
use crate::base::{Error, Result};

/// What an argument behind VARIADIC is named.
const VARIADIC: &str = "variadic";

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expression else { return Ok(()) };
    let Some((mut arguments, array)) = arguments_and_array(function) else { return Ok(()) };
    if let Some(elements) = written(&array) {
        arguments.extend(elements);
        let arguments = arguments.into_iter().map(FunctionArgExpr::Expr).map(FunctionArg::Unnamed);
        if let FunctionArguments::List(list) = &mut function.args {
            list.args = arguments.collect();
        }
        return Ok(());
    }
    let name = function.name.to_string().to_lowercase();
    *expression = over_array(&name, arguments, array)?;
    Ok(())
}

/// The arguments before VARIADIC and the array behind it.
fn arguments_and_array(function: &mut Function) -> Option<(Vec<Expr>, Expr)> {
    let FunctionArguments::List(list) = &mut function.args else { return None };
    let (last, before) = list.args.split_last_mut()?;
    let FunctionArg::Named { name, arg: FunctionArgExpr::Expr(array), .. } = last else {
        return None;
    };
    if !name.value.eq_ignore_ascii_case(VARIADIC) {
        return None;
    }
    let before = before.iter_mut().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(take(value)),
        _ => None,
    });
    Some((before.collect::<Option<_>>()?, take(array)))
}

/// The elements of `ARRAY[…]` and of `ARRAY[…]::type[]`.
fn written(array: &Expr) -> Option<Vec<Expr>> {
    match array {
        Expr::Array(array)
            if !array.elem.iter().any(|element| matches!(element, Expr::Array(_))) =>
        {
            Some(array.elem.clone())
        }
        Expr::Cast { expr, .. } => written(expr).filter(|elements| !elements.is_empty()),
        Expr::Nested(inner) => written(inner),
        _ => None,
    }
}

fn over_array(name: &str, mut arguments: Vec<Expr>, array: Expr) -> Result<Expr> {
    let text = |text: &str| Expr::value(Value::SingleQuotedString(text.to_owned()));
    let path = |op: BinaryOperator, mut arguments: Vec<Expr>, array: Expr| {
        let document = arguments.pop().map(Box::new)?;
        let right = Box::new(array);
        Some(Expr::BinaryOp { left: Box::new(Expr::Nested(document)), op, right })
    };
    let said = match (name, arguments.len()) {
        ("concat", 0) => Some(call("array_to_string", vec![array, text("")])),
        ("concat_ws", 1) => {
            arguments.insert(0, array);
            Some(call("array_to_string", arguments))
        }
        ("json_extract_path" | "jsonb_extract_path", 1) => {
            path(BinaryOperator::HashArrow, arguments, array)
        }
        ("json_extract_path_text" | "jsonb_extract_path_text", 1) => {
            path(BinaryOperator::HashLongArrow, arguments, array)
        }
        ("json_build_array", 0) => Some(call("to_json", vec![array])),
        ("jsonb_build_array", 0) => Some(call("to_jsonb", vec![array])),
        ("num_nonnulls", 0) => {
            let null = Expr::value(Value::Null);
            let others = call("array_remove", vec![array, null]);
            Some(call("cardinality", vec![others]))
        }
        ("num_nulls", 0) => {
            let null = Expr::value(Value::Null);
            let others = call("array_remove", vec![array.clone(), null]);
            Some(Expr::Nested(Box::new(Expr::BinaryOp {
                left: Box::new(call("cardinality", vec![array])),
                op: BinaryOperator::Minus,
                right: Box::new(call("cardinality", vec![others])),
            })))
        }
        _ => None,
    };
    said.ok_or_else(|| {
        Error::unsupported(format!(
            "VARIADIC in a call of {name}, with an array that is not written"
        ))
        .with_hint("Write ARRAY[…] behind VARIADIC, or its elements as arguments.")
    })
}
