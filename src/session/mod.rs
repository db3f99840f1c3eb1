//! One client's state: settings, transaction, prepared statements, portals and cursors, channels, COPY. It holds no
//! socket and names no protocol.

pub mod channel;
mod command;
pub mod copy;
mod cursor;
pub mod extended;
mod fetch;
mod portal;
mod prepared;
pub mod registry;
mod rows;
pub mod setting;
mod settings;
mod statement;
mod temporary;
mod transaction;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use chrono::Utc;

use crate::base::text_style::TextStyle;
use crate::base::value::Parameter;
use crate::base::{Error, ErrorKind, PrincipalId, Result};
use crate::catalog::{Privilege, Snapshot};
use crate::engine::facts::{FactValues, Facts, LiveSessions, Notification, Sessions};
use crate::engine::{Completion, CopyTarget, Engine, Request, RowStream, Temporary};
use crate::governance::Access;
use crate::sql::statement::CopyOption;
use crate::sql::{Parsed, TEMPORARY_SCHEMA};

use channel::{Action, Listening};
use portal::Portals;
use prepared::PreparedStatements;
use settings::Settings;
use transaction::Transaction;

pub use registry::Registry;
pub use rows::Rows;
pub use transaction::TransactionStatus;

/// What all sessions share.
#[derive(Clone)]
pub struct Shared {
    pub engine: Arc<Engine>,
    pub registry: Arc<Registry>,
    /// Microseconds since 1970-01-01 UTC.
    pub started_at: i64,
    pub prepared_statements_max: usize,
}

/// Who logged in, and with what.
#[derive(Debug, Clone)]
pub struct Login {
    pub principal: PrincipalId,
    pub user: String,
    /// The catalog asked for; the user's name when the client gave none, as PostgreSQL does.
    pub database: String,
    /// Settings of the startup packet.
    pub settings: Vec<(String, String)>,
    pub backend_pid: i32,
    pub client_address: Option<SocketAddr>,
    pub server_address: Option<SocketAddr>,
    pub encrypted: bool,
}

/// One client's state.
pub struct Session {
    shared: Shared,
    login: Login,
    /// The current catalog: changes with USE.
    catalog: String,
    settings: Settings,
    style: TextStyle,
    transaction: Transaction,
    prepared: PreparedStatements,
    portals: Portals,
    notices: Vec<Notice>,
    listening: Listening,
    temporary: Arc<Temporary>,
    /// The statement whose rows are being sent.
    running: Option<Request>,
    /// Whether the statement that runs is the last of a simple query's text.
    is_last: bool,
}

/// What a client is told besides the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// `NOTICE` or `WARNING`.
    pub severity: &'static str,
    pub sqlstate: &'static str,
    pub message: String,
}

/// What came of a statement, for the protocol to send.
pub enum Execution {
    Rows(Rows),
    Done(Completion),
    CopyOut { rows: RowStream, options: Vec<CopyOption> },
    CopyIn(CopyTarget),
}

impl Session {
    /// A session in the catalog that the client asked for.
    ///
    /// # Errors
    /// 3D000 when there is no such catalog or the user may not know of it, 42501 without USE CATALOG, and
    /// whatever a startup setting is refused with.
    pub fn new(shared: Shared, login: Login) -> Result<Self> {
        let snapshot = shared.engine.metastore().snapshot();
        let access = Access::new(&snapshot, login.principal);
        let catalog = snapshot.catalog(&login.database).filter(|c| access.may_know(c.id));
        let Some(catalog) = catalog else {
            return Err(Error::new(
                ErrorKind::InvalidCatalogName,
                format!("database \"{}\" does not exist", login.database),
            )
            .with_hint("A database is a catalog; the first one is \"main\"."));
        };
        if !access.has(catalog.id, Privilege::UseCatalog) {
            return Err(Error::new(
                ErrorKind::InsufficientPrivilege,
                format!("permission denied for database \"{}\"", login.database),
            )
            .with_detail(format!(
                "The privilege USE CATALOG on catalog {} is missing.",
                catalog.name
            )));
        }
        let mut settings = Settings::new();
        settings.fix("session_authorization", &login.user);
        settings.fix("is_superuser", if access.is_admin() { "on" } else { "off" });
        settings.fix("ssl", if login.encrypted { "on" } else { "off" });
        for (name, value) in &login.settings {
            settings.start_with(name, value)?;
        }
        let temporary = Arc::default();
        Ok(Session {
            catalog: catalog.name.clone(),
            style: settings.text_style(),
            settings,
            transaction: Transaction::new(&temporary),
            prepared: PreparedStatements::new(shared.prepared_statements_max),
            portals: Portals::default(),
            notices: Vec::new(),
            listening: Listening::default(),
            temporary,
            running: None,
            is_last: true,
            shared,
            login,
        })
    }

    /// Every reported setting, for the start of the session.
    pub fn reported_settings(&self) -> Vec<(String, String)> {
        self.settings.reported()
    }

    /// The reported settings that changed since the last call.
    pub fn take_changed_settings(&mut self) -> Vec<(String, String)> {
        self.settings.take_untold()
    }

