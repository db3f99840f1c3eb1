//! What a bound statement needs: one exhaustive table from operation to requirement. It judges nobody.

use std::sync::Arc;

use crate::base::{PrincipalId, SecurableId};
use crate::bind::bound::{
    BoundAlterNamespace, BoundAlterPrincipal, BoundAlterView, BoundAssignment, BoundCommentTarget,
    BoundCreateTable, BoundExpression, BoundMerge, BoundMergeAction, BoundQuery, BoundRelation,
    BoundReplaced, BoundShow, BoundStatement, BoundTableTarget, Relations,
};
use crate::bind::files::BoundFiles;
use crate::bind::index::BoundIndex;
use crate::bind::maintenance::{BoundAnalyze, BoundMaintenance, BoundMaintenanceAction};
use crate::bind::storage::{BoundAlterLocation, BoundShowStorage, BoundStorage};
use crate::catalog::{Privilege, Relation, StorageCredential};
use crate::sql::statement::AlterTableAction;

/// One thing that somebody must be allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// `None` is the session's principal; a view's base tables are read by the view's owner.
    pub on_behalf_of: Option<PrincipalId>,
    /// The view whose plan would be shown: who is shown it must be allowed what the view reads.
    pub explained: Option<SecurableId>,
    pub need: Need,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Need {
    /// The privilege on the securable, and USE on what contains it.
    Privilege(SecurableId, Privilege),
    /// Ownership of the securable or of what contains it.
    Manage(SecurableId),
    /// To create relations in the schema.
    CreateIn(SecurableId),
    /// To create schemas in the catalog.
    CreateSchemaIn(SecurableId),
    /// To make tables in the external location, or without one anywhere.
    CreateTableAt(Option<SecurableId>),
    /// To read files in the external location, or without one anywhere.
    ReadFilesAt(Option<SecurableId>),
    /// To read the files of the table by their paths, past what governs its rows.
    ReadFilesOf(SecurableId),
    /// To change the rows of a table that the statement does not name, but another one that it refers to.
    Cascade(SecurableId),
    /// To know that the securable exists.
    Know(SecurableId),
    /// To be an admin of the metastore.
    Admin,
    /// To be this principal, or an admin.
    Be(PrincipalId),
    /// To be this principal, in it or an admin, for objects that are or will be its own.
    ActAs(PrincipalId),
}

/// All that a statement needs.
pub fn requirements(statement: &BoundStatement) -> Vec<Requirement> {
    let mut list =
        List { on_behalf_of: None, explaining: false, explained: None, found: Vec::new() };
    list.statement(statement);
    list.found
}

struct List {
    on_behalf_of: Option<PrincipalId>,
    /// Whether the statement's plan is to be shown.
    explaining: bool,
    explained: Option<SecurableId>,
    found: Vec<Requirement>,
}

impl List {
    fn need(&mut self, need: Need) {
        let (on_behalf_of, explained) = (self.on_behalf_of, self.explained);
        self.found.push(Requirement { on_behalf_of, explained, need });
    }

    fn privilege(&mut self, relation: &Relation, privilege: Privilege) {
        self.need(Need::Privilege(relation.id, privilege));
    }

