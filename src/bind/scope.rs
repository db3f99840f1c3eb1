//! Where names are looked up: the snapshot, the current catalog, the search path, and who is looking.

use std::sync::Arc;

use crate::base::name::ObjectName;
use crate::base::{Error, ErrorKind, PrincipalId, Result, SecurableId};
use crate::catalog::principal::Principal;
use crate::catalog::{Catalog, Relation, RelationKind, Schema, Snapshot};
use crate::sql::TEMPORARY_SCHEMA;
use crate::sql::statement::SchemaName;

/// Whether a principal may learn of a securable. Given by `governance`, so that a name that somebody must
/// not know of is not found at all.
pub type Visibility<'a> = &'a (dyn Fn(PrincipalId, SecurableId) -> bool + Sync);

/// Whether the system has a relation of this schema and name.
pub type SystemRelations<'a> = &'a (dyn Fn(&str, &str) -> bool + Sync);

/// Where and for whom names are looked up.
#[derive(Clone)]
pub struct Scope<'a> {
    pub snapshot: &'a Arc<Snapshot>,
    pub principal: PrincipalId,
    /// The current catalog.
    pub catalog: String,
    /// Schemas of the current catalog, first match wins. `pg_catalog` comes before them all unless named.
    pub search_path: Vec<String>,
    /// Whether the session's temporary objects are looked at: before all others unless the search path
    /// names their schema.
    pub temporary: bool,
    pub visible: Visibility<'a>,
    pub system: SystemRelations<'a>,
    /// The bounds on the texts of views.
    pub parse_limits: crate::sql::ParseLimits,
    /// How deep views may nest.
    pub view_depth_max: usize,
}

/// The schemas of the system: in every catalog, and not in the metastore.
pub const SYSTEM_SCHEMAS: [&str; 2] = ["pg_catalog", "information_schema"];

/// The catalog with relations of the system that PostgreSQL has no place for.
const SYSTEM_CATALOG: &str = "system";

/// What a relation name stands for.
pub(super) enum Found {
    Relation(Arc<Relation>),
    System { schema: String, name: String },
}

