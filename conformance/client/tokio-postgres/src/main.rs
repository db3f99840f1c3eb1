//! tokio-postgres: every value in binary, types looked up by their OIDs, portals, COPY, pipelines, cancel requests.

#[path = "../../checks.rs"]
mod checks;

use std::pin::pin;
use std::time::{Duration, Instant};

use checks::{Outcome, equal, feature};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use futures_util::{SinkExt, StreamExt, TryStreamExt, future, stream};
use postgres_types::Kind;
use tokio_postgres::binary_copy::{BinaryCopyInWriter, BinaryCopyOutStream};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{PgLsn, ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, IsolationLevel, NoTls, SimpleQueryMessage, Socket};
use uuid::Uuid;

#[tokio::main]
async fn main() {
    println!("version 0.7.18");
    feature("logs in with SCRAM", login()).await;
    feature("refuses a wrong password", wrong_password()).await;
    feature("types", types()).await;
    feature("parameters of every type", parameters()).await;
    feature("parameters without a cast", inferred()).await;
    feature("arrays", arrays()).await;
    feature("prepared statements", prepared()).await;
    feature("types given by the client", typed()).await;
    feature("looks up a row's type", row_type()).await;
    feature("rows as a stream", streamed()).await;
    feature("portals", portals()).await;
    feature("transactions and savepoints", transactions()).await;
    feature("read-only and isolation", isolation()).await;
    feature("pipelines", pipelines()).await;
    feature("several statements", several()).await;
    feature("COPY in text", copy_text()).await;
    feature("COPY in binary", copy_binary()).await;
    feature("a COPY that is dropped leaves nothing", copy_dropped()).await;
    feature("cancels", cancels()).await;
    feature("notifications", notifications()).await;
    feature("errors have codes", errors()).await;
    feature("a changed table is noticed", changed()).await;
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .host(variable("PGHOST"))
        .port(variable("PGPORT").parse().expect("a port"))
        .user(variable("PGUSER"))
        .password(variable("PGPASSWORD"))
        .dbname(variable("PGDATABASE"))
        .application_name("conformance");
    config
}

async fn connect() -> Result<Client, tokio_postgres::Error> {
    let (client, connection): (_, Connection<Socket, _>) = config().connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a day")
}

fn at(date: NaiveDate, hour: u32) -> NaiveDateTime {
    date.and_hms_opt(hour, 0, 0).expect("a time")
}

async fn login() -> Outcome {
    let client = connect().await?;
    let row = client.query_one("SELECT current_user, current_database(), current_setting('application_name')", &[]).await?;
    equal((row.get(0), row.get(1), row.get(2)), ("admin", "main", "conformance"))
}

async fn wrong_password() -> Outcome {
    let error = config().password("nope").connect(NoTls).await.err().ok_or("it was let in")?;
    equal(error.code(), Some(&SqlState::INVALID_PASSWORD))
}

async fn types() -> Outcome {
    let row = connect()
        .await?
        .query_one(
            "SELECT 1::smallint, 2, 3::bigint, 1.5::real, 2.5::double precision, true, 'täxt', '\\x00ff'::bytea,
                DATE '2024-02-29', TIMESTAMP '2024-02-29 12:00:00', TIMESTAMPTZ '2024-02-29 12:00:00+00', TIME '12:34:56.5',
                '{\"a\": [1]}'::jsonb, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 7::oid, 'x'::name, 'r'::\"char\",
                NULL::int, 'c'::varchar(3), '{\"b\":2}'::json, '16/B374D848'::pg_lsn",
            &[],
        )
        .await?;
    equal((row.get(0), row.get(1), row.get(2), row.get(3), row.get(4), row.get(5)), (1i16, 2i32, 3i64, 1.5f32, 2.5f64, true))?;
    equal((row.get(6), row.get(7)), ("täxt", [0u8, 255].as_slice()))?;
    let leap = day(2024, 2, 29);
    equal((row.get(8), row.get(9), row.get(10)), (leap, at(leap, 12), at(leap, 12).and_utc()))?;
    equal(row.get::<_, NaiveTime>(11), NaiveTime::from_hms_milli_opt(12, 34, 56, 500).ok_or("no time")?)?;
    equal(row.get::<_, serde_json::Value>(12), serde_json::json!({"a": [1]}))?;
    equal(row.get::<_, Uuid>(13), Uuid::parse_str("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")?)?;
    equal((row.get(14), row.get(15), row.get(16), row.get(17)), (7u32, "x", b'r' as i8, None::<i32>))?;
    equal((row.get(18), row.get(19)), ("c", serde_json::json!({"b": 2})))?;
    equal(row.get::<_, PgLsn>(20), "16/B374D848".parse::<PgLsn>().map_err(|_| "no LSN")?)
}

