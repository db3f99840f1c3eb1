//! A client of a test that knows what it wants: whatever else comes fails the test, with the statement.

use super::{RawClient, Server};

/// The administrator's connection.
pub struct Client(pub RawClient);

impl Client {
    pub fn of(server: &Server) -> Self {
        let client = RawClient::connect(&server.endpoint(), &[]);
        Client(client.unwrap_or_else(|error| panic!("{error}")))
    }

    pub fn run(&mut self, sql: &str) {
        self.0.simple_query(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// The SQLSTATE that a statement is refused with.
    pub fn sqlstate(&mut self, sql: &str) -> String {
        match self.0.simple_query(sql) {
            Ok(_) => panic!("{sql}: no error"),
            Err(error) => error.sqlstate,
        }
    }

    /// The first value of the first row.
    pub fn value(&mut self, sql: &str) -> String {
        let rows = self.0.simple_query(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}")).rows;
        rows[0][0].clone().unwrap_or_default()
    }
}
