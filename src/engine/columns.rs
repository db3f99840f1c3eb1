//! Columns of a Delta table as the metastore keeps them: made from a version's schema, and followed when
//! somebody else changes it. It changes no table.

use crate::base::{Result, SecurableId};
use crate::catalog::{Change, Column, Relation};
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
        let same = relation.columns.len() == version.schema().fields().len()
            && relation
                .columns
                .iter()
                .zip(version.schema().fields())
                .all(|(known, field)| known.field == **field);
        let newest = self.metastore.snapshot();
        if same || newest.relation_by_id(relation.id).is_none() {
            return Ok(());
        }
        let columns = columns_of(version.schema().as_ref(), &relation.columns);
        if newest.relation_by_id(relation.id).is_some_and(|r| *r.columns == *columns) {
            return Ok(());
        }
        let partition_columns = version.partition_columns().to_vec();
        let change = Change::SetColumns { id: relation.id, columns, partition_columns };
        self.metastore.apply(&[change]).await?;
        Ok(())
    }
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
    columns.collect()
}
