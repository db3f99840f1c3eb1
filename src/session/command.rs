//! The statements that the session answers itself: settings, transactions, prepared statements, USE.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};

use crate::base::name::quote_identifier;
use crate::base::value::Parameter;
use crate::base::{Error, ErrorKind, Result};
use crate::catalog::Privilege;
use crate::engine::facts::{Notification, check_notification};
use crate::engine::{Completion, Isolation, OutputColumn, RowStream, Work};
use crate::governance::Access;
use crate::sql::statement::{
    Discard, Execute, IsolationLevel, Prepare, SchemaName, SessionStatement, Set, TransactionModes,
    Use,
};

use super::channel::Action;
use super::prepared::Prepared;
use super::transaction::Savepoint;
use super::{Execution, Rows, Session, TransactionStatus};

impl Session {
    pub(super) async fn command(
        &mut self,
        statement: SessionStatement,
        text: &Arc<str>,
        parameters: Vec<Parameter>,
    ) -> Result<Execution> {
        let tag = match statement {
            SessionStatement::Use(target) => self.use_namespace(target)?,
            SessionStatement::Set(set) => self.set(set)?,
            SessionStatement::SetTransaction { modes, for_session } => {
                self.set_transaction(modes, for_session)?
            }
            SessionStatement::Reset(Some(name)) => {
                self.settings.reset(&name)?;
                "RESET"
            }
            SessionStatement::Reset(None) => {
                self.settings.reset_all()?;
                "RESET"
            }
            SessionStatement::ShowSetting(name) => return self.show_setting(name.as_deref()),
            SessionStatement::Begin(modes) => {
                self.begin(modes)?;
                "BEGIN"
            }
            SessionStatement::StartTransaction(modes) => {
                self.begin(modes)?;
                "START TRANSACTION"
            }
            SessionStatement::Commit { and_chain } => self.commit(and_chain).await?,
            SessionStatement::Rollback { and_chain } => self.roll_back(and_chain).await?,
            SessionStatement::Savepoint(name) => self.save(name)?,
            SessionStatement::Release(name) => {
                self.transaction.release(&name)?;
                self.portals.release_to(self.transaction.savepoints());
                "RELEASE"
            }
            SessionStatement::RollbackTo(name) => self.back_to(&name).await?,
            SessionStatement::Prepare(prepare) => self.prepare(prepare, text).await?,
            SessionStatement::Execute(_) => {
                return Err(Error::internal("EXECUTE reached the session's commands"));
            }
            SessionStatement::Deallocate(Some(name)) => match self.prepared.remove(&name) {
                true => "DEALLOCATE",
                false => return Err(super::prepared::unknown(&name)),
            },
            SessionStatement::Deallocate(None) => {
                self.prepared.clear();
                "DEALLOCATE ALL"
            }
            SessionStatement::Discard(discard) => self.discard(discard).await?,
            SessionStatement::Listen(channel) => {
                self.listening.add(Action::Listen(channel))?;
                "LISTEN"
            }
            SessionStatement::Unlisten(channel) => {
                self.listening.add(channel.map_or(Action::UnlistenAll, Action::Unlisten))?;
                "UNLISTEN"
            }
            SessionStatement::Notify { channel, payload } => {
                check_notification(&channel, &payload)?;
                let backend_pid = self.login.backend_pid;
                let notification = Notification { backend_pid, channel, payload };
                self.listening.add(Action::Notify(notification))?;
                "NOTIFY"
            }
            SessionStatement::DeclareCursor(declare) => {
                self.declare_cursor(declare, text, parameters).await?
            }
            SessionStatement::Fetch(fetch) => return self.fetch(fetch).await,
            SessionStatement::CloseCursor(name) => self.close_cursor(name.as_deref())?,
        };
        self.style = self.settings.text_style();
        Ok(Execution::Done(Completion::new(tag)))
    }

