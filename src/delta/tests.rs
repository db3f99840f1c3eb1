//! Reads tables that other engines wrote, and small ones made here. With `LAKEGATE_DELTA_TABLES` naming
//! a folder that has `tables/<name>` and `expected/<name>.parquet`, every table there is compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Int64Type, SchemaRef, TimeUnit};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};

use super::*;
use crate::storage::{Location, Stores};

/// A session whose storage is `stores`.
fn session(stores: &Arc<Stores>, pushdown: bool) -> SessionContext {
    let registry = Arc::clone(stores);
    let runtime = RuntimeEnvBuilder::new().with_object_store_registry(registry).build_arc();
    let mut config = SessionConfig::new().with_target_partitions(4);
    config.options_mut().execution.parquet.pushdown_filters = pushdown;
    SessionContext::new_with_config_rt(config, runtime.unwrap())
}

/// A value as text that does not depend on how Arrow keeps it.
fn render(values: &ArrayRef, row: usize) -> String {
    if values.is_null(row) || *values.data_type() == DataType::Null {
        return "NULL".to_owned();
    }
    match values.data_type() {
        DataType::Struct(fields) => {
            let columns = values.as_struct().columns();
            let field = |(at, column): (usize, &ArrayRef)| format!("{}: {}", fields[at].name(), render(column, row));
            format!("{{{}}}", columns.iter().enumerate().map(field).collect::<Vec<_>>().join(", "))
        }
        DataType::List(_) => {
            let list = values.as_list::<i32>().value(row);
            let elements: Vec<String> = (0..list.len()).map(|at| render(&list, at)).collect();
            format!("[{}]", elements.join(", "))
        }
        DataType::Map(_, _) => {
            let map = values.as_map().value(row);
            let pair = |at| {
                let (key, value) = (render(map.column(0), at), render(map.column(1), at));
                format!("{key}: {value}")
            };
            let mut pairs: Vec<String> = (0..map.len()).map(pair).collect();
            pairs.sort();
            format!("<{}>", pairs.join(", "))
        }
        DataType::Timestamp(_, _) => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
            let micros = cast(&cast(values, &micros).unwrap(), &DataType::Int64).unwrap();
            format!("{}us", micros.as_primitive::<Int64Type>().value(row))
        }
        DataType::Decimal128(_, scale) => {
            let value = values.as_primitive::<Decimal128Type>().value(row);
            let digits = format!("{value}e-{scale}");
            digits.parse::<f64>().map_or(digits.clone(), |float| format!("{float} {value}"))
        }
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => {
            let text = cast(values, &DataType::Utf8).unwrap();
            format!("{:?}", text.as_string::<i32>().value(row))
        }
        _ => {
            let formatter = ArrayFormatter::try_new(values, &FormatOptions::default()).unwrap();
            formatter.value(row).to_string()
        }
    }
}

/// The rows of batches as sorted text, columns by name.
fn rows(batches: &[RecordBatch]) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        let columns: BTreeMap<&str, &ArrayRef> =
            schema.fields().iter().map(|field| field.name().as_str()).zip(batch.columns()).collect();
        for row in 0..batch.num_rows() {
            let values = columns.iter().map(|(name, column)| format!("{name}={}", render(column, row)));
            rows.push(values.collect::<Vec<_>>().join("|"));
        }
    }
    rows.sort();
    rows
}

/// Tables below a folder: those folders that have a log.
fn tables_in(folder: &Path, found: &mut Vec<PathBuf>) {
    if folder.join("_delta_log").is_dir() {
        found.push(folder.to_owned());
        return;
    }
    for child in std::fs::read_dir(folder).unwrap() {
        let child = child.unwrap().path();
        if child.is_dir() {
            tables_in(&child, found);
        }
    }
}

