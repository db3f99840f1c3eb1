//! COPY formats: what PostgreSQL writes for the same rows, rows cut at every byte, and wrong data.

use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::array::*;
use datafusion::arrow::datatypes::*;

use super::*;
use crate::base::Result;
use crate::base::text_style::TextStyle;

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("a", DataType::Int32, true),
        Field::new("b", DataType::Utf8, true),
        Field::new("c", DataType::Utf8, true),
    ]))
}

fn rows() -> RecordBatch {
    let b = ["tab\there\nnl\\ back", "", "q\"uote", "\\.", " sp "];
    let c = [None, Some("\\N"), Some("a,b"), Some("cr\r\u{8}\u{c}v"), Some("é")];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from_iter_values(1..=5)),
        Arc::new(StringArray::from_iter_values(b)),
        Arc::new(StringArray::from_iter(c)),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn csv() -> CopyOptions {
    CopyOptions::new(CopyFormat::Csv)
}

fn written(batch: &RecordBatch, options: &CopyOptions) -> Vec<u8> {
    let mut writer =
        CopyWriter::new(batch.schema(), options.clone(), TextStyle::default()).unwrap();
    let mut out = BytesMut::new();
    writer.start(&mut out);
    writer.write_batch(batch, 0, batch.num_rows(), &mut out).unwrap();
    writer.finish(&mut out);
    out.to_vec()
}

/// Reads data that comes in two pieces.
fn read(
    schema: SchemaRef,
    options: &CopyOptions,
    data: &[u8],
    cut: usize,
) -> Result<Vec<RecordBatch>> {
    let mut reader = CopyReader::new("t", schema, options, &TextStyle::default())?;
    let mut batches = reader.push(&data[..cut])?;
    batches.extend(reader.push(&data[cut..])?);
    batches.extend(reader.finish()?);
    Ok(batches)
}

fn read_one(options: &CopyOptions, data: &[u8]) -> RecordBatch {
    let mut batches = read(schema(), options, data, 0).unwrap();
    assert_eq!(batches.len(), 1);
    batches.remove(0)
}

fn pairs() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("a", DataType::Int32, false),
        Field::new("b", DataType::Utf8, true),
    ]))
}

fn error_of(options: &CopyOptions, data: &str) -> (String, &'static str, String) {
    let error = read(pairs(), options, data.as_bytes(), data.len() / 2).unwrap_err();
    let detail = error.detail().unwrap_or_default().to_owned();
    (error.message().to_owned(), error.sqlstate(), detail)
}

#[test]
fn rows_look_as_postgresql_writes_them() {
    let text = CopyOptions { header: Header::Write, ..CopyOptions::default() };
    assert_eq!(
        String::from_utf8(written(&rows(), &text)).unwrap(),
        "a\tb\tc\n1\ttab\\there\\nnl\\\\ back\t\\N\n2\t\t\\\\N\n3\tq\"uote\ta,b\n\
         4\t\\\\.\tcr\\r\\b\\fv\n5\t sp \té\n"
    );
    let mut plain = csv();
    plain.header = Header::Write;
    assert_eq!(
        String::from_utf8(written(&rows(), &plain)).unwrap(),
        "a,b,c\n1,\"tab\there\nnl\\ back\",\n2,\"\",\\N\n3,\"q\"\"uote\",\"a,b\"\n\
         4,\\.,\"cr\r\u{8}\u{c}v\"\n5, sp ,é\n"
    );
    let mut other = csv();
    (other.delimiter, other.quote, other.escape) = (b';', b'\'', b'\\');
    other.null = "NULL".to_owned();
    other.force_quote = ForceColumns::Columns(vec!["b".to_owned()]);
    assert_eq!(
        String::from_utf8(written(&rows(), &other)).unwrap(),
        "1;'tab\there\nnl\\\\ back';NULL\n2;'';\\N\n3;'q\"uote';a,b\n\
         4;'\\\\.';'cr\r\u{8}\u{c}v'\n5;' sp ';é\n"
    );
}

#[test]
fn a_lone_end_mark_is_quoted() {
    let field = Field::new("a", DataType::Utf8, true);
    let column: ArrayRef = Arc::new(StringArray::from(vec!["\\."]));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap();
    assert_eq!(written(&batch, &csv()), b"\"\\.\"\n");
}

