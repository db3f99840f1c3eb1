//! What one statement knows of its session: who asks, where, with which settings, at what time. Functions
//! such as `current_user` and the system relations read it; nothing changes it.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datafusion::common::Result as DataFusionResult;
use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::exec_err;

use crate::base::text_style::TextStyle;
use crate::base::{Error, ErrorKind, Oid, PrincipalId, Result};
use crate::catalog::Snapshot;
use crate::catalog::maintenance::MaintenanceRun;
use crate::catalog::table_statistics::AnalyzedTables;

use super::advisory::AdvisoryLocks;
use super::awaited::Watch;
use super::progress::RunningCopies;
use super::shared::FactsSlot;

/// The facts of one statement, cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    values: Arc<FactValues>,
    watch: Watch,
}

/// See [`Facts`].
#[derive(Debug, Clone, Default)]
pub struct FactValues {
    pub snapshot: Arc<Snapshot>,
    /// Who the session acts as; `None` only before login.
    pub principal: Option<PrincipalId>,
    /// `session_user`: who logged in.
    pub session_user: String,
    /// `current_user`: who the session acts as.
    pub current_user: String,
    /// `current_database()`, `current_catalog`.
    pub catalog: String,
    /// The schemas that names are looked up in, existing ones only, without the implicit `pg_catalog`.
    pub search_path: Vec<String>,
    /// Every setting by its lower-case name, as SHOW prints it.
    pub settings: Arc<Settings>,
    /// `pg_backend_pid()`.
    pub backend_pid: i32,
    /// `now()`: microseconds since 1970-01-01 UTC.
    pub transaction_timestamp: i64,
    /// `statement_timestamp()`, in the same unit.
    pub statement_timestamp: i64,
    /// `inet_client_addr()` and its port, where the client has one.
    pub client_address: Option<std::net::SocketAddr>,
    /// `inet_server_addr()` and its port.
    pub server_address: Option<std::net::SocketAddr>,
    /// `pg_postmaster_start_time()`: microseconds since 1970-01-01 UTC.
    pub server_started_at: i64,
    /// `pg_stat_activity`: who can tell of the live sessions.
    pub sessions: LiveSessions,
    /// `pg_cursors`
    pub cursors: SessionObjects<OpenCursor>,
    /// `pg_prepared_statements`
    pub prepared: SessionObjects<PreparedStatement>,
    /// `system.storage.maintenance`: what the server has done by itself.
    pub maintenance: Arc<[MaintenanceRun]>,
    /// What ANALYZE has found.
    pub statistics: Arc<AnalyzedTables>,
    /// What `set_config` has asked for; the session does it when the statement is over.
    pub assignments: Arc<Mutex<Vec<SettingAssignment>>>,
    /// What `pg_notify` has sent; the session sends it on at COMMIT.
    pub notifications: Arc<Mutex<Vec<Notification>>>,
    /// `pg_listening_channels()`
    pub listening: Arc<[String]>,
    pub locks: Arc<AdvisoryLocks>,
    /// `pg_stat_progress_copy`
    pub copies: Arc<RunningCopies>,
    /// How long a lock may be waited for.
    pub lock_timeout: Option<Duration>,
}

/// What NOTIFY sends to whoever listens on the channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Notification {
    /// Of the session that sends.
    pub backend_pid: i32,
    pub channel: String,
    pub payload: String,
}

/// Bytes of a channel's name, and of what is sent on it (PostgreSQL's `NAMEDATALEN` and
/// `NOTIFY_PAYLOAD_MAX_LENGTH`).
const CHANNEL_BYTES_MAX: usize = 63;
const PAYLOAD_BYTES_MAX: usize = 7999;

/// Notifications of one transaction, and those that may wait for one session.
pub const NOTIFICATIONS_MAX: usize = 10_000;

pub fn too_many_notifications() -> Error {
    let message = "too many notifications in the NOTIFY queue";
    Error::new(ErrorKind::ProgramLimitExceeded, message)
}

/// Errors: 22023.
pub fn check_notification(channel: &str, payload: &str) -> Result<()> {
    let message = if channel.is_empty() {
        "channel name cannot be empty"
    } else if channel.len() > CHANNEL_BYTES_MAX {
        "channel name too long"
    } else if payload.len() > PAYLOAD_BYTES_MAX {
        "payload string too long"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidParameterValue, message))
}

/// The settings of a session by their names in lower case. Sessions share what they have not set.
pub type Settings = BTreeMap<Arc<str>, Arc<Setting>>;

/// A setting as `pg_settings` shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Setting {
    /// The name as documented: `TimeZone`.
    pub name: String,
    pub value: String,
    pub default: String,
    pub description: &'static str,
    /// `bool`, `integer`, `real`, `string`, `enum`.
    pub kind: &'static str,
    /// The words that an `enum` takes.
    pub choices: &'static [&'static str],
    /// `default`, `client`, `session`, …
    pub source: &'static str,
}

/// A call of `set_config(name, value, is_local)`.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingAssignment {
    pub name: String,
    pub value: String,
    pub local: bool,
}

/// Who knows the live sessions.
pub trait Sessions: Send + Sync {
    /// What each does now. Copies all records: for statements that ask for them.
    fn list(&self) -> Arc<[SessionActivity]>;

