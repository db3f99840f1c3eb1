//! Arrow fields as the metastore keeps them: the type as text, the rest beside it. It never converts a
//! value and never touches the database.
//!
//! The text is the notation of Delta's schema (protocol, "Schema Serialization Format"): a word such as
//! `long`, `decimal(10,2)` or `timestamp_ntz`, or the JSON object of a struct, array or map. Types that
//! only the column of a view can have get words of our own: `void`, `uint8` to `uint64`, `float16`,
//! `decimal256(p,s)`, `date64`, `time`, `duration`, `interval`, `interval_year_month`,
//! `interval_day_time`. Metadata on the inner fields of arrays and maps, for which Delta has no place,
//! stands under `elementMetadata`, `keyMetadata` and `valueMetadata`.
//!
//! The text says what a type means, not how Arrow lays it out: `LargeUtf8`, `Utf8View` and dictionaries
//! of text are all `string`, every unit of a timestamp is `timestamp`, and each reads back as the one
//! layout that Delta tables have. [`canonical`] is what a field reads back as.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, TimeUnit};
use serde_json::{Map, Value, json};

use crate::base::datatype::{TYPE_METADATA, TYPMOD_METADATA};
use crate::base::{Error, ErrorKind, Result};

/// A field without its name, as one row of the metastore.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StoredType {
    /// The type in Delta's notation.
    pub text: String,
    pub nullable: bool,
    /// The value of [`TYPE_METADATA`].
    pub pg_type: Option<String>,
    /// The value of [`TYPMOD_METADATA`].
    pub typmod: Option<i32>,
    /// All other metadata, a JSON object of texts; `None` for none.
    pub metadata: Option<String>,
}

impl StoredType {
    /// What is kept of `field`; 0A000 for a type that no column can have.
    pub fn of(field: &Field) -> Result<StoredType> {
        let mut metadata = field.metadata().clone();
        let typmod = match metadata.remove(TYPMOD_METADATA) {
            None => None,
            Some(text) => Some(text.parse().map_err(|error| {
                Error::internal(format!("type modifier \"{text}\" is not a number"))
                    .caused_by(error)
            })?),
        };
        Ok(StoredType {
            text: type_to_text(field.data_type())?,
            nullable: field.is_nullable(),
            pg_type: metadata.remove(TYPE_METADATA),
            typmod,
            metadata: (!metadata.is_empty()).then(|| metadata_to_json(&metadata).to_string()),
        })
    }

    /// The field of that name; XX001 when the texts are none that [`StoredType::of`] makes.
    pub fn into_field(self, name: &str) -> Result<Field> {
        let mut metadata = match &self.metadata {
            None => HashMap::new(),
            Some(text) => {
                let value = serde_json::from_str(text).map_err(|error| corrupted(text, error))?;
                metadata_from_json(Some(&value))?
            }
        };
        metadata.extend(self.pg_type.map(|name| (TYPE_METADATA.to_owned(), name)));
        metadata.extend(self.typmod.map(|n| (TYPMOD_METADATA.to_owned(), n.to_string())));
        let data_type = type_from_text(&self.text)?;
        Ok(Field::new(name, data_type, self.nullable).with_metadata(metadata))
    }
}

/// What `field` reads back as: the same meaning in the layout that Delta tables have.
pub fn canonical(field: &Field) -> Result<Field> {
    StoredType::of(field)?.into_field(field.name())
}

/// A type in Delta's notation; 0A000 for a type that no column can have.
pub fn type_to_text(data_type: &DataType) -> Result<String> {
    Ok(match type_to_json(data_type)? {
        Value::String(word) => word,
        object => object.to_string(),
    })
}

/// The type that a text of [`type_to_text`] means; XX001 for any other text.
pub fn type_from_text(text: &str) -> Result<DataType> {
    if !text.starts_with('{') {
        return word_to_type(text);
    }
    let value: Value = serde_json::from_str(text).map_err(|error| corrupted(text, error))?;
    type_from_json(&value)
}

