//! DELETE and UPDATE: files that have such rows are written again. It never touches other files.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Column, TableReference};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit};
use datafusion::physical_plan::{collect, execute_stream};
use deltalake::kernel::{Action as DeltaAction, LogicalFileView};
use deltalake::protocol::DeltaOperation;
use futures::StreamExt;
use object_store::path::Path;

use super::append::{Truncate, actions_of};
use super::commit::{Change, Staged, apply};
use super::error::of_datafusion;
use super::rows::{Acted, Action, Clause, acted};
use super::sink::{Written, write};
use super::subquery::{Kept, has_row_subquery};
use super::target::{FILE, Target, rows_of};
use super::{ChangeContext, Changed};
use crate::base::{Error, Result};
use crate::storage::Location;

/// The column that is true for rows that are meant.
const MEANT: &str = "__lakegate_meant";

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
    match rows.predicate {
        None => Ok(apply(ctx, location, &Truncate).await?.0),
        Some(_) => rewrite(ctx, location, rows, Action::Delete).await,
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
    if let Some(predicate) = &predicate
        && predicate.is_volatile()
        && has_row_subquery(predicate)
    {
        return Err(Error::unsupported(
            "a volatile function together with a correlated subquery in a change",
        ));
    }
    let change = Rewrite { qualifier: rows.qualifier, predicate, action };
    Ok(apply(ctx, location, &change).await?.0)
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

struct Rewrite {
    qualifier: TableReference,
    predicate: Option<Expr>,
    action: Action,
}

#[async_trait]
impl Change for Rewrite {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        target.check_not_append_only()?;
        let touched = self.touched_files(ctx, target).await?;
        let whole = self.wholly_deleted(target, &touched);
        let rewritten: Vec<String> = touched
            .iter()
            .map(|file| &file.id)
            .filter(|id| !whole.ids.contains(*id))
            .cloned()
            .collect();
        let mut written = Written::default();
        if !rewritten.is_empty() {
            let plan = target.scan(ctx, &self.qualifier, Some(&rewritten)).await?;
            let plan = marked(plan, self.predicate.clone(), &self.qualifier)?;
            let clause = Clause { condition: ident(MEANT), action: self.action.clone() };
            let rows = acted(
                &ctx.state,
                &target.shape,
                plan,
                &[clause],
                &Acted {
                    target: &self.qualifier,
                    is_in_table: None,
                    has_row: false,
                    wants_old: target.shape.records_changes(),
                },
            )?;
            written = write(ctx, &target.location, &target.shape, rows).await?;
        }
        let changed = Changed {
            updated: written.updated,
            deleted: written.deleted + whole.rows,
            ..Changed::default()
        };
        let mut actions = Vec::new();
        if changed.rows() > 0 {
            actions.extend(
                touched.iter().map(|file| DeltaAction::Remove(file.view.remove_action(true))),
            );
            actions.extend(actions_of(written));
        }
        Ok(Staged { actions, operation: self.operation(), changed, is_blind_append: false })
    }
}

/// Files without any row that stays, and the number of their rows.
struct WhollyDeleted {
    ids: HashSet<String>,
    rows: u64,
}

impl Rewrite {
    /// The files with rows that are meant; all files if one cannot know without changing them.
    async fn touched_files(
        &self,
        ctx: &ChangeContext,
        target: &Target,
    ) -> Result<Vec<TouchedFile>> {
        let scan = target.scan_with_file(ctx, &self.qualifier).await?;
        let plan = match &self.predicate {
            Some(predicate) if !predicate.is_volatile() => filtered(scan, predicate.clone())?,
            _ => scan,
        };
        touched_files(ctx, target, &self.qualifier, plan).await
    }

