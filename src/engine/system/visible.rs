//! What of the metastore one statement may see: the current catalog's schemas and relations that its
//! principal may know of. Every system relation and catalog function goes through here; nothing else reads
//! the snapshot for them.

use std::sync::Arc;

use crate::base::{Oid, PrincipalId};
use crate::catalog::{Catalog, Constraint, Relation, Schema, Securable, Snapshot, TableIndex};
use crate::engine::facts::Facts;
use crate::governance::access::Access;
use crate::sql::TEMPORARY_SCHEMA;

use super::lookup::Lookup;
use super::recorded::{self, INFORMATION_SCHEMA, PG_CATALOG, SYSTEM_ROLE, SYSTEM_ROLE_NAME};
use super::sequence::{self, Sequence, may_belong_to, sequences_of};

/// The statement's facts with the rights of its principal.
pub struct Visible<'a> {
    pub facts: &'a Facts,
    pub access: Access<'a>,
    /// The current catalog; `None` when it has been dropped meanwhile.
    pub catalog: Option<&'a Arc<Catalog>>,
}

/// A relation as names resolve to it: the system's or the user's.
#[derive(Clone)]
pub enum Named<'a> {
    System(&'static recorded::RecordedRelation),
    User(&'a Arc<Schema>, &'a Arc<Relation>),
    /// An index of a table, by name and OID.
    Index(&'a Arc<Schema>, &'a str, Oid),
    Sequence(&'a Arc<Schema>, Sequence<'a>),
}

impl Named<'_> {
    pub fn oid(&self) -> Oid {
        match self {
            Named::System(relation) => relation.oid,
            Named::User(_, relation) => relation.oid,
            Named::Index(_, _, oid) => *oid,
            Named::Sequence(_, sequence) => sequence.oid,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Named::System(relation) => relation.name,
            Named::User(_, relation) => &relation.name,
            Named::Index(_, name, _) => name,
            Named::Sequence(_, sequence) => &sequence.name,
        }
    }

    pub fn schema_name(&self) -> &str {
        match self {
            Named::System(relation) => relation.schema,
            Named::User(schema, _) | Named::Index(schema, _, _) | Named::Sequence(schema, _) => {
                &schema.name
            }
        }
    }
}

impl<'a> Visible<'a> {
    pub fn new(facts: &'a Facts) -> Self {
        let snapshot: &'a Snapshot = &facts.snapshot;
        // Before login there is nobody, who may see nothing.
        let principal = facts.principal.unwrap_or(PrincipalId(uuid::Uuid::nil()));
        let access = Access::new(snapshot, principal);
        Visible { facts, access, catalog: snapshot.catalog(&facts.catalog) }
    }