    /// What the client is to be told before the answer is complete.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    pub fn transaction_status(&self) -> TransactionStatus {
        self.transaction.status()
    }

    /// How values are written as text.
    pub fn text_style(&self) -> &TextStyle {
        &self.style
    }

    /// How long a statement may run.
    pub fn statement_timeout(&self) -> Option<std::time::Duration> {
        self.settings.timeout("statement_timeout")
    }

    /// How long the client may stay silent, and the error that ends the session then.
    pub fn idle_timeout(&self) -> Option<(std::time::Duration, Error)> {
        let idle = |name, kind, message| {
            self.settings.timeout(name).map(|timeout| (timeout, Error::new(kind, message)))
        };
        match self.transaction.status() {
            TransactionStatus::Idle => idle(
                "idle_session_timeout",
                ErrorKind::IdleSessionTimeout,
                "terminating connection due to idle-session timeout",
            ),
            TransactionStatus::Active | TransactionStatus::Failed => idle(
                "idle_in_transaction_session_timeout",
                ErrorKind::IdleInTransactionSessionTimeout,
                "terminating connection due to idle-in-transaction timeout",
            ),
        }
    }

    /// The statements of a text, none of them run.
    pub fn parse_text(&self, text: &str) -> Result<Vec<Parsed>> {
        crate::sql::parse(text, &self.shared.engine.parse_limits())
    }

    pub fn application_name(&self) -> &str {
        self.settings.value("application_name")
    }

    /// When the running transaction began: microseconds since 1970-01-01 UTC.
    pub fn transaction_started_at(&self) -> Option<i64> {
        self.transaction.started_at()
    }

    /// The catalog that names are looked up in.
    pub fn catalog(&self) -> &str {
        &self.catalog
    }

    pub(super) fn notice(&mut self, message: impl Into<String>) {
        self.notices.push(Notice {
            severity: "NOTICE",
            sqlstate: "00000",
            message: message.into(),
        });
    }

    pub(super) fn warning(&mut self, sqlstate: &'static str, message: impl Into<String>) {
        self.notices.push(Notice { severity: "WARNING", sqlstate, message: message.into() });
    }

    /// What a statement that begins now knows of the session.
    fn request(
        &mut self,
        text: &Arc<str>,
        parameters: Vec<Parameter>,
        formats: Vec<i16>,
    ) -> Result<Request> {
        let now = Utc::now().timestamp_micros();
        let work = self.work();
        let snapshot = work.snapshot(self.shared.engine.metastore())?;
        let search_path = self.effective_search_path(&snapshot);
        let facts = Facts::new(FactValues {
            snapshot,
            principal: Some(self.login.principal),
            session_user: self.login.user.clone(),
            current_user: self.login.user.clone(),
            catalog: self.catalog.clone(),
            search_path,
            settings: self.settings.shared(),
            backend_pid: self.login.backend_pid,
            transaction_timestamp: self.transaction.started_at().unwrap_or(now),
            statement_timestamp: now,
            client_address: self.login.client_address,
            server_address: self.login.server_address,
            server_started_at: self.shared.started_at,
            sessions: LiveSessions::new(Arc::clone(&self.shared.registry) as Arc<dyn Sessions>),
            cursors: self.portals.shown(),
            prepared: self.prepared.shown(),
            maintenance: self.shared.engine.maintenance_runs(),
            statistics: self.shared.engine.table_statistics(),
            assignments: Arc::default(),
            notifications: Arc::default(),
            listening: self.listening.channels(),
            locks: Arc::clone(self.shared.engine.locks()),
            copies: Arc::clone(self.shared.engine.copies()),
            lock_timeout: self.settings.timeout("lock_timeout"),
        });
        Ok(Request { facts, work, parameters, text: Arc::clone(text), formats })
    }

    /// The schemas of the search path that exist and that the user may look into.
    fn effective_search_path(&self, snapshot: &Snapshot) -> Vec<String> {
        let Some(catalog) = snapshot.catalog(&self.catalog) else { return Vec::new() };
        let access = Access::new(snapshot, self.login.principal);
        let mut path = Vec::new();
        for name in self.settings.search_path() {
            let name = match name.as_str() {
                "$user" => self.login.user.clone(),
                TEMPORARY_SCHEMA => match snapshot.temporary_schema() {
                    Some(schema) => schema.name.clone(),
                    None => continue,
                },
                _ => name,
            };
            let system = crate::bind::scope::SYSTEM_SCHEMAS.contains(&name.as_str());
            let usable = snapshot
                .schema(catalog.id, &name)
                .is_some_and(|schema| access.has(schema.id, Privilege::UseSchema));
            if (system || usable) && !path.contains(&name) {
                path.push(name);
            }
        }
        path
    }

    /// What other sessions have sent on the channels that this one listens on; outside of transactions only.
    pub fn take_notifications(&self) -> Vec<Notification> {
        match self.transaction.status() {
            TransactionStatus::Idle => self.listening.take(),
            TransactionStatus::Active | TransactionStatus::Failed => Vec::new(),
        }
    }

    /// Waits until there are notifications to take.
    pub async fn notified(&self) {
        match self.transaction.status() {
            TransactionStatus::Idle => self.listening.arrived().await,
            TransactionStatus::Active | TransactionStatus::Failed => std::future::pending().await,
        }
    }

    /// Does what `set_config` and `pg_notify` asked for during a statement.
    fn take_assignments(&mut self, request: &Request) -> Result<()> {
        let assignments = {
            let mut assignments =
                request.facts.assignments.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *assignments)
        };
        for assignment in assignments {
            match assignment.local {
                true => self.settings.set_local(&assignment.name, &assignment.value)?,
                false => self.settings.set(&assignment.name, &assignment.value)?,
            }
            self.style = self.settings.text_style();
        }
        let sent = {
            let mut sent =
                request.facts.notifications.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *sent)
        };
        sent.into_iter().map(Action::Notify).try_for_each(|action| self.listening.add(action))
    }
}
