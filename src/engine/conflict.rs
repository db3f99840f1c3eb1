//! INSERT … ON CONFLICT: a MERGE on a key of the table. Nothing enforces the key; what is there under it already
//! is what the rows say. It never changes a row twice.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, BooleanArray};
use datafusion::arrow::datatypes::{DataType, UInt64Type};
use datafusion::common::{
    Column, DFSchema, DataFusionError, Result as DataFusionResult, TableReference,
};
use datafusion::execution::SessionState;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast, ident, lit, when,
};

use crate::base::{Error, ErrorKind, Result, SecurableId};
use crate::bind::BoundQuery;
use crate::bind::bound::{BoundConflict, BoundConflictUpdate};
use crate::catalog::{Constraint, Relation};
use crate::delta::TableVersion;
use crate::delta::change::{self, Changed, MergeAction, MergeClause, MergeKind, MergePlan};
use crate::sql::statement::{ColumnName, ConflictTarget};

use super::error::from_datafusion;
use super::insert::name_relation;
use super::open::location_of;
use super::returning::Returning;
use super::several_keys::without_conflicts;
use super::{Engine, Request};

/// What conditions and assignments call the row that was to be inserted.
const EXCLUDED: &str = "excluded";

/// The column that numbers rows in the order in which they come.
pub(super) const PLACE: &str = "__lakegate_place";

/// The column that numbers rows of the same key.
const REPETITION: &str = "__lakegate_repetition";

/// The rows that an INSERT gives, in columns of the table.
pub(super) struct ProposedRows {
    pub state: SessionState,
    pub input: LogicalPlan,
    pub planned_version: Option<u64>,
}

impl Engine {
    /// Inserts the rows whose key the table does not have, and updates the others or leaves them alone.
    pub(super) async fn insert_or_update(
        &self,
        conflict: BoundConflict,
        (table, alias, version): (&Arc<Relation>, &str, &Arc<TableVersion>),
        rows: ProposedRows,
        returning: Option<BoundQuery>,
        request: &Request,
    ) -> Result<(Changed, Option<Returning>)> {
        if alias == EXCLUDED {
            let message = format!("table name \"{EXCLUDED}\" specified more than once");
            return Err(Error::new(ErrorKind::DuplicateTable, message)
                .with_hint("Give the table an alias."));
        }
        let snapshot = request.work.snapshot(&self.metastore)?;
        let known = snapshot.relation_by_id(table.id).unwrap_or(table);
        let mut keys = key_columns(known, &conflict.target)?;
        let ProposedRows { state, input, mut planned_version } = rows;
        let mut proposed = with_defaults(&state, input, version)?;
        if matches!(conflict.target, ConflictTarget::Any) {
            // A number that the table gives is new.
            keys.retain(|key| !key.iter().any(|column| is_numbered(column, &proposed, version)));
        }
        if keys.len() > 1 {
            for key in &keys {
                check_proposed(key, &proposed, version)?;
            }
            proposed = without_conflicts(proposed, &keys, version.provider(&self.stores)?)?;
            // Nothing more is in conflict, as long as the table is the one that was looked at.
            planned_version = Some(version.version());
            keys.clear();
        }
        let mut ctx = self.change_context(state.clone(), request, planned_version);
        let returning = self.returning(returning, table, version, &mut ctx, request).await?;
        let Some(key) = keys.pop() else {
            // Without a key nothing is in conflict.
            let changed = change::append(&ctx, &location_of(table)?, proposed).await;
            let changed =
                changed.map_err(|error| name_relation(error, table, &request.facts.snapshot))?;
            return Ok((changed, returning));
        };
        check_proposed(&key, &proposed, version)?;
        let inserted = proposed.schema().fields().iter();
        let inserted = inserted.map(|field| (field.name().clone(), excluded(field.name())));
        let inserted: Vec<(String, Expr)> = inserted.collect();
        let source = once_each(proposed, &key, conflict.update.is_some())?;
        let target = TableReference::bare(alias);
        let on = key.iter().map(|column| {
            Expr::Column(Column::new(Some(target.clone()), column)).eq(excluded(column))
        });
        let on = on.reduce(Expr::and).unwrap_or_else(|| lit(false));
        let mut clauses = vec![MergeClause {
            kind: MergeKind::NotMatchedByTarget,
            predicate: None,
            action: MergeAction::Insert(inserted),
        }];
        if let Some(BoundConflictUpdate { assignments, predicate }) = conflict.update {
            let columns = DFSchema::try_from_qualified_schema(EXCLUDED, source.schema().as_arrow());
            let schema = DFSchema::try_from_qualified_schema(target.clone(), &version.schema())
                .and_then(|table| table.join(&columns?))
                .map_err(from_datafusion)?;
            let expressions = self.expressions_over(&state, request, schema, version);
            let values = expressions.assignments(table, &version.schema(), assignments).await?;
            clauses.push(MergeClause {
                kind: MergeKind::Matched,
                predicate: expressions.optional(predicate).await?,
                action: MergeAction::Update(values),
            });
        }
        let plan = MergePlan {
            target_alias: target,
            source,
            source_alias: Some(TableReference::bare(EXCLUDED)),
            on,
            clauses,
            takes_any: false,
        };
        let changed = change::merge(&ctx, &location_of(table)?, plan).await;
        let changed =
            changed.map_err(|error| name_relation(error, table, &request.facts.snapshot))?;
        Ok((changed, returning))
    }
}

