//! The next snapshot while it is being made: checks each change against the facts, gives OIDs, and puts
//! the new facts in place. It knows no database; `write` stores what this decided.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::base::{Error, ErrorKind, Oid, PrincipalId, Result, SecurableId};

use super::change::{Change, NewCatalog, NewPrincipal, NewRelation, NewSchema};
use super::column_type;
use super::grant::Grant;
use super::principal::{Principal, PrincipalKind, RESERVED_NAMES};
use super::securable::{Catalog, Column, Relation, RelationKind, Schema, Table};
use super::snapshot::{Securable, Snapshot};
use super::storage::{ExternalLocation, StorageCredential};

/// PostgreSQL's OID of the schema `public` (`pg_namespace.dat`).
const PUBLIC_SCHEMA_OID: Oid = Oid(2200);

/// How many things a detail names before it counts the rest.
const DEPENDENTS_NAMED_MAX: usize = 10;

/// A snapshot and the changes made to it so far.
pub(super) struct Draft {
    snapshot: Snapshot,
    /// 2^32 when every OID is used up.
    next_oid: u64,
    /// Microseconds since 1970-01-01 UTC; the time of everything made in this draft.
    now: i64,
    /// Tables whose constraints have changed; they need not be there any more.
    pub(super) constrained: BTreeSet<SecurableId>,
    /// Tables whose declared indexes have changed, likewise.
    pub(super) indexed: BTreeSet<SecurableId>,
    /// Managed tables whose files are going to be removed, by name and location.
    released: Vec<(String, String)>,
}