async fn query(session: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>, String> {
    let described = |error: datafusion::error::DataFusionError| match error_of_datafusion(&error) {
        Some(error) => format!("{error:?}"),
        None => format!("unmapped: {error}"),
    };
    session.sql(sql).await.map_err(described)?.collect().await.map_err(described)
}

/// Registers the newest version as `t`, with its rows in memory as `m`.
async fn register(
    session: &SessionContext,
    stores: &Stores,
    version: &Arc<TableVersion>,
) -> Result<Vec<RecordBatch>, String> {
    let provider = version.provider(stores).map_err(|error| format!("{error:?}"))?;
    session.deregister_table("t").unwrap();
    session.deregister_table("m").unwrap();
    session.register_table("t", provider).unwrap();
    let rows = query(session, "SELECT * FROM t").await?;
    let memory = MemTable::try_new(version.schema(), vec![rows.clone()]);
    session.register_table("m", Arc::new(memory.map_err(|error| error.to_string())?)).unwrap();
    Ok(rows)
}

/// Queries whose answers must be the same with and without statistics, pruning and pushdown.
fn questions(schema: &SchemaRef, rows: &[RecordBatch]) -> Vec<String> {
    let mut questions = vec!["SELECT count(*) FROM {}".to_owned()];
    for (at, field) in schema.fields().iter().enumerate() {
        let column = format!("\"{}\"", field.name().replace('"', "\"\""));
        questions.push(format!("SELECT count({column}) FROM {{}}"));
        questions.push(format!("SELECT count(*) FROM {{}} WHERE {column} IS NULL"));
        if field.data_type().is_nested() || matches!(field.data_type(), DataType::Null) {
            continue;
        }
        questions.push(format!("SELECT min({column}), max({column}) FROM {{}}"));
        questions.push(format!("SELECT {column} FROM {{}} ORDER BY 1 DESC NULLS LAST LIMIT 3"));
        questions.push(format!("SELECT {column} FROM {{}} ORDER BY 1 ASC NULLS FIRST LIMIT 3"));
        let sample = rows.iter().filter(|batch| batch.num_rows() > 0).take(3);
        for batch in sample {
            let value = ScalarValue::try_from_array(batch.column(at), batch.num_rows() - 1).unwrap();
            let Some(literal) = literal(&value) else { continue };
            for operator in ["=", "<", ">=", "<>"] {
                questions.push(format!("SELECT count(*) FROM {{}} WHERE {column} {operator} {literal}"));
            }
        }
    }
    questions
}

fn literal(value: &ScalarValue) -> Option<String> {
    let name = match value.data_type() {
        _ if value.is_null() => return None,
        DataType::Timestamp(_, Some(_)) => "Timestamp(µs, \"UTC\")",
        DataType::Timestamp(_, None) => "Timestamp(µs)",
        DataType::BinaryView => return None,
        DataType::Date32 => "Date32",
        _ => "",
    };
    let text = match value {
        ScalarValue::TimestampMicrosecond(Some(micros), _) => {
            return Some(format!("arrow_cast({micros}, '{name}')"));
        }
        ScalarValue::Utf8View(Some(text)) => text.clone(),
        value => value.to_string(),
    };
    Some(format!("'{}'", text.replace('\'', "''")))
}

async fn ask_both(session: &SessionContext, questions: &[String]) -> Vec<String> {
    let mut differences = Vec::new();
    for question in questions {
        let of_table = query(session, &question.replace("{}", "t")).await.map(|found| rows(&found));
        let of_memory = query(session, &question.replace("{}", "m")).await.map(|found| rows(&found));
        if of_table != of_memory && (of_table.is_ok() || of_memory.is_ok()) {
            differences.push(format!("{question}: {of_table:?} instead of {of_memory:?}"));
        }
    }
    differences
}

/// Reads one table; `Ok` says what was right.
async fn compare(folder: &Path, expected: &Path) -> Result<String, String> {
    let stores = Arc::new(Stores::new());
    let tables = Tables::new(Arc::clone(&stores), TablesOptions::default());
    let location = Location::parse(folder.to_str().unwrap()).unwrap();
    let mut found = 0;
    for pushdown in [false, true] {
        let session = session(&stores, pushdown);
        let read = async {
            let version = tables.open(&location).await.map_err(|error| format!("{error:?}"))?;
            Ok((register(&session, &stores, &version).await?, version))
        };
        let (batches, version) = match read.await {
            Err(error) if !expected.exists() => return Ok(format!("refused: {error}")),
            Err(error) => return Err(error),
            Ok(read) => read,
        };
        found = batches.iter().map(RecordBatch::num_rows).sum();
        if version.row_count().is_some_and(|rows| rows != found as u64) {
            return Err(format!("{found} rows instead of {:?}", version.row_count()));
        }
        let differences = ask_both(&session, &questions(&version.schema(), &batches)).await;
        if !differences.is_empty() {
            return Err(differences.join("\n    "));
        }
        if !expected.exists() {
            return Ok(format!("{found} rows, nothing to compare with"));
        }
        let plain = SessionContext::new();
        let path = expected.to_str().unwrap();
        let wanted = plain.read_parquet(path, ParquetReadOptions::default()).await.unwrap();
        let (found, wanted) = (rows(&batches), rows(&wanted.collect().await.unwrap()));
        if found != wanted {
            let first = |rows: &[String]| rows.iter().take(3).cloned().collect::<Vec<_>>().join("\n      ");
            return Err(format!(
                "{} rows instead of {}\n    found\n      {}\n    wanted\n      {}",
                found.len(),
                wanted.len(),
                first(&found),
                first(&wanted)
            ));
        }
    }
    Ok(format!("{found} rows"))
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_other_engines_are_read_right() {
    let Ok(root) = std::env::var("LAKEGATE_DELTA_TABLES") else { return };
    let root = PathBuf::from(root);
    let mut tables = Vec::new();
    tables_in(&root.join("tables"), &mut tables);
    tables.sort();
    let mut wrong = 0;
    for folder in tables {
        let name = folder.strip_prefix(root.join("tables")).unwrap().to_str().unwrap().to_owned();
        let expected = root.join("expected").join(format!("{name}.parquet"));
        match compare(&folder, &expected).await {
            Ok(what) => println!("ok     {name}: {what}"),
            Err(what) => {
                wrong += 1;
                println!("WRONG  {name}: {what}");
            }
        }
    }
    assert_eq!(wrong, 0, "tables were read wrong");
}
