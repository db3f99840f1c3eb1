//! Rows that are added to a table, and tables whose rows are replaced as a whole. It never looks at the
//! rows that are there.

use async_trait::async_trait;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{Expr, LogicalPlan, ident};
use deltalake::kernel::Action;
use deltalake::protocol::{DeltaOperation, SaveMode};

use super::commit::{Change, Staged, apply};
use super::error::of_datafusion;
use super::identity::{metadata_after, metadata_restarted};
use super::rewrite::{RowPredicate, count_rows, staged_delete};
use super::rows::inserted;
use super::sink::{Written, write};
use super::target::Target;
use super::{ChangeContext, Changed};
use crate::base::{Error, Result};
use crate::storage::Location;

/// INSERT: adds the rows of `input`, whose columns are some of the table's, by name.
///
/// Generated columns that are missing are computed, others are NULL. Rows that break a rule of the table
/// are refused: 23502, 23514.
pub async fn append(
    ctx: &ChangeContext,
    location: &Location,
    input: LogicalPlan,
) -> Result<Changed> {
    apply(ctx, location, &Append { input }).await
}

/// Replaces all rows by those of `input`, in one commit.
pub async fn overwrite(
    ctx: &ChangeContext,
    location: &Location,
    input: LogicalPlan,
) -> Result<Changed> {
    apply(ctx, location, &Overwrite { input }).await
}

/// Replaces the rows for which a predicate is true by those of `input`, in one commit. New rows for which it
/// is not true are 23514.
pub async fn replace_where(
    ctx: &ChangeContext,
    location: &Location,
    rows: RowPredicate,
    input: LogicalPlan,
) -> Result<Changed> {
    let Some(predicate) = rows.predicate.clone() else {
        return overwrite(ctx, location, input).await;
    };
    let replaced = unqualified(predicate)?;
    apply(ctx, location, &ReplaceWhere { rows, replaced, input }).await
}

/// A condition over the columns of new rows, which have no qualifier.
fn unqualified(predicate: Expr) -> Result<Expr> {
    let is_complex = |node: &Expr| {
        matches!(
            node,
            Expr::ScalarSubquery(_)
                | Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::SetComparison(_)
        )
    };
    if predicate.is_volatile() || predicate.exists(|node| Ok(is_complex(node))).unwrap_or(true) {
        return Err(Error::unsupported("a subquery or a volatile function in REPLACE WHERE"));
    }
    let unqualified = predicate.transform_up(|node| {
        Ok(match node {
            Expr::Column(column) => Transformed::yes(ident(column.name)),
            other => Transformed::no(other),
        })
    });
    unqualified.map(|transformed| transformed.data).map_err(of_datafusion)
}

/// TRUNCATE: deletes all rows without reading them. With `restart_identity` identity columns begin again.
pub async fn truncate(
    ctx: &ChangeContext,
    location: &Location,
    restart_identity: bool,
) -> Result<Changed> {
    apply(ctx, location, &Truncate { restart_identity }).await
}

struct Append {
    input: LogicalPlan,
}

#[async_trait]
impl Change for Append {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        let rows = inserted(&ctx.state, &target.shape, self.input.clone())?;
        let numberings = rows.numberings.clone();
        let written = write(ctx, &target.location, &target.shape, rows).await?;
        let changed = Changed { inserted: written.inserted, ..Changed::default() };
        let mut actions = actions_of(written);
        let metadata = metadata_after(target, &numberings)?;
        // Nobody else may give the same numbers.
        let is_blind_append = self.is_blind_append(ctx) && metadata.is_none();
        actions.extend(metadata);
        let operation = write_operation(SaveMode::Append, target);
        Ok(Staged { actions, operation, changed, is_blind_append })
    }

    /// A plan that reads the table itself is right only on the version it was made for.
    fn is_blind_append(&self, ctx: &ChangeContext) -> bool {
        ctx.planned_version.is_none()
    }
}

struct Overwrite {
    input: LogicalPlan,
}

#[async_trait]
impl Change for Overwrite {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        target.check_not_append_only()?;
        let rows = inserted(&ctx.state, &target.shape, self.input.clone())?;
        let numberings = rows.numberings.clone();
        let written = write(ctx, &target.location, &target.shape, rows).await?;
        let changed = Changed { inserted: written.inserted, ..Changed::default() };
        let mut actions = target.remove_all(ctx).await?;
        actions.extend(actions_of(written));
        actions.extend(metadata_after(target, &numberings)?);
        let operation = write_operation(SaveMode::Overwrite, target);
        Ok(Staged { actions, operation, changed, is_blind_append: false })
    }
}

struct ReplaceWhere {
    rows: RowPredicate,
    /// The predicate over the columns of new rows.
    replaced: Expr,
    input: LogicalPlan,
}

#[async_trait]
impl Change for ReplaceWhere {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        target.check_not_append_only()?;
        if target.shape.records_changes() {
            let what = "INSERT … REPLACE WHERE into a table with a change data feed";
            return Err(
                Error::unsupported(what).with_hint("Use DELETE and INSERT in a transaction.")
            );
        }
        let without_keeping = ChangeContext { returned: None, ..ctx.clone() };
        let deleted = staged_delete(&without_keeping, target, &self.rows).await?;
        let mut rows = inserted(&ctx.state, &target.shape, self.input.clone())?;
        rows.replaced = Some(self.replaced.clone());
        let numberings = rows.numberings.clone();
        let written = write(ctx, &target.location, &target.shape, rows).await?;
        let changed = Changed { inserted: written.inserted, ..Changed::default() };
        let mut actions = deleted.actions;
        actions.extend(actions_of(written));
        actions.extend(metadata_after(target, &numberings)?);
        let mut operation = write_operation(SaveMode::Overwrite, target);
        if let DeltaOperation::Write { predicate, .. } = &mut operation {
            *predicate = Some(self.replaced.to_string());
        }
        Ok(Staged { actions, operation, changed, is_blind_append: false })
    }
}

/// Deletes all rows.
#[derive(Default)]
pub struct Truncate {
    restart_identity: bool,
}

#[async_trait]
impl Change for Truncate {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        target.check_not_append_only()?;
        let deleted = count_rows(ctx, target).await?;
        let mut actions = target.remove_all(ctx).await?;
        if self.restart_identity {
            actions.extend(metadata_restarted(target)?);
        }
        Ok(Staged {
            actions,
            operation: DeltaOperation::Delete { predicate: None },
            changed: Changed { deleted, ..Changed::default() },
            is_blind_append: false,
        })
    }
}

/// The actions for what was written.
pub fn actions_of(written: Written) -> Vec<Action> {
    let adds = written.adds.into_iter().map(Action::Add);
    adds.chain(written.changes.into_iter().map(Action::Cdc)).collect()
}

fn write_operation(mode: SaveMode, target: &Target) -> DeltaOperation {
    let partition_by = target.shape.partition_columns.clone();
    let partition_by = (!partition_by.is_empty()).then_some(partition_by);
    DeltaOperation::Write { mode, partition_by, predicate: None }
}
