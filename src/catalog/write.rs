//! Changes as SQL: stores what `draft` has decided, row by row, inside the caller's transaction. It
//! checks nothing that the draft has checked; a row that is missing is damage.

use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection};
use sqlx::{AssertSqlSafe, QueryBuilder, query, query_scalar};

use crate::base::{Error, ErrorKind, Oid, PrincipalId, Result, SecurableId};

use super::change::Change;
use super::column_source::{source_kind, source_text};
use super::column_type::StoredType;
use super::draft::{Draft, overlap};
use super::grant::Grant;
use super::principal::PrincipalKind;
use super::securable::{Column, ForeignFormat, MaterializedView, Relation, RelationKind, Table};
use super::snapshot::Snapshot;
use super::sqlite::database_error;
use super::storage::write::{grants_of, table_of, write_storage};

/// Rows of one INSERT of columns: twelve values each, and SQLite takes 32766 in one statement.
const COLUMNS_PER_INSERT: usize = 1000;

/// Stores the revision and the OID counter that `draft` has come to.
pub(super) async fn write_counters(connection: &mut SqliteConnection, draft: &Draft) -> Result<()> {
    let update = query("UPDATE metastore SET revision = $1, next_oid = $2")
        .bind(counter(draft.snapshot().revision())?)
        .bind(counter(draft.next_oid())?);
    one_row(connection, update).await
}

/// Stores one change, the one that `draft` has made last.
pub(super) async fn write_change(
    connection: &mut SqliteConnection,
    change: &Change,
    draft: &Draft,
) -> Result<()> {
    let made = draft.snapshot();
    match change {
        Change::CreateCatalog(new) => {
            let catalog = fact(made.catalog_by_id(new.id))?;
            let place = Place { kind: "catalog", parent: None, name: &catalog.name };
            let (oid, owner, comment) = (catalog.oid, catalog.owner, &catalog.comment);
            insert_securable(connection, new.id, oid, place, Extra { owner, comment, draft }).await
        }
        Change::CreateSchema(new) => {
            let schema = fact(made.schema_by_id(new.id))?;
            let place = Place { kind: "schema", parent: Some(schema.catalog), name: &schema.name };
            let (oid, owner, comment) = (schema.oid, schema.owner, &schema.comment);
            insert_securable(connection, new.id, oid, place, Extra { owner, comment, draft }).await
        }
        Change::CreateRelation(new) => {
            create_relation(connection, fact(made.relation_by_id(new.id))?, draft).await
        }
        Change::ReplaceRelation { id, .. } => {
            replace_relation(connection, fact(made.relation_by_id(*id))?, draft).await
        }
        // Constraints and indexes are written when all changes are made.
        Change::AddConstraint { .. }
        | Change::DropConstraint { .. }
        | Change::AddIndex { .. }
        | Change::DropIndex { .. }
        | Change::RenameIndex { .. }
        | Change::SetPartComment { .. } => Ok(()),
        Change::SetColumns { id, .. } => {
            let relation = fact(made.relation_by_id(*id))?;
            update_relation(connection, relation).await?;
            replace_columns(connection, *id, &relation.columns).await
        }
        Change::SetPopulated { id, populated } => {
            let update = query("UPDATE materialized_view SET populated = $1 WHERE id = $2");
            one_row(connection, update.bind(*populated).bind(id.to_string())).await
        }
        Change::Rename { id, name } => {
            let update = update_of(made, *id, "name");
            one_row(connection, update.bind(name).bind(id.to_string())).await
        }
        Change::SetSchema { id, schema } => {
            let update = query("UPDATE securable SET parent = $1 WHERE id = $2");
            one_row(connection, update.bind(schema.to_string()).bind(id.to_string())).await
        }
        Change::SetOwner { id, owner } => {
            let update = update_of(made, *id, "owner");
            one_row(connection, update.bind(owner.to_string()).bind(id.to_string())).await
        }
        Change::SetComment { id, comment } => {
            let update = update_of(made, *id, "comment");
            one_row(connection, update.bind(comment).bind(id.to_string())).await
        }
        Change::SetColumnComment { column, comment, .. } => {
            let update = query("UPDATE column_ SET comment = $1 WHERE id = $2");
            one_row(connection, update.bind(comment).bind(column.to_string())).await
        }
        Change::Drop { id } => drop_securable(connection, *id, draft.now()).await,
        Change::Storage(change) => write_storage(connection, change, draft).await,
        Change::CreatePrincipal(new) => insert_principal(connection, new.id, made).await,
        Change::RenamePrincipal { id, name } => {
            let update = query("UPDATE principal SET name = $1 WHERE id = $2");
            one_row(connection, update.bind(name).bind(id.to_string())).await
        }
        Change::SetVerifier { id, verifier } => {
            let update = query("UPDATE principal SET verifier = $1 WHERE id = $2");
            one_row(connection, update.bind(verifier).bind(id.to_string())).await
        }
        Change::SetAdmin { id, admin } => {
            let update = query("UPDATE principal SET admin = $1 WHERE id = $2");
            one_row(connection, update.bind(*admin).bind(id.to_string())).await
        }
        Change::DropPrincipal { id } => {
            let delete = query("DELETE FROM principal WHERE id = $1");
            one_row(connection, delete.bind(id.to_string())).await
        }
        Change::AddMember { group, member } => {
            let insert = query(
                "INSERT INTO membership (group_id, member_id) VALUES ($1, $2)
                 ON CONFLICT (group_id, member_id) DO NOTHING",
            );
            run(connection, insert.bind(group.to_string()).bind(member.to_string())).await
        }
        Change::RemoveMember { group, member } => {
            let delete = query("DELETE FROM membership WHERE group_id = $1 AND member_id = $2");
            run(connection, delete.bind(group.to_string()).bind(member.to_string())).await
        }
        Change::Grant(grant) => {
            let table = grants_of(made, grant);
            let insert = match grant.principal {
                PrincipalId::PUBLIC => format!(
                    "INSERT INTO {table} (securable, privilege) VALUES ($1, $2)
                     ON CONFLICT (securable, privilege) DO NOTHING"
                ),
                _ => format!(
                    "INSERT INTO {table} (securable, privilege, principal) VALUES ($1, $2, $3)
                     ON CONFLICT (securable, principal, privilege) DO NOTHING"
                ),
            };
            run(connection, bind_grant(query(AssertSqlSafe(insert)), grant)).await
        }
        Change::Revoke(grant) => {
            let table = grants_of(made, grant);
            let delete = match grant.principal {
                PrincipalId::PUBLIC => {
                    format!("DELETE FROM {table} WHERE securable = $1 AND privilege = $2")
                }
                _ => format!(
                    "DELETE FROM {table} WHERE securable = $1 AND privilege = $2 AND principal = $3"
                ),
            };
            run(connection, bind_grant(query(AssertSqlSafe(delete)), grant)).await
        }
    }
}

