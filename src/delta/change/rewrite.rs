//! DELETE and UPDATE: the rows that are meant are looked for first, then changed. It never touches files
//! without such rows.

use async_trait::async_trait;
use datafusion::common::TableReference;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit};
use datafusion::physical_plan::execute_stream;
use deltalake::protocol::DeltaOperation;
use futures::StreamExt;

use super::append::{Truncate, actions_of};
use super::commit::{Change, Staged, apply};
use super::error::of_datafusion;
use super::owed::check_identities_stay;
use super::rows::{Acted, Action, Clause, Rows, acted, together};
use super::sink::{Written, write};
use super::subquery::Kept;
use super::target::Target;
use super::touched::{Found, TouchedFiles};
use super::{ChangeContext, Changed};
use crate::base::Result;
use crate::delta::prune::whole_files;
use crate::storage::Location;

/// Which rows of a table are meant.
#[derive(Debug, Clone)]
pub struct RowPredicate {
    /// The table's name or alias in the statement: the qualifier of its columns in expressions.
    pub qualifier: TableReference,
    /// `None` means all rows.
    pub predicate: Option<Expr>,
}

/// DELETE: rows for which the predicate is true.
pub async fn delete(
    ctx: &ChangeContext,
    location: &Location,
    rows: RowPredicate,
) -> Result<Changed> {
    match (&rows.predicate, &ctx.returned) {
        (None, None) => apply(ctx, location, &Truncate::default()).await,
        _ => rewrite(ctx, location, rows, Action::Delete).await,
    }
}

/// UPDATE: assigns to columns of the rows for which the predicate is true. Assignments see the old row.
pub async fn update(
    ctx: &ChangeContext,
    location: &Location,
    rows: RowPredicate,
    assignments: Vec<(String, Expr)>,
) -> Result<Changed> {
    rewrite(ctx, location, rows, Action::Update(assignments)).await
}

async fn rewrite(
    ctx: &ChangeContext,
    location: &Location,
    rows: RowPredicate,
    action: Action,
) -> Result<Changed> {
    let mut kept = Kept::default();
    let predicate = match rows.predicate {
        Some(predicate) => Some(kept.evaluated(ctx, predicate).await?),
        None => None,
    };
    let action = evaluated_action(ctx, &mut kept, action).await?;
    let change = Rewrite { qualifier: rows.qualifier, predicate, action };
    apply(ctx, location, &change).await
}

/// An action whose subqueries have been run, where they do not refer to its rows.
pub async fn evaluated_action(
    ctx: &ChangeContext,
    kept: &mut Kept,
    action: Action,
) -> Result<Action> {
    let mut evaluated = Vec::new();
    let (values, is_insert) = match action {
        Action::Insert(values) => (values, true),
        Action::Update(values) => (values, false),
        Action::Nothing | Action::Delete => return Ok(action),
    };
    for (name, value) in values {
        evaluated.push((name, kept.evaluated(ctx, value).await?));
    }
    Ok(if is_insert { Action::Insert(evaluated) } else { Action::Update(evaluated) })
}

/// The part of a change that deletes rows.
pub async fn staged_delete(
    ctx: &ChangeContext,
    target: &Target,
    rows: &RowPredicate,
) -> Result<Staged> {
    let (qualifier, predicate) = (rows.qualifier.clone(), rows.predicate.clone());
    Rewrite { qualifier, predicate, action: Action::Delete }.stage(ctx, target).await
}

struct Rewrite {
    qualifier: TableReference,
    predicate: Option<Expr>,
    action: Action,
}

