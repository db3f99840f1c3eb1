//! What columns foreign files have, told from the first records of some of them. What later records hold
//! otherwise is rescued data.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::compute::kernels::cast_utils::string_to_datetime;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use serde_json::Value;

use super::bytes::Buffer;
use super::json::documents;
use super::listing::{FileList, ForeignFile};
use super::options::{FileOptions, Format};
use super::parquet;
use super::read::CsvRecords;
use crate::base::{Error, ErrorKind, Result};
use crate::catalog::column_type::canonical;

/// Text files that are looked into.
const TEXT_FILES_MAX: usize = 8;

/// Records of each of them.
const RECORDS_MAX: usize = 10_000;

/// Parquet files whose footers are read.
const FOOTERS_MAX: usize = 1000;

/// Footers that are read at one time.
const FOOTER_READS: usize = 16;

/// What the values of a column have in common.
#[derive(Debug, Clone, PartialEq)]
enum Guess {
    Nothing,
    Boolean,
    Integer,
    Long,
    /// An integer of more than 64 bits.
    Huge,
    Double,
    Date,
    /// Without a zone.
    Clock,
    Moment,
    List(Box<Guess>),
    Struct(BTreeMap<String, Guess>),
    Text,
}

/// The columns of the files, without those that names of folders hold.
pub async fn columns(list: &FileList, options: &FileOptions) -> Result<Vec<FieldRef>> {
    if options.format == Format::Parquet {
        return parquet_columns(list).await;
    }
    let mut columns: Vec<(String, Guess)> = Vec::new();
    for file in list.files.iter().take(TEXT_FILES_MAX) {
        let store = Arc::clone(&list.store);
        let found = match options.format {
            Format::Json => json_columns(store, file, options).await,
            Format::Csv | Format::Parquet => csv_columns(store, file, options).await,
        };
        let found = match found {
            Err(error) if options.skips_corrupt_files => {
                tracing::warn!(%error, "a corrupt file is passed over");
                continue;
            }
            found => found?,
        };
        for (name, guess) in found {
            match columns.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                Some((_, known)) => *known = merged(known.clone(), guess),
                None => columns.push((name, guess)),
            }
        }
    }
    if options.format == Format::Json {
        columns.sort_by(|(a, _), (b, _)| a.cmp(b));
    }
    let field = |(name, guess): (String, Guess)| {
        let data_type = if options.infers_types { data_type(guess) } else { DataType::Utf8 };
        Arc::new(Field::new(name, data_type, true))
    };
    Ok(columns.into_iter().map(field).collect())
}

/// The type of a column whose values are in names of folders.
pub fn partition_type(files: &[ForeignFile], place: usize, infers: bool) -> DataType {
    if !infers {
        return DataType::Utf8;
    }
    let values = files.iter().filter_map(|file| file.partition.get(place)?.as_deref());
    let guess = values.map(of_text).fold(Guess::Nothing, merged);
    match guess {
        Guess::Integer | Guess::Long | Guess::Date => data_type(guess),
        _ => DataType::Utf8,
    }
}

async fn csv_columns(
    store: Arc<dyn ObjectStore>,
    file: &ForeignFile,
    options: &FileOptions,
) -> Result<Vec<(String, Guess)>> {
    let csv = &options.csv;
    let mut records = CsvRecords::begin(Buffer::open(store, file)?, csv).await?;
    let mut columns: Vec<(String, Guess)> = Vec::new();
    if csv.has_header
        && let Some(written) = records.next(csv).await?
    {
        for (at, name) in records.names().into_iter().enumerate() {
            let is_known = columns.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name));
            // Spark's names for what has none, or one that is taken.
            let name = match name.is_empty() || is_known {
                true => format!("{name}_c{at}"),
                false => name,
            };
            columns.push((name, Guess::Nothing));
        }
        records.consume(written);
    }
    for _ in 0..RECORDS_MAX {
        let Some(written) = records.next(csv).await? else { break };
        for at in 0..records.record.len() {
            let Some((bytes, is_quoted)) = records.record.field(at) else { continue };
            let text = String::from_utf8_lossy(bytes);
            if at == columns.len() && !csv.has_header {
                columns.push((format!("_c{at}"), Guess::Nothing));
            }
            let Some((_, guess)) = columns.get_mut(at) else { continue };
            if *guess != Guess::Text && *text != csv.null && !(is_quoted && text.is_empty()) {
                *guess = merged(std::mem::replace(guess, Guess::Nothing), of_csv(&text, options));
            }
        }
        records.consume(written);
    }
    Ok(columns)
}

