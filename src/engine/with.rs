//! A statement whose WITH changes rows: its parts one after another, all of which read the tables as they were
//! before the first, and whose changes are one. It plans and changes nothing itself.
//!
//! Which of two changes of one table comes first cannot be seen while one of them only adds rows: those come
//! last, and the other one has not found them. Two that look for rows might find the same ones, which
//! PostgreSQL leaves open; they are refused.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::DataFusionError;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::TableSource;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;

use crate::base::datatype::PgType;
use crate::base::{Error, ErrorKind, Result, SecurableId};
use crate::bind::bound::{
    BoundAssignment, BoundExpression, BoundMergeAction, BoundReplaced, BoundWith, BoundWithItem,
    Relations,
};
use crate::bind::{BoundQuery, BoundRelation, BoundStatement};
use crate::catalog::Relation;
use crate::delta::change::cast_rows;

use super::error::from_datafusion;
use super::kept::KeptRows;
use super::output::OutputColumn;
use super::planner::PlannedView;
use super::query::known;
use super::stream::{Batches, RowStream};
use super::work::WithRows;
use super::{Description, Engine, Outcome, Request};

/// The result format in which batches stay what they are.
const BINARY: i16 = 1;

impl Engine {
    /// Runs the parts, each completely and once, and makes what they change visible at once.
    ///
    /// Errors: 0A000 for tables that are changed twice; 40001 when others change the same rows again and
    /// again.
    pub(super) async fn run_parts(
        self: &Arc<Self>,
        with: BoundWith,
        request: &Request,
    ) -> Result<Outcome> {
        let order = order(&with)?;
        let changes_before = with.items.iter().any(|item| changed(&item.part.statement).is_some());
        // One change that nothing follows is one commit anyway, and finds room beside others by itself.
        if !changes_before {
            return self.run_in_order(with, &order, request).await;
        }
        let engine = Arc::clone(self);
        self.as_one(request, move |request| {
            let (engine, with, order) = (Arc::clone(&engine), with.clone(), order.clone());
            async move { engine.run_in_order(with, &order, &request).await }
        })
        .await
    }

    async fn run_in_order(
        self: &Arc<Self>,
        with: BoundWith,
        order: &[usize],
        request: &Request,
    ) -> Result<Outcome> {
        let work = Arc::new(request.work.of_parts());
        let within = Request { work: Arc::clone(&work), ..request.clone() };
        for table in tables_of(&with) {
            let version = self.open_newest(&table, &work).await?;
            work.keep(table.id, version);
        }
        let BoundWith { items, body } = with;
        let mut uses = vec![0_usize; items.len()];
        let parts = items.iter().map(|item| &item.part.statement);
        for part in parts.chain([&body.statement]) {
            each_relations(part, &mut |relations| {
                for item in items_in(relations) {
                    if let Some(count) = uses.get_mut(item) {
                        *count += 1;
                    }
                }
            });
        }
        let mut outcome = None;
        let mut items: Vec<Option<BoundWithItem>> = items.into_iter().map(Some).collect();
        let mut body = Some(body.statement);
        for part in order {
            match items.get_mut(*part) {
                Some(item) => {
                    let Some(item) = item.take() else { continue };
                    let is_shared = uses.get(*part).is_some_and(|uses| *uses > 1);
                    let rows = self.item_rows(item, is_shared, &within).await?;
                    work.set_with_item(*part, rows);
                }
                None => {
                    let Some(body) = body.take() else { continue };
                    outcome = Some(self.run_body(body, &within).await?);
                }
            }
        }
        outcome.ok_or_else(|| Error::internal("a statement of several parts has no body"))
    }

