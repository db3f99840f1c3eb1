//! A subquery for every value of what it refers to at once: the distinct values are joined with what the
//! subquery reads, and everything above keeps them apart. After "Unnesting Arbitrary Queries" (Neumann and
//! Kemper, 2015). It knows no expression around the subquery.

use std::cell::Cell;
use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{
    Column, DFSchema, DFSchemaRef, DataFusionError, JoinType, NullEquality, Result, ScalarValue,
    internal_err,
};
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::{Sort as SortExpr, WindowFunction};
use datafusion::logical_expr::logical_plan::{Distinct, DistinctOn, SkipType, Union};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    Aggregate, Expr, ExprFunctionExt, ExprSchemable, Filter, GroupingSet, Join, Limit, LogicalPlan,
    LogicalPlanBuilder, Operator, RecursiveQuery, Sort, SubqueryAlias, TableScan, Values, Window,
    binary_expr, cast, lit, when,
};

use crate::base::Error;

use super::super::lateral::is_lateral;
use super::reference::{Renamed, at_hand, referring, refers_to};

/// The distinct values of some columns of a plan.
#[derive(Clone)]
pub struct Domain<'a> {
    plan: &'a LogicalPlan,
    columns: Vec<Column>,
    names: &'a Names,
    /// The work tables of the recursive queries around, whose rows carry the values already.
    carrying: Vec<WorkTable>,
}

/// Names that nothing else in a plan has.
#[derive(Debug, Default)]
pub struct Names(Cell<usize>);

impl Names {
    pub fn next(&self, what: &str) -> String {
        self.0.set(self.0.get() + 1);
        format!("__{what}_{}", self.0.get())
    }
}

const FUNCTION_IN_FROM: &str = "a function in FROM with arguments from the outer query";

/// What a recursive query reads of its last step, with the values of each row.
#[derive(Clone)]
struct WorkTable {
    /// The table's name in the subquery as it is written.
    replaced: String,
    name: String,
    values: Vec<Column>,
    /// Of the first step: the values, then its own columns.
    schema: DFSchemaRef,
}

/// Whether the node is what a recursive query reads of its last step.
pub fn is_work_table(plan: &LogicalPlan) -> bool {
    scans_work_table(plan, |_| true)
}

fn scans_work_table(plan: &LogicalPlan, wanted: impl Fn(&str) -> bool) -> bool {
    let LogicalPlan::TableScan(scan) = plan else { return false };
    let Ok(provider) = source_as_provider(&scan.source) else { return false };
    provider.downcast_ref::<CteWorkTable>().is_some_and(|table| wanted(table.name()))
}

impl WorkTable {
    fn is_scanned_by(&self, plan: &LogicalPlan) -> bool {
        scans_work_table(plan, |name| name == self.replaced)
    }

    fn scan(&self, replaced: &TableScan) -> Result<Pushed> {
        let values = self.schema.fields().iter().take(self.values.len());
        let values = values.map(|field| Arc::new(field.as_ref().clone().with_nullable(true)));
        let own = replaced.source.schema();
        let fields = values.chain(own.fields().iter().cloned());
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let source = provider_as_source(Arc::new(CteWorkTable::new(&self.name, schema)));
        let plan = LogicalPlanBuilder::scan(replaced.table_name.clone(), source, None)?.build()?;
        let columns = plan.schema().columns().into_iter();
        let values = columns.take(self.values.len()).collect();
        Ok(Pushed { plan, values })
    }
}

/// A plan whose rows carry the values they belong to, one column for each of the domain's.
pub struct Pushed {
    pub plan: LogicalPlan,
    pub values: Vec<Column>,
}

impl<'a> Domain<'a> {
    pub fn new(plan: &'a LogicalPlan, columns: Vec<Column>, names: &'a Names) -> Self {
        Domain { plan, columns, names, carrying: Vec::new() }
    }

