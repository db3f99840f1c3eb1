//! Puts the rooms together: configuration, telemetry, start and stop. It answers no statement.

pub mod config;
pub mod telemetry;
pub mod metrics;

pub use config::Config;

use crate::base::secret::Secret;
use crate::base::{Error, Result};

/// Serves until the process is told to stop.
pub async fn serve(_config: Config) -> Result<()> {
    Err(Error::unsupported("serving"))
}

/// Runs the statements of `text` without a server and prints their results.
pub async fn run_sql(_config: Config, _text: String) -> Result<()> {
    Err(Error::unsupported("SQL without a server"))
}

/// Makes a user, or fails if there is one of that name.
pub async fn add_user(
    _config: Config,
    _name: String,
    _password: Secret,
    _admin: bool,
) -> Result<()> {
    Err(Error::unsupported("adding a user"))
}
