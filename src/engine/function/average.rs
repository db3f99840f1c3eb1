//! `avg` of decimals with PostgreSQL's 16 digits after the point, the last one rounded. DataFusion's has four more
//! digits than what is averaged and cuts them; its sums and counts are taken, and divided here.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Decimal128Builder,
};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, Field, FieldRef, UInt64Type, i256,
};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature,
};

use crate::base::{Error, ErrorKind};

/// The function, under the name of DataFusion's.
pub fn function() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(Average { inner: avg_udaf() }))
}

/// PostgreSQL's `NUMERIC_MIN_SIG_DIGITS`.
const SCALE: i8 = 16;
const PRECISION_MAX: u8 = 38;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Average {
    inner: Arc<AggregateUDF>,
}

/// How sums of decimals are divided.
#[derive(Debug, Clone, Copy)]
struct Quotient {
    /// Digits after the point of the sums.
    sum_scale: i8,
    precision: u8,
    scale: i8,
}

impl Quotient {
    /// For averages of this type; `None` for what is no decimal.
    fn of(averaged: &DataType) -> Option<Self> {
        let DataType::Decimal128(precision, sum_scale) = *averaged else { return None };
        let scale = sum_scale.max(SCALE);
        let whole = i16::from(precision) - i16::from(sum_scale);
        let precision = u8::try_from(whole + i16::from(scale)).unwrap_or(PRECISION_MAX);
        Some(Quotient { sum_scale, precision: precision.min(PRECISION_MAX), scale })
    }

    fn data_type(self) -> DataType {
        DataType::Decimal128(self.precision, self.scale)
    }

    /// The sum divided by the count, rounded half away from zero.
    fn divide(self, sum: i256, count: u64) -> Result<i128> {
        let digits = u32::from((self.scale - self.sum_scale).unsigned_abs());
        let count = i256::from_i128(i128::from(count));
        let two = i256::from_i128(2);
        let quotient = || {
            let scaled = sum.checked_mul(i256::from_i128(10_i128.checked_pow(digits)?))?;
            let cut = scaled.checked_div(count)?;
            let rest = scaled.checked_sub(cut.checked_mul(count)?)?;
            let rounds = rest.checked_abs()?.checked_mul(two)? >= count;
            let away = i256::from_i128(i128::from(rounds) * if sum.is_negative() { -1 } else { 1 });
            let value = cut.checked_add(away)?.to_i128()?;
            let bound = 10_u128.checked_pow(u32::from(self.precision))?;
            (value.unsigned_abs() < bound).then_some(value)
        };
        quotient().ok_or_else(|| {
            let message = "the average has too many digits";
            let error = Error::new(ErrorKind::NumericValueOutOfRange, message);
            DataFusionError::External(Box::new(error))
        })
    }

    /// The averages of groups, from what DataFusion keeps of each: how many values, and their sum.
    fn of_groups(self, state: &[ArrayRef]) -> Result<Decimal128Array> {
        let [counts, sums] = state else { return internal_err!("avg keeps something else") };
        let counts = counts.as_primitive::<UInt64Type>();
        let mut averages = Decimal128Builder::with_capacity(counts.len());
        for row in 0..counts.len() {
            let average = match counts.is_null(row) || counts.value(row) == 0 || sums.is_null(row) {
                true => None,
                false => Some(self.divide(decimal_at(sums, row)?, counts.value(row))?),
            };
            averages.append_option(average);
        }
        Ok(averages.finish().with_data_type(self.data_type()))
    }

    /// The average of different values, of which DataFusion keeps a list.
    fn of_distinct(self, state: &[ScalarValue]) -> Result<Option<i128>> {
        let [ScalarValue::List(list)] = state else { return internal_err!("avg keeps no list") };
        let values = list.values();
        let mut sum = i256::ZERO;
        for row in 0..values.len() {
            sum = sum.wrapping_add(decimal_at(values, row)?);
        }
        match values.len() {
            0 => Ok(None),
            count => self.divide(sum, u64::try_from(count).unwrap_or(u64::MAX)).map(Some),
        }
    }
}

fn decimal_at(array: &ArrayRef, row: usize) -> Result<i256> {
    match array.data_type() {
        DataType::Decimal128(..) => {
            Ok(i256::from_i128(array.as_primitive::<Decimal128Type>().value(row)))
        }
        DataType::Decimal256(..) => Ok(array.as_primitive::<Decimal256Type>().value(row)),
        other => internal_err!("avg sums {other}"),
    }
}

