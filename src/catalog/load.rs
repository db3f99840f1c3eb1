//! The metastore's rows as facts. It reads everything, once, at the start; later snapshots are made from
//! the one before.

use std::collections::{BTreeSet, HashMap};

use futures::TryStreamExt;
use sqlx::query_as;
use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

use crate::base::{Error, ErrorKind, Oid, PrincipalId, Result, SecurableId};

use super::column_source;
use super::column_type::StoredType;
use super::constraint_store;
use super::grant::{Grant, Privilege};
use super::index_store;
use super::principal::{Principal, PrincipalKind};
use super::securable::{
    Catalog, Column, ForeignFormat, MaterializedView, Relation, RelationKind, Schema, Table, View,
};
use super::snapshot::Facts;
use super::sqlite::database_error;
use super::storage::load::storage;

/// The numbers that every change moves on.
#[derive(Debug, PartialEq)]
pub(super) struct Counters {
    pub revision: u64,
    pub next_oid: u64,
}

pub(super) async fn counters(connection: &mut SqliteConnection) -> Result<Counters> {
    let (revision, next_oid) =
        query_as::<_, (i64, i64)>("SELECT revision, next_oid FROM metastore")
            .fetch_one(connection)
            .await
            .map_err(database_error)?;
    Ok(Counters { revision: number(revision)?, next_oid: number(next_oid)? })
}

/// Everything that a snapshot holds. To be called inside a transaction, so that it is of one moment.
pub(super) async fn facts(connection: &mut SqliteConnection) -> Result<Facts> {
    let Counters { revision, .. } = counters(connection).await?;
    let principals = principals(connection).await?;
    let mut facts = Facts { revision, principals, ..Facts::default() };
    securables(connection, &mut facts).await?;
    storage(connection, &mut facts).await?;
    facts.grants = grants(connection).await?;
    Ok(facts)
}

async fn principals(connection: &mut SqliteConnection) -> Result<Vec<Principal>> {
    let mut groups = HashMap::<String, BTreeSet<PrincipalId>>::new();
    let memberships = query_as::<_, (String, String)>("SELECT member_id, group_id FROM membership")
        .fetch_all(&mut *connection)
        .await
        .map_err(database_error)?;
    for (member, group) in memberships {
        groups.entry(member).or_default().insert(PrincipalId(uuid(&group)?));
    }
    type Row = (String, i64, String, String, bool, Option<String>);
    let rows = query_as::<_, Row>("SELECT id, oid, name, kind, admin, verifier FROM principal")
        .fetch_all(connection)
        .await
        .map_err(database_error)?;
    rows.into_iter()
        .map(|(id, oid, name, kind, admin, verifier)| {
            let kind = match kind.as_str() {
                "user" => PrincipalKind::User,
                "group" => PrincipalKind::Group,
                other => return Err(unreadable("kind of principal", other)),
            };
            let member_of = groups.remove(&id).unwrap_or_default();
            let (id, oid) = (PrincipalId(uuid(&id)?), Oid(number(oid)?));
            Ok(Principal { id, oid, name, kind, admin, verifier, member_of })
        })
        .collect()
}

