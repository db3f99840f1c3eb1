//! Which data files a query need not open. It keeps every file that may have a row for the query.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;

use super::index::FileIndex;
use super::schema::Columns;

/// Whether a filter is decided by the partition values of a file alone, so that the files which pass
/// it have no other rows. Only operators that cannot fail count.
pub fn is_exact(filter: &Expr, columns: &Columns) -> bool {
    let exact = |expr: &Expr| is_exact(expr, columns);
    match filter {
        Expr::Literal(..) => true,
        Expr::Column(column) => {
            columns.fields_at(&columns.partition).iter().any(|field| *field.name() == column.name)
        }
        Expr::BinaryExpr(binary) => {
            let operator = matches!(
                binary.op,
                Operator::Eq
                    | Operator::NotEq
                    | Operator::Lt
                    | Operator::LtEq
                    | Operator::Gt
                    | Operator::GtEq
                    | Operator::And
                    | Operator::Or
                    | Operator::IsDistinctFrom
                    | Operator::IsNotDistinctFrom
            );
            operator && exact(&binary.left) && exact(&binary.right)
        }
        Expr::Not(expr)
        | Expr::IsNull(expr)
        | Expr::IsNotNull(expr)
        | Expr::IsTrue(expr)
        | Expr::IsNotTrue(expr)
        | Expr::IsFalse(expr)
        | Expr::IsNotFalse(expr) => exact(expr),
        Expr::Between(between) => {
            exact(&between.expr) && exact(&between.low) && exact(&between.high)
        }
        Expr::InList(list) => exact(&list.expr) && list.list.iter().all(exact),
        Expr::Like(like) => exact(&like.expr) && exact(&like.pattern),
        _ => false,
    }
}

/// The positions of the files all of whose rows a predicate is true for, if it is true for none of the others.
/// `None` where only the rows themselves tell.
pub fn whole_files(
    index: &FileIndex,
    columns: &Columns,
    predicate: &Expr,
    state: &dyn Session,
) -> Result<Option<Vec<usize>>> {
    if !is_exact(predicate, columns) {
        return Ok(None);
    }
    let unqualified = predicate.clone().transform_up(|node| {
        Ok(match node {
            Expr::Column(column) => Transformed::yes(Expr::Column(Column::from_name(column.name))),
            other => Transformed::no(other),
        })
    })?;
    files_to_read(index, columns, &[unqualified.data], state).map(Some)
}

/// The positions of the files that may have rows for all `filters`.
pub fn files_to_read(
    index: &FileIndex,
    columns: &Columns,
    filters: &[Expr],
    state: &dyn Session,
) -> Result<Vec<usize>> {
    let mut keep = vec![true; index.len()];
    let (exact, inexact): (Vec<Expr>, Vec<Expr>) =
        filters.iter().cloned().partition(|filter| is_exact(filter, columns));
    if let Some(filter) = conjunction(exact) {
        let passed = evaluate_on_partitions(index, columns, filter, state)?;
        retain(&mut keep, passed.iter().map(|passed| passed == Some(true)));
    }
    if let Some(filter) = conjunction(inexact) {
        let schema = DFSchema::try_from(Arc::clone(&columns.schema))?;
        // A filter that cannot be turned into one on statistics keeps every file.
        if let Ok(expr) = state.create_physical_expr(filter, &schema)
            && let Ok(predicate) = PruningPredicateBuilder::new()
                .with_file_schema(Arc::clone(&columns.schema))
                .try_build(expr)
            && !predicate.always_true()
        {
            retain(&mut keep, predicate.prune(&IndexStatistics { index, columns })?.into_iter());
        }
    }
    Ok(keep.into_iter().enumerate().filter_map(|(file, keep)| keep.then_some(file)).collect())
}

fn retain(keep: &mut [bool], passed: impl Iterator<Item = bool>) {
    for (keep, passed) in keep.iter_mut().zip(passed) {
        *keep &= passed;
    }
}

fn evaluate_on_partitions(
    index: &FileIndex,
    columns: &Columns,
    filter: Expr,
    state: &dyn Session,
) -> Result<BooleanArray> {
    let schema = Arc::new(Schema::new(columns.fields_at(&columns.partition)));
    let options = RecordBatchOptions::new().with_row_count(Some(index.len()));
    let batch = RecordBatch::try_new_with_options(
        Arc::clone(&schema),
        index.partition_values.clone(),
        &options,
    )?;
    let expr = state.create_physical_expr(filter, &DFSchema::try_from(schema)?)?;
    let passed = expr.evaluate(&batch)?.into_array(index.len())?;
    let passed = datafusion::arrow::compute::cast(&passed, &DataType::Boolean)?;
    Ok(passed.as_boolean().clone())
}

/// The index as DataFusion's pruning asks for it; a container is a file.
struct IndexStatistics<'a> {
    index: &'a FileIndex,
    columns: &'a Columns,
}

impl IndexStatistics<'_> {
    fn partition_values(&self, column: &Column) -> Option<&ArrayRef> {
        let at = self.columns.schema.index_of(&column.name).ok()?;
        let at = self.columns.partition.iter().position(|&partition| partition == at)?;
        self.index.partition_values.get(at)
    }

    fn bounds(&self, column: &Column) -> Option<&super::index::ColumnBounds> {
        let at = self.columns.schema.index_of(&column.name).ok()?;
        self.index.bounds.get(at)?.as_ref()
    }
}

impl PruningStatistics for IndexStatistics<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        let values = self.partition_values(column);
        values.or_else(|| Some(&self.bounds(column)?.min)).map(Arc::clone)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        let values = self.partition_values(column);
        values.or_else(|| Some(&self.bounds(column)?.max)).map(Arc::clone)
    }

    fn num_containers(&self) -> usize {
        self.index.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let Some(values) = self.partition_values(column) else {
            return Some(Arc::new(self.bounds(column)?.null_count.clone()));
        };
        let counts: UInt64Array = (0..self.index.len())
            .map(
                |file| {
                    if values.is_null(file) { self.index.physical_rows_of(file) } else { Some(0) }
                },
            )
            .collect();
        Some(Arc::new(counts))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.index.physical_rows.clone()))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
