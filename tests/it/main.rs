//! Tests of the whole program from outside: one binary, so that it is built and linked once.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(clippy::print_stdout, reason = "the test runner shows it when a test fails")]

/// What ends when nobody waits for it.
#[cfg(target_os = "linux")]
mod interrupt;
/// What is out of place in the tree; quick, so first.
mod tidy;

/// The system catalogs beside PostgreSQL's.
mod catalog;

/// Users who see and do what they may, and nothing else.
mod governance;

/// Tables that read the files of others.
mod clones;

/// Many writers on the same tables at once.
mod concurrency;

/// `kill -9` in the middle of writes.
mod crash;

/// Cursors over more rows than fit in memory.
mod cursors;

/// What breaks around the server.
mod faults;

/// SQL that nobody writes by mistake.
mod hostile;

/// Sessions with wrong bytes.
mod mutation;

/// Many clients at once.
mod load;

/// Sessions that act on each other.
mod locks;

/// Little memory and little disk.
mod memory;

/// What ends a statement ends the work behind it.
mod shared_plans;
mod stop;

/// Tables in object stores.
mod object_stores;

/// Files that others have written, read and loaded.
mod ingestion;

/// What other engines read of our tables.
mod readers;

#[expect(dead_code, unused_imports, reason = "each test binary uses its part of it")]
mod support;

/// Files and versions of tables, for other engines and by itself.
mod maintenance;

/// Materialized views of several sessions.
mod materialized;

/// Temporary tables of several sessions.
mod temporary;

/// Transactions of several clients, and after crashes.
mod transactions;
mod views;

/// The comparisons are worth what the real server that they start is worth.
#[test]
fn a_real_postgresql_answers_where_it_is_installed() {
    let Some(postgres) = support::Postgres::start() else { return };
    let mut client = support::RawClient::connect(&postgres.endpoint(), &[]).unwrap();
    let rows = client.simple_query("SELECT 1 + 1").unwrap().rows;
    assert_eq!(rows, [[Some("2".to_owned())]]);
}
