//! A subquery in an expression as a column of a join: its value, whether it has a row, whether it has a value
//! that compares so. It decides nothing about which subqueries become joins.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, ExprSchema, JoinType, Result, internal_err};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::{
    Case, Exists, InSubquery, SetComparison, SetQuantifier, Sort as SortExpr,
};
use datafusion::logical_expr::logical_plan::{FetchType, SkipType, Subquery};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr, lit, when,
};
use datafusion::prelude::not;
use datafusion::scalar::ScalarValue;

use crate::engine::function::at_most_one_row;

use super::push::{Domain, Names, Pushed, is_work_table, join_on_values};
use super::reference::{is_movable, references};

/// A plan that grows by the columns which subqueries in expressions over it become.
pub struct Attachment<'a> {
    pub plan: LogicalPlan,
    /// The plan without the subqueries, to take values from: with them it would double for each.
    base: LogicalPlan,
    /// What is true of the rows that the expression at hand is for.
    guards: Vec<Expr>,
    names: &'a Names,
}

impl<'a> Attachment<'a> {
    pub fn new(plan: LogicalPlan, names: &'a Names) -> Self {
        Attachment { base: plan.clone(), plan, guards: Vec::new(), names }
    }

    /// The expression with columns in the place of the subqueries that `chosen` wants.
    pub fn expression(
        &mut self,
        expression: Expr,
        chosen: &dyn Fn(&Expr) -> Result<bool>,
    ) -> Result<Expr> {
        let attached = expression.transform_down(|inner| {
            let column = match inner {
                Expr::Case(case) => Expr::Case(self.branches(case, chosen)?),
                inner if !chosen(&inner)? => return Ok(Transformed::no(inner)),
                Expr::ScalarSubquery(subquery) => self.value(&subquery)?,
                Expr::Exists(Exists { subquery, negated }) => {
                    let exists = self.exists(&subquery.subquery)?;
                    if negated { not(exists) } else { exists }
                }
                Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
                    let value = self.expression(*expr, chosen)?;
                    let is_in = self.membership(value, &subquery.subquery)?;
                    if negated { not(is_in) } else { is_in }
                }
                Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => {
                    let expr = Box::new(self.expression(*expr, chosen)?);
                    self.comparison(SetComparison { expr, subquery, op, quantifier })?
                }
                other => return internal_err!("{other} is no subquery"),
            };
            Ok(Transformed::new(column, true, TreeNodeRecursion::Jump))
        });
        attached.map(|attached| attached.data)
    }

    /// A subquery in a branch is computed for the rows that take the branch: elsewhere it may fail.
    fn branches(&mut self, case: Case, chosen: &dyn Fn(&Expr) -> Result<bool>) -> Result<Case> {
        let outside = self.guards.len();
        let operand = match case.expr {
            Some(operand) => Some(Box::new(self.expression(*operand, chosen)?)),
            None => None,
        };
        let mut branches = Vec::with_capacity(case.when_then_expr.len());
        for (when, then) in case.when_then_expr {
            let when = self.expression(*when, chosen)?;
            let condition = match &operand {
                Some(operand) => operand.as_ref().clone().eq(when.clone()),
                None => when.clone(),
            };
            self.guards.push(condition.clone());
            let then = self.expression(*then, chosen)?;
            self.guards.pop();
            self.guards.push(condition.is_not_true());
            branches.push((Box::new(when), Box::new(then)));
        }
        let otherwise = match case.else_expr {
            Some(otherwise) => Some(Box::new(self.expression(*otherwise, chosen)?)),
            None => None,
        };
        self.guards.truncate(outside);
        Ok(Case { expr: operand, when_then_expr: branches, else_expr: otherwise })
    }

    pub fn expressions(
        &mut self,
        expressions: Vec<Expr>,
        chosen: &dyn Fn(&Expr) -> Result<bool>,
    ) -> Result<Vec<Expr>> {
        expressions.into_iter().map(|one| self.expression(one, chosen)).collect()
    }

    /// The keys of an order.
    pub fn order(
        &mut self,
        keys: Vec<SortExpr>,
        chosen: &dyn Fn(&Expr) -> Result<bool>,
    ) -> Result<Vec<SortExpr>> {
        let keys = keys.into_iter().map(|SortExpr { expr, asc, nulls_first }| {
            Ok(SortExpr { expr: self.expression(expr, chosen)?, asc, nulls_first })
        });
        keys.collect()
    }

    /// `value IN (subquery)` as a condition, where NULL is as good as false.
    pub fn condition_in(&mut self, value: Expr, subquery: &LogicalPlan) -> Result<Expr> {
        let value = self.as_column(value)?;
        self.has_row_where(subquery, &value, |value, column| value.eq(column))
    }

    fn value(&mut self, subquery: &Subquery) -> Result<Expr> {
        let plan = subquery.subquery.as_ref();
        let columns = references(plan, self.plan.schema())?;
        let Some(value) = plan.schema().columns().into_iter().next() else {
            return internal_err!("a scalar subquery without a column");
        };
        let has_one_row = plan.max_rows().is_some_and(|rows| rows <= 1);
        let Pushed { mut plan, values } =
            Domain::new(&self.source(&columns)?, columns.clone(), self.names).push(plan)?;
        if !has_one_row {
            let kept = values.iter().cloned().map(Expr::Column).collect();
            let number = row_number().partition_by(kept).build()?;
            let place = Expr::Column(Column::new_unqualified(number.schema_name().to_string()));
            plan = LogicalPlanBuilder::from(plan)
                .window([number])?
                .filter(at_most_one_row(place))?
                .build()?;
        }
        self.join(plan, &columns, &values, Expr::Column(value))
    }

    fn exists(&mut self, plan: &LogicalPlan) -> Result<Expr> {
        let plan = without_limit(plan)?;
        let columns = references(plan, self.plan.schema())?;
        if columns.is_empty() {
            return has_row(plan.clone());
        }
        let Pushed { plan, values } =
            Domain::new(&self.source(&columns)?, columns.clone(), self.names).push(plan)?;
        self.join_present(plan, &columns, &values)
    }

    /// Whether the subquery has a row for which `holds`, of a value and the subquery's column, is true.
    fn has_row_where(
        &mut self,
        plan: &LogicalPlan,
        value: &Column,
        holds: impl FnOnce(Expr, Expr) -> Expr,
    ) -> Result<Expr> {
        let compared = first_column(plan)?;
        let mut columns = references(plan, self.plan.schema())?;
        let place = columns.iter().position(|column| column == value).unwrap_or(columns.len());
        if place == columns.len() {
            columns.push(value.clone());
        }
        let Pushed { plan, values } =
            Domain::new(&self.source(&columns)?, columns.clone(), self.names).push(plan)?;
        let Some(value) = values.get(place).cloned() else {
            return internal_err!("a domain without the compared value");
        };
        let condition = holds(Expr::Column(value), Expr::Column(compared));
        let plan = LogicalPlanBuilder::from(plan).filter(condition)?.build()?;
        self.join_present(plan, &columns, &values)
    }

    fn membership(&mut self, value: Expr, plan: &LogicalPlan) -> Result<Expr> {
        let value = self.as_column(value)?;
        let is_in = self.has_row_where(plan, &value, |value, column| value.eq(column))?;
        let mut answer = when(is_in, lit(true));
        let unknown = || Expr::Literal(ScalarValue::Boolean(None), None);
        if self.plan.schema().nullable(&value)? {
            let compares_with_something = self.exists(plan)?;
            let nothing = Expr::Column(value).is_null().and(compares_with_something);
            answer = answer.when(nothing, unknown());
        }
        let compared = first_column(plan)?;
        if plan.schema().nullable(&compared)? {
            let nulls = LogicalPlanBuilder::from(plan.clone());
            let nulls = nulls.filter(Expr::Column(compared).is_null())?.build()?;
            answer = answer.when(self.exists(&nulls)?, unknown());
        }
        answer.otherwise(lit(false))
    }

    fn comparison(&mut self, comparison: SetComparison) -> Result<Expr> {
        let SetComparison { expr, subquery, op, quantifier } = comparison;
        let value = self.as_column(*expr)?;
        let plan = subquery.subquery.as_ref();
        let compare = |value, column| binary_expr(value, op, column);
        let decided = self.has_row_where(plan, &value, |value, column| match quantifier {
            SetQuantifier::Any => compare(value, column).is_true(),
            SetQuantifier::All => compare(value, column).is_false(),
        })?;
        let unknown =
            self.has_row_where(plan, &value, |value, column| compare(value, column).is_null())?;
        let decides = quantifier == SetQuantifier::Any;
        when(decided, lit(decides))
            .when(unknown, Expr::Literal(ScalarValue::Boolean(None), None))
            .otherwise(lit(!decides))
    }

    /// The value as a column of the plan.
    fn as_column(&mut self, value: Expr) -> Result<Column> {
        if let Expr::Column(column) = value {
            return Ok(column);
        }
        let name = self.names.next("compared");
        let with_value = |plan: &LogicalPlan| {
            let columns = plan.schema().columns().into_iter().map(Expr::Column);
            let columns = columns.chain([value.clone().alias(&name)]);
            LogicalPlanBuilder::from(plan.clone()).project(columns)?.build()
        };
        self.plan = with_value(&self.plan)?;
        if value.column_refs().into_iter().all(|column| self.base.schema().has_column(column)) {
            self.base = with_value(&self.base)?;
        }
        Ok(Column::new_unqualified(name))
    }

    /// The smallest plan that has the columns, of the rows that the subquery is for as far as it can tell.
    fn source(&self, columns: &[Column]) -> Result<LogicalPlan> {
        let schema = self.base.schema();
        let plan = match columns.iter().all(|column| schema.has_column(column)) {
            true => &self.base,
            false => &self.plan,
        };
        let plan = without_work_table(plan, columns)?;
        let can_tell = |guard: &&Expr| {
            is_movable(guard)
                && guard.column_refs().into_iter().all(|column| plan.schema().has_column(column))
        };
        let guards = self.guards.iter().filter(can_tell).cloned();
        let source = LogicalPlanBuilder::from(plan.clone());
        match conjunction(guards) {
            Some(guard) => source.filter(guard)?.build(),
            None => source.build(),
        }
    }

    fn join_present(
        &mut self,
        plan: LogicalPlan,
        columns: &[Column],
        values: &[Column],
    ) -> Result<Expr> {
        let kept = values.iter().cloned().map(Expr::Column);
        let plan = LogicalPlanBuilder::from(plan).project(kept)?.distinct()?.build()?;
        Ok(self.join(plan, columns, values, lit(true))?.is_not_null())
    }

    /// Joins a subquery where its values are those of the plan's columns, and gives the column that `value`
    /// of it becomes.
    fn join(
        &mut self,
        plan: LogicalPlan,
        columns: &[Column],
        values: &[Column],
        value: Expr,
    ) -> Result<Expr> {
        let name = self.names.next("subquery");
        let kept = values.iter().cloned().map(Expr::Column).chain([value.alias(&name)]);
        let right = LogicalPlanBuilder::from(plan).project(kept)?.build()?;
        self.plan = join_on_values(self.plan.clone(), columns, right, values, JoinType::Left)?;
        Ok(Expr::Column(Column::new_unqualified(name)))
    }
}

