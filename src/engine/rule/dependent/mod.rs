//! Subqueries that use columns of the query around them, wherever PostgreSQL allows them, and EXISTS, IN, ANY
//! and ALL as values. What DataFusion can plan itself is left to it.
//!
//! DataFusion turns a subquery into a join when its conditions on the outer query can be pulled up: through
//! projections, filters and inner joins, and through one aggregate when they are equalities. Every other
//! subquery becomes a join here: `push` computes it for all the values it depends on at once.

mod attach;
mod outer_join;
mod push;
mod reference;

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, JoinType, NullEquality, Result, internal_err};
use datafusion::logical_expr::expr::InSubquery;
use datafusion::logical_expr::logical_plan::{Distinct, DistinctOn};
use datafusion::logical_expr::utils::{conjunction, split_conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Expr, ExprSchemable, Filter, Join, LogicalPlan, LogicalPlanBuilder,
    Operator, Projection, Sort, Union, Values, Window, lit,
};
use datafusion::optimizer::AnalyzerRule;

use super::lateral::is_lateral;
use attach::Attachment;
use outer_join::over_both_sides;
use push::{Domain, Names, Pushed, refused};
use reference::{expression_refers_to, refers_to};
pub use reference::{is_movable, references, subquery_of};

/// Runs before type coercion.
#[derive(Debug)]
pub struct DependentRule;

impl AnalyzerRule for DependentRule {
    fn name(&self) -> &str {
        "dependent_subqueries"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let names = Names::default();
        // From the outside in: what a subquery depends on becomes its own before its subqueries are looked at.
        plan.transform_down_with_subqueries(|node| unnested(node, &names)).map(|plan| plan.data)
    }
}

fn unnested(node: LogicalPlan, names: &Names) -> Result<Transformed<LogicalPlan>> {
    if let LogicalPlan::Join(join) = &node
        && join.right.exists(|inner| Ok(matches!(inner, LogicalPlan::Subquery(_))))?
    {
        let columns = references(&join.right, join.left.schema())?;
        if !columns.is_empty() {
            return lateral(join, columns, names);
        }
    }
    if !has_subquery(&node)? {
        return Ok(Transformed::no(node));
    }
    match node {
        LogicalPlan::Filter(filter) => in_filter(filter, names),
        LogicalPlan::Projection(projection) => in_projection(projection, names),
        LogicalPlan::Aggregate(aggregate) => in_aggregate(aggregate, names),
        LogicalPlan::Window(window) => in_window(window, names),
        LogicalPlan::Sort(sort) => in_sort(sort, names),
        LogicalPlan::Distinct(Distinct::On(distinct)) => in_distinct_on(distinct, names),
        LogicalPlan::Join(join) => in_join(join, names),
        LogicalPlan::Values(values) => in_values(values, names),
        other => Ok(Transformed::no(other)),
    }
}

