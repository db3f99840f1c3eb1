//! Tables in object stores, over real server programs that the tests start: what works, what is refused and
//! what users are told when a store fails.

mod failures;
mod managed;
mod rights;
pub mod servers;
mod tables;

use std::time::{Duration, Instant};

use crate::support::{Endpoint, Options, RawClient, Server, SqlError};

use servers::ObjectStore;

/// A server of ours that gives up on stores sooner than by default, and later than a busy machine needs.
fn patient() -> Options {
    with_patience("15s", "20s")
}

/// A server of ours that gives up on stores at once, so that failures come soon.
fn impatient() -> Options {
    with_patience("5s", "3s")
}

fn with_patience(request_timeout: &str, retry_timeout: &str) -> Options {
    let set =
        |name: &str, value: &str| (format!("LAKEGATE_LIMITS_STORAGE_{name}"), value.to_owned());
    Options {
        environment: vec![
            set("RETRIES_MAX", "2"),
            set("RETRY_TIMEOUT", retry_timeout),
            set("RETRY_WAIT_MAX", "200ms"),
            set("REQUEST_TIMEOUT", request_timeout),
            set("CONNECT_TIMEOUT", "2s"),
        ],
        ..Options::default()
    }
}

fn connect(endpoint: &Endpoint) -> RawClient {
    RawClient::connect(endpoint, &[]).unwrap()
}

fn run(client: &mut RawClient, sql: &str) {
    if let Err(error) = client.simple_query(sql) {
        panic!("{error}\n{sql}");
    }
}

fn fail(client: &mut RawClient, sql: &str) -> SqlError {
    client.simple_query(sql).err().unwrap_or_else(|| panic!("this should have failed:\n{sql}"))
}

/// The rows of a query, each with its columns joined by bars.
fn rows(client: &mut RawClient, sql: &str) -> Vec<String> {
    let result = client.simple_query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let text = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "null".to_owned());
    result.rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join("|")).collect()
}

/// The rows of a query to a store that has just been started again, and may not be awake yet.
fn rows_soon(client: &mut RawClient, sql: &str) -> Vec<String> {
    let end = Instant::now() + Duration::from_secs(60);
    while let Err(error) = client.simple_query(sql) {
        assert!(Instant::now() < end, "{error}\n{sql}");
        std::thread::sleep(Duration::from_millis(500));
    }
    rows(client, sql)
}

/// A server of ours with the store's bucket as the external location `place`.
fn lakegate_on(store: &ObjectStore, path: &str) -> (Server, RawClient) {
    let server = Server::start(patient()).unwrap();
    let mut client = connect(&server.endpoint());
    let (key, secret) = store.keys();
    let (options, url) = (store.options(key, secret), store.url(path));
    run(&mut client, &format!("CREATE STORAGE CREDENTIAL keys WITH ({options})"));
    let location = format!("CREATE EXTERNAL LOCATION place URL '{url}'");
    run(&mut client, &format!("{location} WITH (STORAGE CREDENTIAL keys)"));
    (server, client)
}
