//! The `.slt` files: SQL and its answers, over the simple protocol, the extended one with text results and the
//! extended one with binary results, which must all say the same.
//!
//! After `connection ann`, a statement runs as the user `<schema of the file>_ann` with the password `ann`,
//! whom the file has made; `control substitution on` lets it say `${schema}`, which answers have as `<schema>`, and
//! `${files}`, the folder `tests/files`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use sqllogictest::{
    AsyncDB, Connection as ConnectionName, DBOutput, DefaultColumnType, Record, Runner,
};
use tokio::runtime::Runtime;
use tokio_postgres::types::Type;

use super::support::{Endpoint, Raw, RawClient, ResultSet, SqlError, text_of};
use super::{Servers, Target, files, name_of, schema_of, tpch, trial};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Simple,
    ExtendedText,
    ExtendedBinary,
}

impl Mode {
    /// The name in tests, and the label for `skipif` and `onlyif` in files.
    fn name(self) -> &'static str {
        match self {
            Mode::Simple => "simple",
            Mode::ExtendedText => "extended-text",
            Mode::ExtendedBinary => "extended-binary",
        }
    }
}

pub fn trials(folder: &Path, target: Target, servers: &Arc<Servers>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for file in files(folder, "slt") {
        let holds_on_postgres =
            file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pg_"));
        if target == Target::Postgres && !holds_on_postgres {
            continue;
        }
        let name = name_of(&file, folder);
        for mode in [Mode::Simple, Mode::ExtendedText, Mode::ExtendedBinary] {
            let (file, servers, case) = (file.clone(), Arc::clone(servers), name.clone());
            let name = format!("{name}::{}", mode.name());
            let run = move || run(&file, &case, mode, target, &servers);
            trials.push(trial("slt", target, &name, run));
        }
    }
    trials
}

fn run(
    file: &PathBuf,
    name: &str,
    mode: Mode,
    target: Target,
    servers: &Servers,
) -> Result<(), Failed> {
    let asks_tpch = name.starts_with("tpch/");
    let (schema, endpoint) = if asks_tpch {
        (tpch::SCHEMA.to_owned(), servers.prepare_tpch()?)
    } else {
        let schema = schema_of(&["slt", name, mode.name()]);
        let endpoint = servers.prepare(target, &schema)?;
        (schema, endpoint)
    };
    let runtime = Arc::new(Runtime::new()?);
    let mut names = connection_names(file)?.into_iter();
    let connect = || {
        let endpoint = match names.next().flatten() {
            Some(name) => endpoint.with_user(&format!("{schema}_{name}"), &name),
            None => endpoint.clone(),
        };
        let connection = Connection::open(&endpoint, &schema, mode, target, &runtime);
        async { connection }
    };
    let mut runner = Runner::new(connect);
    runner.add_label(mode.name());
    runner.set_var("schema".to_owned(), schema.clone());
    runner.set_var(
        "files".to_owned(),
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files").to_owned(),
    );
    if asks_tpch {
        // PostgreSQL's numeric years are integers here.
        runner.with_validator(tpch::validate);
    } else {
        runner.with_column_validator(has_types);
    }
    if target.is_blessed() && mode == Mode::Simple {
        let validator = sqllogictest::default_validator;
        let update = runner.update_test_file(
            file,
            " ",
            validator,
            sqllogictest::default_normalizer,
            has_types,
        );
        return runtime.block_on(update).map_err(|error| Failed::from(error.to_string()));
    }
    runtime
        .block_on(runner.run_file_async(file))
        .map_err(|error| Failed::from(error.display(false).to_string()))
}

