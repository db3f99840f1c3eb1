//! MERGE: rows of a source change the rows of a table that they match. It never changes a row twice.

use async_trait::async_trait;
use datafusion::common::{Column, JoinType, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use deltalake::protocol::{DeltaOperation, MergePredicate};

use super::append::actions_of;
use super::commit::{Change, Staged, apply};
use super::error::of_datafusion;
use super::identity::{Identity, Numbering, metadata_after};
use super::owed::check_identities_stay;
use super::rewrite::evaluated_action;
use super::rows::{Acted, Action, Clause, Repeated, Rows, acted, case, together};
use super::sink::{Written, write};
use super::subquery::{Kept, check_dependent};
use super::target::Target;
use super::touched::{Found, TouchedFiles};
use super::{ChangeContext, Changed};
use crate::base::{Error, Result};
use crate::delta::scan::Selections;
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
    /// The qualifier of the source's columns in expressions; `None` if they have qualifiers of their own.
    pub source_alias: Option<TableReference>,
    pub on: Expr,
    /// The first clause of its kind whose predicate is true acts on a row.
    pub clauses: Vec<MergeClause>,
    /// Whether any one row of the source may change a row that several match: UPDATE with FROM and DELETE
    /// with USING. Otherwise that is an error.
    pub takes_any: bool,
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
        source: in_source(source, plan.source_alias)?,
        on,
        clauses,
        repeated: if plan.takes_any { Repeated::Skipped } else { Repeated::Refused },
    };
    apply(ctx, location, &change).await
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
    check_dependent(&expr)?;
    Ok(expr)
}

