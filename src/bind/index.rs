//! CREATE, ALTER and DROP INDEX: which table an index is of, and which index a name means.

use std::sync::Arc;

use crate::base::name::{ObjectName, quote_identifier};
use crate::base::{Error, ErrorKind, Result, SecurableId};
use crate::catalog::{Relation, TableIndex};
use crate::sql::TEMPORARY_SCHEMA;
use crate::sql::index::{CreateIndex, DropIndex, IndexPartValue, RenameIndex};
use crate::sql::parse;
use crate::sql::statement::Statement;

use super::bound::{BoundQuery, BoundStatement};
use super::scope::{Found, Scope};

/// A statement about indexes, with the tables that they belong to.
#[derive(Debug, Clone)]
pub enum BoundIndex {
    Create {
        table: Arc<Relation>,
        create: Box<CreateIndex>,
        /// Selects the expressions of the index, in order, where its predicate holds: only to be planned. `None`
        /// for an index of columns.
        check: Option<BoundQuery>,
    },
    Rename {
        table: Arc<Relation>,
        /// Of the index, or of the key that it stands for.
        index: SecurableId,
        to: String,
    },
    Drop {
        indexes: Vec<(Arc<Relation>, SecurableId)>,
        /// What IF EXISTS says of those that are not there.
        missing: Vec<String>,
    },
}

impl Scope<'_> {
    pub(super) fn create_index(&self, create: Box<CreateIndex>) -> Result<BoundStatement> {
        let table = self.relation(&create.table)?;
        if table.as_table().is_none() {
            let message = format!("cannot create index on relation \"{}\"", table.name);
            return Err(Error::new(ErrorKind::WrongObjectType, message)
                .with_detail("This operation is not supported for views.")
                .at_if(create.table.position()));
        }
        let check = self.index_check(&create)?;
        Ok(BoundStatement::Index(Box::new(BoundIndex::Create { table, create, check })))
    }

    /// The query that tells whether the expressions of an index mean something.
    fn index_check(&self, create: &CreateIndex) -> Result<Option<BoundQuery>> {
        let values = create.keys.iter().filter_map(|key| match &key.value {
            IndexPartValue::Expression(expression) => Some(expression.text.as_str()),
            IndexPartValue::Column(_) => None,
        });
        let mut values: Vec<&str> = values.collect();
        let condition = create.predicate.as_ref();
        let condition = condition.map(|predicate| format!(" WHERE {}", predicate.text));
        if values.is_empty() && condition.is_none() {
            return Ok(None);
        }
        // A query selects something.
        values.push("NULL");
        let parts =
            [&create.table.catalog, &create.table.schema, &Some(create.table.object.clone())];
        let parts = parts.into_iter().flatten().map(|part| quote_identifier(part).to_string());
        let table = parts.collect::<Vec<_>>().join(".");
        let text =
            format!("SELECT {} FROM {table}{}", values.join(", "), condition.unwrap_or_default());
        let mut statements = parse(&text, &self.parse_limits)?;
        match statements.pop().map(|parsed| parsed.statement) {
            Some(Statement::Query(query)) => self.query(query).map(Some),
            _ => Err(Error::internal("the expressions of an index are no query")),
        }
    }

    pub(super) fn rename_index(&self, rename: RenameIndex) -> Result<BoundStatement> {
        let RenameIndex { name, if_exists, to } = rename;
        let Some((table, index)) = self.find_index(&name)? else {
            if !if_exists {
                return Err(self.not_an_index(&name, ErrorKind::UndefinedTable, "relation"));
            }
            let notice = format!("relation \"{name}\" does not exist, skipping");
            return Ok(BoundStatement::Nothing { tag: "ALTER INDEX", notice: Some(notice) });
        };
        let index = match index {
            TableIndex::OfKey(key, _) => key.id,
            TableIndex::Declared(index) => index.id,
        };
        let table = Arc::clone(table);
        Ok(BoundStatement::Index(Box::new(BoundIndex::Rename { table, index, to })))
    }

    pub(super) fn drop_index(&self, drop: DropIndex) -> Result<BoundStatement> {
        let mut indexes: Vec<(Arc<Relation>, SecurableId)> = Vec::with_capacity(drop.names.len());
        let mut missing = Vec::new();
        for name in &drop.names {
            match self.find_index(name)? {
                Some((table, TableIndex::Declared(index))) => {
                    if indexes.iter().all(|(_, known)| *known != index.id) {
                        indexes.push((Arc::clone(table), index.id));
                    }
                }
                Some((table, TableIndex::OfKey(key, _))) => {
                    let (key, table) = (&key.name, &table.name);
                    let message = format!(
                        "cannot drop index {key} because constraint {key} on table {table} \
                         requires it"
                    );
                    let hint = format!("You can drop constraint {key} on table {table} instead.");
                    return Err(
                        Error::new(ErrorKind::DependentObjectsStillExist, message).with_hint(hint)
                    );
                }
                None => {
                    let error = self.not_an_index(name, ErrorKind::UndefinedObject, "index");
                    if !drop.if_exists || error.kind() == ErrorKind::WrongObjectType {
                        return Err(error);
                    }
                    missing.push(format!("{}, skipping", error.message()));
                }
            }
        }
        Ok(BoundStatement::Index(Box::new(BoundIndex::Drop { indexes, missing })))
    }

    /// The declared index of this name, with its table.
    pub(super) fn declared_index(&self, name: &ObjectName) -> Result<(Arc<Relation>, SecurableId)> {
        match self.find_index(name)? {
            Some((table, TableIndex::Declared(index))) => Ok((Arc::clone(table), index.id)),
            Some((_, TableIndex::OfKey(..))) => {
                Err(Error::unsupported("COMMENT ON the index of a key")
                    .with_hint("Use COMMENT ON CONSTRAINT."))
            }
            None => Err(self.not_an_index(name, ErrorKind::UndefinedTable, "relation")),
        }
    }

    /// The index that a name means, with its table.
    fn find_index(&self, name: &ObjectName) -> Result<Option<(&Arc<Relation>, TableIndex<'_>)>> {
        let schemas: Vec<&str> = match &name.schema {
            Some(schema) => vec![schema],
            None => {
                let path = self.search_path.iter().map(String::as_str);
                std::iter::once(TEMPORARY_SCHEMA).chain(path).collect()
            }
        };
        let schemas =
            schemas.iter().filter_map(|schema| self.schema(name.catalog.as_deref(), schema).ok());
        for schema in schemas {
            let found = self.snapshot.index(schema.id, &name.object);
            if let Some(found) = found.filter(|(table, _)| self.sees(table.id)) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// What is wrong with a name that means no index.
    fn not_an_index(&self, name: &ObjectName, absent: ErrorKind, what: &str) -> Error {
        match self.find(name) {
            Ok(Some(Found::Relation(relation))) => {
                let kind = relation.kind_name();
                let hint = format!("Use DROP {} to remove a {kind}.", kind.to_ascii_uppercase());
                let message = format!("\"{}\" is not an index", name.object);
                let error = Error::new(ErrorKind::WrongObjectType, message);
                if what == "index" { error.with_hint(hint) } else { error }
            }
            Ok(_) => Error::new(absent, format!("{what} \"{name}\" does not exist")),
            Err(error) => error,
        }
    }
}
