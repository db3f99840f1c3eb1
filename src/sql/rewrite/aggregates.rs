//! Aggregates that the planner lacks, said with those that it has: `every(x)` is `bool_and(x)`, and
//! `jsonb_agg(x)`, `mode()` and `percentile_disc(p)` are functions of `array_agg(x)`.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Value,
};

use super::{call, take};
use crate::base::Result;

const ARRAY_AGG: &str = "array_agg";

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expression else { return Ok(()) };
    if function.name.0.len() != 1 {
        return Ok(());
    }
    match function.name.to_string().to_lowercase().as_str() {
        "every" => rename(function, "bool_and"),
        "variance" => rename(function, "var_samp"),
        "json_agg" => wrap(expression, "json_of_values"),
        "jsonb_agg" => wrap(expression, "to_jsonb"),
        "json_object_agg" => pair(expression, "json_object_of"),
        "jsonb_object_agg" => pair(expression, "jsonb_object_of"),
        "mode" | "percentile_disc" => ordered_set(expression),
        _ => {}
    }
    Ok(())
}

fn rename(function: &mut Function, name: &str) {
    function.name = ObjectName::from(vec![Ident::new(name)]);
}

/// `f(array_agg(x))`
fn wrap(expression: &mut Expr, name: &str) {
    if let Expr::Function(function) = expression {
        rename(function, ARRAY_AGG);
    }
    *expression = call(name, vec![take(expression)]);
}

/// `f(array_agg(k), array_agg(v))`
fn pair(expression: &mut Expr, name: &str) {
    let one = |index: usize| {
        let mut one = expression.clone();
        if let Expr::Function(function) = &mut one
            && let FunctionArguments::List(list) = &mut function.args
            && list.args.len() == 2
        {
            let argument = list.args.swap_remove(index);
            list.args = vec![argument];
            function.name = ObjectName::from(vec![Ident::new(ARRAY_AGG)]);
        }
        one
    };
    *expression = call(name, vec![one(0), one(1)]);
}

/// `percentile_disc(p) WITHIN GROUP (ORDER BY x)` as `percentile_disc_of(array_agg(x), p, false)`.
fn ordered_set(expression: &mut Expr) {
    let Expr::Function(function) = expression else { return };
    let [order] = function.within_group.as_mut_slice() else { return };
    let FunctionArguments::List(list) = &mut function.args else { return };
    let is_descending = order.options.asc == Some(false);
    let value = take(&mut order.expr);
    let fraction = match list.args.as_mut_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(fraction))] => Some(take(fraction)),
        _ => None,
    };
    list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(value))];
    function.within_group.clear();
    rename(function, ARRAY_AGG);
    let values = take(expression);
    *expression = match fraction {
        Some(fraction) => {
            let descending = Expr::value(Value::Boolean(is_descending));
            call("percentile_disc_of", vec![values, fraction, descending])
        }
        None => call("mode_of", vec![values]),
    };
}
