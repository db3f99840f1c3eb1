//! A number for each row that keeps rows near each other which are near in several columns: the bits of the
//! columns' values, taken in turn (Z-order). It is never stored.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result as DataFusionResult, plan_err};
use datafusion::logical_expr::{ColumnarValue, Expr, Volatility, create_udf, ident};

use crate::base::{Error, Result};
use crate::delta::TableVersion;

/// How a column's values are spread over 32 bits.
#[derive(Debug, Clone)]
enum Spread {
    /// From the least value to the greatest.
    Number { min: f64, max: f64 },
    /// By the bytes after those that all texts begin with.
    Text { prefix: usize },
}

/// An expression to order the rows of a table by, so that they are near each other in all the columns.
pub fn zorder(version: &TableVersion, columns: &[String]) -> Result<Expr> {
    let [first, ..] = columns else { return Err(Error::internal("an order without columns")) };
    if columns.len() == 1 {
        return Ok(ident(first));
    }
    let mut spreads = Vec::with_capacity(columns.len());
    let mut types = Vec::with_capacity(columns.len());
    for column in columns {
        let schema = version.schema();
        let at = schema.index_of(column).map_err(|_| super::error::no_column(column))?;
        types.push(schema.field(at).data_type().clone());
        spreads.push(spread(version, at));
    }
    let key = move |values: &[ColumnarValue]| -> DataFusionResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(values)?;
        interleaved(&arrays, &spreads).map(ColumnarValue::Array)
    };
    let function =
        create_udf("zorder", types, DataType::Binary, Volatility::Immutable, Arc::new(key));
    Ok(function.call(columns.iter().map(ident).collect()))
}

/// From what the log knows of the least and the greatest value.
fn spread(version: &TableVersion, at: usize) -> Spread {
    let bounds = version.files().bounds.get(at).and_then(Option::as_ref);
    let schema = version.schema();
    let is_text = matches!(
        schema.field(at).data_type(),
        DataType::Utf8 | DataType::Utf8View | DataType::Binary | DataType::BinaryView
    );
    if is_text {
        let texts = |values: &ArrayRef| {
            let values = cast(values, &DataType::Utf8).ok();
            values.map(|v| v.as_string::<i32>().iter().flatten().map(str::to_owned).collect())
        };
        let least: Vec<String> = bounds.and_then(|b| texts(&b.min)).unwrap_or_default();
        let greatest: Vec<String> = bounds.and_then(|b| texts(&b.max)).unwrap_or_default();
        let (Some(min), Some(max)) = (least.iter().min(), greatest.iter().max()) else {
            return Spread::Text { prefix: 0 };
        };
        let same = min.bytes().zip(max.bytes()).take_while(|(a, b)| a == b);
        return Spread::Text { prefix: same.count() };
    }
    let numbers = |values: &ArrayRef| -> Vec<f64> {
        let numbers = as_numbers(values).ok();
        numbers
            .map(|n| n.as_primitive::<Float64Type>().iter().flatten().collect())
            .unwrap_or_default()
    };
    let min =
        bounds.map(|b| numbers(&b.min)).unwrap_or_default().into_iter().fold(f64::NAN, f64::min);
    let max =
        bounds.map(|b| numbers(&b.max)).unwrap_or_default().into_iter().fold(f64::NAN, f64::max);
    Spread::Number { min, max }
}

/// Dates and times by the numbers that they are kept as.
fn as_numbers(values: &ArrayRef) -> DataFusionResult<ArrayRef> {
    let values = match values.data_type() {
        DataType::Date32 => cast(values, &DataType::Int32)?,
        DataType::Timestamp(..) | DataType::Time64(_) => cast(values, &DataType::Int64)?,
        DataType::Boolean => cast(values, &DataType::Int8)?,
        _ => Arc::clone(values),
    };
    Ok(cast(&values, &DataType::Float64)?)
}

fn interleaved(arrays: &[ArrayRef], spreads: &[Spread]) -> DataFusionResult<ArrayRef> {
    let mut columns = Vec::with_capacity(arrays.len());
    for (array, spread) in arrays.iter().zip(spreads) {
        columns.push(spread_over(array, spread)?);
    }
    let rows = arrays.first().map_or(0, |array| array.len());
    let keys = (0..rows).map(|row| {
        let values: Vec<u32> =
            columns.iter().map(|column| column.get(row).copied().unwrap_or_default()).collect();
        Some(interleave(&values))
    });
    Ok(Arc::new(keys.collect::<BinaryArray>()))
}

/// NULL is the least.
fn spread_over(array: &ArrayRef, spread: &Spread) -> DataFusionResult<Vec<u32>> {
    match spread {
        Spread::Number { min, max } => {
            let numbers = as_numbers(array)?;
            let Some(numbers) = numbers.as_primitive_opt::<Float64Type>() else {
                return plan_err!("an order by values that are no numbers");
            };
            let range = max - min;
            let place = |value: f64| match range > 0.0 {
                // A cast from a float stays within the bounds of the integer.
                true => ((value - min) / range * f64::from(u32::MAX)) as u32,
                false => 0,
            };
            Ok(numbers.iter().map(|value| value.map_or(0, place)).collect())
        }
        Spread::Text { prefix } => {
            let texts = cast(array, &DataType::Binary)?;
            let place = |text: &[u8]| {
                let rest = text.get(*prefix..).unwrap_or_default();
                let byte = |at: usize| u32::from(rest.get(at).copied().unwrap_or_default());
                byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3)
            };
            Ok(texts.as_binary::<i32>().iter().map(|text| text.map_or(0, place)).collect())
        }
    }
}

/// The highest bit of each value, then the next of each.
fn interleave(values: &[u32]) -> Vec<u8> {
    let mut key = vec![0u8; values.len() * 4];
    let bits = (0..u32::BITS).rev().flat_map(|bit| values.iter().map(move |v| (v >> bit) & 1));
    for (at, bit) in bits.enumerate() {
        if let Some(byte) = key.get_mut(at / 8)
            && bit == 1
        {
            *byte |= 0x80 >> (at % 8);
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_taken_in_turn() {
        assert_eq!(interleave(&[u32::MAX, 0]), [0xaa; 8]);
        assert_eq!(interleave(&[0, u32::MAX]), [0x55; 8]);
        assert!(interleave(&[1 << 31, 0]) > interleave(&[0, u32::MAX]));
        assert!(interleave(&[1, 0]) < interleave(&[0, 2]));
    }
}
