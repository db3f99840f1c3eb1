//! Every metric that the server exposes: name, kind, labels, help. Rooms count with the `metrics` crate's
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
    /// The names of its labels.
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

/// Declares each metric once: its constant, name, kind, labels and help.
macro_rules! declare_metrics {
    ($($constant:ident = $name:literal, $kind:ident, [$($label:literal),*], $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: &str = $name;
        )*

        /// Every metric, in the order of the reference page.
        pub const METRICS: &[Metric] = &[$(Metric {
            name: $name,
            kind: MetricKind::$kind,
            labels: &[$($label),*],
            help: $help,
        },)*];
    };
}

declare_metrics! {
    BUILD_INFO = "lakegate_build_info", Gauge, ["version"],
        "Always 1; the label is the version of the server.";
    CONNECTIONS = "lakegate_connections", Gauge, [],
        "Client connections that are open.";
    CONNECTIONS_TOTAL = "lakegate_connections_total", Counter, ["outcome"],
        "Client connections by outcome: accepted, refused (a limit), failed (before a login was tried).";
    LOGINS_TOTAL = "lakegate_logins_total", Counter, ["outcome"],
        "Login attempts by outcome: accepted, refused.";
    STATEMENTS_TOTAL = "lakegate_statements_total", Counter, ["kind", "outcome"],
        "Statements by kind (the command tag's first word, in lower case) and outcome: done, failed, canceled.";
    STATEMENT_SECONDS = "lakegate_statement_seconds", Histogram, ["kind"],
        "Seconds from a statement's arrival to its last row.";
    ERRORS_TOTAL = "lakegate_errors_total", Counter, ["sqlstate"],
        "Errors sent to clients by SQLSTATE.";
    ROWS_SENT_TOTAL = "lakegate_rows_sent_total", Counter, [],
        "Rows sent to clients.";
    BYTES_SENT_TOTAL = "lakegate_bytes_sent_total", Counter, [],
        "Bytes sent to clients, before TLS.";
    BYTES_RECEIVED_TOTAL = "lakegate_bytes_received_total", Counter, [],
        "Bytes received from clients, after TLS.";
    QUERIES_RUNNING = "lakegate_queries_running", Gauge, [],
        "Queries that run.";
    QUERIES_QUEUED = "lakegate_queries_queued", Gauge, [],
        "Queries that wait for their turn.";
    QUEUE_SECONDS = "lakegate_queue_seconds", Histogram, [],
        "Seconds that queries waited for their turn.";
    MEMORY_BYTES = "lakegate_memory_bytes", Gauge, [],
        "Working memory that queries hold.";
    SPILLED_BYTES_TOTAL = "lakegate_spilled_bytes_total", Counter, [],
        "Bytes that queries spilled to disk.";
    TABLE_REFRESHES_TOTAL = "lakegate_table_refreshes_total", Counter, ["outcome"],
        "Looks at Delta logs by outcome: current, advanced, failed.";
    COMMITS_TOTAL = "lakegate_commits_total", Counter, ["outcome"],
        "Commits to Delta tables by outcome: done, conflict, failed.";
}
