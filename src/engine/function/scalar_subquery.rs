//! Correlated scalar subqueries without an aggregate: `(SELECT d.x FROM d WHERE d.id = a.id)` in a select list
//! or condition. DataFusion plans one only where it can prove a single row; PostgreSQL counts rows when it
//! runs. Here such a subquery becomes a left join, and a check that no outer row found two partners.
//!
//! Subqueries that DataFusion can prove, and those without correlation, are left to it.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, JoinType, Result};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, Filter, LogicalPlan, LogicalPlanBuilder, Projection, Volatility, lit,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::decorrelate::PullUpCorrelatedExpr;

use crate::base::{Error, ErrorKind};

use crate::engine::rule::{pulls_up, references};

use super::define::{AN_INT8, BOOL, Function, PostgresFunction, number};

/// Turns correlated scalar subqueries into joins. Runs before DataFusion's type coercion.
#[derive(Debug)]
pub struct ScalarSubqueryRule;

/// Raises an error for the second partner of a row.
static AT_MOST_ONE_ROW: Function = Function {
    // What it refuses depends on its input alone, but it has to be asked.
    volatility: Volatility::Volatile,
    ..Function::immutable("at_most_one_row", &[AN_INT8], BOOL, |_, arguments| {
        match number(arguments, 0) {
            1 => Ok(true.into()),
            _ => Err(Error::new(
                ErrorKind::CardinalityViolation,
                "more than one row returned by a subquery used as an expression",
            )),
        }
    })
};

/// A condition that refuses every number but 1: of the rows of a scalar subquery.
pub fn at_most_one_row(number: Expr) -> Expr {
    let check = PostgresFunction::udf(&AT_MOST_ONE_ROW);
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&check), vec![number]))
}

/// Identifies the rows of the outer plan.
const OUTER_ROW: &str = "__outer_row";

impl AnalyzerRule for ScalarSubqueryRule {
    fn name(&self) -> &str {
        "correlated_scalar_subqueries"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(rewrite_node).map(|rewritten| rewritten.data)
    }
}

fn rewrite_node(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match &plan {
        LogicalPlan::Projection(Projection { expr, input, .. }) => {
            let Some((joined, columns)) = join_subqueries(expr, input)? else {
                return Ok(Transformed::no(plan));
            };
            let names = expr.iter().map(|expression| expression.schema_name().to_string());
            let columns = columns.into_iter().zip(names).map(|(column, name)| {
                if column.schema_name().to_string() == name { column } else { column.alias(name) }
            });
            LogicalPlanBuilder::from(joined).project(columns)?.build().map(Transformed::yes)
        }
        LogicalPlan::Filter(Filter { predicate, input, .. }) => {
            let predicates = std::slice::from_ref(predicate);
            let Some((joined, predicates)) = join_subqueries(predicates, input)? else {
                return Ok(Transformed::no(plan));
            };
            let predicate = conjunction(predicates).unwrap_or_else(|| lit(true));
            let columns = input.schema().columns().into_iter().map(Expr::Column);
            let filtered = LogicalPlanBuilder::from(joined).filter(predicate)?;
            filtered.project(columns)?.build().map(Transformed::yes)
        }
        _ => Ok(Transformed::no(plan)),
    }
}

/// `input` joined with the subqueries of `expressions`, and the expressions over it; `None` where there is
/// nothing to do or one of them cannot be joined.
fn join_subqueries(
    expressions: &[Expr],
    input: &LogicalPlan,
) -> Result<Option<(LogicalPlan, Vec<Expr>)>> {
    let mut subqueries: Vec<Subquery> = Vec::new();
    for expression in expressions {
        expression.apply(|inner| {
            if let Expr::ScalarSubquery(subquery) = inner
                && is_unproven(subquery, input.schema())?
                && !subqueries.contains(subquery)
            {
                subqueries.push(subquery.clone());
            }
            Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
        })?;
    }
    if subqueries.is_empty() {
        return Ok(None);
    }
    let mut joined = with_row_numbers(input)?;
    let mut values = Vec::new();
    for (place, subquery) in subqueries.iter().enumerate() {
        match join_one(joined, subquery, place)? {
            Some((plan, value)) => {
                joined = plan;
                values.push(value);
            }
            None => return Ok(None),
        }
    }
    let joined = with_single_partners(joined)?;
    let replace = |expression: &Expr| {
        let replaced = expression.clone().transform_up(|inner| match &inner {
            Expr::ScalarSubquery(subquery) => {
                let place = subqueries.iter().position(|known| known == subquery);
                match place.and_then(|place| values.get(place)) {
                    Some(value) => Ok(Transformed::yes(Expr::Column(value.clone()))),
                    None => Ok(Transformed::no(inner)),
                }
            }
            _ => Ok(Transformed::no(inner)),
        });
        replaced.map(|replaced| replaced.data)
    };
    let replaced = expressions.iter().map(replace).collect::<Result<Vec<_>>>()?;
    Ok(Some((joined, replaced)))
}

