//! ANALYZE: counts what the rows of a table are like, from all of them or from some of its files, and keeps it
//! for the planner and for clients. It decides nothing: findings that no longer fit are passed over.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::Utc;
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::datasource::provider_as_source;
use datafusion::functions::string::expr_fn::octet_length;
use datafusion::functions_aggregate::expr_fn::{approx_distinct, avg, count, max, min};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit};
use datafusion::physical_plan::collect;

use crate::base::{Error, PrincipalId, Result, SecurableId};
use crate::bind::maintenance::BoundAnalyze;
use crate::bind::{Bound, BoundStatement};
use crate::catalog::table_statistics::{AnalyzedTables, ColumnStatistics, TableStatistics};
use crate::catalog::{Relation, Snapshot};
use crate::delta::TableVersion;
use crate::governance::{Access, authorize};

use super::error::from_datafusion;
use super::facts::Facts;
use super::query::physical_plan;
use super::{Completion, Engine, Request};

/// Rows of which a table is judged when it has more.
const SAMPLE_ROWS: u64 = 3_000_000;

/// A share of values that differ above which a sample of the table is taken for a share of all its rows, as
/// PostgreSQL does.
const GROWING_SHARE: f64 = 0.1;

/// By how much the number of rows may have changed since findings that are still used, and from which change on
/// a table is analyzed again in the background.
const USABLE_FACTOR: f64 = 2.0;
const STALE_SHARE: f64 = 0.1;
const STALE_ROWS: f64 = 50.0;

/// Characters of a bound that are kept.
const BOUND_CHARACTERS_MAX: usize = 256;

/// The findings, of all tables.
#[derive(Debug, Default)]
pub(super) struct Analyzed(RwLock<Arc<AnalyzedTables>>);

