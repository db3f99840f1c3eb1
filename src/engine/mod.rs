//! Authorized statements to streams of rows: planning, execution, memory. It owns no names and no sockets.

mod admission;
pub mod advisory;
mod alter;
mod analyze;
mod awaited;
mod barrier;
mod columns;
mod comparison;
mod conflict;
mod constant;
mod context;
mod ddl;
mod dependent;
mod dml;
mod error;
mod evolution;
mod explain;
pub mod facts;
mod files;
mod filled_columns;
mod function;
mod grants;
mod grouped_key;
mod index;
mod insert;
mod interruption;
mod joint_commit;
mod kept;
mod key;
mod length;
mod maintenance;
mod materialized;
mod memory;
mod open;
pub mod output;
mod plan_rewrite;
mod planner;
mod progress;
mod query;
mod returning;
mod rule;
mod runtime;
mod several_keys;
mod setval;
mod shared;
mod show;
mod storage;
mod stream;
mod system;
mod tables;
mod temporary;
mod transaction;
mod truncate;
mod upkeep;
mod with;
mod work;
mod yielding;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::base::datatype::PgType;
use crate::base::limits::Limits;
use crate::base::seal::SealingKey;
use crate::base::value::Parameter;
use crate::base::{Error, ErrorKind, Result};
use crate::bind::{BoundStatement, Scope, bind};
use crate::catalog::{Metastore, Relation};
use crate::delta::{Tables, TablesOptions};
use crate::governance::{Access, Authorized, authorize};
use crate::sql::statement::CopyOption;
use crate::sql::{ParseLimits, Statement};
use crate::storage::{Location, StoreOptions, Stores};

use admission::Admission;
use advisory::AdvisoryLocks;
use analyze::Analyzed;
use awaited::Waiting;
use context::Context;
use facts::Facts;
use progress::RunningCopies;
use runtime::CpuRuntime;
use shared::Shared;
use upkeep::Upkeep;

pub use crate::delta::change::Isolation;
pub use insert::CopySink;
pub use kept::KeptRows;
pub use output::OutputColumn;
pub use stream::RowStream;
pub use temporary::Temporary;
pub use upkeep::UpkeepPolicy;
pub use work::{Mark, Work};

/// Everything that runs statements; one for the whole server.
pub struct Engine {
    metastore: Arc<Metastore>,
    stores: Arc<Stores>,
    tables: Arc<Tables>,
    context: Context,
    shared: Shared,
    cpu: CpuRuntime,
    admission: Arc<Admission>,
    limits: Limits,
    /// Where managed tables lie, each in a folder named by a UUID.
    managed_root: Location,
    /// What the secrets of the metastore are sealed with.
    key: SealingKey,
    locks: Arc<AdvisoryLocks>,
    copies: Arc<RunningCopies>,
    upkeep: Upkeep,
    analyzed: Analyzed,
    /// Held while the stores are told of the places that data may lie in.
    places: Mutex<()>,
}

/// Where the engine keeps what it writes.
pub struct EngineOptions {
    pub limits: Limits,
    pub key: SealingKey,
    /// Threads that execute plans.
    pub threads: usize,
    pub managed_root: Location,
    /// A folder on a local disk, for what does not fit in memory.
    pub spill_directory: PathBuf,
}

/// What a session asks of the engine.
#[derive(Debug, Clone)]
pub struct Request {
    pub facts: Facts,
    /// The transaction's work; fresh for a statement on its own.
    pub work: Arc<Work>,
    /// The values of `$1`, `$2`, ….
    pub parameters: Vec<Parameter>,
    /// The whole text that the client sent, which positions in errors count in.
    pub text: Arc<str>,
    /// The result formats that the client asked for, as in Bind: none is text for all, one is for all.
    pub formats: Vec<i16>,
}

/// What came of a statement.
#[derive(Debug)]
pub enum Outcome {
    /// Rows, and the first word of the tag that ends them: `SELECT`, `SHOW`.
    Rows {
        rows: RowStream,
        tag: &'static str,
    },
    Done(Completion),
    CopyOut {
        rows: RowStream,
        options: Vec<CopyOption>,
    },
    CopyIn(CopyTarget),
}

/// A statement that gives no rows, done.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// `INSERT 0 5`, `CREATE TABLE`.
    pub tag: String,
    pub notices: Vec<String>,
    /// What was not done, and stopped nothing else.
    pub warnings: Vec<String>,
}

/// A table that waits for the rows of a COPY.
#[derive(Debug)]
pub struct CopyTarget {
    pub table: Arc<Relation>,
    pub options: Vec<CopyOption>,
    pub sink: CopySink,
}