/// Where a securable stands.
struct Place<'a> {
    kind: &'static str,
    parent: Option<SecurableId>,
    name: &'a str,
}

/// What else every securable has.
struct Extra<'a> {
    owner: PrincipalId,
    comment: &'a Option<String>,
    draft: &'a Draft,
}

async fn insert_securable(
    connection: &mut SqliteConnection,
    id: SecurableId,
    oid: Oid,
    place: Place<'_>,
    extra: Extra<'_>,
) -> Result<()> {
    let insert = query(
        "INSERT INTO securable (id, oid, kind, parent, name, owner, comment, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id.to_string())
    .bind(oid.0)
    .bind(place.kind)
    .bind(place.parent.map(|parent| parent.to_string()))
    .bind(place.name)
    .bind(extra.owner.to_string())
    .bind(extra.comment)
    .bind(extra.draft.now());
    one_row(connection, insert).await
}

async fn create_relation(
    connection: &mut SqliteConnection,
    relation: &Relation,
    draft: &Draft,
) -> Result<()> {
    if let Some(table) = relation.as_table() {
        take_location(connection, table).await?;
        check_sources(connection, table).await?;
    }
    let place =
        Place { kind: stored_kind(relation), parent: Some(relation.schema), name: &relation.name };
    let extra = Extra { owner: relation.owner, comment: &relation.comment, draft };
    insert_securable(connection, relation.id, relation.oid, place, extra).await?;
    let insert = query(
        "INSERT INTO relation (location, managed, partition_columns,
             definition, view_catalog, view_search_path, foreign_format, sources, id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    );
    one_row(connection, bind_kind(insert, relation)?).await?;
    write_materialized(connection, relation).await?;
    insert_columns(connection, relation.id, &relation.columns).await
}

async fn replace_relation(
    connection: &mut SqliteConnection,
    relation: &Relation,
    draft: &Draft,
) -> Result<()> {
    let id = relation.id.to_string();
    let old: Option<String> =
        query_scalar("SELECT location FROM relation WHERE id = $1 AND managed = TRUE")
            .bind(&id)
            .fetch_optional(&mut *connection)
            .await
            .map_err(database_error)?;
    let new = relation.as_table();
    if old.as_deref() != new.map(|table| table.location.as_str()) {
        if let Some(table) = new {
            take_location(connection, table).await?;
            check_sources(connection, table).await?;
        }
        loosen_locations(connection, relation.id, draft.now()).await?;
    }
    let update = query("UPDATE securable SET kind = $1, comment = $2 WHERE id = $3");
    let update = update.bind(stored_kind(relation)).bind(&relation.comment).bind(&id);
    one_row(connection, update).await?;
    update_relation(connection, relation).await?;
    replace_columns(connection, relation.id, &relation.columns).await
}

async fn update_relation(connection: &mut SqliteConnection, relation: &Relation) -> Result<()> {
    let update = query(
        "UPDATE relation SET location = $1, managed = $2, partition_columns = $3,
             definition = $4, view_catalog = $5, view_search_path = $6, foreign_format = $7,
             sources = $8
         WHERE id = $9",
    );
    one_row(connection, bind_kind(update, relation)?).await?;
    write_materialized(connection, relation).await
}

/// What a relation is among the securables, where a materialized view is the table of its rows.
fn stored_kind(relation: &Relation) -> &'static str {
    match relation.kind {
        RelationKind::Table(_) | RelationKind::MaterializedView(_) => "table",
        RelationKind::View(_) => "view",
    }
}

