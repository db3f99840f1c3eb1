//! INSERT and COPY FROM: rows from a query or from the client into a table's columns.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, DataFusionError, ScalarValue, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::functions::math::expr_fn::round;
use datafusion::logical_expr::{
    Cast, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, cast, ident, lit,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;
use std::sync::{Mutex, PoisonError};
use tokio::sync::mpsc;

use crate::base::datatype::{NO_TYPMOD, PgType, pg_type_of};
use crate::base::{Error, ErrorKind, ErrorObject, Result};
use crate::bind::bound::{BoundExpression, BoundInsert, BoundReplaced};
use crate::catalog::{Relation, Snapshot};
use crate::delta::TableVersion;
use crate::delta::change::{self, Changed};
use crate::sql::statement::{ColumnName, CopyOption, Overriding};
use crate::sql::{DefaultValue, KeptColumns, default_expression};

use super::admission::Place;
use super::awaited::Waiting;
use super::conflict::ProposedRows;
use super::error::from_datafusion;
use super::length::{enforce_length, enforce_oid};
use super::open::location_of;
use super::progress::{CopyGuard, CopySource};
use super::returning::Returning;
use super::runtime::Running;
use super::{CopyTarget, Engine, Outcome, Request};

/// Batches from the client that may wait for the writer.
const BATCHES_WAITING_MAX: usize = 4;

impl Engine {
    pub(super) async fn insert(
        self: &Arc<Self>,
        insert: BoundInsert,
        request: &Request,
    ) -> Result<Outcome> {
        if insert.evolves_schema {
            return self.insert_evolving(insert, request).await;
        }
        self.insert_once(insert, request).await
    }

    pub(super) async fn insert_once(
        self: &Arc<Self>,
        insert: BoundInsert,
        request: &Request,
    ) -> Result<Outcome> {
        let place = Place::take(&self.admission).await?;
        let (engine, running) = (Arc::clone(self), request.clone());
        let (changed, returning) =
            self.cpu.run(async move { engine.insert_rows(insert, &running).await }).await?;
        // Rows that ON CONFLICT updates count too.
        self.outcome("INSERT 0", changed.inserted + changed.updated, returning, place).await
    }

    async fn insert_rows(
        &self,
        insert: BoundInsert,
        request: &Request,
    ) -> Result<(Changed, Option<Returning>)> {
        let version = self.open_newest(&insert.table, &request.work).await?;
        let (insert, numbered) = without_defaults(insert, &version)?;
        let BoundInsert {
            table,
            alias,
            columns,
            source,
            by_name,
            evolves_schema: _,
            overriding,
            replaced,
            on_conflict,
            returning,
        } = insert;
        let location = location_of(&table)?;
        let mut targets = target_columns(&table, &version.schema(), &columns)?;
        let (state, input, mut planned_version) = match source {
            Some(query) => {
                let reads_itself = reads(&query.relations, &table);
                let planned = self.plan(query, request).await?;
                if by_name {
                    let names = planned.columns()?.into_iter();
                    let names =
                        names.map(|column| ColumnName { name: column.name, position: None });
                    targets =
                        target_columns(&table, &version.schema(), &names.collect::<Vec<_>>())?;
                }
                let flags = numbered.iter().map(|column| flag_field(column));
                let all: Vec<FieldRef> = targets.iter().cloned().chain(flags).collect();
                let input = assigned(planned.plan, &all)?;
                let input = overridden(input, overriding, &version)?;
                (planned.state, input, reads_itself.then(|| version.version()))
            }
            None => {
                // DEFAULT VALUES: one row of which nothing is given.
                let row = LogicalPlanBuilder::empty(true).build().map_err(from_datafusion)?;
                (self.context.statement(&request.facts), row, None)
            }
        };
        if let Some(conflict) = on_conflict {
            let rows = ProposedRows { state, input, planned_version };
            let target = (&table, alias.as_str(), &version);
            return self.insert_or_update(conflict, target, rows, returning, request).await;
        }
        let replaced_all = matches!(replaced, BoundReplaced::All);
        let predicate = match replaced {
            BoundReplaced::Where(predicate) => {
                if reads(&predicate.relations, &table) {
                    planned_version = Some(version.version());
                }
                let of = (alias.as_str(), &version);
                Some(self.row_predicate(&state, request, of, *predicate).await?)
            }
            BoundReplaced::None | BoundReplaced::All => None,
        };
        let mut ctx = self.change_context(state, request, planned_version);
        let returning = self.returning(returning, &table, &version, &mut ctx, request).await?;
        let outcome = match (predicate, replaced_all) {
            (Some(rows), _) => change::replace_where(&ctx, &location, rows, input).await,
            (None, true) => change::overwrite(&ctx, &location, input).await,
            (None, false) => change::append(&ctx, &location, input).await,
        };
        let changed =
            outcome.map_err(|error| name_relation(error, &table, &request.facts.snapshot))?;
        Ok((changed, returning))
    }

    /// Opens a table for the rows of a COPY.
    pub(super) async fn copy_in(
        self: &Arc<Self>,
        table: Arc<Relation>,
        (columns, predicate): (Vec<ColumnName>, Option<BoundExpression>),
        options: Vec<CopyOption>,
        request: &Request,
    ) -> Result<CopyTarget> {
        let admitted = self.admission.enter().await?;
        let location = location_of(&table)?;
        let version = self.open_newest(&table, &request.work).await?;
        version.check_writable()?;
        let targets = target_columns(&table, &version.schema(), &columns)?;
        let schema: SchemaRef = Arc::new(Schema::new(targets.clone()));
        let (sender, receiver) = mpsc::channel(BATCHES_WAITING_MAX);
        let rows = ClientRows { schema: Arc::clone(&schema), receiver: Mutex::new(Some(receiver)) };
        let streaming = StreamingTable::try_new(Arc::clone(&schema), vec![Arc::new(rows)])
            .map_err(from_datafusion)?;
        let state = self.context.statement(&request.facts);
        let named = (table.name.as_str(), &version);
        let predicate = self.predicate(&state, request, named, predicate).await?;
        let name = TableReference::bare(table.name.as_str());
        let scan = LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(streaming)), None);
        let scan = match predicate {
            None => scan,
            Some(predicate) => {
                check_condition(&predicate, &schema)?;
                scan.and_then(|scan| scan.filter(predicate))
            }
        };
        let scan = scan.and_then(LogicalPlanBuilder::build).map_err(from_datafusion)?;
        let input = assigned(scan, &targets)?;
        let ctx = self.change_context(state, request, None);
        let (named, snapshot) = (Arc::clone(&table), Arc::clone(&request.facts.snapshot));
        let task = self.cpu.spawn(async move {
            let _admitted = admitted;
            let outcome = change::append(&ctx, &location, input).await;
            outcome.map_err(|error| name_relation(error, &named, &snapshot))
        });
        let progress = self.copies.begin(request.facts.backend_pid, table.id, CopySource::Pipe);
        let sink = CopySink { schema, sender: Some(sender), task, progress, _waiting: None };
        Ok(CopyTarget { table, options, sink })
    }
}