impl Average {
    /// The result of DataFusion's function over these arguments.
    fn inner_field(&self, arguments: &AccumulatorArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> =
            arguments.expr_fields.iter().map(|field| field.data_type().clone()).collect();
        let data_type = self.inner.return_type(&types)?;
        Ok(Arc::new(Field::new(arguments.return_field.name(), data_type, true)))
    }
}

/// `arguments` with the result of DataFusion's function.
fn with_field<'a>(arguments: AccumulatorArgs<'a>, return_field: FieldRef) -> AccumulatorArgs<'a> {
    AccumulatorArgs { return_field, ..arguments }
}

fn quotient_of(arguments: &AccumulatorArgs<'_>) -> Option<Quotient> {
    arguments.expr_fields.first().and_then(|field| Quotient::of(field.data_type()))
}

fn divided(
    inner: Box<dyn Accumulator>,
    quotient: Option<Quotient>,
    distinct: bool,
) -> Box<dyn Accumulator> {
    match quotient {
        Some(quotient) => Box::new(Divided { inner, quotient, distinct }),
        None => inner,
    }
}

impl AggregateUDFImpl for Average {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types.first().and_then(Quotient::of) {
            Some(quotient) => Ok(quotient.data_type()),
            None => self.inner.return_type(types),
        }
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let field = self.inner_field(&arguments)?;
        let (quotient, distinct) = (quotient_of(&arguments), arguments.is_distinct);
        Ok(divided(self.inner.accumulator(with_field(arguments, field))?, quotient, distinct))
    }

    fn create_sliding_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        let field = self.inner_field(&arguments)?;
        let (quotient, distinct) = (quotient_of(&arguments), arguments.is_distinct);
        let inner = self.inner.create_sliding_accumulator(with_field(arguments, field))?;
        Ok(divided(inner, quotient, distinct))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(arguments)
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        match self.inner_field(&arguments) {
            Ok(field) => self.inner.groups_accumulator_supported(with_field(arguments, field)),
            Err(_) => false,
        }
    }

    fn create_groups_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let field = self.inner_field(&arguments)?;
        let quotient = quotient_of(&arguments);
        let inner = self.inner.create_groups_accumulator(with_field(arguments, field))?;
        match quotient {
            Some(quotient) => Ok(Box::new(DividedGroups { inner, quotient })),
            None => Ok(inner),
        }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }
}

/// An average that is divided when it is asked for.
#[derive(Debug)]
struct Divided {
    inner: Box<dyn Accumulator>,
    quotient: Quotient,
    distinct: bool,
}

impl Accumulator for Divided {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.update_batch(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let Quotient { precision, scale, .. } = self.quotient;
        let state = self.inner.state()?;
        if self.distinct {
            let average = self.quotient.of_distinct(&state)?;
            return Ok(ScalarValue::Decimal128(average, precision, scale));
        }
        let arrays = state.iter().map(ScalarValue::to_array).collect::<Result<Vec<_>>>()?;
        ScalarValue::try_from_array(&self.quotient.of_groups(&arrays)?, 0)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.inner.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.inner.supports_retract_batch()
    }
}

/// The same for many groups at once.
struct DividedGroups {
    inner: Box<dyn GroupsAccumulator>,
    quotient: Quotient,
}

impl GroupsAccumulator for DividedGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.inner.update_batch(values, groups, filter, total)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(self.quotient.of_groups(&self.inner.state(emit)?)?))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        self.inner.state(emit)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.inner.merge_batch(values, groups, total)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        self.inner.convert_to_state(values, filter)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_digit_is_rounded_away_from_zero() {
        let quotient = Quotient::of(&DataType::Decimal128(10, 0)).unwrap();
        let divide = |sum: i128, count| quotient.divide(i256::from_i128(sum), count).unwrap();
        assert_eq!(divide(80, 3), 266_666_666_666_666_667);
        assert_eq!(divide(-80, 3), -266_666_666_666_666_667);
        assert_eq!(divide(10, 3), 33_333_333_333_333_333);
        assert_eq!(quotient.data_type(), DataType::Decimal128(26, 16));
    }

    #[test]
    fn an_average_that_does_not_fit_is_an_error() {
        let quotient = Quotient::of(&DataType::Decimal128(38, 0)).unwrap();
        assert!(quotient.divide(i256::from_i128(i128::MAX), 1).is_err());
    }
}