#[test]
fn rows_come_back_however_they_are_cut() {
    let mut quoted = csv();
    (quoted.delimiter, quoted.quote, quoted.escape) = (b';', b'\'', b'\\');
    for options in [CopyOptions::default(), csv(), quoted, CopyOptions::new(CopyFormat::Binary)] {
        let data = written(&rows(), &options);
        for cut in 0..=data.len() {
            let batches = read(schema(), &options, &data, cut).unwrap();
            assert_eq!(batches, [rows()], "{:?} cut at {cut}", options.format);
        }
        let mut reader = CopyReader::new("t", schema(), &options, &TextStyle::default()).unwrap();
        for byte in &data {
            assert!(reader.push(&[*byte]).unwrap().is_empty());
        }
        assert_eq!(reader.finish().unwrap().unwrap(), rows());
    }
}

#[test]
fn every_line_end_is_taken_when_all_are_alike() {
    for options in [CopyOptions::default(), csv()] {
        let delimiter = char::from(options.delimiter);
        for end in ["\n", "\r\n", "\r"] {
            let data = format!("1{delimiter}x{end}2{delimiter}y{end}");
            for cut in 0..=data.len() {
                let batches = read(pairs(), &options, data.as_bytes(), cut).unwrap();
                assert_eq!(batches[0].num_rows(), 2, "{end:?} cut at {cut}");
                assert_eq!(batches[0].column(1).as_string::<i32>().value(1), "y");
            }
            let without_last_end = data.trim_end();
            let batches = read(pairs(), &options, without_last_end.as_bytes(), 1).unwrap();
            assert_eq!(batches[0].num_rows(), 2);
        }
    }
    let (message, sqlstate, _) = error_of(&CopyOptions::default(), "1\tx\n2\ty\r\n");
    assert_eq!((message.as_str(), sqlstate), ("literal carriage return found in data", "22P04"));
    let (message, ..) = error_of(&csv(), "1,x\r\n2,y\n");
    assert_eq!(message, "unquoted newline found in data");
}

#[test]
fn escapes_and_end_marks_of_text() {
    let batch = read_one(
        &CopyOptions::default(),
        b"1\t\\101\\x42\\n\\q\\\\\t\\N\n2\ta\\\nb\t\\\\N\n\\.\nrubbish",
    );
    let value = |column: usize, row| batch.column(column).as_string::<i32>().value(row);
    assert_eq!((value(1, 0), value(1, 1), value(2, 1)), ("AB\nq\\", "a\nb", "\\N"));
    assert!(batch.column(2).is_null(0));
    let (message, ..) = error_of(&CopyOptions::default(), "1\tx\n\\.y\n");
    assert_eq!(message, "end-of-copy marker corrupt");
}

#[test]
fn quotes_and_nulls_of_csv() {
    let mut options = csv();
    options.force_null = vec!["c".to_owned()];
    options.force_not_null = vec!["b".to_owned()];
    let batch = read_one(&options, b"1,,\"\"\n2,a\"b,c\"d,x\n3,\"e\"\"f\",\"\ng\"\n");
    let value = |column: usize, row| batch.column(column).as_string::<i32>().value(row);
    assert_eq!(value(1, 0), "");
    assert!(batch.column(2).is_null(0));
    assert_eq!((value(1, 1), value(2, 1)), ("ab,cd", "x"));
    assert_eq!((value(1, 2), value(2, 2)), ("e\"f", "\ng"));
    let plain = read_one(&csv(), b"1,,\"\"\n\\.\n");
    assert!(plain.column(1).is_null(0) && plain.column(2).is_valid(0));
}

