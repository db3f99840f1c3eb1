//! Derived tables whose columns are subqueries: `SELECT … FROM (SELECT a, (SELECT …) AS b FROM t) AS d WHERE a = 1`
//! computes `b` for the rows that are left, after the conditions and inner joins above that do not ask for it. The
//! subqueries themselves stay as they are.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, JoinType, Result};
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Expr, Filter, Join, LogicalPlan, LogicalPlanBuilder, Projection, SubqueryAlias,
};
use datafusion::optimizer::AnalyzerRule;

use super::dependent::{is_movable, references, subquery_of};

/// Runs before subqueries become joins.
#[derive(Debug)]
pub struct LateSubqueryRule;

impl AnalyzerRule for LateSubqueryRule {
    fn name(&self) -> &str {
        "late_subqueries"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let late = plan.transform_down_with_subqueries(|node| match node {
            LogicalPlan::Filter(filter) => raised(filter),
            other => Ok(Transformed::no(other)),
        });
        late.map(|late| late.data)
    }
}

/// The projections of derived tables under a filter, above it instead.
fn raised(filter: Filter) -> Result<Transformed<LogicalPlan>> {
    let unchanged = |filter| Ok(Transformed::no(LogicalPlan::Filter(filter)));
    let Some(Bare { plan, computed }) = bare(&filter.input)? else { return unchanged(filter) };
    let (early, late): (Vec<Expr>, Vec<Expr>) = split_conjunction_owned(filter.predicate.clone())
        .into_iter()
        .partition(|condition| is_at_hand(condition, &computed));
    let Some(early) = conjunction(early) else { return unchanged(filter) };
    let chosen = LogicalPlanBuilder::from(plan).filter(with_computed(early, &computed)?)?;
    let columns =
        filter.input.schema().columns().into_iter().map(|column| match computed.get(&column) {
            Some(value) => value.clone().alias_qualified(column.relation, column.name),
            None => Expr::Column(column),
        });
    let mut plan = chosen.project(columns)?.build()?;
    if let Some(late) = conjunction(late) {
        plan = LogicalPlan::Filter(Filter::try_new(late, Arc::new(plan))?);
    }
    Ok(Transformed::yes(plan))
}

/// What relations read, with what computes the columns that they had of it.
struct Bare {
    plan: LogicalPlan,
    computed: HashMap<Column, Expr>,
}

/// `None` where nothing is computed by subqueries, or where it cannot wait.
fn bare(plan: &LogicalPlan) -> Result<Option<Bare>> {
    match plan {
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner && join.on.is_empty() => {
            bare_join(join)
        }
        LogicalPlan::SubqueryAlias(alias) => derived(alias),
        _ => Ok(None),
    }
}

fn bare_join(join: &Join) -> Result<Option<Bare>> {
    let sides = (bare(&join.left)?, bare(&join.right)?);
    if sides.0.is_none() && sides.1.is_none() {
        return Ok(None);
    }
    let as_it_is = |side: &LogicalPlan| Bare { plan: side.clone(), computed: HashMap::new() };
    let left = sides.0.unwrap_or_else(|| as_it_is(&join.left));
    let right = sides.1.unwrap_or_else(|| as_it_is(&join.right));
    let (of_left, of_right) = (left.plan.schema(), right.plan.schema());
    if clash(of_left, of_right)
        || clash(of_right, of_left)
        || captures(&left, of_right)?
        || captures(&right, of_left)?
    {
        return Ok(None);
    }
    let mut computed = left.computed;
    computed.extend(right.computed);
    let condition = match &join.filter {
        Some(condition) if !is_at_hand(condition, &computed) => return Ok(None),
        Some(condition) => Some(with_computed(condition.clone(), &computed)?),
        None => None,
    };
    let joined = Join::try_new(
        Arc::new(left.plan),
        Arc::new(right.plan),
        Vec::new(),
        condition,
        JoinType::Inner,
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?;
    Ok(Some(Bare { plan: LogicalPlan::Join(joined), computed }))
}

/// Whether a name of one side could mean a column of the other.
fn clash(one: &DFSchema, other: &DFSchema) -> bool {
    one.columns().into_iter().any(|column| {
        let name = Column::new_unqualified(&column.name);
        other.has_column(&column) || column.relation.is_none() && other.has_column(&name)
    })
}

/// Whether subqueries would take columns of the other side for those of a query around both.
fn captures(side: &Bare, other: &DFSchema) -> Result<bool> {
    for value in side.computed.values() {
        let mut found = false;
        value.apply(|inner| {
            if let Some(subquery) = subquery_of(inner) {
                found = found || !references(&subquery.subquery, other)?.is_empty();
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

fn derived(alias: &SubqueryAlias) -> Result<Option<Bare>> {
    let mut below = alias.input.as_ref();
    while let LogicalPlan::SubqueryAlias(inner) = below {
        below = inner.input.as_ref();
    }
    let LogicalPlan::Projection(Projection { expr, input, .. }) = below else { return Ok(None) };
    let depends = |value: &Expr| {
        value.exists(|inner| {
            Ok(subquery_of(inner).is_some_and(|subquery| !subquery.outer_ref_columns.is_empty()))
        })
    };
    let mut has_subquery = false;
    for value in expr {
        has_subquery |= depends(value)?;
    }
    if !has_subquery || expr.iter().any(Expr::is_volatile) {
        return Ok(None);
    }
    let values = expr.iter().cloned().map(Expr::unalias);
    let computed = alias.schema.columns().into_iter().zip(values).collect();
    Ok(Some(Bare { plan: input.as_ref().clone(), computed }))
}

/// Whether a condition names columns alone that are columns below, too, and has no subquery.
fn is_at_hand(condition: &Expr, computed: &HashMap<Column, Expr>) -> bool {
    let is_plain = |column: &&Column| {
        computed.get(column).is_none_or(|value| matches!(value, Expr::Column(_)))
    };
    is_movable(condition) && condition.column_refs().iter().all(is_plain)
}

fn with_computed(condition: Expr, computed: &HashMap<Column, Expr>) -> Result<Expr> {
    let replaced = condition.transform(|inner| {
        Ok(match &inner {
            Expr::Column(column) => match computed.get(column) {
                Some(value) => Transformed::new(value.clone(), true, TreeNodeRecursion::Jump),
                None => Transformed::no(inner),
            },
            _ => Transformed::no(inner),
        })
    })?;
    Ok(replaced.data)
}
