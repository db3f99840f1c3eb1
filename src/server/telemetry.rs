//! The log: tracing events on standard error, as text or JSON. It decides nothing about what is worth logging.

use std::io::stderr;

use tracing_subscriber::EnvFilter;

use super::config::{Log, LogFormat};
use crate::base::{Error, ErrorKind, Result};

/// Sends the events of this process to standard error from now on. A second call changes nothing.
pub fn init(log: &Log) -> Result<()> {
    // A bare level is Lakegate's own; libraries speak up only when something is wrong.
    let is_level = log.level.parse::<tracing::Level>().is_ok();
    let directives =
        if is_level { format!("warn,lakegate={}", log.level) } else { log.level.clone() };
    let filter = EnvFilter::try_new(directives).map_err(|error| {
        let message = format!("log.level: \"{}\" is not a level", log.level);
        Error::new(ErrorKind::ConfigFileError, message).caused_by(error)
    })?;
    let events = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    // The only failure is that a subscriber is there already, which is what a second call asks for.
    let _ = match log.format {
        LogFormat::Text => events.try_init(),
        LogFormat::Json => events.json().flatten_event(true).try_init(),
    };
    Ok(())
}
