//! Views that a relation, or a column of a table, holds up: those whose queries mean something else, or nothing,
//! without it. It changes nothing.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;

use crate::base::{Error, ErrorKind, Result, SecurableId};
use crate::bind::{BoundQuery, BoundRelation, BoundStatement, Scope, bind};
use crate::catalog::{Relation, Securable, Snapshot};
use crate::delta::TableVersion;
use crate::governance::Access;
use crate::sql::statement::TableChange;

use super::planner::Planner;
use super::{Engine, Request, system};

/// What a change does to a column that views may need.
struct Touched<'a> {
    column: &'a str,
    doing: Doing,
    /// Whether the views go with it.
    cascade: bool,
}

/// What is done to a column.
#[derive(Debug, Clone, Copy)]
enum Doing {
    Drop,
    Rename,
    AlterType,
}

impl Doing {
    fn error_kind(self) -> ErrorKind {
        match self {
            Doing::Drop | Doing::Rename => ErrorKind::DependentObjectsStillExist,
            Doing::AlterType => ErrorKind::FeatureNotSupported,
        }
    }
}

impl Engine {
    /// The views that go with columns which are dropped with CASCADE. Refuses other changes of columns that views need:
    /// 2BP01, for their types 0A000 as in PostgreSQL.
    pub(super) async fn dependent_views(
        &self,
        table: &Relation,
        changes: &[TableChange],
        version: &TableVersion,
        request: &Request,
    ) -> Result<Vec<Arc<Relation>>> {
        let touched: Vec<Touched<'_>> = changes.iter().flat_map(touched).collect();
        if touched.is_empty() {
            return Ok(Vec::new());
        }
        let mut going: Vec<Arc<Relation>> = Vec::new();
        let snapshot = request.work.snapshot(&self.metastore)?;
        for view in views_of(&snapshot) {
            let Some(query) = self.view_reading(view, table, &snapshot) else { continue };
            for Touched { column, doing, cascade } in &touched {
                if version.schema().field_with_name(column).is_err()
                    || !self.needs(&query, table, column, request).await
                {
                    continue;
                }
                if *cascade {
                    going.push(Arc::clone(view));
                    break;
                }
                let what = format!("column {column} of table {}", table.name);
                let detail = format!("{} {} depends on {what}", view.kind_name(), view.name);
                let again = "Drop the view, and make it again after the change.";
                let (message, hint) = match doing {
                    Doing::Drop => (
                        format!("cannot drop {what} because other objects depend on it"),
                        "Use DROP ... CASCADE to drop the dependent objects too.",
                    ),
                    Doing::Rename => {
                        (format!("cannot rename {what} because a view needs it"), again)
                    }
                    Doing::AlterType => {
                        ("cannot alter type of a column used by a view or rule".to_owned(), again)
                    }
                };
                let error = Error::new(doing.error_kind(), message);
                let principal = request.facts.principal;
                let may_know =
                    principal.is_some_and(|who| Access::new(&snapshot, who).may_know(view.id));
                return Err(match may_know {
                    true => error.with_detail(detail).with_hint(hint),
                    false => error.with_hint("Ask an admin: the view is somebody else's."),
                });
            }
        }
        let dropped: Vec<Securable> = going.iter().cloned().map(Securable::Relation).collect();
        going.extend(self.views_upon(&dropped, &snapshot));
        Ok(going)
    }

    /// The views that go with relations which are dropped with CASCADE, and the views upon those. What reads a
    /// catalog from outside stays: DROP DATABASE does not ask for it.
    pub(super) fn views_upon(
        &self,
        securables: &[Securable],
        snapshot: &Arc<Snapshot>,
    ) -> Vec<Arc<Relation>> {
        let mut dropped: Vec<Arc<Relation>> = Vec::new();
        for securable in securables {
            match securable {
                Securable::Relation(relation) => dropped.push(Arc::clone(relation)),
                Securable::Schema(schema) => {
                    dropped.extend(snapshot.relations_of(schema.id).map(Arc::clone));
                }
                Securable::Catalog(_)
                | Securable::StorageCredential(_)
                | Securable::ExternalLocation(_) => {}
            }
        }
        let mut going: HashSet<SecurableId> = dropped.iter().map(|relation| relation.id).collect();
        let mut views = Vec::new();
        while let Some(relation) = dropped.pop() {
            for view in views_of(snapshot).filter(|view| may_name(view, &relation.name)) {
                if !going.contains(&view.id)
                    && self.view_reading(view, &relation, snapshot).is_some()
                {
                    going.insert(view.id);
                    dropped.push(Arc::clone(view));
                    views.push(Arc::clone(view));
                }
            }
        }
        views
    }