    /// What an item gives to the parts after it.
    async fn item_rows(
        self: &Arc<Self>,
        item: BoundWithItem,
        is_shared: bool,
        request: &Request,
    ) -> Result<WithRows> {
        let BoundWithItem { name, columns, part } = item;
        let request = Request { formats: vec![BINARY], ..request.clone() };
        let rows = match part.statement {
            // Its place in the plan of the one part that reads it is the better one.
            BoundStatement::Query(query) if !is_shared => {
                let (engine, running) = (Arc::clone(self), request.clone());
                let planned = async move { engine.plan(query, &running).await };
                let planned = self.cpu.run(planned).await?;
                let names = planned.columns()?.into_iter().map(|column| column.name);
                let view = PlannedView::new(&name, planned.plan, &names.collect::<Vec<_>>())?;
                return Ok(WithRows::Source(Arc::new(view)));
            }
            statement => match self.run_part(statement, &request).await? {
                Outcome::Rows { rows, .. } => rows,
                _ => return Ok(WithRows::None(name)),
            },
        };
        let schema = schema_of(rows.columns(), &columns, &name)?;
        let rows = ItemRows { rows: Arc::new(self.kept(rows).await?), schema: Arc::clone(&schema) };
        let table = StreamingTable::try_new(schema, vec![Arc::new(rows)]);
        let table = table.map_err(from_datafusion)?;
        Ok(WithRows::Source(provider_as_source(Arc::new(table))))
    }

    /// The body's outcome, its rows made to the last one: none of them can fail any more.
    async fn run_body(
        self: &Arc<Self>,
        body: BoundStatement,
        request: &Request,
    ) -> Result<Outcome> {
        match self.run_part(body, request).await? {
            Outcome::Rows { rows, tag } => {
                let columns = Arc::clone(rows.columns());
                let kept = Batches::Kept(self.kept(rows).await?, 0);
                Ok(Outcome::Rows { rows: RowStream::new(columns, kept, None), tag })
            }
            outcome => Ok(outcome),
        }
    }

    async fn run_part(
        self: &Arc<Self>,
        statement: BoundStatement,
        request: &Request,
    ) -> Result<Outcome> {
        match statement {
            BoundStatement::Query(query) => {
                let rows = self.query(query, request).await?;
                Ok(Outcome::Rows { rows, tag: "SELECT" })
            }
            BoundStatement::Insert(insert) => self.insert(insert, request).await,
            BoundStatement::Update(update) => self.update(update, request).await,
            BoundStatement::Delete(delete) => self.delete(delete, request).await,
            BoundStatement::Merge(merge) => self.merge(merge, request).await,
            _ => Err(Error::internal("a part of WITH is no query and changes no rows")),
        }
    }

    async fn kept(&self, mut rows: RowStream) -> Result<KeptRows> {
        let mut kept = self.keep_rows();
        while let Some(batch) = rows.next().await {
            kept.push(batch?).await?;
        }
        Ok(kept)
    }

    /// What the parts take together, and what the body gives.
    pub(super) async fn describe_parts(
        self: &Arc<Self>,
        with: BoundWith,
        declared: &[Option<PgType>],
        request: &Request,
    ) -> Result<Description> {
        order(&with)?;
        let work = Arc::new(request.work.of_parts());
        let within = Request { work: Arc::clone(&work), ..request.clone() };
        let BoundWith { items, body } = with;
        let all = items.iter().flat_map(|item| &item.part.parameters).chain(&body.parameters);
        let count = all.copied().max().unwrap_or_default().max(declared.len());
        let mut types: Vec<Option<PgType>> = declared.to_vec();
        types.resize(count, None);
        for (number, item) in items.into_iter().enumerate() {
            let BoundWithItem { name, columns, part } = item;
            let part = self.describe_part(part.statement, &part.parameters, &mut types, &within);
            let rows = match part.await? {
                Some(found) => {
                    let schema = schema_of(&found, &columns, &name)?;
                    let table: Arc<dyn TableSource> =
                        provider_as_source(Arc::new(EmptyTable::new(schema)));
                    WithRows::Source(table)
                }
                None => WithRows::None(name),
            };
            work.set_with_item(number, rows);
        }
        let columns =
            self.describe_part(body.statement, &body.parameters, &mut types, &within).await?;
        Ok(Description { parameters: known(&types), columns })
    }