/// The connections of a file in the order in which they are opened, each when it is first used. The runner
/// does not say which one it wants.
fn connection_names(file: &Path) -> Result<Vec<Option<String>>, Failed> {
    let records = sqllogictest::parse_file::<DefaultColumnType>(file);
    let records = records.map_err(|error| Failed::from(error.to_string()))?;
    let mut names = Vec::new();
    for record in &records {
        let (Record::Statement { connection, .. }
        | Record::Query { connection, .. }
        | Record::Let { connection, .. }) = record
        else {
            continue;
        };
        let name = match connection {
            ConnectionName::Default => None,
            ConnectionName::Named(name) => Some(name.clone()),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// One connection of a file.
enum Connection {
    Raw { client: RawClient, schema: String, mode: Mode, target: Target },
    Driver { client: tokio_postgres::Client, schema: String, target: Target },
}

impl Connection {
    fn open(
        endpoint: &Endpoint,
        schema: &str,
        mode: Mode,
        target: Target,
        runtime: &Arc<Runtime>,
    ) -> Result<Self, SqlError> {
        match mode {
            Mode::Simple | Mode::ExtendedText => {
                let settings = [("search_path", schema), ("TimeZone", "UTC")];
                let client = RawClient::connect(endpoint, &settings)?;
                Ok(Connection::Raw { client, schema: schema.to_owned(), mode, target })
            }
            Mode::ExtendedBinary => {
                let mut config = endpoint.config();
                config.options(format!("-c search_path={schema} -c TimeZone=UTC"));
                // The runtime already runs this file; a thread of its own may wait for the login.
                let runtime = Arc::clone(runtime);
                let connecting = std::thread::spawn(move || {
                    runtime.block_on(async {
                        let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
                        tokio::spawn(connection);
                        Ok::<_, tokio_postgres::Error>(client)
                    })
                });
                let client = connecting.join().map_err(|_| unknown("the login panicked"))?;
                let client = client.map_err(of_driver)?;
                Ok(Connection::Driver { client, schema: schema.to_owned(), target })
            }
        }
    }
}

#[async_trait::async_trait]
impl AsyncDB for Connection {
    type Error = SqlError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, SqlError> {
        let (answer, schema) = match self {
            Connection::Raw { client, schema, mode: Mode::Simple, .. } => {
                (client.simple_query(sql).map(output_of), schema)
            }
            Connection::Raw { client, schema, .. } => {
                (client.extended_query(sql).map(output_of), schema)
            }
            Connection::Driver { client, schema, .. } => (run_binary(client, sql).await, schema),
        };
        without_schema(answer, schema)
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        match self {
            Connection::Raw { target, .. } | Connection::Driver { target, .. } => target.name(),
        }
    }

    async fn sleep(duration: std::time::Duration) {
        tokio::time::sleep(duration).await;
    }

    fn error_sql_state(error: &SqlError) -> Option<String> {
        Some(error.sqlstate.clone())
    }
}

async fn run_binary(
    client: &tokio_postgres::Client,
    sql: &str,
) -> Result<DBOutput<DefaultColumnType>, SqlError> {
    let statement = client.prepare(sql).await.map_err(of_driver)?;
    if statement.columns().is_empty() {
        let rows = client.execute(&statement, &[]).await.map_err(of_driver)?;
        return Ok(DBOutput::StatementComplete(rows));
    }
    let types = statement.columns().iter().map(|column| kind_of(column.type_().oid())).collect();
    let rows = client.query(&statement, &[]).await.map_err(of_driver)?;
    let text = |row: &tokio_postgres::Row| {
        let cell = |at: usize| {
            let value: Option<Raw> = row.get(at);
            cell_of(value.map(|Raw(bytes)| text_of(row.columns()[at].type_(), &bytes)))
        };
        (0..row.len()).map(cell).collect()
    };
    Ok(DBOutput::Rows { types, rows: rows.iter().map(text).collect() })
}

/// An answer with `<schema>` for the schema of the file, which has another name in each mode.
fn without_schema(
    answer: Result<DBOutput<DefaultColumnType>, SqlError>,
    schema: &str,
) -> Result<DBOutput<DefaultColumnType>, SqlError> {
    let hide = |text: String| text.replace(schema, "<schema>");
    match answer {
        Ok(DBOutput::Rows { types, rows }) => {
            let hide_all = |row: Vec<String>| row.into_iter().map(hide).collect();
            Ok(DBOutput::Rows { types, rows: rows.into_iter().map(hide_all).collect() })
        }
        Ok(done) => Ok(done),
        Err(SqlError { sqlstate, message, detail, hint }) => Err(SqlError {
            sqlstate,
            message: hide(message),
            detail: hide(detail),
            hint: hide(hint),
        }),
    }
}

fn output_of(result: ResultSet) -> DBOutput<DefaultColumnType> {
    if result.columns.is_empty() {
        let rows = result.tag.rsplit(' ').next().and_then(|count| count.parse().ok());
        return DBOutput::StatementComplete(rows.unwrap_or(0));
    }
    let types = result.columns.iter().map(|(_, oid)| kind_of(*oid)).collect();
    let row = |row: Vec<Option<String>>| row.into_iter().map(cell_of).collect();
    DBOutput::Rows { types, rows: result.rows.into_iter().map(row).collect() }
}

/// Whether the columns have the types that the file says: I, R, or T for all others.
#[expect(clippy::ptr_arg, reason = "the runner's signature")]
fn has_types(actual: &Vec<DefaultColumnType>, expected: &Vec<DefaultColumnType>) -> bool {
    let is_text = |kind: &DefaultColumnType| {
        !matches!(kind, DefaultColumnType::Integer | DefaultColumnType::FloatingPoint)
    };
    let is_same = |(one, other): (&DefaultColumnType, &DefaultColumnType)| {
        one == other || is_text(one) && is_text(other)
    };
    actual.len() == expected.len() && actual.iter().zip(expected).all(is_same)
}

/// How the files write a value.
fn cell_of(value: Option<String>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(text) if text.is_empty() => "(empty)".to_owned(),
        Some(text) => text,
    }
}

fn kind_of(oid: u32) -> DefaultColumnType {
    match Type::from_oid(oid) {
        Some(Type::INT2 | Type::INT4 | Type::INT8 | Type::OID) => DefaultColumnType::Integer,
        Some(Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC) => DefaultColumnType::FloatingPoint,
        Some(_) | None => DefaultColumnType::Text,
    }
}

fn of_driver(error: tokio_postgres::Error) -> SqlError {
    match error.as_db_error() {
        Some(error) => SqlError {
            sqlstate: error.code().code().to_owned(),
            message: error.message().to_owned(),
            detail: error.detail().unwrap_or_default().to_owned(),
            hint: error.hint().unwrap_or_default().to_owned(),
        },
        None => unknown(&error.to_string()),
    }
}

fn unknown(message: &str) -> SqlError {
    SqlError {
        sqlstate: "XX000".to_owned(),
        message: message.to_owned(),
        detail: String::new(),
        hint: String::new(),
    }
}