fn of_csv(text: &str, options: &FileOptions) -> Guess {
    if options.texts.date.as_ref().is_some_and(|pattern| pattern.date(text).is_some()) {
        return Guess::Date;
    }
    let patterns = [&options.texts.timestamp, &options.texts.timestamp_without_zone];
    for pattern in patterns.into_iter().flatten() {
        if let Some((_, moment)) = pattern.timestamp(text) {
            return if moment.is_some() { Guess::Moment } else { Guess::Clock };
        }
    }
    of_text(text)
}

fn of_text(text: &str) -> Guess {
    let text = text.trim();
    let Some(first) = text.bytes().next() else { return Guess::Text };
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return Guess::Boolean;
    }
    if !(first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.')) {
        return match text {
            "NaN" | "Infinity" => Guess::Double,
            _ => Guess::Text,
        };
    }
    if text.parse::<i32>().is_ok() {
        return Guess::Integer;
    }
    if text.parse::<i64>().is_ok() {
        return Guess::Long;
    }
    let digits = text.trim_start_matches(['-', '+']);
    if digits.len() <= 38 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Guess::Huge;
    }
    if text.parse::<f64>().is_ok() {
        return Guess::Double;
    }
    if chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() {
        return Guess::Date;
    }
    let has_zone =
        text.ends_with(['Z', 'z']) || text.get(11..).is_some_and(|time| time.contains(['+', '-']));
    match text.len() > 10 && string_to_datetime(&chrono::Utc, text).is_ok() {
        true if has_zone => Guess::Moment,
        true => Guess::Clock,
        false => Guess::Text,
    }
}

async fn json_columns(
    store: Arc<dyn ObjectStore>,
    file: &ForeignFile,
    options: &FileOptions,
) -> Result<Vec<(String, Guess)>> {
    let mut buffer = Buffer::open(store, file)?;
    buffer.skip_byte_order_mark().await?;
    let mut columns = Guess::Nothing;
    let mut add = |text: &[u8]| {
        let guess = match serde_json::from_slice::<Value>(text) {
            Ok(Value::Object(members)) => of_json(Value::Object(members)),
            _ => Guess::Nothing,
        };
        columns = merged(std::mem::replace(&mut columns, Guess::Nothing), guess);
    };
    if options.is_whole_document {
        let bytes = buffer.whole().await?;
        let documents = std::str::from_utf8(bytes).ok().and_then(documents).unwrap_or_default();
        documents.iter().take(RECORDS_MAX).for_each(|one| add(one.as_bytes()));
    } else {
        for _ in 0..RECORDS_MAX {
            let Some(length) = buffer.line().await? else { break };
            add(buffer.available().0.get(..length).unwrap_or_default());
            buffer.consume(length);
        }
    }
    match columns {
        Guess::Struct(members) => Ok(members.into_iter().collect()),
        _ => Ok(Vec::new()),
    }
}

fn of_json(value: Value) -> Guess {
    match value {
        Value::Null => Guess::Nothing,
        Value::Bool(_) => Guess::Boolean,
        Value::Number(number) if number.is_i64() => Guess::Long,
        Value::Number(number) if number.is_u64() => Guess::Huge,
        Value::Number(_) => Guess::Double,
        Value::String(_) => Guess::Text,
        Value::Array(elements) => {
            let element = elements.into_iter().map(of_json).fold(Guess::Nothing, merged);
            Guess::List(Box::new(element))
        }
        Value::Object(members) => {
            Guess::Struct(members.into_iter().map(|(name, value)| (name, of_json(value))).collect())
        }
    }
}

/// What takes the values of both.
fn merged(one: Guess, other: Guess) -> Guess {
    use Guess::*;
    match (one, other) {
        (one, other) if one == other => one,
        (Nothing, other) | (other, Nothing) => other,
        (Integer, Long) | (Long, Integer) => Long,
        (Integer | Long, Huge) | (Huge, Integer | Long) => Huge,
        (Integer | Long | Huge, Double) | (Double, Integer | Long | Huge) => Double,
        (Date, Clock) | (Clock, Date) => Clock,
        (Date | Clock, Moment) | (Moment, Date | Clock) => Moment,
        (List(one), List(other)) => List(Box::new(merged(*one, *other))),
        (Struct(mut one), Struct(other)) => {
            for (name, guess) in other {
                let known = one.remove(&name).unwrap_or(Nothing);
                one.insert(name, merged(known, guess));
            }
            Struct(one)
        }
        _ => Text,
    }
}

