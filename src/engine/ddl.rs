//! Changes of the catalog that touch no table's rows: catalogs, schemas, views, comments, drops.

use std::sync::Arc;

use crate::base::{Error, ErrorKind, PrincipalId, Result, SecurableId};
use crate::bind::bound::{
    BoundAlterNamespace, BoundAlterView, BoundCommentTarget, BoundCreateSchema, BoundCreateView,
};
use crate::bind::{BoundQuery, BoundStatement};
use crate::catalog::change::{NewCatalog, NewRelation, NewSchema};
use crate::catalog::{Change, Column, Relation, RelationKind, Securable, Snapshot, View};
use crate::delta::change::{self, Alteration, Upgrade};
use crate::governance::Access;
use crate::sql::statement::ColumnName;

use super::alter::column_comment;
use super::facts::Facts;
use super::key::check_table_unreferenced;
use super::{Completion, Engine, Request};

impl Engine {
    /// Runs a statement whose whole effect is in the metastore.
    pub(super) async fn change_catalog(
        self: &Arc<Self>,
        statement: BoundStatement,
        principal: PrincipalId,
        request: &Request,
    ) -> Result<Completion> {
        let snapshot = &request.facts.snapshot;
        let (changes, completion) = match statement {
            BoundStatement::CreateCatalog { name, if_not_exists, comment, owner } => {
                if if_not_exists && snapshot.catalog(&name).is_some() {
                    return Ok(skipped(
                        "CREATE CATALOG",
                        format!("database \"{name}\" already exists"),
                    ));
                }
                let owner = owner.map_or(principal, |owner| owner.id);
                (new_catalog(name, owner, comment), Completion::new("CREATE CATALOG"))
            }
            BoundStatement::CreateSchema(create) => {
                if create.if_not_exists
                    && snapshot.schema(create.catalog.id, &create.name).is_some()
                {
                    let notice = format!("schema \"{}\" already exists", create.name);
                    return Ok(skipped("CREATE SCHEMA", notice));
                }
                (vec![new_schema(create, principal)], Completion::new("CREATE SCHEMA"))
            }
            BoundStatement::AlterCatalog { catalog, action } => {
                (vec![alter_namespace(catalog.id, action)], Completion::new("ALTER CATALOG"))
            }
            BoundStatement::AlterSchema { schema, action } => {
                (vec![alter_namespace(schema.id, action)], Completion::new("ALTER SCHEMA"))
            }
            BoundStatement::Drop { securables, cascade, missing, tag } => {
                check_not_in_use(&securables, &request.facts)?;
                check_empty(snapshot, &securables, cascade)?;
                if !cascade {
                    check_unreferenced(&securables, request)?;
                }
                let views =
                    if cascade { self.views_upon(&securables, snapshot) } else { Vec::new() };
                let ids = views.iter().map(|view| view.id);
                let ids = ids.chain(securables.iter().map(Securable::id));
                let mut notices = missing;
                notices.extend(cascaded(&views, snapshot, Some(principal)));
                (
                    ids.map(|id| Change::Drop { id }).collect(),
                    Completion::with_notices(tag, notices),
                )
            }
            BoundStatement::Nothing { tag, notice } => {
                return Ok(Completion::with_notices(tag, notice.into_iter().collect()));
            }
            BoundStatement::Comment { on, text } => {
                (vec![self.comment(on, text, request).await?], Completion::new("COMMENT"))
            }
            other => return self.change_principals(other, request).await,
        };
        self.change_metastore(&changes, request).await?;
        Ok(completion)
    }

    /// A dropped table's state is not kept.
    pub(super) fn forget_dropped(&self, changes: &[Change], before: &Snapshot) -> Result<()> {
        for change in changes {
            if let Change::Drop { id } = change
                && let Some(relation) = before.relation_by_id(*id)
                && relation.as_table().is_some_and(|table| table.foreign.is_none())
            {
                self.tables.forget(&super::open::location_of(relation)?);
            }
        }
        Ok(())
    }

    /// A table's comments stand in its log too, for other engines to see.
    async fn comment(
        self: &Arc<Self>,
        on: BoundCommentTarget,
        text: Option<String>,
        request: &Request,
    ) -> Result<Change> {
        let state = self.context.statement(&request.facts);
        let ctx = self.change_context(state, request, None);
        match on {
            BoundCommentTarget::Securable(securable) => {
                if let Securable::Relation(relation) = &securable
                    && relation.as_table().is_some_and(|table| table.foreign.is_none())
                {
                    let location = super::open::location_of(relation)?;
                    let comment = text.clone();
                    self.cpu
                        .run(async move {
                            let changes = vec![Alteration::SetComment(comment)];
                            change::alter(&ctx, &location, changes, Upgrade::OnRequest).await
                        })
                        .await?;
                }
                Ok(Change::SetComment { id: securable.id(), comment: text })
            }
            BoundCommentTarget::Part { table, part } => {
                Ok(Change::SetPartComment { relation: table.id, part, comment: text })
            }
            BoundCommentTarget::Column { relation, column } => {
                let change = column_comment(&relation, &column, text.clone())?;
                if relation.as_table().is_some_and(|table| table.foreign.is_none()) {
                    let location = super::open::location_of(&relation)?;
                    self.cpu
                        .run(async move {
                            let change =
                                Alteration::SetColumnComment { column: column.name, comment: text };
                            change::alter(&ctx, &location, vec![change], Upgrade::OnRequest).await
                        })
                        .await?;
                }
                Ok(change)
            }
        }
    }