    /// The query of a view that reads the relation itself. A view that is broken already needs nothing.
    fn view_reading(
        &self,
        view: &Relation,
        read: &Relation,
        snapshot: &Arc<Snapshot>,
    ) -> Option<BoundQuery> {
        let definition = view.as_view()?;
        let visible = |who, what| Access::new(snapshot, who).may_know(what);
        let scope = Scope {
            snapshot,
            principal: view.owner,
            catalog: definition.catalog.clone(),
            search_path: definition.search_path.clone(),
            temporary: snapshot.is_temporary_schema(view.schema),
            visible: &visible,
            system: &system::exists,
            view_depth_max: self.limits.view_depth_max,
            parse_limits: self.parse_limits(),
        };
        let mut parsed = crate::sql::parse(&definition.definition, &self.parse_limits()).ok()?;
        let bound = bind(parsed.pop()?.statement, &scope).ok()?;
        let BoundStatement::Query(query) = bound.statement else { return None };
        let is_read = |relation: &BoundRelation| match relation {
            BoundRelation::Table { relation, time_travel: None, .. }
            | BoundRelation::View { relation, .. } => relation.id == read.id,
            BoundRelation::Table { .. }
            | BoundRelation::System { .. }
            | BoundRelation::Files(_)
            | BoundRelation::WithItem(_) => false,
        };
        query.relations.values().any(is_read).then_some(query)
    }

    /// Whether the query's columns are others, or it cannot be planned, without the table's column.
    async fn needs(
        &self,
        query: &BoundQuery,
        table: &Relation,
        column: &str,
        request: &Request,
    ) -> bool {
        let state = self.context.statement(&request.facts);
        let Ok(opened) = self.open_all(&query.relations, &request.work, &state).await else {
            return false;
        };
        let planner = Planner::new(&state, "", &[]);
        let Ok(mut meanings) = self.meanings(&query.relations, &opened, &planner) else {
            return false;
        };
        let Ok(whole) = planner.query_of(query.ast.as_ref().clone(), &meanings) else {
            return false;
        };
        for (key, relation) in &query.relations {
            let BoundRelation::Table { relation, time_travel: None, .. } = relation else {
                continue;
            };
            let Some(source) = meanings.sources.get_mut(key).filter(|_| relation.id == table.id)
            else {
                continue;
            };
            let schema = source.schema();
            let fields = schema.fields().iter().filter(|field| field.name() != column);
            let without = Schema::new(fields.cloned().collect::<Vec<_>>());
            let without: Arc<dyn TableProvider> = Arc::new(EmptyTable::new(Arc::new(without)));
            *source = provider_as_source(without);
        }
        match planner.query_of(query.ast.as_ref().clone(), &meanings) {
            Ok(plan) => plan.schema().fields().len() != whole.schema().fields().len(),
            Err(_) => true,
        }
    }
}

fn views_of(snapshot: &Snapshot) -> impl Iterator<Item = &Arc<Relation>> {
    let schemas = snapshot.catalogs().flat_map(|catalog| snapshot.schemas_of(catalog.id));
    let relations = schemas.flat_map(|schema| snapshot.relations_of(schema.id));
    relations.filter(|relation| relation.as_view().is_some())
}

/// Whether a view's text can have a name at all. Most views are out so, without being bound.
fn may_name(view: &Relation, name: &str) -> bool {
    let Some(view) = view.as_view() else { return false };
    let text = view.definition.to_lowercase();
    // Within quotes a quote is written twice, and with `U&` a letter by its number.
    name.contains('"') || text.contains("u&") || text.contains(&name.to_lowercase())
}

fn touched(change: &TableChange) -> Vec<Touched<'_>> {
    let one = |column, doing| vec![Touched { column, doing, cascade: false }];
    match change {
        TableChange::DropColumns { columns, if_exists: _, cascade } => {
            let dropped = columns.iter().map(|column| Touched {
                column: &column.name,
                doing: Doing::Drop,
                cascade: *cascade,
            });
            dropped.collect()
        }
        TableChange::RenameColumn { column, to: _ } => one(&column.name, Doing::Rename),
        TableChange::SetType { column, field: _ } => one(&column.name, Doing::AlterType),
        TableChange::SetProperties(_)
        | TableChange::UnsetProperties { .. }
        | TableChange::AddColumns { .. }
        | TableChange::MoveColumn { .. }
        | TableChange::SetNotNull(_)
        | TableChange::DropNotNull(_)
        | TableChange::SetDefault { .. }
        | TableChange::CommentColumn { .. }
        | TableChange::AddCheck(_)
        | TableChange::AddKey(_)
        | TableChange::DropConstraint { .. }
        | TableChange::ClusterBy(_) => Vec::new(),
    }
}