#[test]
fn wrong_rows_say_where_they_are() {
    let text = CopyOptions::default();
    for (options, data, message, sqlstate, detail) in [
        (
            &csv(),
            "x,y\n",
            "invalid input syntax for type integer: \"x\"",
            "22P02",
            "COPY t, line 1, column a: \"x\"",
        ),
        (
            &csv(),
            "1,\"a\nb\"\n2,c,d\n",
            "extra data after last expected column",
            "22P04",
            "COPY t, line 3: \"2,c,d\"",
        ),
        (&text, "1\tb\n2\n", "missing data for column \"b\"", "22P04", "COPY t, line 2: \"2\""),
        (&csv(), "1,\"abc\n", "unterminated CSV quoted field", "22P04", "COPY t, line 1"),
        (
            &text,
            "99999999999\tb\n",
            "value \"99999999999\" is out of range for type integer",
            "22003",
            "COPY t, line 1, column a: \"99999999999\"",
        ),
        (
            &text,
            "1\tb\n\\N\tb\n",
            "null value in column \"a\" of relation \"t\" violates not-null constraint",
            "23502",
            "COPY t, line 2, column a: null input",
        ),
    ] {
        assert_eq!(
            error_of(options, data),
            (message.to_owned(), sqlstate, detail.to_owned()),
            "{data:?}"
        );
    }
    let error = read(pairs(), &text, b"1\t\xff\n", 0).unwrap_err();
    assert_eq!(error.sqlstate(), "22021");
}

#[test]
fn headers_are_skipped_or_compared() {
    let mut options = csv();
    options.header = Header::Write;
    assert_eq!(read(pairs(), &options, b"x,y,z\n1,b\n", 3).unwrap()[0].num_rows(), 1);
    options.header = Header::Match;
    assert_eq!(read(pairs(), &options, b"a,\"b\"\n1,b\n", 3).unwrap()[0].num_rows(), 1);
    let (message, sqlstate, detail) = error_of(&options, "a,c\n");
    assert_eq!(message, "column name mismatch in header line field 2: got \"c\", expected \"b\"");
    assert_eq!((sqlstate, detail.as_str()), ("22P04", "COPY t, line 1: \"a,c\""));
    let (message, ..) = error_of(&options, "a\n");
    assert_eq!(message, "wrong number of fields in header line: got 1, expected 2");
}

#[test]
fn binary_rows_are_framed_as_postgresql_does() {
    // COPY (SELECT 1, 'x', null::text) TO STDOUT (FORMAT binary)
    let row: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from(vec![1])),
        Arc::new(StringArray::from(vec!["x"])),
        Arc::new(StringArray::from(vec![None::<&str>])),
    ];
    let batch = RecordBatch::try_new(schema(), row).unwrap();
    let expected = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x03\0\0\0\x04\0\0\0\x01\0\0\0\x01x\
        \xff\xff\xff\xff\xff\xff";
    assert_eq!(written(&batch, &CopyOptions::new(CopyFormat::Binary)), expected);
}

#[test]
fn wrong_binary_data() {
    let binary = CopyOptions::new(CopyFormat::Binary);
    let good = written(&rows(), &binary);
    let message = |data: &[u8]| {
        read(schema(), &binary, data, 0).err().map(|error| error.message().to_owned())
    };
    assert_eq!(message(b"PGCOPZ").unwrap(), "COPY file signature not recognized");
    assert_eq!(message(&good[..12]).unwrap(), "invalid COPY file header (missing flags)");
    assert_eq!(message(&good[..30]).unwrap(), "unexpected EOF in COPY data");
    let too_few = [&good[..19], &[0, 2]].concat();
    assert_eq!(message(&too_few).unwrap(), "row field count is 2, expected 3");
    let more = [&good[..], b"x"].concat();
    assert_eq!(message(&more).unwrap(), "received copy data after EOF marker");
    assert_eq!(message(&good), None);
}

#[test]
fn batches_are_bounded() {
    let data: String = (0..20_000).map(|row| format!("{row}\tx\n")).collect();
    let batches = read(pairs(), &CopyOptions::default(), data.as_bytes(), 12_345).unwrap();
    let counts: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(counts, [8192, 8192, 3616]);
    assert_eq!(batches[2].column(0).as_primitive::<Int32Type>().value(3615), 19_999);
    assert!(read(pairs(), &CopyOptions::default(), b"", 0).unwrap().is_empty());
}

