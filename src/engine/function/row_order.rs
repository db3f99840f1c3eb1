//! `array_agg` and `string_agg`, whose results tell the order of their rows, where DataFusion gives them the rows in
//! the reverse order or takes rows back from a window's frame. What they make of rows is DataFusion's.

use std::collections::VecDeque;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt64Array};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue, internal_err, not_impl_err};
use datafusion::functions_aggregate::string_agg::string_agg_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF,
    Signature,
};
use datafusion::physical_expr::PhysicalSortExpr;
use datafusion::physical_expr::expressions::Literal;

/// The accumulator of an `array_agg` that may be the reverse of the one that was asked for.
pub fn in_order(
    arguments: AccumulatorArgs<'_>,
    make: impl FnOnce(AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>>,
) -> Result<Box<dyn Accumulator>> {
    if !arguments.is_reversed {
        return make(arguments);
    }
    if arguments.is_distinct {
        // It sorts its values at the end, in whatever order they come.
        let order_bys: Vec<_> = arguments.order_bys.iter().map(PhysicalSortExpr::reverse).collect();
        return make(AccumulatorArgs { order_bys: &order_bys, is_reversed: false, ..arguments });
    }
    if arguments.order_bys.is_empty() {
        // Over a window whose rows come from the last to the first.
        let inner = make(AccumulatorArgs { is_reversed: false, ..arguments })?;
        return Ok(Box::new(Backwards(inner)));
    }
    make(arguments)
}

/// An array from the last element to the first.
#[derive(Debug)]
struct Backwards(Box<dyn Accumulator>);

impl Accumulator for Backwards {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match self.0.evaluate()? {
            ScalarValue::List(list) if list.len() == 1 && list.is_valid(0) => backwards(&list),
            null => Ok(null),
        }
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.0.supports_retract_batch()
    }
}

fn backwards(list: &ListArray) -> Result<ScalarValue> {
    let (DataType::List(element), elements) = (list.data_type(), list.value(0)) else {
        return internal_err!("an array of type {}", list.data_type());
    };
    let places: UInt64Array = (0..elements.len() as u64).rev().collect();
    let elements = take(&elements, &places, None)?;
    let offsets = OffsetBuffer::from_lengths([elements.len()]);
    let turned = ListArray::try_new(Arc::clone(element), offsets, elements, None)?;
    Ok(ScalarValue::List(Arc::new(turned)))
}

/// `string_agg`, which sorts by itself where it has an order: DataFusion would give it rows that are sorted for
/// another aggregate beside it.
pub fn string_agg() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(StringAgg { inner: string_agg_udaf() }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct StringAgg {
    inner: Arc<AggregateUDF>,
}

impl AggregateUDFImpl for StringAgg {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(arguments)
    }

    fn create_sliding_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        let delimiter = arguments.exprs.get(1).and_then(|it| it.downcast_ref::<Literal>());
        let Some(delimiter) = delimiter.map(Literal::value) else {
            return not_impl_err!("string_agg delimiter must be a string literal");
        };
        let delimiter = delimiter.try_as_str().flatten().unwrap_or_default().to_owned();
        Ok(Box::new(Joined { delimiter, values: VecDeque::new(), bytes: 0 }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(arguments)
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        self.inner.groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(arguments)
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Beneficial
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        _: bool,
    ) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        Ok(Some(self))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::NotSupported
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

/// The texts of a frame that moves.
#[derive(Debug)]
struct Joined {
    delimiter: String,
    values: VecDeque<String>,
    bytes: usize,
}

impl Accumulator for Joined {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for text in cast(&values[0], &DataType::LargeUtf8)?.as_string::<i64>().iter().flatten() {
            self.bytes += text.len() + size_of::<String>();
            self.values.push_back(text.to_owned());
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for _ in 0..values[0].len() - values[0].logical_null_count() {
            if let Some(text) = self.values.pop_front() {
                self.bytes -= text.len() + size_of::<String>();
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let joined =
            (!self.values.is_empty()).then(|| self.values.make_contiguous().join(&self.delimiter));
        Ok(ScalarValue::LargeUtf8(joined))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.delimiter.len() + self.bytes
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("a frame of a window has no state")
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        internal_err!("a frame of a window has no state")
    }
}
