//! Informational keys: what a statement declares, against the columns that are there and the names that are
//! taken. Keys are facts of the catalog; nothing here reads or checks a row.

use datafusion::arrow::datatypes::DataType;

use crate::base::datatype::{NO_TYPMOD, pg_type_of};
use crate::base::name::first_free;
use crate::base::{Error, ErrorKind, ReferentialRules, Result, SecurableId};
use crate::bind::bound::BoundKey;
use crate::catalog::{
    Change, Column, Constraint, ConstraintKind, NewConstraint, Relation, Snapshot,
};
use crate::governance::Access;
use crate::sql::statement::{ColumnName, DroppedConstraint, KeyConstraint, KeyKind};

use super::facts::Facts;

/// A table whose keys are declared, as it will be.
pub(super) struct KeyTable<'a> {
    pub snapshot: &'a Snapshot,
    pub id: SecurableId,
    pub schema: SecurableId,
    pub name: &'a str,
    pub columns: &'a [Column],
    /// The constraints that it has, and those that the statement has given it so far.
    pub constraints: Vec<NewConstraint>,
    pub notices: Vec<String>,
}

impl KeyTable<'_> {
    /// Adds the keys, in order.
    pub fn declare(&mut self, keys: Vec<BoundKey>) -> Result<()> {
        // Foreign keys last: they may refer to a key of the same statement.
        let is_foreign = |key: &BoundKey| matches!(key.key.kind, KeyKind::Foreign { .. });
        let (foreign, own): (Vec<_>, Vec<_>) = keys.into_iter().partition(is_foreign);
        own.into_iter().chain(foreign).try_for_each(|key| self.add(key))
    }

    fn add(&mut self, key: BoundKey) -> Result<()> {
        let BoundKey { key, referenced } = key;
        let columns = self.key_columns(&key)?;
        let ids: Vec<SecurableId> = columns.iter().map(|column| column.id).collect();
        let rely = key.rely;
        let (words, suffix, kind) = match &key.kind {
            KeyKind::Primary => {
                let kind = ConstraintKind::Key { primary: true, columns: ids, rely };
                ("primary key", "pkey".to_owned(), kind)
            }
            KeyKind::Unique => {
                let kind = ConstraintKind::Key { primary: false, columns: ids, rely };
                ("unique constraint", format!("{}_key", joined(&key.columns)), kind)
            }
            KeyKind::Foreign { table: _, columns: others, rules } => {
                let others = (others.as_slice(), *rules);
                let kind = self.foreign(&key, &columns, referenced.as_deref(), others)?;
                ("foreign key", format!("{}_fkey", joined(&key.columns)), kind)
            }
        };
        let name = match &key.name {
            Some(name) => name.clone(),
            None => self.free_name(&format!("{}_{suffix}", self.name)),
        };
        if !key.not_enforced {
            let acts = matches!(kind, ConstraintKind::Foreign { rules, .. } if rules.has_actions());
            let beside = if acts { ", and its actions are not carried out" } else { "" };
            self.notices.push(format!("{words} \"{name}\" is not enforced{beside}"));
        }
        let id = SecurableId::generate();
        self.constraints.push(NewConstraint { id, name, kind, deferral: key.deferral });
        Ok(())
    }

    fn key_columns(&self, key: &KeyConstraint) -> Result<Vec<Column>> {
        let mut columns: Vec<Column> = Vec::with_capacity(key.columns.len());
        for named in &key.columns {
            let column = self.columns.iter().find(|column| *column.field.name() == named.name);
            let column = column.ok_or_else(|| {
                let referencing = match key.kind {
                    KeyKind::Foreign { .. } => " referenced in foreign key constraint",
                    KeyKind::Primary | KeyKind::Unique => " named in key",
                };
                let message = format!("column \"{}\"{referencing} does not exist", named.name);
                Error::new(ErrorKind::UndefinedColumn, message).at_if(named.position)
            })?;
            if columns.iter().any(|known| known.id == column.id) {
                let what = match key.kind {
                    KeyKind::Primary => "primary key",
                    KeyKind::Unique => "unique",
                    KeyKind::Foreign { .. } => "foreign key",
                };
                let message =
                    format!("column \"{}\" appears twice in {what} constraint", named.name);
                return Err(Error::new(ErrorKind::DuplicateColumn, message).at_if(named.position));
            }
            columns.push(column.clone());
        }
        Ok(columns)
    }

    /// A foreign key to `referenced`, or to the table itself.
    fn foreign(
        &self,
        key: &KeyConstraint,
        columns: &[Column],
        referenced: Option<&Relation>,
        (others, rules): (&[ColumnName], ReferentialRules),
    ) -> Result<ConstraintKind> {
        if let Some(other) = referenced {
            self.check_same_catalog(other)?;
        }
        let (name, all) = match referenced {
            Some(other) => (other.name.as_str(), &*other.columns),
            None => (self.name, self.columns),
        };
        let referenced_columns: Vec<&Column> = if others.is_empty() {
            let primary = match referenced {
                Some(other) => other.primary_key().map(|key| key.kind.columns().to_vec()),
                None => self.own_primary_key(),
            };
            let primary = primary.ok_or_else(|| {
                let what = format!("there is no primary key for referenced table \"{name}\"");
                Error::new(ErrorKind::UndefinedObject, what)
            })?;
            let found = primary.iter().map(|id| all.iter().find(|column| column.id == *id));
            found.flatten().collect()
        } else {
            let found = others.iter().map(|named| {
                all.iter().find(|column| *column.field.name() == named.name).ok_or_else(|| {
                    let message = format!(
                        "column \"{}\" referenced in foreign key constraint does not exist",
                        named.name
                    );
                    Error::new(ErrorKind::UndefinedColumn, message).at_if(named.position)
                })
            });
            found.collect::<Result<_>>()?
        };
        if referenced_columns.len() != columns.len() {
            let message = "number of referencing and referenced columns for foreign key disagree";
            return Err(Error::new(ErrorKind::InvalidForeignKey, message));
        }
        for (column, other) in columns.iter().zip(&referenced_columns) {
            self.check_comparable(key, column, other)?;
        }
        let ids: Vec<SecurableId> = referenced_columns.iter().map(|column| column.id).collect();
        let is_key = match referenced {
            Some(other) => other.key_over(&ids).is_some(),
            None => self.is_own_key(&ids),
        };
        if !is_key {
            let message = format!(
                "there is no unique constraint matching given keys for referenced table \"{name}\""
            );
            return Err(Error::new(ErrorKind::InvalidForeignKey, message));
        }
        Ok(ConstraintKind::Foreign {
            columns: columns.iter().map(|column| column.id).collect(),
            relation: referenced.map_or(self.id, |other| other.id),
            referenced: ids,
            rely: key.rely,
            rules,
        })
    }

    fn check_same_catalog(&self, other: &Relation) -> Result<()> {
        let catalog = |schema| self.snapshot.schema_by_id(schema).map(|schema| schema.catalog);
        if catalog(other.schema) != catalog(self.schema) {
            return Err(Error::unsupported("a foreign key to a table of another catalog"));
        }
        Ok(())
    }

    fn own_primary_key(&self) -> Option<Vec<SecurableId>> {
        self.constraints.iter().find_map(|known| match &known.kind {
            ConstraintKind::Key { primary: true, columns, .. } => Some(columns.clone()),
            _ => None,
        })
    }

    fn is_own_key(&self, ids: &[SecurableId]) -> bool {
        self.constraints.iter().any(|known| match &known.kind {
            ConstraintKind::Key { columns, .. } => {
                columns.len() == ids.len() && columns.iter().all(|column| ids.contains(column))
            }
            ConstraintKind::Check { .. } | ConstraintKind::Foreign { .. } => false,
        })
    }

    /// 42804 for columns whose values could never be equal.
    fn check_comparable(&self, key: &KeyConstraint, column: &Column, other: &Column) -> Result<()> {
        let (left, right) = (column.field.data_type(), other.field.data_type());
        if is_comparable(left, right) {
            return Ok(());
        }
        let type_name = |column: &Column| {
            let found = pg_type_of(&column.field);
            found.map(|(pg_type, _)| pg_type.sql_name(NO_TYPMOD).to_string()).unwrap_or_default()
        };
        let suffix = format!("{}_fkey", joined(&key.columns));
        let name = key.name.clone().unwrap_or_else(|| format!("{}_{suffix}", self.name));
        let message = format!("foreign key constraint \"{name}\" cannot be implemented");
        Err(Error::new(ErrorKind::DatatypeMismatch, message).with_detail(format!(
            "Key columns \"{}\" and \"{}\" are of incompatible types: {} and {}.",
            column.field.name(),
            other.field.name(),
            type_name(column),
            type_name(other),
        )))
    }

    /// A name as PostgreSQL makes them, with a number where it is taken.
    fn free_name(&self, wanted: &str) -> String {
        first_free(wanted, |name| {
            !self.snapshot.is_relation_name_taken(self.schema, name)
                && self.constraints.iter().all(|known| known.name != name)
        })
    }
}

