//! Integer literals that fit are `integer`, as in PostgreSQL; DataFusion makes each a 64-bit one. What a plan
//! keeps elsewhere than in its schemas (the working table of a recursive query, columns of an outer query)
//! follows.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, ExprSchema, Result, ScalarValue};
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::{
    Cast, Expr, ExprSchemable, Join, LogicalPlan, LogicalPlanBuilder, RecursiveQuery, TableScan,
};

use crate::base::datatype::{BaseType, TYPE_METADATA, TYPMOD_METADATA};

use super::float::{float_beside_decimals, unified};
use super::union_constant;

/// `base::datatype::NO_TYPMOD` as metadata has it.
const NO_TYPMOD_TEXT: &str = "-1";

/// Makes the literals of a freshly planned query 32-bit.
pub fn narrow_integer_literals(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(narrow_node).map(|narrowed| narrowed.data)
}

fn narrow_node(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match node {
        // Counts of rows are 64-bit.
        LogicalPlan::Limit(_) => Ok(Transformed::no(node)),
        LogicalPlan::Values(values) => {
            let rows = values.values.into_iter().map(|row| {
                row.into_iter()
                    .map(|cell| narrow(untyped_null(cell)).map(|cell| cell.data))
                    .collect()
            });
            let rows = rows.collect::<Result<Vec<Vec<Expr>>>>()?;
            LogicalPlanBuilder::values(rows)?.build().map(Transformed::yes)
        }
        LogicalPlan::RecursiveQuery(query) => narrow_recursion(query).map(Transformed::yes),
        // A union keeps the types that its inputs had when it was made.
        LogicalPlan::Union(union) => unified(union_constant::read(union)?).map(Transformed::yes),
        node => {
            let node = match node {
                LogicalPlan::Join(join) => LogicalPlan::Join(follow_lateral(join)?),
                other => other,
            };
            let outer = super::schema_below(&node)?;
            let names = NamePreserver::new(&node);
            node.map_expressions(|expression| {
                let name = names.save(&expression);
                let expression = narrow(expression)?.data;
                let expression =
                    expression.transform_up(|inner| numeric_of_digits(inner, &outer))?.data;
                let expression =
                    expression.transform_up(|inner| float_beside_decimals(inner, &outer))?.data;
                let followed = expression.transform_up(|inner| follow_outer(inner, &outer))?;
                Ok(Transformed::yes(name.restore(followed.data)))
            })?
            .map_data(LogicalPlan::recompute_schema)
        }
    }
}

/// A NULL in a list of integers has been given the type of 64-bit ones, which would make the column so.
fn untyped_null(cell: Expr) -> Expr {
    let is_null = |expression: &Expr| {
        matches!(expression, Expr::Literal(ScalarValue::Null | ScalarValue::Int64(None), _))
    };
    match &cell {
        Expr::Literal(ScalarValue::Int64(None), _) => Expr::Literal(ScalarValue::Null, None),
        Expr::Cast(Cast { expr, field })
            if *field.data_type() == DataType::Int64 && is_null(expr) =>
        {
            Expr::Literal(ScalarValue::Null, None)
        }
        _ => cell,
    }
}

fn narrow(expression: Expr) -> Result<Transformed<Expr>> {
    expression.transform_up(|inner| match inner {
        Expr::Literal(ScalarValue::Int64(Some(value)), metadata) => match i32::try_from(value) {
            Ok(value) => {
                Ok(Transformed::yes(Expr::Literal(ScalarValue::Int32(Some(value)), metadata)))
            }
            Err(_) => Ok(Transformed::no(Expr::Literal(ScalarValue::Int64(Some(value)), metadata))),
        },
        // `-2147483648` is written as the negation of what does not fit.
        Expr::Negative(inner) => Ok(match *inner {
            Expr::Literal(ScalarValue::Int64(Some(2_147_483_648)), metadata) => {
                Transformed::yes(Expr::Literal(ScalarValue::Int32(Some(i32::MIN)), metadata))
            }
            inner => Transformed::no(Expr::Negative(Box::new(inner))),
        }),
        other => Ok(Transformed::no(other)),
    })
}

