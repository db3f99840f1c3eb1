//! Statements that would compute for hours: a deadline or a cancel ends them, and the server's work on them.

use std::time::{Duration, Instant};

use super::support::{Options, RawClient, Server};

/// The last three never have a row to give, nor wait for one.
const ENDLESS: &[&str] = &[
    "SELECT count(*) FROM generate_series(1, 1000000) a (x), generate_series(1, 1000000) b (x) WHERE a.x < b.x",
    "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b",
    "WITH t AS (SELECT * FROM generate_series(1, 100000) g (x)) SELECT count(*) FROM t a, t b, t c",
    "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n FROM r) SELECT count(*) FROM r",
    "SELECT count(*) FROM generate_series(1, 1000000000000)",
    "SELECT count(*) FROM generate_series(1, 1000000) a (x) LEFT JOIN generate_series(1, 1000000) b (x) ON a.x + b.x = -1",
    "SELECT count(*) FROM generate_series(1, 1000000) a (x) JOIN generate_series(1, 1000000) b (x) ON a.x % 2 = b.x % 2 AND a.x + b.x < 0",
    "SELECT count(*) FROM generate_series(1, 1000000) a (x) WHERE EXISTS (SELECT 1 FROM generate_series(1, 1000000) b (x) WHERE b.x > a.x + 2000000)",
];

/// A debug build on a busy machine; without an end the statements take hours.
const PATIENCE: Duration = Duration::from_secs(10);

/// The processor time that the server has taken, in clock ticks.
fn ticks(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    // The 14th and 15th, counted from the process id on.
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Asserts that the server comes to rest.
fn rests(server: &Server, statement: &str) {
    let end = Instant::now() + PATIENCE;
    loop {
        let before = ticks(server);
        std::thread::sleep(Duration::from_millis(300));
        if ticks(server) - before <= 3 {
            return;
        }
        assert!(Instant::now() < end, "the server works on: {statement}");
    }
}

#[test]
fn a_deadline_ends_the_work() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    client.simple_query("SET statement_timeout = 200").unwrap();
    for statement in ENDLESS {
        let began = Instant::now();
        let error = client.simple_query(statement).unwrap_err();
        assert_eq!(error.sqlstate, "57014", "{statement}: {error}");
        assert!(began.elapsed() < PATIENCE, "{statement}");
        rests(&server, statement);
    }
}

#[test]
fn a_cancel_ends_the_work() {
    let server = Server::start(Options::default()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = server.endpoint().connect().await.unwrap();
        for statement in ENDLESS {
            let cancel = client.cancel_token();
            let canceling = async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                cancel.cancel_query(tokio_postgres::NoTls).await.unwrap();
            };
            let (outcome, ()) = tokio::join!(client.simple_query(statement), canceling);
            let error = outcome.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "57014", "{statement}: {error}");
            rests(&server, statement);
        }
    });
}