impl Scope<'_> {
    pub(super) fn sees(&self, id: SecurableId) -> bool {
        (self.visible)(self.principal, id)
    }

    /// The catalog of this name, or the current one.
    pub(super) fn catalog(&self, name: Option<&str>) -> Result<Arc<Catalog>> {
        let name = name.unwrap_or(&self.catalog);
        self.snapshot
            .catalog(name)
            .filter(|catalog| self.sees(catalog.id))
            .cloned()
            .ok_or_else(|| undefined_catalog(name))
    }

    /// The schema of this name, in the catalog given or the current one.
    pub(super) fn schema(&self, catalog: Option<&str>, name: &str) -> Result<Arc<Schema>> {
        let catalog = self.catalog(catalog)?;
        self.schema_in(&catalog, name)
            .filter(|schema| self.sees(schema.id))
            .cloned()
            .ok_or_else(|| undefined_schema(name))
    }

    fn schema_in(&self, catalog: &Catalog, name: &str) -> Option<&Arc<Schema>> {
        match name {
            TEMPORARY_SCHEMA => self.temporary_schema(),
            name => {
                let found = self.snapshot.schema(catalog.id, name);
                found.filter(|found| self.temporary || !self.snapshot.is_temporary_schema(found.id))
            }
        }
    }

    /// The schema of the session's temporary objects, where they are looked at.
    pub(super) fn temporary_schema(&self) -> Option<&Arc<Schema>> {
        self.snapshot.temporary_schema().filter(|_| self.temporary)
    }

    pub(super) fn schema_or_current(&self, name: Option<&SchemaName>) -> Result<Arc<Schema>> {
        match name {
            Some(SchemaName { catalog, schema }) => self.schema(catalog.as_deref(), schema),
            None => self.creation_schema(),
        }
    }

    /// The schema that an unqualified new name goes to: the first of the search path that exists.
    fn creation_schema(&self) -> Result<Arc<Schema>> {
        let catalog = self.catalog(None)?;
        self.search_path
            .iter()
            .find_map(|name| self.schema_in(&catalog, name))
            .filter(|schema| self.sees(schema.id))
            .cloned()
            .ok_or_else(|| {
                Error::new(ErrorKind::InvalidSchemaName, "no schema has been selected to create in")
                    .with_hint("Name the schema, or put an existing one on the search_path.")
            })
    }

    /// The schema that a new relation of this name goes to.
    pub(super) fn schema_for_new(&self, name: &ObjectName, temporary: bool) -> Result<Arc<Schema>> {
        if temporary {
            return self.temporary_schema_for_new(name);
        }
        match &name.schema {
            Some(schema) if SYSTEM_SCHEMAS.contains(&schema.as_str()) => Err(Error::new(
                ErrorKind::InsufficientPrivilege,
                format!("permission denied to create \"{name}\""),
            )
            .with_detail("System catalog modifications are currently disallowed.")
            .at_if(name.position())),
            Some(schema) => self
                .schema(name.catalog.as_deref(), schema)
                .map_err(|error| error.at_if(name.position())),
            None => self.creation_schema(),
        }
    }

    /// The schema that a new temporary relation of this name goes to.
    pub(super) fn temporary_schema_for_new(&self, name: &ObjectName) -> Result<Arc<Schema>> {
        let own = self.temporary_schema().cloned().ok_or_else(|| {
            Error::internal("there is no schema for the session's temporary objects")
        })?;
        match &name.schema {
            Some(schema) if *schema != own.name && schema != TEMPORARY_SCHEMA => Err(Error::new(
                ErrorKind::InvalidTableDefinition,
                "cannot create temporary relation in non-temporary schema",
            )
            .at_if(name.position())),
            Some(_) | None => Ok(own),
        }
    }

    /// The table, view or system relation that a name stands for; `None` when there is none.
    pub(super) fn find(&self, name: &ObjectName) -> Result<Option<Found>> {
        if let (Some(SYSTEM_CATALOG), Some(schema)) = (name.catalog.as_deref(), &name.schema)
            && (self.system)(schema, &name.object)
        {
            let (schema, name) = (schema.clone(), name.object.clone());
            return Ok(Some(Found::System { schema, name }));
        }
        let catalog = match &name.catalog {
            Some(_) => {
                self.catalog(name.catalog.as_deref()).map_err(|e| e.at_if(name.position()))?
            }
            None => match self.snapshot.catalog(&self.catalog) {
                Some(catalog) => Arc::clone(catalog),
                None => return Err(undefined_catalog(&self.catalog)),
            },
        };
        if let Some(schema) = &name.schema {
            return Ok(self.find_in(&catalog, schema, &name.object));
        }
        let implicit =
            (!self.search_path.iter().any(|schema| schema == "pg_catalog")).then_some("pg_catalog");
        let temporary = self.temporary_schema().map(|schema| schema.name.as_str());
        let temporary = temporary.filter(|own| !self.search_path.iter().any(|name| name == own));
        let temporary = temporary.map(|_| TEMPORARY_SCHEMA);
        let path = implicit.into_iter().chain(self.search_path.iter().map(String::as_str));
        Ok(temporary
            .into_iter()
            .chain(path)
            .find_map(|schema| self.find_in(&catalog, schema, &name.object)))
    }

    fn find_in(&self, catalog: &Catalog, schema: &str, object: &str) -> Option<Found> {
        if SYSTEM_SCHEMAS.contains(&schema) {
            return (self.system)(schema, object)
                .then(|| Found::System { schema: schema.to_owned(), name: object.to_owned() });
        }
        let schema = self.schema_in(catalog, schema)?;
        let relation = self.snapshot.relation(schema.id, object)?;
        self.sees(relation.id).then(|| Found::Relation(Arc::clone(relation)))
    }

    /// The table or view of this name, or PostgreSQL's error.
    pub(super) fn relation(&self, name: &ObjectName) -> Result<Arc<Relation>> {
        match self.find(name)? {
            Some(Found::Relation(relation)) => Ok(relation),
            Some(Found::System { schema, name: relation }) => Err(Error::new(
                ErrorKind::InsufficientPrivilege,
                format!("permission denied: \"{schema}.{relation}\" is a system catalog"),
            )
            .at_if(name.position())),
            None => Err(self.undefined(name)),
        }
    }

    /// The table of this name, or an error that says what it is instead. A materialized view is none.
    pub(super) fn table(&self, name: &ObjectName) -> Result<Arc<Relation>> {
        let relation = self.relation(name)?;
        match relation.kind {
            RelationKind::Table(_) => Ok(relation),
            RelationKind::View(_) | RelationKind::MaterializedView(_) => {
                Err(wrong_kind(name, "a table"))
            }
        }
    }

    /// The table or materialized view of this name: what has rows of its own.
    pub(super) fn table_of_rows(&self, name: &ObjectName) -> Result<Arc<Relation>> {
        let relation = self.relation(name)?;
        match relation.as_table() {
            Some(_) => Ok(relation),
            None => Err(wrong_kind(name, "a table")),
        }
    }

    /// The table of this name, whose rows a statement changes. Those of a materialized view are its query's.
    pub(super) fn changed_table(&self, name: &ObjectName) -> Result<Arc<Relation>> {
        let relation = self.relation(name)?;
        match relation.kind {
            RelationKind::Table(_) => Ok(relation),
            RelationKind::View(_) => Err(wrong_kind(name, "a table")),
            RelationKind::MaterializedView(_) => {
                let message = format!("cannot change materialized view \"{}\"", name.object);
                Err(Error::new(ErrorKind::WrongObjectType, message).at_if(name.position()))
            }
        }
    }

    /// The materialized view of this name, or an error that says what it is instead.
    pub(super) fn materialized_view(&self, name: &ObjectName) -> Result<Arc<Relation>> {
        let relation = self.relation(name)?;
        match relation.as_materialized() {
            Some(_) => Ok(relation),
            None => Err(wrong_kind(name, "a materialized view")),
        }
    }

    /// The view of this name, or an error that says what it is instead.
    pub(super) fn view(&self, name: &ObjectName) -> Result<Arc<Relation>> {
        let relation = self.relation(name)?;
        match relation.as_table() {
            None => Ok(relation),
            Some(_) => Err(wrong_kind(name, "a view")),
        }
    }

    pub(super) fn principal(&self, name: &str) -> Result<Arc<Principal>> {
        self.snapshot.principal(name).cloned().ok_or_else(|| {
            Error::new(ErrorKind::UndefinedObject, format!("role \"{name}\" does not exist"))
        })
    }

    pub(super) fn undefined(&self, name: &ObjectName) -> Error {
        if let Some(schema) = &name.schema {
            let known = SYSTEM_SCHEMAS.contains(&schema.as_str())
                || schema == TEMPORARY_SCHEMA
                || self.schema(name.catalog.as_deref(), schema).is_ok();
            if !known {
                return undefined_relation(name)
                    .with_detail(format!("The schema \"{schema}\" does not exist."));
            }
        }
        match self.nearest(name) {
            Some(nearest) => undefined_relation(name)
                .with_hint(format!("Perhaps you meant the relation \"{nearest}\".")),
            None => undefined_relation(name),
        }
    }

    /// The visible relation whose name is the fewest letters away, if that is near.
    fn nearest(&self, name: &ObjectName) -> Option<String> {
        let catalog = self.catalog(name.catalog.as_deref()).ok()?;
        let schemas: Vec<&str> = match &name.schema {
            Some(schema) => vec![schema],
            None => self.search_path.iter().map(String::as_str).collect(),
        };
        let near = name.object.chars().count() / 3;
        schemas
            .into_iter()
            .filter_map(|schema| self.snapshot.schema(catalog.id, schema))
            .flat_map(|schema| self.snapshot.relations_of(schema.id))
            .filter(|relation| self.sees(relation.id))
            .map(|relation| (edit_distance(&relation.name, &name.object), &relation.name))
            .min()
            .filter(|(distance, _)| *distance <= near)
            .map(|(_, nearest)| nearest.clone())
    }
}