    pub(super) async fn create_view(
        self: &Arc<Self>,
        create: BoundCreateView,
        principal: PrincipalId,
        request: &Request,
    ) -> Result<Completion> {
        let notices = create.notice.iter().cloned().collect();
        let completion = Completion::with_notices("CREATE VIEW", notices);
        if let Some(existing) = &create.existing {
            if create.if_not_exists {
                let notice = format!("relation \"{}\" already exists", existing.name);
                return Ok(skipped("CREATE VIEW", notice));
            }
            if existing.as_table().is_some() && create.or_replace {
                return Err(Error::new(
                    ErrorKind::WrongObjectType,
                    format!("\"{}\" is not a view", existing.name),
                ));
            }
            if !create.or_replace {
                return Err(Error::new(
                    ErrorKind::DuplicateTable,
                    format!("relation \"{}\" already exists", existing.name),
                )
                .at_if(create.name.position()));
            }
        }
        let before = create.existing.as_ref().map_or(&[][..], |existing| &existing.columns);
        let columns = self.view_columns(create.query, &create.columns, before, request).await?;
        let kind = RelationKind::View(view_here(create.definition, create.schema.id, request));
        let change = match create.existing {
            Some(existing) => Change::ReplaceRelation {
                id: existing.id,
                kind,
                columns,
                comment: create.comment,
                constraints: Vec::new(),
            },
            None => Change::CreateRelation(NewRelation {
                id: SecurableId::generate(),
                schema: create.schema.id,
                name: create.name.object,
                owner: principal,
                comment: create.comment,
                kind,
                columns,
                constraints: Vec::new(),
            }),
        };
        self.change_metastore(&[change], request).await?;
        Ok(completion)
    }

    pub(super) async fn alter_view(
        self: &Arc<Self>,
        view: Arc<Relation>,
        action: BoundAlterView,
        request: &Request,
    ) -> Result<Completion> {
        let id = view.id;
        let changes = match action {
            BoundAlterView::RenameTo(name) => vec![Change::Rename { id, name }],
            BoundAlterView::MoveTo { schema, name } => {
                vec![Change::SetSchema { id, schema: schema.id }, Change::Rename { id, name }]
            }
            BoundAlterView::OwnerTo(owner) => vec![Change::SetOwner { id, owner: owner.id }],
            BoundAlterView::As { query, definition } => {
                let columns = self.view_columns(query, &[], &view.columns, request).await?;
                let kind = RelationKind::View(view_here(definition, view.schema, request));
                let comment = view.comment.clone();
                vec![Change::ReplaceRelation {
                    id,
                    kind,
                    columns,
                    comment,
                    constraints: Vec::new(),
                }]
            }
        };
        self.change_metastore(&changes, request).await?;
        Ok(Completion::new("ALTER VIEW"))
    }

    /// The columns of a view's query, under the names that the view declares for the first of them.
    async fn view_columns(
        self: &Arc<Self>,
        query: BoundQuery,
        names: &[ColumnName],
        before: &[Column],
        request: &Request,
    ) -> Result<Vec<Column>> {
        let (engine, request) = (Arc::clone(self), request.clone());
        let outputs =
            self.cpu.run(async move { engine.plan(query, &request).await?.columns() }).await?;
        if names.len() > outputs.len() {
            return Err(Error::new(
                ErrorKind::InvalidTableDefinition,
                "CREATE VIEW specifies more column names than columns",
            ));
        }
        let mut fields: Vec<datafusion::arrow::datatypes::Field> =
            Vec::with_capacity(outputs.len());
        for (index, output) in outputs.into_iter().enumerate() {
            let name = names.get(index).map_or(output.name, |column| column.name.clone());
            if fields.iter().any(|known| *known.name() == name) {
                return Err(Error::new(
                    ErrorKind::DuplicateColumn,
                    format!("column \"{name}\" specified more than once"),
                ));
            }
            fields.push(output.field.with_name(name));
        }
        let schema = datafusion::arrow::datatypes::Schema::new(fields);
        Ok(super::columns::columns_of(&schema, before))
    }
}

fn alter_namespace(id: SecurableId, action: BoundAlterNamespace) -> Change {
    match action {
        BoundAlterNamespace::RenameTo(name) => Change::Rename { id, name },
        BoundAlterNamespace::OwnerTo(owner) => Change::SetOwner { id, owner: owner.id },
    }
}

