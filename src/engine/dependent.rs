//! Views that a column of a table holds up: those whose queries mean something else, or nothing, without it.
//! It changes nothing.

use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;

use crate::base::{Error, ErrorKind, Result};
use crate::bind::{BoundQuery, BoundRelation, BoundStatement, Scope, bind};
use crate::catalog::{Relation, Snapshot};
use crate::delta::TableVersion;
use crate::governance::Access;
use crate::sql::statement::TableChange;

use super::planner::Planner;
use super::{Engine, Request, system};

/// What a change does to a column that views may need.
struct Touched<'a> {
    column: &'a str,
    kind: ErrorKind,
    doing: &'static str,
}

impl Engine {
    /// Refuses changes of columns that views need: 2BP01, for their types 0A000 as in PostgreSQL.
    pub(super) async fn check_dependent_views(
        &self,
        table: &Relation,
        changes: &[TableChange],
        version: &TableVersion,
        request: &Request,
    ) -> Result<()> {
        let touched: Vec<Touched<'_>> = changes.iter().flat_map(touched).collect();
        if touched.is_empty() {
            return Ok(());
        }
        let snapshot = request.work.snapshot(&self.metastore)?;
        let views = snapshot.catalogs().flat_map(|catalog| snapshot.schemas_of(catalog.id));
        let views = views.flat_map(|schema| snapshot.relations_of(schema.id));
        for view in views {
            let Some(query) = self.view_reading(view, table, &snapshot) else { continue };
            for Touched { column, kind, doing } in &touched {
                if version.schema().field_with_name(column).is_err()
                    || !self.needs(&query, table, column, request).await
                {
                    continue;
                }
                let message = format!("cannot {doing} column \"{column}\" because a view needs it");
                let error = Error::new(*kind, message);
                let principal = request.facts.principal;
                let may_know =
                    principal.is_some_and(|who| Access::new(&snapshot, who).may_know(view.id));
                return Err(match may_know {
                    true => error
                        .with_detail(format!("View \"{}\" depends on the column.", view.name))
                        .with_hint("Drop the view, and make it again after the change."),
                    false => error.with_hint("Ask an admin: the view is somebody else's."),
                });
            }
        }
        Ok(())
    }

    /// The query of a view that reads the table itself. A view that is broken already needs nothing.
    fn view_reading(
        &self,
        view: &Relation,
        table: &Relation,
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
        let is_table = |relation: &BoundRelation| match relation {
            BoundRelation::Table { relation, time_travel: None } => relation.id == table.id,
            BoundRelation::Table { .. }
            | BoundRelation::View { .. }
            | BoundRelation::System { .. }
            | BoundRelation::Files(_)
            | BoundRelation::WithItem(_) => false,
        };
        query.relations.values().any(is_table).then_some(query)
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
        let Ok(whole) = planner.query(query.ast.as_ref().clone(), &meanings.sources) else {
            return false;
        };
        for (key, relation) in &query.relations {
            let BoundRelation::Table { relation, time_travel: None } = relation else { continue };
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
        match planner.query(query.ast.as_ref().clone(), &meanings.sources) {
            Ok(plan) => plan.schema().fields().len() != whole.schema().fields().len(),
            Err(_) => true,
        }
    }
}

fn touched(change: &TableChange) -> Vec<Touched<'_>> {
    let one = |column, kind, doing| vec![Touched { column, kind, doing }];
    match change {
        TableChange::DropColumns { columns, if_exists: _ } => {
            let dropped = columns.iter().map(|column| Touched {
                column: &column.name,
                kind: ErrorKind::DependentObjectsStillExist,
                doing: "drop",
            });
            dropped.collect()
        }
        TableChange::RenameColumn { column, to: _ } => {
            one(&column.name, ErrorKind::DependentObjectsStillExist, "rename")
        }
        TableChange::SetType { column, field: _ } => {
            one(&column.name, ErrorKind::FeatureNotSupported, "alter type of")
        }
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