    /// The columns of a part; the types of its parameters become known.
    async fn describe_part(
        self: &Arc<Self>,
        statement: BoundStatement,
        parameters: &[usize],
        types: &mut [Option<PgType>],
        request: &Request,
    ) -> Result<Option<Arc<[OutputColumn]>>> {
        let text = PgType::Scalar(crate::base::datatype::BaseType::Text);
        let of_others = types.iter().enumerate().map(|(place, known)| {
            let is_own = parameters.contains(&(place + 1));
            known.or((!is_own).then_some(text))
        });
        let declared: Vec<Option<PgType>> = of_others.collect();
        let description = Box::pin(self.description(statement, &declared, request)).await?;
        for number in parameters {
            let place = number.saturating_sub(1);
            let (slot, found) = (types.get_mut(place), description.parameters.get(place));
            if let (Some(slot @ None), Some(found)) = (slot, found) {
                *slot = Some(*found);
            }
        }
        Ok(description.columns)
    }
}

/// The columns under the names that the item gives to the first of them.
fn schema_of(columns: &[OutputColumn], names: &[String], item: &str) -> Result<SchemaRef> {
    if names.len() > columns.len() {
        let message = format!(
            "WITH query \"{item}\" has {} columns available but {} columns specified",
            columns.len(),
            names.len()
        );
        return Err(Error::new(ErrorKind::InvalidColumnReference, message));
    }
    let fields = columns.iter().enumerate().map(|(place, column)| {
        let name = names.get(place).unwrap_or(&column.name);
        column.field.clone().with_name(name).with_nullable(true)
    });
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

/// The rows of an item, which any number of parts may read.
struct ItemRows {
    rows: Arc<KeptRows>,
    schema: SchemaRef,
}

impl fmt::Debug for ItemRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemRows").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl PartitionStream for ItemRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = stream::unfold((Arc::clone(&self.rows), 0), |(rows, given)| async move {
            match rows.batch_with(given).await {
                Ok(Some((_, batch))) => {
                    let given = given + batch.num_rows() as u64;
                    Some((Ok(batch), (rows, given)))
                }
                Ok(None) => None,
                Err(error) => {
                    Some((Err(DataFusionError::External(Box::new(error))), (rows, given)))
                }
            }
        });
        cast_rows(batches, Arc::clone(&self.schema))
    }
}

/// A part's change of a table: whether it only adds rows.
fn changed(statement: &BoundStatement) -> Option<(&Arc<Relation>, bool)> {
    match statement {
        BoundStatement::Insert(insert) => {
            let adds =
                matches!(insert.replaced, BoundReplaced::None) && insert.on_conflict.is_none();
            Some((&insert.table, adds))
        }
        BoundStatement::Update(update) => Some((&update.table, false)),
        BoundStatement::Delete(delete) => Some((&delete.table, false)),
        BoundStatement::Merge(merge) => Some((&merge.table, false)),
        _ => None,
    }
}

/// The order in which the parts run, the body being the last number: each after those that it reads, and
/// what only adds rows after what looks for rows of the same table.
///
/// Errors: 0A000 where there is none.
fn order(with: &BoundWith) -> Result<Vec<usize>> {
    let parts = with.items.iter().map(|item| &item.part.statement);
    let parts: Vec<&BoundStatement> = parts.chain([&with.body.statement]).collect();
    let reads: Vec<Vec<usize>> = parts
        .iter()
        .map(|part| {
            let mut found = Vec::new();
            each_relations(part, &mut |relations| found.extend(items_in(relations)));
            found
        })
        .collect();
    let mut order: Vec<usize> = Vec::with_capacity(parts.len());
    let mut changed_tables: Vec<SecurableId> = Vec::new();
    while order.len() < parts.len() {
        let is_ready = |part: &usize| {
            let needed = reads.get(*part);
            !order.contains(part)
                && needed.is_some_and(|needed| needed.iter().all(|item| order.contains(item)))
        };
        let adds = |part: &usize| {
            parts.get(*part).and_then(|part| changed(part)).is_some_and(|(_, adds)| adds)
        };
        let next = (0..parts.len()).find(|part| is_ready(part) && !adds(part));
        let next = next.or_else(|| (0..parts.len()).find(is_ready));
        let next = next.ok_or_else(|| Error::internal("parts of WITH wait for each other"))?;
        if let Some((table, adds)) = parts.get(next).and_then(|part| changed(part)) {
            if !adds && changed_tables.contains(&table.id) {
                return Err(twice(table));
            }
            changed_tables.push(table.id);
        }
        order.push(next);
    }
    Ok(order)
}

