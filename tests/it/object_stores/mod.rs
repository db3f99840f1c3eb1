//! Tables in object stores, over real server programs that the tests start: what works, what is refused and
//! what users are told when a store fails.

mod failures;
mod managed;
mod rights;
mod servers;
mod tables;

use crate::support::{Endpoint, Options, RawClient, Server, SqlError};

use servers::ObjectStore;

/// A server of ours that is not patient with stores, so that failures come soon.
fn impatient() -> Options {
    let set =
        |name: &str, value: &str| (format!("LAKEGATE_LIMITS_STORAGE_{name}"), value.to_owned());
    Options {
        environment: vec![
            set("RETRIES_MAX", "1"),
            set("RETRY_TIMEOUT", "3s"),
            set("RETRY_WAIT_MAX", "200ms"),
            set("REQUEST_TIMEOUT", "3s"),
            set("CONNECT_TIMEOUT", "1s"),
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

/// A server of ours with the store's bucket as the external location `place`.
fn lakegate_on(store: &ObjectStore, path: &str) -> (Server, RawClient) {
    let server = Server::start(impatient()).unwrap();
    let mut client = connect(&server.endpoint());
    let (key, secret) = store.keys();
    let (options, url) = (store.options(key, secret), store.url(path));
    run(&mut client, &format!("CREATE STORAGE CREDENTIAL keys WITH ({options})"));
    let location = format!("CREATE EXTERNAL LOCATION place URL '{url}'");
    run(&mut client, &format!("{location} WITH (STORAGE CREDENTIAL keys)"));
    (server, client)
}
