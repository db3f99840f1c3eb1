//! Reads tables that other engines wrote, and small ones made here. With `LAKEGATE_DELTA_TABLES` naming
//! a folder that has `tables/<name>` and `expected/<name>.parquet`, every table there is compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Int64Type, SchemaRef, TimeUnit};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{Expr, ParquetReadOptions, SessionConfig, SessionContext, col, lit};
use deltalake::DeltaTable;

use super::prune::files_to_read;
use super::*;
use crate::base::ErrorKind;
use crate::storage::{Location, Stores};

/// A session whose storage is `stores`.
fn session(stores: &Arc<Stores>, pushdown: bool) -> SessionContext {
    let registry = Arc::clone(stores);
    let runtime = RuntimeEnvBuilder::new().with_object_store_registry(registry).build_arc();
    let mut config = SessionConfig::new().with_target_partitions(4);
    config.options_mut().execution.parquet.pushdown_filters = pushdown;
    // Splits even small files by ranges of bytes.
    config.options_mut().optimizer.repartition_file_min_size = 1;
    // DataFusion 55.2 takes NULL for the least value when a partition has only NULL, drops that bound
    // and prunes by the other: `SELECT min(x), max(x)` is then wrong.
    config.options_mut().optimizer.enable_aggregate_dynamic_filter_pushdown = false;
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
            let field = |(at, column): (usize, &ArrayRef)| {
                format!("{}: {}", fields[at].name(), render(column, row))
            };
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
        let columns: BTreeMap<&str, &ArrayRef> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .zip(batch.columns())
            .collect();
        for row in 0..batch.num_rows() {
            let values =
                columns.iter().map(|(name, column)| format!("{name}={}", render(column, row)));
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

/// Columns that the log has statistics of and the data files do not have: whatever is answered from
/// them is as wrong as they are.
const UNTRUE: &[&str] = &["ts_col of parsed-stats"];

/// Queries whose answers must be the same with and without statistics, pruning and pushdown.
fn questions(schema: &SchemaRef, rows: &[RecordBatch], table: &str) -> Vec<String> {
    let mut questions = vec!["SELECT count(*) FROM {}".to_owned()];
    for (at, field) in schema.fields().iter().enumerate() {
        if UNTRUE.contains(&format!("{} of {table}", field.name()).as_str()) {
            continue;
        }
        let column = format!("\"{}\"", field.name().replace('"', "\"\""));
        questions.push(format!("SELECT count({column}) AS a FROM {{}}"));
        questions.push(format!("SELECT count(*) FROM {{}} WHERE {column} IS NULL"));
        if field.data_type().is_nested() || matches!(field.data_type(), DataType::Null) {
            continue;
        }
        questions.push(format!("SELECT min({column}) AS a, max({column}) AS b FROM {{}}"));
        questions.push(format!("SELECT {column} FROM {{}} ORDER BY 1 DESC NULLS LAST LIMIT 3"));
        questions.push(format!("SELECT {column} FROM {{}} ORDER BY 1 ASC NULLS FIRST LIMIT 3"));
        let sample = rows.iter().filter(|batch| batch.num_rows() > 0).take(3);
        for batch in sample {
            let value =
                ScalarValue::try_from_array(batch.column(at), batch.num_rows() - 1).unwrap();
            let Some(literal) = literal(&value) else { continue };
            for operator in ["=", "<", ">=", "<>"] {
                questions
                    .push(format!("SELECT count(*) FROM {{}} WHERE {column} {operator} {literal}"));
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
        let of_memory =
            query(session, &question.replace("{}", "m")).await.map(|found| rows(&found));
        if of_table != of_memory && (of_table.is_ok() || of_memory.is_ok()) {
            differences.push(format!("{question}: {of_table:?} instead of {of_memory:?}"));
        }
    }
    differences
}

/// What the index knows of each file, sorted by path.
fn described(version: &TableVersion) -> Vec<String> {
    let files = version.files();
    let of_file = |file: usize| {
        let partition = files.partition_values.iter().map(|values| render(values, file));
        let bounds = files.bounds.iter().flatten().map(|bounds| {
            let nulls: ArrayRef = Arc::new(bounds.null_count.clone());
            let [min, max] = [&bounds.min, &bounds.max].map(|bound| render(bound, file));
            format!("{min}..{max} {}", render(&nulls, file))
        });
        let vector = files.deletion_vectors.get(&file).map(|vector| vector.descriptor.unique_id());
        let (path, rows, tight) =
            (&files.paths[file], files.rows_of(file), files.tight.value(file));
        let known: Vec<String> = partition.chain(bounds).collect();
        format!("{path} {} {rows:?} {vector:?} {tight} {known:?}", files.sizes.value(file))
    };
    let mut described: Vec<String> = (0..files.len()).map(of_file).collect();
    described.sort();
    described
}

/// Whether each version from the one before it is what it is from the whole log; how many were.
async fn compare_increments(tables: &Tables, location: &Location) -> Result<usize, String> {
    let newest = tables.open(location).await.map_err(|error| error.to_string())?.version();
    let mut compared = 0;
    for number in 1..=newest {
        let Ok(base) = tables.open_at(location, TimeTravel::Version(number - 1)).await else {
            continue;
        };
        let whole = tables.open_at(location, TimeTravel::Version(number)).await;
        let whole = whole.map_err(|error| error.to_string())?;
        let read = move || {
            let engine = base.log_store.engine(None);
            let snapshot = delta_kernel::Snapshot::builder_from(Arc::clone(base.snapshot()))
                .at_version(number)
                .build(engine.as_ref())
                .map_err(|error| error.to_string())?;
            let (log, caches) = (Arc::clone(&base.log_store), Arc::clone(&base.caches));
            let location = base.location().clone();
            TableVersion::load(location, snapshot, Some(&base), engine.as_ref(), log, caches)
                .map_err(|error| error.to_string())
        };
        let increment = tokio::task::spawn_blocking(read).await.unwrap()?;
        if described(&increment) != described(&whole) {
            let (found, wanted) = (described(&increment), described(&whole));
            return Err(format!("version {number}: {found:#?} instead of {wanted:#?}"));
        }
        compared += 1;
    }
    Ok(compared)
}

/// Reads one table; `Ok` says what was right.
async fn compare(folder: &Path, expected: &Path) -> Result<String, String> {
    let stores = Arc::new(Stores::new());
    let tables = Tables::new(Arc::clone(&stores), TablesOptions::default());
    let location = Location::parse(folder.to_str().unwrap()).unwrap();
    let is_there = std::fs::metadata(expected).is_ok_and(|file| file.len() > 0);
    let table = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut found = 0;
    for pushdown in [false, true] {
        let session = session(&stores, pushdown);
        let read = async {
            let version = tables.open(&location).await.map_err(|error| format!("{error:?}"))?;
            Ok((register(&session, &stores, &version).await?, version))
        };
        let (batches, version) = match read.await {
            Err(error) if !is_there => return Ok(format!("refused: {error}")),
            Err(error) => return Err(error),
            Ok(read) => read,
        };
        found = batches.iter().map(RecordBatch::num_rows).sum();
        if version.row_count().is_some_and(|rows| rows != found as u64) {
            return Err(format!("{found} rows instead of {:?}", version.row_count()));
        }
        let differences = ask_both(&session, &questions(&version.schema(), &batches, table)).await;
        if !differences.is_empty() {
            return Err(differences.join("\n    "));
        }
        if !is_there {
            return Ok(format!("{found} rows, nothing to compare with"));
        }
        let plain = SessionContext::new();
        let path = expected.to_str().unwrap();
        let wanted = plain.read_parquet(path, ParquetReadOptions::default()).await.unwrap();
        let (found, wanted) = (rows(&batches), rows(&wanted.collect().await.unwrap()));
        if found != wanted {
            let first =
                |rows: &[String]| rows.iter().take(3).cloned().collect::<Vec<_>>().join("\n      ");
            return Err(format!(
                "{} rows instead of {}\n    found\n      {}\n    wanted\n      {}",
                found.len(),
                wanted.len(),
                first(&found),
                first(&wanted)
            ));
        }
    }
    let increments = compare_increments(&tables, &location).await?;
    Ok(format!("{found} rows, {increments} increments"))
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
        let expected = root.join("expected").join(format!("{}.parquet", name.replace('/', "__")));
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

/// A table made by deltalake in a temporary folder, and what reads it.
struct Made {
    folder: tempfile::TempDir,
    location: Location,
    stores: Arc<Stores>,
    tables: Tables,
}

impl Made {
    /// A table of three commits, partitioned by `p`, whose first column is not a data column.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::parse(folder.path().join("a table").to_str().unwrap()).unwrap();
        let stores = Arc::new(Stores::new());
        let tables = Tables::new(Arc::clone(&stores), TablesOptions::default());
        let made = Made { folder, location, stores, tables };
        for at in 0..3 {
            made.append(at).await;
        }
        made
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a table")
    }

    /// Another writer, which shares nothing with the reader.
    fn writer(&self) -> DeltaTable {
        let tables = Tables::new(Arc::clone(&self.stores), TablesOptions::default());
        DeltaTable::new(tables.log_store(&self.location).unwrap())
    }

    /// Four rows: one of each partition, numbers `10 * at` to `10 * at + 3`.
    async fn append(&self, at: i64) {
        std::fs::create_dir_all(self.path()).unwrap();
        let numbers: Vec<i64> = (0..4).map(|row| 10 * at + row).collect();
        // The statistics of these end at whole milliseconds.
        let times = TimestampMicrosecondArray::from(vec![at * 1000 + 123; 4]).with_timezone("UTC");
        let columns: [(&str, ArrayRef); 4] = [
            (
                "p",
                Arc::new(StringArray::from(vec![Some("a b/c=%"), Some("ü'\""), None, Some("x")])),
            ),
            ("n", Arc::new(Int64Array::from(numbers.clone()))),
            ("t", Arc::new(times)),
            (
                "s",
                Arc::new(StringArray::from_iter(
                    numbers.iter().map(|n| (n % 3 != 0).then(|| format!("{n:050}"))),
                )),
            ),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, column)| (name, column, true)),
        );
        let mut writer = self.writer();
        if self.path().join("_delta_log").exists() {
            writer.load().await.unwrap();
        }
        writer.write([batch.unwrap()]).with_partition_columns(["p"]).await.unwrap();
    }

    async fn count(&self, version: &Arc<TableVersion>, condition: &str) -> i64 {
        let session = session(&self.stores, false);
        session.register_table("t", version.provider(&self.stores).unwrap()).unwrap();
        let sql = format!("SELECT count(*) FROM t WHERE {condition}");
        let found = query(&session, &sql).await.unwrap();
        found[0].column(0).as_primitive::<Int64Type>().value(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_and_pruning_agree_with_the_rows() {
    let made = Made::new().await;
    let mut writer = made.writer();
    writer.load().await.unwrap();
    writer.delete().with_predicate("n = 11").await.unwrap();
    assert_eq!(compare_increments(&made.tables, &made.location).await, Ok(3));
    let version = made.tables.open(&made.location).await.unwrap();
    assert_eq!((version.version(), version.row_count()), (3, Some(11)));
    assert_eq!(version.partition_columns(), ["p"]);
    for pushdown in [false, true] {
        let session = session(&made.stores, pushdown);
        let rows = register(&session, &made.stores, &version).await.unwrap();
        let questions = questions(&version.schema(), &rows, "made");
        assert_eq!(ask_both(&session, &questions).await, Vec::<String>::new());
    }
    // Microseconds that the statistics have lost are found, and read whole.
    let condition = "t = arrow_cast(1123, 'Timestamp(µs, \"UTC\")')";
    assert_eq!(made.count(&version, condition).await, 3);
    assert_eq!(made.count(&version, "p = 'a b/c=%'").await, 3);
    assert_eq!(made.count(&version, "p IS NULL AND n > 5").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_without_rows_for_a_query_are_not_read() {
    let made = Made::new().await;
    let version = made.tables.open(&made.location).await.unwrap();
    let state = session(&made.stores, false).state();
    let files = |filters: &[Expr]| {
        files_to_read(version.files(), version.columns(), filters, &state).unwrap().len()
    };
    assert_eq!(files(&[]), 12);
    assert_eq!(files(&[col("p").eq(lit("x"))]), 3);
    assert_eq!(files(&[col("p").is_null()]), 3);
    assert_eq!(files(&[col("n").gt_eq(lit(20_i64))]), 4);
    assert_eq!(files(&[col("n").eq(lit(12_i64)), col("p").is_null()]), 1);
    assert_eq!(files(&[col("n").eq(lit(12_i64)).or(col("p").eq(lit("x")))]), 4);
    assert_eq!(files(&[col("s").is_null()]), 4);
    assert_eq!(files(&[col("n").gt(lit(99_i64))]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_travel_reads_what_was() {
    let made = Made::new().await;
    let at = |time_travel| made.tables.open_at(&made.location, time_travel);
    let first = at(TimeTravel::Version(0)).await.unwrap();
    assert_eq!((first.version(), first.row_count()), (0, Some(4)));
    let refused = at(TimeTravel::Version(9)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidParameterValue);
    assert_eq!(refused.detail(), Some("The table has versions 0 to 2."));
    let refused = at(TimeTravel::Timestamp(0)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidParameterValue);
    let now = chrono::Utc::now().timestamp_micros();
    assert_eq!(at(TimeTravel::Timestamp(now)).await.unwrap().version(), 2);
    let history = made.tables.history(&made.location, Some(2)).await.unwrap();
    let versions: Vec<u64> = history.iter().map(|commit| commit.version).collect();
    assert_eq!(versions, [2, 1]);
    assert_eq!(history[0].operation.as_deref(), Some("WRITE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_of_others_are_seen_at_once() {
    let made = Made::new().await;
    let before = made.tables.open(&made.location).await.unwrap();
    let again = made.tables.open(&made.location).await.unwrap();
    assert!(Arc::ptr_eq(&before, &again), "an unchanged table was read again");
    made.append(3).await;
    let opened = futures::future::join_all((0..8).map(|_| made.tables.open(&made.location))).await;
    for version in opened {
        let version = version.unwrap();
        assert_eq!((version.version(), made.count(&version, "true").await), (3, 16));
    }
    made.append(4).await;
    let published = made.tables.publish(&made.location, 4).await.unwrap();
    assert_eq!(made.count(&published, "n >= 40").await, 4);

    // Made anew by another writer, with fewer commits.
    std::fs::remove_dir_all(made.path()).unwrap();
    let gone = made.tables.open(&made.location).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::UndefinedObject);
    made.append(7).await;
    let anew = made.tables.open(&made.location).await.unwrap();
    assert_eq!((anew.version(), made.count(&anew, "n >= 70").await), (0, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_columns_ignore_their_case() {
    let made = Made::new().await;
    for version in 0..3 {
        let commit = made.path().join(format!("_delta_log/{version:020}.json"));
        let text = std::fs::read_to_string(&commit).unwrap();
        let text = text.replace(r#"\"name\":\"n\""#, r#"\"name\":\"N\""#);
        std::fs::write(&commit, text.replace(r#"\"n\":"#, r#"\"N\":"#)).unwrap();
    }
    let version = made.tables.open(&made.location).await.unwrap();
    assert!(version.schema().field_with_name("N").is_ok());
    assert_eq!(made.count(&version, r#""N" >= 10"#).await, 8);
    assert_eq!(made.count(&version, r#""N" IS NULL"#).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_is_told() {
    let made = Made::new().await;
    assert!(made.tables.exists(&made.location).await.unwrap());
    let nowhere = Location::parse(made.folder.path().to_str().unwrap()).unwrap();
    assert!(!made.tables.exists(&nowhere).await.unwrap());
    let refused = made.tables.open(&nowhere).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::UndefinedObject);

    let version = made.tables.open(&made.location).await.unwrap();
    let file = version.files().paths[0].to_string();
    std::fs::remove_file(format!("/{file}")).unwrap();
    let session = session(&made.stores, false);
    session.register_table("t", version.provider(&made.stores).unwrap()).unwrap();
    let broken = session.sql("SELECT n FROM t").await.unwrap().collect().await.unwrap_err();
    let broken = error_of_datafusion(&broken).unwrap();
    assert_eq!(broken.kind(), ErrorKind::UndefinedFile);
    let (folder, name) = file.rsplit_once('/').unwrap();
    assert!(broken.message().contains(name), "{broken} does not say which file");
    assert!(!broken.to_string().contains(folder), "{broken} shows where the file is");
    assert!(format!("{broken:?}").contains(&file), "the log has it: {broken:?}");

    let commit = |version| made.path().join(format!("_delta_log/{version:020}.json"));
    std::fs::copy(commit(2), commit(4)).unwrap();
    let another = Tables::new(Arc::clone(&made.stores), TablesOptions::default());
    let gap = another.open(&made.location).await.unwrap_err();
    let detail = "commits between the first and the last one are missing.";
    assert_eq!((gap.kind(), gap.detail()), (ErrorKind::DataCorrupted, Some(detail)));
    std::fs::remove_file(commit(4)).unwrap();

    std::fs::write(commit(3), "{nonsense").unwrap();
    let corrupted = made.tables.open(&made.location).await.unwrap_err();
    assert_eq!(corrupted.kind(), ErrorKind::DataCorrupted);
    assert!(!format!("{corrupted}").contains("/a table"), "{corrupted} shows where the table is");
}
