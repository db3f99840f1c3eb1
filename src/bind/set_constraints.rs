//! SET CONSTRAINTS: the keys that it names. Nothing checks keys, so that there is nothing to put off; what cannot
//! be put off in PostgreSQL is refused here too.

use std::sync::Arc;

use crate::base::name::ObjectName;
use crate::base::{Deferral, Error, ErrorKind, Result};
use crate::catalog::{Constraint, Schema};
use crate::sql::statement::SetConstraints;

use super::bound::BoundStatement;
use super::scope::Scope;

impl Scope<'_> {
    /// Errors: 42704 where no constraint has the name; 42809 for DEFERRED of one that is not DEFERRABLE.
    pub(super) fn set_constraints(&self, set: &SetConstraints) -> Result<BoundStatement> {
        for name in &set.constraints {
            let schemas = self.schemas_of(name)?;
            let found = schemas.iter().map(|schema| self.constraints_in(schema, &name.object));
            let Some(found) = found.into_iter().find(|found| !found.is_empty()) else {
                let message = format!("constraint \"{}\" does not exist", name.object);
                return Err(Error::new(ErrorKind::UndefinedObject, message));
            };
            let is_fixed = |found: &&Constraint| found.deferral == Deferral::NotDeferrable;
            if set.deferred && found.iter().any(is_fixed) {
                let message = format!("constraint \"{}\" is not deferrable", name.object);
                return Err(Error::new(ErrorKind::WrongObjectType, message));
            }
        }
        Ok(BoundStatement::Nothing { tag: "SET CONSTRAINTS", notice: None })
    }

    /// Where a constraint is looked for: in the schema that is named, or in those of the search path.
    fn schemas_of(&self, name: &ObjectName) -> Result<Vec<Arc<Schema>>> {
        if let Some(schema) = &name.schema {
            return Ok(vec![self.schema(name.catalog.as_deref(), schema)?]);
        }
        let own = self.temporary_schema().cloned();
        let path = self.search_path.iter().filter_map(|schema| self.schema(None, schema).ok());
        Ok(own.into_iter().chain(path).collect())
    }

    fn constraints_in(&self, schema: &Schema, name: &str) -> Vec<&Constraint> {
        let relations = self.snapshot.relations_of(schema.id);
        let relations = relations.filter(|relation| self.sees(relation.id));
        let constraints = relations.flat_map(|relation| relation.constraints.iter());
        constraints.filter(|constraint| constraint.name == name).collect()
    }
}