    fn use_namespace(&mut self, target: Use) -> Result<&'static str> {
        let snapshot = self.transaction.work().snapshot(self.shared.engine.metastore())?;
        let access = Access::new(&snapshot, self.login.principal);
        let name = match &target {
            Use::Catalog(name) => name,
            Use::Schema(SchemaName { catalog, .. }) => catalog.as_ref().unwrap_or(&self.catalog),
        };
        let catalog = snapshot
            .catalog(name)
            .filter(|catalog| access.may_know(catalog.id))
            .ok_or_else(|| crate::bind::scope::undefined_catalog(name))?;
        if !access.has(catalog.id, Privilege::UseCatalog) {
            return Err(Error::new(
                ErrorKind::InsufficientPrivilege,
                format!("permission denied for catalog {name}"),
            )
            .with_detail(format!("The privilege USE CATALOG on catalog {name} is missing.")));
        }
        if let Use::Schema(SchemaName { schema, .. }) = &target {
            let known = snapshot.schema(catalog.id, schema).filter(|s| access.may_know(s.id));
            let system = crate::bind::scope::SYSTEM_SCHEMAS.contains(&schema.as_str());
            match known {
                Some(known) if !access.has(known.id, Privilege::UseSchema) => {
                    return Err(Error::new(
                        ErrorKind::InsufficientPrivilege,
                        format!("permission denied for schema {schema}"),
                    )
                    .with_detail(format!(
                        "The privilege USE SCHEMA on schema {schema} is missing."
                    )));
                }
                None if !system => return Err(crate::bind::scope::undefined_schema(schema)),
                Some(_) | None => self.settings.set("search_path", &quote_identifier(schema))?,
            }
        }
        self.catalog.clone_from(&catalog.name);
        Ok("USE")
    }

    fn set(&mut self, set: Set) -> Result<&'static str> {
        let Set { local, name, values } = set;
        if name == "role" || name == "session_authorization" {
            return self.set_role(&name, values.as_deref());
        }
        if name == "transaction_isolation" || name == "transaction_read_only" {
            self.in_block("SET TRANSACTION");
        }
        let Some(values) = values else {
            self.settings.reset(&name)?;
            return Ok("SET");
        };
        let value = match name.as_str() {
            // A list is kept as one text, each name quoted where it must be.
            "search_path" => {
                let names: Vec<_> = values.iter().map(|name| quote_identifier(name)).collect();
                names.join(", ")
            }
            _ => values.join(", "),
        };
        if local {
            if self.in_block("SET LOCAL") {
                self.settings.set_local(&name, &value)?;
            }
        } else {
            self.settings.set(&name, &value)?;
        }
        if name == "transaction_read_only" {
            self.transaction.set_read_only(self.settings.is_on(&name));
        }
        Ok("SET")
    }

    /// There is no acting as somebody else yet; going back to oneself is always possible.
    fn set_role(&self, name: &str, values: Option<&[String]>) -> Result<&'static str> {
        match values {
            None => Ok("SET"),
            Some([value]) if value == "none" || value == "default" || *value == self.login.user => {
                Ok("SET")
            }
            Some(_) if name == "role" => Err(Error::unsupported("SET ROLE to another principal")),
            Some(_) => Err(Error::unsupported("SET SESSION AUTHORIZATION to another principal")),
        }
    }

    /// Whether a transaction block is open; warns as PostgreSQL does when none is.
    pub(super) fn in_block(&mut self, statement: &str) -> bool {
        let open = self.transaction.in_block() || self.transaction.is_implicit();
        if !open {
            self.warning("25P01", format!("{statement} can only be used in transaction blocks"));
        }
        open
    }

    fn set_transaction(
        &mut self,
        modes: TransactionModes,
        for_session: bool,
    ) -> Result<&'static str> {
        if for_session {
            if let Some(isolation) = modes.isolation {
                self.settings.set("default_transaction_isolation", isolation_name(isolation))?;
            }
            if let Some(read_only) = modes.read_only {
                self.settings.set("default_transaction_read_only", on_off(read_only))?;
            }
            if let Some(deferrable) = modes.deferrable {
                self.settings.set("default_transaction_deferrable", on_off(deferrable))?;
            }
            return Ok("SET");
        }
        if self.in_block("SET TRANSACTION") {
            self.apply_modes(modes)?;
        }
        Ok("SET")
    }

    fn apply_modes(&mut self, modes: TransactionModes) -> Result<()> {
        if let Some(isolation) = modes.isolation {
            self.settings.set_local("transaction_isolation", isolation_name(isolation))?;
            self.transaction.work().set_isolation(promise(isolation));
        }
        if let Some(deferrable) = modes.deferrable {
            self.settings.set_local("transaction_deferrable", on_off(deferrable))?;
        }
        if let Some(read_only) = modes.read_only {
            self.settings.set_local("transaction_read_only", on_off(read_only))?;
            self.transaction.set_read_only(read_only);
        }
        Ok(())
    }

    /// Has a new transaction keep what `default_transaction_isolation` says.
    pub(super) fn promise_by_default(&self) {
        self.promise_of(&self.transaction.work());
    }

    fn promise_of(&self, work: &Work) {
        let default = self.settings.value("default_transaction_isolation");
        let level = ISOLATION_LEVELS.iter().find(|level| isolation_name(**level) == default);
        if let Some(level) = level {
            work.set_isolation(promise(*level));
        }
    }

    /// The work that a statement is part of, or is alone.
    pub(super) fn work(&self) -> Arc<Work> {
        let work = self.transaction.work();
        if work.is_alone() {
            self.promise_of(&work);
        }
        work
    }

    fn begin(&mut self, modes: TransactionModes) -> Result<()> {
        if self.transaction.in_block() {
            self.warning("25001", "there is already a transaction in progress");
            return Ok(());
        }
        let read_only = self.settings.is_on("default_transaction_read_only");
        self.settings.begin_transaction();
        let new_work = self.new_work();
        self.transaction.begin(read_only, new_work);
        let isolation = self.settings.value("default_transaction_isolation").to_owned();
        self.settings.set_local("transaction_isolation", &isolation)?;
        self.promise_by_default();
        self.settings.set_local("transaction_read_only", on_off(read_only))?;
        self.apply_modes(modes)
    }

    async fn commit(&mut self, and_chain: bool) -> Result<&'static str> {
        let status = self.transaction.status();
        if status == TransactionStatus::Idle {
            self.no_transaction(and_chain, "COMMIT AND CHAIN")?;
            return Ok("COMMIT");
        }
        let modes = self.modes();
        let work = self.transaction.work();
        if status == TransactionStatus::Failed {
            self.settings.roll_back_transaction();
            self.end_block(false, modes)?;
            self.shared.engine.roll_back(&work).await;
            self.chain(and_chain, modes)?;
            return Ok("ROLLBACK");
        }
        // Whatever comes of it, the block has ended.
        let before = self.settings.clone();
        let mut held = self.prepare_commit().await;
        if held.is_ok() {
            held = self.end_temporary().await;
        }
        self.portals.before_commit();
        self.settings.commit_transaction();
        let new_work = self.new_work();
        self.transaction.end(new_work);
        let engine = Arc::clone(&self.shared.engine);
        let committed = match held {
            Ok(()) => engine.commit(work).await,
            Err(error) => {
                engine.roll_back(&work).await;
                Err(error)
            }
        };
        if let Err(error) = committed {
            self.portals.end_transaction();
            self.transaction_over(false);
            self.settings = before;
            self.settings.roll_back_transaction();
            self.style = self.settings.text_style();
            return Err(error);
        }
        self.portals.committed();
        self.transaction_over(true);
        self.chain(and_chain, modes)?;
        Ok("COMMIT")
    }

    async fn roll_back(&mut self, and_chain: bool) -> Result<&'static str> {
        if !self.transaction.in_block() {
            self.no_transaction(and_chain, "ROLLBACK AND CHAIN")?;
            return Ok("ROLLBACK");
        }
        let modes = self.modes();
        let work = self.transaction.work();
        self.settings.roll_back_transaction();
        self.end_block(and_chain, modes)?;
        self.shared.engine.roll_back(&work).await;
        Ok("ROLLBACK")
    }

    fn end_block(&mut self, and_chain: bool, modes: TransactionModes) -> Result<()> {
        let new_work = self.new_work();
        self.transaction.end(new_work);
        self.portals.end_transaction();
        self.transaction_over(false);
        self.chain(and_chain, modes)
    }

    /// AND CHAIN: a new block like the one that has ended.
    fn chain(&mut self, and_chain: bool, modes: TransactionModes) -> Result<()> {
        if and_chain {
            self.begin(modes)?;
        }
        Ok(())
    }

    /// The modes of the open block, for one that follows it.
    fn modes(&self) -> TransactionModes {
        let isolation = self.settings.value("transaction_isolation");
        TransactionModes {
            isolation: ISOLATION_LEVELS
                .into_iter()
                .find(|level| isolation_name(*level) == isolation),
            read_only: Some(self.transaction.is_read_only()),
            deferrable: Some(self.settings.is_on("transaction_deferrable")),
        }
    }

    fn save(&mut self, name: String) -> Result<&'static str> {
        let (work, settings) = (self.transaction.work().mark(), self.settings.mark());
        let locks = self.shared.engine.locks().mark(self.login.backend_pid);
        let actions = self.listening.mark();
        self.transaction.save(Savepoint { name, work, settings, actions, locks })?;
        Ok("SAVEPOINT")
    }

    async fn back_to(&mut self, name: &str) -> Result<&'static str> {
        let Savepoint { name: _, work, settings, actions, locks } =
            self.transaction.back_to(name)?;
        self.listening.rewind(actions);
        self.shared.engine.locks().rewind(self.login.backend_pid, locks);
        self.portals.roll_back_to(self.transaction.savepoints());
        self.settings.rewind(settings);
        self.transaction.work().rewind(&work).await?;
        Ok("ROLLBACK")
    }

    fn no_transaction(&mut self, and_chain: bool, statement: &str) -> Result<()> {
        if and_chain {
            return Err(Error::new(
                ErrorKind::NoActiveSqlTransaction,
                format!("{statement} can only be used in transaction blocks"),
            ));
        }
        self.warning("25P01", "there is no transaction in progress");
        Ok(())
    }

    async fn prepare(&mut self, prepare: Prepare, text: &Arc<str>) -> Result<&'static str> {
        let Prepare { name, parameter_types, statement } = prepare;
        self.prepared.check_free(&name)?;
        let declared = super::extended::declared_types(&parameter_types)?;
        let request = self.request(text, Vec::new(), Vec::new())?;
        let engine = Arc::clone(&self.shared.engine);
        let (parameters, columns) =
            super::extended::describe(&engine, &statement, &declared, &request).await?;
        let prepared = Prepared {
            statement: Some(*statement),
            text: Arc::clone(text),
            parameters,
            columns,
            from_sql: true,
        };
        self.prepared.insert(&name, prepared)?;
        Ok("PREPARE")
    }

    pub(super) async fn execute_prepared(
        &mut self,
        execute: Execute,
        text: &Arc<str>,
        formats: Vec<i16>,
    ) -> Result<Execution> {
        let prepared = self.prepared.get(&execute.name)?;
        let values = self.argument_values(&execute, &prepared, text)?;
        let Some(statement) = prepared.statement.clone() else {
            return Ok(Execution::Done(Completion::new("EXECUTE")));
        };
        let text = Arc::clone(&prepared.text);
        Box::pin(self.execute(statement, &text, values, formats)).await
    }

    /// The values that EXECUTE gives a prepared statement's parameters.
    pub(super) fn argument_values(
        &mut self,
        execute: &Execute,
        prepared: &Prepared,
        text: &Arc<str>,
    ) -> Result<Vec<Parameter>> {
        if execute.arguments.len() != prepared.parameters.len() {
            return Err(Error::new(
                ErrorKind::SyntaxError,
                format!("wrong number of parameters for prepared statement \"{}\"", execute.name),
            )
            .with_detail(format!(
                "Expected {} parameters but got {}.",
                prepared.parameters.len(),
                execute.arguments.len()
            )));
        }
        let request = self.request(text, Vec::new(), Vec::new())?;
        let pairs = execute.arguments.iter().zip(&prepared.parameters);
        pairs
            .map(|(argument, pg_type)| self.shared.engine.constant(argument, *pg_type, &request))
            .collect()
    }

    async fn discard(&mut self, discard: Discard) -> Result<&'static str> {
        match discard {
            Discard::All => {
                if self.transaction.in_block() || self.transaction.is_implicit() {
                    return Err(Error::new(
                        ErrorKind::ActiveSqlTransaction,
                        "DISCARD ALL cannot run inside a transaction block",
                    ));
                }
                self.portals.clear();
                self.prepared.clear();
                self.listening.add(Action::UnlistenAll)?;
                self.shared.engine.locks().unlock_all(self.login.backend_pid);
                self.settings.reset_all()?;
                self.discard_temporary().await?;
                Ok("DISCARD ALL")
            }
            Discard::Plans => Ok("DISCARD PLANS"),
            Discard::Sequences => Ok("DISCARD SEQUENCES"),
            Discard::Temporary => {
                self.discard_temporary().await?;
                Ok("DISCARD TEMP")
            }
        }
    }

    fn show_setting(&self, name: Option<&str>) -> Result<Execution> {
        let columns = self.setting_columns(name)?;
        let values: Vec<Vec<String>> = match name {
            Some(name) => vec![vec![self.settings.show(name)?.value.clone()]],
            None => vec![
                self.settings.all().map(|fact| fact.name.clone()).collect(),
                self.settings.all().map(|fact| fact.value.clone()).collect(),
                self.settings.all().map(|fact| fact.description.to_owned()).collect(),
            ],
        };
        let arrays =
            values.into_iter().map(|values| Arc::new(StringArray::from(values)) as ArrayRef);
        let fields: Vec<Field> = columns.iter().map(|column| column.field.clone()).collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays.collect())
            .map_err(|error| Error::internal("SHOW made no batch").caused_by(error))?;
        let stream = RowStream::ready(columns, vec![batch]);
        Ok(Execution::Rows(Rows::new(stream, "SHOW")))
    }

    /// SHOW names its column as the setting is documented.
    pub(super) fn setting_columns(&self, name: Option<&str>) -> Result<Arc<[OutputColumn]>> {
        let names = match name {
            Some(name) => vec![self.settings.show(name)?.name.as_str()],
            None => vec!["name", "setting", "description"],
        };
        let fields = names.into_iter().map(|name| Field::new(name, DataType::Utf8, false));
        fields.map(OutputColumn::computed).collect()
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// What a level promises. Nobody reads what is not committed, as in PostgreSQL.
fn promise(isolation: IsolationLevel) -> Isolation {
    match isolation {
        IsolationLevel::ReadUncommitted | IsolationLevel::ReadCommitted => Isolation::ReadCommitted,
        IsolationLevel::RepeatableRead => Isolation::Snapshot,
        IsolationLevel::Serializable => Isolation::Serializable,
    }
}

const ISOLATION_LEVELS: [IsolationLevel; 4] = [
    IsolationLevel::ReadUncommitted,
    IsolationLevel::ReadCommitted,
    IsolationLevel::RepeatableRead,
    IsolationLevel::Serializable,
];

fn isolation_name(isolation: IsolationLevel) -> &'static str {
    match isolation {
        IsolationLevel::ReadUncommitted => "read uncommitted",
        IsolationLevel::ReadCommitted => "read committed",
        IsolationLevel::RepeatableRead => "repeatable read",
        IsolationLevel::Serializable => "serializable",
    }
}