/// The condition of a COPY sees the values that come; those that the table gives are not there yet.
fn check_condition(predicate: &Expr, schema: &Schema) -> Result<()> {
    let is_query = |part: &Expr| {
        matches!(
            part,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::SetComparison(_)
        )
    };
    if holds(predicate, is_query)? {
        let message = "cannot use subquery in COPY FROM WHERE condition";
        return Err(Error::new(ErrorKind::FeatureNotSupported, message));
    }
    let refused = |kind, what: &str| {
        let message = format!("{what} functions are not allowed in COPY FROM WHERE conditions");
        Err(Error::new(kind, message))
    };
    if holds(predicate, |part| matches!(part, Expr::AggregateFunction(_)))? {
        return refused(ErrorKind::GroupingError, "aggregate");
    }
    if holds(predicate, |part| matches!(part, Expr::WindowFunction(_)))? {
        return refused(ErrorKind::WindowingError, "window");
    }
    let columns = predicate.column_refs();
    match columns.iter().find(|column| schema.index_of(&column.name).is_err()) {
        None => Ok(()),
        Some(column) => Err(Error::unsupported(format!(
            "COPY … WHERE with column \"{}\", which it does not fill",
            column.name
        ))),
    }
}

fn holds(expression: &Expr, is_wanted: impl Fn(&Expr) -> bool) -> Result<bool> {
    expression.exists(|part| Ok(is_wanted(part))).map_err(from_datafusion)
}

