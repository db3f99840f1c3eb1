//! sqlx: pools, typed rows, streams, COPY, listeners, descriptions of queries with what can be null, migrations.

#[path = "../../checks.rs"]
mod checks;

use std::path::Path;
use std::time::Duration;

use checks::{Outcome, equal, feature};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use futures_util::TryStreamExt;
use sqlx::migrate::Migrator;
use sqlx::postgres::types::PgInterval;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPoolOptions, PgSslMode};
use sqlx::types::{BigDecimal, Json};
use sqlx::{
    Column, Connection, Either, Executor, FromRow, PgPool, QueryBuilder, SqlSafeStr, TypeInfo,
};
use uuid::Uuid;

#[tokio::main]
async fn main() {
    println!("version 0.9.0");
    feature("logs in with SCRAM", login()).await;
    feature("TLS with verify-full", tls()).await;
    feature("TLS by a stranger is noticed", stranger()).await;
    feature("types", types()).await;
    feature("parameters of every type", parameters()).await;
    feature("rows as structs", structs()).await;
    feature("inserts arrays with unnest", unnested()).await;
    feature("inserts many rows", pushed()).await;
    feature("columns are described", described()).await;
    feature("knows what can be null", nullable()).await;
    feature("rows as a stream", streamed()).await;
    feature("transactions and savepoints", transactions()).await;
    feature("several statements", several()).await;
    feature("without prepared statements", unprepared()).await;
    feature("COPY", copied()).await;
    feature("errors", errors()).await;
    feature("query timeout", timeout()).await;
    feature("pool", pooled()).await;
    feature("notifications", notifications()).await;
    feature("a changed table is noticed", changed()).await;
    feature("locks", locks()).await;
    feature("migrations", migrations()).await;
}

async fn connect() -> Result<PgConnection, sqlx::Error> {
    PgConnection::connect_with(&PgConnectOptions::new().ssl_mode(PgSslMode::Disable)).await
}

fn day() -> Result<NaiveDate, &'static str> {
    NaiveDate::from_ymd_opt(2024, 2, 29).ok_or("no day")
}

fn noon() -> Result<NaiveDateTime, &'static str> {
    day()?.and_hms_opt(12, 0, 0).ok_or("no time")
}

async fn login() -> Outcome {
    let mut connection = connect().await?;
    let row: (String, String) =
        sqlx::query_as("SELECT current_user::text, current_database()::text")
            .fetch_one(&mut connection)
            .await?;
    equal(row, ("admin".to_owned(), "main".to_owned()))?;
    connection.ping().await?;
    Ok(connection.close().await?)
}

fn verified(authority: &str) -> PgConnectOptions {
    PgConnectOptions::new()
        .ssl_mode(PgSslMode::VerifyFull)
        .ssl_root_cert(std::env::var(authority).unwrap_or_default())
}