/// What a statement takes and gives, found without running it.
#[derive(Debug, Clone)]
pub struct Description {
    pub parameters: Vec<PgType>,
    /// `None` for a statement without rows.
    pub columns: Option<Arc<[OutputColumn]>>,
}

impl Completion {
    pub fn new(tag: impl Into<String>) -> Self {
        Completion { tag: tag.into(), notices: Vec::new(), warnings: Vec::new() }
    }

    fn with_notices(tag: impl Into<String>, notices: Vec<String>) -> Self {
        Completion { notices, ..Completion::new(tag) }
    }
}

impl Outcome {
    /// The outcome, for whose work `waiting` stands until it is over.
    fn waited_for(self, waiting: Waiting) -> Self {
        match self {
            Outcome::Rows { rows, tag } => Outcome::Rows { rows: rows.waited_for(waiting), tag },
            Outcome::CopyOut { rows, options } => {
                Outcome::CopyOut { rows: rows.waited_for(waiting), options }
            }
            Outcome::CopyIn(CopyTarget { table, options, sink }) => {
                Outcome::CopyIn(CopyTarget { table, options, sink: sink.waited_for(waiting) })
            }
            Outcome::Done(completion) => Outcome::Done(completion),
        }
    }
}

impl From<Completion> for Outcome {
    fn from(completion: Completion) -> Self {
        Outcome::Done(completion)
    }
}

/// Execution threads beyond one for each partition: an operator that computes for long without yielding (a
/// join without an equality does, until nobody waits for it) must not keep other statements from running.
const SPARE_THREADS: usize = 4;

impl Engine {
    pub fn new(metastore: Arc<Metastore>, options: EngineOptions) -> Result<Arc<Self>> {
        let EngineOptions { limits, key, threads, managed_root, spill_directory } = options;
        let stores = Arc::new(Stores::with_options(StoreOptions::new(&limits)));
        let registry = Arc::clone(&stores);
        let engine = Engine {
            metastore,
            tables: Arc::new(Tables::new(Arc::clone(&stores), TablesOptions::default())),
            context: Context::new(&limits, threads, registry, &spill_directory)?,
            shared: Shared::new(limits.shared_plans_max),
            cpu: CpuRuntime::new(threads + SPARE_THREADS)?,
            admission: Arc::new(Admission::new(&limits)),
            stores,
            limits,
            managed_root,
            key,
            locks: Arc::default(),
            copies: Arc::default(),
            upkeep: Upkeep::default(),
            analyzed: Analyzed::default(),
            places: Mutex::default(),
        };
        engine.refresh_places()?;
        Ok(Arc::new(engine))
    }

    /// The object stores that tables lie in.
    pub fn stores(&self) -> &Arc<Stores> {
        &self.stores
    }

    /// The metastore that names are looked up in.
    pub fn metastore(&self) -> &Arc<Metastore> {
        &self.metastore
    }

    /// The advisory locks of all sessions.
    pub fn locks(&self) -> &Arc<AdvisoryLocks> {
        &self.locks
    }

    /// Every COPY that is running.
    pub fn copies(&self) -> &Arc<RunningCopies> {
        &self.copies
    }

    /// Working memory that queries hold now, in bytes.
    pub fn memory_used(&self) -> usize {
        self.context.memory_used()
    }

    /// The road of one statement: bound, authorized, planned, run. Dropping the future, or the rows that it
    /// gives, stops the work.
    pub async fn run(self: &Arc<Self>, statement: Statement, request: &Request) -> Result<Outcome> {
        request.work.begin_statement();
        let waiting = Waiting::new();
        let facts = request.facts.watched(waiting.watch());
        let request = Request { facts, ..request.clone() };
        let outcome = self.start(statement, &request).await?;
        Ok(outcome.waited_for(waiting))
    }

