//! `lag(x, n)`, `lead(x, 1, y)` and `ntile(n)` over a window, where `n` or `y` is no constant or `n` is NULL, become
//! functions of their own: the planner's take constants alone, and NULL for 1.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Value, Visit, Visitor,
};

use crate::base::Result;

pub fn rewrite(expression: &mut Expr) -> Result<()> {
    let Expr::Function(function) = expression else { return Ok(()) };
    let FunctionArguments::List(list) = &function.args else { return Ok(()) };
    if function.over.is_none() || function.name.0.len() != 1 {
        return Ok(());
    }
    let name = function.name.to_string().to_lowercase();
    let constant_from = match name.as_str() {
        "lag" | "lead" => 1,
        "ntile" => 0,
        _ => return Ok(()),
    };
    let is_null = |argument: &FunctionArg| {
        matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))
            if value.value == Value::Null)
    };
    let offset_is_null = list.args.get(constant_from).is_some_and(is_null);
    let mut told = list.args.iter().skip(constant_from);
    let is_by_row = told.any(|argument| {
        matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) if reads(value))
    });
    if is_by_row || offset_is_null {
        function.name = ObjectName::from(vec![Ident::new(format!("{name}_by_row"))]);
    }
    Ok(())
}

/// Whether an expression reads a column, or calls what may give another value for each row.
fn reads(expression: &Expr) -> bool {
    struct Reads;
    impl Visitor for Reads {
        type Break = ();

        fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
            match expression {
                Expr::Identifier(_)
                | Expr::CompoundIdentifier(_)
                | Expr::Function(_)
                | Expr::Subquery(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expression.visit(&mut Reads).is_break()
}
