//! What tests from outside need: the server as a process, a real PostgreSQL to compare with, a client that
//! sees every byte. It knows nothing of the program's inside.

mod binary;
mod client;
mod postgres;
mod random;
mod raw_client;
mod scram;
mod server;

pub use binary::{Raw, text_of};
pub use client::Client;
pub use postgres::Postgres;
pub use random::Random;
pub use raw_client::{BackendMessage, Fields, RawClient, ResultSet, SqlError, message};
pub use server::{Options, Server};

use std::net::SocketAddr;

/// Where a server listens and who may log in there.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub address: SocketAddr,
    pub user: String,
    pub password: Option<String>,
    pub database: String,
}

impl Endpoint {
    /// The same endpoint for another user.
    pub fn with_user(&self, user: &str, password: &str) -> Self {
        Endpoint { user: user.to_owned(), password: Some(password.to_owned()), ..self.clone() }
    }

    pub fn with_database(&self, database: &str) -> Self {
        Endpoint { database: database.to_owned(), ..self.clone() }
    }

    /// For tokio-postgres.
    pub fn config(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host(self.address.ip().to_string()).port(self.address.port());
        config.user(&self.user).dbname(&self.database);
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        if let Some(password) = &self.password {
            config.password(password);
        }
        config
    }

    /// A client of tokio-postgres; its connection ends with it.
    pub async fn connect(&self) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        let (client, connection) = self.config().connect(tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}
