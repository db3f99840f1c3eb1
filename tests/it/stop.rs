//! What ends a statement ends the work behind it, soon: a cancel, the statement's timeout, a client that is
//! gone, a server that stops. A change that is ended so has changed nothing.

use std::thread;
use std::time::{Duration, Instant};

use super::support::{Options, RawClient, Server, SqlError, message};

/// How soon. A debug build computes for long between two points where it can be stopped, and other tests run
/// beside this one.
const STOP_MAX: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 100 });

/// A machine that does other things may be late once, not again and again.
const TRIES: usize = 3;

/// How long a statement works before it is stopped.
const HEAD_START: Duration = Duration::from_millis(400);

/// How long the processor is watched afterwards, and what the server may compute meanwhile: it has other
/// things to do than statements.
const WATCHED: Duration = Duration::from_millis(300);
const IDLE_CPU_MAX: Duration = Duration::from_millis(60);

/// Statements that would run for minutes. Joins without an equality are not among them: they have a test of
/// their own.
const QUERIES: [(&str, &str); 6] = [
    (
        "sort",
        "SELECT x FROM (SELECT x::bigint * 7919 % 1000003 AS x FROM generate_series(1, 2000000000) AS g(x)) AS t \
         ORDER BY x",
    ),
    (
        "aggregate",
        "SELECT k, count(*) FROM (SELECT x % 50000000 AS k FROM generate_series(1, 2000000000) AS g(x)) \
         AS t GROUP BY k",
    ),
    (
        "join",
        "SELECT count(*) FROM generate_series(1, 1000000000) AS a(x) \
         JOIN generate_series(1, 1000000000) AS b(x) ON a.x = b.x",
    ),
    (
        "window",
        "SELECT sum(x::bigint) OVER (ORDER BY x % 1000) FROM generate_series(1, 2000000000) AS g(x)",
    ),
    ("rows", "SELECT x, repeat('x', 100) FROM generate_series(1, 2000000000) AS g(x)"),
    (
        "copy",
        "COPY (SELECT a.x, b.v FROM generate_series(1, 2000000000) AS a(x) JOIN many AS b ON a.x % 1000 = b.x) \
         TO STDOUT",
    ),
];

/// Rows of the table that is changed. Each of its batches is computed without a pause.
const ROWS: usize = if cfg!(debug_assertions) { 100_000 } else { 4_000_000 };

/// How long it takes to read what was on its way to the client.
const DRAIN_MAX: Duration = Duration::from_secs(1);

/// A server with a table that changes take a while with.
fn server() -> Server {
    let server =
        Server::start(Options::default().with(&[("limits.shutdown_grace", "300ms")])).unwrap();
    let mut admin = connect(&server);
    let rows = format!(
        "CREATE TABLE many AS SELECT CAST(x AS int) AS x, 'value ' || x AS v \
         FROM generate_series(1, {ROWS}) AS g(x)"
    );
    admin.simple_query(&rows).unwrap();
    server
}

fn connect(server: &Server) -> RawClient {
    RawClient::connect(&server.endpoint(), &[]).unwrap()
}

fn begin(client: &mut RawClient, sql: &str) {
    client.send(&message(b'Q', format!("{sql}\0").as_bytes())).unwrap();
}

/// Reads to the end of the statement's answer; the SQLSTATE that it ends with.
fn sqlstate_of(client: &mut RawClient) -> String {
    match client.result_until_ready() {
        Ok(result) => format!("{} without an error", result.tag),
        Err(SqlError { sqlstate, .. }) => sqlstate,
    }
}

/// What keeps the server busy still, if anything does.
fn still_busy(server: &Server, control: &mut RawClient) -> Option<String> {
    let active =
        "SELECT query FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()";
    let rows = control.simple_query(active).unwrap().rows;
    if !rows.is_empty() {
        return Some(format!("sessions are active: {rows:?}"));
    }
    let before = server.cpu_time()?;
    thread::sleep(WATCHED);
    let used = server.cpu_time()? - before;
    (used > IDLE_CPU_MAX).then(|| format!("it computed for {used:?} of {WATCHED:?}"))
}

/// Tries `stopped` a few times: it runs a statement, stops it, and says how long that took and what is wrong.
fn assert_stops(
    what: &str,
    server: &Server,
    mut stopped: impl FnMut() -> Result<Duration, String>,
) {
    let mut control = connect(server);
    let mut failures = Vec::new();
    for _ in 0..TRIES {
        let outcome = stopped().and_then(|took| {
            thread::sleep(STOP_MAX.saturating_sub(took));
            match still_busy(server, &mut control) {
                None if took <= STOP_MAX + DRAIN_MAX => Ok(took),
                None => Err(format!("stopped after {took:?}")),
                Some(busy) => Err(busy),
            }
        });
        match outcome {
            Ok(took) => {
                println!("{what}: stopped after {took:?}");
                return;
            }
            Err(failure) => failures.push(failure),
        }
    }
    panic!("{what}: {failures:?}\n{}", server.log());
}