fn type_to_json(data_type: &DataType) -> Result<Value> {
    Ok(match data_type {
        DataType::Struct(fields) => {
            let fields = fields.iter().map(field_to_json).collect::<Result<Vec<_>>>()?;
            json!({"type": "struct", "fields": fields})
        }
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _) => {
            let mut array = json!({
                "type": "array",
                "elementType": type_to_json(element.data_type())?,
                "containsNull": element.is_nullable(),
            });
            put_metadata(&mut array, "elementMetadata", element);
            array
        }
        DataType::Map(entries, _) => {
            let (key, value) = key_and_value(entries)?;
            let mut map = json!({
                "type": "map",
                "keyType": type_to_json(key.data_type())?,
                "valueType": type_to_json(value.data_type())?,
                "valueContainsNull": value.is_nullable(),
            });
            put_metadata(&mut map, "keyMetadata", key);
            put_metadata(&mut map, "valueMetadata", value);
            map
        }
        DataType::Dictionary(_, value) => type_to_json(value)?,
        DataType::RunEndEncoded(_, values) => type_to_json(values.data_type())?,
        scalar => Value::String(type_to_word(scalar)?),
    })
}

fn type_to_word(data_type: &DataType) -> Result<String> {
    let word = match data_type {
        DataType::Null => "void",
        DataType::Boolean => "boolean",
        DataType::Int8 => "byte",
        DataType::Int16 => "short",
        DataType::Int32 => "integer",
        DataType::Int64 => "long",
        DataType::UInt8 => "uint8",
        DataType::UInt16 => "uint16",
        DataType::UInt32 => "uint32",
        DataType::UInt64 => "uint64",
        DataType::Float16 => "float16",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale) => {
            return Ok(format!("decimal({precision},{scale})"));
        }
        DataType::Decimal256(precision, scale) => {
            return Ok(format!("decimal256({precision},{scale})"));
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string",
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "binary",
        DataType::Date32 => "date",
        DataType::Date64 => "date64",
        DataType::Timestamp(_, Some(_)) => "timestamp",
        DataType::Timestamp(_, None) => "timestamp_ntz",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Duration(_) => "duration",
        DataType::Interval(IntervalUnit::MonthDayNano) => "interval",
        DataType::Interval(IntervalUnit::YearMonth) => "interval_year_month",
        DataType::Interval(IntervalUnit::DayTime) => "interval_day_time",
        other => return Err(Error::unsupported(format!("a column of type {other}"))),
    };
    Ok(word.to_owned())
}

fn word_to_type(word: &str) -> Result<DataType> {
    Ok(match word {
        "void" => DataType::Null,
        "boolean" => DataType::Boolean,
        "byte" => DataType::Int8,
        "short" => DataType::Int16,
        "integer" => DataType::Int32,
        "long" => DataType::Int64,
        "uint8" => DataType::UInt8,
        "uint16" => DataType::UInt16,
        "uint32" => DataType::UInt32,
        "uint64" => DataType::UInt64,
        "float16" => DataType::Float16,
        "float" => DataType::Float32,
        "double" => DataType::Float64,
        "string" => DataType::Utf8,
        "binary" => DataType::Binary,
        "date" => DataType::Date32,
        "date64" => DataType::Date64,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC"))),
        "timestamp_ntz" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "time" => DataType::Time64(TimeUnit::Microsecond),
        "duration" => DataType::Duration(TimeUnit::Microsecond),
        "interval" => DataType::Interval(IntervalUnit::MonthDayNano),
        "interval_year_month" => DataType::Interval(IntervalUnit::YearMonth),
        "interval_day_time" => DataType::Interval(IntervalUnit::DayTime),
        other => return decimal_from_word(other).ok_or_else(|| unknown_type(other)),
    })
}

/// `decimal(p,s)` and `decimal256(p,s)`.
fn decimal_from_word(word: &str) -> Option<DataType> {
    let (name, rest) = word.split_once('(')?;
    let (precision, scale) = rest.strip_suffix(')')?.split_once(',')?;
    let (precision, scale) = (precision.parse().ok()?, scale.parse().ok()?);
    match name {
        "decimal" => Some(DataType::Decimal128(precision, scale)),
        "decimal256" => Some(DataType::Decimal256(precision, scale)),
        _ => None,
    }
}

