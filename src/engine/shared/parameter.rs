//! A parameter of a kept plan: a function without arguments that gives the value of the run. It reads the slot of its
//! plan and nothing else.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, internal_err, plan_err};
use datafusion::logical_expr::expr::{Placeholder, ScalarFunction};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use super::slot::FactsSlot;

/// `$n` of a field's type.
#[derive(Debug, Clone)]
struct Parameter {
    /// Counted from 0.
    index: usize,
    field: FieldRef,
    signature: Signature,
}

/// The plan with functions in the places of its parameters. Errors: one has no type.
pub fn parameters_as_functions(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = plan.transform_up_with_subqueries(|node| {
        node.map_expressions(|expression| expression.transform_up(as_function))?
            .map_data(LogicalPlan::recompute_schema)
    });
    plan.map(|plan| plan.data)
}

fn as_function(expression: Expr) -> Result<Transformed<Expr>> {
    let Expr::Placeholder(Placeholder { id, field }) = expression else {
        return Ok(Transformed::no(expression));
    };
    let number = id.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
    let (Some(index), Some(field)) = (number.and_then(|number| number.checked_sub(1)), field)
    else {
        return plan_err!("parameter {id} has no type");
    };
    let signature = Signature::nullary(Volatility::Stable);
    let function = ScalarUDF::new_from_impl(Parameter { index, field, signature });
    let call = ScalarFunction::new_udf(Arc::new(function), Vec::new());
    // It is named like the parameter, whose name a column may have.
    Ok(Transformed::yes(Expr::ScalarFunction(call)))
}

impl ScalarUDFImpl for Parameter {
    fn name(&self) -> &str {
        "parameter"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.field.data_type().clone())
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(self.field.as_ref().clone().with_nullable(true)))
    }

    fn display_name(&self, _: &[Expr]) -> Result<String> {
        Ok(format!("${}", self.index + 1))
    }

    fn schema_name(&self, _: &[Expr]) -> Result<String> {
        Ok(format!("${}", self.index + 1))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(slot) = FactsSlot::of(&call.config_options) else {
            return internal_err!("a parameter outside a kept plan");
        };
        let value = slot.parameter(self.index)?;
        if value.data_type() != *self.field.data_type() {
            return internal_err!("parameter ${} has another type than planned", self.index + 1);
        }
        Ok(ColumnarValue::Scalar(value))
    }
}

/// Parameters of one plan are the same when they are of one place.
impl PartialEq for Parameter {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && self.field == other.field
    }
}

impl Eq for Parameter {}

impl Hash for Parameter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}