    /// Whether the rows of `plan` differ from value to value.
    fn varies(&self, plan: &LogicalPlan, columns: &[Column]) -> Result<bool> {
        let scanned =
            |node: &LogicalPlan| Ok(self.carrying.iter().any(|table| table.is_scanned_by(node)));
        Ok(refers_to(plan, columns)? || (!self.carrying.is_empty() && plan.exists(scanned)?))
    }

    /// The values, under new names.
    pub fn instance(&self) -> Result<Pushed> {
        let values: Vec<Column> = self.new_names();
        let named = self.columns.iter().zip(&values);
        let named = named.map(|(column, new)| Expr::Column(column.clone()).alias(&new.name));
        let plan = LogicalPlanBuilder::from(self.plan.clone()).project(named)?.distinct()?;
        Ok(Pushed { plan: plan.build()?, values })
    }

    fn new_names(&self) -> Vec<Column> {
        let names = self.columns.iter().map(|_| self.names.next("outer"));
        names.map(Column::new_unqualified).collect()
    }

    fn renamed(&self, values: &[Column]) -> Renamed {
        self.columns.iter().cloned().zip(values.iter().cloned()).collect()
    }

    fn at_hand(&self, expression: &Expr, values: &[Column], below: &DFSchema) -> Result<Expr> {
        at_hand(expression.clone(), &self.renamed(values), below)
    }