    fn statement(&mut self, statement: &BoundStatement) {
        use BoundStatement::*;
        match statement {
            Query(query) | CopyOut { query, options: _ } => self.query(query),
            Explain(explain) => {
                self.explaining = true;
                self.statement(&explain.statement);
            }

            Insert(insert) => {
                match &insert.replaced {
                    BoundReplaced::None | BoundReplaced::All => {
                        self.privilege(&insert.table, Privilege::Modify);
                    }
                    BoundReplaced::Where(predicate) => {
                        self.changes_found_rows(&insert.table);
                        self.expression(predicate);
                    }
                }
                self.schema_evolution(&insert.table, insert.evolves_schema);
                if let Some(conflict) = &insert.on_conflict {
                    // How many rows are new tells which keys the table has.
                    self.changes_found_rows(&insert.table);
                    if let Some(update) = &conflict.update {
                        self.assignments(&update.assignments);
                        self.predicate(&update.predicate);
                    }
                }
                insert.source.iter().for_each(|source| self.query(source));
                self.returning(&insert.table, insert.returning.as_ref());
            }
            Update(update) => {
                self.changes_found_rows(&update.table);
                self.returning(&update.table, update.returning.as_ref());
                self.assignments(&update.assignments);
                self.predicate(&update.predicate);
            }
            Delete(delete) => {
                self.changes_found_rows(&delete.table);
                self.returning(&delete.table, delete.returning.as_ref());
                self.predicate(&delete.predicate);
            }
            Merge(merge) => self.merge(merge),
            With(with) => {
                with.items.iter().for_each(|item| self.statement(&item.part.statement));
                self.statement(&with.body.statement);
            }
            // Whose numbers they are is known when the query has run.
            SetValue(query) => self.query(query),
            Truncate(truncate) => {
                let named = truncate.tables.iter();
                named.for_each(|table| self.privilege(table, Privilege::Modify));
                let cascaded = truncate.cascaded.iter();
                cascaded.for_each(|table| self.need(Need::Cascade(table.id)));
            }
            CopyIn { table, columns: _, options: _, predicate } => {
                self.privilege(table, Privilege::Modify);
                self.predicate(predicate);
            }

            CopyInto(copy) => {
                self.privilege(&copy.table, Privilege::Modify);
                if copy.option("mergeSchema").is_some_and(|value| value != "false") {
                    self.need(Need::Manage(copy.table.id));
                }
                self.files(&copy.files);
            }

            ConvertToDelta(convert) => {
                // A log is written at the place, and tells what the files hold.
                match &convert.table {
                    Some(table) => self.need(Need::Manage(table.id)),
                    None => self.files(&convert.files),
                }
                let place = convert.files.external_location.as_ref();
                self.need(Need::CreateTableAt(place.map(|location| location.id)));
            }

            CreateCatalog { .. } => self.need(Need::Admin),
            CreateSchema(create) => {
                self.need(Need::CreateSchemaIn(create.catalog.id));
                create.owner.iter().for_each(|owner| self.need(Need::ActAs(owner.id)));
            }
            CreateTable(create) => self.create_table(create),
            CreateView(create) => {
                self.need(Need::CreateIn(create.schema.id));
                if create.or_replace {
                    create.existing.iter().for_each(|view| self.redefines(view));
                }
                self.query(&create.query);
            }
            AlterCatalog { catalog, action } => {
                self.need(Need::Manage(catalog.id));
                match action {
                    // A name that is taken by what one may not know of would show.
                    BoundAlterNamespace::RenameTo(_) => self.need(Need::Admin),
                    BoundAlterNamespace::OwnerTo(owner) => self.need(Need::ActAs(owner.id)),
                }
            }
            AlterSchema { schema, action } => {
                self.need(Need::Manage(schema.id));
                match action {
                    BoundAlterNamespace::RenameTo(_) => {
                        self.need(Need::CreateSchemaIn(schema.catalog));
                    }
                    BoundAlterNamespace::OwnerTo(owner) => self.need(Need::ActAs(owner.id)),
                }
            }
            Refresh(refresh) => {
                self.need(Need::Manage(refresh.relation.id));
                if let Some(query) = &refresh.query {
                    self.as_owner(&refresh.relation, query);
                }
            }
            AlterTable { table, action, target, tag: _ } => self.alter_table(table, action, target),
            AlterView { view, action } => self.alter_view(view, action),
            Index(statement) => match &**statement {
                BoundIndex::Create { table, create: _, check: _ }
                | BoundIndex::Rename { table, index: _, to: _ } => {
                    self.need(Need::Manage(table.id));
                }
                BoundIndex::Drop { indexes, missing: _ } => {
                    indexes.iter().for_each(|(table, _)| self.need(Need::Manage(table.id)));
                }
            },
            Drop { securables, cascade: _, missing: _, tag: _ } => {
                securables.iter().for_each(|securable| self.need(Need::Manage(securable.id())));
            }
            Nothing { tag: _, notice: _ } => {}
            Comment { on, text: _ } => match on {
                BoundCommentTarget::Securable(securable) => {
                    self.need(Need::Manage(securable.id()));
                }
                BoundCommentTarget::Part { table, part: _ } => self.need(Need::Manage(table.id)),
                BoundCommentTarget::Column { relation, column: _ } => {
                    self.need(Need::Manage(relation.id));
                }
            },

            Storage(statement) => self.storage(statement),
            Maintenance(statement) => self.maintenance(statement),
            // What it finds in the rows is kept.
            Analyze(BoundAnalyze::Tables(tables)) => {
                tables.iter().for_each(|table| self.changes_found_rows(table));
            }
            // Only those that the principal may vacuum or analyze.
            VacuumAll | Analyze(BoundAnalyze::All) => {}

            CreatePrincipal(_) | DropPrincipals { .. } => self.need(Need::Admin),
            AlterPrincipal { principal, action } => match action {
                // Everybody may change their own password.
                BoundAlterPrincipal::Options { password: Some(_), admin: None } => {
                    self.need(Need::Be(principal.id));
                }
                BoundAlterPrincipal::Options { .. }
                | BoundAlterPrincipal::RenameTo(_)
                | BoundAlterPrincipal::AddMembers(_)
                | BoundAlterPrincipal::DropMembers(_) => self.need(Need::Admin),
            },
            Grant(grant) | Revoke(grant) => {
                grant.on.iter().for_each(|(on, _)| self.need(Need::Manage(on.id())));
            }
            GrantMembership { .. } | RevokeMembership { .. } => self.need(Need::Admin),

            Show(show) => self.show(show),
        }
    }

