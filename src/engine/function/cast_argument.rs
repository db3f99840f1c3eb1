//! Casts in the arguments of aggregates: `sum(x::float8)` beside `sum(x::numeric)`. DataFusion names an expression
//! without its casts and then finds two of one name. Until a plan is analyzed, such a cast is a function,
//! which has a name of its own.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Result, internal_err};
use datafusion::logical_expr::expr::{Cast, ScalarFunction};
use datafusion::logical_expr::planner::{
    ExprPlanner, PlannerResult, RawAggregateExpr, RawWindowExpr,
};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, SortExpr, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use crate::engine::plan_rewrite::rewrite_expressions;

/// Makes functions of the casts.
#[derive(Debug)]
pub struct CastArgumentPlanner;

impl ExprPlanner for CastArgumentPlanner {
    fn plan_aggregate(
        &self,
        mut call: RawAggregateExpr,
    ) -> Result<PlannerResult<RawAggregateExpr>> {
        name_casts(&mut call.args, &mut call.order_by);
        Ok(PlannerResult::Original(call))
    }

    fn plan_window(&self, mut call: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        name_casts(&mut call.args, &mut []);
        Ok(PlannerResult::Original(call))
    }
}

fn name_casts(arguments: &mut [Expr], order: &mut [SortExpr]) {
    // DISTINCT and ORDER BY go together where they say the same.
    for argument in arguments.iter_mut().chain(order.iter_mut().map(|sort| &mut sort.expr)) {
        if let Expr::Cast(Cast { expr, field }) = argument
            && !matches!(**expr, Expr::Literal(..))
        {
            let inner = std::mem::take(&mut **expr);
            let function = CastTo::udf(Arc::clone(field));
            *argument = Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![inner]));
        }
    }
}

/// Makes casts of the functions again. Runs before all rules that know casts.
#[derive(Debug)]
pub struct CastArgumentRule;

impl AnalyzerRule for CastArgumentRule {
    fn name(&self) -> &str {
        "casts_in_arguments"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        rewrite_expressions(plan, |expression, _| to_cast(expression))
    }
}

fn to_cast(expression: Expr) -> Result<Transformed<Expr>> {
    let Expr::ScalarFunction(ScalarFunction { func, mut args }) = expression else {
        return Ok(Transformed::no(expression));
    };
    match (func.inner().downcast_ref::<CastTo>(), args.pop()) {
        (Some(cast), Some(argument)) => {
            let cast = Cast::new_from_field(Box::new(argument), Arc::clone(&cast.field));
            Ok(Transformed::yes(Expr::Cast(cast)))
        }
        (_, last) => {
            args.extend(last);
            Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args })))
        }
    }
}

/// A cast under the name of its type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct CastTo {
    field: FieldRef,
    name: String,
    signature: Signature,
}

impl CastTo {
    fn udf(field: FieldRef) -> Arc<ScalarUDF> {
        let name = match field.metadata().is_empty() {
            true => format!("cast to {}", field.data_type()),
            false => {
                let mut facts: Vec<_> = field.metadata().values().map(String::as_str).collect();
                facts.sort_unstable();
                format!("cast to {} {}", field.data_type(), facts.join(" "))
            }
        };
        let signature = Signature::any(1, Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(CastTo { field, name, signature }))
    }
}

impl ScalarUDFImpl for CastTo {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.field.data_type().clone())
    }

    fn return_field_from_args(&self, call: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let is_nullable = call.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(self.field.as_ref().clone().with_nullable(is_nullable)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("{} was not made a cast", self.name)
    }
}