/// The query of a materialized view, beside the table of its rows.
async fn write_materialized(connection: &mut SqliteConnection, relation: &Relation) -> Result<()> {
    let id = relation.id.to_string();
    let delete = query("DELETE FROM materialized_view WHERE id = $1");
    run(connection, delete.bind(&id)).await?;
    let Some(MaterializedView { table: _, view, populated }) = relation.as_materialized() else {
        return Ok(());
    };
    let insert = query(
        "INSERT INTO materialized_view (id, definition, catalog, search_path, populated)
         VALUES ($1, $2, $3, $4, $5)",
    );
    let insert = insert.bind(&id).bind(&view.definition).bind(&view.catalog);
    one_row(connection, insert.bind(json_list(&view.search_path)?).bind(*populated)).await
}

/// Binds the columns of `relation` from `location` to `id`.
fn bind_kind<'a>(query: Statement<'a>, relation: &Relation) -> Result<Statement<'a>> {
    let no_text = None::<String>;
    let query = match &relation.kind {
        RelationKind::Table(table)
        | RelationKind::MaterializedView(MaterializedView { table, .. }) => query
            .bind(table.location.clone())
            .bind(Some(table.managed))
            .bind(Some(json_list(&table.partition_columns)?))
            .bind(no_text.clone())
            .bind(no_text.clone())
            .bind(no_text)
            .bind(table.foreign.as_ref().map(json_format).transpose()?)
            .bind(match table.sources.as_slice() {
                [] => None,
                sources => Some(json_list(sources)?),
            }),
        RelationKind::View(view) => query
            .bind(no_text.clone())
            .bind(None::<bool>)
            .bind(no_text.clone())
            .bind(view.definition.clone())
            .bind(view.catalog.clone())
            .bind(json_list(&view.search_path)?)
            .bind(no_text.clone())
            .bind(no_text),
    };
    Ok(query.bind(relation.id.to_string()))
}