/// A part of the plan that has the columns, too, and does not read what the last step of a recursive query has
/// given: that can be read once only. What joins and conditions take away, it may have; the whole plan, where
/// there is no such part.
fn without_work_table<'p>(plan: &'p LogicalPlan, columns: &[Column]) -> Result<&'p LogicalPlan> {
    let reads = |plan: &LogicalPlan| plan.exists(|node| Ok(is_work_table(node)));
    let mut part = plan;
    while reads(part)? {
        let inputs: &[&LogicalPlan] = match part {
            LogicalPlan::Filter(filter) => &[&filter.input],
            // A side that is filled up with NULL lacks the NULL.
            LogicalPlan::Join(join) => match join.join_type {
                JoinType::Inner => &[&join.left, &join.right],
                JoinType::Left => &[&join.left],
                JoinType::Right => &[&join.right],
                _ => &[],
            },
            _ => &[],
        };
        let has_columns =
            |input: &&&LogicalPlan| columns.iter().all(|column| input.schema().has_column(column));
        match inputs.iter().find(has_columns) {
            Some(below) => part = below,
            None => return Ok(plan),
        }
    }
    Ok(part)
}

/// Whether a subquery that depends on nothing has a row.
fn has_row(plan: LogicalPlan) -> Result<Expr> {
    let rows = count(lit(1_i64));
    let name = Column::new_unqualified(rows.schema_name().to_string());
    let plan = LogicalPlanBuilder::from(plan)
        .limit(0, Some(1))?
        .aggregate(Vec::<Expr>::new(), [rows])?
        .project([binary_expr(Expr::Column(name), Operator::Gt, lit(0_i64)).alias("has_row")])?
        .build()?;
    Ok(Expr::ScalarSubquery(Subquery {
        subquery: std::sync::Arc::new(plan),
        outer_ref_columns: Vec::new(),
        spans: Default::default(),
    }))
}

fn first_column(plan: &LogicalPlan) -> Result<Column> {
    match plan.schema().columns().into_iter().next() {
        Some(column) => Ok(column),
        None => internal_err!("a subquery without a column to compare with"),
    }
}

/// What a limit stands over, where it is no matter whether more rows come.
fn without_limit(plan: &LogicalPlan) -> Result<&LogicalPlan> {
    let LogicalPlan::Limit(limit) = plan else { return Ok(plan) };
    match (limit.get_skip_type()?, limit.get_fetch_type()?) {
        (SkipType::Literal(0), FetchType::Literal(Some(1..) | None)) => Ok(&limit.input),
        _ => Ok(plan),
    }
}