fn has_subquery(node: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    node.apply_expressions(|expression| {
        found = found || expression.exists(|inner| Ok(subquery_of(inner).is_some()))?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// Where an expression stands, as far as DataFusion plans subqueries by it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// One of the conditions joined by AND of a filter.
    Condition,
    /// Inside such a condition.
    Filter,
    Projection,
    Elsewhere,
}

/// Whether a subquery has to become a join here.
fn is_ours(expression: &Expr, place: Place, outer: &DFSchema) -> Result<bool> {
    let Some(subquery) = subquery_of(expression) else { return Ok(false) };
    let plan = subquery.subquery.as_ref();
    let columns = references(plan, outer)?;
    let is_free = columns.is_empty();
    Ok(match (expression, place) {
        (Expr::ScalarSubquery(_), Place::Elsewhere) => !is_free,
        (Expr::ScalarSubquery(_), _) => !is_free && !aggregate_pulls_up(plan, &columns)?,
        (Expr::Exists(_), Place::Condition | Place::Filter) => {
            !is_free && !pulls_up(plan, &columns)?
        }
        (Expr::InSubquery(InSubquery { negated: false, .. }), Place::Condition) => {
            !is_free && !pulls_up(plan, &columns)?
        }
        (Expr::InSubquery(InSubquery { negated: true, .. }), Place::Condition) => !is_free,
        _ => true,
    })
}

/// Whether the conditions of a subquery on `columns` of the outer query can be pulled up out of it.
fn pulls_up(plan: &LogicalPlan, columns: &[Column]) -> Result<bool> {
    if !refers_to(plan, columns)? {
        return Ok(true);
    }
    match plan {
        // A subquery in what it computes becomes a join below it, and nothing is pulled up through that.
        LogicalPlan::Projection(projection) => Ok(!has_subquery(plan)?
            && !any_refers_to(&projection.expr, columns, projection.input.schema())?
            && pulls_up(&projection.input, columns)?),
        LogicalPlan::Filter(filter) => {
            Ok(!is_nested(&filter.predicate, columns)? && pulls_up(&filter.input, columns)?)
        }
        LogicalPlan::Join(join)
            if join.join_type == JoinType::Inner && !is_lateral(&join.right) =>
        {
            let on = join.on.iter().flat_map(|(left, right)| [left, right]);
            Ok(!any_refers_to(on.chain(&join.filter), columns, &join.schema)?
                && pulls_up(&join.left, columns)?
                && pulls_up(&join.right, columns)?)
        }
        _ => Ok(false),
    }
}

fn any_refers_to<'e>(
    expressions: impl IntoIterator<Item = &'e Expr>,
    columns: &[Column],
    below: &DFSchema,
) -> Result<bool> {
    for expression in expressions {
        if expression_refers_to(expression, columns, below)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a subquery inside the condition uses the columns.
fn is_nested(condition: &Expr, columns: &[Column]) -> Result<bool> {
    let mut nested = false;
    condition.apply(|inner| {
        if let Some(subquery) = subquery_of(inner) {
            nested = nested || refers_to(&subquery.subquery, columns)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(nested)
}

/// Whether a subquery gives an aggregate over what equalities choose.
fn aggregate_pulls_up(plan: &LogicalPlan, columns: &[Column]) -> Result<bool> {
    match plan {
        LogicalPlan::SubqueryAlias(alias) => aggregate_pulls_up(&alias.input, columns),
        LogicalPlan::Projection(projection) => Ok(!has_subquery(plan)?
            && !any_refers_to(&projection.expr, columns, projection.input.schema())?
            && aggregate_pulls_up(&projection.input, columns)?),
        LogicalPlan::Aggregate(aggregate) if aggregate.group_expr.is_empty() => {
            Ok(!has_subquery(plan)?
                && !any_refers_to(&aggregate.aggr_expr, columns, aggregate.input.schema())?
                && pulls_up(&aggregate.input, columns)?
                && has_equalities_only(&aggregate.input, columns)?)
        }
        _ => Ok(false),
    }
}

fn has_equalities_only(plan: &LogicalPlan, columns: &[Column]) -> Result<bool> {
    let mut holds = true;
    plan.apply(|node| {
        if let LogicalPlan::Filter(filter) = node {
            holds = holds
                && split_conjunction(&filter.predicate).into_iter().all(|condition| {
                    !condition.contains_outer() || is_equality_with_outer(condition, columns)
                });
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(holds)
}

fn is_equality_with_outer(condition: &Expr, columns: &[Column]) -> bool {
    let is_outer = |side: &Expr| matches!(side, Expr::OuterReferenceColumn(_, column) if columns.contains(column));
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            (is_outer(left) && matches!(right.as_ref(), Expr::Column(_)))
                || (is_outer(right) && matches!(left.as_ref(), Expr::Column(_)))
        }
        _ => false,
    }
}

/// The plan with nothing but the columns that it had before it grew.
fn restored(plan: LogicalPlan, schema: &DFSchema) -> Result<LogicalPlan> {
    let columns = schema.columns();
    if plan.schema().fields().len() == columns.len() {
        return Ok(plan);
    }
    LogicalPlanBuilder::from(plan).project(columns.into_iter().map(Expr::Column))?.build()
}

/// The first columns of a plan, under the names of `schema`.
fn renamed(plan: LogicalPlan, columns: Vec<Column>, schema: &DFSchema) -> Result<LogicalPlan> {
    let named =
        schema.columns().into_iter().zip(columns).map(|(column, own)| match own == column {
            true => Expr::Column(own),
            false => Expr::Column(own).alias_qualified(column.relation, column.name),
        });
    LogicalPlanBuilder::from(plan).project(named)?.build()
}

fn in_filter(filter: Filter, names: &Names) -> Result<Transformed<LogicalPlan>> {
    let schema = Arc::clone(filter.input.schema());
    let mut attachment = Attachment::new(Arc::unwrap_or_clone(filter.input), names);
    let mut changed = false;
    let mut conditions = Vec::new();
    for condition in split_conjunction_owned(filter.predicate) {
        let alone = match &condition {
            Expr::Not(inner) => inner.as_ref(),
            condition => condition,
        };
        let is_alone = matches!(alone, Expr::Exists(_) | Expr::InSubquery(_));
        let place = if is_alone { Place::Condition } else { Place::Filter };
        let chosen = |inner: &Expr| is_ours(inner, place, &schema);
        let ours = condition.exists(chosen)?;
        changed |= ours;
        conditions.push(match condition {
            Expr::InSubquery(InSubquery { expr, subquery, negated: false }) if ours => {
                let value = attachment.expression(*expr, &chosen)?;
                attachment.condition_in(value, &subquery.subquery)?
            }
            condition if ours => attachment.expression(condition, &chosen)?,
            condition => condition,
        });
    }
    let predicate = conjunction(conditions).unwrap_or_else(|| lit(true));
    let filter = LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(attachment.plan))?);
    Ok(Transformed::new(restored(filter, &schema)?, changed, TreeNodeRecursion::Continue))
}

fn in_projection(projection: Projection, names: &Names) -> Result<Transformed<LogicalPlan>> {
    let below = Arc::clone(projection.input.schema());
    let chosen = |inner: &Expr| is_ours(inner, Place::Projection, &below);
    if !any_ours(&projection.expr, &chosen)? {
        return Ok(Transformed::no(LogicalPlan::Projection(projection)));
    }
    let mut attachment = Attachment::new(Arc::unwrap_or_clone(projection.input), names);
    let columns = projection.schema.columns().into_iter().zip(projection.expr);
    let columns = columns.map(|(column, expression)| {
        let attached = attachment.expression(expression, &chosen)?;
        Ok(match attached {
            Expr::Column(same) if same == column => Expr::Column(same),
            other => other.alias_qualified(column.relation, column.name),
        })
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    LogicalPlanBuilder::from(attachment.plan).project(columns)?.build().map(Transformed::yes)
}

/// VALUES with subqueries: each row is a query of its own, since DataFusion computes VALUES without a plan below.
fn in_values(values: Values, names: &Names) -> Result<Transformed<LogicalPlan>> {
    let mut rows = Vec::with_capacity(values.values.len());
    for row in values.values {
        let named = row.into_iter().zip(values.schema.fields());
        let columns = named.map(|(value, field)| {
            let cast = value.cast_to(field.data_type(), &DFSchema::empty())?;
            Ok(cast.alias(field.name()))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let one = LogicalPlanBuilder::empty(true).project(columns)?.build()?;
        rows.push(Arc::new(unnested(one, names)?.data));
    }
    let plan = match rows.len() {
        1 => rows.into_iter().next().map(Arc::unwrap_or_clone),
        _ => Some(LogicalPlan::Union(Union::try_new(rows)?)),
    };
    match plan {
        Some(plan) => Ok(Transformed::yes(plan)),
        None => internal_err!("VALUES without rows"),
    }
}

fn any_ours(expressions: &[Expr], chosen: &dyn Fn(&Expr) -> Result<bool>) -> Result<bool> {
    for expression in expressions {
        if expression.exists(chosen)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn in_aggregate(aggregate: Aggregate, names: &Names) -> Result<Transformed<LogicalPlan>> {
    let below = Arc::clone(aggregate.input.schema());
    let chosen = |inner: &Expr| is_ours(inner, Place::Elsewhere, &below);
    if !any_ours(&aggregate.group_expr, &chosen)? && !any_ours(&aggregate.aggr_expr, &chosen)? {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    let mut attachment = Attachment::new(Arc::unwrap_or_clone(aggregate.input), names);
    let groups = attachment.expressions(aggregate.group_expr, &chosen)?;
    let calls = attachment.expressions(aggregate.aggr_expr, &chosen)?;
    let plan = Aggregate::try_new(Arc::new(attachment.plan), groups, calls)?;
    let columns = plan.schema.columns();
    renamed(LogicalPlan::Aggregate(plan), columns, &aggregate.schema).map(Transformed::yes)
}

fn in_window(window: Window, names: &Names) -> Result<Transformed<LogicalPlan>> {
    let below = Arc::clone(window.input.schema());
    let chosen = |inner: &Expr| is_ours(inner, Place::Elsewhere, &below);
    if !any_ours(&window.window_expr, &chosen)? {
        return Ok(Transformed::no(LogicalPlan::Window(window)));
    }
    let mut attachment = Attachment::new(Arc::unwrap_or_clone(window.input), names);
    let calls = attachment.expressions(window.window_expr, &chosen)?;
    let width = attachment.plan.schema().fields().len();
    let plan = Window::try_new(calls, Arc::new(attachment.plan))?;
    let results = plan.schema.columns().into_iter().skip(width);
    let columns = below.columns().into_iter().chain(results).collect();
    renamed(LogicalPlan::Window(plan), columns, &window.schema).map(Transformed::yes)
}

fn in_distinct_on(distinct: DistinctOn, names: &Names) -> Result<Transformed<LogicalPlan>> {
    let below = Arc::clone(distinct.input.schema());
    let chosen = |inner: &Expr| is_ours(inner, Place::Elsewhere, &below);
    let mut attachment = Attachment::new(Arc::unwrap_or_clone(distinct.input), names);
    let on = attachment.expressions(distinct.on_expr, &chosen)?;
    let select = attachment.expressions(distinct.select_expr, &chosen)?;
    let order = distinct.sort_expr.map(|keys| attachment.order(keys, &chosen)).transpose()?;
    let plan = LogicalPlanBuilder::from(attachment.plan).distinct_on(on, select, order)?.build()?;
    let columns = plan.schema().columns();
    renamed(plan, columns, &distinct.schema).map(Transformed::yes)
}

fn in_sort(sort: Sort, names: &Names) -> Result<Transformed<LogicalPlan>> {
    let below = Arc::clone(sort.input.schema());
    let chosen = |inner: &Expr| is_ours(inner, Place::Elsewhere, &below);
    let mut attachment = Attachment::new(Arc::unwrap_or_clone(sort.input), names);
    let expr = attachment.order(sort.expr, &chosen)?;
    let sorted = Sort { expr, input: Arc::new(attachment.plan), fetch: sort.fetch };
    restored(LogicalPlan::Sort(sorted), &below).map(Transformed::yes)
}

/// Subqueries in the condition of a join: those of an inner join filter its rows, others belong to the one
/// side that they use.
fn in_join(join: Join, names: &Names) -> Result<Transformed<LogicalPlan>> {
    let Some(condition) = join.filter.clone() else {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    };
    let chosen = |inner: &Expr| is_ours(inner, Place::Elsewhere, &join.schema);
    if !condition.exists(chosen)? {
        return Ok(Transformed::no(LogicalPlan::Join(join)));
    }
    let schema = Arc::clone(&join.schema);
    if join.join_type == JoinType::Inner {
        let joined = LogicalPlan::Join(Join { filter: None, ..join });
        let filter = Filter::try_new(condition, Arc::new(joined))?;
        return in_filter(filter, names);
    }
    let (mut left, mut right) = (
        Attachment::new(join.left.as_ref().clone(), names),
        Attachment::new(join.right.as_ref().clone(), names),
    );
    let of_left =
        |inner: &Expr| Ok(chosen(inner)? && stands_on(inner, join.left.schema(), &schema)?);
    let of_right =
        |inner: &Expr| Ok(chosen(inner)? && stands_on(inner, join.right.schema(), &schema)?);
    let condition = left.expression(condition, &of_left)?;
    let condition = right.expression(condition, &of_right)?;
    if condition.exists(chosen)? {
        let joined = over_both_sides(&join, condition, (left.plan, right.plan), names)?;
        return renamed(joined, schema.columns(), &schema).map(Transformed::yes);
    }
    let joined = Join::try_new(
        Arc::new(left.plan),
        Arc::new(right.plan),
        join.on,
        Some(condition),
        join.join_type,
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?;
    let columns = schema.columns();
    renamed(LogicalPlan::Join(joined), columns, &schema).map(Transformed::yes)
}

/// Whether a subquery, and what it is compared with, use columns of one side of a join alone.
fn stands_on(expression: &Expr, side: &DFSchema, both: &DFSchema) -> Result<bool> {
    let Some(subquery) = subquery_of(expression) else { return Ok(false) };
    let columns = references(&subquery.subquery, both)?;
    let compared = expression.column_refs();
    Ok(columns.iter().chain(compared).all(|column| side.has_column(column)))
}

/// `LATERAL` over something that reads relations.
fn lateral(join: &Join, columns: Vec<Column>, names: &Names) -> Result<Transformed<LogicalPlan>> {
    let is_plain = match join.right.as_ref() {
        LogicalPlan::Subquery(subquery) => pulls_up(&subquery.subquery, &columns)?,
        LogicalPlan::SubqueryAlias(alias) => match alias.input.as_ref() {
            LogicalPlan::Subquery(subquery) => pulls_up(&subquery.subquery, &columns)?,
            _ => false,
        },
        _ => false,
    };
    if is_plain {
        return Ok(Transformed::no(LogicalPlan::Join(join.clone())));
    }
    if !matches!(join.join_type, JoinType::Inner | JoinType::Left) {
        return Err(refused("RIGHT or FULL JOIN LATERAL"));
    }
    let Pushed { plan, values } =
        Domain::new(&join.left, columns.clone(), names).push(&join.right)?;
    let keys = columns.into_iter().zip(values);
    let keys = keys.map(|(column, value)| (Expr::Column(column), Expr::Column(value)));
    let compared = join.on.iter().map(|(left, right)| left.clone().eq(right.clone()));
    let filter = conjunction(compared.chain(join.filter.clone()));
    let joined = Join::try_new(
        Arc::clone(&join.left),
        Arc::new(plan),
        keys.collect(),
        filter,
        join.join_type,
        join.join_constraint,
        NullEquality::NullEqualsNull,
        false,
    )?;
    restored(LogicalPlan::Join(joined), &join.schema).map(Transformed::yes)
}