/// The files that a shallow clone reads must not be about to be removed.
async fn check_sources(connection: &mut SqliteConnection, table: &Table) -> Result<()> {
    for source in &table.sources {
        let loose = query_scalar("SELECT COUNT(*) FROM loose_location WHERE location = $1");
        let count: i64 =
            loose.bind(source).fetch_one(&mut *connection).await.map_err(database_error)?;
        if count > 0 {
            let message = "the source of the clone was dropped while the statement ran";
            return Err(Error::new(ErrorKind::UndefinedTable, message));
        }
    }
    Ok(())
}

/// A table begins to own its location: the staging of a managed one ends, and no table may lie where
/// files are going to be removed.
async fn take_location(connection: &mut SqliteConnection, table: &Table) -> Result<()> {
    let location = &table.location;
    if table.managed {
        let delete = query("DELETE FROM loose_location WHERE location = $1 AND reason = 'staged'");
        if affected(connection, delete.bind(location)).await? == 0 {
            let message = format!("location \"{location}\" was not staged for a new table");
            return Err(Error::new(ErrorKind::ObjectNotInPrerequisiteState, message));
        }
    }
    let loose: Vec<String> = query_scalar("SELECT location FROM loose_location")
        .fetch_all(connection)
        .await
        .map_err(database_error)?;
    if loose.iter().any(|other| overlap(other, location)) {
        let message = format!("location \"{location}\" overlaps files that no table owns");
        return Err(Error::new(ErrorKind::ObjectInUse, message)
            .with_detail(
                "The files wait for their removal, or another table is being made of them.",
            )
            .with_hint("Try again later, or choose another folder."));
    }
    Ok(())
}

/// The files of the managed tables that are `id` or in it belong to nobody from now on.
async fn loosen_locations(
    connection: &mut SqliteConnection,
    id: SecurableId,
    now: i64,
) -> Result<()> {
    let insert = query(
        "WITH RECURSIVE inside (id) AS (
             SELECT $1
             UNION ALL
             SELECT securable.id FROM securable JOIN inside ON securable.parent = inside.id
         )
         INSERT INTO loose_location (location, relation, reason, since)
         SELECT relation.location, relation.id, 'dropped', $2
         FROM relation JOIN inside ON relation.id = inside.id
         WHERE relation.managed = TRUE",
    );
    run(connection, insert.bind(id.to_string()).bind(now)).await
}

/// Removes a securable; what it contains, its columns and grants follow by foreign key.
async fn drop_securable(
    connection: &mut SqliteConnection,
    id: SecurableId,
    now: i64,
) -> Result<()> {
    loosen_locations(connection, id, now).await?;
    for delete in [
        "DELETE FROM storage_grant WHERE securable = $1",
        "DELETE FROM public_storage_grant WHERE securable = $1",
    ] {
        run(connection, query(delete).bind(id.to_string())).await?;
    }
    // The draft has forgotten already what it was.
    let mut rows = 0;
    for delete in [
        "DELETE FROM securable WHERE id = $1",
        "DELETE FROM external_location WHERE id = $1",
        "DELETE FROM storage_credential WHERE id = $1",
    ] {
        rows += affected(connection, query(delete).bind(id.to_string())).await?;
    }
    must_be_one(rows)
}

