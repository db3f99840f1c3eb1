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
        "Client connections that have logged in.";
    STATEMENTS_TOTAL = "lakegate_statements_total", Counter,
        "Statements done by `kind`, the command tag's first word in lower case.";
    STATEMENT_SECONDS = "lakegate_statement_seconds", Histogram,
        "Seconds from a statement's arrival to its last row, by `kind`.";
    ERRORS_TOTAL = "lakegate_errors_total", Counter,
        "Errors sent to clients by `sqlstate`.";
    ROWS_SENT_TOTAL = "lakegate_rows_sent_total", Counter,
        "Rows sent to clients.";
    QUERIES_RUNNING = "lakegate_queries_running", Gauge,
        "Queries that run.";
    QUERIES_QUEUED = "lakegate_queries_queued", Gauge,
        "Queries that wait for their turn.";
    QUEUE_SECONDS = "lakegate_queue_seconds", Histogram,
        "Seconds that queries waited for their turn.";
    MEMORY_BYTES = "lakegate_memory_bytes", Gauge,
        "Working memory that queries hold.";
}