/// A view made now: its names mean what they mean to the session.
pub(super) fn view_here(definition: String, schema: SecurableId, request: &Request) -> View {
    let (snapshot, search_path) = (&request.facts.snapshot, &request.facts.search_path);
    let temporary = snapshot.temporary_schema().filter(|temporary| temporary.id != schema);
    let search_path = search_path.iter().filter(|name| {
        // The session's own schema means nothing to others.
        temporary.is_none_or(|temporary| temporary.name != **name)
    });
    View {
        definition,
        catalog: request.facts.catalog.clone(),
        search_path: search_path.cloned().collect(),
    }
}

fn new_catalog(name: String, owner: PrincipalId, comment: Option<String>) -> Vec<Change> {
    let id = SecurableId::generate();
    let schema = NewSchema {
        id: SecurableId::generate(),
        catalog: id,
        name: "public".to_owned(),
        owner,
        comment: None,
    };
    vec![
        Change::CreateCatalog(NewCatalog { id, name, owner, comment }),
        Change::CreateSchema(schema),
    ]
}

fn new_schema(create: BoundCreateSchema, principal: PrincipalId) -> Change {
    Change::CreateSchema(NewSchema {
        id: SecurableId::generate(),
        catalog: create.catalog.id,
        name: create.name,
        owner: create.owner.map_or(principal, |owner| owner.id),
        comment: create.comment,
    })
}

fn skipped(tag: &str, notice: String) -> Completion {
    Completion::with_notices(tag, vec![format!("{notice}, skipping")])
}

/// 2BP01 for a table that foreign keys of others refer to.
fn check_unreferenced(securables: &[Securable], request: &Request) -> Result<()> {
    let snapshot = &request.facts.snapshot;
    let going: Vec<SecurableId> = securables.iter().map(Securable::id).collect();
    for securable in securables {
        if let Securable::Relation(table) = securable {
            check_table_unreferenced(table, &going, &request.facts, snapshot)?;
        }
    }
    Ok(())
}

/// What is said of views that go with what they read, as PostgreSQL does. One that the user may not know of has no
/// name here.
pub(super) fn cascaded(
    views: &[Arc<Relation>],
    snapshot: &Snapshot,
    user: Option<PrincipalId>,
) -> Option<String> {
    let knows =
        |view: &Relation| user.is_some_and(|user| Access::new(snapshot, user).may_know(view.id));
    match views {
        [] => None,
        [view] if knows(view) => {
            Some(format!("drop cascades to {} {}", view.kind_name(), view.name))
        }
        [_] => Some("drop cascades to 1 other object".to_owned()),
        views => Some(format!("drop cascades to {} other objects", views.len())),
    }
}

/// 55006 for a catalog that sessions are connected to.
fn check_not_in_use(securables: &[Securable], facts: &Facts) -> Result<()> {
    for securable in securables {
        let Securable::Catalog(catalog) = securable else { continue };
        if catalog.name == facts.catalog {
            let message = "cannot drop the currently open database";
            return Err(Error::new(ErrorKind::ObjectInUse, message));
        }
        let others = facts.sessions.list();
        let others = others.iter().filter(|session| session.catalog == catalog.name).count();
        if others > 0 {
            let message = format!("database \"{}\" is being accessed by other users", catalog.name);
            let there = match others {
                1 => "There is 1 other session".to_owned(),
                others => format!("There are {others} other sessions"),
            };
            return Err(Error::new(ErrorKind::ObjectInUse, message)
                .with_detail(format!("{there} using the database.")));
        }
    }
    Ok(())
}

/// 2BP01 for a catalog or schema with something in it, unless CASCADE is said. The schema `public` that
/// every catalog has does not count while it is empty.
fn check_empty(snapshot: &Snapshot, securables: &[Securable], cascade: bool) -> Result<()> {
    if cascade {
        return Ok(());
    }
    for securable in securables {
        let inside: Vec<String> = match securable {
            Securable::Relation(_)
            | Securable::StorageCredential(_)
            | Securable::ExternalLocation(_) => continue,
            Securable::Schema(schema) => snapshot
                .relations_of(schema.id)
                .map(|relation| format!("{} {}", relation.kind_name(), relation.name))
                .collect(),
            Securable::Catalog(catalog) => snapshot
                .schemas_of(catalog.id)
                .filter(|schema| {
                    schema.name != "public" || snapshot.relations_of(schema.id).next().is_some()
                })
                .map(|schema| format!("schema {}", schema.name))
                .collect(),
        };
        if !inside.is_empty() {
            let kind = match securable {
                Securable::Catalog(_) => "catalog",
                Securable::Schema(_)
                | Securable::Relation(_)
                | Securable::StorageCredential(_)
                | Securable::ExternalLocation(_) => "schema",
            };
            return Err(Error::new(
                ErrorKind::DependentObjectsStillExist,
                format!("cannot drop {kind} {} because it is not empty", securable.name()),
            )
            .with_detail(format!("It holds {}.", inside.join(", ")))
            .with_hint("Use DROP ... CASCADE to drop what is in it too."));
        }
    }
    Ok(())
}
