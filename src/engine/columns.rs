//! Columns of a Delta table as the metastore keeps them: made from a version's schema, and followed when
//! somebody else changes it. It changes no table.

use crate::base::{Result, SecurableId};
use crate::catalog::column_type::canonical;
use crate::catalog::{Change, Column, Relation, Snapshot};
use crate::delta::TableVersion;
use datafusion::arrow::datatypes::Schema;

use super::Engine;

impl Engine {
    /// Writes a table's columns to the metastore when they are not those that it has.
    pub(super) async fn follow_columns(
        &self,
        relation: &Relation,
        version: &TableVersion,
    ) -> Result<()> {
        let schema = version.schema();
        if same_columns(&relation.columns, &schema)? {
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
        let schema = version.schema();
        let Some(known) = snapshot.relation_by_id(relation.id) else { return Ok(None) };
        if same_columns(&known.columns, &schema)? {
            return Ok(None);
        }
        let columns = columns_of(&schema, &known.columns);
        let partition_columns = version.partition_columns().to_vec();
        Ok(Some(Change::SetColumns { id: relation.id, columns, partition_columns }))
    }
}

fn same_columns(known: &[Column], schema: &Schema) -> Result<bool> {
    if known.len() != schema.fields().len() {
        return Ok(false);
    }
    for (column, field) in known.iter().zip(schema.fields()) {
        if column.field != canonical(field)? {
            return Ok(false);
        }
    }
    Ok(true)
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
