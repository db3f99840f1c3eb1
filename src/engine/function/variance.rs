//! `variance` and `stddev` of integers and `numeric`, exact and with 16 digits after the point; DataFusion
//! computes all as floating point numbers, which `float_variance` does for what is one. It groups by the general
//! adapter.
//! <https://www.postgresql.org/docs/16/functions-aggregate.html#FUNCTIONS-AGGREGATE-STATISTICS-TABLE>

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, Field, FieldRef, Int64Type, i256,
};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::functions_aggregate::stddev::{stddev_pop_udaf, stddev_udaf};
use datafusion::functions_aggregate::variance::{var_pop_udaf, var_samp_udaf};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility,
};

use super::float_variance::{self, ManyVariances, OneVariance};
use crate::base::{Error, ErrorKind};

/// PostgreSQL's `NUMERIC_MIN_SIG_DIGITS`.
const SCALE: i8 = 16;
const RESULT: DataType = DataType::Decimal128(38, SCALE);
const SUM_PRECISION: u8 = 76;
/// Digits of the longest `bigint`.
const BIGINT_DIGITS: u8 = 19;

/// What is made of the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Measure {
    /// Of a sample: divided by one less than there are values.
    pub sample: bool,
    pub root: bool,
}

/// The functions, under the names of DataFusion's and PostgreSQL's others.
pub fn functions() -> Vec<Arc<AggregateUDF>> {
    let all = [
        (stddev_udaf(), true, true, &["stddev_samp"] as &[&str]),
        (stddev_pop_udaf(), false, true, &[]),
        (var_samp_udaf(), true, false, &["var_samp", "var_sample", "variance"]),
        (var_pop_udaf(), false, false, &["var_population"]),
    ];
    all.into_iter()
        .map(|(inner, sample, root, aliases)| {
            let signature = Signature::user_defined(Volatility::Immutable);
            let measure = Measure { sample, root };
            let aliases = aliases.iter().map(|&alias| alias.to_owned()).collect();
            Arc::new(AggregateUDF::new_from_impl(Deviation { inner, measure, aliases, signature }))
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Deviation {
    inner: Arc<AggregateUDF>,
    measure: Measure,
    aliases: Vec<String>,
    signature: Signature,
}

fn is_float(types: &[FieldRef]) -> bool {
    types.first().is_some_and(|field| *field.data_type() == DataType::Float64)
}

fn scale_of(types: &[FieldRef]) -> Option<i8> {
    match types.first().map(|field| field.data_type()) {
        Some(DataType::Decimal128(_, scale)) => Some(*scale),
        _ => None,
    }
}

impl AggregateUDFImpl for Deviation {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [given] = types else {
            let error = super::kernel::undefined(self.name(), types);
            return Err(DataFusionError::External(Box::new(error)));
        };
        Ok(vec![match given {
            DataType::Decimal128(..) => given.clone(),
            DataType::Null => DataType::Float64,
            integer if integer.is_integer() => DataType::Decimal128(BIGINT_DIGITS, 0),
            float if float.is_floating() => DataType::Float64,
            other if other.is_string() => DataType::Float64,
            _ => {
                let error = super::kernel::undefined(self.name(), types);
                return Err(DataFusionError::External(Box::new(error)));
            }
        }])
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types.first() {
            Some(DataType::Float64 | DataType::Null) | None => Ok(DataType::Float64),
            Some(other) if other.is_floating() || other.is_string() => Ok(DataType::Float64),
            Some(_) => Ok(RESULT),
        }
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let Some(scale) = scale_of(arguments.expr_fields) else {
            return match is_float(arguments.expr_fields) && !arguments.is_distinct {
                true => Ok(Box::new(OneVariance::new(self.measure))),
                false => self.inner.accumulator(arguments),
            };
        };
        if arguments.is_distinct {
            let error = Error::unsupported(format_args!("{}(DISTINCT …) of numbers", self.name()));
            return Err(DataFusionError::External(Box::new(error)));
        }
        Ok(Box::new(Sums { scale, measure: self.measure, ..Sums::default() }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let Some(scale) = scale_of(arguments.input_fields) else {
            if is_float(arguments.input_fields) && !arguments.is_distinct {
                return Ok(float_variance::state_fields());
            }
            return self.inner.state_fields(arguments);
        };
        let field = |name: &str, data_type| Arc::new(Field::new(name, data_type, true));
        Ok(vec![
            field("count", DataType::Int64),
            field("sum", DataType::Decimal256(SUM_PRECISION, scale)),
            field("squares", DataType::Decimal256(SUM_PRECISION, scale.saturating_mul(2))),
        ])
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        match is_float(arguments.expr_fields) {
            true => !arguments.is_distinct,
            false => {
                scale_of(arguments.expr_fields).is_none()
                    && self.inner.groups_accumulator_supported(arguments)
            }
        }
    }

    fn create_groups_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match is_float(arguments.expr_fields) {
            true => Ok(Box::new(ManyVariances::new(self.measure))),
            false => self.inner.create_groups_accumulator(arguments),
        }
    }

    fn create_sliding_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        match is_float(arguments.expr_fields) {
            true => self.inner.create_sliding_accumulator(arguments),
            false => self.accumulator(arguments),
        }
    }
}

/// How many values, their sum and that of their squares, as unscaled integers.
#[derive(Debug, Default)]
struct Sums {
    count: i64,
    sum: i256,
    squares: i256,
    scale: i8,
    measure: Measure,
}

impl Default for Measure {
    fn default() -> Self {
        Measure { sample: true, root: false }
    }
}

fn out_of_range() -> DataFusionError {
    let error = Error::new(ErrorKind::NumericValueOutOfRange, "value out of range: overflow");
    DataFusionError::External(Box::new(error))
}

impl Sums {
    fn add(&mut self, values: &[ArrayRef], sign: i64) -> Result<()> {
        let [values] = values else { return internal_err!("a variance takes one argument") };
        let sign = i256::from(sign);
        for value in values.as_primitive::<Decimal128Type>().iter().flatten() {
            let value = i256::from_i128(value);
            let square = value.checked_mul(value).ok_or_else(out_of_range)?;
            let signed = |value: i256| value.checked_mul(sign);
            self.sum =
                signed(value).and_then(|v| self.sum.checked_add(v)).ok_or_else(out_of_range)?;
            self.squares = signed(square)
                .and_then(|v| self.squares.checked_add(v))
                .ok_or_else(out_of_range)?;
            self.count += if sign == i256::ONE { 1 } else { -1 };
        }
        Ok(())
    }

    /// `(n·Σx² − (Σx)²) / (n·(n − 1))`, rounded, and its root.
    fn measured(&self) -> Option<i128> {
        let count = i256::from(self.count);
        let divisor = if self.measure.sample { self.count - 1 } else { self.count };
        let product = count.checked_mul(self.squares)?;
        let difference = product.checked_sub(self.sum.checked_mul(self.sum)?)?;
        if difference <= i256::ZERO {
            return Some(0);
        }
        let digits = u32::from((self.scale.max(0) as u8) * 2);
        let wanted = u32::from(SCALE.unsigned_abs());
        let by = count.checked_mul(i256::from(divisor))?;
        let (dividend, by) = match digits > wanted {
            true => (difference, by.checked_mul(power_of_ten(digits - wanted)?)?),
            false => (difference.checked_mul(power_of_ten(wanted - digits)?)?, by),
        };
        let variance = rounded(dividend, by)?;
        if !self.measure.root {
            return variance.to_i128();
        }
        square_root(variance.checked_mul(power_of_ten(wanted)?)?)?.to_i128()
    }
}

fn power_of_ten(digits: u32) -> Option<i256> {
    i256::from(10_i64).checked_pow(digits)
}

/// The quotient of positive numbers, half away from zero.
fn rounded(dividend: i256, divisor: i256) -> Option<i256> {
    let quotient = dividend.checked_div(divisor)?;
    let rest = dividend.checked_sub(quotient.checked_mul(divisor)?)?;
    let rounds = rest >= divisor.checked_sub(rest)?;
    quotient.checked_add(if rounds { i256::ONE } else { i256::ZERO })
}

/// The nearest integer to the root, by Newton's method.
pub fn square_root(value: i256) -> Option<i256> {
    if value <= i256::ZERO {
        return Some(i256::ZERO);
    }
    let two = i256::from(2_i64);
    let bits = 256 - value.leading_zeros();
    let mut root = two.checked_pow(bits.div_ceil(2))?;
    loop {
        let next = root.checked_add(value.checked_div(root)?)?.checked_div(two)?;
        if next >= root {
            break;
        }
        root = next;
    }
    // `value` lies nearer to the next square when it is more than `root` above this one.
    let above = value.checked_sub(root.checked_mul(root)?)?;
    root.checked_add(if above > root { i256::ONE } else { i256::ZERO })
}

impl Accumulator for Sums {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(values, 1)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(values, -1)
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let least = if self.measure.sample { 2 } else { 1 };
        if self.count < least {
            return Ok(ScalarValue::Decimal128(None, 38, SCALE));
        }
        let value = self.measured().ok_or_else(out_of_range)?;
        Ok(ScalarValue::Decimal128(Some(value), 38, SCALE))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let squares_scale = self.scale.saturating_mul(2);
        Ok(vec![
            ScalarValue::Int64(Some(self.count)),
            ScalarValue::Decimal256(Some(self.sum), SUM_PRECISION, self.scale),
            ScalarValue::Decimal256(Some(self.squares), SUM_PRECISION, squares_scale),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [counts, sums, squares] = states else {
            return internal_err!("a variance keeps something else");
        };
        let counts = counts.as_primitive::<Int64Type>();
        let (sums, squares) =
            (sums.as_primitive::<Decimal256Type>(), squares.as_primitive::<Decimal256Type>());
        for row in (0..counts.len()).filter(|row| counts.is_valid(*row)) {
            self.count += counts.value(row);
            self.sum = self.sum.checked_add(sums.value(row)).ok_or_else(out_of_range)?;
            self.squares = self.squares.checked_add(squares.value(row)).ok_or_else(out_of_range)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_the_nearest() {
        for (value, root) in [(0, 0), (1, 1), (2, 1), (3, 2), (6, 2), (7, 3), (99, 10), (100, 10)] {
            assert_eq!(square_root(i256::from(value)), Some(i256::from(root)), "{value}");
        }
    }

    #[test]
    fn a_sample_is_divided_by_one_less() {
        let sums = Sums {
            count: 4,
            sum: i256::from(10_i64),
            squares: i256::from(30_i64),
            scale: 0,
            measure: Measure { sample: true, root: false },
        };
        assert_eq!(sums.measured(), Some(16_666_666_666_666_667));
        let root = Sums { measure: Measure { sample: false, root: true }, ..sums };
        assert_eq!(root.measured(), Some(11_180_339_887_498_948));
    }
}