    async fn start(self: &Arc<Self>, statement: Statement, request: &Request) -> Result<Outcome> {
        let authorized = self.authorize(statement, request)?;
        let principal = authorized.principal();
        match authorized.into_statement() {
            BoundStatement::With(with) => Box::pin(self.run_parts(*with, request)).await,
            BoundStatement::Query(query) => {
                let rows = self.query(query, request).await?;
                Ok(Outcome::Rows { rows, tag: "SELECT" })
            }
            BoundStatement::Explain(explain) => {
                let rows = self.explain(explain, request).await?;
                Ok(Outcome::Rows { rows, tag: "EXPLAIN" })
            }
            BoundStatement::CopyOut { query, options } => {
                let rows = self.query(query, request).await?;
                Ok(Outcome::CopyOut { rows, options })
            }
            BoundStatement::CopyIn { table, columns, options, predicate } => {
                let rows = (columns, predicate);
                self.copy_in(table, rows, options, request).await.map(Outcome::CopyIn)
            }
            BoundStatement::CopyInto(copy) => Box::pin(self.copy_into(*copy, request)).await,
            BoundStatement::ConvertToDelta(convert) => {
                Ok(Box::pin(self.convert(*convert, request)).await?.into())
            }
            BoundStatement::Show(show) => {
                let rows = self.show(show, request).await?;
                Ok(Outcome::Rows { rows, tag: "SHOW" })
            }
            BoundStatement::Insert(insert) => self.insert(insert, request).await,
            BoundStatement::Update(update) => self.update(update, request).await,
            BoundStatement::Delete(delete) => self.delete(delete, request).await,
            BoundStatement::Merge(merge) => self.merge(merge, request).await,
            BoundStatement::SetValue(query) => self.set_value(query, principal, request).await,
            BoundStatement::Truncate(truncate) => {
                Ok(self.truncate(truncate, request).await?.into())
            }
            BoundStatement::CreateTable(create) => {
                Ok(self.create_table(*create, principal, request).await?.into())
            }
            BoundStatement::AlterTable { table, action, target, tag } => {
                let altered = self.alter_table(table, action, target, request).await?;
                Ok(Completion { tag: tag.to_owned(), ..altered }.into())
            }
            BoundStatement::Refresh(refresh) => Ok(self.refresh(refresh, request).await?.into()),
            BoundStatement::CreateView(create) => {
                Ok(self.create_view(create, principal, request).await?.into())
            }
            BoundStatement::AlterView { view, action } => {
                Ok(self.alter_view(view, action, request).await?.into())
            }
            BoundStatement::Index(statement) => {
                Ok(self.change_index(*statement, request).await?.into())
            }
            BoundStatement::Maintenance(statement) => self.maintain(*statement, request).await,
            BoundStatement::VacuumAll => Ok(self.vacuum_all(principal, request).await?.into()),
            BoundStatement::Analyze(tables) => {
                Ok(self.analyze(tables, principal, request).await?.into())
            }
            BoundStatement::Storage(statement) => {
                Ok(self.change_storage(*statement, principal, request).await?.into())
            }
            other => Ok(self.change_catalog(other, principal, request).await?.into()),
        }
    }

    /// What a statement takes and gives. `declared` are the types of the first parameters, `None` where
    /// they are to be inferred.
    pub async fn describe(
        self: &Arc<Self>,
        statement: Statement,
        declared: &[Option<PgType>],
        request: &Request,
    ) -> Result<Description> {
        let authorized = self.authorize(statement, request)?;
        self.description(authorized.into_statement(), declared, request).await
    }

    /// The value of an expression without columns, as a parameter of the type.
    pub fn constant(
        &self,
        expression: &sqlparser::ast::Expr,
        pg_type: PgType,
        request: &Request,
    ) -> Result<Parameter> {
        let state = self.context.statement(&request.facts);
        let value = constant::evaluate(&state, expression)?;
        let field = query::parameter_field(pg_type);
        // A number keeps the digits that it has: `numeric` has no scale of its own.
        if field.data_type().is_decimal() && value.data_type().is_decimal() {
            return Ok(Parameter { value, pg_type });
        }
        let value = value.cast_to(field.data_type()).map_err(error::from_datafusion)?;
        Ok(Parameter { value, pg_type })
    }

    fn authorize(&self, statement: Statement, request: &Request) -> Result<Authorized> {
        let facts = &request.facts;
        let principal = facts.principal.ok_or_else(|| {
            Error::new(ErrorKind::InvalidAuthorizationSpecification, "nobody is logged in")
        })?;
        let snapshot = &facts.snapshot;
        let visible = |who, what| Access::new(snapshot, who).may_know(what);
        let scope = Scope {
            snapshot,
            principal,
            catalog: facts.catalog.clone(),
            search_path: facts.search_path.clone(),
            temporary: true,
            visible: &visible,
            system: &system::exists,
            view_depth_max: self.limits.view_depth_max,
            parse_limits: self.parse_limits(),
        };
        authorize(bind(statement, &scope)?, principal)
    }

    /// The bounds on statement texts.
    pub fn parse_limits(&self) -> ParseLimits {
        ParseLimits {
            statement_bytes_max: self.limits.statement_bytes_max,
            statement_depth_max: self.limits.statement_depth_max,
        }
    }
}