/// Takes the rows of a COPY. Nothing is committed before [`CopySink::finish`]; dropping it gives all up.
pub struct CopySink {
    schema: SchemaRef,
    sender: Option<mpsc::Sender<ClientMessage>>,
    task: Running<Changed>,
    progress: CopyGuard,
    /// Whoever holds the sink waits for the writer.
    _waiting: Option<Waiting>,
}

/// What the writer of a COPY is told. Silence is no end: a writer whose client was cut off must not take the
/// rows that it has got for all of them.
enum ClientMessage {
    Rows(RecordBatch),
    /// There are no more rows.
    End,
}

impl CopySink {
    pub(super) fn waited_for(self, waiting: Waiting) -> Self {
        CopySink { _waiting: Some(waiting), ..self }
    }

    /// The columns that batches must have.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Counts what the client has sent.
    pub fn received(&self, bytes: usize) {
        self.progress.copy.add_bytes(bytes as u64);
    }

    /// Hands rows to the writer, waiting while it has enough. When the writer has failed, its error.
    pub async fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        if self.tell(ClientMessage::Rows(batch)).await {
            self.progress.copy.add_rows(rows);
            return Ok(());
        }
        self.sender = None;
        match self.task.outcome().await {
            Ok(_) => Err(Error::internal("the writer of a COPY ended early")),
            Err(error) => Err(error),
        }
    }

    /// Commits the rows; their number.
    pub async fn finish(mut self) -> Result<u64> {
        // A writer that is gone has failed, and its outcome says why.
        self.tell(ClientMessage::End).await;
        Ok(self.task.outcome().await?.inserted)
    }

    /// `false` when the writer is gone.
    async fn tell(&self, message: ClientMessage) -> bool {
        match &self.sender {
            Some(sender) => sender.send(message).await.is_ok(),
            None => false,
        }
    }
}

impl fmt::Debug for CopySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopySink").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// The rows that a client sends, as a source that can be read once.
struct ClientRows {
    schema: SchemaRef,
    receiver: Mutex<Option<mpsc::Receiver<ClientMessage>>>,
}

impl fmt::Debug for ClientRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientRows")
    }
}

impl PartitionStream for ClientRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _ctx: Arc<TaskContext>) -> SendableRecordBatchStream {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
        let rows = stream::unfold(receiver, |receiver| async move {
            let Some(mut receiver) = receiver else {
                // The table has changed its columns since, and the rows would be needed again.
                let twice = Error::new(
                    ErrorKind::SerializationFailure,
                    "could not serialize access due to concurrent update",
                )
                .with_detail("The table was altered while rows were copied into it.")
                .with_hint("Run the COPY again.");
                return Some((Err(DataFusionError::External(Box::new(twice))), None));
            };
            match receiver.recv().await {
                Some(ClientMessage::Rows(batch)) => Some((Ok(batch), Some(receiver))),
                Some(ClientMessage::End) => None,
                None => {
                    let given_up = Error::new(ErrorKind::QueryCanceled, "the COPY was given up");
                    Some((Err(DataFusionError::External(Box::new(given_up))), Some(receiver)))
                }
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows))
    }
}