impl Draft {
    pub fn new(current: &Snapshot, next_oid: u64, now: i64) -> Self {
        let mut snapshot = current.clone();
        snapshot.set_revision(current.revision() + 1);
        let (constrained, indexed) = (BTreeSet::new(), BTreeSet::new());
        Draft { snapshot, next_oid, now, constrained, indexed, released: Vec::new() }
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(super) fn snapshot_mut(&mut self) -> &mut Snapshot {
        &mut self.snapshot
    }

    pub fn next_oid(&self) -> u64 {
        self.next_oid
    }

    pub fn now(&self) -> i64 {
        self.now
    }

    /// What the changes make of the snapshot. Errors: 2BP01 when files would be removed that shallow clones read.
    pub fn finish(mut self) -> Result<Snapshot> {
        for (name, location) in &self.released {
            let clones = self.snapshot.clones_of(location).count();
            if clones > 0 {
                let message = format!("the files of table \"{name}\" cannot be removed");
                return Err(Error::new(ErrorKind::DependentObjectsStillExist, message)
                    .with_detail(format!("Shallow clones read them: {clones}."))
                    .with_hint("Drop the clones first, or make DEEP CLONEs in their place."));
            }
        }
        if let Some(place) = &mut self.snapshot.temporary {
            place.next_oid = self.next_oid;
        }
        Ok(self.snapshot)
    }

    /// Notes that the files of a managed table are not the relation's any more.
    fn release(&mut self, relation: &Relation) {
        if let Some(table) = relation.as_table().filter(|table| table.managed) {
            self.released.push((relation.name.clone(), table.location.clone()));
        }
    }

    /// Makes one change. After an error the draft is to be thrown away.
    ///
    /// Errors: besides what is wrong with the change, 2BP01 or 55006 when nobody would be left who may do
    /// everything.
    pub fn apply(&mut self, change: &Change) -> Result<()> {
        let Some(role) = admin_at_risk(change) else { return self.make(change) };
        let name = self.principal(role)?.name.clone();
        let had_admin = self.has_admin();
        self.make(change)?;
        if !had_admin || self.has_admin() {
            return Ok(());
        }
        let hint = "Make another user an admin first: ALTER USER … SUPERUSER.";
        Err(match change {
            Change::DropPrincipal { .. } => Error::new(
                ErrorKind::DependentObjectsStillExist,
                format!("role \"{name}\" cannot be dropped because no admin would be left"),
            ),
            _ => Error::new(
                ErrorKind::ObjectInUse,
                format!("role \"{name}\" cannot be changed because no admin would be left"),
            ),
        }
        .with_hint(hint))
    }

    /// Whether a user who can log in may do everything, by itself or through a group.
    fn has_admin(&self) -> bool {
        let is_admin = |id| self.snapshot.principal_by_id(id).is_some_and(|found| found.admin);
        let mut users = self.snapshot.principals().filter(|principal| {
            principal.kind == PrincipalKind::User && principal.verifier.is_some()
        });
        users.any(|user| self.snapshot.identities_of(user.id).into_iter().any(is_admin))
    }

    fn make(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::CreateCatalog(new) => self.create_catalog(new),
            Change::CreateSchema(new) => self.create_schema(new),
            Change::CreateRelation(new) => self.create_relation(new),
            Change::ReplaceRelation { id, kind, columns, comment, constraints } => {
                let mut relation = self.relation(*id)?;
                self.check_location(*id, kind)?;
                let is_elsewhere = |old: &Table, new: &Table| old.location != new.location;
                if let (Some(old), new) = (relation.as_table(), kind.as_table())
                    && new.is_none_or(|new| is_elsewhere(old, new))
                {
                    self.release(&relation);
                }
                relation.kind = kind.clone();
                relation.columns = canonical_columns(columns)?;
                relation.comment.clone_from(comment);
                self.put_constraints(relation, Vec::new());
                let relation = self.relation(*id)?;
                self.put_indexes(relation, Vec::new());
                self.constrain(*id, constraints)
            }
            Change::SetColumns { id, columns, partition_columns, checks } => {
                let mut relation = self.relation(*id)?;
                let Some(table) = relation.kind.as_table_mut() else {
                    return Err(wrong_kind(&relation.name, "a table"));
                };
                table.partition_columns.clone_from(partition_columns);
                relation.columns = canonical_columns(columns)?;
                self.snapshot.put_relation(relation);
                self.drop_broken_indexes(*id)?;
                self.set_checks(*id, checks)
            }
            Change::SetPopulated { id, populated } => {
                let mut relation = self.relation(*id)?;
                let RelationKind::MaterializedView(materialized) = &mut relation.kind else {
                    return Err(wrong_kind(&relation.name, "a materialized view"));
                };
                materialized.populated = *populated;
                self.snapshot.put_relation(relation);
                Ok(())
            }
            Change::AddConstraint { relation, constraint } => {
                self.constrain(*relation, std::slice::from_ref(constraint))
            }
            Change::DropConstraint { relation, constraint } => {
                self.drop_constraint(*relation, *constraint)
            }
            Change::AddIndex { relation, index } => self.add_index(*relation, index),
            Change::DropIndex { relation, index } => self.drop_index(*relation, *index),
            Change::RenameIndex { relation, index, name } => {
                self.rename_index(*relation, *index, name)
            }
            Change::SetPartComment { relation, part, comment } => {
                self.set_part_comment(*relation, *part, comment)
            }
            Change::Rename { id, name } => self.rename(*id, name),
            Change::SetSchema { id, schema } => self.set_schema(*id, *schema),
            Change::SetOwner { id, owner } => self.set_owner(*id, *owner),
            Change::SetComment { id, comment } => self.set_comment(*id, comment),
            Change::SetColumnComment { relation, column, comment } => {
                self.set_column_comment(*relation, *column, comment)
            }
            Change::Drop { id } => self.drop(*id),
            Change::Storage(change) => self.apply_storage(change),
            Change::CreatePrincipal(new) => self.create_principal(new),
            Change::RenamePrincipal { id, name } => {
                self.check_principal_name(name)?;
                self.change_principal(*id, |principal| principal.name.clone_from(name))
            }
            Change::SetVerifier { id, verifier } => {
                self.change_principal(*id, |principal| principal.verifier.clone_from(verifier))
            }
            Change::SetAdmin { id, admin } => {
                self.change_principal(*id, |principal| principal.admin = *admin)
            }
            Change::DropPrincipal { id } => self.drop_principal(*id),
            Change::AddMember { group, member } => self.add_member(*group, *member),
            Change::RemoveMember { group, member } => {
                self.principal(*group)?;
                self.change_principal(*member, |member| {
                    member.member_of.remove(group);
                })
            }
            Change::Grant(grant) => {
                self.check_grant(grant)?;
                self.snapshot.put_grant(*grant);
                Ok(())
            }
            Change::Revoke(grant) => {
                self.check_grant(grant)?;
                self.snapshot.remove_grant(*grant);
                Ok(())
            }
        }
    }

