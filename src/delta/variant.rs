//! Values of Delta's type variant, shredded or not, as the JSON texts that columns of type json hold. It
//! reads no files and writes no variants.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::error::ArrowError;
use parquet_variant::Variant;
use parquet_variant_compute::{VariantArray, unshred_variant};
use parquet_variant_json::VariantToJson;

/// Nested objects and arrays that a value may have, as in JSON that PostgreSQL reads.
const VARIANT_DEPTH_MAX: usize = 1000;

/// The values of a data file's variant column (a struct of `metadata`, `value` and, where values are
/// shredded, `typed_value`) as JSON in Utf8View.
///
/// # Errors
/// Of a file whose column is no variant, or holds bytes that are none.
pub fn variant_as_json(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let variants = unshred_variant(&VariantArray::try_new(column.as_ref())?)?;
    let metadata = cast(variants.metadata_column(), &DataType::BinaryView)?;
    let values = cast(variants.value_column(), &DataType::BinaryView)?;
    let (metadata, values) = (metadata.as_binary_view(), values.as_binary_view());
    let mut texts = StringViewBuilder::with_capacity(variants.len());
    let mut json = String::new();
    for row in 0..variants.len() {
        if variants.is_null(row) {
            texts.append_null();
            continue;
        }
        let value = match values.is_valid(row) {
            true => Variant::try_new(metadata.value(row), values.value(row))?,
            // What the specification of shredding has readers make of a value that is nowhere.
            false => Variant::Null,
        };
        json.clear();
        write_json(&value, VARIANT_DEPTH_MAX, &mut json)?;
        texts.append_value(&json);
    }
    Ok(Arc::new(texts.finish()))
}

/// Appends a value. What JSON has no number for is a string, as Spark writes it.
fn write_json(value: &Variant<'_, '_>, depth: usize, json: &mut String) -> Result<(), ArrowError> {
    let Some(inner) = depth.checked_sub(1) else {
        return Err(ArrowError::ParseError("a variant is nested too deeply".to_owned()));
    };
    match value {
        Variant::Object(object) => {
            json.push('{');
            for (at, field) in object.iter_try().enumerate() {
                let (name, value) = field?;
                json.push_str(if at == 0 { "" } else { "," });
                write_scalar(&Variant::from(name), json)?;
                json.push(':');
                write_json(&value, inner, json)?;
            }
            json.push('}');
        }
        Variant::List(list) => {
            json.push('[');
            for (at, element) in list.iter_try().enumerate() {
                json.push_str(if at == 0 { "" } else { "," });
                write_json(&element?, inner, json)?;
            }
            json.push(']');
        }
        Variant::Float(number) => write_float(f64::from(*number), value, json)?,
        Variant::Double(number) => write_float(*number, value, json)?,
        scalar => write_scalar(scalar, json)?,
    }
    Ok(())
}

fn write_float(number: f64, value: &Variant<'_, '_>, json: &mut String) -> Result<(), ArrowError> {
    if number.is_finite() {
        return write_scalar(value, json);
    }
    json.push_str(match (number.is_nan(), number > 0.0) {
        (true, _) => "\"NaN\"",
        (false, true) => "\"Infinity\"",
        (false, false) => "\"-Infinity\"",
    });
    Ok(())
}

fn write_scalar(value: &Variant<'_, '_>, json: &mut String) -> Result<(), ArrowError> {
    json.push_str(&value.to_json_string()?);
    Ok(())
}
