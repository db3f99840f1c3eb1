//! Columns of a Delta table as the metastore keeps them: made from a version's schema, and followed when
//! somebody else changes it. It changes no table.

use crate::base::{Result, SecurableId};
use crate::catalog::column_type::canonical;
use crate::catalog::{Change, Check, Column, ColumnSource, Relation, Snapshot};
use crate::delta::TableVersion;
use crate::delta::change::Identity;
use datafusion::arrow::datatypes::Schema;

use super::Engine;

impl Engine {
    /// Writes a table's columns to the metastore when they are not those that it has.
    pub(super) async fn follow_columns(
        &self,
        relation: &Relation,
        version: &TableVersion,
    ) -> Result<()> {
        if is_same(relation, version)? {
            return Ok(());
        }
        // The statement's snapshot may be older than what another statement has written since.
        let newest = self.metastore.snapshot();
        if let Some(change) = self.columns_change(relation, version, &newest)? {
            self.metastore.apply(&[change]).await?;
        }
        Ok(())
    }

    /// The change of a snapshot's columns to those of a version.
    pub(super) fn columns_change(
        &self,
        relation: &Relation,
        version: &TableVersion,
        snapshot: &Snapshot,
    ) -> Result<Option<Change>> {
        let Some(known) = snapshot.relation_by_id(relation.id) else { return Ok(None) };
        if is_same(known, version)? {
            return Ok(None);
        }
        let columns = table_columns(version, &known.columns);
        let partition_columns = version.partition_columns().to_vec();
        let checks = checks_of(version);
        Ok(Some(Change::SetColumns { id: relation.id, columns, partition_columns, checks }))
    }
}

/// Whether the metastore knows the columns and checks that the version has.
fn is_same(known: &Relation, version: &TableVersion) -> Result<bool> {
    let schema = version.schema();
    if known.columns.len() != schema.fields().len() {
        return Ok(false);
    }
    for (column, field) in known.columns.iter().zip(schema.fields()) {
        if column.field != canonical(field)? || column.source != source_of(version, field.name()) {
            return Ok(false);
        }
    }
    let checks = version.checks();
    Ok(known.checks().count() == checks.len()
        && checks.iter().all(|(name, sql)| known.checks().any(|check| check == (name, sql))))
}

/// The checks of a version.
pub(super) fn checks_of(version: &TableVersion) -> Vec<Check> {
    let checks = version.checks().into_iter();
    checks.map(|(name, expression)| Check { name, expression }).collect()
}

/// Where the values of a column come from that a statement does not give.
fn source_of(version: &TableVersion, column: &str) -> Option<ColumnSource> {
    if let Some(identity) = version.identity_of(column) {
        let Identity { start, step, takes_values, .. } = identity;
        return Some(ColumnSource::Identity { start, step, by_default: takes_values });
    }
    let generated = version.generation_of(column).map(ColumnSource::Generated);
    generated.or_else(|| version.default_of(column).map(ColumnSource::Default))
}

/// The columns of a version, as [`columns_of`] its schema.
pub(super) fn table_columns(version: &TableVersion, before: &[Column]) -> Vec<Column> {
    let mut columns = columns_of(&version.schema(), before);
    for column in &mut columns {
        column.source = source_of(version, column.field.name());
    }
    columns
}

/// The columns of a schema; one that `before` has by name keeps its id, number and comment, and numbers
/// are never used again.
pub(super) fn columns_of(schema: &Schema, before: &[Column]) -> Vec<Column> {
    let mut last = before.iter().map(|column| column.number).max().unwrap_or(0);
    let columns = schema.fields().iter().map(|field| {
        let known = before.iter().find(|column| column.field.name() == field.name());
        match known {
            Some(column) => Column { field: field.as_ref().clone(), ..column.clone() },
            None => {
                last = last.saturating_add(1);
                Column {
                    id: SecurableId::generate(),
                    number: last,
                    field: field.as_ref().clone(),
                    comment: None,
                    source: None,
                }
            }
        }
    });
    let mut columns: Vec<Column> = columns.collect();
    let mut numbers: Vec<i16> = columns.iter().map(|column| column.number).collect();
    numbers.sort_unstable();
    for (column, number) in columns.iter_mut().zip(numbers) {
        column.number = number;
    }
    columns
}
