//! Declared indexes: facts of the catalog, checked against the table's columns. Nothing here reads a row, and no data
//! is kept for an index: the table's own statistics and clustering do what indexes do elsewhere.

use std::sync::Arc;

use crate::base::datatype::{BaseType, PgType, pg_type_of};
use crate::base::name::first_free;
use crate::base::{Error, ErrorKind, Result, SecurableId};
use crate::bind::BoundQuery;
use crate::bind::index::BoundIndex;
use crate::catalog::{
    Change, Column, IndexDefinition, IndexKey, IndexedValue, NewIndex, Relation, Snapshot,
};
use crate::sql::index::{CreateIndex, IndexExpression, IndexPart, IndexPartValue};
use crate::sql::statement::ColumnName;

use super::{Completion, Engine, Request};

/// Bytes of the longest name that PostgreSQL makes (`NAMEDATALEN` less one).
const NAME_MAX: usize = 63;

impl Engine {
    pub(super) async fn change_index(
        self: &Arc<Self>,
        statement: BoundIndex,
        request: &Request,
    ) -> Result<Completion> {
        let (changes, completion) = match statement {
            BoundIndex::Create { table, create, check } => {
                let snapshot = request.work.snapshot(&self.metastore)?;
                if let Some(name) = create.name.as_ref().filter(|_| create.if_not_exists)
                    && snapshot.is_relation_name_taken(table.schema, name)
                {
                    let notice = format!("relation \"{name}\" already exists, skipping");
                    return Ok(Completion::with_notices(TAG, vec![notice]));
                }
                let types = self.expression_types(check, request).await?;
                let (unique, declared) =
                    (create.unique, declared(&snapshot, &table, *create, types)?);
                let notice = notice(&declared.name, unique);
                let change = Change::AddIndex { relation: table.id, index: declared };
                (vec![change], Completion::with_notices(TAG, vec![notice]))
            }
            BoundIndex::Rename { table, index, to } => {
                let change = Change::RenameIndex { relation: table.id, index, name: to };
                (vec![change], Completion::new("ALTER INDEX"))
            }
            BoundIndex::Drop { indexes, missing } => {
                let drops = indexes
                    .into_iter()
                    .map(|(table, index)| Change::DropIndex { relation: table.id, index });
                (drops.collect(), Completion::with_notices("DROP INDEX", missing))
            }
        };
        if !changes.is_empty() {
            self.change_metastore(&changes, request).await?;
        }
        Ok(completion)
    }

    /// The types of an index's expressions, which are planned for that and never run.
    async fn expression_types(
        self: &Arc<Self>,
        check: Option<BoundQuery>,
        request: &Request,
    ) -> Result<Vec<PgType>> {
        let Some(check) = check else { return Ok(Vec::new()) };
        let (engine, request) = (Arc::clone(self), request.clone());
        let planned = self.cpu.run(async move { engine.plan(check, &request).await?.columns() });
        let outputs = planned.await.map_err(unplaced)?;
        let text = PgType::Scalar(BaseType::Text);
        let types = outputs
            .iter()
            .map(|output| pg_type_of(&output.field).map_or(text, |(pg_type, _)| pg_type));
        Ok(types.collect())
    }
}

/// An error without its position, which is one in a text that nobody sent.
fn unplaced(error: Error) -> Error {
    Error::new(error.kind(), error.message()).explained_as(&error).caused_by(error)
}

const TAG: &str = "CREATE INDEX";

fn notice(name: &str, unique: bool) -> String {
    match unique {
        true => {
            format!("unique index \"{name}\" is recorded, and not enforced; no data is kept for it")
        }
        false => format!("index \"{name}\" is recorded; no data is kept for it"),
    }
}

/// The index with the ids of its columns, under a name as PostgreSQL makes them where none is given.
fn declared(
    snapshot: &Snapshot,
    table: &Relation,
    create: CreateIndex,
    types: Vec<PgType>,
) -> Result<NewIndex> {
    let included = columns(table, &create.included)?;
    let mut types = types.into_iter();
    let mut named: Vec<SecurableId> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut keys = Vec::with_capacity(create.keys.len());
    for IndexPart { value, operator_class, descending, nulls_first } in create.keys {
        let value = match value {
            IndexPartValue::Column(name) => {
                words.push(name.name.clone());
                IndexedValue::Column(column(table, &name)?.id)
            }
            IndexPartValue::Expression(expression) => {
                named.extend(named_columns(table, &expression));
                let wanted = expression.name.unwrap_or_else(|| "expr".to_owned());
                let name = first_free(&wanted, |name| words.iter().all(|word| word != name));
                words.push(name.clone());
                let pg_type = types.next().unwrap_or(PgType::Scalar(BaseType::Text));
                IndexedValue::Expression { sql: expression.text, name, type_oid: pg_type.oid().0 }
            }
        };
        keys.push(IndexKey { value, operator_class, descending, nulls_first });
    }
    words.extend(create.included.into_iter().map(|column| column.name));
    named.extend(create.predicate.iter().flat_map(|predicate| named_columns(table, predicate)));
    named.sort_unstable();
    named.dedup();
    let name = create.name.unwrap_or_else(|| {
        let wanted = made_name(&table.name, &words.join("_"));
        first_free(&wanted, |name| !snapshot.is_relation_name_taken(table.schema, name))
    });
    let definition = IndexDefinition {
        method: create.method,
        unique: create.unique,
        nulls_not_distinct: create.nulls_not_distinct,
        keys,
        included,
        predicate: create.predicate.map(|predicate| predicate.text),
        named,
    };
    Ok(NewIndex { id: SecurableId::generate(), name, definition })
}

fn columns(table: &Relation, names: &[ColumnName]) -> Result<Vec<SecurableId>> {
    names.iter().map(|name| column(table, name).map(|column| column.id)).collect()
}

fn column<'a>(table: &'a Relation, name: &ColumnName) -> Result<&'a Column> {
    let found = table.columns.iter().find(|column| *column.field.name() == name.name);
    found.ok_or_else(|| {
        let message = format!("column \"{}\" does not exist", name.name);
        Error::new(ErrorKind::UndefinedColumn, message).at_if(name.position)
    })
}

/// The table's columns that an expression names.
fn named_columns(table: &Relation, expression: &IndexExpression) -> Vec<SecurableId> {
    let is_named = |column: &&Column| expression.columns.contains(column.field.name());
    table.columns.iter().filter(is_named).map(|column| column.id).collect()
}

/// `table_columns_idx`, short enough to be a name.
fn made_name(table: &str, columns: &str) -> String {
    let room = NAME_MAX - "__idx".len();
    let (mut table, mut columns) = (table.to_owned(), columns.to_owned());
    while table.len() + columns.len() > room {
        let longer = if table.len() > columns.len() { &mut table } else { &mut columns };
        longer.pop();
    }
    format!("{table}_{columns}_idx")
}

/// Refuses a new name for a column that the text of an index names.
pub(super) fn check_renamed(table: &Relation, column: &ColumnName) -> Result<()> {
    let found = table.columns.iter().find(|known| *known.field.name() == column.name);
    let Some(found) = found else { return Ok(()) };
    let mut indexes = table.indexes.iter();
    match indexes.find(|index| index.definition.named.contains(&found.id)) {
        None => Ok(()),
        Some(index) => {
            let what = "renaming a column that an expression of an index names";
            Err(Error::unsupported(what)
                .at_if(column.position)
                .with_hint(format!("Drop index \"{}\", and make it again after.", index.name)))
        }
    }
}