/// An UPDATE of one column of a securable: its value, then its id.
fn update_of(made: &Snapshot, id: SecurableId, column: &'static str) -> Statement<'static> {
    let table = table_of(made, id);
    query(AssertSqlSafe(format!("UPDATE {table} SET {column} = $1 WHERE id = $2")))
}

/// Makes `columns` the columns of a relation. The row of a column that stays is kept, because what is
/// keyed by its id must stay too.
async fn replace_columns(
    connection: &mut SqliteConnection,
    relation: SecurableId,
    columns: &[Column],
) -> Result<()> {
    // Out of the way first: columns may trade names.
    let aside = query("UPDATE column_ SET name = id, number = -number WHERE relation = $1");
    run(connection, aside.bind(relation.to_string())).await?;
    insert_columns(connection, relation, columns).await?;
    let delete = query("DELETE FROM column_ WHERE relation = $1 AND number < 0");
    run(connection, delete.bind(relation.to_string())).await
}

async fn insert_columns(
    connection: &mut SqliteConnection,
    relation: SecurableId,
    columns: &[Column],
) -> Result<()> {
    for columns in columns.chunks(COLUMNS_PER_INSERT) {
        let mut rows = Vec::with_capacity(columns.len());
        for column in columns {
            rows.push((column, StoredType::of(&column.field)?));
        }
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO column_ (id, relation, number, name, type, nullable,
                 pg_type, typmod, metadata, comment, source, source_text) ",
        );
        insert.push_values(rows, |mut row, (column, stored)| {
            row.push_bind(column.id.to_string())
                .push_bind(relation.to_string())
                .push_bind(column.number)
                .push_bind(column.field.name().clone())
                .push_bind(stored.text)
                .push_bind(stored.nullable)
                .push_bind(stored.pg_type)
                .push_bind(stored.typmod)
                .push_bind(stored.metadata)
                .push_bind(column.comment.clone())
                .push_bind(source_kind(column.source.as_ref()))
                .push_bind(source_text(column.source.as_ref()));
        });
        insert.push(
            " ON CONFLICT (id) DO UPDATE SET number = excluded.number, name = excluded.name,
                 type = excluded.type, nullable = excluded.nullable, pg_type = excluded.pg_type,
                 typmod = excluded.typmod, metadata = excluded.metadata, comment = excluded.comment,
                 source = excluded.source, source_text = excluded.source_text
             WHERE column_.relation = excluded.relation",
        );
        let stored = affected(connection, insert.build().persistent(false)).await?;
        if stored != columns.len() as u64 {
            return Err(Error::internal("a column has the id of another relation's column"));
        }
    }
    Ok(())
}

async fn insert_principal(
    connection: &mut SqliteConnection,
    id: PrincipalId,
    made: &Snapshot,
) -> Result<()> {
    let principal = fact(made.principal_by_id(id))?;
    let kind = match principal.kind {
        PrincipalKind::User => "user",
        PrincipalKind::Group => "group",
    };
    let insert = query(
        "INSERT INTO principal (id, oid, name, kind, admin, verifier)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id.to_string())
    .bind(principal.oid.0)
    .bind(&principal.name)
    .bind(kind)
    .bind(principal.admin)
    .bind(&principal.verifier);
    one_row(connection, insert).await
}

pub(super) type Statement<'a> = Query<'a, Sqlite, SqliteArguments>;

/// Binds securable, privilege and, but for everybody, principal.
fn bind_grant<'a>(query: Statement<'a>, grant: &Grant) -> Statement<'a> {
    let query = query.bind(grant.securable.to_string()).bind(grant.privilege.name());
    match grant.principal {
        PrincipalId::PUBLIC => query,
        principal => query.bind(principal.to_string()),
    }
}

async fn affected(connection: &mut SqliteConnection, query: Statement<'_>) -> Result<u64> {
    let done = query.execute(connection).await.map_err(database_error)?;
    Ok(done.rows_affected())
}

pub(super) async fn run(connection: &mut SqliteConnection, query: Statement<'_>) -> Result<()> {
    affected(connection, query).await.map(|_| ())
}

/// Runs a statement that must touch one row: the draft has seen the fact that it is about.
pub(super) async fn one_row(connection: &mut SqliteConnection, query: Statement<'_>) -> Result<()> {
    must_be_one(affected(connection, query).await?)
}

fn must_be_one(rows: u64) -> Result<()> {
    match rows {
        1 => Ok(()),
        rows => Err(Error::new(
            ErrorKind::DataCorrupted,
            format!("the metastore has {rows} rows where it must have one"),
        )),
    }
}

/// A fact that the draft must hold, because it has just made it.
pub(super) fn fact<T>(found: Option<&T>) -> Result<&T> {
    found.ok_or_else(|| Error::internal("a change left no fact in the snapshot"))
}

fn json_list(names: &[String]) -> Result<String> {
    serde_json::to_string(names)
        .map_err(|error| Error::internal("names cannot be written as JSON").caused_by(error))
}

fn json_format(format: &ForeignFormat) -> Result<String> {
    serde_json::to_string(format)
        .map_err(|error| Error::internal("a format cannot be written as JSON").caused_by(error))
}

/// A counter as the integer that SQL has.
fn counter(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|error| {
        Error::internal("a counter of the metastore is too large").caused_by(error)
    })
}
