//! Little memory and little disk: what can spill does, what cannot fails with an error of its own, and the
//! server goes on. Nothing waits for ever.

use std::thread;
use std::time::{Duration, Instant};

use super::support::{Options, RawClient, Server, SqlError};

/// Working memory of one query, and of all, in these tests.
const QUERY: &str = "32MiB";
const TOTAL: &str = "64MiB";

/// A query that has not ended by then hangs.
const HANGS_AFTER: &str = "90s";

/// A sort of more than the memory of a query, by keys that are wider than its rows.
const SORT: &str = "SELECT sum(r) FROM (SELECT row_number() OVER (ORDER BY x::bigint * 7919 % 1000003, x) AS r \
                    FROM generate_series(1, 3000000) AS g(x)) AS t";

/// As many groups as rows.
const AGGREGATE: &str = "SELECT count(*), sum(n) FROM (SELECT x::bigint * 7919 % 1000003 AS k, count(*) AS n, min(x) AS m \
                         FROM generate_series(1, 2000000) AS g(x) GROUP BY 1) AS t";

/// All values at once in one accumulator.
const COLLECT: &str = "SELECT cardinality(array_agg(x)) FROM generate_series(1, 25000000) AS g(x)";

fn server(keys: &[(&str, &str)]) -> Server {
    let memory = [("limits.memory_bytes_per_query", QUERY), ("limits.memory_bytes_total", TOTAL)];
    Server::start(Options::default().with(&memory).with(keys)).unwrap()
}

fn connect(server: &Server) -> RawClient {
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    client.wait_at_most(Duration::from_secs(120));
    client.simple_query(&format!("SET statement_timeout = '{HANGS_AFTER}'")).unwrap();
    client
}

fn row(client: &mut RawClient, sql: &str) -> Result<String, SqlError> {
    let rows = client.simple_query(sql)?.rows;
    let values = rows.into_iter().flatten().map(|value| value.unwrap_or_default());
    Ok(values.collect::<Vec<_>>().join(" "))
}

fn assert_fails(client: &mut RawClient, sql: &str, sqlstate: &str, words: &str) {
    let error = row(client, sql).expect_err(sql);
    assert_eq!(error.sqlstate, sqlstate, "{sql}: {error}");
    assert!(error.message.contains(words), "{sql}: {error}");
}

#[test]
fn what_can_spill_does_and_what_cannot_fails_with_53200() {
    let server = server(&[]);
    let mut client = connect(&server);
    assert_eq!(row(&mut client, SORT).unwrap(), "4500001500000");
    assert_eq!(row(&mut client, AGGREGATE).unwrap(), "1000003 2000000");
    assert_fails(&mut client, COLLECT, "53200", "out of memory for this query");
    // A change that has not enough says so as well, and leaves nothing.
    let made = format!("CREATE TABLE made AS {}", COLLECT.replace("cardinality", ""));
    assert_fails(&mut client, &made, "53200", "out of memory for this query");
    assert_fails(&mut client, "SELECT * FROM made", "42P01", "made");
    assert_eq!(row(&mut client, "SELECT 1").unwrap(), "1");
    assert_eq!(server.panics(), Vec::<String>::new());
}

#[test]
fn queries_that_want_more_than_there_is_do_not_wait_for_ever() {
    let server = server(&[]);
    let mut clients = Vec::new();
    for number in 0..8 {
        let mut client = connect(&server);
        clients.push(thread::spawn(move || {
            let sql = [SORT, AGGREGATE, COLLECT][number % 3];
            let began = Instant::now();
            let outcome = row(&mut client, sql);
            (sql, began.elapsed(), outcome, client)
        }));
    }
    let mut spilled = 0;
    for client in clients {
        let (sql, took, outcome, mut client) = client.join().unwrap();
        match outcome {
            Ok(answer) => {
                assert!(
                    ["4500001500000", "1000003 2000000"].contains(&answer.as_str()),
                    "{answer}"
                );
                spilled += 1;
            }
            Err(error) => assert_eq!(error.sqlstate, "53200", "{sql} after {took:?}: {error}"),
        }
        assert_eq!(row(&mut client, "SELECT 1").unwrap(), "1");
    }
    println!("memory: {spilled} of 8 queries found room");
    // What they held is given back: one that runs alone has all of it.
    let mut client = connect(&server);
    assert_eq!(row(&mut client, SORT).unwrap(), "4500001500000");
    assert_eq!(server.panics(), Vec::<String>::new());
}

#[test]
fn a_query_that_spills_more_than_is_allowed_fails_with_53100() {
    let server = server(&[("limits.spill_bytes_max", "1MiB")]);
    let mut client = connect(&server);
    assert_fails(&mut client, SORT, "53100", "spills more than is allowed");
    let made = SORT.replacen("SELECT sum(r) FROM", "CREATE TABLE made AS SELECT r FROM", 1);
    assert_fails(&mut client, &made, "53100", "spills more than is allowed");
    assert_eq!(row(&mut client, "SELECT 1").unwrap(), "1");
    let left = std::fs::read_dir(server.data().join("spill")).unwrap();
    let left = left.flatten().filter_map(|entry| std::fs::read_dir(entry.path()).ok());
    assert_eq!(left.flatten().count(), 0, "spill files stay");
    assert_eq!(server.panics(), Vec::<String>::new());
}