/// The same INSERT without DEFAULT in its VALUES: columns that say nothing else are as if they were not
/// named. Then the identity columns that the table numbers in some rows: flags for them follow the columns.
pub(super) fn without_defaults(
    mut insert: BoundInsert,
    version: &TableVersion,
) -> Result<(BoundInsert, Vec<String>)> {
    let schema = version.schema();
    let all = || schema.fields().iter().map(|field| field.name().clone());
    let names: Vec<ColumnName> = match insert.columns.is_empty() {
        true => all().map(|name| ColumnName { name, position: None }).collect(),
        false => insert.columns.clone(),
    };
    let overriding = insert.overriding;
    let Some(query) = &mut insert.source else { return Ok((insert, Vec::new())) };
    let name = |place: usize| names.get(place).map(|column| column.name.as_str());
    let value = |place: usize| {
        let name = name(place).unwrap_or_default();
        if version.is_generated(name) {
            let what = format!("cannot insert a non-DEFAULT value into column \"{name}\"");
            return Err(Error::new(ErrorKind::GeneratedAlways, what)
                .with_detail(format!("Column \"{name}\" is a generated column.")));
        }
        match version.identity_of(name) {
            Some(identity) if !identity.takes_values && overriding.is_none() => {
                Err(change::only_default(name))
            }
            Some(_) => Ok(DefaultValue::Number),
            None => {
                let default = version.default_of(name);
                default_expression(default.as_deref().unwrap_or("NULL"))
                    .map(|expression| DefaultValue::Expression(Box::new(expression)))
            }
        }
    };
    let mut numbered = Vec::new();
    if let Some(columns) = crate::sql::without_defaults(&mut query.ast, value)? {
        let KeptColumns { kept, numbered: places } = columns;
        if kept.is_empty() {
            insert.source = None;
        }
        numbered.extend(places.into_iter().filter_map(name).map(str::to_owned));
        insert.columns = kept.into_iter().filter_map(|place| names.get(place).cloned()).collect();
    }
    Ok((insert, numbered))
}

/// The column of new rows that says where the table numbers an identity column.
fn flag_field(column: &str) -> FieldRef {
    Arc::new(Field::new(change::numbered(column), DataType::Boolean, false))
}

/// The rows without the values that the table makes itself, or with what lets it take them.
fn overridden(
    input: LogicalPlan,
    overriding: Option<Overriding>,
    version: &TableVersion,
) -> Result<LogicalPlan> {
    let Some(overriding) = overriding else { return Ok(input) };
    let schema = version.schema();
    let identities = schema.fields().iter().map(|field| field.name().as_str());
    let identities: Vec<&str> =
        identities.filter(|name| version.identity_of(name).is_some()).collect();
    let given: Vec<String> =
        input.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut values: Vec<Expr> = Vec::with_capacity(given.len());
    for name in &given {
        let of_user = identities.iter().any(|identity| {
            overriding == Overriding::User
                && (name == identity || *name == change::numbered(identity))
        });
        if !of_user {
            values.push(ident(name));
        }
    }
    if overriding == Overriding::System {
        for identity in identities {
            let flag = change::numbered(identity);
            if given.iter().any(|name| name == identity) && !given.contains(&flag) {
                values.push(lit(false).alias(flag));
            }
        }
    }
    LogicalPlanBuilder::from(input)
        .project(values)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_datafusion)
}

/// Whether a query reads the table at all, views looked through.
pub(super) fn reads(relations: &crate::bind::bound::Relations, table: &Relation) -> bool {
    use crate::bind::BoundRelation;
    relations.values().any(|relation| match relation {
        BoundRelation::Table { relation, time_travel: None, .. } => relation.id == table.id,
        BoundRelation::View { query, .. } => reads(&query.relations, table),
        BoundRelation::Table { time_travel: Some(_), .. }
        | BoundRelation::System { .. }
        | BoundRelation::Files(_)
        | BoundRelation::WithItem(_) => false,
    })
}

/// The table's columns that the statement names, or all of them.
pub(super) fn target_columns(
    table: &Relation,
    schema: &Schema,
    columns: &[ColumnName],
) -> Result<Vec<FieldRef>> {
    if columns.is_empty() {
        return Ok(schema.fields().iter().map(Arc::clone).collect());
    }
    let mut targets: Vec<FieldRef> = Vec::with_capacity(columns.len());
    for column in columns {
        let field = target_column(table, schema, column)?;
        if targets.iter().any(|known| known.name() == field.name()) {
            return Err(Error::new(
                ErrorKind::DuplicateColumn,
                format!("column \"{}\" specified more than once", column.name),
            )
            .at_if(column.position));
        }
        targets.push(field);
    }
    Ok(targets)
}