fn type_from_json(value: &Value) -> Result<DataType> {
    if let Value::String(word) = value {
        return word_to_type(word);
    }
    match text_at(value, "type")? {
        "struct" => {
            let fields = value.get("fields").and_then(Value::as_array);
            let fields = fields.ok_or_else(|| unknown_type(value))?;
            let fields = fields.iter().map(field_from_json).collect::<Result<Fields>>()?;
            Ok(DataType::Struct(fields))
        }
        "array" => {
            let nullable = flag_at(value, "containsNull")?;
            let element = inner_field(value, "element", nullable, "elementMetadata")?;
            Ok(DataType::List(Arc::new(element)))
        }
        "map" => {
            let nullable = flag_at(value, "valueContainsNull")?;
            let key = inner_field(value, "key", false, "keyMetadata")?;
            let value = inner_field(value, "value", nullable, "valueMetadata")?;
            let entries = DataType::Struct(Fields::from(vec![key, value]));
            Ok(DataType::Map(Arc::new(Field::new("key_value", entries, false)), false))
        }
        _ => Err(unknown_type(value)),
    }
}

fn field_to_json(field: &FieldRef) -> Result<Value> {
    Ok(json!({
        "name": field.name(),
        "type": type_to_json(field.data_type())?,
        "nullable": field.is_nullable(),
        "metadata": metadata_to_json(field.metadata()),
    }))
}

fn field_from_json(value: &Value) -> Result<Field> {
    let data_type = type_from_json(value.get("type").ok_or_else(|| unknown_type(value))?)?;
    let field = Field::new(text_at(value, "name")?, data_type, flag_at(value, "nullable")?);
    Ok(field.with_metadata(metadata_from_json(value.get("metadata"))?))
}

/// The field inside an array or map, under the name that Delta's Parquet files give it; its type is at
/// `<name>Type`.
fn inner_field(value: &Value, name: &str, nullable: bool, metadata: &str) -> Result<Field> {
    let data_type = value.get(format!("{name}Type")).ok_or_else(|| unknown_type(value))?;
    let field = Field::new(name, type_from_json(data_type)?, nullable);
    Ok(field.with_metadata(metadata_from_json(value.get(metadata))?))
}

fn key_and_value(entries: &Field) -> Result<(&FieldRef, &FieldRef)> {
    if let DataType::Struct(fields) = entries.data_type()
        && let [key, value] = &fields[..]
    {
        return Ok((key, value));
    }
    Err(Error::internal(format!("a map of {} has no keys and values", entries.data_type())))
}

fn put_metadata(object: &mut Value, key: &str, field: &Field) {
    if let Value::Object(object) = object
        && !field.metadata().is_empty()
    {
        object.insert(key.to_owned(), metadata_to_json(field.metadata()));
    }
}

fn metadata_to_json(metadata: &HashMap<String, String>) -> Value {
    let entries = metadata.iter().map(|(key, text)| (key.clone(), Value::from(text.as_str())));
    Value::Object(entries.collect::<Map<_, _>>())
}

fn metadata_from_json(value: Option<&Value>) -> Result<HashMap<String, String>> {
    match value {
        None => Ok(HashMap::new()),
        Some(Value::Object(entries)) => Ok(entries
            .iter()
            .map(|(key, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                (key.clone(), text)
            })
            .collect()),
        Some(other) => Err(unknown_type(other)),
    }
}

fn text_at<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value.get(key).and_then(Value::as_str).ok_or_else(|| unknown_type(value))
}

fn flag_at(value: &Value, key: &str) -> Result<bool> {
    value.get(key).and_then(Value::as_bool).ok_or_else(|| unknown_type(value))
}

fn unknown_type(text: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::DataCorrupted, "the metastore holds a column type that it cannot read")
        .with_detail(format!("The type is {text}."))
}