fn excluded(column: &str) -> Expr {
    Expr::Column(Column::new(Some(TableReference::bare(EXCLUDED)), column))
}

/// The columns of the key that is meant, of all where any is.
fn key_columns(table: &Relation, target: &ConflictTarget) -> Result<Vec<Vec<String>>> {
    let name = |id: &SecurableId| {
        let column = table.columns.iter().find(|column| column.id == *id);
        column.map(|column| column.field.name().clone())
    };
    let names = |key: &[SecurableId]| key.iter().filter_map(name).collect();
    let key = match target {
        ConflictTarget::Any => {
            let keys = table.keys().map(|key| names(key.kind.columns()));
            let indexes = table.indexes.iter().filter_map(|index| index.definition.key_of_rows());
            return Ok(keys.chain(indexes.map(|columns| names(&columns))).collect());
        }
        ConflictTarget::Constraint(name) => named_key(table, name)?.kind.columns().to_vec(),
        ConflictTarget::Columns(columns) => {
            let mut ids: Vec<SecurableId> = Vec::with_capacity(columns.len());
            for named in columns {
                let mut known = table.columns.iter();
                let column = known.find(|column| *column.field.name() == named.name);
                let column = column.ok_or_else(|| {
                    let message = format!("column \"{}\" does not exist", named.name);
                    Error::new(ErrorKind::UndefinedColumn, message).at_if(named.position)
                })?;
                if !ids.contains(&column.id) {
                    ids.push(column.id);
                }
            }
            table.unique_over(&ids).ok_or_else(|| {
                let message = "there is no unique or exclusion constraint matching the ON \
                               CONFLICT specification";
                Error::new(ErrorKind::InvalidColumnReference, message)
                    .with_hint("Declare the key: ALTER TABLE … ADD PRIMARY KEY (…) or UNIQUE (…).")
            })?
        }
    };
    Ok(vec![names(&key)])
}

fn named_key<'a>(table: &'a Relation, name: &ColumnName) -> Result<&'a Constraint> {
    let mut constraints = table.constraints.iter();
    let Some(found) = constraints.find(|known| known.name == name.name) else {
        let (name, table) = (&name.name, &table.name);
        let message = format!("constraint \"{name}\" for table \"{table}\" does not exist");
        return Err(Error::new(ErrorKind::UndefinedObject, message));
    };
    if found.index.is_none() {
        let message = "constraint in ON CONFLICT clause has no associated index";
        return Err(Error::new(ErrorKind::WrongObjectType, message).at_if(name.position));
    }
    Ok(found)
}

/// The rows with the defaults of columns that they lack, but those whose values the table makes when it writes.
fn with_defaults(
    state: &SessionState,
    input: LogicalPlan,
    version: &TableVersion,
) -> Result<LogicalPlan> {
    let schema = version.schema();
    let given: Vec<&str> = input.schema().fields().iter().map(|field| &**field.name()).collect();
    if let Some(flag) = given.iter().find(|name| schema.field_with_name(name).is_err()) {
        let what = "an identity column that some rows give and others do not, with ON CONFLICT,";
        return Err(Error::unsupported(what)
            .with_detail(format!("The column {flag} has no place."))
            .with_hint("Give the column in every row, or in none."));
    }
    let mut values: Vec<Expr> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let name = field.name();
        let value = if given.contains(&name.as_str()) {
            ident(name)
        } else if version.is_generated(name) || version.identity_of(name).is_some() {
            continue;
        } else {
            match version.default_of(name) {
                Some(sql) => change::column_default(state, field, &sql)?,
                None => lit(datafusion::common::ScalarValue::Null),
            }
        };
        values.push(cast(value, field.data_type().clone()).alias(name));
    }
    LogicalPlanBuilder::from(input)
        .project(values)
        .and_then(LogicalPlanBuilder::build)
        .map_err(from_datafusion)
}

