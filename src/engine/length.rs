//! What the type modifier of a column asks of its values, as PostgreSQL does on assignment: texts that are longer than
//! `varchar(n)` and `char(n)` are refused, moments rounded to the digits of `timestamp(n)` and `time(n)`, names cut.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{DataFusionError, Result as DataFusionResult};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};

use crate::base::datatype::{BaseType, PgType, character_length, pg_type_of};
use crate::base::{Error, ErrorKind, Result};

use super::function::{DATETIME_ROUNDED, NAME_OF_TEXT, OID_OF_INTEGER, column_function};

/// `value`, a value of the column's type, as its type modifier lets it in.
pub fn enforce_length(value: Expr, target: &Field) -> Result<Expr> {
    let Ok((PgType::Scalar(base), typmod)) = pg_type_of(target) else { return Ok(value) };
    if base.has_precision() && typmod >= 0 {
        return Ok(function(DATETIME_ROUNDED)?.call(vec![value, lit(typmod)]));
    }
    if base == BaseType::Name {
        let value = datafusion::logical_expr::cast(value, DataType::Utf8);
        return Ok(function(NAME_OF_TEXT)?.call(vec![value]));
    }
    let length = match base {
        BaseType::Varchar | BaseType::Bpchar => character_length(typmod),
        _ => None,
    };
    Ok(match length {
        Some(length) => {
            let function = ScalarUDF::from(EnforceLength::new(base, length));
            function.call(vec![datafusion::logical_expr::cast(value, DataType::Utf8)])
        }
        None => value,
    })
}

/// An integer as a value of the system catalogs' type that the column has. Errors when run: 22003.
pub fn enforce_oid(value: Expr) -> Result<Expr> {
    Ok(function(OID_OF_INTEGER)?.call(vec![value]))
}

fn function(name: &str) -> Result<Arc<ScalarUDF>> {
    column_function(name).ok_or_else(|| Error::internal(format!("the function {name} is missing")))
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