async fn parameters() -> Outcome {
    let client = connect().await?;
    let date = day(2024, 1, 2);
    let values: [(&str, &(dyn ToSql + Sync), &str); 12] = [
        ("int2", &-5i16, "-5"),
        ("int4", &5i32, "5"),
        ("int8", &(-(1i64 << 40)), "-1099511627776"),
        ("float4", &1.5f32, "1.5"),
        ("float8", &2.5f64, "2.5"),
        ("bool", &false, "false"),
        ("text", &"it's", "it's"),
        ("bytea", &[1u8, 0].as_slice(), "\\x0100"),
        ("date", &date, "2024-01-02"),
        ("timestamp", &at(date, 3), "2024-01-02 03:00:00"),
        ("uuid", &Uuid::nil(), "00000000-0000-0000-0000-000000000000"),
        ("jsonb", &serde_json::json!({"a": null}), "{\"a\": null}"),
    ];
    for (name, value, text) in values {
        let row = client.query_one(&format!("SELECT ($1::{name})::text"), &[value]).await?;
        equal((name, row.get::<_, &str>(0)), (name, text))?;
    }
    let instant: DateTime<Utc> = at(date, 3).and_utc();
    let row = client.query_one("SELECT $1::timestamptz, $2::int", &[&instant, &None::<i32>]).await?;
    equal((row.get(0), row.get(1)), (instant, None::<i32>))
}

async fn inferred() -> Outcome {
    let client = connect().await?;
    client.batch_execute("CREATE TABLE inferred (id bigint, name text, at timestamp)").await?;
    let time = at(day(2024, 1, 2), 3);
    equal(client.execute("INSERT INTO inferred VALUES ($1, $2, $3)", &[&1i64, &"a", &time]).await?, 1)?;
    let names = vec!["a", "b"];
    let row = client
        .query_opt("SELECT * FROM inferred WHERE id = $1 AND name = ANY($2) AND at <= $3 LIMIT $4", &[&1i64, &names, &time, &5i64])
        .await?
        .ok_or("no row")?;
    equal((row.get(0), row.get(1), row.get(2)), (1i64, "a", time))?;
    Ok(client.batch_execute("DROP TABLE inferred").await?)
}

async fn arrays() -> Outcome {
    let client = connect().await?;
    let numbers = vec![Some(1i32), None, Some(3)];
    let texts = vec!["a", "b,c"];
    let row = client.query_one("SELECT $1::int[], $2::text[], ARRAY[]::date[], array_agg(n) FROM generate_series(1, 2) AS n", &[&numbers, &texts]).await?;
    equal((row.get(0), row.get(1)), (numbers, texts))?;
    equal((row.get(2), row.get(3)), (Vec::<NaiveDate>::new(), vec![1i32, 2]))
}

