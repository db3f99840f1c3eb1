//! Which row groups of a foreign Parquet file a query need not read. It keeps every one that may have a row for
//! the query, and looks at columns alone that the file has as they are read.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use datafusion::parquet::file::metadata::ParquetMetaData;
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};

use super::shape::{Shape, Source};

/// What a query asks of the columns of files.
#[derive(Debug)]
pub struct Skipping {
    predicate: PruningPredicate,
}

impl Skipping {
    /// What the filters, all of which must hold, say of smallest and greatest values; `None` for nothing.
    pub fn of(filters: &[Expr], schema: &SchemaRef, state: &dyn Session) -> Option<Self> {
        let filter = conjunction(filters.iter().cloned())?;
        let columns = DFSchema::try_from(Arc::clone(schema)).ok()?;
        let filter = state.create_physical_expr(filter, &columns).ok()?;
        let builder = PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema));
        let predicate = builder.try_build(filter).ok()?;
        (!predicate.always_true()).then_some(Skipping { predicate })
    }

    /// The row groups that may have such rows; `None` for all of them.
    pub fn row_groups(
        &self,
        footer: &ParquetMetaData,
        schema: &Schema,
        shape: &Shape,
    ) -> Option<Vec<usize>> {
        let kept = self.predicate.prune(&RowGroups { footer, schema, shape }).ok()?;
        let kept = kept.into_iter().enumerate().filter(|(_, kept)| *kept);
        Some(kept.map(|(group, _)| group).collect())
    }
}

/// The statistics of a file's row groups, under the names of the columns that are read.
struct RowGroups<'a> {
    footer: &'a ParquetMetaData,
    schema: &'a Schema,
    shape: &'a Shape,
}

impl RowGroups<'_> {
    /// The statistics of a column, and the type that it is read as.
    fn column(&self, column: &Column) -> Option<(StatisticsConverter<'_>, &DataType)> {
        let mut columns = self.shape.columns.iter();
        let at = columns
            .position(|(field, source)| *source == Source::Data && *field.name() == column.name)?;
        let (read, _) = self.shape.columns.get(at)?;
        let fields = self.schema.fields().iter();
        let mut there = fields.filter(|field| self.shape.data_column(field.name()) == Some(at));
        let (Some(field), None) = (there.next(), there.next()) else { return None };
        let is_text = |data_type: &DataType| {
            matches!(data_type, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
        };
        let (there, read) = (field.data_type(), read.data_type());
        let is_same = there == read || is_text(there) && is_text(read);
        // Bounds of floating point numbers say nothing of NaN.
        if !is_same || there.is_floating() || there.is_nested() {
            return None;
        }
        let parquet = self.footer.file_metadata().schema_descr();
        let statistics = StatisticsConverter::try_new(field.name(), self.schema, parquet).ok()?;
        Some((statistics, read))
    }
}

impl PruningStatistics for RowGroups<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        let (statistics, read) = self.column(column)?;
        let bounds = statistics.row_group_mins(self.footer.row_groups()).ok()?;
        cast(&bounds, read).ok()
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        let (statistics, read) = self.column(column)?;
        let bounds = statistics.row_group_maxes(self.footer.row_groups()).ok()?;
        cast(&bounds, read).ok()
    }

    fn num_containers(&self) -> usize {
        self.footer.num_row_groups()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let (statistics, _) = self.column(column)?;
        let counts = statistics.row_group_null_counts(self.footer.row_groups()).ok()?;
        Some(Arc::new(counts))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        let rows =
            self.footer.row_groups().iter().map(|group| u64::try_from(group.num_rows()).ok());
        Some(Arc::new(rows.collect::<UInt64Array>()))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Float64Array, Int32Array, RecordBatch};
    use datafusion::arrow::datatypes::Field;
    use datafusion::execution::SessionStateBuilder;
    use datafusion::logical_expr::{ident, lit};
    use datafusion::parquet::arrow::ArrowWriter;
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use datafusion::parquet::file::properties::WriterProperties;

    #[test]
    fn row_groups_without_such_rows_are_skipped() {
        let fields = ["a", "f"].map(|name| match name {
            "a" => Field::new(name, DataType::Int32, true),
            name => Field::new(name, DataType::Float64, true),
        });
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let numbers: Vec<i32> = (0..30).collect();
        let floats = numbers.iter().map(|n| if *n == 5 { f64::NAN } else { f64::from(*n) });
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int32Array::from(numbers.clone())),
            Arc::new(Float64Array::from(floats.collect::<Vec<_>>())),
        ];
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(10)).build();
        let mut bytes = Vec::new();
        let mut writer =
            ArrowWriter::try_new(&mut bytes, Arc::clone(&schema), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let file = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
        let state = SessionStateBuilder::new_with_default_features().build();
        let groups = |filter: Expr, declared: &SchemaRef| {
            let shape = Shape::new(declared.fields().iter().map(Arc::clone), &[], None);
            let skipping = Skipping::of(&[filter], declared, &state)?;
            skipping.row_groups(file.metadata(), file.schema(), &shape)
        };
        assert_eq!(groups(ident("a").gt(lit(14)), &schema), Some(vec![1, 2]));
        assert_eq!(groups(ident("a").gt(lit(100)), &schema), Some(vec![]));
        let keeps_all = groups(ident("f").gt(lit(100.0)), &schema);
        assert!(keeps_all.is_none_or(|kept| kept == [0, 1, 2]), "NaN is greater than all");
        // What would be converted is not compared.
        let as_text = Arc::new(Schema::new(vec![Field::new("a", DataType::Utf8, true)]));
        let kept = groups(ident("a").gt(lit("5")), &as_text);
        assert!(kept.is_none_or(|kept| kept == [0, 1, 2]));
    }
}