/// `x::numeric` has the digits of `x`, where the type of `x` tells them: none after the point for integers.
fn numeric_of_digits(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::Cast(Cast { expr, field }) = &expression else {
        return Ok(Transformed::no(expression));
    };
    let is_bare = field.data_type().is_decimal()
        && field.metadata().get(TYPMOD_METADATA).is_some_and(|typmod| typmod == NO_TYPMOD_TEXT);
    let digits = match expr.get_type(schema) {
        Ok(_) if !is_bare => None,
        Ok(DataType::Int8 | DataType::Int16) => Some(DataType::Decimal128(5, 0)),
        Ok(DataType::Int32) => Some(DataType::Decimal128(10, 0)),
        Ok(DataType::Int64) => Some(DataType::Decimal128(19, 0)),
        Ok(decimal @ DataType::Decimal128(..)) => Some(decimal),
        Ok(_) | Err(_) => None,
    };
    let Some(digits) = digits else { return Ok(Transformed::no(expression)) };
    let mut metadata = field.metadata().clone();
    metadata.insert(TYPE_METADATA.to_owned(), BaseType::Numeric.name().to_owned());
    let field = field.as_ref().clone().with_data_type(digits).with_metadata(metadata);
    Ok(Transformed::yes(Expr::Cast(Cast::new_from_field(expr.clone(), Arc::new(field)))))
}

/// The recursive term over a working table of the types that the first term has now.
fn narrow_recursion(query: RecursiveQuery) -> Result<LogicalPlan> {
    let RecursiveQuery { name, static_term, recursive_term, is_distinct, .. } = query;
    let nullable = |field: &Arc<Field>| field.as_ref().clone().with_nullable(true);
    let fields: Vec<Field> = static_term.schema().fields().iter().map(nullable).collect();
    let table = CteWorkTable::new(&name, Arc::new(Schema::new(fields)));
    let source = provider_as_source(Arc::new(table));
    let recursive =
        Arc::unwrap_or_clone(recursive_term).transform_up_with_subqueries(|node| match node {
            LogicalPlan::TableScan(scan) if reads_working_table(&scan, &name) => {
                let projection = scan.projection.clone();
                let scan =
                    LogicalPlanBuilder::scan(scan.table_name, Arc::clone(&source), projection);
                scan?.build().map(Transformed::yes)
            }
            other => other.recompute_schema().map(Transformed::yes),
        })?;
    LogicalPlanBuilder::from(Arc::unwrap_or_clone(static_term))
        .to_recursive_query(name, recursive.data, is_distinct)?
        .build()
}

fn reads_working_table(scan: &TableScan, name: &str) -> bool {
    source_as_provider(&scan.source).is_ok_and(|provider| {
        provider.downcast_ref::<CteWorkTable>().is_some_and(|table| table.name() == name)
    })
}

/// A lateral side of a join with the types that the columns of the other side have now.
fn follow_lateral(join: Join) -> Result<Join> {
    let outer = Arc::clone(join.left.schema());
    let right = Arc::unwrap_or_clone(join.right).transform_up(|node| match node {
        LogicalPlan::Subquery(subquery) => {
            Ok(Transformed::yes(LogicalPlan::Subquery(with_outer_types(subquery, &outer)?)))
        }
        other => other.recompute_schema().map(Transformed::yes),
    })?;
    Ok(Join { right: Arc::new(right.data), ..join })
}

fn follow_outer(expression: Expr, outer: &DFSchema) -> Result<Transformed<Expr>> {
    let follow = |subquery| with_outer_types(subquery, outer);
    Ok(Transformed::yes(match expression {
        Expr::ScalarSubquery(subquery) => Expr::ScalarSubquery(follow(subquery)?),
        Expr::Exists(Exists { subquery, negated }) => {
            Expr::Exists(Exists { subquery: follow(subquery)?, negated })
        }
        Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
            Expr::InSubquery(InSubquery { expr, subquery: follow(subquery)?, negated })
        }
        Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => {
            let subquery = follow(subquery)?;
            Expr::SetComparison(SetComparison { expr, subquery, op, quantifier })
        }
        other => return Ok(Transformed::no(other)),
    }))
}

/// The subquery with the types that `outer` says of the columns that it takes from there.
fn with_outer_types(subquery: Subquery, outer: &DFSchema) -> Result<Subquery> {
    if subquery.outer_ref_columns.is_empty() {
        return Ok(subquery);
    }
    let typed = |expression: Expr| {
        expression.transform_up(|inner| match inner {
            Expr::OuterReferenceColumn(field, column) => match outer.field_from_column(&column) {
                Ok(known) if known.data_type() != field.data_type() => {
                    let field = Arc::clone(known);
                    Ok(Transformed::yes(Expr::OuterReferenceColumn(field, column)))
                }
                Ok(_) | Err(_) => Ok(Transformed::no(Expr::OuterReferenceColumn(field, column))),
            },
            other => Ok(Transformed::no(other)),
        })
    };
    let plan = Arc::unwrap_or_clone(subquery.subquery).transform_up_with_subqueries(|node| {
        node.map_expressions(typed)?.map_data(LogicalPlan::recompute_schema)
    })?;
    let references = subquery.outer_ref_columns.into_iter().map(|column| Ok(typed(column)?.data));
    Ok(Subquery {
        subquery: Arc::new(plan.data),
        outer_ref_columns: references.collect::<Result<_>>()?,
        spans: subquery.spans,
    })
}