async fn tls() -> Outcome {
    let mut connection = PgConnection::connect_with(&verified("CA")).await?;
    equal(
        sqlx::query_scalar::<_, bool>("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            .fetch_one(&mut connection)
            .await?,
        true,
    )
}

async fn stranger() -> Outcome {
    let error =
        PgConnection::connect_with(&verified("OTHER_CA")).await.err().ok_or("it was let in")?;
    equal(matches!(error, sqlx::Error::Tls(_) | sqlx::Error::Io(_)), true)
}

#[derive(Debug, FromRow, PartialEq)]
struct Every {
    small: i16,
    whole: i32,
    big: i64,
    single: f32,
    double: f64,
    exact: BigDecimal,
    truth: bool,
    words: String,
    bytes: Vec<u8>,
    day: NaiveDate,
    moment: NaiveDateTime,
    instant: DateTime<Utc>,
    clock: NaiveTime,
    document: Json<serde_json::Value>,
    identity: Uuid,
    span: PgInterval,
    numbers: Vec<Option<i32>>,
    texts: Vec<String>,
    nothing: Option<i32>,
}

async fn types() -> Outcome {
    let row: Every = sqlx::query_as(
        "SELECT 1::smallint AS small, 2 AS whole, 3::bigint AS big, 1.5::real AS single, 2.5::double precision AS double,
            12345678901234567890.123::numeric AS exact, true AS truth, 'täxt' AS words, '\\x00ff'::bytea AS bytes,
            DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:00:00' AS moment,
            TIMESTAMPTZ '2024-02-29 12:00:00+00' AS instant, TIME '12:34:56.5' AS clock, '{\"a\": [1]}'::jsonb AS document,
            'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS identity, INTERVAL '1 month 2 days 3 seconds' AS span,
            ARRAY[1, NULL, 3] AS numbers, ARRAY['a', 'b,c'] AS texts, NULL::int AS nothing",
    )
    .fetch_one(&mut connect().await?)
    .await?;
    let expected = Every {
        small: 1,
        whole: 2,
        big: 3,
        single: 1.5,
        double: 2.5,
        exact: "12345678901234567890.123".parse()?,
        truth: true,
        words: "täxt".to_owned(),
        bytes: vec![0, 255],
        day: day()?,
        moment: noon()?,
        instant: noon()?.and_utc(),
        clock: NaiveTime::from_hms_milli_opt(12, 34, 56, 500).ok_or("no time")?,
        document: Json(serde_json::json!({"a": [1]})),
        identity: Uuid::parse_str("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")?,
        span: PgInterval { months: 1, days: 2, microseconds: 3_000_000 },
        numbers: vec![Some(1), None, Some(3)],
        texts: vec!["a".to_owned(), "b,c".to_owned()],
        nothing: None,
    };
    equal(row, expected)
}

async fn parameters() -> Outcome {
    let row: (String, String, String, String, String, String, String, String) = sqlx::query_as(
        "SELECT $1::text, $2::text, $3::text, $4::text, $5::text, ($6 + 1)::text, ($7 - $8)::text, ($9 || 'x')::text",
    )
    .bind(5i16)
    .bind("1.10".parse::<BigDecimal>()?)
    .bind(day()?)
    .bind(noon()?)
    .bind(Json(serde_json::json!({"a": null})))
    .bind(7i64)
    .bind(day()?)
    .bind(3i32)
    .bind("it's")
    .fetch_one(&mut connect().await?)
    .await?;
    let row = [row.0, row.1, row.2, row.3, row.4, row.5, row.6, row.7].join(" ");
    equal(row, "5 1.10 2024-02-29 2024-02-29 12:00:00 {\"a\": null} 8 2024-02-26 it'sx".to_owned())
}

#[derive(Debug, FromRow, PartialEq)]
struct Book {
    id: i64,
    title: String,
    #[sqlx(default)]
    price: Option<BigDecimal>,
}

async fn structs() -> Outcome {
    let mut connection = connect().await?;
    sqlx::raw_sql("CREATE TABLE books (id bigint, title varchar(40), price numeric(10,2))")
        .execute(&mut connection)
        .await?;
    let inserted: Book = sqlx::query_as("INSERT INTO books VALUES ($1, $2, $3) RETURNING *")
        .bind(1i64)
        .bind("Emma")
        .bind("9.50".parse::<BigDecimal>()?)
        .fetch_one(&mut connection)
        .await?;
    equal(inserted, Book { id: 1, title: "Emma".to_owned(), price: Some("9.50".parse()?) })?;
    let found: Option<Book> =
        sqlx::query_as("SELECT * FROM books WHERE title = ANY($1) AND price < $2 LIMIT $3")
            .bind(vec!["Emma", "Persuasion"])
            .bind("10".parse::<BigDecimal>()?)
            .bind(5i64)
            .fetch_optional(&mut connection)
            .await?;
    equal(found.map(|book| book.id), Some(1))?;
    let changed = sqlx::query("UPDATE books SET price = NULL WHERE id = $1")
        .bind(1i64)
        .execute(&mut connection)
        .await?;
    equal(changed.rows_affected(), 1)?;
    equal(
        sqlx::query_as::<_, Book>("SELECT * FROM books").fetch_one(&mut connection).await?.price,
        None,
    )?;
    sqlx::raw_sql("DROP TABLE books").execute(&mut connection).await?;
    Ok(())
}

async fn unnested() -> Outcome {
    let mut connection = connect().await?;
    sqlx::raw_sql("CREATE TABLE bulk (id bigint, name text)").execute(&mut connection).await?;
    let ids: Vec<i64> = (0..100).collect();
    let names: Vec<String> = ids.iter().map(|id| format!("n{id}")).collect();
    let done =
        sqlx::query("INSERT INTO bulk (id, name) SELECT * FROM UNNEST($1::bigint[], $2::text[])")
            .bind(&ids)
            .bind(&names)
            .execute(&mut connection)
            .await?;
    equal(done.rows_affected(), 100)?;
    let row: (i64, String) = sqlx::query_as("SELECT sum(id)::bigint, max(name) FROM bulk")
        .fetch_one(&mut connection)
        .await?;
    equal(row, (4950, "n99".to_owned()))?;
    sqlx::raw_sql("DROP TABLE bulk").execute(&mut connection).await?;
    Ok(())
}

async fn pushed() -> Outcome {
    let mut connection = connect().await?;
    sqlx::raw_sql("CREATE TABLE pushed (id bigint, name text, at timestamptz)")
        .execute(&mut connection)
        .await?;
    let mut insert = QueryBuilder::new("INSERT INTO pushed (id, name, at) ");
    let instant = noon()?.and_utc();
    insert.push_values(0..50i64, |mut row, id| {
        row.push_bind(id).push_bind((id % 2 == 0).then(|| id.to_string())).push_bind(instant);
    });
    equal(insert.build().execute(&mut connection).await?.rows_affected(), 50)?;
    let row: (i64, i64, DateTime<Utc>) =
        sqlx::query_as("SELECT count(*), count(name), max(at) FROM pushed")
            .fetch_one(&mut connection)
            .await?;
    equal(row, (50, 25, instant))?;
    sqlx::raw_sql("DROP TABLE pushed").execute(&mut connection).await?;
    Ok(())
}

async fn described() -> Outcome {
    let mut connection = connect().await?;
    sqlx::raw_sql("CREATE TABLE told (id bigint NOT NULL, name text)")
        .execute(&mut connection)
        .await?;
    let told = connection
        .describe(
            "SELECT id, name, id + 1 AS next FROM told WHERE id = $1 AND name = $2".into_sql_str(),
        )
        .await?;
    let columns: Vec<_> =
        told.columns().iter().map(|column| (column.name(), column.type_info().name())).collect();
    equal(columns, [("id", "INT8"), ("name", "TEXT"), ("next", "INT8")])?;
    let Some(Either::Left(parameters)) = told.parameters() else {
        return Err("no parameters".into());
    };
    equal(parameters.iter().map(TypeInfo::name).collect::<Vec<_>>(), ["INT8", "TEXT"])?;
    sqlx::raw_sql("DROP TABLE told").execute(&mut connection).await?;
    Ok(())
}

async fn nullable() -> Outcome {
    let mut connection = connect().await?;
    sqlx::raw_sql("CREATE TABLE strict (id bigint NOT NULL, name text)")
        .execute(&mut connection)
        .await?;
    let told = connection
        .describe("SELECT id, name, id + 1 AS next FROM strict WHERE id = $1".into_sql_str())
        .await?;
    equal((told.nullable(0), told.nullable(1), told.nullable(2)), (Some(false), Some(true), None))?;
    let joined =
        "SELECT a.id, b.id FROM strict AS a LEFT JOIN strict AS b ON a.id = b.id".into_sql_str();
    let told = connection.describe(joined).await?;
    equal((told.nullable(0), told.nullable(1)), (Some(false), Some(true)))?;
    sqlx::raw_sql("DROP TABLE strict").execute(&mut connection).await?;
    Ok(())
}

async fn streamed() -> Outcome {
    let mut connection = connect().await?;
    let rows = sqlx::query_scalar::<_, i32>("SELECT n FROM generate_series(1, $1) AS n")
        .bind(100_000i32)
        .fetch(&mut connection);
    let sum = rows.try_fold(0i64, async |sum, n| Ok(sum + i64::from(n))).await?;
    equal(sum, 5_000_050_000)?;
    let mut rows = sqlx::query_scalar::<_, i32>("SELECT n FROM generate_series(1, 100000) AS n")
        .fetch(&mut connection);
    // Without ORDER BY any row may be the first.
    equal(rows.try_next().await?.is_some(), true)?;
    drop(rows);
    equal(sqlx::query_scalar::<_, i32>("SELECT 2").fetch_one(&mut connection).await?, 2)
}

async fn transactions() -> Outcome {
    let mut connection = connect().await?;
    sqlx::raw_sql("CREATE TABLE kept (id bigint)").execute(&mut connection).await?;
    let mut transaction = connection.begin().await?;
    sqlx::query("INSERT INTO kept VALUES (1)").execute(&mut *transaction).await?;
    let mut nested = transaction.begin().await?;
    sqlx::query("INSERT INTO kept VALUES (2)").execute(&mut *nested).await?;
    nested.rollback().await?;
    let mut nested = transaction.begin().await?;
    sqlx::query("INSERT INTO kept VALUES (3)").execute(&mut *nested).await?;
    nested.commit().await?;
    transaction.commit().await?;
    let mut dropped = connection.begin().await?;
    sqlx::query("INSERT INTO kept VALUES (4)").execute(&mut *dropped).await?;
    drop(dropped);
    equal(
        sqlx::query_scalar::<_, i64>("SELECT id FROM kept ORDER BY id")
            .fetch_all(&mut connection)
            .await?,
        vec![1, 3],
    )?;
    let mut reading =
        connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let error = sqlx::query("INSERT INTO kept VALUES (5)")
        .execute(&mut *reading)
        .await
        .err()
        .ok_or("it was allowed")?;
    equal(error.as_database_error().and_then(|error| error.code()).as_deref(), Some("25006"))?;
    reading.rollback().await?;
    sqlx::raw_sql("DROP TABLE kept").execute(&mut connection).await?;
    Ok(())
}

async fn several() -> Outcome {
    let mut connection = connect().await?;
    let results = sqlx::raw_sql(
        "SELECT 1; CREATE TABLE made (a int); INSERT INTO made VALUES (1), (2); DROP TABLE made",
    );
    let outcomes: Vec<_> = results.fetch_many(&mut connection).try_collect().await?;
    let told = outcomes.iter().map(|one| match one {
        Either::Left(done) => format!("done {}", done.rows_affected()),
        Either::Right(_) => "row".to_owned(),
    });
    equal(told.collect::<Vec<_>>(), ["row", "done 1", "done 0", "done 2", "done 0"])
}

async fn unprepared() -> Outcome {
    let mut connection = connect().await?;
    for n in 0..5i32 {
        equal(
            sqlx::query_scalar::<_, i32>("SELECT $1 + 1")
                .bind(n)
                .persistent(false)
                .fetch_one(&mut connection)
                .await?,
            n + 1,
        )?;
    }
    connection.clear_cached_statements().await?;
    equal(connection.cached_statements_size(), 0)
}

async fn copied() -> Outcome {
    let mut connection = connect().await?;
    sqlx::raw_sql("CREATE TABLE copied (id bigint, name text)").execute(&mut connection).await?;
    let mut copy = connection.copy_in_raw("COPY copied FROM STDIN WITH (FORMAT csv)").await?;
    copy.send(b"1,one\n2,".as_slice()).await?;
    copy.send(b"two\n".as_slice()).await?;
    equal(copy.finish().await?, 2)?;
    let mut copy = connection.copy_in_raw("COPY copied FROM STDIN").await?;
    copy.send(b"3\tthree\n".as_slice()).await?;
    copy.abort("never mind").await?;
    let out = connection.copy_out_raw("COPY (SELECT * FROM copied ORDER BY id) TO STDOUT").await?;
    let bytes = out
        .try_fold(Vec::new(), async |mut all, part| {
            all.extend_from_slice(&part);
            Ok(all)
        })
        .await?;
    equal(String::from_utf8(bytes)?, "1\tone\n2\ttwo\n".to_owned())?;
    sqlx::raw_sql("DROP TABLE copied").execute(&mut connection).await?;
    Ok(())
}

async fn errors() -> Outcome {
    let mut connection = connect().await?;
    sqlx::raw_sql("CREATE TABLE checked (a bigint NOT NULL, CONSTRAINT positive CHECK (a > 0))")
        .execute(&mut connection)
        .await?;
    let error = sqlx::query("SELECT nope FROM checked")
        .execute(&mut connection)
        .await
        .err()
        .ok_or("it went well")?;
    let error = error.into_database_error().ok_or("it is not the server's")?;
    equal(
        (error.code().as_deref(), error.message()),
        (Some("42703"), "column \"nope\" does not exist"),
    )?;
    let error = sqlx::query("INSERT INTO checked VALUES ($1)")
        .bind(None::<i64>)
        .execute(&mut connection)
        .await
        .err()
        .ok_or("it went well")?;
    let error = error.into_database_error().ok_or("it is not the server's")?;
    equal(
        (error.kind(), error.table()),
        (sqlx::error::ErrorKind::NotNullViolation, Some("checked")),
    )?;
    let error = sqlx::query("INSERT INTO checked VALUES ($1)")
        .bind(-1i64)
        .execute(&mut connection)
        .await
        .err()
        .ok_or("it went well")?;
    let error = error.into_database_error().ok_or("it is not the server's")?;
    equal(
        (error.is_check_violation(), error.constraint(), error.table()),
        (true, Some("positive"), Some("checked")),
    )?;
    sqlx::raw_sql("DROP TABLE checked").execute(&mut connection).await?;
    Ok(())
}

async fn timeout() -> Outcome {
    let options = PgConnectOptions::new().options([("statement_timeout", "300")]);
    let mut connection = PgConnection::connect_with(&options).await?;
    let slow = "SELECT count(*) FROM generate_series(1, 200000) a, generate_series(1, 200000) b";
    let error = sqlx::query(slow).execute(&mut connection).await.err().ok_or("it was quick")?;
    equal(error.as_database_error().and_then(|error| error.code()).as_deref(), Some("57014"))?;
    equal(sqlx::query_scalar::<_, i32>("SELECT 2").fetch_one(&mut connection).await?, 2)
}

async fn pooled() -> Outcome {
    let pool: PgPool = PgPoolOptions::new()
        .max_connections(3)
        .acquire_timeout(Duration::from_secs(20))
        .after_release(|connection, _| {
            Box::pin(async move { connection.execute("DISCARD ALL").await.map(|_| true) })
        })
        .connect_with(PgConnectOptions::new())
        .await?;
    let tasks: Vec<_> = (0..20i32)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move {
                sqlx::query_scalar::<_, i32>("SELECT $1 * 2")
                    .bind(n)
                    .persistent(false)
                    .fetch_one(&pool)
                    .await
            })
        })
        .collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await??;
    }
    equal((sum, pool.size() <= 3), (380, true))?;
    let mut one = pool.acquire().await?;
    sqlx::query("SET statement_timeout = 4321").persistent(false).execute(&mut *one).await?;
    drop(one);
    for _ in 0..3 {
        equal(
            sqlx::query_scalar::<_, String>("SELECT current_setting('statement_timeout')")
                .persistent(false)
                .fetch_one(&pool)
                .await?,
            "0".to_owned(),
        )?;
    }
    pool.close().await;
    Ok(())
}

