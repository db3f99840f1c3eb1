//! MERGE: rows of a source change the rows of a table that they match. It never changes a row twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use datafusion::arrow::array::UInt64Array;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, JoinType, Result as DataFusionResult, TableReference};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility, lit,
};
use deltalake::kernel::Action as DeltaAction;
use deltalake::protocol::{DeltaOperation, MergePredicate};

use super::append::actions_of;
use super::commit::{Change, Staged, apply};
use super::error::of_datafusion;
use super::rewrite::{TouchedFile, evaluated_action, touched_files};
use super::rows::{Acted, Action, Clause, ROW, Rows, acted, case};
use super::sink::{Written, write};
use super::subquery::Kept;
use super::target::Target;
use super::{ChangeContext, Changed};
use crate::base::{Error, Result};
use crate::storage::Location;

pub use super::rows::Action as MergeAction;

/// The column of source rows that is true: NULL where an outer join found no source row.
const IN_SOURCE: &str = "__lakegate_in_source";

/// The column of the table's rows that is true: NULL where an outer join found no row of the table.
const IN_TABLE: &str = "__lakegate_in_table";

/// MERGE INTO a table.
#[derive(Debug, Clone)]
pub struct MergePlan {
    /// The qualifier of the table's columns in expressions.
    pub target_alias: TableReference,
    pub source: LogicalPlan,
    /// The qualifier of the source's columns in expressions.
    pub source_alias: TableReference,
    pub on: Expr,
    /// The first clause of its kind whose predicate is true acts on a row.
    pub clauses: Vec<MergeClause>,
}

/// One WHEN clause.
#[derive(Debug, Clone)]
pub struct MergeClause {
    pub kind: MergeKind,
    /// What follows AND; `None` is always true.
    pub predicate: Option<Expr>,
    /// Update, delete or nothing for rows of the table; insert or nothing for others.
    pub action: MergeAction,
}

/// Which rows a WHEN clause is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeKind {
    /// WHEN MATCHED: rows of the table with a row of the source.
    Matched,
    /// WHEN NOT MATCHED [BY TARGET]: rows of the source without a row in the table.
    NotMatchedByTarget,
    /// WHEN NOT MATCHED BY SOURCE: rows of the table without a row in the source.
    NotMatchedBySource,
}

/// Runs a MERGE. 21000 if a row of the table would be changed by more than one row of the source.
pub async fn merge(ctx: &ChangeContext, location: &Location, plan: MergePlan) -> Result<Changed> {
    let mut kept = Kept::default();
    let mut clauses = Vec::with_capacity(plan.clauses.len());
    for clause in plan.clauses {
        check_action(&clause)?;
        let predicate = match clause.predicate {
            Some(predicate) => Some(stable(kept.evaluated(ctx, predicate).await?)?),
            None => None,
        };
        let action = evaluated_action(ctx, &mut kept, clause.action).await?;
        clauses.push(MergeClause { kind: clause.kind, predicate, action });
    }
    let on = stable(kept.evaluated(ctx, plan.on).await?)?;
    let source = kept.repeatable(ctx, plan.source).await?;
    let change = Merge {
        target: plan.target_alias,
        source: in_source(source, &plan.source_alias)?,
        source_alias: plan.source_alias,
        on,
        clauses,
    };
    Ok(apply(ctx, location, &change).await?.0)
}

fn check_action(clause: &MergeClause) -> Result<()> {
    let inserts = matches!(clause.action, Action::Insert(_));
    let changes = matches!(clause.action, Action::Update(_) | Action::Delete);
    let misfit = match clause.kind {
        MergeKind::Matched | MergeKind::NotMatchedBySource => inserts,
        MergeKind::NotMatchedByTarget => changes,
    };
    if misfit {
        Err(Error::internal("a MERGE action that does not fit its clause"))
    } else {
        Ok(())
    }
}

/// Rows are matched more than once, and must match the same each time.
fn stable(expr: Expr) -> Result<Expr> {
    if expr.is_volatile() {
        return Err(Error::unsupported("a volatile function in a condition of MERGE")
            .with_hint("Compute it in the source of the MERGE."));
    }
    Ok(expr)
}