fn twice(table: &Relation) -> Error {
    Error::unsupported(format!("changing table \"{}\" twice in one statement", table.name))
        .with_detail(
            "Both changes see the table as it was before the statement, and might find the same rows.",
        )
        .with_hint("Write one statement for each change, in a transaction; or add rows with INSERT.")
}

/// Every Delta table that the parts read or change, views looked through.
fn tables_of(with: &BoundWith) -> Vec<Arc<Relation>> {
    fn collect(relations: &Relations, found: &mut Vec<Arc<Relation>>) {
        for relation in relations.values() {
            match relation {
                BoundRelation::Table { relation, time_travel: None, .. } => add(relation, found),
                BoundRelation::View { query, .. } => collect(&query.relations, found),
                BoundRelation::Table { time_travel: Some(_), .. }
                | BoundRelation::System { .. }
                | BoundRelation::Files(_)
                | BoundRelation::WithItem(_) => {}
            }
        }
    }
    fn add(table: &Arc<Relation>, found: &mut Vec<Arc<Relation>>) {
        let is_delta = table.as_table().is_some_and(|table| table.foreign.is_none());
        if is_delta && !found.iter().any(|known| known.id == table.id) {
            found.push(Arc::clone(table));
        }
    }
    let mut found = Vec::new();
    let parts = with.items.iter().map(|item| &item.part.statement);
    for part in parts.chain([&with.body.statement]) {
        if let Some((table, _)) = changed(part) {
            add(table, &mut found);
        }
        each_relations(part, &mut |relations| collect(relations, &mut found));
    }
    found
}

fn items_in(relations: &Relations) -> impl Iterator<Item = usize> {
    relations.values().filter_map(|relation| match relation {
        BoundRelation::WithItem(item) => Some(*item),
        BoundRelation::Table { .. }
        | BoundRelation::View { .. }
        | BoundRelation::System { .. }
        | BoundRelation::Files(_) => None,
    })
}

/// Shows the relations of each query and expression of a part.
fn each_relations(part: &BoundStatement, show: &mut impl FnMut(&Relations)) {
    let query = |query: &Option<BoundQuery>, show: &mut dyn FnMut(&Relations)| {
        query.iter().for_each(|query| show(&query.relations));
    };
    let expression = |expression: &Option<BoundExpression>, show: &mut dyn FnMut(&Relations)| {
        expression.iter().for_each(|expression| show(&expression.relations));
    };
    let assignments = |all: &[BoundAssignment], show: &mut dyn FnMut(&Relations)| {
        all.iter().for_each(|one| expression(&one.value, show));
    };
    match part {
        BoundStatement::Query(query) => show(&query.relations),
        BoundStatement::Insert(insert) => {
            query(&insert.source, show);
            query(&insert.returning, show);
            if let BoundReplaced::Where(predicate) = &insert.replaced {
                show(&predicate.relations);
            }
            let update = insert.on_conflict.as_ref().and_then(|conflict| conflict.update.as_ref());
            if let Some(update) = update {
                assignments(&update.assignments, show);
                expression(&update.predicate, show);
            }
        }
        BoundStatement::Update(update) => {
            assignments(&update.assignments, show);
            expression(&update.predicate, show);
            query(&update.returning, show);
        }
        BoundStatement::Delete(delete) => {
            expression(&delete.predicate, show);
            query(&delete.returning, show);
        }
        BoundStatement::Merge(merge) => {
            show(&merge.source.relations);
            show(&merge.on.relations);
            query(&merge.returning, show);
            for clause in &merge.clauses {
                expression(&clause.predicate, show);
                match &clause.action {
                    BoundMergeAction::Update(all) => assignments(all, show),
                    BoundMergeAction::Insert { columns: _, values } => {
                        values.iter().for_each(|value| expression(value, show));
                    }
                    BoundMergeAction::UpdateAll
                    | BoundMergeAction::Delete
                    | BoundMergeAction::InsertAll
                    | BoundMergeAction::DoNothing => {}
                }
            }
        }
        _ => {}
    }
}