/// A column of the table, or 42703.
pub(super) fn target_column(
    table: &Relation,
    schema: &Schema,
    column: &ColumnName,
) -> Result<FieldRef> {
    let found = schema.fields().iter().find(|field| *field.name() == column.name);
    found.map(Arc::clone).ok_or_else(|| {
        Error::new(
            ErrorKind::UndefinedColumn,
            format!("column \"{}\" of relation \"{}\" does not exist", column.name, table.name),
        )
        .at_if(column.position)
    })
}

/// The rows of `input`, its columns in order assigned to `targets`.
pub(super) fn assigned(input: LogicalPlan, targets: &[FieldRef]) -> Result<LogicalPlan> {
    let given = input.schema().columns();
    if given.len() > targets.len() {
        return Err(Error::new(
            ErrorKind::SyntaxError,
            "INSERT has more expressions than target columns",
        ));
    }
    // PostgreSQL leaves the last columns to their defaults when an unnamed list is short.
    let literal = is_literal(&input);
    let schema = Arc::clone(input.schema());
    let pairs = given.into_iter().zip(targets);
    let expressions = pairs
        .enumerate()
        .map(|(index, (column, target))| {
            let literal = literal || is_untyped(&input, index);
            assignment(Expr::Column(column), target, &schema, literal)
        })
        .collect::<Result<Vec<_>>>()?;
    LogicalPlanBuilder::from(input)
        .project(expressions)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_datafusion)
}

/// Whether a plan's texts are literals of unknown type, as in VALUES, that take any type.
fn is_literal(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => true,
        LogicalPlan::Projection(projection) => {
            let literals = projection.expr.iter().all(|expression| {
                let expression = expression.clone().unalias();
                matches!(expression, Expr::Literal(_, _) | Expr::Column(_) | Expr::Cast(_))
            });
            literals && is_literal(&projection.input)
        }
        LogicalPlan::SubqueryAlias(alias) => is_literal(&alias.input),
        _ => false,
    }
}

/// Whether a SELECT says a string constant for its column of that number, which takes any type.
fn is_untyped(plan: &LogicalPlan, index: usize) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => {
            match projection.expr.get(index).map(|expression| expression.clone().unalias()) {
                Some(Expr::Literal(ScalarValue::Utf8(_) | ScalarValue::Utf8View(_), _)) => true,
                // What only orders or renames the list of the SELECT.
                Some(Expr::Column(column)) => {
                    let place = projection.input.schema().index_of_column(&column);
                    place.is_ok_and(|index| is_untyped(&projection.input, index))
                }
                _ => false,
            }
        }
        LogicalPlan::Sort(sort) => is_untyped(&sort.input, index),
        LogicalPlan::Limit(limit) => is_untyped(&limit.input, index),
        _ => false,
    }
}

/// A value as a column takes it (PostgreSQL's assignment casts): numbers rounded, not cut; texts of a
/// length checked; no text into anything else unless it is a literal.
pub(super) fn assignment(
    value: Expr,
    target: &FieldRef,
    schema: &DFSchema,
    literal: bool,
) -> Result<Expr> {
    let source = value.get_type(schema).map_err(from_datafusion)?;
    let kept = value.clone();
    let source_field = value.to_field(schema).map_err(from_datafusion)?.1;
    let (column_type, typmod) = pg_type_of(target)?;
    let (value_type, _) = pg_type_of(&source_field)?;
    let (PgType::Scalar(base) | PgType::Array(base)) = column_type;
    let is_readable = source.is_string() || source.is_null();
    let names_object = base.is_column_of_catalogs() && (is_readable || source.is_integer());
    let is_read = value_type != column_type && (base.is_canonical_text() || names_object);
    // A constant without a type is a text.
    let is_constant = literal && (is_readable || !target.data_type().is_temporal());
    if is_read && !is_readable && !names_object
        || !is_constant && !is_assignable(&source, target.data_type())
    {
        return Err(Error::new(
            ErrorKind::DatatypeMismatch,
            format!(
                "column \"{}\" is of type {} but expression is of type {}",
                target.name(),
                column_type.sql_name(typmod),
                value_type.sql_name(NO_TYPMOD),
            ),
        )
        .with_hint("You will need to rewrite or cast the expression."));
    }
    let (given, held) = (dimensions(&source), dimensions(target.data_type()));
    if given > held && held > 0 {
        let what = format!("an array of {given} dimensions in column \"{}\"", target.name());
        let detail = format!("The Delta table's column holds arrays of {held}.");
        return Err(Error::unsupported(what).with_detail(detail));
    }
    let fractional = source.is_floating() || source.is_decimal();
    let value = match fractional && target.data_type().is_integer() {
        true => round(vec![kept]),
        false => kept,
    };
    let value = match names_object && source.is_integer() && is_read {
        true => enforce_oid(value)?,
        false => value,
    };
    let value = match is_read {
        true => {
            // A cast to a field without NULL would say that there is none, and the check be left out.
            let read = target.as_ref().clone().with_nullable(true);
            Expr::Cast(Cast::new_from_field(Box::new(value), Arc::new(read)))
        }
        false if source == *target.data_type() => value,
        false => cast(value, target.data_type().clone()),
    };
    Ok(enforce_length(value, target)?.alias(target.name()))
}