/// The source with the column [`IN_SOURCE`].
fn in_source(source: LogicalPlan, alias: &TableReference) -> Result<LogicalPlan> {
    let columns = source.schema().columns().into_iter().map(Expr::Column);
    let values: Vec<Expr> = columns.chain([lit(true).alias(IN_SOURCE)]).collect();
    LogicalPlanBuilder::new(source)
        .project(values)
        .and_then(|plan| plan.alias(alias.clone()))
        .and_then(|plan| plan.build())
        .map_err(of_datafusion)
}

/// Rows of the table and the source, side by side.
struct Part {
    plan: LogicalPlan,
    /// Every row of the table has a match, also where no row of the source is beside it.
    is_matched: bool,
}

impl Part {
    fn new(plan: LogicalPlan) -> Self {
        Part { plan, is_matched: false }
    }
}

struct Merge {
    target: TableReference,
    source: LogicalPlan,
    source_alias: TableReference,
    on: Expr,
    clauses: Vec<MergeClause>,
}

#[async_trait]
impl Change for Merge {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        if self.changes_table_rows() {
            target.check_not_append_only()?;
        }
        let touched = self.touched_files(ctx, target).await?;
        let mut changed = Changed::default();
        let mut written = Written::default();
        if let Some(rows) = self.rows(ctx, target, &touched).await? {
            written = write(ctx, &target.location, &target.shape, rows).await?;
            changed.inserted = written.inserted;
            changed.updated = written.updated;
            changed.deleted = written.deleted;
        }
        let mut actions = Vec::new();
        if changed.rows() > 0 {
            let removes = touched.iter().map(|file| file.view.remove_action(true));
            actions.extend(removes.map(DeltaAction::Remove));
            actions.extend(actions_of(written));
        }
        Ok(Staged { actions, operation: self.operation(), changed, is_blind_append: false })
    }
}

impl Merge {
    fn of_kind(&self, kind: MergeKind) -> impl Iterator<Item = &MergeClause> {
        self.clauses.iter().filter(move |clause| clause.kind == kind)
    }

    /// Whether any clause changes rows that match.
    fn changes_matched(&self) -> bool {
        self.of_kind(MergeKind::Matched).any(|clause| !matches!(clause.action, Action::Nothing))
    }

    fn changes_unmatched(&self) -> bool {
        let mut clauses = self.of_kind(MergeKind::NotMatchedBySource);
        clauses.any(|clause| !matches!(clause.action, Action::Nothing))
    }

    fn inserts(&self) -> bool {
        let mut clauses = self.of_kind(MergeKind::NotMatchedByTarget);
        clauses.any(|clause| !matches!(clause.action, Action::Nothing))
    }

    fn changes_table_rows(&self) -> bool {
        self.changes_matched() || self.changes_unmatched()
    }

    /// The files with rows that may be changed.
    async fn touched_files(
        &self,
        ctx: &ChangeContext,
        target: &Target,
    ) -> Result<Vec<TouchedFile>> {
        if !self.changes_table_rows() {
            return Ok(Vec::new());
        }
        let scan = target.scan_with_file(ctx, &self.target).await?;
        let plan = if self.changes_unmatched() {
            scan
        } else {
            self.joined(scan, self.source.clone(), JoinType::LeftSemi, self.applicable())?
        };
        touched_files(ctx, target, &self.target, plan).await
    }

    /// The rows to write: those of touched files, and new ones. `None` if there are none at all.
    async fn rows(
        &self,
        ctx: &ChangeContext,
        target: &Target,
        touched: &[TouchedFile],
    ) -> Result<Option<Rows>> {
        let wants_old = target.shape.records_changes();
        let acted_on = Acted {
            target: &self.target,
            is_in_table: Some(qualified(&self.target, IN_TABLE)),
            has_row: true,
            wants_old,
        };
        let mut plans = Vec::new();
        for part in self.parts(ctx, target, touched).await? {
            let clauses = self.row_clauses(part.is_matched);
            plans.push(acted(&ctx.state, &target.shape, part.plan, &clauses, &acted_on)?);
        }
        let mut plans = plans.into_iter();
        let Some(mut rows) = plans.next() else { return Ok(None) };
        for next in plans {
            let union = LogicalPlanBuilder::new(rows.plan).union(next.plan);
            rows.plan = union.and_then(|plan| plan.build()).map_err(of_datafusion)?;
        }
        Ok(Some(rows))
    }