/// 42P01, with the position of the name.
pub fn undefined_relation(name: &ObjectName) -> Error {
    Error::new(ErrorKind::UndefinedTable, format!("relation \"{name}\" does not exist"))
        .at_if(name.position())
}

/// What helps a view, materialized or not, whose query does not mean any more what it did.
pub fn how_to_mend(view: &Relation) -> &'static str {
    match view.kind {
        RelationKind::MaterializedView(_) => {
            "The owner can mend it with DROP MATERIALIZED VIEW and CREATE MATERIALIZED VIEW."
        }
        RelationKind::View(_) | RelationKind::Table(_) => {
            "The view's owner can mend it with CREATE OR REPLACE VIEW."
        }
    }
}

/// 3D000
pub fn undefined_catalog(name: &str) -> Error {
    Error::new(ErrorKind::InvalidCatalogName, format!("database \"{name}\" does not exist"))
}

/// 3F000
pub fn undefined_schema(name: &str) -> Error {
    Error::new(ErrorKind::InvalidSchemaName, format!("schema \"{name}\" does not exist"))
}

fn wrong_kind(name: &ObjectName, wanted: &str) -> Error {
    let message = format!("\"{}\" is not {wanted}", name.object);
    Error::new(ErrorKind::WrongObjectType, message).at_if(name.position())
}

/// Levenshtein's distance: insertions, deletions and replacements of letters.
pub fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (r, above) in right.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(l != *r);
            diagonal = *above;
            before = replaced.min(*above + 1).min(before + 1);
            *above = before;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::edit_distance;

    #[test]
    fn edit_distance_counts_letters() {
        let cases = [
            ("orders", "orders", 0),
            ("ordres", "orders", 2),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
        ];
        for (left, right, distance) in cases {
            assert_eq!(edit_distance(left, right), distance, "{left} {right}");
        }
    }
}
