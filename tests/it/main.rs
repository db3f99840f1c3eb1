//! Tests of the whole program from outside: one binary, so that it is built and linked once.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

/// What is out of place in the tree; quick, so first.
mod tidy;

/// Tables in object stores.
mod object_stores;

#[expect(dead_code, unused_imports, reason = "each test binary uses its part of it")]
mod support;

/// The comparisons are worth what the real server that they start is worth.
#[test]
fn a_real_postgresql_answers_where_it_is_installed() {
    let Some(postgres) = support::Postgres::start() else { return };
    let mut client = support::RawClient::connect(&postgres.endpoint(), &[]).unwrap();
    let rows = client.simple_query("SELECT 1 + 1").unwrap().rows;
    assert_eq!(rows, [[Some("2".to_owned())]]);
}
