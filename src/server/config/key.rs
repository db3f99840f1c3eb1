//! The one table of configuration keys. Reading, `lakegate check` and the reference page are made from it.

use super::value::{
    Address, AutoSize, Count, File, Format, Kind, Level, Metastore, Optional, Size, Span, Switch,
    Text,
};
use super::{Config, TlsFiles};

/// The prefix of every environment variable that is ours.
pub const VARIABLE_PREFIX: &str = "LAKEGATE_";

/// A key of the configuration.
pub struct Key {
    /// Its place in `lakegate.toml`: `limits.connections_max`.
    pub path: &'static str,
    /// Whether there is a flag for it.
    pub has_flag: bool,
    /// The kind of its values.
    pub kind: &'static str,
    /// What it decides; sentences.
    pub description: &'static str,
    /// Reads a value into the configuration, or says what is wrong with it.
    pub set: fn(&mut Config, &str) -> Result<(), String>,
    /// The value as it would be written; empty for none.
    pub show: fn(&Config) -> String,
}

impl Key {
    /// The key with this path.
    pub fn find(path: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.path == path)
    }

    /// The environment variable: `LAKEGATE_LIMITS_CONNECTIONS_MAX`.
    pub fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.path.replace('.', "_").to_uppercase())
    }

    /// The flag: `--tls-cert`.
    pub fn flag(&self) -> Option<String> {
        self.has_flag.then(|| format!("--{}", self.path.replace(['.', '_'], "-")))
    }
}

/// A row of the table: path, whether it has a flag, kind, field, description.
macro_rules! key {
    ($path:literal, $flag:ident, $kind:ty, $($field:ident).+, $description:literal) => {
        Key {
            path: $path,
            has_flag: key!(@$flag),
            kind: <$kind as Kind>::NAME,
            description: $description,
            set: |config, text| {
                config.$($field).+ = <$kind as Kind>::parse(text)?;
                Ok(())
            },
            show: |config| <$kind as Kind>::show(&config.$($field).+),
        }
    };
    ($path:literal, $flag:ident, $kind:ty, tls[$field:ident], $description:literal) => {
        Key {
            path: $path,
            has_flag: key!(@$flag),
            kind: <$kind as Kind>::NAME,
            description: $description,
            set: |config, text| {
                config.tls.get_or_insert_with(TlsFiles::default).$field = <$kind as Kind>::parse(text)?;
                Ok(())
            },
            show: |config| {
                config.tls.as_ref().map(|tls| <$kind as Kind>::show(&tls.$field)).unwrap_or_default()
            },
        }
    };
    (@flag) => { true };
    (@no_flag) => { false };
}