    fn all_at_hand<'e>(
        &self,
        expressions: impl IntoIterator<Item = &'e Expr>,
        values: &[Column],
        below: &DFSchema,
    ) -> Result<Vec<Expr>> {
        expressions.into_iter().map(|one| self.at_hand(one, values, below)).collect()
    }

    /// The rows of `plan` for every value of the domain. Columns of `plan` keep their names.
    pub fn push(&self, plan: &LogicalPlan) -> Result<Pushed> {
        if !self.varies(plan, &self.columns)? {
            let Pushed { plan: instance, values } = self.instance()?;
            let plan = LogicalPlanBuilder::from(instance).cross_join(plan.clone())?.build()?;
            return Ok(Pushed { plan, values });
        }
        match plan {
            LogicalPlan::Projection(projection) => {
                let input = self.push(&projection.input)?;
                let below = projection.input.schema();
                let own = self.all_at_hand(&projection.expr, &input.values, below)?;
                self.projected(input, own, plan.schema())
            }
            LogicalPlan::SubqueryAlias(alias) => self.aliased(alias),
            LogicalPlan::Subquery(subquery) => self.push(&subquery.subquery),
            LogicalPlan::Filter(filter) => {
                let Pushed { plan, values } = self.push(&filter.input)?;
                let predicate = self.at_hand(&filter.predicate, &values, filter.input.schema())?;
                let plan = LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(plan))?);
                Ok(Pushed { plan, values })
            }
            LogicalPlan::Aggregate(aggregate) => self.aggregated(aggregate),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let Pushed { plan, values } = self.push(input)?;
                Ok(Pushed { plan: LogicalPlanBuilder::from(plan).distinct()?.build()?, values })
            }
            LogicalPlan::Distinct(Distinct::On(distinct)) => self.distinct_on(distinct),
            // Rows of one value need no order among those of others; a limit has looked below already.
            LogicalPlan::Sort(Sort { input, fetch: None, .. }) => self.push(input),
            LogicalPlan::Sort(Sort { expr, input, fetch: Some(fetch) }) => {
                let last = lit(i64::try_from(*fetch).unwrap_or(i64::MAX));
                let columns = input.schema().columns().into_iter().map(Expr::Column).collect();
                self.numbered(input, expr, columns, input.schema(), (lit(0_i64), Some(last)))
            }
            LogicalPlan::Limit(limit) => self.limited(limit),
            LogicalPlan::Window(window) => self.windowed(window),
            LogicalPlan::Join(join) => self.joined(join),
            LogicalPlan::Union(union) => self.united(union),
            LogicalPlan::Unnest(unnest) => {
                let Pushed { plan, values } = self.push(&unnest.input)?;
                let plan = LogicalPlanBuilder::from(plan)
                    .unnest_columns_with_options(
                        unnest.exec_columns.clone(),
                        unnest.options.clone(),
                    )?
                    .build()?;
                Ok(Pushed { plan, values })
            }
            LogicalPlan::Values(rows) => self.rows(rows),
            LogicalPlan::RecursiveQuery(query) => self.repeated(query),
            LogicalPlan::TableScan(scan) => {
                match self.carrying.iter().find(|table| table.is_scanned_by(plan)) {
                    Some(table) => table.scan(scan),
                    None => Err(refused(FUNCTION_IN_FROM)),
                }
            }
            LogicalPlan::Extension(_) => Err(refused(FUNCTION_IN_FROM)),
            LogicalPlan::EmptyRelation(_)
            | LogicalPlan::Repartition(_)
            | LogicalPlan::Statement(_)
            | LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::Dml(_)
            | LogicalPlan::Ddl(_)
            | LogicalPlan::Copy(_)
            | LogicalPlan::DescribeTable(_) => {
                internal_err!("a subquery with {}", plan.display())
            }
        }
    }

    /// A projection of `input` that gives the values and `own`, under the names of `schema`.
    fn projected(&self, input: Pushed, own: Vec<Expr>, schema: &DFSchema) -> Result<Pushed> {
        let Pushed { plan, values } = input;
        let named =
            schema.columns().into_iter().zip(own).map(|(column, expression)| match expression {
                Expr::Column(same) if same == column => Expr::Column(same),
                other => other.alias_qualified(column.relation, column.name),
            });
        let kept = values.iter().cloned().map(Expr::Column);
        let plan = LogicalPlanBuilder::from(plan).project(kept.chain(named))?.build()?;
        Ok(Pushed { plan, values })
    }

    fn aliased(&self, alias: &SubqueryAlias) -> Result<Pushed> {
        let input = self.push(&alias.input)?;
        let columns = alias.input.schema().columns().into_iter().map(Expr::Column).collect();
        self.projected(input, columns, &alias.schema)
    }

    fn aggregated(&self, aggregate: &Aggregate) -> Result<Pushed> {
        let below = aggregate.input.schema();
        let Pushed { plan, values } = self.push(&aggregate.input)?;
        let kept: Vec<Expr> = values.iter().cloned().map(Expr::Column).collect();
        let groups = self.all_at_hand(&aggregate.group_expr, &values, below)?;
        let groups = with_values(&kept, groups)?;
        let calls = self.all_at_hand(&aggregate.aggr_expr, &values, below)?;
        let plan = Aggregate::try_new(Arc::new(plan), groups, calls)?;
        let columns = plan.schema.columns();
        let own = columns.iter().filter(|column| !values.contains(column)).cloned();
        let own: Vec<Expr> = own.map(Expr::Column).collect();
        let grouped = Pushed { plan: LogicalPlan::Aggregate(plan), values };
        if !aggregate.group_expr.is_empty() {
            return self.projected(grouped, own, &aggregate.schema);
        }
        self.with_empty_groups(grouped, own, aggregate)
    }

    /// An aggregate without GROUP BY gives a row for no rows too.
    fn with_empty_groups(
        &self,
        grouped: Pushed,
        own: Vec<Expr>,
        aggregate: &Aggregate,
    ) -> Result<Pushed> {
        let present = self.names.next("present");
        let Pushed { plan, values: found } = grouped;
        let kept = found.iter().cloned().map(Expr::Column);
        let kept = kept.chain(own.iter().cloned()).chain([lit(true).alias(&present)]);
        let right = LogicalPlanBuilder::from(plan).project(kept)?.build()?;
        let Pushed { plan: all, values } = self.instance()?;
        let plan = join_on_values(all, &values, right, &found, JoinType::Left)?;
        let is_absent = Expr::Column(Column::new_unqualified(present)).is_null();
        let filled =
            own.into_iter().zip(&aggregate.aggr_expr).map(|(column, call)| match value_of_no_rows(
                call,
                aggregate.input.schema(),
            )? {
                value if value.is_null() => Ok(column),
                value => when(is_absent.clone(), Expr::Literal(value, None)).otherwise(column),
            });
        let filled = filled.collect::<Result<Vec<_>>>()?;
        self.projected(Pushed { plan, values }, filled, &aggregate.schema)
    }

    fn distinct_on(&self, distinct: &DistinctOn) -> Result<Pushed> {
        let below = distinct.input.schema();
        let Pushed { plan, values } = self.push(&distinct.input)?;
        let kept = || values.iter().cloned().map(Expr::Column);
        let on = self.all_at_hand(&distinct.on_expr, &values, below)?;
        let select = self.all_at_hand(&distinct.select_expr, &values, below)?;
        let sort = match &distinct.sort_expr {
            Some(sort) => {
                let own = self.order_at_hand(sort, &values, below)?;
                Some(kept().map(|value| value.sort(true, true)).chain(own).collect())
            }
            None => None,
        };
        let plan = LogicalPlanBuilder::from(plan)
            .distinct_on(kept().chain(on).collect(), kept().chain(select).collect(), sort)?
            .build()?;
        let columns = plan.schema().columns().into_iter().skip(values.len());
        let columns = columns.map(Expr::Column).collect();
        self.projected(Pushed { plan, values }, columns, &distinct.schema)
    }

    fn order_at_hand(
        &self,
        order: &[SortExpr],
        values: &[Column],
        below: &DFSchema,
    ) -> Result<Vec<SortExpr>> {
        let at_hand = order.iter().map(|key| {
            let expr = self.at_hand(&key.expr, values, below)?;
            Ok(SortExpr { expr, ..key.clone() })
        });
        at_hand.collect()
    }

    fn limited(&self, limit: &Limit) -> Result<Pushed> {
        let skip = match limit.get_skip_type()? {
            SkipType::Literal(skip) => lit(i64::try_from(skip).unwrap_or(i64::MAX)),
            SkipType::UnsupportedExpr => limit.skip.as_deref().cloned().unwrap_or(lit(0_i64)),
        };
        let last = match limit.fetch.as_deref() {
            None => None,
            Some(Expr::Literal(value, _)) if value.is_null() => None,
            Some(fetch) => Some(binary_expr(skip.clone(), Operator::Plus, fetch.clone())),
        };
        let bounds = (skip, last);
        let all = |plan: &LogicalPlan| {
            plan.schema().columns().into_iter().map(Expr::Column).collect::<Vec<_>>()
        };
        let schema = limit.input.schema();
        match limit.input.as_ref() {
            LogicalPlan::Sort(Sort { expr, input, fetch: None }) => {
                self.numbered(input, expr, all(&limit.input), schema, bounds)
            }
            // Sorted by what is not in the result.
            LogicalPlan::Projection(projection) => match projection.input.as_ref() {
                LogicalPlan::Sort(Sort { expr, input, fetch: None }) => {
                    self.numbered(input, expr, projection.expr.clone(), schema, bounds)
                }
                _ => self.numbered(&limit.input, &[], all(&limit.input), schema, bounds),
            },
            _ => self.numbered(&limit.input, &[], all(&limit.input), schema, bounds),
        }
    }

    /// Of each value, the rows after the first `skip` in the order, up to number `last`.
    fn numbered(
        &self,
        input: &LogicalPlan,
        order: &[SortExpr],
        columns: Vec<Expr>,
        schema: &DFSchema,
        (skip, last): (Expr, Option<Expr>),
    ) -> Result<Pushed> {
        let Pushed { plan, values } = self.push(input)?;
        let order = self.order_at_hand(order, &values, input.schema())?;
        let partition = values.iter().cloned().map(Expr::Column).collect();
        let number = row_number().partition_by(partition);
        let number = if order.is_empty() { number } else { number.order_by(order) }.build()?;
        let place = Expr::Column(Column::new_unqualified(number.schema_name().to_string()));
        let place = cast(place, datafusion::arrow::datatypes::DataType::Int64);
        let after = place.clone().gt(skip);
        let within = last.map(|last| place.lt_eq(last));
        let condition = conjunction([after].into_iter().chain(within)).unwrap_or(lit(true));
        let plan = LogicalPlanBuilder::from(plan).window([number])?.filter(condition)?.build()?;
        let columns = self.all_at_hand(&columns, &values, input.schema())?;
        self.projected(Pushed { plan, values }, columns, schema)
    }

    fn windowed(&self, window: &Window) -> Result<Pushed> {
        let below = window.input.schema();
        let Pushed { plan, values } = self.push(&window.input)?;
        let calls = self.all_at_hand(&window.window_expr, &values, below)?;
        let calls = calls.into_iter().map(|call| partitioned(call, &values));
        let calls = calls.collect::<Result<Vec<_>>>()?;
        let plan = Window::try_new(calls, Arc::new(plan))?;
        let places = plan.schema.columns().into_iter().skip(plan.input.schema().fields().len());
        let kept = below.columns().into_iter();
        let own = kept.chain(places).map(Expr::Column).collect();
        self.projected(Pushed { plan: LogicalPlan::Window(plan), values }, own, &window.schema)
    }

    fn joined(&self, join: &Join) -> Result<Pushed> {
        let left_columns = join.left.schema();
        let beside: Vec<Column> =
            self.columns.iter().filter(|one| !left_columns.has_column(one)).cloned().collect();
        let needs_left = self.varies(&join.left, &self.columns)?;
        let needs_right = self.varies(&join.right, &beside)?;
        match join.join_type {
            JoinType::Inner if !needs_left && !is_lateral(&join.right) => {
                let right = self.push(&join.right)?;
                self.rejoined(join, join.left.as_ref().clone(), right.plan, right.values, None)
            }
            JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                let right = self.push(&join.right)?;
                let left = match needs_left {
                    true => Some(self.push(&join.left)?),
                    false => None,
                };
                let (left, same) = match left {
                    Some(left) => (left.plan, same_values(&left.values, &right.values)),
                    None => (join.left.as_ref().clone(), None),
                };
                self.rejoined(join, left, right.plan, right.values, same)
            }
            JoinType::Full => {
                let (left, right) = (self.push(&join.left)?, self.push(&join.right)?);
                self.rejoined_fully(join, left, right)
            }
            JoinType::Inner
            | JoinType::Left
            | JoinType::LeftSemi
            | JoinType::LeftAnti
            | JoinType::LeftMark => {
                let left = self.push(&join.left)?;
                if needs_right && is_lateral(&join.right) {
                    let renamed = beside.iter().filter_map(|column| {
                        let place = self.columns.iter().position(|one| one == column)?;
                        Some((column.clone(), left.values.get(place)?.clone()))
                    });
                    let right = referring(&join.right, &renamed.collect())?;
                    return self.rejoined(join, left.plan, right, left.values, None);
                }
                let right = match needs_right {
                    true => Some(self.push(&join.right)?),
                    false => None,
                };
                let (right, same) = match right {
                    Some(right) => (right.plan, same_values(&left.values, &right.values)),
                    None => (join.right.as_ref().clone(), None),
                };
                self.rejoined(join, left.plan, right, left.values, same)
            }
        }
    }

    fn condition(
        &self,
        join: &Join,
        values: &[Column],
        same: Option<Expr>,
    ) -> Result<Option<Expr>> {
        let filter = join.filter.as_ref();
        let filter = filter.map(|filter| self.at_hand(filter, values, &join.schema)).transpose()?;
        Ok(conjunction(same.into_iter().chain(filter)))
    }

    fn rejoined(
        &self,
        join: &Join,
        left: LogicalPlan,
        right: LogicalPlan,
        values: Vec<Column>,
        same: Option<Expr>,
    ) -> Result<Pushed> {
        let filter = self.condition(join, &values, same)?;
        let plan = self.join_of(join, left, right, &values, filter)?;
        let columns = join.schema.columns().into_iter().map(Expr::Column).collect();
        self.projected(Pushed { plan, values }, columns, &join.schema)
    }

    fn join_of(
        &self,
        join: &Join,
        left: LogicalPlan,
        right: LogicalPlan,
        values: &[Column],
        filter: Option<Expr>,
    ) -> Result<LogicalPlan> {
        let on = join.on.iter().map(|(of_left, of_right)| {
            Ok((
                self.at_hand(of_left, values, join.left.schema())?,
                self.at_hand(of_right, values, join.right.schema())?,
            ))
        });
        let joined = Join::try_new(
            Arc::new(left),
            Arc::new(right),
            on.collect::<Result<Vec<_>>>()?,
            filter,
            join.join_type,
            join.join_constraint,
            join.null_equality,
            join.null_aware,
        )?;
        Ok(LogicalPlan::Join(joined))
    }

    fn rejoined_fully(&self, join: &Join, left: Pushed, right: Pushed) -> Result<Pushed> {
        let same = same_values(&left.values, &right.values);
        let filter = self.condition(join, &left.values, same)?;
        let plan = self.join_of(join, left.plan, right.plan, &left.values, filter)?;
        let values = self.new_names();
        let either = left.values.into_iter().zip(right.values).zip(&values);
        let either = either.map(|((of_left, of_right), new)| {
            let of_left = Expr::Column(of_left);
            let mut value = when(of_left.clone().is_not_null(), of_left);
            Ok(value.otherwise(Expr::Column(of_right))?.alias(&new.name))
        });
        let either = either.collect::<Result<Vec<_>>>()?;
        let columns = join.schema.columns().into_iter().map(Expr::Column);
        let plan = LogicalPlanBuilder::from(plan).project(either.into_iter().chain(columns))?;
        Ok(Pushed { plan: plan.build()?, values })
    }

    fn united(&self, union: &Union) -> Result<Pushed> {
        let values = self.new_names();
        let inputs = union.inputs.iter().map(|input| {
            let pushed = self.push(input)?;
            let named = pushed.values.into_iter().zip(&values);
            let named = named.map(|(column, new)| Expr::Column(column).alias(&new.name));
            let columns = input.schema().columns().into_iter().map(Expr::Column);
            let plan = LogicalPlanBuilder::from(pushed.plan).project(named.chain(columns))?;
            plan.build().map(Arc::new)
        });
        let plan = Union::try_new_with_loose_types(inputs.collect::<Result<Vec<_>>>()?)?;
        let columns = plan.schema.columns().into_iter().skip(values.len());
        let columns = columns.map(Expr::Column).collect();
        self.projected(Pushed { plan: LogicalPlan::Union(plan), values }, columns, &union.schema)
    }

    /// `WITH RECURSIVE`, whose every row carries the values: those of a step come from the row before it.
    fn repeated(&self, query: &RecursiveQuery) -> Result<Pushed> {
        let first = self.push(&query.static_term)?;
        let own = query.static_term.schema().columns().into_iter().map(Expr::Column);
        let first = self.projected(first, own.collect(), query.static_term.schema())?;
        let name = self.names.next("working");
        let table = WorkTable {
            replaced: query.name.clone(),
            name: name.clone(),
            values: first.values.clone(),
            schema: Arc::clone(first.plan.schema()),
        };
        let mut inner = self.clone();
        inner.carrying.push(table);
        let next = inner.push(&query.recursive_term)?;
        let own = query.recursive_term.schema().columns().into_iter().map(Expr::Column);
        let next = self.projected(next, own.collect(), query.recursive_term.schema())?;
        let plan = LogicalPlanBuilder::from(first.plan)
            .to_recursive_query(name, next.plan, query.is_distinct)?
            .build()?;
        let columns = plan.schema().columns();
        let own = columns.iter().skip(first.values.len()).cloned().map(Expr::Column).collect();
        let values = columns.into_iter().take(first.values.len()).collect();
        self.projected(Pushed { plan, values }, own, &query.schema)
    }

    /// `VALUES` with references: each row of expressions over the domain.
    fn rows(&self, rows: &Values) -> Result<Pushed> {
        let inputs = rows.values.iter().map(|row| {
            let input = self.instance()?;
            let own = self.all_at_hand(row, &input.values, &DFSchema::empty())?;
            self.projected(input, own, &rows.schema)
        });
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let Some(values) = inputs.first().map(|first| first.values.clone()) else {
            return internal_err!("VALUES without rows");
        };
        let mut plans = inputs.into_iter().map(|input| Arc::new(input.plan)).collect::<Vec<_>>();
        let plan = match plans.as_mut_slice() {
            [_] => plans.swap_remove(0),
            _ => Arc::new(LogicalPlan::Union(Union::try_new_with_loose_types(plans)?)),
        };
        let columns = plan.schema().columns();
        let own = columns.into_iter().skip(values.len()).map(Expr::Column).collect();
        let plan = Arc::unwrap_or_clone(plan);
        self.projected(Pushed { plan, values }, own, &rows.schema)
    }
}

