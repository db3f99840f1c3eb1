//! Types that only a field's metadata tells (`oid`, `name`, `"char"`, `jsonb`, …), kept through what chooses one of
//! several values or puts them into an array: CASE, coalesce, nullif, greatest, least and ARRAY, which know Arrow's
//! types alone. It changes no value.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, internal_err};
use datafusion::logical_expr::expr::{Case, ScalarFunction};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::base::datatype::TYPE_METADATA;
use crate::engine::plan_rewrite::rewrite_expressions;

/// Gives the chosen value the type that all of the values have.
pub fn keep_told_types(plan: LogicalPlan) -> Result<LogicalPlan> {
    rewrite_expressions(plan, in_expression)
}

fn in_expression(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let values: Vec<&Expr> = match &expression {
        Expr::Case(Case { when_then_expr, else_expr, .. }) => {
            let then = when_then_expr.iter().map(|(_, then)| then.as_ref());
            then.chain(else_expr.as_deref()).collect()
        }
        Expr::ScalarFunction(call) => match (call.func.name(), call.args.as_slice()) {
            ("nullif", [value, _]) => vec![value],
            ("coalesce" | "greatest" | "least" | "make_array", values) => values.iter().collect(),
            _ => return Ok(Transformed::no(expression)),
        },
        _ => return Ok(Transformed::no(expression)),
    };
    let Some(told) = told_by_all(&values, schema) else { return Ok(Transformed::no(expression)) };
    let told = match expression.get_type(schema)? {
        made if made == *told.data_type() => told,
        // The field of an array tells the type of its elements.
        DataType::List(element) if element.data_type() == told.data_type() => {
            let list = DataType::List(element);
            Arc::new(told.as_ref().clone().with_data_type(list))
        }
        _ => return Ok(Transformed::no(expression)),
    };
    let told = Arc::new(ScalarUDF::new_from_impl(Told::new(&told)));
    Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction::new_udf(told, vec![expression]))))
}

/// The type of every value that says one. Constants without a type are read as the others are.
fn told_by_all(values: &[&Expr], schema: &DFSchema) -> Option<FieldRef> {
    let mut told: Option<FieldRef> = None;
    for value in values {
        let field = value.to_field(schema).ok()?.1;
        let is_constant = matches!(value, Expr::Literal(..)) && field.data_type().is_string();
        if field.data_type().is_null()
            || is_constant && !field.metadata().contains_key(TYPE_METADATA)
        {
            continue;
        }
        if field.data_type().is_decimal() || !field.metadata().contains_key(TYPE_METADATA) {
            return None;
        }
        match &told {
            None => told = Some(field),
            Some(first)
                if first.data_type() == field.data_type()
                    && first.metadata() == field.metadata() => {}
            Some(_) => return None,
        }
    }
    told
}

/// Its argument, of a type.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    data_type: DataType,
    metadata: HashMap<String, String>,
    signature: Signature,
}

impl Told {
    fn new(field: &Field) -> Self {
        Told {
            data_type: field.data_type().clone(),
            metadata: field.metadata().clone(),
            signature: Signature::any(1, Volatility::Immutable),
        }
    }
}

impl std::hash::Hash for Told {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.data_type.hash(state);
    }
}

impl ScalarUDFImpl for Told {
    fn name(&self) -> &str {
        "told_type"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.data_type.clone())
    }

    fn return_field_from_args(&self, call: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match call.arg_fields {
            // Type coercion may have widened the values.
            [field] => Ok(Arc::new(field.as_ref().clone().with_metadata(self.metadata.clone()))),
            _ => internal_err!("a told type has one value"),
        }
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match call.args.into_iter().next() {
            Some(value) => Ok(value),
            None => internal_err!("a told type has one value"),
        }
    }
}