    pub fn snapshot(&self) -> &'a Snapshot {
        &self.facts.snapshot
    }

    /// The schemas of the current catalog, by name.
    pub fn schemas(&self) -> impl Iterator<Item = &'a Arc<Schema>> {
        let snapshot = self.snapshot();
        let all = self.catalog.into_iter().flat_map(|catalog| snapshot.schemas_of(catalog.id));
        all.filter(|schema| self.access.may_know(schema.id))
    }

    /// The schema of this name in the current catalog.
    pub fn schema(&self, name: &str) -> Option<&'a Arc<Schema>> {
        if name == TEMPORARY_SCHEMA {
            return self.snapshot().temporary_schema();
        }
        let schema = self.snapshot().schema(self.catalog?.id, name)?;
        self.access.may_know(schema.id).then_some(schema)
    }

    /// The tables and views of the current catalog that `lookup` admits by its columns `oid` and `name`.
    pub fn relations(
        &self,
        lookup: &Lookup,
        oid: &str,
        name: &str,
    ) -> Vec<(&'a Arc<Schema>, &'a Arc<Relation>)> {
        if let Some(oids) = lookup.numbers(oid) {
            let oids = oids.iter().filter_map(|&oid| u32::try_from(oid).ok());
            return oids.filter_map(|oid| self.relation_by_oid(Oid(oid))).collect();
        }
        let snapshot = self.snapshot();
        let known = |relation: &&Arc<Relation>| self.access.may_know(relation.id);
        let mut found = Vec::new();
        for schema in self.schemas() {
            match lookup.texts(name) {
                Some(names) => {
                    let named = names.iter().filter_map(|name| snapshot.relation(schema.id, name));
                    found.extend(named.filter(known).map(|relation| (schema, relation)));
                }
                None => {
                    let all = snapshot.relations_of(schema.id).filter(known);
                    found.extend(all.map(|relation| (schema, relation)));
                }
            }
        }
        found
    }

    /// The table or view of the current catalog with this OID.
    pub fn relation_by_oid(&self, oid: Oid) -> Option<(&'a Arc<Schema>, &'a Arc<Relation>)> {
        let snapshot = self.snapshot();
        let Securable::Relation(found) = snapshot.securable_by_oid(oid)? else { return None };
        let relation = snapshot.relation_by_id(found.id)?;
        let schema = snapshot.schema_by_id(relation.schema)?;
        let current = self.catalog.is_some_and(|catalog| catalog.id == schema.catalog);
        (current && self.access.may_know(relation.id)).then_some((schema, relation))
    }

    /// Any relation by OID, the system's included.
    pub fn named_by_oid(&self, oid: Oid) -> Option<Named<'a>> {
        match recorded::relation_by_oid(oid) {
            Some(relation) => Some(Named::System(relation)),
            None => {
                let user = self.relation_by_oid(oid);
                let user = user.map(|(schema, table)| Named::User(schema, table));
                user.or_else(|| {
                    let (schema, _, index) = self.index_by_oid(oid)?;
                    Some(Named::Index(schema, index.name(), oid))
                })
                .or_else(|| {
                    let (schema, sequence) = self.sequence_by_oid(oid)?;
                    Some(Named::Sequence(schema, sequence))
                })
            }
        }
    }

    /// Any relation by its name in `schema`, or as the search path finds it.
    pub fn named(&self, schema: Option<&str>, name: &str) -> Option<Named<'a>> {
        match schema {
            Some(schema) => self.named_in(schema, name),
            None => {
                let path = self.facts.search_path.iter().map(String::as_str);
                // pg_catalog comes first unless the path says where.
                let implicit = !self.facts.search_path.iter().any(|name| name == "pg_catalog");
                let first = implicit.then_some("pg_catalog");
                let temporary = self.facts.implicit_temporary_schema();
                let first = temporary.into_iter().chain(first);
                first.chain(path).find_map(|schema| self.named_in(schema, name))
            }
        }
    }

    fn named_in(&self, schema: &str, name: &str) -> Option<Named<'a>> {
        if matches!(schema, "pg_catalog" | "information_schema") {
            return recorded::relation_by_name(schema, name).map(Named::System);
        }
        let schema = self.schema(schema)?;
        if let Some(relation) = self.snapshot().relation(schema.id, name) {
            return self.access.may_know(relation.id).then_some(Named::User(schema, relation));
        }
        if let Some((table, index)) = self.snapshot().index(schema.id, name) {
            let is_known = self.access.may_know(table.id);
            return is_known.then_some(Named::Index(schema, index.name(), index.oid()));
        }
        let tables = self.snapshot().relations_of(schema.id);
        let mut sequences = tables.filter(|table| may_belong_to(name, table)).flat_map(|table| {
            let sequences = sequences_of(self.snapshot(), table);
            sequences.into_iter().filter(|sequence| sequence.name == name)
        });
        let sequence = sequences.find(|found| self.access.may_know(found.relation.id))?;
        Some(Named::Sequence(schema, sequence))
    }

    /// The constraints of the current catalog that `lookup` admits by the table's OID in `table`, by their own or
    /// their index's in `own`, and by their `name`.
    pub fn constraints(
        &self,
        lookup: &Lookup,
        (own, table, name): (&str, &str, &str),
    ) -> Vec<(&'a Arc<Schema>, &'a Arc<Relation>, &'a Constraint)> {
        if let Some(oids) = lookup.numbers(own) {
            let oids = oids.iter().filter_map(|&oid| u32::try_from(oid).ok());
            return oids.filter_map(|oid| self.constraint_by_oid(Oid(oid))).collect();
        }
        let mut found = Vec::new();
        for (schema, relation) in self.owners_of_parts(lookup, table) {
            // Whether the table may be known is asked last: most tables have no such constraint.
            let admitted = |constraint: &&Constraint| lookup.admits_text(name, &constraint.name);
            let mut constraints = relation.constraints.iter().filter(admitted).peekable();
            if constraints.peek().is_some() && self.access.may_know(relation.id) {
                let seen = constraints.filter(|constraint| self.sees_constraint(constraint));
                found.extend(seen.map(|constraint| (schema, relation, constraint)));
            }
        }
        found
    }

    /// The relations whose constraints and indexes `lookup` admits by their OID in `table`. Whether those that are
    /// not asked for by OID may be known is not looked at: most have no such part.
    fn owners_of_parts(
        &self,
        lookup: &Lookup,
        table: &str,
    ) -> Vec<(&'a Arc<Schema>, &'a Arc<Relation>)> {
        if lookup.numbers(table).is_some() {
            return self.relations(lookup, table, "");
        }
        let snapshot = self.snapshot();
        let all = self.schemas().flat_map(|schema| {
            snapshot.relations_of(schema.id).map(move |relation| (schema, relation))
        });
        all.collect()
    }

    /// The constraint with this OID, or whose index has it.
    pub fn constraint_by_oid(
        &self,
        oid: Oid,
    ) -> Option<(&'a Arc<Schema>, &'a Arc<Relation>, &'a Constraint)> {
        let table = self.snapshot().relation_by_constraint_oid(oid)?;
        let (schema, relation) = self.relation_by_oid(table.oid)?;
        let constraint = relation
            .constraints
            .iter()
            .find(|constraint| constraint.oid == oid || constraint.index == Some(oid))?;
        self.sees_constraint(constraint).then_some((schema, relation, constraint))
    }

    /// The indexes of the current catalog that `lookup` admits by the table's OID in `table`, by their own in `own`,
    /// and by their `name`.
    pub fn indexes(
        &self,
        lookup: &Lookup,
        (own, table, name): (&str, &str, &str),
    ) -> Vec<(&'a Arc<Schema>, &'a Arc<Relation>, TableIndex<'a>)> {
        if let Some(oids) = lookup.numbers(own) {
            let oids = oids.iter().filter_map(|&oid| u32::try_from(oid).ok());
            return oids.filter_map(|oid| self.index_by_oid(Oid(oid))).collect();
        }
        let mut found = Vec::new();
        for (schema, relation) in self.owners_of_parts(lookup, table) {
            let admitted = |index: &TableIndex<'_>| lookup.admits_text(name, index.name());
            let mut indexes = relation.all_indexes().filter(admitted).peekable();
            if indexes.peek().is_some() && self.access.may_know(relation.id) {
                found.extend(indexes.map(|index| (schema, relation, index)));
            }
        }
        found
    }

    /// The index with this OID.
    pub fn index_by_oid(
        &self,
        oid: Oid,
    ) -> Option<(&'a Arc<Schema>, &'a Arc<Relation>, TableIndex<'a>)> {
        let table = self.snapshot().relation_by_constraint_oid(oid)?;
        let (schema, relation) = self.relation_by_oid(table.oid)?;
        let index = relation.all_indexes().find(|index| index.oid() == oid)?;
        Some((schema, relation, index))
    }

    /// The sequences of the current catalog that `lookup` admits by the table's OID in `table`, by their own in
    /// `own`, and by their `name`.
    pub fn sequences(
        &self,
        lookup: &Lookup,
        (own, table, name): (&str, &str, &str),
    ) -> Vec<(&'a Arc<Schema>, Sequence<'a>)> {
        if let Some(oids) = lookup.numbers(own) {
            let oids = oids.iter().filter_map(|&oid| u32::try_from(oid).ok());
            return oids.filter_map(|oid| self.sequence_by_oid(Oid(oid))).collect();
        }
        let mut found = Vec::new();
        let names = lookup.texts(name);
        for (schema, relation) in self.owners_of_parts(lookup, table) {
            // Few tables can own a sequence of a name; the columns of the others are not looked at.
            if names.is_some_and(|names| !names.iter().any(|name| may_belong_to(name, relation))) {
                continue;
            }
            let sequences = sequences_of(self.snapshot(), relation);
            let admitted = |sequence: &Sequence<'_>| lookup.admits_text(name, &sequence.name);
            let mut sequences = sequences.into_iter().filter(admitted).peekable();
            if sequences.peek().is_some() && self.access.may_know(relation.id) {
                found.extend(sequences.map(|sequence| (schema, sequence)));
            }
        }
        found
    }

    /// The sequence with this OID.
    pub fn sequence_by_oid(&self, oid: Oid) -> Option<(&'a Arc<Schema>, Sequence<'a>)> {
        let (schema, relation) = self.relation_by_oid(sequence::relation_of(oid)?)?;
        let mut sequences = sequences_of(self.snapshot(), relation).into_iter();
        Some((schema, sequences.find(|sequence| sequence.oid == oid)?))
    }

    /// A foreign key tells of the table that it refers to.
    pub fn sees_constraint(&self, constraint: &Constraint) -> bool {
        constraint.kind.referenced().is_none_or(|table| self.access.may_know(table))
    }

    /// A view's text, for whoever manages the view: it tells of relations that others may not know of.
    pub fn definition(&self, relation: &'a Relation) -> Option<&'a str> {
        let view = relation.as_view().filter(|_| self.access.manages(relation.id));
        view.map(|view| view.definition.as_str())
    }

    /// The name of a schema by OID, the system's included.
    pub fn schema_name(&self, oid: Oid) -> Option<&'a str> {
        match oid {
            PG_CATALOG => Some("pg_catalog"),
            INFORMATION_SCHEMA => Some("information_schema"),
            _ => self.schemas().find(|schema| schema.oid == oid).map(|s| s.name.as_str()),
        }
    }

    /// The OID of a schema by name, the system's included.
    pub fn schema_oid(&self, name: &str) -> Option<Oid> {
        match name {
            "pg_catalog" => Some(PG_CATALOG),
            "information_schema" => Some(INFORMATION_SCHEMA),
            _ => self.schema(name).map(|schema| schema.oid),
        }
    }

    /// The OID of a user or group; the system's role for one that is gone.
    pub fn role_oid(&self, id: PrincipalId) -> Oid {
        self.snapshot().principal_by_id(id).map_or(SYSTEM_ROLE, |principal| principal.oid)
    }

    /// The name of a user or group by OID.
    pub fn role_name(&self, oid: Oid) -> Option<&'a str> {
        if oid == SYSTEM_ROLE {
            return Some(SYSTEM_ROLE_NAME);
        }
        self.snapshot().principal_by_oid(oid).map(|principal| principal.name.as_str())
    }
}