    /// Cancels a session's running statement. Whether there is such a session.
    fn cancel(&self, backend_pid: i32) -> bool;

    /// Ends a session. Whether there is such a session.
    fn terminate(&self, backend_pid: i32) -> bool;
}

/// The live sessions, if anybody knows them.
#[derive(Clone, Default)]
pub struct LiveSessions(Option<Arc<dyn Sessions>>);

impl LiveSessions {
    pub fn new(sessions: Arc<dyn Sessions>) -> Self {
        LiveSessions(Some(sessions))
    }

    /// The live sessions now.
    pub fn list(&self) -> Arc<[SessionActivity]> {
        self.0.as_ref().map(|sessions| sessions.list()).unwrap_or_default()
    }

    pub fn cancel(&self, backend_pid: i32) -> bool {
        self.0.as_ref().is_some_and(|sessions| sessions.cancel(backend_pid))
    }

    pub fn terminate(&self, backend_pid: i32) -> bool {
        self.0.as_ref().is_some_and(|sessions| sessions.terminate(backend_pid))
    }
}

impl std::fmt::Debug for LiveSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LiveSessions")
    }
}

/// What a session has, by name. The session keeps it; a statement that asks sees what is there now.
#[derive(Debug, Clone)]
pub struct SessionObjects<T>(Arc<Mutex<BTreeMap<String, T>>>);

/// A cursor or portal as `pg_cursors` shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OpenCursor {
    /// The text that it was made by.
    pub statement: Arc<str>,
    pub is_holdable: bool,
    pub is_binary: bool,
    pub is_scrollable: bool,
    /// Microseconds since 1970-01-01 UTC.
    pub creation_time: i64,
}

/// A prepared statement as `pg_prepared_statements` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedStatement {
    pub statement: Arc<str>,
    /// Microseconds since 1970-01-01 UTC.
    pub prepare_time: i64,
    pub parameter_types: Vec<Oid>,
    /// `None` where it gives no rows.
    pub result_types: Option<Vec<Oid>>,
    /// By PREPARE, not by a message of the protocol.
    pub from_sql: bool,
}

impl<T> Default for SessionObjects<T> {
    fn default() -> Self {
        SessionObjects(Arc::default())
    }
}

impl<T: Clone> SessionObjects<T> {
    pub fn put(&self, name: &str, object: T) {
        self.all().insert(name.to_owned(), object);
    }

    pub fn remove(&self, name: &str) {
        self.all().remove(name);
    }

    pub fn clear(&self) {
        self.all().clear();
    }

    /// All of now, by name.
    pub fn list(&self) -> Vec<(String, T)> {
        self.all().iter().map(|(name, object)| (name.clone(), object.clone())).collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One live session, as `pg_stat_activity` shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionActivity {
    pub backend_pid: i32,
    pub catalog: String,
    pub user: String,
    pub application_name: String,
    pub client_address: Option<std::net::SocketAddr>,
    /// Microseconds since 1970-01-01 UTC, as are the other times.
    pub backend_start: i64,
    pub transaction_start: Option<i64>,
    pub query_start: Option<i64>,
    pub state_change: Option<i64>,
    /// `active`, `idle`, `idle in transaction`, `idle in transaction (aborted)`.
    pub state: &'static str,
    pub query: String,
}

impl Facts {
    pub fn new(values: FactValues) -> Self {
        Facts { values: Arc::new(values), watch: Watch::default() }
    }

    /// The schema of the session's temporary objects, if it has one and the search path does not say where
    /// it comes: before all others then.
    pub(super) fn implicit_temporary_schema(&self) -> Option<&str> {
        let own = self.snapshot.temporary_schema()?.name.as_str();
        (!self.search_path.iter().any(|schema| schema == own)).then_some(own)
    }

    /// The same facts, for a statement that someone waits for.
    pub(super) fn watched(&self, watch: Watch) -> Self {
        Facts { values: Arc::clone(&self.values), watch }
    }

    /// Whether anyone waits for the statement.
    pub(super) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The facts that travel with a plan's options.
    pub fn of(options: &ConfigOptions) -> DataFusionResult<Facts> {
        if let Some(facts) = options.extensions.get::<Facts>() {
            return Ok(facts.clone());
        }
        match FactsSlot::of(options) {
            Some(slot) => slot.facts(),
            None => exec_err!("the statement carries no session facts"),
        }
    }

    /// How the session writes and reads texts.
    pub fn text_style(options: &ConfigOptions) -> TextStyle {
        let Ok(facts) = Facts::of(options) else {
            if let Some(slot) = FactsSlot::of(options) {
                slot.guess();
            }
            return TextStyle::default();
        };
        let setting = |name: &str| facts.settings.get(name).map(|setting| setting.value.as_str());
        TextStyle::of_settings(setting)
    }
}

impl std::ops::Deref for Facts {
    type Target = FactValues;

    fn deref(&self) -> &FactValues {
        &self.values
    }
}

impl ConfigExtension for Facts {
    const PREFIX: &'static str = "lakegate_facts";
}

impl ExtensionOptions for Facts {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _value: &str) -> DataFusionResult<()> {
        exec_err!("the session fact {key} cannot be set")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}