    fn wholly_deleted(&self, target: &Target, touched: &[TouchedFile]) -> WhollyDeleted {
        let mut whole = WhollyDeleted { ids: HashSet::new(), rows: 0 };
        let is_delete = matches!(self.action, Action::Delete);
        let is_certain = self.predicate.as_ref().is_some_and(|predicate| !predicate.is_volatile());
        if !is_delete || !is_certain || target.shape.records_changes() {
            return whole;
        }
        for file in touched {
            if rows_of(&file.view) == Some(file.rows) {
                whole.ids.insert(file.id.clone());
                whole.rows += file.rows;
            }
        }
        whole
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

/// A file with rows that a plan gives.
pub struct TouchedFile {
    /// The file as scans call it.
    pub id: String,
    pub view: LogicalFileView,
    /// How many of its rows the plan gives.
    pub rows: u64,
}

/// The files whose rows a plan gives. The plan has the column [`FILE`] of the table's scan.
pub async fn touched_files(
    ctx: &ChangeContext,
    target: &Target,
    qualifier: &TableReference,
    plan: LogicalPlan,
) -> Result<Vec<TouchedFile>> {
    let file = Expr::Column(Column::new(Some(qualifier.clone()), FILE));
    let file = cast(file, DataType::Utf8).alias(FILE);
    let plan = LogicalPlanBuilder::new(plan)
        .project([file])
        .and_then(|plan| plan.aggregate([ident(FILE)], [count(lit(1)).alias("rows")]))
        .and_then(|plan| plan.build())
        .map_err(of_datafusion)?;
    let plan = ctx.state.create_physical_plan(&plan).await.map_err(of_datafusion)?;
    let batches = collect(plan, ctx.state.task_ctx()).await.map_err(of_datafusion)?;
    let mut views = target.files()?;
    let mut touched = Vec::new();
    for batch in batches {
        let ids = datafusion::arrow::compute::cast(batch.column(0), &DataType::Utf8);
        let ids = ids.map_err(super::error::of_arrow)?;
        let (Some(ids), Some(rows)) =
            (ids.as_string_opt::<i32>(), batch.column(1).as_primitive_opt::<Int64Type>())
        else {
            return Err(Error::internal("files without names"));
        };
        for (id, rows) in ids.iter().zip(rows.values()) {
            let id = id.unwrap_or_default();
            let view = view_of(&mut views, target, id)?;
            let rows = u64::try_from(*rows).unwrap_or_default();
            touched.push(TouchedFile { id: id.to_owned(), view, rows });
        }
    }
    Ok(touched)
}

fn view_of(
    views: &mut HashMap<Path, LogicalFileView>,
    target: &Target,
    id: &str,
) -> Result<LogicalFileView> {
    let path = target.location.file(id);
    path.and_then(|path| views.remove(&path))
        .ok_or_else(|| Error::internal("a scan has read a file that is not in the table"))
}

/// The rows with the column [`MEANT`]. Every row comes once, whatever the predicate.
fn marked(
    plan: LogicalPlan,
    predicate: Option<Expr>,
    qualifier: &TableReference,
) -> Result<LogicalPlan> {
    let mark = |plan: LogicalPlan, meant: Expr| {
        let columns = plan.schema().columns().into_iter().map(Expr::Column);
        let values: Vec<Expr> = columns.chain([meant.alias(MEANT)]).collect();
        LogicalPlanBuilder::new(plan).project(values)
    };
    let marked = match predicate {
        None => mark(plan, lit(true)),
        Some(predicate) if has_row_subquery(&predicate) => {
            // DataFusion looks for rows of other plans in filters only.
            let meant = mark(filtered(plan.clone(), predicate.clone())?, lit(true));
            let others = filtered(plan, predicate.is_not_true())?;
            let others = mark(others, lit(false)).and_then(|others| others.build());
            // A union forgets the qualifier.
            others.and_then(|others| meant?.union(others)?.alias(qualifier.clone()))
        }
        Some(predicate) => mark(plan, predicate.is_true()),
    };
    marked.and_then(|marked| marked.build()).map_err(of_datafusion)
}

fn filtered(plan: LogicalPlan, predicate: Expr) -> Result<LogicalPlan> {
    LogicalPlanBuilder::new(plan)
        .filter(predicate)
        .and_then(|plan| plan.build())
        .map_err(of_datafusion)
}

/// The number of rows in the table, from its log if that says.
pub async fn count_rows(ctx: &ChangeContext, target: &Target) -> Result<u64> {
    let known: Option<u64> = target.snapshot().log_data().iter().map(|file| rows_of(&file)).sum();
    if let Some(known) = known {
        return Ok(known);
    }
    let plan = target.scan(ctx, &TableReference::bare("t"), None).await?;
    let plan = ctx.state.create_physical_plan(&plan).await.map_err(of_datafusion)?;
    let mut stream = execute_stream(plan, ctx.state.task_ctx()).map_err(of_datafusion)?;
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        rows += batch.map_err(of_datafusion)?.num_rows() as u64;
    }
    Ok(rows)
}
