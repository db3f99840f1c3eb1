//! OVERLAPS: whether two periods have a moment in common. What their ends are is said before.
//! <https://www.postgresql.org/docs/16/functions-datetime.html>

use datafusion::arrow::array::AsArray;
use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};

use crate::base::datatype::BaseType;
use crate::base::{Error, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, broken};

const BOOL: Returns = Returns::Type(BaseType::Bool);

macro_rules! periods {
    ($kind:ident) => {
        Overload::new(&[Kind::$kind, Kind::$kind, Kind::$kind, Kind::$kind], BOOL, overlaps)
            .sees_null()
    };
}

pub const KERNELS: &[Kernel] =
    &[Kernel::immutable("overlaps", &[periods!(Timestamp), periods!(Timestamptz), periods!(Time)])];

fn overlaps(a: &Arguments<'_>) -> Result<ArrayRef> {
    let mut columns = Vec::with_capacity(4);
    for index in 0..4 {
        let (array, constant) = a.raw(index)?;
        columns.push((cast(array, &DataType::Int64).map_err(broken)?, constant));
    }
    let value = |index: usize, row: usize| -> Result<Option<i64>> {
        let (array, constant) =
            columns.get(index).ok_or_else(|| Error::internal("a period lacks an end"))?;
        let values = array.as_primitive::<Int64Type>();
        let row = if *constant { 0 } else { row };
        Ok(values.is_valid(row).then(|| values.value(row)))
    };
    a.make_flags(|row| {
        let first = ordered(value(0, row)?, value(1, row)?);
        let second = ordered(value(2, row)?, value(3, row)?);
        Ok(first.zip(second).and_then(|(first, second)| have_common(first, second)))
    })
}

/// The period with its start first; `None` where nothing is known of it.
fn ordered(start: Option<i64>, end: Option<i64>) -> Option<(i64, Option<i64>)> {
    match (start, end) {
        (Some(start), Some(end)) => Some((start.min(end), Some(start.max(end)))),
        (Some(known), None) | (None, Some(known)) => Some((known, None)),
        (None, None) => None,
    }
}

/// A period holds its start, and not its end. `None` where an unknown end would decide.
fn have_common(first: (i64, Option<i64>), second: (i64, Option<i64>)) -> Option<bool> {
    let (earlier, later) = if first.0 <= second.0 { (first, second) } else { (second, first) };
    if first.0 == second.0 {
        return first.1.and(second.1).map(|_| true);
    }
    match earlier.1 {
        None => None,
        Some(end) if later.0 < end => Some(true),
        Some(_) => later.1.map(|_| false),
    }
}
