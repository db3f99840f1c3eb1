//! ALTER TABLE's changes that the rows which are there may forbid: NOT NULL and CHECK. It changes no row.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit};
use datafusion::physical_plan::collect;

use super::ChangeContext;
use super::alter::{Draft, check_key, existing_check};
use super::error::{no_column, of_datafusion};
use super::rules::{Rules, parsed};
use super::target::Target;
use crate::base::{Error, ErrorKind, Result};
use crate::delta::check::held_check;

impl Draft {
    pub async fn set_not_null(
        &mut self,
        ctx: &ChangeContext,
        target: &Target,
        column: &str,
    ) -> Result<()> {
        if self.fields.iter().all(|field| field.name != column) {
            return Err(no_column(column));
        }
        if self.is_any_row(ctx, target, ident(column).is_null()).await? {
            let what = format!("column \"{column}\" of relation contains null values");
            return Err(Error::new(ErrorKind::NotNullViolation, what));
        }
        self.field_mut(column)?.nullable = false;
        Ok(())
    }

    pub async fn add_check(
        &mut self,
        ctx: &ChangeContext,
        target: &Target,
        name: &str,
        sql: &str,
    ) -> Result<()> {
        if existing_check(&self.properties, name).is_some() {
            let what = format!("constraint \"{name}\" of the table already exists");
            return Err(Error::new(ErrorKind::DuplicateObject, what));
        }
        let held = held_check(sql);
        self.properties.insert(check_key(name), held.clone());
        let shape = self.shape()?;
        Rules::try_new(&ctx.state, &shape, None)?;
        let holds = parsed(&ctx.state, &shape, &held)?;
        if self.is_any_row(ctx, target, holds.is_not_true()).await? {
            let what = format!("check constraint \"{name}\" of relation is violated by some row");
            return Err(Error::new(ErrorKind::CheckViolation, what));
        }
        Ok(())
    }

    /// Whether the predicate over the draft's columns is true for a row of the table.
    async fn is_any_row(
        &self,
        ctx: &ChangeContext,
        target: &Target,
        predicate: Expr,
    ) -> Result<bool> {
        let found = LogicalPlanBuilder::new(self.rows(ctx, target).await?)
            .filter(predicate)
            .and_then(|plan| plan.limit(0, Some(1)))
            .and_then(|plan| plan.build())
            .map_err(of_datafusion)?;
        let plan = ctx.state.create_physical_plan(&found).await.map_err(of_datafusion)?;
        let rows = collect(plan, ctx.state.task_ctx()).await.map_err(of_datafusion)?;
        Ok(rows.iter().any(|batch| batch.num_rows() > 0))
    }

    /// The table's rows under the names and types of the draft.
    async fn rows(&self, ctx: &ChangeContext, target: &Target) -> Result<LogicalPlan> {
        let scan = target.read(ctx, None)?;
        let shape = self.shape()?;
        let columns = shape.columns.fields().iter().zip(&self.origins);
        let values = columns.map(|(field, origin)| {
            let value = origin.as_ref().map_or(lit(ScalarValue::Null), ident);
            cast(value, field.data_type().clone()).alias(field.name())
        });
        LogicalPlanBuilder::new(scan)
            .project(values.collect::<Vec<_>>())
            .and_then(|plan| plan.build())
            .map_err(of_datafusion)
    }
}