/// The source with the column [`IN_SOURCE`], whose name nothing else has.
fn in_source(source: LogicalPlan, alias: Option<TableReference>) -> Result<LogicalPlan> {
    let columns = source.schema().columns().into_iter().map(Expr::Column);
    let values: Vec<Expr> = columns.chain([lit(true).alias(IN_SOURCE)]).collect();
    let mut source = LogicalPlanBuilder::new(source).project(values);
    if let Some(alias) = alias {
        source = source.and_then(|plan| plan.alias(alias));
    }
    source.and_then(|plan| plan.build()).map_err(of_datafusion)
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
    on: Expr,
    clauses: Vec<MergeClause>,
    repeated: Repeated,
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
        if self.updates() && !touched.is_empty() || !touched.copied()?.is_empty() {
            check_identities_stay(&target.shape.properties)?;
        }
        let identities = target.shape.identities();
        let numberings: Vec<Numbering> = identities.map(Identity::numbering).collect();
        if let Some(rows) = self.rows(ctx, target, &touched, &numberings)? {
            written = write(ctx, &target.location, &target.shape, rows).await?;
            changed.inserted = written.inserted;
            changed.updated = written.updated;
            changed.deleted = written.deleted;
        }
        if changed.updated + changed.deleted != touched.rows() {
            return Err(Error::internal("a MERGE has not changed the rows that it has found"));
        }
        let mut actions = touched.actions(ctx, target).await?;
        actions.extend(actions_of(written));
        actions.extend(metadata_after(target, &numberings)?);
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

    fn updates(&self) -> bool {
        self.clauses.iter().any(|clause| matches!(clause.action, Action::Update(_)))
    }

    fn inserts(&self) -> bool {
        let mut clauses = self.of_kind(MergeKind::NotMatchedByTarget);
        clauses.any(|clause| !matches!(clause.action, Action::Nothing))
    }

    fn changes_table_rows(&self) -> bool {
        self.changes_matched() || self.changes_unmatched()
    }

    /// The files with the rows that are changed.
    async fn touched_files(&self, ctx: &ChangeContext, target: &Target) -> Result<TouchedFiles> {
        let mut found = Found::new(ctx);
        if self.changes_matched() {
            let (table, source) = (self.table_rows(ctx, target, None)?, self.source.clone());
            let applicable = self.applicable(MergeKind::Matched);
            let matched = self.joined(table, source, JoinType::LeftSemi, applicable)?;
            found.add(ctx, &self.target, matched).await?;
        }
        if self.changes_unmatched() {
            let (table, source) = (self.table_rows(ctx, target, None)?, self.source.clone());
            let unmatched = self.joined(table, source, JoinType::LeftAnti, None)?;
            let mut unmatched = LogicalPlanBuilder::new(self.without_source(unmatched)?);
            if let Some(applicable) = self.applicable(MergeKind::NotMatchedBySource) {
                unmatched = unmatched.filter(applicable).map_err(of_datafusion)?;
            }
            let unmatched = unmatched.build().map_err(of_datafusion)?;
            found.add(ctx, &self.target, unmatched).await?;
        }
        TouchedFiles::new(ctx, target, found).await
    }

    /// The rows to write: those that are changed, new ones, and the others of files that are written again.
    /// `None` if there are none at all.
    fn rows(
        &self,
        ctx: &ChangeContext,
        target: &Target,
        touched: &TouchedFiles,
        numberings: &[Numbering],
    ) -> Result<Option<Rows>> {
        let acted_on = Acted {
            target: &self.target,
            is_in_table: Some(qualified(&self.target, IN_TABLE)),
            repeated: Some(self.repeated),
            wants_old: target.shape.records_changes(),
            numberings,
        };
        let mut plans = Vec::new();
        for part in self.parts(ctx, target, touched)? {
            let clauses = self.row_clauses(part.is_matched);
            plans.push(acted(&ctx.state, &target.shape, part.plan, &clauses, &acted_on)?);
        }
        let copied = touched.copied()?;
        if !copied.is_empty() {
            let plan = self.table_rows(ctx, target, Some(copied))?;
            plans.push(acted(&ctx.state, &target.shape, plan, &[], &acted_on)?);
        }
        together(plans)
    }

    /// Plans that together have every row that is changed once, or as often as rows of the source change
    /// it, and every row of the source that matches none once. All have the same columns.
    fn parts(
        &self,
        ctx: &ChangeContext,
        target: &Target,
        touched: &TouchedFiles,
    ) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        if touched.is_empty() {
            if self.inserts() {
                parts.push(Part::new(self.new_rows(self.table_rows(ctx, target, None)?)?));
            }
            return Ok(parts);
        }
        let table = self.table_rows(ctx, target, Some(touched.gone()?))?;
        let source = self.source.clone();
        match self.applicable(MergeKind::Matched) {
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
            parts.push(Part::new(self.new_rows(self.table_rows(ctx, target, None)?)?));
        }
        Ok(parts)
    }

    /// The table's rows, or some of them, with the column [`IN_TABLE`].
    fn table_rows(
        &self,
        ctx: &ChangeContext,
        target: &Target,
        rows: Option<Selections>,
    ) -> Result<LogicalPlan> {
        let scan = target.rows(ctx, &self.target, rows)?;
        let columns = scan.schema().columns().into_iter().map(Expr::Column);
        let values: Vec<Expr> = columns.chain([lit(true).alias(IN_TABLE)]).collect();
        LogicalPlanBuilder::new(scan)
            .project(values)
            .and_then(|plan| plan.alias(self.target.clone()))
            .and_then(|plan| plan.build())
            .map_err(of_datafusion)
    }

    /// The rows of the source that match no row of the table.
    fn new_rows(&self, table: LogicalPlan) -> Result<LogicalPlan> {
        let nothing = nulls_of(&table)?;
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
        let nothing = nulls_of(&self.source)?;
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

    /// Whether a clause of the kind changes a row that it is for; `None` if every one is changed.
    fn applicable(&self, kind: MergeKind) -> Option<Expr> {
        let clauses: Vec<&MergeClause> = self.of_kind(kind).collect();
        if clauses.is_empty() {
            // No row changes anything, and so none is to be seen twice.
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
        let in_source = || self.in_source();
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

    /// The column [`IN_SOURCE`] as the source has it.
    fn in_source(&self) -> Expr {
        let columns = self.source.schema().columns();
        let found = columns.into_iter().find(|column| column.name == IN_SOURCE);
        Expr::Column(found.unwrap_or_else(|| Column::new_unqualified(IN_SOURCE)))
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

/// NULLs in place of a plan's columns, under their qualifiers.
fn nulls_of(plan: &LogicalPlan) -> Result<Vec<Expr>> {
    let nulls = plan.schema().iter().map(|(qualifier, field)| {
        let null = datafusion::common::ScalarValue::try_from(field.data_type());
        Ok(lit(null.map_err(of_datafusion)?).alias_qualified(qualifier.cloned(), field.name()))
    });
    nulls.collect()
}