async fn prepared() -> Outcome {
    let client = connect().await?;
    client.batch_execute("CREATE TABLE described (id bigint, price numeric(10,2), name varchar(20))").await?;
    let statement = client.prepare("SELECT name, price, id + 1 FROM described WHERE id > $1 AND name LIKE $2").await?;
    equal(statement.params(), [Type::INT8, Type::TEXT])?;
    let columns = statement.columns();
    equal(columns.iter().map(|column| column.name()).collect::<Vec<_>>(), ["name", "price", "?column?"])?;
    equal(columns.iter().map(|column| column.type_().clone()).collect::<Vec<_>>(), [Type::VARCHAR, Type::NUMERIC, Type::INT8])?;
    equal(columns.iter().map(|column| column.type_modifier()).collect::<Vec<_>>(), [24, (10 << 16 | 2) + 4, -1])?;
    equal(columns.iter().map(|column| column.column_id()).collect::<Vec<_>>(), [Some(3), Some(2), None])?;
    let table: u32 = client.query_one("SELECT 'described'::regclass::oid", &[]).await?.get(0);
    equal(columns[0].table_oid(), Some(table))?;
    let sums = client.prepare_typed("SELECT $1 + n FROM generate_series(1, 3) AS n", &[Type::INT4]).await?;
    for base in 0..20 {
        let rows = client.query(&sums, &[&base]).await?;
        equal(rows.iter().map(|row| row.get(0)).collect::<Vec<i32>>(), [base + 1, base + 2, base + 3])?;
    }
    Ok(client.batch_execute("DROP TABLE described").await?)
}

async fn typed() -> Outcome {
    let rows = connect().await?.query_typed("SELECT $1, $2 || 'x'", &[(&7i32, Type::INT4), (&"a", Type::TEXT)]).await?;
    equal((rows[0].get(0), rows[0].get(1)), (7, "ax"))
}

async fn row_type() -> Outcome {
    let client = connect().await?;
    client.batch_execute("CREATE TABLE rowed (id bigint, name text); INSERT INTO rowed VALUES (1, 'a')").await?;
    let statement = client.prepare("SELECT rowed FROM rowed").await?;
    let Kind::Composite(fields) = statement.columns()[0].type_().kind() else { return Err("it is no composite".into()) };
    let fields: Vec<_> = fields.iter().map(|field| (field.name(), field.type_().clone())).collect();
    equal(fields, [("id", Type::INT8), ("name", Type::TEXT)])?;
    Ok(client.batch_execute("DROP TABLE rowed").await?)
}

async fn streamed() -> Outcome {
    let client = connect().await?;
    let rows = client.query_raw("SELECT n FROM generate_series(1, $1::int) AS n", [100_000i32]).await?;
    let (count, sum) = rows.try_fold((0, 0i64), async |(count, sum), row| Ok((count + 1, sum + i64::from(row.get::<_, i32>(0))))).await?;
    equal((count, sum), (100_000, 5_000_050_000))?;
    // A stream that is given up.
    let mut rows = Box::pin(client.query_raw("SELECT n FROM generate_series(1, $1::int) AS n", [100_000i32]).await?);
    equal(rows.next().await.ok_or("no row")??.get::<_, i32>(0), 1)?;
    drop(rows);
    equal(client.query_one("SELECT 2", &[]).await?.get::<_, i32>(0), 2)
}

async fn portals() -> Outcome {
    let mut client = connect().await?;
    let transaction = client.transaction().await?;
    let portal = transaction.bind("SELECT n FROM generate_series(1, 10) AS n WHERE n > $1", &[&2i32]).await?;
    let other = transaction.bind("SELECT 'x'", &[]).await?;
    let first: Vec<i32> = transaction.query_portal(&portal, 3).await?.iter().map(|row| row.get(0)).collect();
    equal(transaction.query_portal(&other, 0).await?.len(), 1)?;
    let rest: Vec<i32> = transaction.query_portal(&portal, 0).await?.iter().map(|row| row.get(0)).collect();
    equal((first, rest), (vec![3, 4, 5], vec![6, 7, 8, 9, 10]))?;
    Ok(transaction.commit().await?)
}