fn data_type(guess: Guess) -> DataType {
    match guess {
        Guess::Nothing | Guess::Text => DataType::Utf8,
        Guess::Boolean => DataType::Boolean,
        Guess::Integer => DataType::Int32,
        Guess::Long => DataType::Int64,
        Guess::Huge => DataType::Decimal128(38, 0),
        Guess::Double => DataType::Float64,
        Guess::Date => DataType::Date32,
        Guess::Clock => DataType::Timestamp(TimeUnit::Microsecond, None),
        Guess::Moment => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Guess::List(element) => DataType::new_list(data_type(*element), true),
        Guess::Struct(members) if members.is_empty() => DataType::Utf8,
        Guess::Struct(members) => {
            let fields = members.into_iter();
            let fields = fields.map(|(name, guess)| Field::new(name, data_type(guess), true));
            DataType::Struct(fields.collect::<Fields>())
        }
    }
}

async fn parquet_columns(list: &FileList) -> Result<Vec<FieldRef>> {
    let files: Vec<ForeignFile> = list.files.iter().take(FOOTERS_MAX).cloned().collect();
    let store = Arc::clone(&list.store);
    let footers = stream::iter(files).map(move |file| {
        let store = Arc::clone(&store);
        async move { parquet::builder(store, &file).await.map(|one| Arc::clone(one.schema())) }
    });
    let mut footers = footers.buffered(FOOTER_READS);
    let mut columns: Vec<Field> = Vec::new();
    while let Some(schema) = footers.try_next().await? {
        for field in schema.fields() {
            let field = readable(field)?;
            match columns.iter_mut().find(|known| known.name() == field.name()) {
                None => columns.push(field),
                Some(known) => {
                    let wider = wider(known.data_type(), field.data_type()).ok_or_else(|| {
                        let name = field.name();
                        let message = format!("files have different types for column \"{name}\"");
                        Error::new(ErrorKind::DatatypeMismatch, message)
                            .with_hint("Declare the column with schemaHints.")
                    })?;
                    *known = known.clone().with_data_type(wider);
                }
            }
        }
    }
    Ok(columns.into_iter().map(Arc::new).collect())
}

/// A field of a file as a column that tables can have too.
fn readable(field: &Field) -> Result<Field> {
    let data_type = match field.data_type() {
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 => DataType::Float32,
        DataType::FixedSizeBinary(_) => DataType::Binary,
        other => other.clone(),
    };
    // Metadata of other writers mean nothing here.
    canonical(&Field::new(field.name(), data_type, true))
}

fn wider(one: &DataType, other: &DataType) -> Option<DataType> {
    use DataType::*;
    Some(match (one, other) {
        (one, other) if one == other => one.clone(),
        (Null, other) | (other, Null) => other.clone(),
        (one, other) if one.is_integer() && other.is_integer() => {
            if one.primitive_width() > other.primitive_width() {
                one.clone()
            } else {
                other.clone()
            }
        }
        (one, other) if one.is_floating() && other.is_numeric() && !other.is_decimal() => Float64,
        (one, other) if other.is_floating() && one.is_numeric() && !one.is_decimal() => Float64,
        (Decimal128(p, s), Decimal128(q, t)) => {
            let (scale, whole) = ((*s).max(*t), (*p as i8 - s).max(*q as i8 - t));
            Decimal128(u8::try_from(whole + scale).ok()?.min(38), scale)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_narrowest_type_that_takes_all() {
        let of =
            |texts: &[&str]| texts.iter().map(|text| of_text(text)).fold(Guess::Nothing, merged);
        assert_eq!(of(&["1", "-2"]), Guess::Integer);
        assert_eq!(of(&["1", "3000000000"]), Guess::Long);
        assert_eq!(of(&["1", "30000000000000000000"]), Guess::Huge);
        assert_eq!(of(&["1", "1.5e3"]), Guess::Double);
        assert_eq!(of(&["1", "x"]), Guess::Text);
        assert_eq!(of(&["true", "FALSE"]), Guess::Boolean);
        assert_eq!(of(&["2024-01-31"]), Guess::Date);
        assert_eq!(of(&["2024-01-31", "2024-01-31 10:20:30"]), Guess::Clock);
        assert_eq!(of(&["2024-01-31T10:20:30Z"]), Guess::Moment);
        assert_eq!(of(&["192.168.0.1"]), Guess::Text);
        assert_eq!(of(&["1", "2024-01-31"]), Guess::Text);
    }
}
