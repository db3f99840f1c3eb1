//! Materialized views: what their statements name, and what may not be done to them. It knows no rows.

use std::sync::Arc;

use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, Result};
use crate::catalog::{Relation, RelationKind, Schema};
use crate::sql::statement::{AlterTableAction, JoinedChange, RefreshMaterializedView, TableChange};

use super::bound::{BoundQuery, BoundRefresh, BoundStatement};
use super::scope::Scope;

impl Scope<'_> {
    /// What everybody may read must not hold what only one session knows.
    pub(super) fn check_materialized(
        &self,
        schema: &Schema,
        query: Option<&BoundQuery>,
    ) -> Result<()> {
        if self.snapshot.is_temporary_schema(schema.id) {
            return Err(Error::unsupported("a temporary materialized view")
                .with_hint("Use CREATE TEMPORARY TABLE … AS."));
        }
        if query.is_some_and(|query| self.reads_temporary(query)) {
            let message = "materialized views must not use temporary tables or views";
            return Err(Error::new(ErrorKind::FeatureNotSupported, message));
        }
        Ok(())
    }

    pub(super) fn refresh(&self, refresh: RefreshMaterializedView) -> Result<BoundStatement> {
        let RefreshMaterializedView { name, concurrently, no_data } = refresh;
        let relation = self.relation(&name)?;
        let Some(materialized) = relation.as_materialized() else {
            let message = format!("\"{}\" is not a materialized view", name.object);
            return Err(Error::new(ErrorKind::FeatureNotSupported, message));
        };
        if concurrently && !materialized.populated {
            let message = "CONCURRENTLY cannot be used when the materialized view is not populated";
            return Err(Error::new(ErrorKind::FeatureNotSupported, message));
        }
        if concurrently && no_data {
            let message = "CONCURRENTLY and WITH NO DATA options cannot be used together";
            return Err(Error::new(ErrorKind::SyntaxError, message));
        }
        let query = match no_data {
            true => None,
            false => Some(self.expand(&relation, &materialized.view, 0)?),
        };
        Ok(BoundStatement::Refresh(BoundRefresh { relation, query }))
    }

    /// The table that the rows of a COPY go into.
    pub(super) fn copied_into(&self, name: &ObjectName) -> Result<Arc<Relation>> {
        let relation = self.relation(name)?;
        match relation.kind {
            RelationKind::Table(_) => Ok(relation),
            RelationKind::View(_) => self.table(name),
            RelationKind::MaterializedView(_) => {
                let message = format!("cannot copy to materialized view \"{}\"", name.object);
                Err(Error::new(ErrorKind::WrongObjectType, message).at_if(name.position()))
            }
        }
    }

    /// The table that a MERGE changes.
    pub(super) fn merged_into(
        &self,
        name: &ObjectName,
        written_as: Option<JoinedChange>,
    ) -> Result<Arc<Relation>> {
        let relation = self.relation(name)?;
        if written_as.is_some() || relation.as_materialized().is_none() {
            return self.changed_table(name);
        }
        let message = format!("cannot execute MERGE on relation \"{}\"", name.object);
        Err(Error::new(ErrorKind::FeatureNotSupported, message)
            .with_detail("This operation is not supported for materialized views.")
            .at_if(name.position()))
    }
}

/// A materialized view has the columns of its query: only their names may be others.
pub(super) fn check_alteration(name: &ObjectName, action: &AlterTableAction) -> Result<()> {
    let changes = match action {
        AlterTableAction::RenameTo(_)
        | AlterTableAction::SetSchema(_)
        | AlterTableAction::OwnerTo(_) => return Ok(()),
        AlterTableAction::Change(changes) => changes,
    };
    let Some(action) = changes.iter().find_map(refused) else { return Ok(()) };
    let name = &name.object;
    let message = format!("ALTER action {action} cannot be performed on relation \"{name}\"");
    Err(Error::new(ErrorKind::WrongObjectType, message)
        .with_detail("This operation is not supported for materialized views."))
}

/// What a change is called that a materialized view does not take.
fn refused(change: &TableChange) -> Option<&'static str> {
    Some(match change {
        TableChange::RenameColumn { .. } => return None,
        TableChange::SetProperties(_) => "SET",
        TableChange::UnsetProperties { .. } => "UNSET",
        TableChange::AddColumns { .. } => "ADD COLUMN",
        TableChange::DropColumns { .. } => "DROP COLUMN",
        TableChange::MoveColumn { .. } | TableChange::CommentColumn { .. } => "ALTER COLUMN",
        TableChange::SetType { .. } => "ALTER COLUMN ... SET DATA TYPE",
        TableChange::SetNotNull(_) => "ALTER COLUMN ... SET NOT NULL",
        TableChange::DropNotNull(_) => "ALTER COLUMN ... DROP NOT NULL",
        TableChange::SetDefault { .. } => "ALTER COLUMN ... SET DEFAULT",
        TableChange::AddCheck(_) | TableChange::AddKey(_) => "ADD CONSTRAINT",
        TableChange::DropConstraint { .. } => "DROP CONSTRAINT",
        TableChange::ClusterBy(_) => "CLUSTER BY",
    })
}
