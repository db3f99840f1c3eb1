//! Cursors over more rows than fit in memory: where their rows go, what they leave, and whom they keep waiting.

use std::thread;
use std::time::{Duration, Instant};

use super::support::{Options, RawClient, Server, message};

/// Some 90 MB of rows in text.
const ROWS: usize = 1_500_000;
const WIDE: &str = "SELECT x, md5(x::text) AS m FROM generate_series(1, 1500000) AS g(x)";

fn first(client: &mut RawClient, sql: &str) -> String {
    let rows = client.simple_query(sql).unwrap_or_else(|error| panic!("{sql}: {error}")).rows;
    rows.into_iter().flatten().next().flatten().unwrap_or_default()
}

fn column(client: &mut RawClient, sql: &str) -> Vec<String> {
    let rows = client.simple_query(sql).unwrap_or_else(|error| panic!("{sql}: {error}")).rows;
    rows.into_iter().filter_map(|mut row| row.swap_remove(0)).collect()
}

fn connect(server: &Server) -> RawClient {
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    client.wait_at_most(Duration::from_secs(120));
    client
}

/// Bytes of all spill files.
fn spilled(server: &Server) -> u64 {
    fn bytes(folder: &std::path::Path) -> u64 {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => bytes(&entry.path()),
                Ok(metadata) => metadata.len(),
                Err(_) => 0,
            })
            .sum()
    }
    bytes(&server.data().join("spill"))
}

#[test]
fn a_cursor_that_only_goes_forward_keeps_nothing() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = connect(&server);
    client.simple_query(&format!("BEGIN; DECLARE c NO SCROLL CURSOR FOR {WIDE}")).unwrap();
    client.simple_query("MOVE 1499990 c").unwrap();
    assert_eq!(column(&mut client, "FETCH 20 c").len(), 10);
    assert_eq!(spilled(&server), 0);
}

