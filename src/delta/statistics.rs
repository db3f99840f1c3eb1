//! What the optimiser may believe of a data file. The log's statistics are bounds, and only some of
//! them are exact values; a wrong "exact" here is a wrong answer to a query.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};

use super::index::FileIndex;
use super::schema::Columns;

/// Writers cut timestamps to milliseconds, downwards (Delta protocol, "Per-file Statistics").
const TIMESTAMP_CUT_MICROS: i64 = 999;

/// Some writers keep decimals as double precision numbers: to 15 digits those are exact.
const DECIMAL_DIGITS_EXACT: u8 = 15;

/// Bits of a double precision number that can be relied on.
const DECIMAL_BITS: u32 = 50;

/// Makes the log's smallest and greatest values bounds that no value of the file is outside of.
///
/// Double precision columns may have been single precision ones when a file was written: `3.4` in the
/// log was then 3.4000000953674316.
pub fn widen_bounds(min: ArrayRef, max: ArrayRef) -> (ArrayRef, ArrayRef) {
    match min.data_type().clone() {
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let greatest = max.as_primitive::<TimestampMicrosecondType>();
            let widened = greatest.unary::<_, TimestampMicrosecondType>(|max| {
                max.saturating_add(TIMESTAMP_CUT_MICROS)
            });
            (min, Arc::new(widened.with_timezone_opt(zone)))
        }
        DataType::Decimal128(precision, _) if precision > DECIMAL_DIGITS_EXACT => {
            let widen = |bounds: &ArrayRef, sign: i128| -> ArrayRef {
                let bounds = bounds.as_primitive::<Decimal128Type>();
                let widened = bounds.unary::<_, Decimal128Type>(|bound| {
                    let slack = (bound.unsigned_abs() >> DECIMAL_BITS) as i128 + 1;
                    bound.saturating_add(sign * slack)
                });
                Arc::new(widened.with_data_type(bounds.data_type().clone()))
            };
            (widen(&min, -1), widen(&max, 1))
        }
        DataType::Float64 => {
            let widen = |bounds: &ArrayRef, sign: f64| -> ArrayRef {
                let bounds = bounds.as_primitive::<Float64Type>();
                Arc::new(bounds.unary::<_, Float64Type>(|bound| {
                    bound + sign * bound.abs() * f64::from(f32::EPSILON)
                }))
            };
            (widen(&min, -1.0), widen(&max, 1.0))
        }
        _ => (min, max),
    }
}

/// Whether the log's bounds of this type are values of the file: not for timestamps and long decimals
/// (cut), strings (cut to a prefix), and floating point numbers (NaN, -0).
fn bounds_are_values(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Time64(_)
        | DataType::Date32 => true,
        DataType::Decimal128(precision, _) => *precision <= DECIMAL_DIGITS_EXACT,
        _ => false,
    }
}

/// The statistics of a file: of the columns in data files first, then of the partition columns.
pub fn file_statistics(index: &FileIndex, file: usize, columns: &Columns) -> Arc<Statistics> {
    let make = || {
        let rows = index.rows_of(file).and_then(|rows| usize::try_from(rows).ok());
        let data = columns.data.iter().map(|&at| data_column(index, file, at, columns));
        let partition =
            (0..columns.partition.len()).map(|at| partition_column(index, file, at, rows));
        Arc::new(Statistics {
            num_rows: rows.map_or(Precision::Absent, Precision::Exact),
            total_byte_size: Precision::Absent,
            column_statistics: data.chain(partition).collect(),
        })
    };
    match index.statistics.get(file) {
        Some(known) => Arc::clone(known.get_or_init(make)),
        None => make(),
    }
}

fn data_column(index: &FileIndex, file: usize, at: usize, columns: &Columns) -> ColumnStatistics {
    let mut statistics = ColumnStatistics::new_unknown();
    let Some(Some(bounds)) = index.bounds.get(at) else { return statistics };
    let tight = index.tight.value(file);
    let exact = tight && bounds_are_values(columns.schema.field(at).data_type());
    statistics.min_value = bound(&bounds.min, file, exact);
    statistics.max_value = bound(&bounds.max, file, exact);
    if bounds.null_count.is_valid(file)
        && let Ok(nulls) = usize::try_from(bounds.null_count.value(file))
    {
        statistics.null_count =
            if tight { Precision::Exact(nulls) } else { Precision::Inexact(nulls) };
    }
    statistics
}

/// A partition column has one value in a file, or NULL in every row of it.
fn partition_column(
    index: &FileIndex,
    file: usize,
    at: usize,
    rows: Option<usize>,
) -> ColumnStatistics {
    let mut statistics = ColumnStatistics::new_unknown();
    let Some(values) = index.partition_values.get(at) else { return statistics };
    if values.is_null(file) {
        statistics.null_count = rows.map_or(Precision::Absent, Precision::Exact);
        return statistics;
    }
    statistics.null_count = Precision::Exact(0);
    statistics.min_value = bound(values, file, true);
    statistics.max_value = statistics.min_value.clone();
    statistics
}

fn bound(values: &ArrayRef, file: usize, exact: bool) -> Precision<ScalarValue> {
    if values.is_null(file) {
        return Precision::Absent;
    }
    match ScalarValue::try_from_array(values, file) {
        Ok(value) if exact => Precision::Exact(value),
        Ok(value) => Precision::Inexact(value),
        Err(_) => Precision::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Decimal128Array, TimestampMicrosecondArray};

    #[test]
    fn bounds_hold_what_writers_cut_off() {
        let cut: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(1000), None]));
        let (min, max) = widen_bounds(Arc::clone(&cut), cut);
        assert_eq!(min.as_primitive::<TimestampMicrosecondType>().value(0), 1000);
        assert_eq!(max.as_primitive::<TimestampMicrosecondType>().value(0), 1999);
        assert!(max.is_null(1));

        let value = 12_345_678_901_234_567_890_i128;
        let rounded = value as f64 as i128;
        let decimals =
            Decimal128Array::from(vec![rounded]).with_data_type(DataType::Decimal128(38, 0));
        let decimals: ArrayRef = Arc::new(decimals);
        let (min, max) = widen_bounds(Arc::clone(&decimals), decimals);
        assert!(min.as_primitive::<Decimal128Type>().value(0) <= value);
        assert!(max.as_primitive::<Decimal128Type>().value(0) >= value);
    }
}
