//! Sessions that act on each other: advisory locks, and signals by SQL.

use std::thread;
use std::time::{Duration, Instant};

use super::support::{Options, RawClient, Server, SqlError};

fn one(client: &mut RawClient, sql: &str) -> Result<String, SqlError> {
    let rows = client.simple_query(sql)?.rows;
    Ok(rows.into_iter().flatten().next().flatten().unwrap_or_default())
}

fn connect(server: &Server) -> RawClient {
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    client.wait_at_most(Duration::from_secs(60));
    client
}

/// Waits until a query of another session gives this.
fn until(client: &mut RawClient, sql: &str, expected: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let came = one(client, sql).unwrap();
        if came == expected {
            return;
        }
        assert!(Instant::now() < end, "{sql}: {came}");
        thread::sleep(Duration::from_millis(20));
    }
}

const WAITS: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory'";

#[test]
fn a_lock_is_waited_for_and_given_on() {
    let server = Server::start(Options::default()).unwrap();
    let (mut holder, mut watcher) = (connect(&server), connect(&server));
    one(&mut holder, "SELECT pg_advisory_lock(1)").unwrap();
    assert_eq!(one(&mut watcher, "SELECT pg_try_advisory_lock(1)").unwrap(), "f");
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let mut client = connect(&server);
            thread::spawn(move || {
                client.simple_query("BEGIN").unwrap();
                one(&mut client, "SELECT pg_advisory_xact_lock(1)").unwrap();
                client.simple_query("COMMIT").unwrap();
            })
        })
        .collect();
    until(&mut watcher, WAITS, "8");
    until(
        &mut watcher,
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND waitstart < now()",
        "8",
    );
    // Those who wait keep nobody else from running.
    assert_eq!(
        one(&mut watcher, "SELECT count(*) FROM generate_series(1, 100000)").unwrap(),
        "100000"
    );
    // A session that goes gives back what it holds.
    drop(holder);
    waiting.into_iter().for_each(|client| client.join().unwrap());
    until(&mut watcher, "SELECT count(*) FROM pg_locks", "0");
}

#[test]
fn a_wait_obeys_timeouts_and_cancels() {
    let server = Server::start(Options::default()).unwrap();
    let (mut holder, mut waiter) = (connect(&server), connect(&server));
    one(&mut holder, "SELECT pg_advisory_lock(1)").unwrap();
    for (setting, sqlstate) in [("lock_timeout", "55P03"), ("statement_timeout", "57014")] {
        waiter.simple_query(&format!("SET {setting} = 200")).unwrap();
        let error = one(&mut waiter, "SELECT pg_advisory_lock(1)").unwrap_err();
        assert_eq!(error.sqlstate, sqlstate, "{setting}: {error}");
        waiter.simple_query(&format!("RESET {setting}")).unwrap();
    }
    let pid = one(&mut waiter, "SELECT pg_backend_pid()").unwrap();
    let waiting = thread::spawn(move || {
        let error = one(&mut waiter, "SELECT pg_advisory_lock(1)").unwrap_err();
        (error, waiter)
    });
    until(&mut holder, WAITS, "1");
    assert_eq!(one(&mut holder, &format!("SELECT pg_cancel_backend({pid})")).unwrap(), "t");
    let (error, mut waiter) = waiting.join().unwrap();
    assert_eq!(error.sqlstate, "57014", "{error}");
    assert_eq!(one(&mut waiter, "SELECT 1").unwrap(), "1");

    // Two that wait for each other: one gives way.
    one(&mut waiter, "SELECT pg_advisory_lock(2)").unwrap();
    let waiting = thread::spawn(move || {
        one(&mut waiter, "SELECT pg_advisory_lock(1)").map_err(|error| error.sqlstate)
    });
    until(&mut holder, WAITS, "1");
    let outcome = one(&mut holder, "SELECT pg_advisory_lock(2)").map_err(|error| error.sqlstate);
    drop(holder);
    let other = waiting.join().unwrap();
    assert!([&outcome, &other].contains(&&Err("40P01".to_owned())), "{outcome:?}, {other:?}");
}

#[test]
fn sessions_are_canceled_and_ended_by_those_who_may() {
    let server = Server::start(Options::default()).unwrap();
    let (mut admin, mut sleeper) = (connect(&server), connect(&server));
    let pid = one(&mut sleeper, "SELECT pg_backend_pid()").unwrap();
    let asleep =
        thread::spawn(move || (one(&mut sleeper, "SELECT pg_sleep(60)").unwrap_err(), sleeper));
    let sleeps = format!("SELECT state || ' ' || query FROM pg_stat_activity WHERE pid = {pid}");
    until(&mut admin, &sleeps, "active SELECT pg_sleep(60)");
    assert_eq!(one(&mut admin, &format!("SELECT pg_cancel_backend({pid})")).unwrap(), "t");
    let (error, mut sleeper) = asleep.join().unwrap();
    assert_eq!(error.sqlstate, "57014", "{error}");

    admin
        .simple_query(
            "CREATE USER other PASSWORD 'other'; GRANT USE CATALOG ON CATALOG main TO other",
        )
        .unwrap();
    let mut other =
        RawClient::connect(&server.endpoint().with_user("other", "other"), &[]).unwrap();
    for function in ["pg_cancel_backend", "pg_terminate_backend"] {
        let error = one(&mut other, &format!("SELECT {function}({pid})")).unwrap_err();
        assert_eq!(error.sqlstate, "42501", "{error}");
    }
    sleeper.simple_query("BEGIN").unwrap();
    let times = format!(
        "SELECT state || (xact_start <= now())::text || wait_event FROM pg_stat_activity WHERE pid = {pid}"
    );
    until(&mut admin, &times, "idle in transactiontrueClientRead");
    assert_eq!(one(&mut admin, &format!("SELECT pg_terminate_backend({pid})")).unwrap(), "t");
    let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
    until(&mut admin, &gone, "0");
    assert!(sleeper.simple_query("SELECT 1").is_err());
    assert_eq!(server.panics(), Vec::<String>::new());
}