fn corrupted(text: &str, error: serde_json::Error) -> Error {
    unknown_type(text).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(key: &str, value: &str) -> HashMap<String, String> {
        HashMap::from([(key.to_owned(), value.to_owned())])
    }

    fn scalars() -> Vec<DataType> {
        let words = "void boolean byte short integer long uint8 uint16 uint32 uint64 float16 float \
                     double string binary date date64 timestamp timestamp_ntz time duration interval \
                     interval_year_month interval_day_time decimal(10,2) decimal(38,0) decimal(5,-2) \
                     decimal256(76,10)";
        words.split_whitespace().map(|word| type_from_text(word).unwrap()).collect()
    }

    #[test]
    fn every_canonical_type_reads_back_as_itself() {
        let mut types = scalars();
        let structs = types.iter().enumerate().map(|(i, data_type)| {
            Field::new(format!("f{i}"), data_type.clone(), i % 2 == 0)
                .with_metadata(metadata("k", "a \"quoted\" value"))
        });
        let nested = DataType::Struct(structs.collect());
        let element = Field::new("element", nested, false).with_metadata(metadata("e", "1"));
        let list = DataType::List(Arc::new(element));
        let key = Field::new("key", DataType::Utf8, false);
        let value = Field::new("value", list, true).with_metadata(metadata("v", "{}"));
        let entries = DataType::Struct(vec![key, value].into());
        types.push(DataType::Map(Arc::new(Field::new("key_value", entries, false)), false));
        for data_type in types {
            let text = type_to_text(&data_type).unwrap();
            assert_eq!(type_from_text(&text).unwrap(), data_type, "{text}");
        }
    }

    #[test]
    fn the_text_is_delta_schema_notation() {
        let fields = Fields::from(vec![Field::new("a", DataType::Int64, true)]);
        let text = type_to_text(&DataType::Struct(fields)).unwrap();
        let expected = json!({"type": "struct", "fields": [
            {"name": "a", "type": "long", "nullable": true, "metadata": {}}
        ]});
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }

    #[test]
    fn layouts_of_one_meaning_become_one_type() {
        let dictionary = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
        let item = Arc::new(Field::new("item", DataType::LargeUtf8, true));
        let element = Arc::new(Field::new("element", DataType::Utf8, true));
        let cases = [
            (DataType::Utf8View, DataType::Utf8),
            (dictionary, DataType::Utf8),
            (DataType::FixedSizeBinary(16), DataType::Binary),
            (DataType::Decimal64(10, 2), DataType::Decimal128(10, 2)),
            (
                DataType::Timestamp(TimeUnit::Nanosecond, None),
                DataType::Timestamp(TimeUnit::Microsecond, None),
            ),
            (
                DataType::Timestamp(TimeUnit::Second, Some("Europe/Zurich".into())),
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ),
            (DataType::LargeList(item), DataType::List(element)),
        ];
        for (given, expected) in cases {
            let field = canonical(&Field::new("a", given, true)).unwrap();
            assert_eq!(field.data_type(), &expected);
        }
    }

    #[test]
    fn metadata_stays_with_the_field() {
        let given = Field::new("a", DataType::Utf8, false).with_metadata(HashMap::from([
            (TYPE_METADATA.to_owned(), "varchar".to_owned()),
            (TYPMOD_METADATA.to_owned(), "24".to_owned()),
            ("other".to_owned(), "x".to_owned()),
        ]));
        let stored = StoredType::of(&given).unwrap();
        assert_eq!(stored.pg_type.as_deref(), Some("varchar"));
        assert_eq!(stored.typmod, Some(24));
        assert_eq!(stored.metadata.as_deref(), Some(r#"{"other":"x"}"#));
        assert_eq!(stored.into_field("a").unwrap(), given);
    }

    #[test]
    fn what_cannot_be_a_column_is_refused() {
        let fields = [(0_i8, Arc::new(Field::new("a", DataType::Int8, true)))];
        let union = DataType::Union(
            fields.into_iter().collect(),
            datafusion::arrow::datatypes::UnionMode::Dense,
        );
        assert_eq!(type_to_text(&union).unwrap_err().kind(), ErrorKind::FeatureNotSupported);
        for text in ["bigint", "decimal(10)", "decimal(999,0)", "{", r#"{"type":"array"}"#] {
            assert_eq!(
                type_from_text(text).unwrap_err().kind(),
                ErrorKind::DataCorrupted,
                "{text}"
            );
        }
    }
}
