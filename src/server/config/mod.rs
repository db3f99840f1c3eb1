//! The configuration of a server: what it can be told, from a file, the environment and flags. Every key
//! is a row of [`key::KEYS`]. It starts nothing, and no other room reads a file or a variable for settings.

pub mod key;
pub mod load;
pub mod page;
mod machine;
mod value;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::base::limits::Limits;
use crate::engine::UpkeepPolicy;

pub use load::{Loaded, Sources};

/// Where data lies when nothing is said.
pub(super) const DEFAULT_FOLDER: &str = "./lakegate-data";

/// PostgreSQL's port.
const DEFAULT_PORT: u16 = 5432;

/// All that a server is told before it starts. Checked as a whole by [`load::load`].
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder or URL that holds managed tables and, by default, the metastore.
    pub data: String,
    /// The folder on a local disk for what is never in an object store; `None` for the data folder.
    pub local: Option<PathBuf>,
    /// The file with the key of the metastore's secrets; `None` for one in the local folder.
    pub secrets_key: Option<PathBuf>,
    /// Where PostgreSQL clients connect.
    pub listen: SocketAddr,
    /// The metastore's URL; `None` for SQLite inside the data folder.
    pub metastore: Option<String>,
    /// The certificate that clients see; `None` for a server without TLS.
    pub tls: Option<TlsFiles>,
    /// Whether clients without TLS are refused.
    pub require_tls: bool,
    /// Whether to make the user and the catalog `demo`.
    pub demo: bool,
    /// Where metrics and health are served; `None` for nowhere.
    pub metrics_listen: Option<SocketAddr>,
    pub log: Log,
    pub limits: Limits,
    /// What the server does to the files of managed tables by itself.
    pub maintenance: UpkeepPolicy,
}

/// The files of a server certificate, both PEM.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by its chain.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    pub format: LogFormat,
    /// A level, or `tracing` directives: `info`, `lakegate=debug,warn`.
    pub level: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One line of text an event.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            data: DEFAULT_FOLDER.to_owned(),
            local: None,
            secrets_key: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
            metastore: None,
            tls: None,
            require_tls: false,
            demo: false,
            metrics_listen: None,
            log: Log { format: LogFormat::Text, level: "info".to_owned() },
            limits: Limits {
                memory_bytes_total: value::AUTO,
                memory_bytes_per_query: value::AUTO,
                ..Limits::default()
            },
            maintenance: UpkeepPolicy::default(),
        }
    }
}