/// Whether DataFusion would refuse it: correlated, and nothing in its form says that it gives one row.
fn is_unproven(subquery: &Subquery, outer: &DFSchema) -> Result<bool> {
    let plan = subquery.subquery.as_ref();
    Ok(!subquery.outer_ref_columns.is_empty()
        && !is_aggregated(plan)
        && plan.max_rows().is_none_or(|rows| rows > 1)
        && pulls_up(plan, &references(plan, outer)?)?)
}

fn is_aggregated(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(_) => true,
        LogicalPlan::Projection(projection) => is_aggregated(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => is_aggregated(&alias.input),
        LogicalPlan::Filter(filter) => is_aggregated(&filter.input),
        _ => false,
    }
}

fn with_row_numbers(input: &LogicalPlan) -> Result<LogicalPlan> {
    let number = row_number();
    let name = number.schema_name().to_string();
    let columns = input.schema().columns().into_iter().map(Expr::Column);
    let columns = columns.chain([Expr::Column(Column::new_unqualified(name)).alias(OUTER_ROW)]);
    LogicalPlanBuilder::from(input.clone()).window([number])?.project(columns)?.build()
}

/// The outer plan joined with one subquery, and the column that has its value.
fn join_one(
    outer: LogicalPlan,
    subquery: &Subquery,
    place: usize,
) -> Result<Option<(LogicalPlan, Column)>> {
    let mut pull_up = PullUpCorrelatedExpr::new();
    let inner = subquery.subquery.as_ref().clone().rewrite(&mut pull_up)?.data;
    if !pull_up.can_pull_up {
        return Ok(None);
    }
    // Names of its own for every column: two relations inside may each have an `oid`.
    let columns = inner.schema().columns();
    let renamed: HashMap<Column, Column> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            (column.clone(), Column::new_unqualified(format!("__subquery_{place}_{index}")))
        })
        .collect();
    let Some(value) = columns.first().and_then(|first| renamed.get(first)).cloned() else {
        return Ok(None);
    };
    let projected = columns.iter().filter_map(|column| {
        let name = &renamed.get(column)?.name;
        Some(Expr::Column(column.clone()).alias(name))
    });
    let inner = LogicalPlanBuilder::from(inner).project(projected)?.build()?;
    let condition = conjunction(pull_up.join_filters).unwrap_or_else(|| lit(true));
    let condition = condition.transform_up(|expression| match &expression {
        Expr::Column(column) => match renamed.get(column) {
            Some(column) => Ok(Transformed::yes(Expr::Column(column.clone()))),
            None => Ok(Transformed::no(expression)),
        },
        _ => Ok(Transformed::no(expression)),
    })?;
    let joined =
        LogicalPlanBuilder::from(outer).join_on(inner, JoinType::Left, [condition.data])?;
    Ok(Some((joined.build()?, value)))
}

/// Refuses a plan in which an outer row stands twice.
fn with_single_partners(joined: LogicalPlan) -> Result<LogicalPlan> {
    let row = Expr::Column(Column::new_unqualified(OUTER_ROW));
    let partner = row_number().partition_by(vec![row]).build()?;
    let name = partner.schema_name().to_string();
    let check = at_most_one_row(Expr::Column(Column::new_unqualified(name)));
    LogicalPlanBuilder::from(joined).window([partner])?.filter(check)?.build()
}