    /// Plans that together have every row of touched files once, or as often as rows of the source
    /// change it, and every row of the source that matches none once. All have the same columns.
    async fn parts(
        &self,
        ctx: &ChangeContext,
        target: &Target,
        touched: &[TouchedFile],
    ) -> Result<Vec<Part>> {
        let ids: Vec<String> = touched.iter().map(|file| file.id.clone()).collect();
        let mut parts = Vec::new();
        if ids.is_empty() {
            if self.inserts() {
                let table = self.table_rows(ctx, target, None).await?;
                parts.push(Part::new(self.new_rows(table)?));
            }
            return Ok(parts);
        }
        let table = self.table_rows(ctx, target, Some(&ids)).await?;
        let source = self.source.clone();
        match self.applicable() {
            // Every match counts, so that one join tells all.
            None => {
                let kind = if self.inserts() { JoinType::Full } else { JoinType::Left };
                parts.push(Part::new(self.joined(table, source, kind, None)?));
                return Ok(parts);
            }
            Some(applicable) if !self.changes_unmatched() => {
                let joined = self.joined(table, source, JoinType::Left, Some(applicable))?;
                parts.push(Part::new(joined));
            }
            Some(applicable) => {
                let unmatched =
                    self.joined(table.clone(), source.clone(), JoinType::LeftAnti, None)?;
                let matched = self.joined(table, source.clone(), JoinType::LeftSemi, None)?;
                parts.push(Part::new(self.without_source(unmatched)?));
                let plan = self.joined(matched, source, JoinType::Left, Some(applicable))?;
                parts.push(Part { plan, is_matched: true });
            }
        }
        if self.inserts() {
            let table = self.table_rows(ctx, target, None).await?;
            parts.push(Part::new(self.new_rows(table)?));
        }
        Ok(parts)
    }

    /// The table's rows with the columns [`ROW`] and [`IN_TABLE`].
    async fn table_rows(
        &self,
        ctx: &ChangeContext,
        target: &Target,
        files: Option<&[String]>,
    ) -> Result<LogicalPlan> {
        let scan = target.scan(ctx, &self.target, files).await?;
        let columns = scan.schema().columns().into_iter().map(Expr::Column);
        let row = ScalarUDF::from(RowNumbers::default()).call(Vec::new());
        let values: Vec<Expr> =
            columns.chain([row.alias(ROW), lit(true).alias(IN_TABLE)]).collect();
        LogicalPlanBuilder::new(scan)
            .project(values)
            .and_then(|plan| plan.alias(self.target.clone()))
            .and_then(|plan| plan.build())
            .map_err(of_datafusion)
    }

    /// The rows of the source that match no row of the table.
    fn new_rows(&self, table: LogicalPlan) -> Result<LogicalPlan> {
        let nothing = nulls_of(&table, &self.target)?;
        let new = self.joined(self.source.clone(), table, JoinType::LeftAnti, None)?;
        let columns = new.schema().columns().into_iter().map(Expr::Column);
        // The columns of the table come first, as in the joins.
        let values: Vec<Expr> = nothing.into_iter().chain(columns).collect();
        LogicalPlanBuilder::new(new)
            .project(values)
            .and_then(|plan| plan.build())
            .map_err(of_datafusion)
    }

    /// Rows of the table with NULL for the columns of the source.
    fn without_source(&self, table: LogicalPlan) -> Result<LogicalPlan> {
        let nothing = nulls_of(&self.source, &self.source_alias)?;
        let columns = table.schema().columns().into_iter().map(Expr::Column);
        let values: Vec<Expr> = columns.chain(nothing).collect();
        LogicalPlanBuilder::new(table)
            .project(values)
            .and_then(|plan| plan.build())
            .map_err(of_datafusion)
    }

    fn joined(
        &self,
        left: LogicalPlan,
        right: LogicalPlan,
        kind: JoinType,
        and: Option<Expr>,
    ) -> Result<LogicalPlan> {
        let on = std::iter::once(self.on.clone()).chain(and);
        LogicalPlanBuilder::new(left)
            .join_on(right, kind, on)
            .and_then(|plan| plan.build())
            .map_err(of_datafusion)
    }

