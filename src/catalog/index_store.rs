//! Declared indexes as rows of the metastore: read with all else at the start, and written whole for each table where
//! a change has touched them. It checks nothing that the draft has checked.

use std::collections::HashMap;

use futures::TryStreamExt;
use sqlx::sqlite::SqliteConnection;
use sqlx::{query, query_as};

use crate::base::{Error, Oid, Result, SecurableId};

use super::draft::Draft;
use super::index::Index;
use super::load::{number, unreadable, uuid};
use super::sqlite::database_error;
use super::write::{one_row, run};

/// The declared indexes of every table, in OID order.
pub(super) async fn read(
    connection: &mut SqliteConnection,
) -> Result<HashMap<SecurableId, Vec<Index>>> {
    let mut rows = query_as::<_, (String, i64, String, String, String)>(
        "SELECT id, oid, relation, name, definition FROM index_ ORDER BY oid",
    )
    .fetch(connection);
    let mut indexes = HashMap::<SecurableId, Vec<Index>>::new();
    while let Some((id, oid, relation, name, text)) =
        rows.try_next().await.map_err(database_error)?
    {
        let definition = serde_json::from_str(&text)
            .map_err(|error| unreadable("index", &name).caused_by(error))?;
        let (id, oid) = (SecurableId(uuid(&id)?), Oid(number(oid)?));
        let relation = SecurableId(uuid(&relation)?);
        indexes.entry(relation).or_default().push(Index { id, oid, name, definition });
    }
    Ok(indexes)
}

/// Stores the indexes of every table where the draft has changed them and which is still there.
pub(super) async fn write(connection: &mut SqliteConnection, draft: &Draft) -> Result<()> {
    for relation in &draft.indexed {
        let Some(relation) = draft.snapshot().relation_by_id(*relation) else { continue };
        let delete = query("DELETE FROM index_ WHERE relation = $1");
        run(connection, delete.bind(relation.id.to_string())).await?;
        for index in relation.indexes.iter() {
            let text = serde_json::to_string(&index.definition).map_err(|error| {
                Error::internal("an index cannot be written as JSON").caused_by(error)
            })?;
            let insert = query(
                "INSERT INTO index_ (id, oid, relation, name, definition)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(index.id.to_string())
            .bind(index.oid.0)
            .bind(relation.id.to_string())
            .bind(&index.name)
            .bind(text);
            one_row(connection, insert).await?;
        }
    }
    Ok(())
}