async fn notifications() -> Outcome {
    let mut listener =
        PgListener::connect_with(&PgPool::connect_with(PgConnectOptions::new()).await?).await?;
    listener.listen_all(["news", "gossip"]).await?;
    sqlx::query("SELECT pg_notify($1, $2)")
        .bind("gossip")
        .bind("psst")
        .execute(&mut connect().await?)
        .await?;
    let heard = listener.recv().await?;
    equal((heard.channel(), heard.payload()), ("gossip", "psst"))?;
    Ok(listener.unlisten_all().await?)
}

async fn changed() -> Outcome {
    let mut connection = connect().await?;
    sqlx::raw_sql("CREATE TABLE changing (a bigint)").execute(&mut connection).await?;
    equal(sqlx::query("SELECT * FROM changing").fetch_all(&mut connection).await?.len(), 0)?;
    sqlx::raw_sql("ALTER TABLE changing ADD COLUMN b text").execute(&mut connection).await?;
    let error = sqlx::query("SELECT * FROM changing")
        .fetch_all(&mut connection)
        .await
        .err()
        .ok_or("it went well")?;
    equal(error.as_database_error().and_then(|error| error.code()).as_deref(), Some("0A000"))?;
    connection.clear_cached_statements().await?;
    equal(sqlx::query("SELECT * FROM changing").fetch_all(&mut connection).await?.len(), 0)?;
    sqlx::raw_sql("DROP TABLE changing").execute(&mut connection).await?;
    Ok(())
}