#[test]
fn what_is_kept_goes_to_disk_and_leaves_it() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = connect(&server);
    // What running the query takes is not what is kept of it.
    client.simple_query(&format!("BEGIN; DECLARE c NO SCROLL CURSOR FOR {WIDE}")).unwrap();
    assert_eq!(column(&mut client, "FETCH ALL c").len(), ROWS);
    client.simple_query("ROLLBACK").unwrap();
    let before = server.memory_bytes().unwrap();
    client.simple_query(&format!("BEGIN; DECLARE c SCROLL CURSOR FOR {WIDE}")).unwrap();
    // The order is the query's own affair; whatever it is, it stays.
    let all = column(&mut client, "FETCH ALL c");
    assert_eq!(all.len(), ROWS);
    let grown = server.memory_bytes().unwrap().saturating_sub(before);
    assert!(grown < 60 << 20, "{grown} bytes of memory");
    assert!(spilled(&server) > 30 << 20, "{} bytes on disk", spilled(&server));
    assert_eq!(first(&mut client, "FETCH LAST c"), all[ROWS - 1]);
    for row in [1, 8192, 8193, 500_000, 999_999, 2] {
        assert_eq!(first(&mut client, &format!("FETCH ABSOLUTE {row} c")), all[row - 1]);
    }
    assert_eq!(first(&mut client, "FETCH BACKWARD 1 c"), all[0]);
    client.simple_query("MOVE ABSOLUTE 300000 c").unwrap();
    let backward = column(&mut client, "FETCH BACKWARD 20000 c");
    assert!(backward.iter().eq(all[279_999..299_999].iter().rev()), "20000 rows backward");
    client.simple_query("ROLLBACK").unwrap();
    assert_eq!(spilled(&server), 0);

    // WITH HOLD keeps what is left, until it is closed or the client goes.
    client.simple_query(&format!("BEGIN; DECLARE h CURSOR WITH HOLD FOR {WIDE}")).unwrap();
    client.simple_query("MOVE 10 h").unwrap();
    client.simple_query("COMMIT").unwrap();
    assert!(spilled(&server) > 30 << 20);
    client.simple_query("MOVE 800000 h").unwrap();
    assert_eq!(column(&mut client, "FETCH ALL h").len(), ROWS - 800_010);
    drop(client);
    let end = Instant::now() + Duration::from_secs(10);
    while spilled(&server) > 0 {
        assert!(Instant::now() < end, "spill files of a client that has gone");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_disk_has_a_bound() {
    let server =
        Server::start(Options::default().with(&[("limits.spill_bytes_max", "8MiB")])).unwrap();
    let mut client = connect(&server);
    client.simple_query(&format!("BEGIN; DECLARE c SCROLL CURSOR FOR {WIDE}")).unwrap();
    let error = client.simple_query("FETCH LAST c").unwrap_err();
    assert_eq!(error.sqlstate, "53100", "{error}");
    client.simple_query("ROLLBACK").unwrap();
    let error = client.simple_query(&format!("DECLARE c CURSOR WITH HOLD FOR {WIDE}")).unwrap_err();
    assert_eq!(error.sqlstate, "53100", "{error}");
    assert_eq!(spilled(&server), 0);
    // A commit that cannot hold its cursors is none.
    client
        .simple_query(&format!(
            "BEGIN; CREATE TABLE t (a int); DECLARE c CURSOR WITH HOLD FOR {WIDE}"
        ))
        .unwrap();
    assert_eq!(client.simple_query("COMMIT").unwrap_err().sqlstate, "53100");
    client.simple_query("ROLLBACK").unwrap();
    assert_eq!(client.simple_query("SELECT * FROM t").unwrap_err().sqlstate, "42P01");
}

#[test]
fn who_does_not_read_keeps_no_other_query_from_running() {
    let keys = [("limits.running_queries_max", "1"), ("limits.queue_timeout", "20s")];
    let server = Server::start(Options::default().with(&keys)).unwrap();
    let mut first_client = connect(&server);
    let rows =
        "CREATE TABLE t AS SELECT x, md5(x::text) AS m FROM generate_series(1, 300000) AS g(x)";
    first_client.simple_query(rows).unwrap();
    let mut second_client = connect(&server);
    for client in [&mut first_client, &mut second_client] {
        client.simple_query("BEGIN; DECLARE c CURSOR FOR SELECT x FROM t").unwrap();
    }
    for _ in 0..3 {
        for client in [&mut first_client, &mut second_client] {
            assert_eq!(client.simple_query("FETCH 1000 c").unwrap().rows.len(), 1000);
        }
    }
    assert_eq!(first(&mut second_client, "SELECT count(*) FROM t"), "300000");

    // A client that has asked for all rows and reads none of them.
    let mut slow = connect(&server);
    slow.send(&message(b'Q', b"SELECT x, m, m AS n FROM t\0")).unwrap();
    thread::sleep(Duration::from_millis(500));
    assert_eq!(first(&mut second_client, "SELECT count(*) FROM t"), "300000");
}

#[test]
fn a_fetch_can_be_canceled_and_timed_out() {
    const ENDLESS: &str =
        "SELECT count(*) FROM generate_series(1, 1500000) a, generate_series(1, 1500000) b";
    let server = Server::start(Options::default()).unwrap();
    let mut client = connect(&server);
    client.simple_query(&format!("BEGIN; DECLARE c CURSOR FOR {ENDLESS}")).unwrap();
    client.simple_query("SET LOCAL statement_timeout = 300").unwrap();
    for statement in ["FETCH c", "MOVE c"] {
        client.simple_query("SAVEPOINT s").unwrap();
        let error = client.simple_query(statement).unwrap_err();
        if statement == "FETCH c" {
            assert_eq!(error.sqlstate, "57014", "{error}");
        } else {
            // The cursor has lost its place.
            assert_eq!(error.sqlstate, "55000", "{error}");
        }
        client.simple_query("ROLLBACK TO s").unwrap();
    }
    client.simple_query("ROLLBACK").unwrap();
    client.simple_query("SET statement_timeout = 300").unwrap();
    let held = format!("DECLARE c CURSOR WITH HOLD FOR {ENDLESS}");
    assert_eq!(client.simple_query(&held).unwrap_err().sqlstate, "57014");
    client.simple_query(&format!("BEGIN; {held}")).unwrap();
    assert_eq!(client.simple_query("COMMIT").unwrap_err().sqlstate, "57014");
    client.simple_query("ROLLBACK").unwrap();
    assert_eq!(server.panics(), Vec::<String>::new());
}
