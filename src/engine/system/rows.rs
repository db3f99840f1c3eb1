//! Rows of a system relation on their way into record batches. It keeps only the columns that are asked
//! for and knows nothing of what they hold.

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{Result, internal_err};

use super::cell::{Cell, Column};

/// Rows in one batch, DataFusion's own default.
const BATCH_ROWS: usize = 8192;

/// Collects rows, projected.
pub struct Rows {
    /// Of the projected columns.
    schema: SchemaRef,
    /// Which column of the relation each projected column is.
    projection: Vec<usize>,
    columns: Vec<Column>,
    pending: usize,
    batches: Vec<RecordBatch>,
}

impl Rows {
    pub fn new(schema: SchemaRef, projection: Vec<usize>) -> Self {
        let columns = schema.fields().iter().map(|field| Column::new(field.data_type())).collect();
        Rows { schema, projection, columns, pending: 0, batches: Vec::new() }
    }

    /// The columns that are asked for.
    pub fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    /// Appends a row with a cell for every column of the relation.
    pub fn push(&mut self, row: &[Cell<'_>]) -> Result<()> {
        for (column, &index) in self.columns.iter_mut().zip(&self.projection) {
            match row.get(index) {
                Some(cell) => column.push(cell)?,
                None => return internal_err!("a system row has no cell {index}"),
            }
        }
        self.pending += 1;
        if self.pending == BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    /// All rows.
    pub fn finish(mut self) -> Result<Vec<RecordBatch>> {
        if self.pending > 0 {
            self.flush()?;
        }
        Ok(self.batches)
    }

    fn flush(&mut self) -> Result<()> {
        let arrays = self.columns.iter_mut().map(Column::finish).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.pending));
        let schema = SchemaRef::clone(&self.schema);
        self.batches.push(RecordBatch::try_new_with_options(schema, arrays, &options)?);
        self.pending = 0;
        Ok(())
    }
}
