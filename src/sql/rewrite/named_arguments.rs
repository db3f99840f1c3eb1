//! `make_interval(days => 10)` becomes `make_interval(0, 0, 0, 10)`: the planner takes arguments by place.

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Value};

use crate::base::{Error, ErrorKind, Result};

/// The functions whose parameters have names that are used, with their defaults.
const PARAMETERS: &[(&str, &[&str])] =
    &[("make_interval", &["years", "months", "weeks", "days", "hours", "mins", "secs"])];

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expression else { return Ok(()) };
    let name = function.name.to_string().to_lowercase();
    let Some((_, parameters)) = PARAMETERS.iter().find(|(known, _)| *known == name) else {
        return Ok(());
    };
    let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
    if list.args.iter().all(|argument| matches!(argument, FunctionArg::Unnamed(_))) {
        return Ok(());
    }
    let zero = || Expr::value(Value::Number("0".to_owned(), false));
    let mut places: Vec<Expr> = parameters.iter().map(|_| zero()).collect();
    for (index, argument) in std::mem::take(&mut list.args).into_iter().enumerate() {
        let (place, value) = match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => (Some(index), value),
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
                let wanted = name.value.to_lowercase();
                (parameters.iter().position(|known| *known == wanted), value)
            }
            _ => (None, zero()),
        };
        let place = place.and_then(|place| places.get_mut(place)).ok_or_else(|| {
            let message = format!("function {name} has no such parameter");
            Error::new(ErrorKind::UndefinedFunction, message)
        })?;
        *place = value;
    }
    let unnamed =
        places.into_iter().map(|value| FunctionArg::Unnamed(FunctionArgExpr::Expr(value)));
    list.args = unnamed.collect();
    Ok(())
}
