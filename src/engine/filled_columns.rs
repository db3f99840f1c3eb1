//! `ALTER TABLE … ADD COLUMN … DEFAULT` of a table that has rows: the column, its value in every row and its
//! NOT NULL are one commit. It is the only change of columns that writes rows.

use std::mem;
use std::sync::Arc;

use crate::base::{Error, Result, SecurableId};
use crate::bind::bound::{BoundAssignment, BoundUpdate};
use crate::catalog::Relation;
use crate::sql::statement::{AddedColumn, ColumnName, TableChange};

use super::{Engine, Request};

/// A part of an ALTER TABLE: changes of the columns, and then the columns that get their default in every row.
#[derive(Debug, Default, Clone)]
struct Step {
    changes: Vec<TableChange>,
    filled: Vec<ColumnName>,
}

impl Engine {
    /// Whether the changes add a column with a default to rows that are there.
    pub(super) async fn fills_columns(
        &self,
        table: &Relation,
        changes: &[TableChange],
        request: &Request,
    ) -> Result<bool> {
        let has_default = |added: &AddedColumn| added.definition.default.is_some();
        let adds = changes.iter().any(|change| match change {
            TableChange::AddColumns { columns, .. } => columns.iter().any(has_default),
            _ => false,
        });
        Ok(adds && !self.schema_of(table, request).await?.files().len() > 0)
    }

    /// Makes the changes in their order, as one commit; notices.
    pub(super) async fn fill_columns(
        self: &Arc<Self>,
        table: &Relation,
        changes: Vec<TableChange>,
        referenced: Vec<Arc<Relation>>,
        request: &Request,
    ) -> Result<Vec<String>> {
        let (engine, id) = (Arc::clone(self), table.id);
        let has = |name: &str| table.columns.iter().any(|column| column.field.name() == name);
        let steps = steps(changes, has);
        let make = move |request: Request| {
            let (engine, steps, referenced) =
                (Arc::clone(&engine), steps.clone(), referenced.clone());
            async move {
                let mut notices = Vec::new();
                for step in steps {
                    notices.append(&mut engine.fill(id, step, &referenced, &request).await?);
                }
                Ok(notices)
            }
        };
        self.as_one(request, make).await
    }

    async fn fill(
        self: &Arc<Self>,
        id: SecurableId,
        step: Step,
        referenced: &[Arc<Relation>],
        request: &Request,
    ) -> Result<Vec<String>> {
        let newest = || -> Result<Arc<Relation>> {
            let snapshot = request.work.snapshot(&self.metastore)?;
            let table = snapshot.relation_by_id(id).map(Arc::clone);
            table.ok_or_else(|| Error::internal("a table is gone while it is altered"))
        };
        let table = newest()?;
        let altered = self.alter_delta_table(&table, step.changes, referenced.to_vec(), request);
        let (changes, notices) = altered.await?;
        if !changes.is_empty() {
            self.change_metastore(&changes, request).await?;
        }
        if !step.filled.is_empty() {
            let table = newest()?;
            let to_default = |column| BoundAssignment { column, value: None };
            let update = BoundUpdate {
                alias: table.name.clone(),
                table,
                assignments: step.filled.into_iter().map(to_default).collect(),
                predicate: None,
                returning: None,
            };
            self.update(update, request).await?;
        }
        Ok(notices)
    }
}

/// Parts the changes where rows are to be filled: a column comes without its NOT NULL, which follows the rows.
fn steps(changes: Vec<TableChange>, has: impl Fn(&str) -> bool) -> Vec<Step> {
    let (mut steps, mut step) = (Vec::new(), Step::default());
    for change in changes {
        let TableChange::AddColumns { mut columns, if_not_exists } = change else {
            step.changes.push(change);
            continue;
        };
        let (mut defaults, mut not_null) = (Vec::new(), Vec::new());
        for AddedColumn { definition, .. } in &mut columns {
            let name = definition.field.name().clone();
            if if_not_exists && has(&name) {
                continue;
            }
            let Some(default) = definition.default.take() else { continue };
            let column = ColumnName { name, position: definition.position };
            if !definition.field.is_nullable() {
                definition.field = definition.field.clone().with_nullable(true);
                not_null.push(TableChange::SetNotNull(column.clone()));
            }
            step.filled.push(column.clone());
            defaults.push(TableChange::SetDefault { column, expression: Some(default) });
        }
        step.changes.push(TableChange::AddColumns { columns, if_not_exists });
        step.changes.append(&mut defaults);
        if !step.filled.is_empty() {
            steps.push(mem::take(&mut step));
        }
        step.changes.append(&mut not_null);
    }
    if !step.changes.is_empty() {
        steps.push(step);
    }
    steps
}
