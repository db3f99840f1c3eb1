//! `generate_series` as an array, of the type of its bounds: DataFusion's counts whole numbers with 64 bits and
//! knows no decimals. What it makes of 64-bit numbers and times is DataFusion's.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Decimal128Builder, ListBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use crate::base::{Error, ErrorKind};

/// Elements of one series, at most.
const ELEMENTS_MAX: usize = 4 << 20;

/// DataFusion's function with the types that PostgreSQL's has besides.
#[derive(Debug)]
pub struct Series {
    inner: Arc<ScalarUDF>,
    signature: Signature,
}

impl Series {
    pub fn udf(inner: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
        let signature = Signature::user_defined(inner.signature().volatility);
        Arc::new(ScalarUDF::new_from_impl(Series { inner, signature }))
    }
}

/// What is counted.
enum Step {
    Integers,
    Bigints,
    Decimals { precision: u8, scale: i8 },
    Other,
}

fn step_of(types: &[DataType]) -> Step {
    let is_number = |data_type: &DataType| data_type.is_integer() || data_type.is_null();
    if types.iter().any(|data_type| matches!(data_type, DataType::Decimal128(..)))
        && types.iter().all(|one| is_number(one) || matches!(one, DataType::Decimal128(..)))
    {
        let scale = types.iter().filter_map(scale_of).max().unwrap_or(0);
        return Step::Decimals { precision: 38, scale };
    }
    if !types.iter().all(is_number) || types.iter().all(DataType::is_null) {
        return Step::Other;
    }
    let is_wide = |data_type: &DataType| {
        matches!(data_type, DataType::Int64 | DataType::UInt32 | DataType::UInt64)
    };
    if types.iter().any(is_wide) { Step::Bigints } else { Step::Integers }
}

fn scale_of(data_type: &DataType) -> Option<i8> {
    match data_type {
        DataType::Decimal128(_, scale) => Some(*scale),
        _ => None,
    }
}

fn list_of(data_type: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(data_type, true)))
}

impl ScalarUDFImpl for Series {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match step_of(types) {
            Step::Integers => Ok(list_of(DataType::Int32)),
            Step::Bigints => Ok(list_of(DataType::Int64)),
            Step::Decimals { precision, scale } => {
                Ok(list_of(DataType::Decimal128(precision, scale)))
            }
            Step::Other => self.inner.return_type(types),
        }
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> =
            arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        match step_of(&types) {
            Step::Other => self.inner.return_field_from_args(arguments),
            Step::Integers | Step::Bigints | Step::Decimals { .. } => {
                Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, true)))
            }
        }
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let all = |data_type: DataType| Ok(vec![data_type; types.len()]);
        match step_of(types) {
            Step::Integers => all(DataType::Int32),
            Step::Bigints => all(DataType::Int64),
            Step::Decimals { precision, scale } => all(DataType::Decimal128(precision, scale)),
            Step::Other => {
                let field = |data_type: &DataType| {
                    Arc::new(Field::new("argument", data_type.clone(), true))
                };
                let fields: Vec<FieldRef> = types.iter().map(field).collect();
                let coerced = fields_with_udf(&fields, self.inner.as_ref())?;
                Ok(coerced.iter().map(|field| field.data_type().clone()).collect())
            }
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let types: Vec<DataType> =
            arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        match step_of(&types) {
            Step::Integers => {
                let narrow = list_of(DataType::Int32);
                match self.inner.invoke_with_args(widened(arguments)?)? {
                    ColumnarValue::Array(lists) => Ok(ColumnarValue::Array(cast(&lists, &narrow)?)),
                    ColumnarValue::Scalar(list) => {
                        Ok(ColumnarValue::Scalar(list.cast_to(&narrow)?))
                    }
                }
            }
            Step::Decimals { precision, scale } => decimals(&arguments, precision, scale),
            Step::Bigints | Step::Other => self.inner.invoke_with_args(arguments),
        }
    }
}

/// The call with 64-bit arguments.
fn widened(arguments: ScalarFunctionArgs) -> Result<ScalarFunctionArgs> {
    let args = arguments.args.iter().map(|value| value.cast_to(&DataType::Int64, None));
    let field = |field: &FieldRef| Arc::new(field.as_ref().clone().with_data_type(DataType::Int64));
    let return_field = Field::new("series", list_of(DataType::Int64), true);
    Ok(ScalarFunctionArgs {
        args: args.collect::<Result<_>>()?,
        arg_fields: arguments.arg_fields.iter().map(field).collect(),
        return_field: Arc::new(return_field),
        ..arguments
    })
}

fn decimals(arguments: &ScalarFunctionArgs, precision: u8, scale: i8) -> Result<ColumnarValue> {
    let constant = arguments.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
    let rows = if constant { 1 } else { arguments.number_rows };
    let columns: Vec<ArrayRef> =
        arguments.args.iter().map(|value| value.to_array(rows)).collect::<Result<_>>()?;
    let one = 10_i128.pow(u32::from(scale.unsigned_abs()));
    let mut lists = ListBuilder::new(
        Decimal128Builder::new().with_data_type(DataType::Decimal128(precision, scale)),
    );
    for row in 0..rows {
        let value = |index: usize| match columns.get(index) {
            Some(column) if column.is_null(row) => None,
            Some(column) => Some(column.as_primitive::<Decimal128Type>().value(row)),
            None => Some(one),
        };
        let (Some(start), Some(stop), Some(step)) = (value(0), value(1), value(2)) else {
            lists.append_null();
            continue;
        };
        if step == 0 {
            return Err(refused(ErrorKind::InvalidParameterValue, "step size cannot equal zero"));
        }
        let mut next = Some(start);
        while let Some(value) = next.filter(|at| if step > 0 { *at <= stop } else { *at >= stop }) {
            if lists.values().values_slice().len() >= ELEMENTS_MAX {
                let message = "requested length too large";
                return Err(refused(ErrorKind::ProgramLimitExceeded, message));
            }
            lists.values().append_value(value);
            next = value.checked_add(step);
        }
        lists.append(true);
    }
    let lists: ArrayRef = Arc::new(lists.finish());
    match constant {
        true => ScalarValue::try_from_array(&lists, 0).map(ColumnarValue::Scalar),
        false => Ok(ColumnarValue::Array(lists)),
    }
}

fn refused(kind: ErrorKind, message: &str) -> DataFusionError {
    DataFusionError::External(Box::new(Error::new(kind, message)))
}

impl PartialEq for Series {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Series {}

impl Hash for Series {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}