async fn transactions() -> Outcome {
    let mut client = connect().await?;
    client.batch_execute("CREATE TABLE kept (id bigint)").await?;
    let mut transaction = client.transaction().await?;
    transaction.execute("INSERT INTO kept VALUES (1)", &[]).await?;
    let savepoint = transaction.savepoint("step").await?;
    savepoint.execute("INSERT INTO kept VALUES (2)", &[]).await?;
    savepoint.rollback().await?;
    let nested = transaction.transaction().await?;
    nested.execute("INSERT INTO kept VALUES (3)", &[]).await?;
    nested.commit().await?;
    transaction.commit().await?;
    let dropped = client.transaction().await?;
    dropped.execute("INSERT INTO kept VALUES (4)", &[]).await?;
    drop(dropped);
    let kept: Vec<i64> = client.query("SELECT id FROM kept ORDER BY id", &[]).await?.iter().map(|row| row.get(0)).collect();
    equal(kept, [1, 3])?;
    Ok(client.batch_execute("DROP TABLE kept").await?)
}

async fn isolation() -> Outcome {
    let mut client = connect().await?;
    let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await?;
    let row = transaction
        .query_one("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')", &[])
        .await?;
    equal((row.get(0), row.get(1)), ("repeatable read", "on"))?;
    let error = transaction.batch_execute("CREATE TABLE forbidden (a int)").await.err().ok_or("it was allowed")?;
    equal(error.code(), Some(&SqlState::READ_ONLY_SQL_TRANSACTION))
}

async fn pipelines() -> Outcome {
    let client = connect().await?;
    let statement = client.prepare("SELECT $1::int * 2").await?;
    let values: Vec<i32> = (0..50).collect();
    let queries = values.iter().map(|value| async { client.query_one(&statement, &[value]).await.map(|row| row.get::<_, i32>(0)) });
    equal(future::try_join_all(queries).await?, (0..50).map(|value| value * 2).collect::<Vec<_>>())?;
    let (failed, fine) = future::join(client.query_one("SELECT 1 / (1 - $1::int)", &[&1i32]), client.query_one("SELECT 3", &[])).await;
    equal(failed.err().and_then(|error| error.code().cloned()), Some(SqlState::DIVISION_BY_ZERO))?;
    equal(fine?.get::<_, i32>(0), 3)
}

async fn several() -> Outcome {
    let client = connect().await?;
    let messages = client.simple_query("SELECT 1 AS a, NULL AS b; CREATE TABLE made (a int); INSERT INTO made VALUES (1), (2); DROP TABLE made").await?;
    let mut seen = Vec::new();
    for message in &messages {
        match message {
            SimpleQueryMessage::Row(row) => seen.push(format!("row {:?} {:?}", row.get("a"), row.get("b"))),
            SimpleQueryMessage::CommandComplete(rows) => seen.push(format!("done {rows}")),
            _ => {}
        }
    }
    equal(seen, ["row Some(\"1\") None", "done 1", "done 0", "done 2", "done 0"])
}

async fn copy_text() -> Outcome {
    let client = connect().await?;
    client.batch_execute("CREATE TABLE copied (id bigint, name text)").await?;
    let mut sink = Box::pin(client.copy_in("COPY copied FROM STDIN").await?);
    let mut parts = stream::iter(["1\tone\n2\t", "two\n3\t\\N\n"].map(|part| Ok(part.as_bytes())));
    sink.send_all(&mut parts).await?;
    equal(sink.as_mut().finish().await?, 3)?;
    let out = client.copy_out("COPY (SELECT * FROM copied ORDER BY id) TO STDOUT (FORMAT csv, HEADER)").await?;
    let bytes = out.try_fold(Vec::new(), async |mut all, part| { all.extend_from_slice(&part); Ok(all) }).await?;
    equal(String::from_utf8(bytes)?, "id,name\n1,one\n2,two\n3,\n")?;
    Ok(client.batch_execute("DROP TABLE copied").await?)
}

