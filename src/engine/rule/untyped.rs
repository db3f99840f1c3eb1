//! Parameters without a type that say it otherwise, as PostgreSQL reads them: `$1::int` is an integer, and
//! in `x = ANY ($1)` and `x = ANY ('{1,2}')` stand arrays of `x`'s type, LIMIT and OFFSET count with 64 bits,
//! and a series is of its other bound's type. It changes nothing that has a type.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::{Cast, Placeholder, ScalarFunction};
use datafusion::logical_expr::{Expr, ExprSchemable, Limit, LogicalPlan};

use crate::base::datatype::{BaseType, PgType, pg_type_of};
use crate::engine::function::is_quantified;
use crate::engine::plan_rewrite::rewrite_expressions;

const GENERATE_SERIES: &str = "generate_series";

/// Gives parameters their types, and constants behind ANY.
pub fn type_untyped(plan: LogicalPlan) -> Result<LogicalPlan> {
    let counted = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Limit(limit) => {
            let count = |count: Option<Box<Expr>>| count.map(|count| Box::new(counting(*count)));
            let limit = Limit { skip: count(limit.skip), fetch: count(limit.fetch), ..limit };
            Ok(Transformed::yes(LogicalPlan::Limit(limit)))
        }
        node => Ok(Transformed::no(node)),
    })?;
    rewrite_expressions(counted.data, in_expression)
}

/// An operand that took its type from a `varchar`: that has no operators of its own, and takes those of `text`.
fn as_text(operand: Expr) -> Result<Transformed<Expr>> {
    let Expr::Placeholder(Placeholder { id, field: Some(field) }) = &operand else {
        return Ok(Transformed::no(operand));
    };
    if !matches!(pg_type_of(field), Ok((PgType::Scalar(BaseType::Varchar), _))) {
        return Ok(Transformed::no(operand));
    }
    let text = Arc::new(Field::new(field.name(), field.data_type().clone(), true));
    let parameter = Placeholder::new_with_field(id.clone(), Some(text));
    Ok(Transformed::yes(Expr::Placeholder(parameter)))
}

/// How many rows.
fn counting(count: Expr) -> Expr {
    match count {
        Expr::Placeholder(Placeholder { id, field: None }) => {
            let field = Field::new("count", DataType::Int64, true);
            Expr::Placeholder(Placeholder::new_with_field(id, Some(Arc::new(field))))
        }
        other => other,
    }
}

fn is_untyped(expression: &Expr) -> bool {
    matches!(expression, Expr::Placeholder(Placeholder { field: None, .. }))
}

/// The arguments of a series, of which one says what the others are.
fn of_series(call: &ScalarFunction, schema: &DFSchema) -> Transformed<Expr> {
    let field = || {
        let told = call.args.iter().find(|one| !is_untyped(one))?;
        match told {
            // Whole numbers are narrowed later.
            Expr::Literal(ScalarValue::Int64(Some(number)), _)
                if i32::try_from(*number).is_ok() =>
            {
                Some(Arc::new(Field::new("bound", DataType::Int32, true)))
            }
            _ => Some(told.to_field(schema).ok()?.1),
        }
    };
    let args = call.args.iter().map(|one| match is_untyped(one) {
        true => typed(one, field).unwrap_or_else(|| one.clone()),
        false => one.clone(),
    });
    let series = ScalarFunction::new_udf(Arc::clone(&call.func), args.collect());
    Transformed::yes(Expr::ScalarFunction(series))
}

fn in_expression(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if let Expr::Cast(cast) = &expression {
        return Ok(match (cast.expr.as_ref(), parameter_of(&cast.field)) {
            (Expr::Placeholder(Placeholder { id, field: None }), Some(field)) => {
                let parameter = Placeholder::new_with_field(id.clone(), Some(field));
                let expr = Box::new(Expr::Placeholder(parameter));
                Transformed::yes(Expr::Cast(Cast::new_from_field(expr, Arc::clone(&cast.field))))
            }
            _ => Transformed::no(expression),
        });
    }
    if matches!(
        expression,
        Expr::BinaryExpr(_) | Expr::Like(_) | Expr::Between(_) | Expr::InList(_)
    ) {
        return expression.map_children(as_text);
    }
    let Expr::ScalarFunction(call) = &expression else { return Ok(Transformed::no(expression)) };
    if call.func.name() == GENERATE_SERIES && call.args.iter().any(is_untyped) {
        return Ok(of_series(call, schema));
    }
    let [value, array] = call.args.as_slice() else { return Ok(Transformed::no(expression)) };
    if !is_quantified(call) {
        return Ok(Transformed::no(expression));
    }
    let of_value = || array_of(value.to_field(schema).ok()?.1.as_ref());
    let of_array = || element_of(array.to_field(schema).ok()?.1.as_ref());
    let arguments = match (typed(array, of_value), typed(value, of_array)) {
        (Some(array), _) => vec![value.clone(), array],
        (None, Some(value)) => vec![value, array.clone()],
        (None, None) => return Ok(Transformed::no(expression)),
    };
    let call = ScalarFunction::new_udf(Arc::clone(&call.func), arguments);
    Ok(Transformed::yes(Expr::ScalarFunction(call)))
}

fn typed(untyped: &Expr, field: impl FnOnce() -> Option<FieldRef>) -> Option<Expr> {
    match untyped {
        Expr::Placeholder(Placeholder { id, field: None }) => {
            let placeholder = Placeholder::new_with_field(id.clone(), Some(field()?));
            Some(Expr::Placeholder(placeholder))
        }
        Expr::Literal(value, _) if value.try_as_str().flatten().is_some() => {
            Some(Expr::Cast(Cast::new_from_field(Box::new(untyped.clone()), field()?)))
        }
        _ => None,
    }
}

/// What stands in an array that is more than text.
fn element_of(array: &Field) -> Option<FieldRef> {
    match array.data_type() {
        DataType::List(item) if !item.data_type().is_string() && !item.data_type().is_null() => {
            let element = item.as_ref().clone().with_nullable(true);
            Some(Arc::new(element.with_metadata(array.metadata().clone())))
        }
        _ => None,
    }
}

/// What a parameter is that is cast to a type; `None` for types whose texts are names to look up.
fn parameter_of(target: &FieldRef) -> Option<FieldRef> {
    use BaseType::*;
    let (PgType::Scalar(base) | PgType::Array(base)) = pg_type_of(target).ok()?.0;
    match base {
        Regproc | Regprocedure | Regoper | Regoperator | Regclass | Regtype | Regnamespace
        | Regrole | Regcollation | Record | Void | Unknown => None,
        _ => Some(Arc::new(target.as_ref().clone().with_nullable(true))),
    }
}

/// `None` where the element says no type either.
fn array_of(element: &Field) -> Option<FieldRef> {
    if element.data_type() == &DataType::Null {
        return None;
    }
    let item = element.clone().with_name(Field::LIST_FIELD_DEFAULT_NAME).with_nullable(true);
    let metadata = item.metadata().clone();
    let list = Field::new("array", DataType::List(Arc::new(item)), true);
    Some(Arc::new(list.with_metadata(metadata)))
}