#[async_trait]
impl Change for Rewrite {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        target.check_not_append_only()?;
        let touched = TouchedFiles::new(ctx, target, self.found(ctx, target).await?).await?;
        let mut written = Written::default();
        let changes_rows = !matches!(self.action, Action::Delete) && !touched.is_empty();
        if changes_rows || !touched.copied()?.is_empty() {
            check_identities_stay(&target.shape.properties)?;
        }
        if let Some(rows) = self.rows(ctx, target, &touched)? {
            written = write(ctx, &target.location, &target.shape, rows).await?;
        }
        let changed = match self.action {
            Action::Delete => Changed { deleted: touched.rows(), ..Changed::default() },
            _ => Changed { updated: written.updated, ..Changed::default() },
        };
        let mut actions = touched.actions(ctx, target).await?;
        actions.extend(actions_of(written));
        Ok(Staged { actions, operation: self.operation(), changed, is_blind_append: false })
    }
}

impl Rewrite {
    /// The rows that are meant. The predicate is asked once for each row.
    async fn found(&self, ctx: &ChangeContext, target: &Target) -> Result<Found> {
        if let Some(files) = self.whole_files(ctx, target)? {
            return Found::whole(ctx, target, files).await;
        }
        let mut plan = LogicalPlanBuilder::new(target.rows(ctx, &self.qualifier, None)?);
        if let Some(predicate) = &self.predicate {
            plan = plan.filter(predicate.clone()).map_err(of_datafusion)?;
        }
        let mut found = Found::new(ctx);
        found.add(ctx, &self.qualifier, plan.build().map_err(of_datafusion)?).await?;
        Ok(found)
    }

    /// The files all of whose rows are meant, where the log alone tells.
    fn whole_files(&self, ctx: &ChangeContext, target: &Target) -> Result<Option<Vec<usize>>> {
        let (files, columns) = (target.data.files(), target.data.columns());
        match &self.predicate {
            None => Ok(Some((0..files.len()).collect())),
            Some(predicate) => {
                let state = ctx.state.as_ref();
                whole_files(files, columns, predicate, state).map_err(of_datafusion)
            }
        }
    }

    /// The rows to write: those that are changed, and the others of files that are written again.
    fn rows(
        &self,
        ctx: &ChangeContext,
        target: &Target,
        touched: &TouchedFiles,
    ) -> Result<Option<Rows>> {
        let acted_on = Acted {
            target: &self.qualifier,
            is_in_table: None,
            repeated: None,
            wants_old: target.shape.records_changes(),
            numberings: &[],
        };
        let is_told = target.shape.records_changes() || ctx.returned.is_some();
        let is_read = !matches!(self.action, Action::Delete) || is_told;
        let mut plans = Vec::new();
        if is_read && !touched.is_empty() {
            let plan = target.rows(ctx, &self.qualifier, Some(touched.gone()?))?;
            let clause = Clause { condition: lit(true), action: self.action.clone() };
            plans.push(acted(&ctx.state, &target.shape, plan, &[clause], &acted_on)?);
        }
        let copied = touched.copied()?;
        if !copied.is_empty() {
            let plan = target.rows(ctx, &self.qualifier, Some(copied))?;
            plans.push(acted(&ctx.state, &target.shape, plan, &[], &acted_on)?);
        }
        together(plans)
    }

    fn operation(&self) -> DeltaOperation {
        let predicate = self.predicate.as_ref().map(Expr::to_string);
        match self.action {
            Action::Delete => DeltaOperation::Delete { predicate },
            Action::Nothing | Action::Insert(_) | Action::Update(_) => {
                DeltaOperation::Update { predicate }
            }
        }
    }
}

/// The number of rows in the table, from its log if that says.
pub async fn count_rows(ctx: &ChangeContext, target: &Target) -> Result<u64> {
    if let Some(known) = target.data.files().row_count() {
        return Ok(known);
    }
    let plan = target.read(ctx, None)?;
    let plan = ctx.state.create_physical_plan(&plan).await.map_err(of_datafusion)?;
    let mut stream = execute_stream(plan, ctx.state.task_ctx()).map_err(of_datafusion)?;
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        rows += batch.map_err(of_datafusion)?.num_rows() as u64;
    }
    Ok(rows)
}
