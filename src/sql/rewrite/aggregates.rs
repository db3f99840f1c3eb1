//! Aggregates that the planner lacks, said with those that it has: `every(x)` is `bool_and(x)`, and
//! `jsonb_agg(x)`, `mode()` and `percentile_disc(p)` are functions of `array_agg(x)`, and the hypothetical rank of
//! a row counts those before it.

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, ObjectName, Value,
};

use super::{call, hypothetical, take};
use crate::base::{Error, Result};
use crate::sql::dialect::joined;

const ARRAY_AGG: &str = "array_agg";

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expression else { return Ok(()) };
    if function.name.0.len() != 1 {
        return Ok(());
    }
    match function.name.to_string().to_lowercase().as_str() {
        "every" => rename(function, "bool_and"),
        "json_agg" => wrap(expression, "json_of_values"),
        "jsonb_agg" => wrap(expression, "to_jsonb"),
        "json_object_agg" => pair(expression, "json_object_of"),
        "jsonb_object_agg" => pair(expression, "jsonb_object_of"),
        "mode" | "percentile_disc" => ordered_set(expression, "percentile_disc_of"),
        "percentile_cont" if !has_constant_argument(function) => {
            ordered_set(expression, "percentile_cont_of");
        }
        "rank" | "dense_rank" | "percent_rank" | "cume_dist"
            if !function.within_group.is_empty() =>
        {
            *expression = hypothetical::rank(function)?;
        }
        "regr_count" => regr_count(function),
        "xmlagg" => return Err(Error::unsupported("xmlagg, because there is no type xml,")),
        _ => {}
    }
    Ok(())
}

fn rename(function: &mut Function, name: &str) {
    function.name = ObjectName::from(vec![Ident::new(name)]);
}

/// `count(CASE WHEN y IS NOT NULL AND x IS NOT NULL THEN 1 END)`
fn regr_count(function: &mut Function) {
    let FunctionArguments::List(list) = &mut function.args else { return };
    let values = list.args.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => {
            Some(Expr::IsNotNull(Box::new(Expr::Nested(Box::new(value.clone())))))
        }
        _ => None,
    });
    let values: Vec<Expr> = values.collect();
    if values.len() != 2 {
        return;
    }
    let Some(condition) = joined(values, &BinaryOperator::And) else { return };
    let one = Expr::value(Value::Number("1".to_owned(), false));
    let counted = Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition, result: one }],
        else_result: None,
    };
    list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(counted))];
    rename(function, "count");
}

/// Whether the fraction is a number that is written, which the planner's own aggregate wants.
fn has_constant_argument(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return true };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] = list.args.as_slice() else {
        return true;
    };
    function.within_group.is_empty()
        || matches!(argument, Expr::Value(value) if matches!(value.value, Value::Number(..)))
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
fn ordered_set(expression: &mut Expr, percentile: &str) {
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
            call(percentile, vec![values, fraction, descending])
        }
        None => call("mode_of", vec![values]),
    };
}