fn expect(sqlstate: &str, found: &str) -> Result<(), String> {
    if found == sqlstate { Ok(()) } else { Err(format!("{found} and not {sqlstate}")) }
}

#[test]
fn a_cancel_stops_the_work() {
    let server = server();
    for (name, sql) in QUERIES {
        assert_stops(name, &server, || {
            let mut client = connect(&server);
            begin(&mut client, sql);
            thread::sleep(HEAD_START);
            let asked = Instant::now();
            client.cancel().unwrap();
            let found = sqlstate_of(&mut client);
            let took = asked.elapsed();
            expect("57014", &found)?;
            client.simple_query("SELECT 1").map_err(|error| error.to_string())?;
            Ok(took)
        });
    }
}

#[test]
fn a_cancel_reaches_rows_that_flow() {
    let server = server();
    for (name, sql) in &QUERIES[4..] {
        assert_stops(name, &server, || {
            let mut client = connect(&server);
            begin(&mut client, sql);
            for _ in 0..1000 {
                client.receive().unwrap();
            }
            let asked = Instant::now();
            client.cancel().unwrap();
            // What is on its way already is read first.
            let found = sqlstate_of(&mut client);
            expect("57014", &found)?;
            Ok(asked.elapsed())
        });
    }
}

#[test]
fn a_timeout_stops_the_work() {
    let server = server();
    for (name, sql) in QUERIES {
        assert_stops(name, &server, || {
            let mut client = connect(&server);
            let timeout = format!("SET statement_timeout = {}", HEAD_START.as_millis());
            client.simple_query(&timeout).unwrap();
            let asked = Instant::now() + HEAD_START;
            begin(&mut client, sql);
            let found = sqlstate_of(&mut client);
            expect("57014", &found)?;
            Ok(asked.elapsed())
        });
    }
}

#[test]
fn a_client_that_is_gone_stops_the_work() {
    let server = server();
    for (name, sql) in QUERIES {
        assert_stops(name, &server, || {
            let mut client = connect(&server);
            begin(&mut client, sql);
            thread::sleep(HEAD_START);
            // Its unread rows make the kernel reset the connection; a client without any just closes.
            drop(client);
            Ok(Duration::ZERO)
        });
    }
}

/// Without being read, an answer of many rows stands still, and is ended all the same.
#[test]
fn a_client_that_does_not_read_is_cancelled_too() {
    let server = server();
    let mut control = connect(&server);
    let (_, rows) = QUERIES[4];
    let mut client = connect(&server);
    begin(&mut client, rows);
    thread::sleep(HEAD_START * 2);
    assert_eq!(still_busy(&server, &mut control).map(|busy| busy.contains("active")), Some(true));
    client.cancel().unwrap();
    thread::sleep(STOP_MAX);
    assert_eq!(still_busy(&server, &mut control), None);
    assert_eq!(sqlstate_of(&mut client), "57014");
}

/// A change that is stopped has changed nothing, and is in nobody's way.
#[test]
fn a_stopped_change_has_changed_nothing() {
    let server = server();
    let changes = [
        ("delete", "DELETE FROM many WHERE md5(repeat(v, 100)) LIKE '%a%'"),
        ("update", "UPDATE many SET v = md5(repeat(v, 100))"),
        (
            "merge",
            "MERGE INTO many AS t USING (SELECT CAST(x % 200000 AS int) AS x FROM \
             generate_series(1, 100000000) AS g(x)) AS s ON t.x = s.x \
             WHEN MATCHED THEN UPDATE SET v = 'merged' WHEN NOT MATCHED THEN INSERT (x, v) VALUES (s.x, 'new')",
        ),
        (
            "insert",
            "INSERT INTO many SELECT CAST(x AS int), 'new' FROM generate_series(1, 1000000000) AS g(x)",
        ),
        ("create", "CREATE TABLE made AS SELECT x FROM generate_series(1, 2000000000) AS g(x)"),
    ];
    let facts = "SELECT count(*), count(DISTINCT v), min(v), max(v), sum(x) FROM many";
    let before = connect(&server).simple_query(facts).unwrap().rows;
    for (name, sql) in changes {
        assert_stops(name, &server, || {
            let mut client = connect(&server);
            begin(&mut client, sql);
            thread::sleep(HEAD_START);
            let asked = Instant::now();
            client.cancel().unwrap();
            let found = sqlstate_of(&mut client);
            let took = asked.elapsed();
            expect("57014", &found)?;
            assert_eq!(client.simple_query(facts).unwrap().rows, before, "{name}");
            Ok(took)
        });
    }
    let mut admin = connect(&server);
    admin.simple_query("CREATE TABLE made (x int)").unwrap();
    admin.simple_query("INSERT INTO many VALUES (0, 'more')").unwrap();
}