    /// Whether a WHEN MATCHED clause changes a match; `None` if every match is changed.
    fn applicable(&self) -> Option<Expr> {
        let clauses: Vec<&MergeClause> = self.of_kind(MergeKind::Matched).collect();
        if clauses.is_empty() {
            // No match changes anything, and so no match is to be seen twice.
            return Some(lit(false));
        }
        let first_nothing =
            clauses.iter().position(|clause| matches!(clause.action, Action::Nothing));
        let first_always = clauses.iter().position(|clause| clause.predicate.is_none());
        if let Some(always) = first_always
            && first_nothing.is_none_or(|nothing| nothing > always)
        {
            return None;
        }
        let branches = clauses.iter().map(|clause| {
            let when = clause.predicate.clone().unwrap_or_else(|| lit(true));
            (when, lit(!matches!(clause.action, Action::Nothing)))
        });
        Some(case(branches.collect(), lit(false)))
    }

    /// The clauses over the columns of [`Merge::parts`].
    fn row_clauses(&self, is_matched: bool) -> Vec<Clause> {
        let in_source = || qualified(&self.source_alias, IN_SOURCE);
        let in_table = || qualified(&self.target, IN_TABLE);
        let possible =
            |clause: &&MergeClause| !is_matched || clause.kind != MergeKind::NotMatchedBySource;
        let clauses = self.clauses.iter().filter(possible).map(|clause| {
            let here = match clause.kind {
                MergeKind::Matched => in_table().is_true().and(in_source().is_true()),
                MergeKind::NotMatchedByTarget => in_table().is_not_true(),
                MergeKind::NotMatchedBySource => in_source().is_not_true(),
            };
            let condition = match &clause.predicate {
                Some(predicate) => here.and(predicate.clone()),
                None => here,
            };
            Clause { condition, action: clause.action.clone() }
        });
        clauses.collect()
    }

    fn operation(&self) -> DeltaOperation {
        let predicates = |kind| {
            let clauses = self.of_kind(kind).map(|clause| MergePredicate {
                action_type: match clause.action {
                    Action::Nothing => "nothing",
                    Action::Insert(_) => "insert",
                    Action::Update(_) => "update",
                    Action::Delete => "delete",
                }
                .to_owned(),
                predicate: clause.predicate.as_ref().map(Expr::to_string),
            });
            clauses.collect()
        };
        DeltaOperation::Merge {
            predicate: Some(self.on.to_string()),
            merge_predicate: Some(self.on.to_string()),
            matched_predicates: predicates(MergeKind::Matched),
            not_matched_predicates: predicates(MergeKind::NotMatchedByTarget),
            not_matched_by_source_predicates: predicates(MergeKind::NotMatchedBySource),
        }
    }
}

fn qualified(qualifier: &TableReference, name: &str) -> Expr {
    Expr::Column(Column::new(Some(qualifier.clone()), name))
}

/// NULLs in place of a plan's columns, under the qualifier.
fn nulls_of(plan: &LogicalPlan, qualifier: &TableReference) -> Result<Vec<Expr>> {
    let fields = plan.schema().fields().iter();
    let nulls = fields.map(|field| {
        let null = datafusion::common::ScalarValue::try_from(field.data_type());
        Ok(lit(null.map_err(of_datafusion)?).alias_qualified(Some(qualifier.clone()), field.name()))
    });
    nulls.collect()
}

/// Numbers rows: each call gives numbers that no call before gave.
#[derive(Debug)]
struct RowNumbers {
    signature: Signature,
    next: Arc<AtomicU64>,
}

impl Default for RowNumbers {
    fn default() -> Self {
        let signature = Signature::exact(Vec::new(), Volatility::Volatile);
        RowNumbers { signature, next: Arc::default() }
    }
}

impl PartialEq for RowNumbers {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.next, &other.next)
    }
}

impl Eq for RowNumbers {}

impl std::hash::Hash for RowNumbers {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.next).hash(state);
    }
}

impl ScalarUDFImpl for RowNumbers {
    fn name(&self) -> &str {
        "__lakegate_row_number"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> DataFusionResult<DataType> {
        Ok(DataType::UInt64)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        let rows = arguments.number_rows as u64;
        let first = self.next.fetch_add(rows, Ordering::Relaxed);
        Ok(ColumnarValue::Array(Arc::new(UInt64Array::from_iter_values(first..first + rows))))
    }
}
