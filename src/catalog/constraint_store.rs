//! Constraints as rows of the metastore: read with all else at the start, and written whole for each table
//! where a change has touched them. It checks nothing that the draft has checked.

use std::collections::HashMap;

use futures::TryStreamExt;
use sqlx::sqlite::SqliteConnection;
use sqlx::{query, query_as};

use crate::base::{Deferral, Error, Oid, ReferentialAction, ReferentialRules, Result, SecurableId};

use super::constraint::{Constraint, ConstraintKind};
use super::draft::Draft;
use super::load::{number, unreadable, uuid};
use super::sqlite::database_error;
use super::write::{one_row, run};

/// The constraints of every table, in OID order.
pub(super) async fn read(
    connection: &mut SqliteConnection,
) -> Result<HashMap<SecurableId, Vec<Constraint>>> {
    type Row = (
        String,
        i64,
        String,
        String,
        String,
        Option<String>,
        Option<String>,
        Option<bool>,
        Option<i64>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<bool>,
    );
    let mut rows = query_as::<_, Row>(
        "SELECT id, oid, relation, name, kind, expression, columns, rely, index_oid, referenced,
             referenced_columns, deferral, comment, on_update, on_delete, match_full
         FROM constraint_
         ORDER BY oid",
    )
    .fetch(connection);
    let mut constraints = HashMap::<SecurableId, Vec<Constraint>>::new();
    while let Some(row) = rows.try_next().await.map_err(database_error)? {
        let (
            id,
            oid,
            relation,
            name,
            word,
            expression,
            columns,
            rely,
            index,
            other,
            others,
            late,
            comment,
            on_update,
            on_delete,
            match_full,
        ) = row;
        let columns = columns.as_deref().map(ids).transpose()?;
        let kind = match (word.as_str(), expression, columns, rely, other, others) {
            ("check", Some(expression), None, None, None, None) => {
                ConstraintKind::Check { expression }
            }
            ("primary" | "unique", None, Some(columns), Some(rely), None, None) => {
                ConstraintKind::Key { primary: word == "primary", columns, rely }
            }
            ("foreign", None, Some(columns), Some(rely), Some(other), Some(others)) => {
                let relation = SecurableId(uuid(&other)?);
                let rules = ReferentialRules {
                    on_update: action(on_update.as_deref())?,
                    on_delete: action(on_delete.as_deref())?,
                    match_full: match_full.is_some(),
                };
                let referenced = ids(&others)?;
                ConstraintKind::Foreign { columns, relation, referenced, rely, rules }
            }
            _ => return Err(unreadable("constraint", &name)),
        };
        let deferral = match late.as_deref() {
            None => Deferral::NotDeferrable,
            Some("deferrable") => Deferral::Deferrable,
            Some("deferred") => Deferral::Deferred,
            Some(other) => return Err(unreadable("deferral", other)),
        };
        let index = index.map(number).transpose()?.map(Oid);
        let (id, oid) = (SecurableId(uuid(&id)?), Oid(number(oid)?));
        let relation = SecurableId(uuid(&relation)?);
        let constraint = Constraint { id, oid, name, kind, deferral, comment, index };
        constraints.entry(relation).or_default().push(constraint);
    }
    Ok(constraints)
}

/// Stores the constraints of every table where the draft has changed them and which is still there.
pub(super) async fn write(connection: &mut SqliteConnection, draft: &Draft) -> Result<()> {
    for relation in &draft.constrained {
        let Some(relation) = draft.snapshot().relation_by_id(*relation) else { continue };
        let delete = query("DELETE FROM constraint_ WHERE relation = $1");
        run(connection, delete.bind(relation.id.to_string())).await?;
    }
    for relation in &draft.constrained {
        let Some(relation) = draft.snapshot().relation_by_id(*relation) else { continue };
        for constraint in relation.constraints.iter() {
            insert(connection, relation.id, constraint).await?;
        }
    }
    Ok(())
}

async fn insert(
    connection: &mut SqliteConnection,
    relation: SecurableId,
    constraint: &Constraint,
) -> Result<()> {
    let (word, expression, rely, others) = match &constraint.kind {
        ConstraintKind::Check { expression } => ("check", Some(expression), None, None),
        ConstraintKind::Key { primary: true, rely, .. } => ("primary", None, Some(*rely), None),
        ConstraintKind::Key { primary: false, rely, .. } => ("unique", None, Some(*rely), None),
        ConstraintKind::Foreign { referenced, rely, .. } => {
            ("foreign", None, Some(*rely), Some(list(referenced)?))
        }
    };
    let columns = match constraint.kind {
        ConstraintKind::Check { .. } => None,
        ConstraintKind::Key { .. } | ConstraintKind::Foreign { .. } => {
            Some(list(constraint.kind.columns())?)
        }
    };
    let rules = match constraint.kind {
        ConstraintKind::Check { .. } | ConstraintKind::Key { .. } => None,
        ConstraintKind::Foreign { rules, .. } => Some(rules),
    };
    let insert = query(
        "INSERT INTO constraint_ (id, oid, relation, name, kind, expression, columns, rely,
             index_oid, referenced, referenced_columns, deferral, comment, on_update, on_delete,
             match_full)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(constraint.id.to_string())
    .bind(constraint.oid.0)
    .bind(relation.to_string())
    .bind(&constraint.name)
    .bind(word)
    .bind(expression)
    .bind(columns)
    .bind(rely)
    .bind(constraint.index.map(|oid| oid.0))
    .bind(constraint.kind.referenced().map(|other| other.to_string()))
    .bind(others)
    .bind(match constraint.deferral {
        Deferral::NotDeferrable => None,
        Deferral::Deferrable => Some("deferrable"),
        Deferral::Deferred => Some("deferred"),
    })
    .bind(&constraint.comment)
    .bind(rules.and_then(|rules| word_of(rules.on_update)))
    .bind(rules.and_then(|rules| word_of(rules.on_delete)))
    .bind(rules.and_then(|rules| rules.match_full.then_some(true)));
    one_row(connection, insert).await
}

/// What stands for an action; nothing for the one that is none.
fn word_of(action: ReferentialAction) -> Option<&'static str> {
    (action != ReferentialAction::NoAction).then_some(action.name())
}

fn action(word: Option<&str>) -> Result<ReferentialAction> {
    let Some(word) = word else { return Ok(ReferentialAction::NoAction) };
    let mut known = ReferentialAction::ALL.into_iter();
    known.find(|action| action.name() == word).ok_or_else(|| unreadable("action", word))
}

fn list(ids: &[SecurableId]) -> Result<String> {
    let ids: Vec<String> = ids.iter().map(SecurableId::to_string).collect();
    serde_json::to_string(&ids)
        .map_err(|error| Error::internal("ids cannot be written as JSON").caused_by(error))
}

fn ids(text: &str) -> Result<Vec<SecurableId>> {
    let ids = serde_json::from_str::<Vec<String>>(text);
    let ids = ids.map_err(|error| unreadable("list of columns", text).caused_by(error))?;
    ids.iter().map(|id| uuid(id).map(SecurableId)).collect()
}
