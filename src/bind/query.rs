//! Queries and expressions: what each relation name in them means, views expanded.

use std::sync::Arc;

use crate::base::{Error, ErrorKind, Result};
use crate::catalog::{Relation, RelationKind, View};
use crate::sql::statement::{
    Expression, Query, RelationReference, RowLock, SessionStatement, Statement, TimeTravelClause,
};
use crate::sql::{ParseLimits, parse};

use super::bound::{BoundExpression, BoundQuery, BoundRelation, BoundTimeTravel, Relations};
use super::scope::{Found, Scope, how_to_mend};

impl Scope<'_> {
    pub(super) fn query(&self, query: Query) -> Result<BoundQuery> {
        self.query_at_depth(query, 0)
    }

    pub(super) fn expression(&self, expression: Expression) -> Result<BoundExpression> {
        let relations = self.relations(&expression.relations, 0)?;
        Ok(BoundExpression { ast: expression.ast, relations })
    }

    pub(super) fn predicate(
        &self,
        predicate: Option<Expression>,
    ) -> Result<Option<BoundExpression>> {
        predicate.map(|expression| self.expression(expression)).transpose()
    }

    fn query_at_depth(&self, query: Query, depth: usize) -> Result<BoundQuery> {
        let relations = self.relations(&query.relations, depth)?;
        Ok(BoundQuery { ast: query.ast, relations })
    }

    fn relations(&self, references: &[RelationReference], depth: usize) -> Result<Relations> {
        let mut relations = Relations::new();
        for reference in references {
            let known = relations.get(&reference.key);
            let is_weaker = matches!(known, Some(BoundRelation::Table { locked: false, .. }))
                && reference.locked.is_some();
            if known.is_none() || is_weaker {
                relations.insert(reference.key.clone(), self.reference(reference, depth)?);
            }
        }
        Ok(relations)
    }

    fn reference(&self, reference: &RelationReference, depth: usize) -> Result<BoundRelation> {
        let name = &reference.name;
        if let Some(files) = &reference.files {
            let files = self.files(files.clone());
            let files = files.map_err(|error| error.at_if(name.position()))?;
            return Ok(BoundRelation::Files(Arc::new(files)));
        }
        if let Some(item) = reference.with_item {
            return Ok(BoundRelation::WithItem(item));
        }
        let time_travel = reference.time_travel.clone().map(time_travel);
        let not_a_table = |what: &str| {
            Error::new(
                ErrorKind::WrongObjectType,
                format!("{what} \"{}\" has no versions to travel to", name.object),
            )
            .at_if(name.position())
        };
        let found = self.find(name)?.ok_or_else(|| self.undefined(name))?;
        if let Some(lock) = reference.locked {
            check_lockable(lock, reference, &found)
                .map_err(|error| error.at_if(name.position()))?;
        }
        match found {
            Found::System { schema, name } => match time_travel {
                None => Ok(BoundRelation::System { schema, name }),
                Some(_) => Err(not_a_table("system relation")),
            },
            Found::Relation(relation) => match (&relation.kind, time_travel) {
                (RelationKind::Table(_) | RelationKind::MaterializedView(_), time_travel) => {
                    let locked = reference.locked.is_some();
                    Ok(BoundRelation::Table { relation, time_travel, locked })
                }
                (RelationKind::View(_), Some(_)) => Err(not_a_table("view")),
                (RelationKind::View(view), None) => {
                    let query = self.expand(&relation, view, depth)?;
                    Ok(BoundRelation::View { relation: Arc::clone(&relation), query })
                }
            },
        }
    }

    /// A view's query, bound under the names that held where it was made and seen by its owner.
    pub(super) fn expand(
        &self,
        relation: &Relation,
        view: &View,
        depth: usize,
    ) -> Result<Arc<BoundQuery>> {
        if depth >= self.view_depth_max {
            return Err(Error::new(
                ErrorKind::StatementTooComplex,
                format!(
                    "view \"{}\" nests deeper than {} views",
                    relation.name, self.view_depth_max
                ),
            ));
        }
        let scope = Scope {
            principal: relation.owner,
            catalog: view.catalog.clone(),
            search_path: view.search_path.clone(),
            // A view that stays does not change its meaning with what its reader has made.
            temporary: self.snapshot.is_temporary_schema(relation.schema),
            ..self.clone()
        };
        let query = view_query(&relation.name, &view.definition, &self.parse_limits)?;
        match scope.query_at_depth(query, depth + 1) {
            Ok(bound) => Ok(Arc::new(bound)),
            Err(error) => Err(self.broken_view(relation, error)),
        }
    }

    /// What a reader is told when a view cannot be expanded: which view it is, and only the view's owner
    /// which name in it is to blame. Never a position: it would point into a text that nobody sent.
    fn broken_view(&self, relation: &Relation, error: Error) -> Error {
        let name = &relation.name;
        let message = match error.kind() {
            ErrorKind::StatementTooComplex => format!("view \"{name}\" nests too many views"),
            _ => format!("view \"{name}\" reads what is not there"),
        };
        let told = Error::new(error.kind(), message).with_hint(how_to_mend(relation));
        match relation.owner == self.principal {
            true => {
                let more = error.detail().map(|detail| format!(" {detail}")).unwrap_or_default();
                told.with_detail(format!("In its definition: {}.{more}", error.message()))
            }
            false => told,
        }
        .caused_by(error)
    }
}

/// Rows of older versions and of the system do not change; those of a view are others'.
fn check_lockable(lock: RowLock, reference: &RelationReference, found: &Found) -> Result<()> {
    let (lock, name) = (lock.name(), &reference.name.object);
    let unsupported = |what: &str| Err(Error::unsupported(format!("{lock} of {what}")));
    if reference.time_travel.is_some() {
        return unsupported("an older version");
    }
    match found {
        Found::System { .. } => unsupported("a system relation"),
        Found::Relation(relation) => match relation.kind {
            RelationKind::Table(_) => Ok(()),
            RelationKind::View(_) => unsupported("a view")
                .map_err(|error| error.with_hint(format!("Name tables: {lock} OF table."))),
            RelationKind::MaterializedView(_) => {
                let message = format!("cannot lock rows in materialized view \"{name}\"");
                Err(Error::new(ErrorKind::WrongObjectType, message))
            }
        },
    }
}

/// The query that a view's stored text holds.
fn view_query(name: &str, definition: &str, limits: &ParseLimits) -> Result<Query> {
    let broken = || {
        Error::new(ErrorKind::InvalidObjectDefinition, format!("view \"{name}\" is not a query"))
    };
    let mut statements = parse(definition, limits).map_err(|error| broken().caused_by(error))?;
    match (statements.pop().map(|parsed| parsed.statement), statements.is_empty()) {
        (Some(Statement::Query(query)), true) => Ok(query),
        _ => Err(broken()),
    }
}

/// The version that a clause names.
pub(super) fn time_travel(clause: TimeTravelClause) -> BoundTimeTravel {
    match clause {
        TimeTravelClause::Version(version) => BoundTimeTravel::Version(version),
        TimeTravelClause::Timestamp(expression) => BoundTimeTravel::Timestamp(expression),
        TimeTravelClause::Changes { from, to } => BoundTimeTravel::Changes {
            from: Box::new(time_travel(*from)),
            to: to.map(|to| Box::new(time_travel(*to))),
        },
    }
}

/// A statement that only the session answers has no names to bind.
pub(super) fn refuse_session_statement(_: &SessionStatement) -> Error {
    Error::internal("a session statement reached the binder")
}