/// Reads catalogs, schemas and relations into `facts`.
async fn securables(connection: &mut SqliteConnection, facts: &mut Facts) -> Result<()> {
    let mut kinds = relation_kinds(connection).await?;
    let mut columns = columns(connection).await?;
    let mut constraints = constraint_store::read(connection).await?;
    let mut indexes = index_store::read(connection).await?;
    type Row = (String, i64, String, Option<String>, String, String, Option<String>, i64);
    let mut rows = query_as::<_, Row>(
        "SELECT id, oid, kind, parent, name, owner, comment, created_at FROM securable",
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(database_error)? {
        let (id, oid, kind, parent, name, owner, comment, created_at) = row;
        let (id, oid) = (SecurableId(uuid(&id)?), Oid(number(oid)?));
        let owner = PrincipalId(uuid(&owner)?);
        let parent = parent.as_deref().map(uuid).transpose()?.map(SecurableId);
        match (kind.as_str(), parent) {
            ("catalog", None) => {
                facts.catalogs.push(Catalog { id, oid, name, owner, comment, created_at });
            }
            ("schema", Some(catalog)) => {
                let schema = Schema { id, oid, catalog, name, owner, comment, created_at };
                facts.schemas.push(schema);
            }
            ("table" | "view", Some(schema)) => {
                let kind = kinds.remove(&id).ok_or_else(|| unreadable("relation", &name))?;
                let columns = columns.remove(&id).unwrap_or_default().into();
                let constraints = constraints.remove(&id).unwrap_or_default().into();
                let indexes = indexes.remove(&id).unwrap_or_default().into();
                facts.relations.push(Relation {
                    id,
                    oid,
                    schema,
                    name,
                    owner,
                    comment,
                    columns,
                    constraints,
                    indexes,
                    kind,
                    created_at,
                });
            }
            (other, _) => return Err(unreadable("kind of securable", other)),
        }
    }
    Ok(())
}

async fn relation_kinds(
    connection: &mut SqliteConnection,
) -> Result<HashMap<SecurableId, RelationKind>> {
    type Row = (
        String,
        Option<String>,
        Option<bool>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
    );
    let mut materialized = materialized_views(connection).await?;
    let mut rows = query_as::<_, Row>(
        "SELECT id, location, managed, partition_columns,
                definition, view_catalog, view_search_path, foreign_format, sources
         FROM relation",
    )
    .fetch(connection);
    let mut kinds = HashMap::new();
    while let Some(row) = rows.try_next().await.map_err(database_error)? {
        let id = SecurableId(uuid(&row.0)?);
        let kind = match row {
            (_, Some(location), Some(managed), Some(names), None, None, None, format, sources) => {
                let partition_columns = json_list(&names)?;
                let foreign = format.as_deref().map(foreign_format).transpose()?;
                let sources = sources.as_deref().map(json_list).transpose()?.unwrap_or_default();
                let table = Table { location, managed, partition_columns, foreign, sources };
                match materialized.remove(&id) {
                    None => RelationKind::Table(table),
                    Some((view, populated)) => {
                        RelationKind::MaterializedView(MaterializedView { table, view, populated })
                    }
                }
            }
            (_, None, None, None, Some(definition), Some(catalog), Some(names), None, None) => {
                let search_path = json_list(&names)?;
                RelationKind::View(View { definition, catalog, search_path })
            }
            (id, ..) => return Err(unreadable("relation", &id)),
        };
        kinds.insert(id, kind);
    }
    Ok(kinds)
}

/// The queries of materialized views, and whether they have rows to read.
async fn materialized_views(
    connection: &mut SqliteConnection,
) -> Result<HashMap<SecurableId, (View, bool)>> {
    type Row = (String, String, String, String, bool);
    let rows = query_as::<_, Row>(
        "SELECT id, definition, catalog, search_path, populated FROM materialized_view",
    )
    .fetch_all(connection)
    .await
    .map_err(database_error)?;
    let views = rows.into_iter().map(|(id, definition, catalog, names, populated)| {
        let search_path = json_list(&names)?;
        Ok((SecurableId(uuid(&id)?), (View { definition, catalog, search_path }, populated)))
    });
    views.collect()
}

/// The columns of every relation, in attribute number order.
async fn columns(connection: &mut SqliteConnection) -> Result<HashMap<SecurableId, Vec<Column>>> {
    type Row = (
        String,
        String,
        i64,
        String,
        String,
        bool,
        Option<String>,
        Option<i32>,
        Option<String>,
        Option<String>,
        Option<String>,
        Option<String>,
    );
    let mut rows = query_as::<_, Row>(
        "SELECT id, relation, number, name, type, nullable, pg_type, typmod, metadata, comment,
             source, source_text
         FROM column_
         ORDER BY relation, number",
    )
    .fetch(connection);
    let mut columns = HashMap::<SecurableId, Vec<Column>>::new();
    while let Some(row) = rows.try_next().await.map_err(database_error)? {
        let (
            id,
            relation,
            position,
            name,
            text,
            nullable,
            pg_type,
            typmod,
            metadata,
            comment,
            source,
            source_text,
        ) = row;
        let stored = StoredType { text, nullable, pg_type, typmod, metadata };
        let relation = SecurableId(uuid(&relation)?);
        columns.entry(relation).or_default().push(Column {
            id: SecurableId(uuid(&id)?),
            number: number(position)?,
            field: stored.into_field(&name)?,
            comment,
            source: column_source::of(source, source_text)?,
        });
    }
    Ok(columns)
}

async fn grants(connection: &mut SqliteConnection) -> Result<Vec<Grant>> {
    type Row = (String, String, String);
    let rows = query_as::<_, Row>(
        "SELECT securable, principal, privilege FROM grant_
         UNION ALL SELECT securable, principal, privilege FROM storage_grant",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(database_error)?;
    let public = query_as::<_, (String, String)>(
        "SELECT securable, privilege FROM public_grant
         UNION ALL SELECT securable, privilege FROM public_storage_grant",
    )
    .fetch_all(connection)
    .await
    .map_err(database_error)?;
    let grant = |securable: &str, principal, privilege: &str| {
        let found = Privilege::from_name(privilege);
        Ok(Grant {
            securable: SecurableId(uuid(securable)?),
            principal,
            privilege: found.ok_or_else(|| unreadable("privilege", privilege))?,
        })
    };
    let named = rows.iter().map(|(securable, principal, privilege)| {
        grant(securable, PrincipalId(uuid(principal)?), privilege)
    });
    let public = public
        .iter()
        .map(|(securable, privilege)| grant(securable, PrincipalId::PUBLIC, privilege));
    named.chain(public).collect()
}

pub(super) fn uuid(text: &str) -> Result<Uuid> {
    Uuid::parse_str(text).map_err(|error| unreadable("id", text).caused_by(error))
}

fn foreign_format(text: &str) -> Result<ForeignFormat> {
    serde_json::from_str(text).map_err(|error| unreadable("file format", text).caused_by(error))
}

fn json_list(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text).map_err(|error| unreadable("list of names", text).caused_by(error))
}

pub(super) fn number<T: TryFrom<i64>>(value: i64) -> Result<T> {
    T::try_from(value).map_err(|_| unreadable("number", &value.to_string()))
}

/// A value that no version up to this one writes.
pub(super) fn unreadable(what: &str, value: &str) -> Error {
    let message = format!("the metastore holds a {what} that it cannot read");
    Error::new(ErrorKind::DataCorrupted, message).with_detail(format!("The value is \"{value}\"."))
}