    /// UPDATE, DELETE and MERGE look for rows before they change them: what a predicate tells about a row
    /// is as good as reading it.
    fn changes_found_rows(&mut self, table: &Relation) {
        self.privilege(table, Privilege::Select);
        self.privilege(table, Privilege::Modify);
    }

    /// What ALTER TABLE … ADD COLUMN needs.
    fn schema_evolution(&mut self, table: &Relation, evolves: bool) {
        if evolves {
            self.need(Need::Manage(table.id));
        }
    }

    fn create_table(&mut self, create: &BoundCreateTable) {
        self.need(Need::CreateIn(create.schema.id));
        if create.or_replace {
            create.existing.iter().for_each(|table| self.need(Need::Manage(table.id)));
        }
        if create.location.is_some() {
            let place = create.external_location.as_ref();
            self.need(Need::CreateTableAt(place.map(|location| location.id)));
        }
        let referenced = create.keys.iter().filter_map(|key| key.referenced.as_ref());
        referenced.for_each(|table| self.refers_to(table));
        create.query.iter().for_each(|query| self.query(query));
        if let Some(clone) = &create.clone_of {
            self.privilege(&clone.source, Privilege::Select);
            if clone.shallow && create.location.is_some() {
                // Others may write a log at the place, and name any file of the source in it.
                self.need(Need::ReadFilesOf(clone.source.id));
            }
        }
    }

    fn storage(&mut self, statement: &BoundStorage) {
        match statement {
            BoundStorage::CreateCredential { .. } => self.need(Need::Admin),
            BoundStorage::AlterCredential { credential, action: _ } => {
                self.need(Need::Manage(credential.id));
            }
            BoundStorage::CreateLocation { credential, .. } => self.use_credential(credential),
            BoundStorage::AlterLocation { location, action } => {
                self.need(Need::Manage(location.id));
                match action {
                    BoundAlterLocation::SetUrl(_) => {
                        self.need(match location.place.credential {
                            Some(id) => Need::Privilege(id, Privilege::CreateExternalLocation),
                            None => Need::Admin,
                        });
                    }
                    BoundAlterLocation::SetCredential(credential) => {
                        self.use_credential(&Some(Arc::clone(credential)));
                    }
                    BoundAlterLocation::RenameTo(_) | BoundAlterLocation::OwnerTo(_) => {}
                }
            }
            BoundStorage::Drop { securable, .. } => self.need(Need::Manage(securable.id())),
        }
    }