/// However a COPY is given up, nothing of it is there, not even when all of its rows had come.
#[test]
fn a_copy_that_is_given_up_leaves_nothing() {
    let server = server();
    let mut admin = connect(&server);
    admin.simple_query("CREATE TABLE copied (x int, v text)").unwrap();
    let rows: String = (0..1000).map(|x| format!("{x}\tvalue\n")).collect();
    let data = message(b'd', rows.as_bytes());
    for turn in 0..40 {
        let mut client = connect(&server);
        client.begin_copy_in("COPY copied FROM STDIN").unwrap();
        for _ in 0..20 {
            client.send(&data).unwrap();
        }
        thread::sleep(Duration::from_millis(turn));
        match turn % 4 {
            0 => {
                client.cancel().unwrap();
                assert_eq!(sqlstate_of(&mut client), "57014");
            }
            1 => {
                client.send(&message(b'f', b"no more\0")).unwrap();
                assert_eq!(sqlstate_of(&mut client), "57014");
            }
            2 => {
                client.send(&message(b'd', b"not a number\tx\n")).unwrap();
                client.send(&message(b'c', b"")).unwrap();
                assert_eq!(sqlstate_of(&mut client), "22P02");
            }
            _ => drop(client),
        }
    }
    let mut busy = Some(String::new());
    for _ in 0..10 {
        busy = still_busy(&server, &mut admin);
        if busy.is_none() {
            break;
        }
    }
    assert_eq!(busy, None);
    let count = admin.simple_query("SELECT count(*) FROM copied").unwrap().rows;
    assert_eq!(count, [[Some("0".to_owned())]]);
    assert_eq!(server.panics(), Vec::<String>::new());
}

/// A COPY whose client takes its time keeps nobody from changing the table.
#[test]
fn a_slow_copy_is_in_nobodys_way() {
    let server = server();
    let mut admin = connect(&server);
    admin.simple_query("CREATE TABLE busy (x int)").unwrap();
    let mut slow = connect(&server);
    slow.begin_copy_in("COPY busy FROM STDIN").unwrap();
    slow.send(&message(b'd', b"1\n2\n")).unwrap();
    admin.simple_query("SET statement_timeout = '20s'").unwrap();
    admin.simple_query("INSERT INTO busy VALUES (10), (20)").unwrap();
    admin.simple_query("UPDATE busy SET x = x + 1").unwrap();
    admin.copy_in("COPY busy FROM STDIN", b"100\n").unwrap();
    slow.send(&[message(b'd', b"3\n"), message(b'c', b"")].concat()).unwrap();
    slow.result_until_ready().unwrap();
    let rows = admin.simple_query("SELECT sum(x), count(*) FROM busy").unwrap().rows;
    assert_eq!(rows, [[Some("138".to_owned()), Some("6".to_owned())]]);
}

/// Running statements may end within the grace; then they are ended, and the server with them.
#[test]
fn a_server_that_stops_ends_what_runs() {
    for (name, sql) in [QUERIES[0], QUERIES[1], QUERIES[4]] {
        let mut server = server();
        let mut client = connect(&server);
        begin(&mut client, sql);
        thread::sleep(HEAD_START);
        server.terminate();
        let reading = thread::spawn(move || sqlstate_of(&mut client));
        let asked = Instant::now();
        let status = server.wait(Duration::from_secs(20));
        let took = asked.elapsed();
        assert!(status.is_some_and(|status| status.success()), "{name}: {status:?}");
        let grace = Duration::from_millis(300);
        // A connection lingers for half a second, for its client to read the last message.
        let linger = Duration::from_millis(500);
        assert!(took < grace + linger + 10 * STOP_MAX, "{name}: {took:?}");
        let found = reading.join().unwrap();
        // A client that has not read its rows by then does not get to the reason behind them.
        let is_told = found == "57P01" || name == "rows" && found == "08006";
        assert!(is_told, "{name}: {found}");
        assert_eq!(server.panics(), Vec::<String>::new());
    }
}

/// Asked twice, it waits for nobody.
#[test]
fn a_server_that_is_told_twice_does_not_wait() {
    let options = Options::default().with(&[("limits.shutdown_grace", "60s")]);
    let mut server = Server::start(options).unwrap();
    let mut client = connect(&server);
    begin(&mut client, QUERIES[0].1);
    thread::sleep(HEAD_START);
    server.terminate();
    assert_eq!(server.wait(HEAD_START), None, "a statement still runs");
    server.terminate();
    assert!(server.wait(Duration::from_secs(10)).is_some_and(|status| status.success()));
    assert_eq!(sqlstate_of(&mut client), "57P01");
}
