//! UPDATE, DELETE and MERGE: bound expressions to plans over the table, handed to `delta`.

use std::sync::Arc;

use datafusion::arrow::datatypes::{FieldRef, SchemaRef};
use datafusion::common::{DFSchema, ParamValues, ScalarValue, TableReference};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, lit};

use crate::base::datatype::{PgType, pg_type_of};
use crate::base::{Error, ErrorKind, Result};
use crate::bind::BoundStatement;
use crate::bind::bound::{
    BoundAssignment, BoundConflictUpdate, BoundDelete, BoundExpression, BoundInsert, BoundMerge,
    BoundMergeAction, BoundMergeClause, BoundUpdate,
};
use crate::catalog::Relation;
use crate::delta::TableVersion;
use crate::delta::change::{
    self, Changed, MergeAction, MergeClause, MergeKind, MergePlan, RowPredicate,
};
use crate::sql::statement::{ColumnName, JoinedChange, MergeMatch};

use super::admission::Place;
use super::error::from_datafusion;
use super::insert::{
    assignment, name_relation, reads, target_column, target_columns, without_defaults,
};
use super::open::location_of;
use super::planner::Planner;
use super::query::{known, parameter_field, parameter_fields, parameter_types, parameter_values};
use super::returning::Returning;
use super::{Engine, Outcome, Request};

/// Plans the expressions of one change.
#[derive(Clone)]
pub(super) struct Expressions<'a> {
    engine: &'a Engine,
    state: &'a SessionState,
    request: &'a Request,
    parameters: Vec<Option<FieldRef>>,
    /// The columns that expressions see.
    schema: DFSchema,
    /// The table that is changed, which knows its defaults.
    version: Arc<TableVersion>,
}

/// The source of a MERGE.
struct Source<'a> {
    name: Option<&'a TableReference>,
    schema: &'a SchemaRef,
    /// What it lacks stays as it is.
    may_lack_columns: bool,
}

impl Engine {
    pub(super) async fn update(
        self: &Arc<Self>,
        update: BoundUpdate,
        request: &Request,
    ) -> Result<Outcome> {
        let place = Place::take(&self.admission).await?;
        let (engine, running) = (Arc::clone(self), request.clone());
        let (changed, returning) =
            self.cpu.run(async move { engine.update_rows(update, &running).await }).await?;
        self.outcome("UPDATE", changed.updated, returning, place).await
    }

    async fn update_rows(
        &self,
        update: BoundUpdate,
        request: &Request,
    ) -> Result<(Changed, Option<Returning>)> {
        let BoundUpdate { table, alias, assignments, predicate, returning } = update;
        let version = self.schema_of(&table, request).await?;
        let state = self.context.statement(&request.facts);
        let expressions = self.expressions(&state, request, &alias, &version)?;
        let values = expressions.assignments(&table, &version.schema(), assignments).await?;
        let predicate_reads = predicate.as_ref().is_some_and(|p| reads(&p.relations, &table));
        let rows = RowPredicate {
            qualifier: TableReference::bare(alias),
            predicate: expressions.optional(predicate).await?,
        };
        let planned_version = predicate_reads.then(|| version.version());
        let mut ctx = self.change_context(state.clone(), request, planned_version);
        let returning = self.returning(returning, &table, &version, &mut ctx, request).await?;
        let changed = change::update(&ctx, &location_of(&table)?, rows, values).await;
        let changed =
            changed.map_err(|error| name_relation(error, &table, &request.facts.snapshot))?;
        Ok((changed, returning))
    }

    pub(super) async fn delete(
        self: &Arc<Self>,
        delete: BoundDelete,
        request: &Request,
    ) -> Result<Outcome> {
        let place = Place::take(&self.admission).await?;
        let (engine, running) = (Arc::clone(self), request.clone());
        let (changed, returning) =
            self.cpu.run(async move { engine.delete_rows(delete, &running).await }).await?;
        self.outcome("DELETE", changed.deleted, returning, place).await
    }

