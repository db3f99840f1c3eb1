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

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{BinaryArray, StringArray, StructArray};
    use datafusion::arrow::datatypes::{Field, Fields};
    use parquet_variant_compute::{VariantArrayBuilder, json_to_variant, shred_variant};

    const TEXTS: [Option<&str>; 6] = [
        Some(r#"{"a":1,"b":{"c":[true,null,"x\"y"]}}"#),
        Some("17"),
        None,
        Some("null"),
        Some(r#"{"a":"text","b":12.5}"#),
        Some("[]"),
    ];

    fn texts(column: StructArray) -> Vec<Option<String>> {
        let column: ArrayRef = Arc::new(column);
        let json = variant_as_json(&column).unwrap();
        json.as_string_view().iter().map(|text| text.map(str::to_owned)).collect()
    }

    #[test]
    fn variants_are_json_shredded_or_not() {
        let json: ArrayRef = Arc::new(StringArray::from(TEXTS.to_vec()));
        let variants = json_to_variant(&json).unwrap();
        let wanted = TEXTS.map(|text| text.map(str::to_owned));
        assert_eq!(texts(variants.inner().clone()), wanted);
        let fields = Fields::from(vec![Field::new("a", DataType::Int64, true)]);
        for shredded in [DataType::Int64, DataType::Struct(fields)] {
            let shredded = shred_variant(&variants, &shredded).unwrap();
            assert!(shredded.typed_value_column().is_some());
            assert_eq!(texts(shredded.inner().clone()), wanted);
        }
    }

    #[test]
    fn what_json_has_no_number_for_is_a_string() {
        let mut variants = VariantArrayBuilder::new(3);
        variants.append_variant(Variant::from(f64::NAN));
        variants.append_variant(Variant::from(f32::NEG_INFINITY));
        variants.append_variant(Variant::from(-0.5_f64));
        let wanted = ["\"NaN\"", "\"-Infinity\"", "-0.5"].map(|text| Some(text.to_owned()));
        assert_eq!(texts(variants.build().into_inner()), wanted);
    }

    #[test]
    fn bytes_that_are_no_variant_are_an_error() {
        let column = |value: &[u8]| -> ArrayRef {
            let metadata: ArrayRef = Arc::new(BinaryArray::from_vec(vec![&[1, 0, 0]]));
            let value: ArrayRef = Arc::new(BinaryArray::from_vec(vec![value]));
            let fields =
                ["metadata", "value"].map(|name| Field::new(name, DataType::Binary, false));
            Arc::new(StructArray::new(Fields::from(fields.to_vec()), vec![metadata, value], None))
        };
        assert!(variant_as_json(&column(&[12, 5])).is_ok());
        for broken in [&[][..], &[12], &[2, 200, 0], &[3, 9, 1, 2]] {
            assert!(variant_as_json(&column(broken)).is_err(), "{broken:?}");
        }
    }
}
