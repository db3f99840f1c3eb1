//! Encoders against what a real PostgreSQL wrote (tests/encodings/values.txt), and over every kind of array.

use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::array::*;
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use datafusion::arrow::datatypes::*;

use super::*;
use crate::base::datatype::{BaseType, PgType, TYPE_METADATA, pg_type_of};
use crate::base::render::columns_of;
use crate::base::text_style::{
    ByteaOutput, DateStyle, IntervalStyle, TextStyle, parse_extra_float_digits,
};
use crate::base::time_zone::TimeZone;
use crate::base::value::{parse_binary, parse_text};

const RECORDED: &str = include_str!("../../../tests/encodings/values.txt");

fn encode(array: ArrayRef, field: Field, format: Format, style: &TextStyle) -> Result<Vec<u8>> {
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(schema, vec![array]).unwrap();
    let mut out = BytesMut::new();
    columns_of(&batch, &[format], style)?[0].write(0, &mut out)?;
    Ok(out.to_vec())
}

fn text_of(array: ArrayRef) -> String {
    let field = Field::new("c", array.data_type().clone(), true);
    text_of_field(array, field)
}

fn text_of_field(array: ArrayRef, field: Field) -> String {
    let bytes = encode(array, field, Format::Text, &TextStyle::default()).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

fn set(style: &mut TextStyle, assignment: &str) {
    let (name, value) = assignment.split_once(" = ").unwrap();
    match name {
        "TimeZone" => style.time_zone = TimeZone::parse(value).unwrap(),
        "DateStyle" => style.date_style = DateStyle::parse(value, style.date_style).unwrap(),
        "IntervalStyle" => style.interval_style = IntervalStyle::parse(value).unwrap(),
        "bytea_output" => style.bytea_output = ByteaOutput::parse(value).unwrap(),
        "extra_float_digits" => {
            style.extra_float_digits = parse_extra_float_digits(value).unwrap();
        }
        other => panic!("{other}"),
    }
}

fn type_named(name: &str) -> PgType {
    let element = name.trim_end_matches("[]").trim_matches('"');
    let base = BaseType::from_name(element).unwrap();
    if name.ends_with("[]") { PgType::Array(base) } else { PgType::Scalar(base) }
}

fn field_of(data_type: &DataType, pg_type: PgType) -> Field {
    let field = Field::new("c", data_type.clone(), true);
    if pg_type_of(&field).unwrap().0 == pg_type {
        return field;
    }
    let (PgType::Scalar(base) | PgType::Array(base)) = pg_type;
    field.with_metadata([(TYPE_METADATA.to_owned(), base.name().to_owned())].into())
}

#[test]
fn values_are_read_and_written_as_postgresql_does() {
    let mut style = TextStyle::default();
    let mut wrong = Vec::new();
    let mut values = 0;
    for line in RECORDED.lines() {
        if let Some(assignment) = line.strip_prefix("set ") {
            set(&mut style, assignment);
            continue;
        }
        values += 1;
        let (rest, binary) = line.rsplit_once(" | ").unwrap();
        let mut parts = rest.splitn(3, " | ");
        let (name, literal) = (parts.next().unwrap(), parts.next().unwrap());
        let text = parts.next().unwrap().replace("\\n", "\n").replace("\\t", "\t");
        let pg_type = type_named(name);
        let rounded = style.extra_float_digits < 1 && name.starts_with("float");
        let from_text = parse_text(pg_type, &text, &style);
        let from_binary = parse_binary(pg_type, &from_hex(binary), &style);
        for (way, value, exact) in [("text", from_text, !rounded), ("binary", from_binary, true)] {
            let value = match value {
                Ok(value) => value,
                Err(error) => {
                    wrong.push(format!("{name} {literal} from {way}: {error:?}"));
                    continue;
                }
            };
            let array = value.to_array_of_size(1).unwrap();
            let field = field_of(array.data_type(), pg_type);
            let written = encode(Arc::clone(&array), field.clone(), Format::Text, &style).unwrap();
            let written = String::from_utf8(written).unwrap();
            if written != text {
                wrong.push(format!("{name} {literal} from {way}: {written:?}, not {text:?}"));
            }
            let written = hex(&encode(array, field, Format::Binary, &style).unwrap());
            if exact && written != binary {
                wrong.push(format!("{name} {literal} from {way}: {written}, not {binary}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {values} values:\n{}", wrong.len(), wrong.join("\n"));
    assert!(values > 200);
}

#[test]
fn data_rows_have_lengths() {
    let schema = Schema::new(vec![
        Field::new("a", DataType::Int32, true),
        Field::new("b", DataType::Utf8, true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![Some(7), None])),
        Arc::new(StringArray::from(vec![None, Some("xy")])),
    ];
    let batch = RecordBatch::try_new(Arc::new(schema), columns).unwrap();
    let formats = [Format::Binary, Format::Text];
    let encoder = BatchEncoder::new(&batch, &formats, &TextStyle::default()).unwrap();
    let mut out = BytesMut::new();
    encoder.write_data_row(0, &mut out).unwrap();
    encoder.write_data_row(1, &mut out).unwrap();
    assert_eq!(
        hex(&out),
        "44000000120002000000040000000\
         7ffffffff44000000100002ffffffff000000027879"
    );
    assert!(encoder.write_data_row(2, &mut out).is_err());
}

#[test]
fn a_failed_row_leaves_nothing_behind() {
    let array: ArrayRef = Arc::new(TimestampSecondArray::from(vec![i64::MAX]));
    let field = Field::new("t", array.data_type().clone(), true);
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap();
    let mut out = BytesMut::from(&b"before"[..]);
    for format in [Format::Text, Format::Binary] {
        let encoder = BatchEncoder::new(&batch, &[format], &TextStyle::default()).unwrap();
        let error = encoder.write_data_row(0, &mut out).unwrap_err();
        assert_eq!((error.sqlstate(), &out[..]), ("22008", &b"before"[..]));
    }
}

#[test]
fn every_width_and_unit_has_a_text() {
    let cases: Vec<(ArrayRef, &str)> = vec![
        (Arc::new(Int8Array::from(vec![-5])), "-5"),
        (Arc::new(UInt8Array::from(vec![255])), "255"),
        (Arc::new(UInt16Array::from(vec![65535])), "65535"),
        (Arc::new(UInt32Array::from(vec![u32::MAX])), "4294967295"),
        (Arc::new(UInt64Array::from(vec![u64::MAX])), "18446744073709551615"),
        (Arc::new(Float16Array::from(vec![half_of(1.5)])), "1.5"),
        (Arc::new(decimal32(-12345, 7, 3)), "-12.345"),
        (Arc::new(LargeStringArray::from(vec!["large"])), "large"),
        (
            Arc::new(StringViewArray::from(vec!["a view that is longer than its inline part"])),
            "a view that is longer than its inline part",
        ),
        (Arc::new(BinaryViewArray::from(vec![&b"\x01"[..]])), "\\x01"),
        (Arc::new(Date64Array::from(vec![86_400_000])), "1970-01-02 00:00:00"),
        (Arc::new(Time32SecondArray::from(vec![3661])), "01:01:01"),
        (Arc::new(Time32MillisecondArray::from(vec![3_661_500])), "01:01:01.5"),
        (Arc::new(Time64NanosecondArray::from(vec![1_500])), "00:00:00.000002"),
        (Arc::new(TimestampMillisecondArray::from(vec![-1])), "1969-12-31 23:59:59.999"),
        (Arc::new(TimestampNanosecondArray::from(vec![-1_501])), "1969-12-31 23:59:59.999998"),
        (Arc::new(DurationSecondArray::from(vec![90_000])), "1 day 01:00:00"),
        (Arc::new(IntervalYearMonthArray::from(vec![14])), "1 year 2 mons"),
        (Arc::new(NullArray::new(1)), ""),
    ];
    for (array, text) in cases {
        let name = array.data_type().to_string();
        assert_eq!(text_of(array), text, "{name}");
    }
}

fn half_of(value: f32) -> <Float16Type as ArrowPrimitiveType>::Native {
    <Float16Type as ArrowPrimitiveType>::Native::from_f32(value)
}

fn decimal32(value: i32, precision: u8, scale: i8) -> Decimal32Array {
    Decimal32Array::from(vec![value]).with_precision_and_scale(precision, scale).unwrap()
}

#[test]
fn unsigned_integers_take_the_next_wider_type() {
    let binary = |array: ArrayRef| {
        let field = Field::new("c", array.data_type().clone(), true);
        hex(&encode(array, field, Format::Binary, &TextStyle::default()).unwrap())
    };
    assert_eq!(binary(Arc::new(Int8Array::from(vec![-1]))), "ffff");
    assert_eq!(binary(Arc::new(UInt16Array::from(vec![65535]))), "0000ffff");
    assert_eq!(binary(Arc::new(UInt32Array::from(vec![u32::MAX]))), "00000000ffffffff");
    assert_eq!(
        binary(Arc::new(UInt64Array::from(vec![u64::MAX]))),
        "000500040000000007341a5802e103bb064f"
    );
    assert_eq!(binary(Arc::new(decimal32(-5, 5, -3))), "00010000400000001388");
}

#[test]
fn encoded_arrays_are_sent_by_value() {
    let dictionary: DictionaryArray<Int8Type> =
        vec![Some("x"), None, Some("x")].into_iter().collect();
    let runs =
        RunArray::try_new(&Int32Array::from(vec![2, 3]), &Int64Array::from(vec![Some(5), None]))
            .unwrap();
    let fields = vec![
        Field::new("d", dictionary.data_type().clone(), true),
        Field::new("r", runs.data_type().clone(), true),
    ];
    let columns: Vec<ArrayRef> = vec![Arc::new(dictionary), Arc::new(runs)];
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    let columns = columns_of(&batch, &[], &TextStyle::default()).unwrap();
    let value = |column: usize, row| {
        let mut out = BytesMut::new();
        columns[column].write(row, &mut out).unwrap();
        (!columns[column].is_null(row)).then(|| String::from_utf8(out.to_vec()).unwrap())
    };
    assert_eq!([value(0, 0), value(0, 1), value(0, 2)], [Some("x".into()), None, Some("x".into())]);
    assert_eq!([value(1, 0), value(1, 1), value(1, 2)], [Some("5".into()), Some("5".into()), None]);
}

fn nested_list(rows: &[&[i32]]) -> ListArray {
    let inner = ListArray::from_iter_primitive::<Int32Type, _, _>(
        rows.iter().map(|row| Some(row.iter().copied().map(Some).collect::<Vec<_>>())),
    );
    let field = Arc::new(Field::new_list_field(inner.data_type().clone(), true));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0, rows.len() as i32]));
    ListArray::new(field, offsets, Arc::new(inner), None)
}

#[test]
fn lists_of_lists_must_be_regular() {
    assert_eq!(text_of(Arc::new(nested_list(&[&[1, 2], &[3, 4]]))), "{{1,2},{3,4}}");
    assert_eq!(text_of(Arc::new(nested_list(&[&[], &[]]))), "{}");
    assert_eq!(text_of(Arc::new(nested_list(&[]))), "{}");
    let irregular: ArrayRef = Arc::new(nested_list(&[&[1, 2], &[3]]));
    for format in [Format::Text, Format::Binary] {
        let field = Field::new("c", irregular.data_type().clone(), true);
        let error = encode(Arc::clone(&irregular), field, format, &TextStyle::default());
        assert_eq!(error.unwrap_err().sqlstate(), "22023");
    }
}

#[test]
fn list_views_and_fixed_lists_are_arrays_too() {
    let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let field = Arc::new(Field::new_list_field(DataType::Int64, true));
    let view = ListViewArray::new(
        Arc::clone(&field),
        ScalarBuffer::from(vec![1]),
        ScalarBuffer::from(vec![2]),
        Arc::clone(&values),
        None,
    );
    assert_eq!(text_of(Arc::new(view)), "{NULL,3}");
    assert_eq!(text_of(Arc::new(FixedSizeListArray::new(field, 3, values, None))), "{1,NULL,3}");
}

fn person() -> StructArray {
    let fields = Fields::from(vec![
        Field::new("id", DataType::Int32, true),
        Field::new("na\"me", DataType::Utf8, true),
        Field::new("price", DataType::Decimal128(10, 2), true),
        Field::new("seen", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        Field::new("ratio", DataType::Float64, true),
        Field::new("gone", DataType::Date32, true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![1])),
        Arc::new(StringArray::from(vec!["a \"b\"\n\u{1}é"])),
        Arc::new(Decimal128Array::from(vec![1250]).with_precision_and_scale(10, 2).unwrap()),
        Arc::new(TimestampMicrosecondArray::from(vec![500_000]).with_timezone("UTC")),
        Arc::new(Float64Array::from(vec![f64::NAN])),
        Arc::new(Date32Array::from(vec![None])),
    ];
    StructArray::new(fields, columns, None)
}

#[test]
fn structs_and_maps_are_json() {
    let expected = "{\"id\":1,\"na\\\"me\":\"a \\\"b\\\"\\n\\u0001é\",\"price\":12.50,\
                    \"seen\":\"1970-01-01T00:00:00.5+00:00\",\"ratio\":\"NaN\",\"gone\":null}";
    assert_eq!(text_of(Arc::new(person())), expected);
    let field = Field::new("c", person().data_type().clone(), true);
    let jsonb = field_of(field.data_type(), PgType::Scalar(BaseType::Jsonb));
    let style = TextStyle::default();
    let binary = encode(Arc::new(person()), jsonb, Format::Binary, &style).unwrap();
    assert_eq!(binary, [b"\x01", expected.as_bytes()].concat());

    let mut map = MapBuilder::new(None, Int32Builder::new(), StringBuilder::new());
    map.keys().append_value(7);
    map.values().append_value("x");
    map.keys().append_value(8);
    map.values().append_null();
    map.append(true).unwrap();
    assert_eq!(text_of(Arc::new(map.finish())), "{\"7\":\"x\",\"8\":null}");
}

#[test]
fn lists_of_structs_are_arrays_of_json() {
    let fields = Fields::from(vec![Field::new("a", DataType::Int32, true)]);
    let structs = StructArray::new(
        fields,
        vec![Arc::new(Int32Array::from(vec![1, 2])) as ArrayRef],
        Some(NullBuffer::from(vec![true, false])),
    );
    let field = Arc::new(Field::new_list_field(structs.data_type().clone(), true));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0, 2]));
    let list = ListArray::new(field, offsets, Arc::new(structs), None);
    assert_eq!(text_of(Arc::new(list)), "{\"{\\\"a\\\":1}\",NULL}");
}

