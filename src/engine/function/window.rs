//! Window functions that count, in PostgreSQL's types: `row_number`, `rank` and `dense_rank` are `bigint`, `ntile`
//! is `integer`. DataFusion's are unsigned. It counts nothing itself.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_window::ntile::ntile_udwf;
use datafusion::functions_window::rank::{dense_rank_udwf, rank_udwf};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::function::{
    ExpressionArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs,
};
use datafusion::logical_expr::window_state::WindowAggState;
use datafusion::logical_expr::{
    LimitEffect, PartitionEvaluator, ReversedUDWF, Signature, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;

/// The functions, under the names of DataFusion's.
pub fn functions() -> Vec<Arc<WindowUDF>> {
    let of = |function: Arc<WindowUDF>, counted: DataType| {
        Arc::new(WindowUDF::new_from_impl(Counting { function, counted }))
    };
    vec![
        of(row_number_udwf(), DataType::Int64),
        of(rank_udwf(), DataType::Int64),
        of(dense_rank_udwf(), DataType::Int64),
        of(ntile_udwf(), DataType::Int32),
    ]
}

/// A function whose unsigned numbers become signed ones.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Counting {
    function: Arc<WindowUDF>,
    counted: DataType,
}

impl WindowUDFImpl for Counting {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        self.function.signature()
    }

    fn expressions(&self, arguments: ExpressionArgs<'_>) -> Vec<Arc<dyn PhysicalExpr>> {
        self.function.expressions(arguments)
    }

    fn partition_evaluator(
        &self,
        arguments: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        let inner = self.function.partition_evaluator_factory(arguments)?;
        Ok(Box::new(CountingEvaluator { inner, counted: self.counted.clone() }))
    }

    fn field(&self, arguments: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        let field = self.function.field(arguments)?;
        Ok(Arc::new(field.as_ref().clone().with_data_type(self.counted.clone())))
    }

    fn sort_options(&self) -> Option<SortOptions> {
        self.function.sort_options()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.function.coerce_types(types)
    }

    fn reverse_expr(&self) -> ReversedUDWF {
        match self.function.reverse_expr() {
            ReversedUDWF::Identical => ReversedUDWF::Identical,
            ReversedUDWF::NotSupported | ReversedUDWF::Reversed(_) => ReversedUDWF::NotSupported,
        }
    }

    fn limit_effect(&self, arguments: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        self.function.inner().limit_effect(arguments)
    }
}

#[derive(Debug)]
struct CountingEvaluator {
    inner: Box<dyn PartitionEvaluator>,
    counted: DataType,
}

impl PartitionEvaluator for CountingEvaluator {
    fn memoize(&mut self, state: &mut WindowAggState) -> Result<()> {
        self.inner.memoize(state)
    }

    fn get_range(&self, row: usize, rows: usize) -> Result<Range<usize>> {
        self.inner.get_range(row, rows)
    }

    fn is_causal(&self) -> bool {
        self.inner.is_causal()
    }

    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        Ok(cast(&self.inner.evaluate_all(values, rows)?, &self.counted)?)
    }

    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        match (self.inner.evaluate(values, range)?, &self.counted) {
            // Once for every row, so without a detour over arrays.
            (ScalarValue::UInt64(Some(count)), DataType::Int64) => {
                Ok(ScalarValue::Int64(i64::try_from(count).ok()))
            }
            (other, counted) => other.cast_to(counted),
        }
    }

    fn evaluate_all_with_rank(&self, rows: usize, ranks: &[Range<usize>]) -> Result<ArrayRef> {
        Ok(cast(&self.inner.evaluate_all_with_rank(rows, ranks)?, &self.counted)?)
    }

    fn supports_bounded_execution(&self) -> bool {
        self.inner.supports_bounded_execution()
    }

    fn uses_window_frame(&self) -> bool {
        self.inner.uses_window_frame()
    }

    fn include_rank(&self) -> bool {
        self.inner.include_rank()
    }
}