    /// A place without a credential is on the server's own file systems.
    fn use_credential(&mut self, credential: &Option<Arc<StorageCredential>>) {
        self.need(match credential {
            Some(credential) => Need::Privilege(credential.id, Privilege::CreateExternalLocation),
            None => Need::Admin,
        });
    }

    fn alter_table(
        &mut self,
        table: &Relation,
        action: &AlterTableAction,
        target: &BoundTableTarget,
    ) {
        self.need(Need::Manage(table.id));
        match action {
            AlterTableAction::RenameTo(_) if matches!(target, BoundTableTarget::Itself) => {
                self.need(Need::CreateIn(table.schema));
            }
            AlterTableAction::RenameTo(_)
            | AlterTableAction::SetSchema(_)
            | AlterTableAction::OwnerTo(_)
            | AlterTableAction::Change(_) => {}
        }
        match target {
            BoundTableTarget::Schema(schema) => self.need(Need::CreateIn(schema.id)),
            BoundTableTarget::Owner(owner) => self.need(Need::ActAs(owner.id)),
            BoundTableTarget::Referenced(tables) => {
                tables.iter().for_each(|table| self.refers_to(table));
            }
            BoundTableTarget::Itself => {}
        }
    }

    /// A foreign key holds on to the other table's key, and tells of the other's rows. As in Unity Catalog, whoever
    /// reads the table may refer to it.
    fn refers_to(&mut self, table: &Relation) {
        self.privilege(table, Privilege::Select);
    }

    fn maintenance(&mut self, statement: &BoundMaintenance) {
        let table = &statement.table;
        match &statement.action {
            // The rows stay what they are.
            BoundMaintenanceAction::Optimize { predicate, .. } => {
                self.privilege(table, Privilege::Modify);
                if let Some(predicate) = predicate {
                    // How many files it finds, and when it fails, tells about the rows.
                    self.privilege(table, Privilege::Select);
                    self.expression(predicate);
                }
            }
            // Versions that others could read are gone after it; columns and properties come back.
            BoundMaintenanceAction::Vacuum(_) | BoundMaintenanceAction::Restore(_) => {
                self.need(Need::Manage(table.id));
            }
        }
    }

    fn alter_view(&mut self, view: &Relation, action: &BoundAlterView) {
        self.need(Need::Manage(view.id));
        match action {
            BoundAlterView::As { query, definition: _ } => {
                self.redefines(view);
                self.query(query);
            }
            BoundAlterView::MoveTo { schema, name: _ } => self.need(Need::CreateIn(schema.id)),
            BoundAlterView::RenameTo(_) => self.need(Need::CreateIn(view.schema)),
            BoundAlterView::OwnerTo(owner) => self.need(Need::ActAs(owner.id)),
        }
    }

    /// A view reads with its owner's rights, so nobody else may say what it reads.
    fn redefines(&mut self, view: &Relation) {
        self.need(Need::Manage(view.id));
        self.need(Need::ActAs(view.owner));
    }

    /// What is given back is read.
    fn returning(&mut self, table: &Relation, returning: Option<&BoundQuery>) {
        if let Some(query) = returning {
            self.privilege(table, Privilege::Select);
            self.query(query);
        }
    }

    fn merge(&mut self, merge: &BoundMerge) {
        self.changes_found_rows(&merge.table);
        self.schema_evolution(&merge.table, merge.evolves_schema);
        self.returning(&merge.table, merge.returning.as_ref());
        self.query(&merge.source);
        self.expression(&merge.on);
        for clause in &merge.clauses {
            self.predicate(&clause.predicate);
            match &clause.action {
                BoundMergeAction::Update(assignments) => self.assignments(assignments),
                BoundMergeAction::Insert { columns: _, values } => {
                    values.iter().for_each(|value| self.predicate(value));
                }
                BoundMergeAction::UpdateAll
                | BoundMergeAction::Delete
                | BoundMergeAction::InsertAll
                | BoundMergeAction::DoNothing => {}
            }
        }
    }

