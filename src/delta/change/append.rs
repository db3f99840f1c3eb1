//! Rows that are added to a table, and tables whose rows are replaced as a whole. It never looks at the
//! rows that are there.

use async_trait::async_trait;
use datafusion::logical_expr::LogicalPlan;
use deltalake::kernel::Action;
use deltalake::protocol::{DeltaOperation, SaveMode};

use super::commit::{Change, Staged, apply};
use super::rewrite::count_rows;
use super::rows::inserted;
use super::sink::{Written, write};
use super::target::Target;
use super::{ChangeContext, Changed};
use crate::base::Result;
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
    Ok(apply(ctx, location, &Append { input }).await?.0)
}

/// Replaces all rows by those of `input`, in one commit.
pub async fn overwrite(
    ctx: &ChangeContext,
    location: &Location,
    input: LogicalPlan,
) -> Result<Changed> {
    Ok(apply(ctx, location, &Overwrite { input }).await?.0)
}

/// TRUNCATE: deletes all rows without reading them.
pub async fn truncate(ctx: &ChangeContext, location: &Location) -> Result<Changed> {
    Ok(apply(ctx, location, &Truncate).await?.0)
}

struct Append {
    input: LogicalPlan,
}

#[async_trait]
impl Change for Append {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        let rows = inserted(&ctx.state, &target.shape, self.input.clone())?;
        let written = write(ctx, &target.location, &target.shape, rows).await?;
        Ok(Staged {
            changed: Changed { inserted: written.inserted, ..Changed::default() },
            actions: actions_of(written),
            operation: write_operation(SaveMode::Append, target),
            is_blind_append: self.is_blind_append(ctx),
        })
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
        let written = write(ctx, &target.location, &target.shape, rows).await?;
        let changed = Changed { inserted: written.inserted, ..Changed::default() };
        let mut actions = target.remove_all();
        actions.extend(actions_of(written));
        let operation = write_operation(SaveMode::Overwrite, target);
        Ok(Staged { actions, operation, changed, is_blind_append: false })
    }
}

/// Deletes all rows.
pub struct Truncate;

#[async_trait]
impl Change for Truncate {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        target.check_not_append_only()?;
        let deleted = count_rows(ctx, target).await?;
        Ok(Staged {
            actions: target.remove_all(),
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