/// A join of two plans where their values are the same; NULL is a value.
pub fn join_on_values(
    left: LogicalPlan,
    of_left: &[Column],
    right: LogicalPlan,
    of_right: &[Column],
    join_type: JoinType,
) -> Result<LogicalPlan> {
    let keys = of_left.iter().cloned().map(Expr::Column);
    let keys = keys.zip(of_right.iter().cloned().map(Expr::Column));
    let joined = Join::try_new(
        Arc::new(left),
        Arc::new(right),
        keys.collect(),
        None,
        join_type,
        datafusion::logical_expr::JoinConstraint::On,
        NullEquality::NullEqualsNull,
        false,
    )?;
    Ok(LogicalPlan::Join(joined))
}

fn same_values(left: &[Column], right: &[Column]) -> Option<Expr> {
    conjunction(left.iter().zip(right).map(|(left, right)| {
        let (left, right) = (Expr::Column(left.clone()), Expr::Column(right.clone()));
        binary_expr(left, Operator::IsNotDistinctFrom, right)
    }))
}

/// Grouped by the values as well.
fn with_values(values: &[Expr], groups: Vec<Expr>) -> Result<Vec<Expr>> {
    let [Expr::GroupingSet(set)] = groups.as_slice() else {
        return Ok(values.iter().cloned().chain(groups).collect());
    };
    match set {
        GroupingSet::GroupingSets(sets) => {
            let sets = sets.iter().map(|set| values.iter().chain(set).cloned().collect());
            Ok(vec![Expr::GroupingSet(GroupingSet::GroupingSets(sets.collect()))])
        }
        GroupingSet::Rollup(_) | GroupingSet::Cube(_) => Err(refused("ROLLUP or CUBE")),
    }
}

fn value_of_no_rows(call: &Expr, below: &DFSchema) -> Result<ScalarValue> {
    match call {
        Expr::Alias(alias) => value_of_no_rows(&alias.expr, below),
        Expr::AggregateFunction(function) => function.func.default_value(&call.get_type(below)?),
        other => internal_err!("{other} is no aggregate"),
    }
}

/// A window call within the rows of one value.
fn partitioned(call: Expr, values: &[Column]) -> Result<Expr> {
    let partitioned = call.transform_up(|inner| match inner {
        Expr::WindowFunction(function) => {
            let mut function: WindowFunction = *function;
            let kept = values.iter().cloned().map(Expr::Column);
            function.params.partition_by.extend(kept);
            Ok(Transformed::yes(Expr::WindowFunction(Box::new(function))))
        }
        other => Ok(Transformed::no(other)),
    });
    partitioned.map(|partitioned| partitioned.data)
}

pub fn refused(what: &str) -> DataFusionError {
    let error = Error::unsupported(format!("{what} in a subquery that uses the outer query"))
        .with_hint("Write it as a join.");
    DataFusionError::External(Box::new(error))
}
