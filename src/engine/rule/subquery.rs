//! Subqueries in conditions: what `= ANY (SELECT …)` and its like mean, and that a scalar subquery without a
//! row is NULL.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, ExprSchema, Result, internal_err};
use datafusion::logical_expr::expr::{
    Exists, InSubquery, ScalarFunction, SetComparison, SetQuantifier,
};
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::utils::{conjunction, split_conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    ColumnarValue, Expr, Filter, LogicalPlan, LogicalPlanBuilder, Operator, ReturnFieldArgs,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, binary_expr, lit,
};
use datafusion::optimizer::AnalyzerRule;

use crate::engine::plan_rewrite::rewrite_expressions;

/// Runs before type coercion.
#[derive(Debug)]
pub struct SubqueryRule;

/// The relation that a value is compared with, and its column.
const COMPARED: &str = "__compared";

impl AnalyzerRule for SubqueryRule {
    fn name(&self) -> &str {
        "subqueries_in_conditions"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = plan.transform_up_with_subqueries(rewrite_filter)?.data;
        rewrite_expressions(plan, rewrite)
    }
}

/// A comparison that is a condition of its own may be false where it is NULL.
fn rewrite_filter(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let compares = |condition: &&Expr| matches!(condition, Expr::SetComparison(_));
    let (predicate, input) = match node {
        LogicalPlan::Filter(Filter { predicate, input, .. })
            if split_conjunction(&predicate).iter().any(compares) =>
        {
            (predicate, input)
        }
        other => return Ok(Transformed::no(other)),
    };
    let conditions =
        split_conjunction_owned(predicate).into_iter().map(|condition| match condition {
            Expr::SetComparison(comparison) => as_condition(comparison, input.schema()),
            other => Ok(other),
        });
    let predicate = conjunction(conditions.collect::<Result<Vec<_>>>()?);
    let predicate = predicate.unwrap_or_else(|| lit(true));
    Filter::try_new(predicate, input).map(|filter| Transformed::yes(LogicalPlan::Filter(filter)))
}

fn as_condition(comparison: SetComparison, outer: &DFSchema) -> Result<Expr> {
    if is_membership(&comparison) {
        return Ok(Expr::SetComparison(comparison));
    }
    let SetComparison { expr, subquery, op, quantifier } = comparison;
    let mut outer_columns = subquery.outer_ref_columns.clone();
    let value = expr.transform_up(|inner| match inner {
        Expr::Column(column) => {
            let field = Arc::clone(outer.field_from_column(&column)?);
            let reference = Expr::OuterReferenceColumn(field, column);
            outer_columns.push(reference.clone());
            Ok(Transformed::yes(reference))
        }
        other => Ok(Transformed::no(other)),
    })?;
    let Some(column) = subquery.subquery.schema().columns().into_iter().next() else {
        return internal_err!("a subquery without columns");
    };
    // Under a name of its own, since both sides may read the same table.
    let compared = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone())
        .project([Expr::Column(column).alias(COMPARED)])?
        .alias(COMPARED)?;
    let holds = binary_expr(value.data, op, Expr::Column(Column::new(Some(COMPARED), COMPARED)));
    let (condition, negated) = match quantifier {
        SetQuantifier::Any => (holds, false),
        SetQuantifier::All => (Expr::IsNotTrue(Box::new(holds)), true),
    };
    let subquery = Subquery {
        subquery: Arc::new(compared.filter(condition)?.build()?),
        outer_ref_columns: outer_columns,
        spans: subquery.spans,
    };
    Ok(Expr::Exists(Exists { subquery, negated }))
}

fn is_membership(comparison: &SetComparison) -> bool {
    matches!(
        (comparison.op, &comparison.quantifier),
        (Operator::Eq, SetQuantifier::Any) | (Operator::NotEq, SetQuantifier::All)
    )
}

fn rewrite(expression: Expr, _: &DFSchema) -> Result<Transformed<Expr>> {
    match expression {
        Expr::SetComparison(comparison) if is_membership(&comparison) => {
            let negated = comparison.quantifier == SetQuantifier::All;
            let SetComparison { expr, subquery, .. } = comparison;
            Ok(Transformed::yes(Expr::InSubquery(InSubquery { expr, subquery, negated })))
        }
        Expr::ScalarSubquery(subquery) => match without_row(&subquery)? {
            Some(subquery) => Ok(Transformed::yes(Expr::ScalarSubquery(subquery))),
            None => Ok(Transformed::no(Expr::ScalarSubquery(subquery))),
        },
        other => Ok(Transformed::no(other)),
    }
}

/// The subquery with a column that may be NULL, where DataFusion holds that it may not: the column of no
/// row is.
fn without_row(subquery: &Subquery) -> Result<Option<Subquery>> {
    let schema = subquery.subquery.schema();
    let is_nullable = schema.fields().first().is_none_or(|field| field.is_nullable());
    if is_nullable || !subquery.outer_ref_columns.is_empty() {
        return Ok(None);
    }
    let columns = schema.columns().into_iter().map(|column: Column| {
        let call =
            ScalarFunction::new_udf(Arc::clone(&OR_NULL), vec![Expr::Column(column.clone())]);
        Expr::ScalarFunction(call).alias_qualified(column.relation, column.name)
    });
    let plan = LogicalPlanBuilder::from(subquery.subquery.as_ref().clone());
    let plan = Arc::new(plan.project(columns)?.build()?);
    let outer_ref_columns = Vec::new();
    Ok(Some(Subquery { subquery: plan, outer_ref_columns, spans: subquery.spans.clone() }))
}

static OR_NULL: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    let signature = Signature::any(1, Volatility::Immutable);
    Arc::new(ScalarUDF::new_from_impl(OrNull { signature }))
});

/// Its argument, of which nothing is known.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OrNull {
    signature: Signature,
}

impl ScalarUDFImpl for OrNull {
    fn name(&self) -> &str {
        "or_null"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("or_null has the type of a field")
    }

    fn return_field_from_args(&self, call: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match call.arg_fields {
            [field] => Ok(Arc::new(field.as_ref().clone().with_nullable(true))),
            _ => internal_err!("or_null takes one argument"),
        }
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match call.args.into_iter().next() {
            Some(value) => Ok(value),
            None => internal_err!("or_null takes one argument"),
        }
    }
}