    pub(super) fn take_oid(&mut self) -> Result<Oid> {
        let oid = u32::try_from(self.next_oid).map_err(|error| {
            let kind = ErrorKind::ProgramLimitExceeded;
            Error::new(kind, "the metastore has no object identifiers left").caused_by(error)
        })?;
        self.next_oid += 1;
        Ok(Oid(oid))
    }

    fn create_catalog(&mut self, new: &NewCatalog) -> Result<()> {
        self.check_catalog_name(&new.name)?;
        self.principal(new.owner)?;
        let oid = self.take_oid()?;
        self.snapshot.put_catalog(Catalog {
            id: new.id,
            oid,
            name: new.name.clone(),
            owner: new.owner,
            comment: new.comment.clone(),
            created_at: self.now,
        });
        Ok(())
    }

    fn create_schema(&mut self, new: &NewSchema) -> Result<()> {
        if self.snapshot.catalog_by_id(new.catalog).is_none() {
            return Err(gone(ErrorKind::InvalidCatalogName, "database", new.catalog));
        }
        self.check_schema_name(new.catalog, &new.name)?;
        self.principal(new.owner)?;
        // The first `public` of a new metastore has the OID that it has in every PostgreSQL database.
        let first = self.snapshot.revision() == 1
            && new.name == "public"
            && self.snapshot.securable_by_oid(PUBLIC_SCHEMA_OID).is_none();
        let oid = if first { PUBLIC_SCHEMA_OID } else { self.take_oid()? };
        self.snapshot.put_schema(Schema {
            id: new.id,
            oid,
            catalog: new.catalog,
            name: new.name.clone(),
            owner: new.owner,
            comment: new.comment.clone(),
            created_at: self.now,
        });
        Ok(())
    }

    fn create_relation(&mut self, new: &NewRelation) -> Result<()> {
        self.schema(new.schema)?;
        self.check_relation_name(new.schema, &new.name)?;
        self.principal(new.owner)?;
        self.check_location(new.id, &new.kind)?;
        let columns = canonical_columns(&new.columns)?;
        let oid = self.take_oid()?;
        self.snapshot.put_relation(Relation {
            id: new.id,
            oid,
            schema: new.schema,
            name: new.name.clone(),
            owner: new.owner,
            comment: new.comment.clone(),
            columns,
            constraints: Arc::default(),
            indexes: Arc::default(),
            kind: new.kind.clone(),
            created_at: self.now,
        });
        self.constrain(new.id, &new.constraints)
    }

    fn rename(&mut self, id: SecurableId, name: &str) -> Result<()> {
        let renamed = name.to_owned();
        match self.securable(id)? {
            Securable::Catalog(catalog) => {
                self.check_catalog_name(name)?;
                self.snapshot.put_catalog(Catalog { name: renamed, ..Catalog::clone(&catalog) });
            }
            Securable::Schema(schema) => {
                self.check_schema_name(schema.catalog, name)?;
                self.snapshot.put_schema(Schema { name: renamed, ..Schema::clone(&schema) });
            }
            Securable::Relation(relation) => {
                self.check_relation_name(relation.schema, name)?;
                let relation = Relation { name: renamed, ..Relation::clone(&relation) };
                self.snapshot.put_relation(relation);
            }
            Securable::StorageCredential(old) => {
                self.check_credential_name(name)?;
                let renamed = StorageCredential { name: renamed, ..StorageCredential::clone(&old) };
                self.snapshot.put_storage_credential(renamed);
            }
            Securable::ExternalLocation(old) => {
                self.check_location_name(name)?;
                let renamed = ExternalLocation { name: renamed, ..ExternalLocation::clone(&old) };
                self.snapshot.put_external_location(renamed);
            }
        }
        Ok(())
    }

    fn set_schema(&mut self, id: SecurableId, schema: SecurableId) -> Result<()> {
        let relation = self.relation(id)?;
        let target = self.schema(schema)?;
        if relation.schema != schema {
            if self.snapshot.relation(schema, &relation.name).is_some() {
                let (name, schema) = (&relation.name, &target.name);
                let message = format!("relation \"{name}\" already exists in schema \"{schema}\"");
                return Err(Error::new(ErrorKind::DuplicateTable, message));
            }
            self.snapshot.put_relation(Relation { schema, ..relation });
        }
        Ok(())
    }

