//! Every metric that the server exposes: name, kind, help. Rooms count with the `metrics` crate's
//! macros under these names; `server` describes and exports them.

/// What a metric does with its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by size; the unit is seconds.
    Histogram,
}

/// A metric that the server exposes.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    pub name: &'static str,
    pub kind: MetricKind,
    pub help: &'static str,
}

/// Declares each metric once: its constant, name, kind and help, which names its labels in backticks.
macro_rules! declare_metrics {
    ($($constant:ident = $name:literal, $kind:ident, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: &str = $name;
        )*

        /// Every metric.
        pub const METRICS: &[Metric] = &[$(Metric {
            name: $constant,
            kind: MetricKind::$kind,
            help: $help,
        },)*];
    };
}

declare_metrics! {
    BUILD_INFO = "lakegate_build_info", Gauge,
        "Always 1; `version` is the version of the server.";
    CONNECTIONS = "lakegate_connections", Gauge,
        "Client connections that are open.";
    CONNECTIONS_TOTAL = "lakegate_connections_total", Counter,
        "Client connections by `outcome`: accepted, refused (a limit), failed (before a login was tried).";
    LOGINS_TOTAL = "lakegate_logins_total", Counter,
        "Login attempts by `outcome`: accepted, refused.";
    STATEMENTS_TOTAL = "lakegate_statements_total", Counter,
        "Statements by `kind` (the command tag's first word, in lower case) and `outcome`: done, failed, canceled.";
    STATEMENT_SECONDS = "lakegate_statement_seconds", Histogram,
        "Seconds from a statement's arrival to its last row, by `kind`.";
    ERRORS_TOTAL = "lakegate_errors_total", Counter,
        "Errors sent to clients by `sqlstate`.";
    ROWS_SENT_TOTAL = "lakegate_rows_sent_total", Counter,
        "Rows sent to clients.";
    BYTES_SENT_TOTAL = "lakegate_bytes_sent_total", Counter,
        "Bytes sent to clients, before TLS.";
    BYTES_RECEIVED_TOTAL = "lakegate_bytes_received_total", Counter,
        "Bytes received from clients, after TLS.";
    QUERIES_RUNNING = "lakegate_queries_running", Gauge,
        "Queries that run.";
    QUERIES_QUEUED = "lakegate_queries_queued", Gauge,
        "Queries that wait for their turn.";
    QUEUE_SECONDS = "lakegate_queue_seconds", Histogram,
        "Seconds that queries waited for their turn.";
    MEMORY_BYTES = "lakegate_memory_bytes", Gauge,
        "Working memory that queries hold.";
    SPILLED_BYTES_TOTAL = "lakegate_spilled_bytes_total", Counter,
        "Bytes that queries spilled to disk.";
    TABLE_REFRESHES_TOTAL = "lakegate_table_refreshes_total", Counter,
        "Looks at Delta logs by `outcome`: current, advanced, failed.";
    COMMITS_TOTAL = "lakegate_commits_total", Counter,
        "Commits to Delta tables by `outcome`: done, conflict, failed.";
}
