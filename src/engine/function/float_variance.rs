//! `variance` and `stddev` of floating point numbers, by the algorithm of Youngs and Cramer as PostgreSQL has it, so
//! that the digits are PostgreSQL's; what is not finite makes the result no number. DataFusion's are other digits.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Float64Builder,
};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::variance::Measure;
use crate::base::{Error, ErrorKind};

/// What is kept of the values: how many there are, their sum, and the sum of the squares of their distances from
/// the mean.
#[derive(Debug, Default, Clone, Copy)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

fn overflow() -> DataFusionError {
    let error = Error::new(ErrorKind::NumericValueOutOfRange, "value out of range: overflow");
    DataFusionError::External(Box::new(error))
}

impl Moments {
    fn add(&mut self, value: f64) -> Result<()> {
        let before = *self;
        self.count += 1.0;
        self.sum += value;
        if before.count == 0.0 {
            if !value.is_finite() {
                self.squares = f64::NAN;
            }
            return Ok(());
        }
        let distance = value * self.count - self.sum;
        self.squares += distance * distance / (self.count * before.count);
        if self.sum.is_infinite() || self.squares.is_infinite() {
            if before.sum.is_finite() && value.is_finite() {
                return Err(overflow());
            }
            self.squares = f64::NAN;
        }
        Ok(())
    }

    fn merge(&mut self, other: Moments) -> Result<()> {
        if other.count == 0.0 {
            return Ok(());
        }
        if self.count == 0.0 {
            *self = other;
            return Ok(());
        }
        let count = self.count + other.count;
        let distance = self.sum / self.count - other.sum / other.count;
        let between = self.count * other.count * distance * distance / count;
        let squares = self.squares + other.squares + between;
        if squares.is_infinite() && self.squares.is_finite() && other.squares.is_finite() {
            return Err(overflow());
        }
        *self = Moments { count, sum: self.sum + other.sum, squares };
        Ok(())
    }

    fn measured(self, measure: Measure) -> Option<f64> {
        let divisor = if measure.sample { self.count - 1.0 } else { self.count };
        let variance = (divisor > 0.0).then(|| self.squares / divisor)?;
        Some(if measure.root { variance.sqrt() } else { variance })
    }
}

/// The columns of the state.
pub fn state_fields() -> Vec<FieldRef> {
    ["count", "sum", "squares"]
        .map(|name| Arc::new(Field::new(name, DataType::Float64, true)))
        .to_vec()
}

fn numbers(array: &ArrayRef) -> Result<&Float64Array> {
    match array.as_primitive_opt::<Float64Type>() {
        Some(numbers) => Ok(numbers),
        None => internal_err!("a variance of {}", array.data_type()),
    }
}

/// The moments that are kept in a row of states.
fn states(states: &[ArrayRef]) -> Result<impl Fn(usize) -> Moments> {
    let [counts, sums, squares] = states else { return internal_err!("a variance keeps more") };
    let (counts, sums) = (numbers(counts)?.clone(), numbers(sums)?.clone());
    let squares = numbers(squares)?.clone();
    Ok(move |row| match counts.is_valid(row) {
        true => {
            Moments { count: counts.value(row), sum: sums.value(row), squares: squares.value(row) }
        }
        false => Moments::default(),
    })
}

/// The variance of one group.
#[derive(Debug)]
pub struct OneVariance {
    moments: Moments,
    measure: Measure,
}

impl OneVariance {
    pub fn new(measure: Measure) -> Self {
        OneVariance { moments: Moments::default(), measure }
    }
}

impl Accumulator for OneVariance {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else { return internal_err!("a variance takes one argument") };
        numbers(values)?.iter().flatten().try_for_each(|value| self.moments.add(value))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.moments.measured(self.measure)))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let Moments { count, sum, squares } = self.moments;
        Ok([count, sum, squares].map(|part| ScalarValue::Float64(Some(part))).to_vec())
    }

    fn merge_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        let state = states(arrays)?;
        let rows = arrays.first().map_or(0, |counts| counts.len());
        (0..rows).try_for_each(|row| self.moments.merge(state(row)))
    }
}

/// The variances of many groups.
pub struct ManyVariances {
    groups: Vec<Moments>,
    measure: Measure,
}

impl ManyVariances {
    pub fn new(measure: Measure) -> Self {
        ManyVariances { groups: Vec::new(), measure }
    }

    fn group(&mut self, index: usize) -> Result<&mut Moments> {
        match self.groups.get_mut(index) {
            Some(moments) => Ok(moments),
            None => internal_err!("a variance of an unknown group"),
        }
    }
}

fn columns(moments: &[Moments]) -> Vec<ArrayRef> {
    let column = |part: fn(&Moments) -> f64| -> ArrayRef {
        Arc::new(moments.iter().map(part).collect::<Float64Array>())
    };
    vec![column(|m| m.count), column(|m| m.sum), column(|m| m.squares)]
}

impl GroupsAccumulator for ManyVariances {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let [values] = values else { return internal_err!("a variance takes one argument") };
        self.groups.resize(total, Moments::default());
        for (row, value) in numbers(values)?.iter().enumerate() {
            let counts = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if let (Some(value), true, Some(group)) = (value, counts, groups.get(row)) {
                self.group(*group)?.add(value)?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let mut made = Float64Builder::new();
        for moments in emit.take_needed(&mut self.groups) {
            made.append_option(moments.measured(self.measure));
        }
        Ok(Arc::new(made.finish()))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(columns(&emit.take_needed(&mut self.groups)))
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.groups.resize(total, Moments::default());
        let state = states(values)?;
        for (row, group) in groups.iter().enumerate() {
            self.group(*group)?.merge(state(row))?;
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let [values] = values else { return internal_err!("a variance takes one argument") };
        let mut rows = Vec::with_capacity(values.len());
        for (row, value) in numbers(values)?.iter().enumerate() {
            let mut moments = Moments::default();
            let counts = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if let (Some(value), true) = (value, counts) {
                moments.add(value)?;
            }
            rows.push(moments);
        }
        Ok(columns(&rows))
    }

    fn size(&self) -> usize {
        self.groups.capacity() * size_of::<Moments>()
    }
}
