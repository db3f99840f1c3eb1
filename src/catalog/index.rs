//! Indexes of tables, which inform only: those that CREATE INDEX declares, and those that PostgreSQL would have for
//! keys. Plain facts, as the metastore keeps them; no data belongs to them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::base::{Deferral, Oid, SecurableId};

use super::constraint::{Constraint, ConstraintKind};
use super::securable::Relation;

/// An index that was declared.
#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    pub id: SecurableId,
    /// `pg_class.oid`
    pub oid: Oid,
    /// Unique among the relations and indexes of the table's schema.
    pub name: String,
    pub definition: IndexDefinition,
    pub comment: Option<String>,
}

/// An index to declare; the metastore gives the OID.
#[derive(Debug, Clone, PartialEq)]
pub struct NewIndex {
    pub id: SecurableId,
    pub name: String,
    pub definition: IndexDefinition,
}

/// What is indexed, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexDefinition {
    /// `btree`, `gin`, …
    pub method: String,
    pub unique: bool,
    #[serde(default)]
    pub nulls_not_distinct: bool,
    pub keys: Vec<IndexKey>,
    /// The columns after INCLUDE.
    #[serde(default)]
    pub included: Vec<SecurableId>,
    /// The condition of a partial index, as SQL.
    #[serde(default)]
    pub predicate: Option<String>,
    /// The columns that expressions and predicate name.
    #[serde(default)]
    pub named: Vec<SecurableId>,
}

/// One part of an index's key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndexKey {
    pub value: IndexedValue,
    #[serde(default)]
    pub operator_class: Option<String>,
    #[serde(default)]
    pub descending: bool,
    #[serde(default)]
    pub nulls_first: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum IndexedValue {
    Column(SecurableId),
    Expression {
        /// Without parentheses around it.
        sql: String,
        /// What `pg_attribute` calls it.
        name: String,
        /// Its type.
        type_oid: u32,
    },
}

/// Any index of a table.
#[derive(Debug, Clone, Copy)]
pub enum TableIndex<'a> {
    /// The index that stands for a primary or unique key, with its OID.
    OfKey(&'a Constraint, Oid),
    Declared(&'a Index),
}

impl IndexDefinition {
    /// Every column that the index needs.
    pub fn columns(&self) -> impl Iterator<Item = SecurableId> {
        let keys = self.keys.iter().filter_map(|key| match key.value {
            IndexedValue::Column(id) => Some(id),
            IndexedValue::Expression { .. } => None,
        });
        keys.chain(self.included.iter().copied()).chain(self.named.iter().copied())
    }
}

impl IndexDefinition {
    /// The columns of a unique index of all rows.
    pub fn key_of_rows(&self) -> Option<Vec<SecurableId>> {
        let columns = self.keys.iter().map(|key| match key.value {
            IndexedValue::Column(id) => Some(id),
            IndexedValue::Expression { .. } => None,
        });
        let columns = columns.collect::<Option<Vec<_>>>()?;
        (self.unique && self.predicate.is_none()).then_some(columns)
    }
}

impl<'a> TableIndex<'a> {
    pub fn oid(self) -> Oid {
        match self {
            TableIndex::OfKey(_, oid) => oid,
            TableIndex::Declared(index) => index.oid,
        }
    }

    pub fn name(self) -> &'a str {
        match self {
            TableIndex::OfKey(key, _) => &key.name,
            TableIndex::Declared(index) => &index.name,
        }
    }

    pub fn is_primary(self) -> bool {
        match self {
            TableIndex::OfKey(key, _) => {
                matches!(key.kind, ConstraintKind::Key { primary: true, .. })
            }
            TableIndex::Declared(_) => false,
        }
    }

    pub fn comment(self) -> Option<&'a str> {
        match self {
            TableIndex::OfKey(..) => None,
            TableIndex::Declared(index) => index.comment.as_deref(),
        }
    }

    /// Whether PostgreSQL would check it at once.
    pub fn is_immediate(self) -> bool {
        match self {
            TableIndex::OfKey(key, _) => key.deferral == Deferral::NotDeferrable,
            TableIndex::Declared(_) => true,
        }
    }

    /// What PostgreSQL's index for a key would be, or what was declared.
    pub fn definition(self) -> Cow<'a, IndexDefinition> {
        match self {
            TableIndex::OfKey(key, _) => Cow::Owned(IndexDefinition {
                method: "btree".to_owned(),
                unique: true,
                nulls_not_distinct: false,
                keys: key.kind.columns().iter().map(|column| IndexKey::of(*column)).collect(),
                included: Vec::new(),
                predicate: None,
                named: Vec::new(),
            }),
            TableIndex::Declared(index) => Cow::Borrowed(&index.definition),
        }
    }
}

impl IndexKey {
    fn of(column: SecurableId) -> Self {
        let value = IndexedValue::Column(column);
        IndexKey { value, operator_class: None, descending: false, nulls_first: false }
    }
}

impl Relation {
    /// The indexes that stand for keys, and those that are declared.
    pub fn all_indexes(&self) -> impl Iterator<Item = TableIndex<'_>> {
        let of_keys = self.constraints.iter().filter_map(|constraint| {
            constraint.index.map(|oid| TableIndex::OfKey(constraint, oid))
        });
        of_keys.chain(self.indexes.iter().map(TableIndex::Declared))
    }

    /// The columns of the key, or of the declared unique index, over these very columns in any order.
    pub fn unique_over(&self, columns: &[SecurableId]) -> Option<Vec<SecurableId>> {
        let is_over = |key: &Vec<SecurableId>| {
            key.len() == columns.len() && key.iter().all(|column| columns.contains(column))
        };
        let key = self.key_over(columns).map(|key| key.kind.columns().to_vec());
        let mut indexes = self.indexes.iter();
        key.or_else(|| indexes.find_map(|index| index.definition.key_of_rows().filter(is_over)))
    }
}
