//! The length of `varchar(n)` and `char(n)`: longer values are refused, as PostgreSQL does on assignment.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{DataFusionError, Result as DataFusionResult};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::base::datatype::{BaseType, PgType, character_length, pg_type_of};
use crate::base::{Error, ErrorKind};

/// `value`, refused when it is longer than the column's declared length.
pub fn enforce_length(value: Expr, target: &Field) -> Expr {
    let Ok((PgType::Scalar(base @ (BaseType::Varchar | BaseType::Bpchar)), typmod)) =
        pg_type_of(target)
    else {
        return value;
    };
    match character_length(typmod) {
        Some(length) => {
            let function = ScalarUDF::from(EnforceLength::new(base, length));
            function.call(vec![datafusion::logical_expr::cast(value, DataType::Utf8)])
        }
        None => value,
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct EnforceLength {
    base: BaseType,
    /// In characters.
    length: usize,
    signature: Signature,
}

impl EnforceLength {
    fn new(base: BaseType, length: usize) -> Self {
        let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
        EnforceLength { base, length, signature }
    }

    /// The value, without spaces that are too many (the SQL standard lets them go), or 22001.
    fn fitted<'a>(&self, value: &'a str) -> DataFusionResult<&'a str> {
        let Some((end, _)) = value.char_indices().nth(self.length) else { return Ok(value) };
        let (kept, cut) = value.split_at(end);
        if cut.bytes().all(|byte| byte == b' ') {
            return Ok(kept);
        }
        let error = Error::new(
            ErrorKind::StringDataRightTruncation,
            format!("value too long for type {}({})", self.base.sql_name(), self.length),
        );
        Err(DataFusionError::External(Box::new(error)))
    }
}

impl ScalarUDFImpl for EnforceLength {
    fn name(&self) -> &str {
        "lakegate_enforce_length"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let values = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(values) = values.first() else {
            return datafusion::common::internal_err!("a length check without a value");
        };
        let values: ArrayRef = cast(values, &DataType::Utf8)?;
        let strings = values.as_string::<i32>();
        // Nearly always every value fits, and the array goes on as it is.
        let fits = |value: &str| value.len() <= self.length;
        if strings.iter().flatten().all(fits) {
            return Ok(ColumnarValue::Array(Arc::clone(&values)));
        }
        let mut fitted = StringBuilder::with_capacity(strings.len(), strings.values().len());
        for value in strings {
            fitted.append_option(value.map(|value| self.fitted(value)).transpose()?);
        }
        Ok(ColumnarValue::Array(Arc::new(fitted.finish())))
    }
}
