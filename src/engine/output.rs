//! The columns of a result as the client sees them: names as PostgreSQL gives them, types, and the table
//! column that each came from. It looks at plans, never at rows.

use std::collections::HashMap;

use datafusion::arrow::datatypes::Field;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan};

use crate::base::datatype::{BaseType, NO_TYPMOD, PgType, pg_type_of};
use crate::base::{Error, ErrorKind, Oid, Result};
use crate::sql::output_name;

/// One column of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputColumn {
    pub name: String,
    /// The Arrow field of the batches, whose own name means nothing to clients.
    pub field: Field,
    pub pg_type: PgType,
    pub typmod: i32,
    /// The table column that this is, unchanged.
    pub origin: Option<ColumnOrigin>,
}

/// A column of a table or view, as RowDescription names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnOrigin {
    pub relation: Oid,
    /// `pg_attribute.attnum`
    pub number: i16,
}

/// Where the columns of each relation of a query come from, by the name that the plan's scans have.
pub type Origins = HashMap<String, RelationOrigin>;

/// A relation's OID and its columns' numbers, by name.
#[derive(Debug, Clone)]
pub struct RelationOrigin {
    pub relation: Oid,
    pub numbers: HashMap<String, i16>,
}

/// Columns the client may get in one row (PostgreSQL's `MaxTupleAttributeNumber`).
const COLUMNS_MAX: usize = 1664;

impl OutputColumn {
    /// A column that no table has.
    pub fn computed(field: Field) -> Result<Self> {
        let (pg_type, typmod) = pg_type_of(&field)?;
        let name = output_name::shown(field.name()).to_owned();
        Ok(OutputColumn { name, field, pg_type, typmod, origin: None })
    }
}

/// Refuses a query that writes more columns than a row can have, before the planner compares each with all
/// others.
pub fn check_width(query: &sqlparser::ast::Query) -> Result<()> {
    match query.body.as_ref() {
        sqlparser::ast::SetExpr::Select(select) => check_count(select.projection.len()),
        _ => Ok(()),
    }
}

fn check_count(columns: usize) -> Result<()> {
    if columns <= COLUMNS_MAX {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooManyColumns,
        format!("target lists can have at most {COLUMNS_MAX} entries"),
    ))
}

/// The result columns of a plan as it was written, with the types that `schema` says: that of the analyzed
/// plan.
pub fn output_columns(
    plan: &LogicalPlan,
    schema: &DFSchema,
    origins: &Origins,
) -> Result<Vec<OutputColumn>> {
    let fields = schema.fields();
    check_count(fields.len())?;
    let columns = fields.iter().enumerate().map(|(index, field)| {
        let mut column = OutputColumn::computed(field.as_ref().clone())?;
        column.origin = origin(plan, index, origins);
        if is_numeric(column.pg_type) && !keeps_modifier(plan, index) {
            column.typmod = NO_TYPMOD;
        }
        Ok(column)
    });
    columns.collect()
}

/// Follows an output column down to the scan that it comes from unchanged.
fn origin(plan: &LogicalPlan, index: usize, origins: &Origins) -> Option<ColumnOrigin> {
    match plan {
        LogicalPlan::Projection(projection) => {
            origin_of(projection.expr.get(index)?, &projection.input, origins)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            // A view was put in the place of its scan, under the view's name.
            let view = origins.get(&alias.alias.to_string()).filter(|_| !is_scan(&alias.input));
            match view {
                Some(view) => view.column(plan.schema().field(index).name()),
                None => origin(&alias.input, index, origins),
            }
        }
        LogicalPlan::TableScan(scan) => {
            let relation = origins.get(&scan.table_name.to_string())?;
            relation.column(plan.schema().field(index).name())
        }
        LogicalPlan::Filter(filter) => origin(&filter.input, index, origins),
        LogicalPlan::Sort(sort) => origin(&sort.input, index, origins),
        LogicalPlan::Limit(limit) => origin(&limit.input, index, origins),
        LogicalPlan::Distinct(Distinct::All(input)) => origin(input, index, origins),
        LogicalPlan::Distinct(Distinct::On(distinct)) => {
            origin_of(distinct.select_expr.get(index)?, &distinct.input, origins)
        }
        LogicalPlan::Join(join) => match join.join_type {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                let left = join.left.schema().fields().len();
                match index.checked_sub(left) {
                    Some(right) => origin(&join.right, right, origins),
                    None => origin(&join.left, index, origins),
                }
            }
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
                origin(&join.left, index, origins)
            }
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
                origin(&join.right, index, origins)
            }
        },
        _ => None,
    }
}