/// Every key, in the order of the reference page.
pub static KEYS: &[Key] = &[
    key!(
        "data",
        flag,
        Text,
        data,
        "The folder or URL that holds managed tables and, unless `metastore` says otherwise, the metastore."
    ),
    key!(
        "local",
        flag,
        Optional<File>,
        local,
        "The folder on a local disk for the metastore, its key and spilled rows. Without it, `data` where \
         that is a folder, and otherwise `./lakegate-data`."
    ),
    key!(
        "secrets.key",
        no_flag,
        Optional<File>,
        secrets_key,
        "The file with the key that secrets of the metastore are sealed with: 64 hexadecimal digits, \
         readable by its owner only. Without it, `secrets.key` in the local folder, made when it is needed."
    ),
    key!(
        "listen",
        flag,
        Address,
        listen,
        "Where PostgreSQL clients connect. Port 0 takes a free one, which the ready line names."
    ),
    key!(
        "metastore",
        flag,
        Optional<Metastore>,
        metastore,
        "Where catalogs, users and grants are kept. Without it, SQLite inside the data folder."
    ),
    key!(
        "demo",
        flag,
        Switch,
        demo,
        "Makes the user `demo` with the password `demo` and the catalog `demo` with sample tables. \
         Only on a loopback address."
    ),
    key!(
        "tls.cert",
        flag,
        File,
        tls[certificate],
        "The server's certificate and its chain, in PEM. Needs `tls.key`."
    ),
    key!("tls.key", flag, File, tls[key], "The private key of the certificate, in PEM."),
    key!(
        "tls.required",
        no_flag,
        Switch,
        require_tls,
        "Refuses clients that do not use TLS. Needs `tls.cert`."
    ),
    key!(
        "metrics.listen",
        no_flag,
        Optional<Address>,
        metrics_listen,
        "Where `/metrics`, `/health/live` and `/health/ready` are served over HTTP, to anybody who can \
         connect. Without it, nowhere."
    ),
    key!(
        "log.format",
        no_flag,
        Format,
        log.format,
        "The form of the log, which goes to standard error."
    ),
    key!(
        "log.level",
        no_flag,
        Level,
        log.level,
        "What is logged: error, warn, info, debug or trace, also by room as in `lakegate::wire=debug,warn`."
    ),
    key!(
        "maintenance.enabled",
        no_flag,
        Switch,
        maintenance.enabled,
        "Whether the server looks after the files of managed tables while no query runs: small files are \
         written together, deleted rows left out, and what no version needs any more is deleted. What it did \
         is in `system.storage.maintenance`."
    ),
    key!(
        "maintenance.interval",
        no_flag,
        Span<false>,
        maintenance.interval,
        "How long it waits from one look at all tables to the next."
    ),
    key!(
        "maintenance.small_files_min",
        no_flag,
        Count<2>,
        maintenance.small_files_min,
        "Small files of one partition from which they are written together. A table's own \
         `delta.autoOptimize.autoCompact` = `false` keeps them."
    ),
    key!(
        "maintenance.vacuum_interval",
        no_flag,
        Span<false>,
        maintenance.vacuum_interval,
        "How long from one VACUUM of a table to the next. Files stay for the table's \
         `delta.deletedFileRetentionDuration`, commits for its `delta.logRetentionDuration`."
    ),
    key!(
        "limits.connections_max",
        no_flag,
        Count<1>,
        limits.connections_max,
        "Client connections at one time. One more is refused with 53300."
    ),
    key!(
        "limits.unauthenticated_connections_max",
        no_flag,
        Count<1>,
        limits.unauthenticated_connections_max,
        "Connections at one time that have not logged in. More of them wait to be accepted."
    ),
    key!(
        "limits.unauthenticated_connections_per_address_max",
        no_flag,
        Count<1>,
        limits.unauthenticated_connections_per_address_max,
        "Connections from one address, or one IPv6 network of 64 bits, that have not logged in. One more is \
         refused with 53300, so that a single client cannot take all places. Behind a load balancer or \
         pooler, all clients have its address."
    ),
    key!(
        "limits.startup_timeout",
        no_flag,
        Span<false>,
        limits.startup_timeout,
        "How long a client may take from its first byte to a finished login."
    ),
    key!(
        "limits.startup_packet_bytes_max",
        no_flag,
        Size<usize>,
        limits.startup_packet_bytes_max,
        "The first message of a client, before anybody is authenticated."
    ),
    key!(
        "limits.message_bytes_max",
        no_flag,
        Size<usize>,
        limits.message_bytes_max,
        "One message from a client."
    ),
    key!(
        "limits.send_buffer_bytes",
        no_flag,
        Size<usize>,
        limits.send_buffer_bytes,
        "Encoded rows that wait for one slow client."
    ),
    key!(
        "limits.statement_bytes_max",
        no_flag,
        Size<usize>,
        limits.statement_bytes_max,
        "The text of one query."
    ),
    key!(
        "limits.statement_depth_max",
        no_flag,
        Count<1>,
        limits.statement_depth_max,
        "Nesting of expressions and queries in one statement."
    ),
    key!(
        "limits.prepared_statements_max",
        no_flag,
        Count<1>,
        limits.prepared_statements_max,
        "Prepared statements of one session, and its portals and cursors."
    ),
    key!(
        "limits.cursor_memory_bytes_max",
        no_flag,
        Size<usize>,
        limits.cursor_memory_bytes_max,
        "Rows that a scrollable cursor keeps in memory; what is more goes to the spill folder."
    ),
    key!(
        "limits.shared_plans_max",
        no_flag,
        Count<1>,
        limits.shared_plans_max,
        "Queries over system relations whose plans are kept for the next who asks the same."
    ),
    key!("limits.view_depth_max", no_flag, Count<1>, limits.view_depth_max, "Views inside views."),
    key!(
        "limits.temporary_objects_max",
        no_flag,
        Count<0>,
        limits.temporary_objects_max,
        "Temporary tables and views of one session."
    ),
    key!(
        "limits.running_queries_max",
        no_flag,
        Count<1>,
        limits.running_queries_max,
        "Queries that run at one time. More of them queue."
    ),
    key!(
        "limits.queued_queries_max",
        no_flag,
        Count<0>,
        limits.queued_queries_max,
        "Queries that may wait for their turn. One more is refused with 53300."
    ),
    key!(
        "limits.queue_timeout",
        no_flag,
        Span<false>,
        limits.queue_timeout,
        "How long a query may wait for its turn."
    ),
    key!(
        "limits.memory_bytes_total",
        no_flag,
        AutoSize,
        limits.memory_bytes_total,
        "Working memory of all queries. `auto` is 70 % of the memory of the machine or its container."
    ),
    key!(
        "limits.memory_bytes_per_query",
        no_flag,
        AutoSize,
        limits.memory_bytes_per_query,
        "Working memory of one query; what does not fit is spilled to disk. `auto` is half of the total."
    ),
    key!(
        "limits.spill_bytes_max",
        no_flag,
        Size<u64>,
        limits.spill_bytes_max,
        "Spill files of all queries."
    ),
    key!(
        "limits.data_file_bytes",
        no_flag,
        Size<u64>,
        limits.data_file_bytes,
        "The size that OPTIMIZE gives data files, where the table's `delta.targetFileSize` does not say."
    ),
    key!(
        "limits.shutdown_grace",
        no_flag,
        Span<true>,
        limits.shutdown_grace,
        "How long running statements may take to end when the server stops."
    ),
    key!(
        "limits.storage_request_timeout",
        no_flag,
        Span<false>,
        limits.storage_request_timeout,
        "One request to an object store, from its first byte to its last."
    ),
    key!(
        "limits.storage_connect_timeout",
        no_flag,
        Span<false>,
        limits.storage_connect_timeout,
        "A new connection to an object store, TLS included."
    ),
    key!(
        "limits.storage_retries_max",
        no_flag,
        Count<0>,
        limits.storage_retries_max,
        "How often a request to an object store that failed for a passing reason is sent again."
    ),
    key!(
        "limits.storage_retry_timeout",
        no_flag,
        Span<true>,
        limits.storage_retry_timeout,
        "How long after its first attempt a request to an object store may be sent again."
    ),
    key!(
        "limits.storage_retry_wait_max",
        no_flag,
        Span<false>,
        limits.storage_retry_wait_max,
        "The longest wait between two attempts. The first wait is 100ms, and each is longer than the last."
    ),
];
