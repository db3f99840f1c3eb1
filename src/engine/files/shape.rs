//! The columns of foreign files, and where the values of each come from. It reads nothing.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};

/// Where the values of a column come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The column of that name in the file.
    Data,
    /// The name of a folder: its place among the partition columns.
    Partition(usize),
    /// What fits into no other column, as JSON.
    Rescued,
    /// What is known of the file.
    Metadata,
}

/// Every column of a set of files, in order.
#[derive(Debug, Clone)]
pub struct Shape {
    pub columns: Vec<(FieldRef, Source)>,
}

impl Shape {
    /// Columns of these fields: those that names of folders hold, and that of rescued data, by their names.
    pub fn new(
        fields: impl IntoIterator<Item = FieldRef>,
        partition_columns: &[String],
        rescued: Option<&str>,
    ) -> Self {
        let source = |name: &str| match partition_columns
            .iter()
            .position(|column| column.eq_ignore_ascii_case(name))
        {
            Some(place) => Source::Partition(place),
            None if rescued == Some(name) => Source::Rescued,
            None => Source::Data,
        };
        let columns = fields.into_iter().map(|field| {
            // What a file leaves out is NULL, whatever was declared.
            let field = Arc::new(Field::clone(&field).with_nullable(true));
            let source = source(field.name());
            (field, source)
        });
        Shape { columns: columns.collect() }
    }

    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(
            self.columns.iter().map(|(field, _)| Arc::clone(field)).collect::<Vec<_>>(),
        ))
    }

    /// The place of the column with the values that a file has under a name.
    pub fn data_column(&self, name: &str) -> Option<usize> {
        let is_data = |source: &Source| *source == Source::Data;
        let mut columns = self.columns.iter();
        let exact = columns.position(|(field, source)| is_data(source) && field.name() == name);
        exact.or_else(|| {
            let mut columns = self.columns.iter();
            columns.position(|(field, source)| {
                is_data(source) && field.name().eq_ignore_ascii_case(name)
            })
        })
    }

    pub fn has_rescued(&self) -> bool {
        self.columns.iter().any(|(_, source)| *source == Source::Rescued)
    }
}

/// The column with what fits into no other.
pub fn rescued_field(name: &str) -> FieldRef {
    Arc::new(Field::new(name, DataType::Utf8, true))
}