    async fn delete_rows(
        &self,
        delete: BoundDelete,
        request: &Request,
    ) -> Result<(Changed, Option<Returning>)> {
        let BoundDelete { table, alias, predicate, returning } = delete;
        let version = self.schema_of(&table, request).await?;
        let state = self.context.statement(&request.facts);
        let expressions = self.expressions(&state, request, &alias, &version)?;
        let predicate_reads = predicate.as_ref().is_some_and(|p| reads(&p.relations, &table));
        let rows = RowPredicate {
            qualifier: TableReference::bare(alias),
            predicate: expressions.optional(predicate).await?,
        };
        let planned_version = predicate_reads.then(|| version.version());
        let mut ctx = self.change_context(state.clone(), request, planned_version);
        let returning = self.returning(returning, &table, &version, &mut ctx, request).await?;
        let changed = change::delete(&ctx, &location_of(&table)?, rows).await?;
        Ok((changed, returning))
    }

    pub(super) async fn merge(
        self: &Arc<Self>,
        merge: BoundMerge,
        request: &Request,
    ) -> Result<Outcome> {
        if merge.evolves_schema {
            return self.merge_evolving(merge, request).await;
        }
        self.merge_once(merge, request).await
    }

    pub(super) async fn merge_once(
        self: &Arc<Self>,
        merge: BoundMerge,
        request: &Request,
    ) -> Result<Outcome> {
        let place = Place::take(&self.admission).await?;
        let tag = match merge.written_as {
            None => "MERGE",
            Some(JoinedChange::Update) => "UPDATE",
            Some(JoinedChange::Delete) => "DELETE",
        };
        let (engine, running) = (Arc::clone(self), request.clone());
        let (changed, returning) =
            self.cpu.run(async move { engine.merge_rows(merge, &running).await }).await?;
        self.outcome(tag, changed.rows(), returning, place).await
    }

    async fn merge_rows(
        &self,
        merge: BoundMerge,
        request: &Request,
    ) -> Result<(Changed, Option<Returning>)> {
        let BoundMerge {
            table,
            alias,
            source,
            source_alias,
            on,
            clauses,
            evolves_schema,
            written_as,
            returning,
        } = merge;
        if source_alias.as_ref() == Some(&alias) {
            return Err(Error::new(
                ErrorKind::DuplicateTable,
                format!("table name \"{alias}\" specified more than once"),
            )
            .with_hint("Give the source or the target an alias."));
        }
        let version = self.schema_of(&table, request).await?;
        let reads_itself = reads(&source.relations, &table);
        let planned = self.plan(source, request).await?;
        let source_schema = Arc::clone(planned.plan.schema().inner());
        let target = TableReference::bare(alias);
        let source_name = source_alias.map(TableReference::bare);
        let source_columns = match &source_name {
            Some(name) => DFSchema::try_from_qualified_schema(name.clone(), &source_schema),
            None => Ok(planned.plan.schema().as_ref().clone()),
        };
        let source_columns = source_columns.map_err(from_datafusion)?;
        let target_columns = DFSchema::try_from_qualified_schema(target.clone(), &version.schema());
        let target_columns = target_columns.map_err(from_datafusion)?;
        let schema = target_columns.join(&source_columns).map_err(from_datafusion)?;
        let expressions = self.expressions_over(&planned.state, request, schema, &version);
        let mut planned_clauses = Vec::with_capacity(clauses.len());
        for clause in clauses {
            // A row that is on one side alone has that side's columns.
            let schema = match clause.when {
                MergeMatch::Matched => &expressions.schema,
                MergeMatch::NotMatched => &source_columns,
                MergeMatch::NotMatchedBySource => &target_columns,
            };
            let clause = Expressions { schema: schema.clone(), ..expressions.clone() }
                .merge_clause(
                    &table,
                    &version.schema(),
                    clause,
                    &Source {
                        name: source_name.as_ref(),
                        schema: &source_schema,
                        may_lack_columns: evolves_schema,
                    },
                )
                .await?;
            planned_clauses.push(clause);
        }
        let plan = MergePlan {
            target_alias: target,
            source: planned.plan.clone(),
            source_alias: source_name,
            on: expressions.expression(on).await?,
            clauses: planned_clauses,
            takes_any: written_as.is_some(),
        };
        let planned_version = reads_itself.then(|| version.version());
        let mut ctx = self.change_context(planned.state.clone(), request, planned_version);
        let returning = self.returning(returning, &table, &version, &mut ctx, request).await;
        let returning = returning.map_err(of_other_relations)?;
        let changed = change::merge(&ctx, &location_of(&table)?, plan).await;
        let changed =
            changed.map_err(|error| name_relation(error, &table, &request.facts.snapshot))?;
        Ok((changed, returning))
    }