impl Engine {
    /// What ANALYZE has found, of all tables.
    pub fn table_statistics(&self) -> Arc<AnalyzedTables> {
        Arc::clone(&self.analyzed.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads what earlier processes have found.
    pub async fn load_table_statistics(&self) -> Result<()> {
        let found = Arc::new(self.metastore.table_statistics().await?);
        *self.analyzed.0.write().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }

    /// Analyzes tables one after another; of all tables, those that the principal may analyze.
    pub(super) async fn analyze(
        self: &Arc<Self>,
        tables: BoundAnalyze,
        principal: PrincipalId,
        request: &Request,
    ) -> Result<Completion> {
        let _admitted = self.admission.enter().await?;
        let mut completion = Completion::new("ANALYZE");
        match tables {
            BoundAnalyze::Tables(tables) => {
                for table in tables {
                    self.analyze_table(table, request).await?;
                }
            }
            BoundAnalyze::All => {
                let statement = |table| BoundStatement::Analyze(BoundAnalyze::Tables(vec![table]));
                let analyze = |table| self.analyze_table(table, request);
                completion.warnings =
                    self.on_all_tables("analyze", principal, request, statement, analyze).await?;
            }
        }
        Ok(completion)
    }

    /// Does to all tables of the database what the principal may do to them, one after another; gives what is said of
    /// those that are left out. One table that cannot be read keeps nobody from the others.
    pub(super) async fn on_all_tables<Done: Future<Output = Result<()>>>(
        &self,
        verb: &str,
        principal: PrincipalId,
        request: &Request,
        statement: impl Fn(Arc<Relation>) -> BoundStatement,
        run: impl Fn(Arc<Relation>) -> Done,
    ) -> Result<Vec<String>> {
        let snapshot = request.work.snapshot(&self.metastore)?;
        let mut warnings = Vec::new();
        for table in all_tables(&snapshot, &request.facts.catalog) {
            let (id, name) = (table.id, table.name.clone());
            let statement = statement(Arc::clone(&table));
            let bound = Bound { snapshot: Arc::clone(&snapshot), statement };
            if authorize(bound, principal).is_err() {
                if Access::new(&snapshot, principal).may_know(id) {
                    warnings.push(format!("permission denied to {verb} \"{name}\", skipping it"));
                }
            } else if let Err(error) = run(table).await {
                let message = error.message();
                warnings.push(format!("cannot {verb} \"{name}\", skipping it: {message}"));
            }
        }
        Ok(warnings)
    }

    /// Analyzes a table as a statement sees it.
    async fn analyze_table(
        self: &Arc<Self>,
        table: Arc<Relation>,
        request: &Request,
    ) -> Result<()> {
        let (engine, request) = (Arc::clone(self), request.clone());
        let analyzed = async move {
            let version = engine.schema_of(&table, &request).await?;
            engine.analyze_version(&table, &version, &request.facts, false).await
        };
        self.cpu.run(analyzed).await
    }

    /// Analyzes a table in the background, if its rows are others than those of the last time. Whether they were.
    pub(super) async fn analyze_if_stale(
        &self,
        table: &Relation,
        version: &Arc<TableVersion>,
    ) -> Result<bool> {
        let Some(rows) = version.row_count().filter(|rows| *rows > 0) else { return Ok(false) };
        if let Some(known) = self.table_statistics().get(&table.id) {
            let changed = rows.abs_diff(known.rows) as f64;
            if changed <= STALE_ROWS + STALE_SHARE * known.rows as f64 {
                return Ok(false);
            }
        }
        self.analyze_version(table, version, &Facts::default(), true).await.map(|()| true)
    }

    async fn analyze_version(
        &self,
        table: &Relation,
        version: &Arc<TableVersion>,
        facts: &Facts,
        automatic: bool,
    ) -> Result<()> {
        let state = self.context.statement(facts);
        let (provider, is_sample) = version.sample(&self.stores, SAMPLE_ROWS)?;
        let schema = version.schema();
        let scan = LogicalPlanBuilder::scan("analyzed", provider_as_source(provider), None);
        let plan = scan.and_then(|scan| counts(scan, schema.fields().iter().map(Arc::as_ref)));
        let plan = plan.map_err(from_datafusion)?;
        let plan = physical_plan(&state, &plan, "").await?;
        let batches = collect(plan, state.task_ctx()).await.map_err(from_datafusion)?;
        let found = batches.into_iter().find(|batch| batch.num_rows() > 0);
        let found = found.ok_or_else(|| Error::internal("an aggregate gave no row"))?;
        let counted = whole(found.columns().first())?;
        let rows = match (is_sample, version.row_count()) {
            (true, Some(rows)) => rows,
            (true, None) | (false, _) => counted,
        };
        let mut columns = HashMap::new();
        for (at, field) in schema.fields().iter().enumerate() {
            let known = table.columns.iter().find(|known| known.field.name() == field.name());
            if let Some(known) = known {
                columns.insert(known.id, of_column(&found, at, field, counted, is_sample)?);
            }
        }
        let found = TableStatistics {
            relation: table.id,
            version: version.version(),
            analyzed_at: Utc::now().timestamp_micros(),
            automatic,
            rows,
            bytes: version.files().size_in_bytes(),
            columns,
        };
        self.keep_statistics(found).await
    }

    async fn keep_statistics(&self, found: TableStatistics) -> Result<()> {
        self.metastore.record_statistics(&found).await?;
        let snapshot = self.metastore.snapshot();
        let mut all = self.analyzed.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = AnalyzedTables::clone(&all);
        // Temporary tables are known to their sessions alone.
        let old = found.analyzed_at.saturating_sub(UNKNOWN_TABLES_KEPT_MICROS);
        next.retain(|id, known| known.analyzed_at > old || snapshot.relation_by_id(*id).is_some());
        next.insert(found.relation, Arc::new(found));
        *all = Arc::new(next);
        Ok(())
    }

    /// How many different values the columns of a table have at a version, by their names, as far as what was
    /// found fits it.
    pub(super) fn distinct_counts(
        &self,
        table: &Relation,
        version: &TableVersion,
    ) -> HashMap<String, usize> {
        let all = self.table_statistics();
        let rows = version.row_count();
        let (Some(known), Some(rows)) = (all.get(&table.id), rows) else { return HashMap::new() };
        let (now, then) = (rows as f64, known.rows as f64);
        if now > then * USABLE_FACTOR || then > now * USABLE_FACTOR {
            return HashMap::new();
        }
        let count = |column: &SecurableId| {
            let distinct = known.columns.get(column)?.distinct_among(rows)?;
            usize::try_from(distinct).ok()
        };
        let columns = table.columns.iter();
        columns.filter_map(|c| Some((c.field.name().clone(), count(&c.id)?))).collect()
    }
}

/// The Delta tables of a catalog and the materialized views that have rows, by schema and name.
fn all_tables(snapshot: &Snapshot, catalog: &str) -> Vec<Arc<Relation>> {
    let Some(catalog) = snapshot.catalog(catalog) else { return Vec::new() };
    let relations = snapshot.schemas_of(catalog.id).flat_map(|schema| {
        snapshot.relations_of(schema.id).filter(|relation| {
            let is_delta = relation.as_table().is_some_and(|table| table.foreign.is_none());
            is_delta && relation.as_materialized().is_none_or(|view| view.populated)
        })
    });
    relations.map(Arc::clone).collect()
}

/// How long the findings of a table are kept that the metastore does not know.
const UNKNOWN_TABLES_KEPT_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// Aggregates of each column.
const PER_COLUMN: usize = 5;

fn counts<'a>(
    scan: LogicalPlanBuilder,
    columns: impl Iterator<Item = &'a Field>,
) -> datafusion::common::Result<LogicalPlan> {
    let mut values = vec![count(lit(1_i64)).alias("rows")];
    for (at, field) in columns.enumerate() {
        let column = || ident(field.name());
        let none = || lit(ScalarValue::Null);
        let text = || cast(column(), DataType::Utf8);
        let data_type = field.data_type();
        let is_float = data_type.is_floating();
        let is_plain = !data_type.is_nested();
        let compared = match is_plain {
            // Each float has one text, and no sketch is made of floats.
            true if is_float => text(),
            true => column(),
            false => none(),
        };
        let bytes = match data_type {
            DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8 => octet_length(column()),
            _ => none(),
        };
        let is_ordered = is_plain && !matches!(data_type, DataType::Boolean);
        let ordered = || if is_ordered { column() } else { none() };
        let distinct = if is_plain { approx_distinct(compared) } else { count(none()) };
        let of_column: [Expr; PER_COLUMN] = [
            count(column()),
            distinct,
            avg(cast(bytes, DataType::Float64)),
            min(ordered()),
            max(ordered()),
        ];
        let named = of_column.into_iter().enumerate();
        values.extend(named.map(|(which, value)| value.alias(format!("c{at}_{which}"))));
    }
    scan.aggregate(Vec::<Expr>::new(), values)?.build()
}

fn of_column(
    found: &RecordBatch,
    at: usize,
    field: &Field,
    rows: u64,
    is_sample: bool,
) -> Result<ColumnStatistics> {
    let value = |which: usize| found.columns().get(1 + at * PER_COLUMN + which);
    let there = whole(value(0))?;
    let distinct = whole(value(1))?.min(there);
    let share = distinct as f64 / rows.max(1) as f64;
    let distinct_count = match (distinct, is_sample) {
        (0, _) => 0.0,
        (_, false) if share <= GROWING_SHARE => distinct as f64,
        (_, true) if share <= GROWING_SHARE => distinct as f64,
        _ => -share,
    };
    let bytes =
        value(2).map(|value| ScalarValue::try_from_array(value, 0)?.cast_to(&DataType::Float64));
    let bytes = match bytes.transpose().map_err(from_datafusion)? {
        Some(ScalarValue::Float64(Some(bytes))) => bytes.round() as u32,
        _ => width(field.data_type()),
    };
    Ok(ColumnStatistics {
        null_fraction: rows.saturating_sub(there) as f64 / rows.max(1) as f64,
        average_bytes: bytes,
        distinct_count,
        least: value(3).and_then(text),
        greatest: value(4).and_then(text),
    })
}

fn whole(value: Option<&ArrayRef>) -> Result<u64> {
    let value = value.ok_or_else(|| Error::internal("a count is missing"))?;
    let number = ScalarValue::try_from_array(value, 0)
        .and_then(|value| value.cast_to(&DataType::UInt64))
        .map_err(from_datafusion)?;
    match number {
        ScalarValue::UInt64(number) => Ok(number.unwrap_or_default()),
        _ => Err(Error::internal("a count is no number")),
    }
}

/// A bound as text; what cannot be shown has none.
fn text(value: &ArrayRef) -> Option<String> {
    if value.data_type() == &DataType::Null || value.is_null(0) {
        return None;
    }
    let shown = ScalarValue::try_from_array(value, 0).ok()?.cast_to(&DataType::Utf8).ok()?;
    match shown {
        ScalarValue::Utf8(Some(text)) => Some(text.chars().take(BOUND_CHARACTERS_MAX).collect()),
        _ => None,
    }
}

/// The size of a value where values do not say themselves: fixed, or what PostgreSQL takes for unknown.
fn width(data_type: &DataType) -> u32 {
    const UNKNOWN: u32 = 32;
    match data_type {
        DataType::Boolean => 1,
        data_type => data_type
            .primitive_width()
            .and_then(|width| u32::try_from(width).ok())
            .unwrap_or(UNKNOWN),
    }
}