async fn copy_binary() -> Outcome {
    let client = connect().await?;
    client.batch_execute("CREATE TABLE copied_binary (id bigint, name text, sold date, price double precision)").await?;
    let types = [Type::INT8, Type::TEXT, Type::DATE, Type::FLOAT8];
    let sink = client.copy_in("COPY copied_binary (id, name, sold, price) FROM STDIN BINARY").await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    for id in 0..1000i64 {
        writer.as_mut().write(&[&id, &(id % 2 == 0).then(|| format!("n{id}")), &day(2024, 1, 1), &(id as f64 / 2.0)]).await?;
    }
    equal(writer.finish().await?, 1000)?;
    let out = client.copy_out("COPY (SELECT id, name, sold, price FROM copied_binary ORDER BY id) TO STDOUT BINARY").await?;
    let rows: Vec<_> = BinaryCopyOutStream::new(out, &types).try_collect().await?;
    let row = &rows[998];
    equal((rows.len(), row.get(0), row.get(1), row.get(2), row.get(3)), (1000, 998i64, Some("n998"), day(2024, 1, 1), 499.0f64))?;
    equal(rows[1].get::<Option<&str>>(1), None)?;
    Ok(client.batch_execute("DROP TABLE copied_binary").await?)
}

async fn copy_dropped() -> Outcome {
    let client = connect().await?;
    client.batch_execute("CREATE TABLE abandoned (id bigint)").await?;
    let mut sink = Box::pin(client.copy_in("COPY abandoned FROM STDIN").await?);
    sink.send(b"1\n".as_slice()).await?;
    drop(sink);
    equal(client.query_one("SELECT count(*) FROM abandoned", &[]).await?.get::<_, i64>(0), 0)?;
    Ok(client.batch_execute("DROP TABLE abandoned").await?)
}

async fn cancels() -> Outcome {
    let client = connect().await?;
    let token = client.cancel_token();
    let started = Instant::now();
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        token.cancel_query(NoTls).await
    };
    let slow = client.query("SELECT count(*) FROM generate_series(1, 200000) a, generate_series(1, 200000) b", &[]);
    let (outcome, cancelled) = future::join(slow, cancel).await;
    cancelled?;
    equal(outcome.err().and_then(|error| error.code().cloned()), Some(SqlState::QUERY_CANCELED))?;
    equal(started.elapsed() < Duration::from_secs(20), true)?;
    equal(client.query_one("SELECT 2", &[]).await?.get::<_, i32>(0), 2)
}

async fn notifications() -> Outcome {
    let (client, mut connection) = config().connect(NoTls).await?;
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notification(notification) = message {
                let _ = sender.send((notification.channel().to_owned(), notification.payload().to_owned()));
            }
        }
    });
    client.batch_execute("LISTEN news").await?;
    connect().await?.batch_execute("NOTIFY news, 'hello'").await?;
    equal(receiver.recv().await, Some(("news".to_owned(), "hello".to_owned())))
}

async fn errors() -> Outcome {
    let client = connect().await?;
    let error = client.query("SELECT nope FROM pg_class", &[]).await.err().ok_or("it went well")?;
    let error = error.as_db_error().ok_or("it is not the server's")?;
    equal((error.code(), error.message(), error.severity()), (&SqlState::UNDEFINED_COLUMN, "column \"nope\" does not exist", "ERROR"))?;
    equal(error.position(), Some(&tokio_postgres::error::ErrorPosition::Original(8)))?;
    client.batch_execute("CREATE TABLE strict (a bigint NOT NULL)").await?;
    let error = client.execute("INSERT INTO strict VALUES ($1)", &[&None::<i64>]).await.err().ok_or("it went well")?;
    let error = error.as_db_error().ok_or("it is not the server's")?;
    equal((error.code(), error.table(), error.column()), (&SqlState::NOT_NULL_VIOLATION, Some("strict"), Some("a")))?;
    Ok(client.batch_execute("DROP TABLE strict").await?)
}

async fn changed() -> Outcome {
    let client = connect().await?;
    client.batch_execute("CREATE TABLE changing (a bigint)").await?;
    let statement = client.prepare("SELECT * FROM changing").await?;
    equal(client.query(&statement, &[]).await?.len(), 0)?;
    client.batch_execute("ALTER TABLE changing ADD COLUMN b text").await?;
    let error = client.query(&statement, &[]).await.err().ok_or("it went well")?;
    equal(error.code(), Some(&SqlState::FEATURE_NOT_SUPPORTED))?;
    equal(client.query("SELECT * FROM changing", &[]).await?.len(), 0)?;
    Ok(client.batch_execute("DROP TABLE changing").await?)
}