    /// The rows of a table, under an alias, for which a predicate is true.
    pub(super) async fn row_predicate(
        &self,
        state: &SessionState,
        request: &Request,
        (alias, version): (&str, &Arc<TableVersion>),
        predicate: BoundExpression,
    ) -> Result<RowPredicate> {
        let expressions = self.expressions(state, request, alias, version)?;
        let predicate = Some(expressions.expression(predicate).await?);
        Ok(RowPredicate { qualifier: TableReference::bare(alias), predicate })
    }

    /// A predicate over the columns of a table, under the table's name.
    pub(super) async fn predicate(
        &self,
        state: &SessionState,
        request: &Request,
        (table, version): (&str, &Arc<TableVersion>),
        predicate: Option<BoundExpression>,
    ) -> Result<Option<Expr>> {
        self.expressions(state, request, table, version)?.optional(predicate).await
    }

    fn expressions<'a>(
        &'a self,
        state: &'a SessionState,
        request: &'a Request,
        alias: &str,
        version: &Arc<TableVersion>,
    ) -> Result<Expressions<'a>> {
        let qualifier = TableReference::bare(alias);
        let schema = DFSchema::try_from_qualified_schema(qualifier, &version.schema());
        Ok(self.expressions_over(state, request, schema.map_err(from_datafusion)?, version))
    }

    /// Expressions over other columns than those of the table that is changed.
    pub(super) fn expressions_over<'a>(
        &'a self,
        state: &'a SessionState,
        request: &'a Request,
        schema: DFSchema,
        version: &Arc<TableVersion>,
    ) -> Expressions<'a> {
        let (parameters, version) = (parameter_fields(request), Arc::clone(version));
        Expressions { engine: self, state, request, parameters, schema, version }
    }

    /// The parameter types of a statement that gives no rows.
    pub(super) async fn change_parameters(
        self: &Arc<Self>,
        statement: BoundStatement,
        declared: &[Option<PgType>],
        request: &Request,
    ) -> Result<Vec<PgType>> {
        let (engine, request, declared) = (Arc::clone(self), request.clone(), declared.to_vec());
        self.cpu
            .run(async move { engine.parameters_of(statement, &declared, &request).await })
            .await
    }

    async fn parameters_of(
        &self,
        statement: BoundStatement,
        declared: &[Option<PgType>],
        request: &Request,
    ) -> Result<Vec<PgType>> {
        let (table, alias, assignments, predicate) = match statement {
            BoundStatement::Insert(insert) => {
                let version = self.schema_of(&insert.table, request).await?;
                let (insert, _) = without_defaults(insert, &version)?;
                let BoundInsert { table, columns, source, on_conflict, .. } = insert;
                let mut declared = declared.to_vec();
                if let Some(BoundConflictUpdate { assignments, .. }) =
                    on_conflict.and_then(|conflict| conflict.update)
                {
                    declare_assigned(&table, &version.schema(), &assignments, &mut declared)?;
                }
                let Some(query) = source else { return Ok(known(&declared)) };
                let targets = target_columns(&table, &version.schema(), &columns)?;
                return self.insert_parameters(query, &targets, &declared, request).await;
            }
            BoundStatement::Update(BoundUpdate {
                table, alias, assignments, predicate, ..
            }) => (table, alias, assignments, predicate),
            BoundStatement::Delete(BoundDelete { table, alias, predicate, .. }) => {
                (table, alias, Vec::new(), predicate)
            }
            _ => return Ok(known(declared)),
        };
        let version = self.schema_of(&table, request).await?;
        let schema = version.schema();
        let mut declared = declared.to_vec();
        declare_assigned(&table, &schema, &assignments, &mut declared)?;
        let state = self.context.statement(&request.facts);
        let mut expressions = self.expressions(&state, request, &alias, &version)?;
        expressions.parameters = declared.iter().map(|t| t.map(parameter_field)).collect();
        let mut inferred = std::collections::HashMap::new();
        let values = assignments.into_iter().filter_map(|assignment| assignment.value);
        for expression in values.chain(predicate) {
            let planned = expressions.unbound(expression).await?;
            let found = datafusion::logical_expr::LogicalPlanBuilder::empty(true)
                .project([planned])
                .and_then(|plan| plan.build()?.get_parameter_fields());
            // An expression that does not stand by itself says nothing about its parameters.
            inferred.extend(found.unwrap_or_default());
        }
        parameter_types(&inferred, &declared)
    }
}