fn is_comparable(left: &DataType, right: &DataType) -> bool {
    let time = |data_type: &DataType| {
        matches!(data_type, DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64)
    };
    left == right
        || left.is_numeric() && right.is_numeric()
        || left.is_string() && right.is_string()
        || time(left) && time(right)
}

fn joined(columns: &[ColumnName]) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    names.join("_")
}

/// The constraints of a table as if they were new, with the ids that they have.
pub(super) fn as_new(constraints: &[Constraint]) -> Vec<NewConstraint> {
    let new = constraints.iter().map(|constraint| NewConstraint {
        id: constraint.id,
        name: constraint.name.clone(),
        kind: constraint.kind.clone(),
        deferral: constraint.deferral,
    });
    new.collect()
}

/// The keys of a table that a DROP CONSTRAINT means; none where it can only mean a check.
pub(super) fn dropped<'a>(table: &'a Relation, dropped: &DroppedConstraint) -> Vec<&'a Constraint> {
    let id_of = |name: &ColumnName| {
        let column = table.columns.iter().find(|column| *column.field.name() == name.name);
        column.map(|column| column.id)
    };
    let keys = table.constraints.iter().filter(|constraint| match (&constraint.kind, dropped) {
        (ConstraintKind::Check { .. }, _) => false,
        (_, DroppedConstraint::Named(name)) => constraint.name == *name,
        (ConstraintKind::Key { primary, .. }, DroppedConstraint::PrimaryKey) => *primary,
        (ConstraintKind::Foreign { columns, .. }, DroppedConstraint::ForeignKey(names)) => {
            let ids: Vec<Option<SecurableId>> = names.iter().map(id_of).collect();
            ids.len() == columns.len() && columns.iter().all(|column| ids.contains(&Some(*column)))
        }
        (ConstraintKind::Key { .. }, DroppedConstraint::ForeignKey(_))
        | (ConstraintKind::Foreign { .. }, DroppedConstraint::PrimaryKey) => false,
    });
    keys.collect()
}

