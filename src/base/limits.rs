//! Every bound of the server: its unit in its name, its default here, its key in the configuration.
//! It never enforces one; the room that owns the resource does.

use std::time::Duration;

/// Bounds on what clients and statements may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Client connections at one time; one more gets 53300.
    pub connections_max: usize,
    /// Connections at one time that have not logged in; more of them wait to be accepted.
    pub unauthenticated_connections_max: usize,
    /// As many of them from one address; one more gets 53300.
    pub unauthenticated_connections_per_address_max: usize,
    /// From the first byte to a finished login.
    pub startup_timeout: Duration,
    /// The startup packet, before anybody is authenticated (PostgreSQL's `MAX_STARTUP_PACKET_LENGTH`).
    pub startup_packet_bytes_max: usize,
    /// One message from a client.
    pub message_bytes_max: usize,
    /// Bytes of encoded rows that wait for a slow client.
    pub send_buffer_bytes: usize,
    /// The text of one query.
    pub statement_bytes_max: usize,
    /// Nesting of expressions and queries in one statement.
    pub statement_depth_max: usize,
    /// Prepared statements and portals of one session.
    pub prepared_statements_max: usize,
    /// Rows that a scrollable cursor keeps in memory; what is more goes to the spill folder.
    pub cursor_memory_bytes_max: usize,
    /// Queries over system relations whose plans are kept for the next who asks the same.
    pub shared_plans_max: usize,
    /// Views inside views.
    pub view_depth_max: usize,
    /// Temporary tables and views of one session; one more gets 54000.
    pub temporary_objects_max: usize,
    /// Queries that run at one time; more of them queue.
    pub running_queries_max: usize,
    /// Queries that may wait for their turn; one more gets 53300.
    pub queued_queries_max: usize,
    /// How long a query may wait for its turn.
    pub queue_timeout: Duration,
    /// Working memory of all queries.
    pub memory_bytes_total: usize,
    /// Working memory of one query.
    pub memory_bytes_per_query: usize,
    /// Spill files of all queries.
    pub spill_bytes_max: u64,
    /// The size that OPTIMIZE gives data files, where the table does not say.
    pub data_file_bytes: u64,
    /// How long running statements may take to end when the server stops.
    pub shutdown_grace: Duration,
    /// One request to an object store, from its first byte to its last.
    pub storage_request_timeout: Duration,
    /// A new connection to an object store, TLS included.
    pub storage_connect_timeout: Duration,
    /// How often a request that failed for a passing reason is sent again.
    pub storage_retries_max: usize,
    /// How long after its first attempt a request may be sent again.
    pub storage_retry_timeout: Duration,
    /// The longest wait between two attempts; the first is a tenth of a second, then it grows.
    pub storage_retry_wait_max: Duration,
}

const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 1000,
            unauthenticated_connections_max: 1000,
            unauthenticated_connections_per_address_max: 250,
            startup_timeout: Duration::from_secs(60),
            startup_packet_bytes_max: 10_000,
            message_bytes_max: 256 * MIB,
            send_buffer_bytes: 256 << 10,
            statement_bytes_max: 16 * MIB,
            statement_depth_max: 128,
            prepared_statements_max: 10_000,
            cursor_memory_bytes_max: MIB,
            shared_plans_max: 256,
            view_depth_max: 32,
            temporary_objects_max: 1000,
            running_queries_max: 16,
            queued_queries_max: 1000,
            queue_timeout: Duration::from_secs(300),
            memory_bytes_total: 4 * GIB,
            memory_bytes_per_query: 2 * GIB,
            spill_bytes_max: 100 * GIB as u64,
            data_file_bytes: 256 * MIB as u64,
            shutdown_grace: Duration::from_secs(30),
            storage_request_timeout: Duration::from_secs(30),
            storage_connect_timeout: Duration::from_secs(5),
            storage_retries_max: 8,
            storage_retry_timeout: Duration::from_secs(60),
            storage_retry_wait_max: Duration::from_secs(5),
        }
    }
}