#[test]
fn declared_records_are_composite_values() {
    let fields = Fields::from(vec![
        Field::new("a", DataType::Int32, true),
        Field::new("b", DataType::Utf8, true),
        Field::new("c", DataType::Utf8, true),
        Field::new("d", DataType::Utf8, true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![1])),
        Arc::new(StringArray::from(vec!["a \"b\\"])),
        Arc::new(StringArray::from(vec![None::<&str>])),
        Arc::new(StringArray::from(vec![""])),
    ];
    let record: ArrayRef = Arc::new(StructArray::new(fields, columns, None));
    let field = field_of(record.data_type(), PgType::Scalar(BaseType::Record));
    assert_eq!(text_of_field(Arc::clone(&record), field.clone()), "(1,\"a \"\"b\\\\\",,\"\")");
    let binary = encode(record, field, Format::Binary, &TextStyle::default()).unwrap();
    assert_eq!(
        hex(&binary),
        "00000004000000170000000400000001000000190000000561202262\
         5c00000019ffffffff0000001900000000"
    );
}

#[test]
fn catalog_types_take_their_values_from_text_or_numbers() {
    let style = TextStyle::default();
    let field = |data_type| field_of(&data_type, PgType::Scalar(BaseType::Regclass));
    let name: ArrayRef = Arc::new(StringArray::from(vec!["pg_class"]));
    let number: ArrayRef = Arc::new(StringArray::from(vec!["1259"]));
    assert_eq!(text_of_field(Arc::clone(&name), field(DataType::Utf8)), "pg_class");
    let binary = |array| encode(array, field(DataType::Utf8), Format::Binary, &style);
    assert_eq!(binary(number).unwrap(), [0, 0, 4, 235]);
    assert_eq!(binary(name).unwrap_err().sqlstate(), "XX000");
    let integer: ArrayRef = Arc::new(Int32Array::from(vec![-1]));
    let oid = field_of(&DataType::Int32, PgType::Scalar(BaseType::Oid));
    assert_eq!(text_of_field(Arc::clone(&integer), oid.clone()), "4294967295");
    assert_eq!(encode(integer, oid, Format::Binary, &style).unwrap(), [255; 4]);
    let uuid: ArrayRef =
        Arc::new(FixedSizeBinaryArray::try_from_iter([[0xa0u8; 16]].into_iter()).unwrap());
    let field = field_of(uuid.data_type(), PgType::Scalar(BaseType::Uuid));
    assert_eq!(text_of_field(uuid, field), "a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a0a0");
}
