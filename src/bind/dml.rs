//! Statements that change rows: their target, and the queries and expressions in them.

use crate::base::Result;
use crate::sql::statement::{
    Assignment, ConflictUpdate, Delete, Insert, InsertSource, Merge, MergeAction, MergeClause,
    OnConflict, Query, Replaced, Update,
};
use crate::sql::with::{With, WithItem, WithPart};

use super::bound::{
    BoundAssignment, BoundConflict, BoundConflictUpdate, BoundDelete, BoundInsert, BoundMerge,
    BoundMergeAction, BoundMergeClause, BoundQuery, BoundReplaced, BoundStatement, BoundUpdate,
    BoundWith, BoundWithItem, BoundWithPart,
};
use super::scope::Scope;

impl Scope<'_> {
    pub(super) fn insert(&self, insert: Insert) -> Result<BoundStatement> {
        let Insert {
            table,
            alias,
            columns,
            source,
            by_name,
            evolves_schema,
            overriding,
            replaced,
            on_conflict,
            returning,
        } = insert;
        let alias = alias.unwrap_or_else(|| table.object.clone());
        let table = self.changed_table(&table)?;
        let source = match source {
            InsertSource::Query(query) => Some(self.query(query)?),
            InsertSource::DefaultValues => None,
        };
        let replaced = match replaced {
            Replaced::None => BoundReplaced::None,
            Replaced::All => BoundReplaced::All,
            Replaced::Where(predicate) => {
                BoundReplaced::Where(Box::new(self.expression(*predicate)?))
            }
        };
        let returning = self.returning(returning)?;
        Ok(BoundStatement::Insert(BoundInsert {
            table,
            alias,
            columns,
            source,
            by_name,
            evolves_schema,
            overriding,
            replaced,
            on_conflict: on_conflict.map(|conflict| self.on_conflict(conflict)).transpose()?,
            returning,
        }))
    }

    fn on_conflict(&self, conflict: OnConflict) -> Result<BoundConflict> {
        let OnConflict { target, update } = conflict;
        let update = update.map(|ConflictUpdate { assignments, predicate }| {
            let assignments = self.assignments(assignments)?;
            Ok(BoundConflictUpdate { assignments, predicate: self.predicate(predicate)? })
        });
        Ok(BoundConflict { target, update: update.transpose()? })
    }

    pub(super) fn update(&self, update: Update) -> Result<BoundStatement> {
        let Update { table, alias, assignments, predicate, returning } = update;
        Ok(BoundStatement::Update(BoundUpdate {
            alias: alias.unwrap_or_else(|| table.object.clone()),
            table: self.changed_table(&table)?,
            assignments: self.assignments(assignments)?,
            predicate: self.predicate(predicate)?,
            returning: self.returning(returning)?,
        }))
    }

    pub(super) fn delete(&self, delete: Delete) -> Result<BoundStatement> {
        let Delete { table, alias, predicate, returning } = delete;
        Ok(BoundStatement::Delete(BoundDelete {
            alias: alias.unwrap_or_else(|| table.object.clone()),
            table: self.changed_table(&table)?,
            predicate: self.predicate(predicate)?,
            returning: self.returning(returning)?,
        }))
    }

    pub(super) fn merge(&self, merge: Merge) -> Result<BoundStatement> {
        let Merge {
            table,
            alias,
            source,
            source_alias,
            on,
            clauses,
            evolves_schema,
            written_as,
            returning,
        } = merge;
        let clauses = clauses.into_iter().map(|clause| self.merge_clause(clause));
        Ok(BoundStatement::Merge(BoundMerge {
            alias: alias.unwrap_or_else(|| table.object.clone()),
            table: self.merged_into(&table, written_as)?,
            source: self.query(source)?,
            source_alias,
            on: self.expression(on)?,
            clauses: clauses.collect::<Result<_>>()?,
            evolves_schema,
            written_as,
            returning: self.returning(returning)?,
        }))
    }

    pub(super) fn with(&self, with: With) -> Result<BoundStatement> {
        let With { items, body } = with;
        let items = items.into_iter().map(|WithItem { name, columns, part }| {
            Ok(BoundWithItem { name, columns, part: self.with_part(part)? })
        });
        let items = items.collect::<Result<_>>()?;
        Ok(BoundStatement::With(Box::new(BoundWith { items, body: self.with_part(body)? })))
    }

    fn with_part(&self, part: WithPart) -> Result<BoundWithPart> {
        let WithPart { statement, parameters } = part;
        Ok(BoundWithPart { statement: self.statement(statement)?, parameters })
    }

    fn returning(&self, returning: Option<Query>) -> Result<Option<BoundQuery>> {
        returning.map(|query| self.query(query)).transpose()
    }

    fn merge_clause(&self, clause: MergeClause) -> Result<BoundMergeClause> {
        let MergeClause { when, predicate, action } = clause;
        let action = match action {
            MergeAction::Update(assignments) => {
                BoundMergeAction::Update(self.assignments(assignments)?)
            }
            MergeAction::UpdateAll => BoundMergeAction::UpdateAll,
            MergeAction::Delete => BoundMergeAction::Delete,
            MergeAction::Insert { columns, values } => {
                let values = values.into_iter().map(|value| self.predicate(value));
                BoundMergeAction::Insert { columns, values: values.collect::<Result<_>>()? }
            }
            MergeAction::InsertAll => BoundMergeAction::InsertAll,
            MergeAction::DoNothing => BoundMergeAction::DoNothing,
        };
        Ok(BoundMergeClause { when, predicate: self.predicate(predicate)?, action })
    }

    fn assignments(&self, assignments: Vec<Assignment>) -> Result<Vec<BoundAssignment>> {
        let bound = assignments.into_iter().map(|Assignment { column, value }| {
            Ok(BoundAssignment { column, value: self.predicate(value)? })
        });
        bound.collect()
    }
}