/// The same of an output over `input`, if it is a plain column.
fn origin_of(output: &Expr, input: &LogicalPlan, origins: &Origins) -> Option<ColumnOrigin> {
    let mut expression = output;
    while let Expr::Alias(alias) = expression {
        expression = &alias.expr;
    }
    let Expr::Column(column) = expression else { return None };
    let index = input.schema().index_of_column(column).ok()?;
    origin(input, index, origins)
}

fn is_numeric(pg_type: PgType) -> bool {
    matches!(pg_type, PgType::Scalar(BaseType::Numeric) | PgType::Array(BaseType::Numeric))
}

/// Whether precision and scale of a result column were declared: those of a column or a cast are, what an operator,
/// a function or an aggregate makes has none, though its decimals have some.
fn keeps_modifier(plan: &LogicalPlan, index: usize) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => {
            projection.expr.get(index).is_some_and(|value| is_declared(value, &projection.input))
        }
        LogicalPlan::Aggregate(aggregate) => {
            aggregate.group_expr.get(index).is_some_and(|key| is_declared(key, &aggregate.input))
        }
        LogicalPlan::Window(window) => {
            index < window.input.schema().fields().len() && keeps_modifier(&window.input, index)
        }
        LogicalPlan::Union(union) => {
            let types = union.inputs.iter().map(|input| input.schema().field(index).data_type());
            let mut types = types.collect::<Vec<_>>();
            types.dedup();
            types.len() == 1 && union.inputs.iter().all(|input| keeps_modifier(input, index))
        }
        LogicalPlan::Values(values) => values.values.iter().all(|row| {
            let value = row.get(index);
            value.is_some_and(|value| matches!(value, Expr::Cast(_) | Expr::TryCast(_)))
        }),
        LogicalPlan::SubqueryAlias(alias) => keeps_modifier(&alias.input, index),
        LogicalPlan::Filter(filter) => keeps_modifier(&filter.input, index),
        LogicalPlan::Sort(sort) => keeps_modifier(&sort.input, index),
        LogicalPlan::Limit(limit) => keeps_modifier(&limit.input, index),
        LogicalPlan::Distinct(Distinct::All(input)) => keeps_modifier(input, index),
        LogicalPlan::Distinct(Distinct::On(distinct)) => {
            let value = distinct.select_expr.get(index);
            value.is_some_and(|value| is_declared(value, &distinct.input))
        }
        LogicalPlan::Subquery(subquery) => keeps_modifier(&subquery.subquery, index),
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match (join.join_type, index.checked_sub(left)) {
                (JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark, _) => {
                    keeps_modifier(&join.right, index)
                }
                (_, Some(right)) => keeps_modifier(&join.right, right),
                (_, None) => keeps_modifier(&join.left, index),
            }
        }
        LogicalPlan::TableScan(_) => true,
        _ => false,
    }
}

fn is_declared(value: &Expr, input: &LogicalPlan) -> bool {
    match value {
        Expr::Alias(alias) => is_declared(&alias.expr, input),
        Expr::Column(column) => {
            let index = input.schema().index_of_column(column);
            index.is_ok_and(|index| keeps_modifier(input, index))
        }
        Expr::ScalarSubquery(subquery) => keeps_modifier(&subquery.subquery, 0),
        Expr::Cast(_) | Expr::TryCast(_) => true,
        _ => false,
    }
}

fn is_scan(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::TableScan(_))
}

impl RelationOrigin {
    fn column(&self, name: &str) -> Option<ColumnOrigin> {
        let number = *self.numbers.get(name)?;
        Some(ColumnOrigin { relation: self.relation, number })
    }
}