/// How deep arrays of a type are nested.
fn dimensions(data_type: &DataType) -> usize {
    match data_type {
        DataType::List(element) | DataType::LargeList(element) | DataType::ListView(element) => {
            1 + dimensions(element.data_type())
        }
        _ => 0,
    }
}

fn is_assignable(source: &DataType, target: &DataType) -> bool {
    let text = |data_type: &DataType| data_type.is_string();
    if source == target || source.is_null() || text(target) {
        return true;
    }
    let time = |data_type: &DataType| {
        matches!(data_type, DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64)
    };
    let number = |data_type: &DataType| data_type.is_numeric();
    let clock = |data_type: &DataType| matches!(data_type, DataType::Time64(_));
    let interval = |data_type: &DataType| matches!(data_type, DataType::Interval(_));
    let binary = |data_type: &DataType| {
        matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
    };
    (number(source) && number(target))
        || (time(source) && time(target))
        || (matches!(source, DataType::Timestamp(_, _)) || interval(source)) && clock(target)
        || (clock(source) && interval(target))
        || (binary(source) && binary(target))
        || (source.is_nested() && target.is_nested())
}

/// The table's name in the messages of constraints, which a change by location cannot know.
pub(super) fn name_relation(error: Error, table: &Relation, snapshot: &Snapshot) -> Error {
    if error.kind() != ErrorKind::NotNullViolation && error.kind() != ErrorKind::CheckViolation {
        return error;
    }
    let named = format!("relation \"{}\"", table.name);
    let message = match error.message().split_once("of relation ") {
        Some((before, after)) => format!("{before}of {named} {after}"),
        None => match error.message().strip_prefix("new row violates") {
            Some(rest) => format!("new row for {named} violates{rest}"),
            None => return error,
        },
    };
    let object = ErrorObject {
        schema: snapshot.schema_by_id(table.schema).map(|schema| schema.name.clone()),
        table: Some(table.name.clone()),
        ..error.object().clone()
    };
    let renamed = Error::new(error.kind(), message).at_if(error.position()).about(object);
    match error.detail() {
        Some(detail) => renamed.with_detail(detail),
        None => renamed,
    }
}

impl Engine {
    /// What a change of a Delta table runs with.
    pub(super) fn change_context(
        &self,
        state: datafusion::execution::SessionState,
        request: &Request,
        planned_version: Option<u64>,
    ) -> change::ChangeContext {
        change::ChangeContext {
            state: Arc::new(state),
            tables: Arc::clone(self.tables_of(&request.work)),
            committer: change::Committer {
                user_name: Some(request.facts.current_user.clone()),
                statement_id: None,
            },
            planned_version,
            isolation: request.work.isolation(),
            returned: None,
        }
    }

    /// The newest version of a table, looked at for its columns.
    pub(super) async fn schema_of(
        &self,
        table: &Relation,
        request: &Request,
    ) -> Result<Arc<TableVersion>> {
        self.open_newest(table, &request.work).await
    }
}