    fn set_owner(&mut self, id: SecurableId, owner: PrincipalId) -> Result<()> {
        self.principal(owner)?;
        match self.securable(id)? {
            Securable::Catalog(catalog) => {
                self.snapshot.put_catalog(Catalog { owner, ..Catalog::clone(&catalog) });
            }
            Securable::Schema(schema) => {
                self.snapshot.put_schema(Schema { owner, ..Schema::clone(&schema) });
            }
            Securable::Relation(relation) => {
                self.snapshot.put_relation(Relation { owner, ..Relation::clone(&relation) });
            }
            Securable::StorageCredential(old) => {
                let owned = StorageCredential { owner, ..StorageCredential::clone(&old) };
                self.snapshot.put_storage_credential(owned);
            }
            Securable::ExternalLocation(old) => {
                let owned = ExternalLocation { owner, ..ExternalLocation::clone(&old) };
                self.snapshot.put_external_location(owned);
            }
        }
        Ok(())
    }

    fn set_comment(&mut self, id: SecurableId, comment: &Option<String>) -> Result<()> {
        let comment = comment.clone();
        match self.securable(id)? {
            Securable::Catalog(catalog) => {
                self.snapshot.put_catalog(Catalog { comment, ..Catalog::clone(&catalog) });
            }
            Securable::Schema(schema) => {
                self.snapshot.put_schema(Schema { comment, ..Schema::clone(&schema) });
            }
            Securable::Relation(relation) => {
                self.snapshot.put_relation(Relation { comment, ..Relation::clone(&relation) });
            }
            Securable::StorageCredential(old) => {
                let commented = StorageCredential { comment, ..StorageCredential::clone(&old) };
                self.snapshot.put_storage_credential(commented);
            }
            Securable::ExternalLocation(old) => {
                let commented = ExternalLocation { comment, ..ExternalLocation::clone(&old) };
                self.snapshot.put_external_location(commented);
            }
        }
        Ok(())
    }

    fn set_column_comment(
        &mut self,
        id: SecurableId,
        column: SecurableId,
        comment: &Option<String>,
    ) -> Result<()> {
        let mut relation = self.relation(id)?;
        let mut columns = relation.columns.to_vec();
        let Some(found) = columns.iter_mut().find(|candidate| candidate.id == column) else {
            return Err(gone(ErrorKind::UndefinedColumn, "column", column));
        };
        found.comment.clone_from(comment);
        relation.columns = columns.into();
        self.snapshot.put_relation(relation);
        Ok(())
    }

    fn drop(&mut self, id: SecurableId) -> Result<()> {
        let dropped = self.securable(id)?;
        let inside: Vec<SecurableId> = match &dropped {
            Securable::Catalog(_) => self.snapshot.schemas_of(id).map(|schema| schema.id).collect(),
            Securable::Schema(_) => self.snapshot.relations_of(id).map(|r| r.id).collect(),
            Securable::Relation(_) | Securable::ExternalLocation(_) => Vec::new(),
            Securable::StorageCredential(credential) => {
                self.check_unused(credential)?;
                Vec::new()
            }
        };
        for id in inside {
            self.drop(id)?;
        }
        self.snapshot.remove_securable(&dropped);
        if let Securable::Relation(relation) = dropped {
            self.release(&relation);
            self.drop_orphans(relation.id);
        }
        Ok(())
    }

    fn create_principal(&mut self, new: &NewPrincipal) -> Result<()> {
        self.check_principal_name(&new.name)?;
        let oid = self.take_oid()?;
        self.snapshot.put_principal(Principal {
            id: new.id,
            oid,
            name: new.name.clone(),
            kind: new.kind,
            admin: new.admin,
            verifier: new.verifier.clone(),
            member_of: BTreeSet::new(),
        });
        Ok(())
    }