/// The drops of keys; 2BP01 while foreign keys of other tables refer to them, unless CASCADE is said.
pub(super) fn drops(
    table: &Relation,
    keys: &[&Constraint],
    cascade: bool,
    facts: &Facts,
    snapshot: &Snapshot,
) -> Result<Vec<Change>> {
    for key in keys {
        if cascade || key.index.is_none() {
            continue;
        }
        let refers = |constraint: &Constraint| match &constraint.kind {
            ConstraintKind::Foreign { relation, referenced, .. } => {
                *relation == table.id
                    && table.key_over(referenced).is_some_and(|found| found.id == key.id)
            }
            ConstraintKind::Check { .. } | ConstraintKind::Key { .. } => false,
        };
        let what = format!("constraint {} on table {}", key.name, table.name);
        let needed = format!("index {}", key.name);
        let seen = (facts, snapshot);
        check_unreferenced(table, &[table.id], (&what, &needed), refers, seen)?;
    }
    let drops =
        keys.iter().map(|key| Change::DropConstraint { relation: table.id, constraint: key.id });
    Ok(drops.collect())
}

/// 2BP01 for columns that foreign keys of other tables refer to.
pub(super) fn check_columns_unreferenced(
    table: &Relation,
    columns: &[ColumnName],
    facts: &Facts,
    snapshot: &Snapshot,
) -> Result<()> {
    for name in columns {
        let column = table.columns.iter().find(|column| *column.field.name() == name.name);
        let Some(column) = column else { continue };
        let refers = |constraint: &Constraint| match &constraint.kind {
            ConstraintKind::Foreign { relation, referenced, .. } => {
                *relation == table.id && referenced.contains(&column.id)
            }
            ConstraintKind::Check { .. } | ConstraintKind::Key { .. } => false,
        };
        let what = format!("column {} of table {}", name.name, table.name);
        let seen = (facts, snapshot);
        check_unreferenced(table, &[table.id], (&what, &what), refers, seen)?;
    }
    Ok(())
}

/// 2BP01 for a table that foreign keys of others, which are not `going` with it, refer to.
pub(super) fn check_table_unreferenced(
    table: &Relation,
    going: &[SecurableId],
    facts: &Facts,
    snapshot: &Snapshot,
) -> Result<()> {
    let refers = |constraint: &Constraint| constraint.kind.referenced() == Some(table.id);
    let what = format!("table {}", table.name);
    let seen = (facts, snapshot);
    check_unreferenced(table, going, (&what, &what), refers, seen)
}

/// 2BP01 while a table that is not `going` too refers to what is dropped; the detail names it as far as the user
/// may know of it.
fn check_unreferenced(
    table: &Relation,
    going: &[SecurableId],
    (what, needed): (&str, &str),
    refers: impl Fn(&Constraint) -> bool,
    (facts, snapshot): (&Facts, &Snapshot),
) -> Result<()> {
    let referring = snapshot.referring_to(table.id).filter(|found| !going.contains(&found.id));
    let holding = referring.filter_map(|relation| {
        let constraint = relation.constraints.iter().find(|constraint| refers(constraint))?;
        Some((relation, constraint))
    });
    let holding: Vec<_> = holding.collect();
    if holding.is_empty() {
        return Ok(());
    }
    let message = format!("cannot drop {what} because other objects depend on it");
    let mut error = Error::new(ErrorKind::DependentObjectsStillExist, message);
    let known = facts.principal.map(|principal| Access::new(snapshot, principal));
    let named = holding
        .iter()
        .find(|(relation, _)| known.as_ref().is_some_and(|access| access.may_know(relation.id)));
    if let Some((relation, constraint)) = named {
        let (name, other) = (&constraint.name, &relation.name);
        error =
            error.with_detail(format!("constraint {name} on table {other} depends on {needed}"));
    }
    Err(error.with_hint("Use DROP ... CASCADE to drop the dependent objects too."))
}
