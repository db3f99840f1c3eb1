//! Constraints in the next snapshot: which may be, and which go with what they stand on. A foreign key holds
//! on to a key of another table, and never outlives it.

use std::sync::Arc;

use crate::base::{Deferral, Error, ErrorKind, Result, SecurableId};

use super::constraint::{Check, Constraint, ConstraintKind, NewConstraint};
use super::draft::{Draft, gone};
use super::securable::Relation;

impl Draft {
    /// Adds constraints to a table.
    pub(super) fn constrain(&mut self, id: SecurableId, new: &[NewConstraint]) -> Result<()> {
        for constraint in new {
            let relation = self.relation(id)?;
            self.check_constraint(&relation, constraint)?;
            let mut constraints = relation.constraints.to_vec();
            let oid = self.take_oid()?;
            let index = match constraint.kind {
                ConstraintKind::Key { .. } => Some(self.take_oid()?),
                ConstraintKind::Check { .. } | ConstraintKind::Foreign { .. } => None,
            };
            let NewConstraint { id, name, kind, deferral } = constraint.clone();
            let comment = None;
            constraints.push(Constraint { id, oid, name, kind, deferral, comment, index });
            self.put_constraints(relation, constraints);
        }
        self.drop_orphans(id);
        Ok(())
    }

    /// Makes the checks of a table those of its newest version, and drops keys that have lost a column.
    pub(super) fn set_checks(&mut self, id: SecurableId, checks: &[Check]) -> Result<()> {
        let relation = self.relation(id)?;
        let has = |column: &SecurableId| relation.columns.iter().any(|known| known.id == *column);
        let stays = |constraint: &&Constraint| match &constraint.kind {
            ConstraintKind::Check { expression } => checks
                .iter()
                .any(|check| check.name == constraint.name && check.expression == *expression),
            ConstraintKind::Key { columns, .. } | ConstraintKind::Foreign { columns, .. } => {
                // A table's log may have a check of any name, and nobody to ask.
                columns.iter().all(has) && checks.iter().all(|check| check.name != constraint.name)
            }
        };
        let kept: Vec<Constraint> = relation.constraints.iter().filter(stays).cloned().collect();
        let is_new = |check: &&Check| kept.iter().all(|known| known.name != check.name);
        let new = checks.iter().filter(is_new).map(|check| NewConstraint {
            id: SecurableId::generate(),
            name: check.name.clone(),
            kind: ConstraintKind::Check { expression: check.expression.clone() },
            deferral: Deferral::NotDeferrable,
        });
        let new: Vec<NewConstraint> = new.collect();
        if kept.len() != relation.constraints.len() {
            self.put_constraints(relation, kept);
        }
        self.constrain(id, &new)
    }

    pub(super) fn drop_constraint(&mut self, id: SecurableId, dropped: SecurableId) -> Result<()> {
        let relation = self.relation(id)?;
        let mut kept = relation.constraints.to_vec();
        kept.retain(|constraint| constraint.id != dropped);
        if kept.len() == relation.constraints.len() {
            return Err(gone(ErrorKind::UndefinedObject, "constraint", dropped));
        }
        self.put_constraints(relation, kept);
        self.drop_orphans(id);
        Ok(())
    }

    /// Drops the foreign keys that refer to a table, or to a key of it, which is there no more.
    pub(super) fn drop_orphans(&mut self, id: SecurableId) {
        let target = self.snapshot().relation_by_id(id).map(Arc::clone);
        let is_orphan = |constraint: &Constraint| match &constraint.kind {
            ConstraintKind::Foreign { relation, referenced, .. } if *relation == id => {
                target.as_ref().is_none_or(|target| target.key_over(referenced).is_none())
            }
            ConstraintKind::Check { .. }
            | ConstraintKind::Key { .. }
            | ConstraintKind::Foreign { .. } => false,
        };
        let referring: Vec<Relation> =
            self.snapshot().referring_to(id).map(|relation| Relation::clone(relation)).collect();
        for relation in referring {
            let mut kept = relation.constraints.to_vec();
            kept.retain(|constraint| !is_orphan(constraint));
            if kept.len() != relation.constraints.len() {
                self.put_constraints(relation, kept);
            }
        }
    }

    /// Puts a table in place, with these constraints.
    pub(super) fn put_constraints(
        &mut self,
        mut relation: Relation,
        mut constraints: Vec<Constraint>,
    ) {
        constraints.sort_by_key(|constraint| constraint.oid);
        relation.constraints = constraints.into();
        self.constrained.insert(relation.id);
        self.snapshot_mut().put_relation(relation);
    }

    /// Errors: 42710 and 42P07 for a name that is taken, 42P16 for a second primary key, 42830 for a foreign key
    /// that refers to no key.
    fn check_constraint(&self, relation: &Relation, new: &NewConstraint) -> Result<()> {
        let (name, table) = (&new.name, &relation.name);
        if relation.constraints.iter().any(|known| known.name == *name || known.id == new.id) {
            let message = format!("constraint \"{name}\" for relation \"{table}\" already exists");
            return Err(Error::new(ErrorKind::DuplicateObject, message));
        }
        if name.is_empty() {
            let message = "the name of a constraint is empty";
            return Err(Error::new(ErrorKind::InvalidName, message));
        }
        let has = |column: &SecurableId| relation.columns.iter().any(|known| known.id == *column);
        if !new.kind.columns().iter().all(has) {
            let message = format!("a column of constraint \"{name}\" does not exist");
            return Err(Error::new(ErrorKind::UndefinedColumn, message));
        }
        match &new.kind {
            ConstraintKind::Check { .. } => Ok(()),
            ConstraintKind::Key { primary, .. } => {
                if *primary && relation.primary_key().is_some() {
                    let message =
                        format!("multiple primary keys for table \"{table}\" are not allowed");
                    return Err(Error::new(ErrorKind::InvalidTableDefinition, message));
                }
                if self.snapshot().is_relation_name_taken(relation.schema, name) {
                    let message = format!("relation \"{name}\" already exists");
                    return Err(Error::new(ErrorKind::DuplicateTable, message));
                }
                Ok(())
            }
            ConstraintKind::Foreign { relation: other, referenced, .. } => {
                let other = self.snapshot().relation_by_id(*other);
                let other = other.ok_or_else(|| {
                    gone(ErrorKind::UndefinedTable, "relation", "of a foreign key")
                })?;
                if other.key_over(referenced).is_none() {
                    let message = format!(
                        "there is no unique constraint matching given keys for referenced table \
                         \"{}\"",
                        other.name
                    );
                    return Err(Error::new(ErrorKind::InvalidForeignKey, message));
                }
                Ok(())
            }
        }
    }
}
