//! Many clients at once: idle ones cost little, busy ones all get their answers.

use std::thread;
use std::time::Duration;

use super::support::{Options, RawClient, Server};

/// Idle clients that are measured, and the ones before them that are not.
const IDLE: usize = 500;
const FIRST: usize = 300;
/// The parts that those who are measured come in.
const GROUPS: usize = 3;
const BUSY: usize = 200;

/// Threads that log clients in: each login computes.
const LOGINS: usize = 8;

/// Memory of one idle connection.
const CONNECTION_BYTES_MAX: u64 = 100_000;

/// Queries of one busy client.
const QUERIES: usize = 2;

/// Logs in many clients, and lets each run a query.
fn clients(server: &Server, count: usize) -> Vec<RawClient> {
    let workers: Vec<_> = (0..LOGINS)
        .map(|worker| {
            let endpoint = server.endpoint();
            let share = count / LOGINS + usize::from(worker < count % LOGINS);
            thread::spawn(move || {
                let mut clients = Vec::with_capacity(share);
                for _ in 0..share {
                    let mut client = RawClient::connect(&endpoint, &[]).unwrap();
                    client.simple_query("SELECT 1").unwrap();
                    clients.push(client);
                }
                clients
            })
        })
        .collect();
    workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
}

#[test]
fn idle_connections_cost_little() {
    let server = Server::start(Options::default()).unwrap();
    // What logging in takes for a moment, and what the first ones cause to be made, is nobody's own.
    let first = clients(&server, FIRST);
    // The allocator keeps now more, now less of what logins have given back: the least of some groups is their own.
    let mut idle = Vec::with_capacity(IDLE);
    let mut each = u64::MAX;
    for _ in 0..GROUPS {
        let before = server.memory_bytes().unwrap();
        idle.append(&mut clients(&server, IDLE / GROUPS));
        let grown = server.memory_bytes().unwrap().saturating_sub(before);
        each = each.min(grown / (IDLE / GROUPS) as u64);
    }
    println!("load: {each} bytes for an idle connection");
    assert!(each < CONNECTION_BYTES_MAX, "{each} bytes for an idle connection");
    let number = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle'";
    let count = idle[0].simple_query(number).unwrap().rows;
    assert_eq!(count, [[Some((first.len() + idle.len() - 1).to_string())]]);
}

#[test]
fn many_clients_at_once_all_get_their_answers() {
    let server = Server::start(Options::default()).unwrap();
    let mut admin = RawClient::connect(&server.endpoint(), &[]).unwrap();
    let rows = "CREATE TABLE t AS SELECT x, x % 10 AS k FROM generate_series(1, 1000) AS g(x)";
    admin.simple_query(rows).unwrap();
    let busy: Vec<_> = clients(&server, BUSY)
        .into_iter()
        .map(|mut client| {
            client.wait_at_most(Duration::from_secs(120));
            thread::spawn(move || {
                for _ in 0..QUERIES {
                    let sum = client.simple_query("SELECT sum(x), count(DISTINCT k) FROM t");
                    let rows = sum.unwrap().rows;
                    assert_eq!(rows, [[Some("500500".to_owned()), Some("10".to_owned())]]);
                }
            })
        })
        .collect();
    for client in busy {
        client.join().unwrap();
    }
    assert_eq!(server.panics(), Vec::<String>::new());
}
