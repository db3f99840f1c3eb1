//! Declared indexes in the next snapshot: which may be, and which go with what they stand on.

use crate::base::{Error, ErrorKind, Result, SecurableId};

use super::draft::{Draft, check_name, gone};
use super::index::{Index, NewIndex};
use super::securable::Relation;

impl Draft {
    /// Declares an index of a table.
    ///
    /// Errors: 42P07 for a name that is taken, 42703 for a column that is gone.
    pub(super) fn add_index(&mut self, id: SecurableId, new: &NewIndex) -> Result<()> {
        let relation = self.relation(id)?;
        let taken = self.snapshot().is_relation_name_taken(relation.schema, &new.name);
        check_name(&new.name, taken, "relation", ErrorKind::DuplicateTable)?;
        let has = |column: SecurableId| relation.columns.iter().any(|known| known.id == column);
        if !new.definition.columns().all(has) {
            let message = format!("a column of index \"{}\" does not exist", new.name);
            return Err(Error::new(ErrorKind::UndefinedColumn, message));
        }
        let NewIndex { id: index_id, name, definition } = new.clone();
        let mut indexes = relation.indexes.to_vec();
        indexes.push(Index { id: index_id, oid: self.take_oid()?, name, definition });
        self.put_indexes(relation, indexes);
        Ok(())
    }

    pub(super) fn drop_index(&mut self, id: SecurableId, dropped: SecurableId) -> Result<()> {
        let relation = self.relation(id)?;
        let mut kept = relation.indexes.to_vec();
        kept.retain(|index| index.id != dropped);
        if kept.len() == relation.indexes.len() {
            return Err(gone(ErrorKind::UndefinedObject, "index", dropped));
        }
        self.put_indexes(relation, kept);
        Ok(())
    }

    /// Renames a declared index, or a key together with its index.
    pub(super) fn rename_index(
        &mut self,
        id: SecurableId,
        renamed: SecurableId,
        name: &str,
    ) -> Result<()> {
        let relation = self.relation(id)?;
        let taken = self.snapshot().is_relation_name_taken(relation.schema, name);
        check_name(name, taken, "relation", ErrorKind::DuplicateTable)?;
        let mut indexes = relation.indexes.to_vec();
        if let Some(index) = indexes.iter_mut().find(|index| index.id == renamed) {
            name.clone_into(&mut index.name);
            self.put_indexes(relation, indexes);
            return Ok(());
        }
        let mut constraints = relation.constraints.to_vec();
        if constraints.iter().any(|known| known.name == name) {
            let table = &relation.name;
            let message = format!("constraint \"{name}\" for relation \"{table}\" already exists");
            return Err(Error::new(ErrorKind::DuplicateObject, message));
        }
        let Some(key) = constraints.iter_mut().find(|constraint| constraint.id == renamed) else {
            return Err(gone(ErrorKind::UndefinedObject, "index", renamed));
        };
        name.clone_into(&mut key.name);
        self.put_constraints(relation, constraints);
        Ok(())
    }

    /// Drops the indexes of a table that have lost a column.
    pub(super) fn drop_broken_indexes(&mut self, id: SecurableId) -> Result<()> {
        let relation = self.relation(id)?;
        let has = |column: SecurableId| relation.columns.iter().any(|known| known.id == column);
        let mut kept = relation.indexes.to_vec();
        kept.retain(|index| index.definition.columns().all(has));
        if kept.len() != relation.indexes.len() {
            self.put_indexes(relation, kept);
        }
        Ok(())
    }

    pub(super) fn put_indexes(&mut self, mut relation: Relation, mut indexes: Vec<Index>) {
        indexes.sort_by_key(|index| index.oid);
        relation.indexes = indexes.into();
        self.indexed.insert(relation.id);
        self.snapshot_mut().put_relation(relation);
    }
}