    fn drop_principal(&mut self, id: PrincipalId) -> Result<()> {
        let principal = self.principal(id)?;
        let owned = self.owned_by(id);
        if !owned.is_empty() {
            let name = &principal.name;
            let message =
                format!("role \"{name}\" cannot be dropped because some objects depend on it");
            let mut detail = owned.join("\n");
            if owned.len() > DEPENDENTS_NAMED_MAX {
                let rest = owned.len() - DEPENDENTS_NAMED_MAX;
                detail =
                    owned.into_iter().take(DEPENDENTS_NAMED_MAX).collect::<Vec<_>>().join("\n");
                detail.push_str(&format!("\nand {rest} other objects"));
            }
            let error = Error::new(ErrorKind::DependentObjectsStillExist, message);
            return Err(error.with_detail(detail));
        }
        let members = self.snapshot.principals().filter(|p| p.member_of.contains(&id));
        for member in members.map(|member| member.id).collect::<Vec<_>>() {
            self.change_principal(member, |member| {
                member.member_of.remove(&id);
            })?;
        }
        self.snapshot.remove_principal(&principal);
        Ok(())
    }

    /// What a principal owns, in PostgreSQL's words: `owner of table main.public.orders`.
    fn owned_by(&self, id: PrincipalId) -> Vec<String> {
        let mut owned = Vec::new();
        for catalog in self.snapshot.catalogs() {
            if catalog.owner == id {
                owned.push(format!("owner of database {}", catalog.name));
            }
            for schema in self.snapshot.schemas_of(catalog.id) {
                if schema.owner == id {
                    owned.push(format!("owner of schema {}.{}", catalog.name, schema.name));
                }
                for relation in self.snapshot.relations_of(schema.id).filter(|r| r.owner == id) {
                    let (kind, name) = (relation.kind_name(), &relation.name);
                    let place = format!("{}.{}", catalog.name, schema.name);
                    owned.push(format!("owner of {kind} {place}.{name}"));
                }
            }
        }
        let credentials = self.snapshot.storage_credentials().filter(|c| c.owner == id);
        owned.extend(credentials.map(|c| format!("owner of storage credential {}", c.name)));
        let locations = self.snapshot.external_locations().filter(|l| l.owner == id);
        owned.extend(locations.map(|l| format!("owner of external location {}", l.name)));
        owned
    }

    fn add_member(&mut self, group_id: PrincipalId, member_id: PrincipalId) -> Result<()> {
        let (group, member) = (self.principal(group_id)?, self.principal(member_id)?);
        if group.kind != PrincipalKind::Group {
            return Err(wrong_kind(&group.name, "a group"));
        }
        if self.snapshot.identities_of(group_id).contains(&member_id) {
            let message =
                format!("role \"{}\" is a member of role \"{}\"", group.name, member.name);
            return Err(Error::new(ErrorKind::InvalidObjectDefinition, message)
                .with_detail("A group cannot be a member of itself, directly or through groups."));
        }
        self.change_principal(member_id, |member| {
            member.member_of.insert(group_id);
        })
    }

    fn change_principal(
        &mut self,
        id: PrincipalId,
        change: impl FnOnce(&mut Principal),
    ) -> Result<()> {
        let mut principal = Principal::clone(&*self.principal(id)?);
        change(&mut principal);
        self.snapshot.put_principal(principal);
        Ok(())
    }

    /// Files have one owner that removes them: no managed table may share a folder with another table. And
    /// one owner who grants them, inside an external location.
    fn check_location(&self, id: SecurableId, kind: &RelationKind) -> Result<()> {
        let Some(table) = kind.as_table() else { return Ok(()) };
        if self.snapshot.overlaps_another_table(id, table) {
            let location = &table.location;
            let message = format!("location \"{location}\" overlaps the files of another table");
            return Err(Error::new(ErrorKind::InvalidTableDefinition, message)
                .with_hint("Choose a folder that no table lies in or under."));
        }
        Ok(())
    }

    fn check_grant(&self, grant: &Grant) -> Result<()> {
        self.securable(grant.securable)?;
        if grant.principal != PrincipalId::PUBLIC {
            self.principal(grant.principal)?;
        }
        Ok(())
    }

    fn check_catalog_name(&self, name: &str) -> Result<()> {
        let taken = self.snapshot.catalog(name).is_some();
        check_name(name, taken, "database", ErrorKind::DuplicateDatabase)
    }

    fn check_schema_name(&self, catalog: SecurableId, name: &str) -> Result<()> {
        let taken = self.snapshot.schema(catalog, name).is_some();
        check_name(name, taken, "schema", ErrorKind::DuplicateSchema)
    }