/// A bare `$n` that is assigned to a column has the column's type.
fn declare_assigned(
    table: &Relation,
    schema: &SchemaRef,
    assignments: &[BoundAssignment],
    declared: &mut Vec<Option<PgType>>,
) -> Result<()> {
    for BoundAssignment { column, value } in assignments {
        let target = target_column(table, schema, column)?;
        let number = value.as_ref().and_then(|value| crate::sql::placeholder(&value.ast));
        if let Some(number) = number {
            if declared.len() < number {
                declared.resize(number, None);
            }
            if let Some(slot @ None) = declared.get_mut(number - 1) {
                *slot = Some(pg_type_of(&target)?.0);
            }
        }
    }
    Ok(())
}

/// RETURNING has the columns of the changed table alone.
fn of_other_relations(error: Error) -> Error {
    match error.kind() {
        ErrorKind::UndefinedColumn | ErrorKind::UndefinedTable => {
            Error::unsupported("a column of another relation than the changed one in RETURNING")
                .at_if(error.position())
                .caused_by(error)
        }
        _ => error,
    }
}

impl Expressions<'_> {
    /// The expression, with the request's parameter values in it.
    async fn expression(&self, expression: BoundExpression) -> Result<Expr> {
        let planned = self.unbound(expression).await?;
        if self.request.parameters.is_empty() {
            return Ok(planned);
        }
        with_values(planned, &parameter_values(self.request))
    }

    async fn unbound(&self, expression: BoundExpression) -> Result<Expr> {
        let BoundExpression { ast, relations } = expression;
        let opened = self.engine.open_all(&relations, &self.request.work, self.state).await?;
        let planner = Planner::new(self.state, &self.request.text, &self.parameters);
        let meanings = self.engine.meanings(&relations, &opened, &planner)?;
        planner.expression(ast, &self.schema, &meanings.sources)
    }

    pub(super) async fn optional(
        &self,
        expression: Option<BoundExpression>,
    ) -> Result<Option<Expr>> {
        match expression {
            Some(expression) => self.expression(expression).await.map(Some),
            None => Ok(None),
        }
    }

    pub(super) async fn assignments(
        &self,
        table: &Relation,
        schema: &SchemaRef,
        assignments: Vec<BoundAssignment>,
    ) -> Result<Vec<(String, Expr)>> {
        let mut values: Vec<(String, Expr)> = Vec::with_capacity(assignments.len());
        for BoundAssignment { column, value } in assignments {
            let target = target_column(table, schema, &column)?;
            if values.iter().any(|(known, _)| *known == column.name) {
                return Err(Error::new(
                    ErrorKind::SyntaxError,
                    format!("multiple assignments to same column \"{}\"", column.name),
                )
                .at_if(column.position));
            }
            // What the table makes is made anew.
            if value.is_some() || !self.version.is_generated(&column.name) {
                values.push((column.name, self.value(&target, value).await?));
            }
        }
        Ok(values)
    }

    /// A value for a column; `None` is DEFAULT.
    async fn value(&self, target: &FieldRef, value: Option<BoundExpression>) -> Result<Expr> {
        let Some(value) = value else {
            return match self.version.default_of(target.name()) {
                Some(sql) => change::column_default(self.state, target, &sql),
                None => Ok(lit(ScalarValue::Null)),
            };
        };
        let planned = self.expression(value).await?;
        let literal = matches!(planned, Expr::Literal(_, _));
        Ok(assignment(planned, target, &self.schema, literal)?.unalias())
    }

    async fn merge_clause(
        &self,
        table: &Relation,
        schema: &SchemaRef,
        clause: BoundMergeClause,
        source: &Source<'_>,
    ) -> Result<MergeClause> {
        let action = match clause.action {
            BoundMergeAction::Update(assignments) => {
                MergeAction::Update(self.assignments(table, schema, assignments).await?)
            }
            BoundMergeAction::UpdateAll => MergeAction::Update(self.all_from(source, schema)?),
            BoundMergeAction::Delete => MergeAction::Delete,
            BoundMergeAction::DoNothing => MergeAction::Nothing,
            BoundMergeAction::InsertAll => MergeAction::Insert(self.all_from(source, schema)?),
            BoundMergeAction::Insert { columns, values } => {
                MergeAction::Insert(self.insert_values(table, schema, &columns, values).await?)
            }
        };
        let kind = match clause.when {
            MergeMatch::Matched => MergeKind::Matched,
            MergeMatch::NotMatched => MergeKind::NotMatchedByTarget,
            MergeMatch::NotMatchedBySource => MergeKind::NotMatchedBySource,
        };
        Ok(MergeClause { kind, predicate: self.optional(clause.predicate).await?, action })
    }

    async fn insert_values(
        &self,
        table: &Relation,
        schema: &SchemaRef,
        columns: &[ColumnName],
        values: Vec<Option<BoundExpression>>,
    ) -> Result<Vec<(String, Expr)>> {
        let targets = target_columns(table, schema, columns)?;
        if values.len() > targets.len() || (!columns.is_empty() && values.len() < targets.len()) {
            let words = if values.len() > targets.len() { "more" } else { "fewer" };
            return Err(Error::new(
                ErrorKind::SyntaxError,
                format!("INSERT has {words} expressions than target columns"),
            ));
        }
        let mut planned = Vec::with_capacity(values.len());
        for (target, value) in targets.iter().zip(values) {
            let makes_values = self.version.is_generated(target.name())
                || self.version.identity_of(target.name()).is_some();
            if value.is_none() && makes_values {
                continue;
            }
            planned.push((target.name().clone(), self.value(target, value).await?));
        }
        Ok(planned)
    }

    /// `*`: each of the table's columns from the source's column of that name. A column that the source
    /// lacks is an error, as in Databricks, and with schema evolution it is not assigned.
    fn all_from(&self, source: &Source<'_>, schema: &SchemaRef) -> Result<Vec<(String, Expr)>> {
        use datafusion::common::Column;
        let has = |target: &&FieldRef| source.schema.field_with_name(target.name()).is_ok();
        let targets = schema.fields().iter();
        let targets = targets.filter(|target| !source.may_lack_columns || has(target));
        let columns = targets.map(|target| {
            if source.schema.field_with_name(target.name()).is_err() {
                return Err(Error::new(
                    ErrorKind::UndefinedColumn,
                    format!("the source of MERGE has no column \"{}\"", target.name()),
                )
                .with_hint("Name the columns instead of *."));
            }
            let value = Expr::Column(Column::new(source.name.cloned(), target.name()));
            let value = assignment(value, target, &self.schema, false)?.unalias();
            Ok((target.name().clone(), value))
        });
        columns.collect()
    }
}

fn with_values(expression: Expr, values: &ParamValues) -> Result<Expr> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    use datafusion::logical_expr::expr::Placeholder;
    let bound = expression.transform_up(|expression| match &expression {
        Expr::Placeholder(Placeholder { id, .. }) => {
            let value = values.get_placeholders_with_values(id)?;
            Ok(Transformed::yes(Expr::Literal(value.value().clone(), None)))
        }
        _ => Ok(Transformed::no(expression)),
    });
    bound.map(|transformed| transformed.data).map_err(from_datafusion)
}