    fn show(&mut self, show: &BoundShow) {
        match show {
            // These list only what the principal may know of.
            BoundShow::Catalogs { like: _ }
            | BoundShow::Users { like: _ }
            | BoundShow::Groups { like: _ }
            | BoundShow::DescribeSystem { .. } => {}
            BoundShow::Schemas { catalog, like: _ } | BoundShow::DescribeCatalog { catalog } => {
                self.need(Need::Know(catalog.id));
            }
            BoundShow::Tables { schema, like: _ }
            | BoundShow::Views { schema, like: _ }
            | BoundShow::DescribeSchema { schema } => self.need(Need::Know(schema.id)),
            BoundShow::Columns { relation }
            | BoundShow::DescribeRelation { relation, extended: false } => {
                self.need(Need::Know(relation.id));
            }
            // A view's text tells of relations that its reader may not know of.
            BoundShow::CreateTable { relation } if relation.as_view().is_some() => {
                self.need(Need::Manage(relation.id));
            }
            // They tell how many rows there are, and what the properties are.
            BoundShow::CreateTable { relation }
            | BoundShow::DescribeRelation { relation, extended: true } => {
                self.privilege(relation, Privilege::Select);
            }
            BoundShow::TableProperties { table, key: _ } => {
                self.privilege(table, Privilege::Select);
            }
            // They tell where the files lie, and what others have done.
            BoundShow::DescribeHistory { table, limit: _ }
            | BoundShow::DescribeDetail { table } => self.need(Need::Manage(table.id)),
            BoundShow::Grants { principal, on } => match (principal, on) {
                (_, Some(on)) => self.need(Need::Know(on.id())),
                (Some(principal), None) => self.need(Need::Be(*principal)),
                (None, None) => {}
            },
            BoundShow::Storage(BoundShowStorage::All { .. }) => {}
            BoundShow::Storage(BoundShowStorage::One(securable)) => {
                self.need(Need::Know(securable.id()));
            }
            BoundShow::DescribeQuery(query) => self.query(query),
        }
    }

    fn assignments(&mut self, assignments: &[BoundAssignment]) {
        assignments.iter().for_each(|assignment| self.predicate(&assignment.value));
    }

    fn predicate(&mut self, predicate: &Option<BoundExpression>) {
        predicate.iter().for_each(|expression| self.expression(expression));
    }

    fn expression(&mut self, expression: &BoundExpression) {
        self.relations(&expression.relations);
    }

    fn query(&mut self, query: &BoundQuery) {
        self.relations(&query.relations);
    }

    fn relations(&mut self, relations: &Relations) {
        // By name, so that the same statement is denied in the same words every time.
        let mut by_name: Vec<_> = relations.iter().collect();
        by_name.sort_by_cached_key(|(name, _)| name.to_string());
        for (_, relation) in by_name {
            match relation {
                BoundRelation::Table { relation, time_travel: _, locked } => {
                    self.privilege(relation, Privilege::Select);
                    // As in PostgreSQL: it says that a change follows, and can make others' changes fail.
                    if *locked {
                        self.privilege(relation, Privilege::Modify);
                    }
                }
                BoundRelation::View { relation, query } => {
                    self.privilege(relation, Privilege::Select);
                    self.as_owner(relation, query);
                    if self.explaining && self.on_behalf_of.is_none() {
                        let before = self.explained;
                        self.explained = before.or(Some(relation.id));
                        self.query(query);
                        self.explained = before;
                    }
                }
                // What an item of WITH reads, it is asked for itself.
                BoundRelation::System { .. } | BoundRelation::WithItem(_) => {}
                BoundRelation::Files(files) => self.files(files),
            }
        }
    }

    fn files(&mut self, files: &BoundFiles) {
        let place = files.external_location.as_ref();
        self.need(Need::ReadFilesAt(place.map(|location| location.id)));
        files.tables.iter().for_each(|table| self.need(Need::ReadFilesOf(*table)));
    }

    fn as_owner(&mut self, view: &Relation, query: &Arc<BoundQuery>) {
        let before = self.on_behalf_of.replace(view.owner);
        self.query(query);
        self.on_behalf_of = before;
    }
}