#[test]
fn every_column_type_comes_back() {
    let list = |data_type| DataType::List(Arc::new(Field::new_list_field(data_type, true)));
    let structure = DataType::Struct(Fields::from(vec![
        Field::new("x", DataType::Int64, true),
        Field::new("y", DataType::Utf8, true),
    ]));
    let types = vec![
        (DataType::Boolean, "t"),
        (DataType::Int8, "-7"),
        (DataType::Int16, "300"),
        (DataType::Int64, "-9223372036854775808"),
        (DataType::Float32, "1.5"),
        (DataType::Float64, "-Infinity"),
        (DataType::Decimal128(10, 2), "-12.30"),
        (DataType::Decimal256(50, 5), "123456789012345678901234567890123456789.12345"),
        (DataType::Binary, "\\x00ff"),
        (DataType::Date32, "2024-02-29"),
        (DataType::Timestamp(TimeUnit::Microsecond, None), "2024-02-29 12:34:56.789"),
        (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), "2024-02-29 12:00:00+00"),
        (list(DataType::Int32), "{1,NULL,3}"),
        (list(list(DataType::Utf8)), "{{a,\"b c\"},{NULL,\"\"}}"),
        (structure, "{\"x\":5,\"y\":null}"),
        (DataType::Utf8View, "view"),
    ];
    let fields: Vec<Field> = types
        .iter()
        .enumerate()
        .map(|(position, (data_type, _))| {
            Field::new(format!("c{position}"), data_type.clone(), true)
        })
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let values: Vec<String> = types.iter().map(|(_, value)| value.replace('\\', "\\\\")).collect();
    let nulls = vec!["\\N"; types.len()].join("\t");
    let text = format!("{}\n{nulls}\n", values.join("\t"));
    let batch =
        read(Arc::clone(&schema), &CopyOptions::default(), text.as_bytes(), 0).unwrap().remove(0);
    assert_eq!(String::from_utf8(written(&batch, &CopyOptions::default())).unwrap(), text);
    for format in [CopyFormat::Csv, CopyFormat::Binary] {
        let options = CopyOptions::new(format);
        let data = written(&batch, &options);
        let again = read(Arc::clone(&schema), &options, &data, data.len() / 2).unwrap();
        assert_eq!(again, std::slice::from_ref(&batch), "{format:?}");
    }
}

#[test]
fn options_are_checked_as_postgresql_checks_them() {
    type Change = fn(&mut CopyOptions);
    let check = |change: Change, format, direction| {
        let mut options = CopyOptions::new(format);
        change(&mut options);
        let error = options.validate(direction, &["a"]).unwrap_err();
        (error.message().to_owned(), error.sqlstate())
    };
    use super::options::CopyDirection;
    use CopyDirection::{From, To};
    use CopyFormat::{Binary, Csv, Text};
    let cases: Vec<(Change, CopyFormat, CopyDirection, &str, &str)> = vec![
        (|o| o.delimiter = b'a', Text, From, "COPY delimiter cannot be \"a\"", "22023"),
        (|o| o.quote = b'\'', Text, From, "COPY quote available only in CSV mode", "0A000"),
        (|o| o.delimiter = b'"', Csv, From, "COPY delimiter and quote must be different", "22023"),
        (|o| o.delimiter = b',', Binary, To, "cannot specify DELIMITER in BINARY mode", "42601"),
        (
            |o| o.null = "a,b".into(),
            Csv,
            To,
            "COPY delimiter must not appear in the NULL specification",
            "22023",
        ),
        (
            |o| o.force_quote = ForceColumns::All,
            Csv,
            From,
            "COPY force quote only available using COPY TO",
            "0A000",
        ),
        (
            |o| o.force_null = vec!["z".into()],
            Csv,
            From,
            "FORCE_NULL column \"z\" not referenced by COPY",
            "42P10",
        ),
        (
            |o| o.header = Header::Match,
            Csv,
            To,
            "cannot use \"match\" with HEADER in COPY TO",
            "42601",
        ),
    ];
    for (change, format, direction, message, sqlstate) in cases {
        assert_eq!(check(change, format, direction), (message.to_owned(), sqlstate));
    }
    assert_eq!(one_byte("delimiter", "||").unwrap_err().sqlstate(), "0A000");
    assert_eq!(one_byte("delimiter", "|").unwrap(), b'|');
}