/// Whether the table numbers a column of the rows.
fn is_numbered(column: &str, proposed: &LogicalPlan, version: &TableVersion) -> bool {
    let is_given = proposed.schema().fields().iter().any(|field| field.name() == column);
    !is_given && version.identity_of(column).is_some()
}

/// A key that the table itself makes is not known before it is written.
fn check_proposed(key: &[String], proposed: &LogicalPlan, version: &TableVersion) -> Result<()> {
    for column in key {
        if proposed.schema().fields().iter().any(|field| field.name() == column) {
            continue;
        }
        let what = match version.is_generated(column) {
            true => "ON CONFLICT on a generated column",
            false => "ON CONFLICT on an identity column that the rows do not give",
        };
        return Err(Error::unsupported(what));
    }
    Ok(())
}

/// The rows, of those with the same key the first only; where they would update, a second is 21000. A NULL is
/// equal to nothing, and so in conflict with nothing.
fn once_each(proposed: LogicalPlan, key: &[String], updates: bool) -> Result<LogicalPlan> {
    let columns: Vec<Expr> =
        proposed.schema().fields().iter().map(|field| ident(field.name())).collect();
    let key: Vec<Expr> = key.iter().map(ident).collect();
    let has_null = key.iter().cloned().map(Expr::is_null).reduce(Expr::or);
    let has_null = has_null.unwrap_or_else(|| lit(false));
    let mut plan = proposed;
    let mut seen = columns.clone();
    let repetition = row_number().partition_by(key);
    let repetition = match updates {
        true => repetition.build(),
        // The first is that which comes first.
        false => {
            plan = numbered(plan, row_number(), PLACE, &seen)?;
            seen.push(ident(PLACE));
            repetition.order_by(vec![ident(PLACE).sort(true, false)]).build()
        }
    };
    plan = numbered(plan, repetition.map_err(from_datafusion)?, REPETITION, &seen)?;
    let repetition = when(has_null, lit(1_u64)).otherwise(ident(REPETITION));
    let repetition = repetition.map_err(from_datafusion)?;
    let is_first = match updates {
        true => ScalarUDF::from(OnlyOnce::new()).call(vec![repetition]),
        false => repetition.eq(lit(1_u64)),
    };
    LogicalPlanBuilder::from(plan)
        .filter(is_first)
        .and_then(|plan| plan.project(columns)?.build())
        .map_err(from_datafusion)
}

/// The columns of a plan and one more, which a window function computes.
pub(super) fn numbered(
    plan: LogicalPlan,
    number: Expr,
    name: &str,
    columns: &[Expr],
) -> Result<LogicalPlan> {
    let computed = Expr::Column(Column::from_name(number.schema_name().to_string()));
    let values = columns.iter().cloned().chain([computed.alias(name)]);
    let values: Vec<Expr> = values.collect();
    LogicalPlanBuilder::from(plan)
        .window(vec![number])
        .and_then(|plan| plan.project(values)?.build())
        .map_err(from_datafusion)
}

/// True for the first row of a key; 21000 for a second.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OnlyOnce {
    signature: Signature,
}

impl OnlyOnce {
    fn new() -> Self {
        OnlyOnce { signature: Signature::exact(vec![DataType::UInt64], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for OnlyOnce {
    fn name(&self) -> &str {
        "__lakegate_only_once"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let Some(numbers) = arrays.first() else {
            return Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(Vec::<bool>::new()))));
        };
        let numbers = numbers.as_primitive::<UInt64Type>();
        if numbers.iter().flatten().any(|number| number > 1) {
            let message = "ON CONFLICT DO UPDATE command cannot affect row a second time";
            let error = Error::new(ErrorKind::CardinalityViolation, message).with_hint(
                "Ensure that no rows proposed for insertion within the same command have \
                 duplicate constrained values.",
            );
            return Err(DataFusionError::External(Box::new(error)));
        }
        let all = BooleanArray::from(vec![true; numbers.len()]);
        Ok(ColumnarValue::Array(Arc::new(all)))
    }
}