    fn check_relation_name(&self, schema: SecurableId, name: &str) -> Result<()> {
        let taken = self.snapshot.is_relation_name_taken(schema, name);
        check_name(name, taken, "relation", ErrorKind::DuplicateTable)
    }

    fn check_principal_name(&self, name: &str) -> Result<()> {
        if RESERVED_NAMES.contains(&name) {
            let message = format!("role name \"{name}\" is reserved");
            return Err(Error::new(ErrorKind::InvalidName, message));
        }
        let taken = self.snapshot.principal(name).is_some();
        check_name(name, taken, "role", ErrorKind::DuplicateObject)
    }

    fn securable(&self, id: SecurableId) -> Result<Securable> {
        let found = self.snapshot.securable(id);
        found.ok_or_else(|| gone(ErrorKind::UndefinedObject, "object", id))
    }

    fn schema(&self, id: SecurableId) -> Result<Arc<Schema>> {
        let found = self.snapshot.schema_by_id(id).map(Arc::clone);
        found.ok_or_else(|| gone(ErrorKind::InvalidSchemaName, "schema", id))
    }

    /// A copy of the relation, to be changed.
    pub(super) fn relation(&self, id: SecurableId) -> Result<Relation> {
        let found = self.snapshot.relation_by_id(id).map(|relation| Relation::clone(relation));
        found.ok_or_else(|| gone(ErrorKind::UndefinedTable, "relation", id))
    }

    pub(super) fn principal(&self, id: PrincipalId) -> Result<Arc<Principal>> {
        let found = self.snapshot.principal_by_id(id).map(Arc::clone);
        found.ok_or_else(|| gone(ErrorKind::UndefinedObject, "role", id))
    }
}

/// Whom a change may take the right to do everything, or the way to log in.
fn admin_at_risk(change: &Change) -> Option<PrincipalId> {
    match change {
        Change::SetAdmin { id, admin: false }
        | Change::SetVerifier { id, verifier: None }
        | Change::DropPrincipal { id }
        | Change::RemoveMember { member: id, .. } => Some(*id),
        _ => None,
    }
}

/// Whether one location is the other or lies under it.
pub(super) fn overlap(left: &str, right: &str) -> bool {
    let (left, right) = (left.trim_end_matches('/'), right.trim_end_matches('/'));
    let (shorter, longer) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    longer.strip_prefix(shorter).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The columns as they will read back from the metastore, in attribute number order.
fn canonical_columns(columns: &[Column]) -> Result<Arc<[Column]>> {
    let (mut names, mut ids, mut numbers) = (HashSet::new(), HashSet::new(), HashSet::new());
    for column in columns {
        let name = column.field.name();
        if !names.insert(name) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(Error::new(ErrorKind::DuplicateColumn, message));
        }
        if column.number < 1 || !numbers.insert(column.number) || !ids.insert(column.id) {
            let number = column.number;
            let message = format!("column \"{name}\" has a bad or doubled identity: {number}");
            return Err(Error::internal(message));
        }
    }
    let mut canonical = columns
        .iter()
        .map(|column| {
            let field = column_type::canonical(&column.field)?;
            Ok(Column { field, ..Column::clone(column) })
        })
        .collect::<Result<Vec<_>>>()?;
    canonical.sort_by_key(|column| column.number);
    Ok(canonical.into())
}

pub(super) fn check_name(name: &str, taken: bool, what: &str, duplicate: ErrorKind) -> Result<()> {
    if taken {
        return Err(Error::new(duplicate, format!("{what} \"{name}\" already exists")));
    }
    if name.is_empty() {
        return Err(Error::new(ErrorKind::InvalidName, format!("the name of a {what} is empty")));
    }
    Ok(())
}

fn wrong_kind(name: &str, wanted: &str) -> Error {
    Error::new(ErrorKind::WrongObjectType, format!("\"{name}\" is not {wanted}"))
}

/// What a change refers to was dropped after its statement was bound.
pub(super) fn gone(kind: ErrorKind, what: &str, id: impl std::fmt::Display) -> Error {
    Error::new(kind, format!("{what} with id {id} does not exist"))
        .with_detail("It was dropped while the statement ran.")
}