async fn locks() -> Outcome {
    let (mut one, mut other) = (connect().await?, connect().await?);
    let lock = sqlx::postgres::PgAdvisoryLock::new("conformance");
    let guard = lock.acquire(&mut one).await?;
    equal(lock.try_acquire(&mut other).await?.is_left(), false)?;
    guard.release_now().await?;
    equal(lock.try_acquire(&mut other).await?.is_left(), true)
}

async fn migrations() -> Outcome {
    let folder = std::env::args().nth(1).ok_or("no folder of migrations")?;
    let migrator = Migrator::new(Path::new(&folder)).await?;
    let pool = PgPool::connect_with(PgConnectOptions::new()).await?;
    migrator.run(&pool).await?;
    migrator.run(&pool).await?;
    let shelves: (i64, Option<f64>) =
        sqlx::query_as("SELECT count(*), max(width) FROM shelves").fetch_one(&pool).await?;
    equal(shelves, (2, None))?;
    let applied: Vec<(i64, bool)> =
        sqlx::query_as("SELECT version, success FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&pool)
            .await?;
    equal(applied, vec![(1, true), (2, true)])?;
    migrator.undo(&pool, 0).await?;
    equal(
        sqlx::query_scalar::<_, Option<String>>("SELECT to_regclass('shelves')::text")
            .fetch_one(&pool)
            .await?,
        None,
    )
}
