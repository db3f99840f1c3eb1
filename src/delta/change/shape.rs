//! What a table's data looks like, logically and in its files. It reads no data.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayData, ArrayRef, make_array};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;
use deltalake::kernel::{
    ColumnMetadataKey, DataType as DeltaType, MetadataValue, StructField, StructType,
};

use super::error::of_arrow;
use super::identity::Identity;
use crate::base::{Error, ErrorKind, Result};
use crate::delta::carried::{interval_texts, value_field};

/// The property that turns column mapping on.
pub const COLUMN_MAPPING_MODE: &str = "delta.columnMapping.mode";

/// The property with the highest id that a column ever had, in tables that map columns.
pub const COLUMN_MAPPING_MAX_ID: &str = "delta.columnMapping.maxColumnId";

/// Arrow's field metadata from which the Parquet writer takes field ids.
const PARQUET_FIELD_ID: &str = "PARQUET:field_id";

/// The columns, partitioning and properties of a table.
#[derive(Debug, Clone)]
pub struct Shape {
    pub schema: Arc<StructType>,
    pub partition_columns: Vec<String>,
    pub properties: HashMap<String, String>,
    /// The columns as changes compute them, under their logical names. Everything is nullable here: the
    /// table's rules decide about NULLs, with a better message than Arrow has.
    pub columns: SchemaRef,
    /// The columns as data files hold them, with the partition columns, which files leave out.
    pub files: SchemaRef,
}

impl Shape {
    pub fn try_new(
        schema: Arc<StructType>,
        partition_columns: Vec<String>,
        properties: HashMap<String, String>,
    ) -> Result<Self> {
        let arrow: Schema = schema.as_ref().try_into_arrow().map_err(of_arrow)?;
        let mapped = is_mapped(&properties);
        let columns = arrow.fields().iter().map(|field| relaxed_field(&value_field(field)));
        let columns = columns.collect::<Vec<_>>();
        let files = arrow.fields().iter().zip(schema.fields());
        let files = files.map(|(field, delta)| file_field(field, delta, mapped));
        let files = Arc::new(Schema::new(files.collect::<Vec<_>>()));
        let columns = Arc::new(Schema::new(columns));
        Ok(Shape { schema, partition_columns, properties, columns, files })
    }

    /// Whether data files call columns otherwise than the table does.
    pub fn is_mapped(&self) -> bool {
        is_mapped(&self.properties)
    }

    /// The name that data files have for a column.
    pub fn file_name<'a>(&'a self, column: &'a str) -> &'a str {
        let position = self.columns.index_of(column).ok();
        position.and_then(|at| self.files.fields().get(at)).map_or(column, |field| field.name())
    }

    /// The partition columns as data files and the log call them.
    pub fn file_partition_columns(&self) -> Vec<String> {
        self.partition_columns.iter().map(|name| self.file_name(name).to_owned()).collect()
    }

    /// Generated columns with the SQL that makes their values.
    pub fn generated(&self) -> impl Iterator<Item = (&str, &str)> {
        self.schema.fields().filter_map(|field| {
            match field.metadata.get(ColumnMetadataKey::GenerationExpression.as_ref()) {
                Some(MetadataValue::String(sql)) => Some((field.name.as_str(), sql.as_str())),
                _ => None,
            }
        })
    }

    /// The columns whose rows the table numbers.
    pub fn identities(&self) -> impl Iterator<Item = Identity> {
        self.schema.fields().filter_map(Identity::of)
    }

    /// The SQL of a column's default.
    pub fn default_of(&self, column: &str) -> Option<&str> {
        let field = self.schema.field(column)?;
        match field.metadata.get(ColumnMetadataKey::CurrentDefault.as_ref()) {
            Some(MetadataValue::String(sql)) => Some(sql),
            _ => None,
        }
    }

    /// Whether changes of rows are to be recorded as such (Delta protocol, "Change Data Files").
    pub fn records_changes(&self) -> bool {
        self.is_true("delta.enableChangeDataFeed")
    }

    /// Whether deletion vectors may say which rows of a file are deleted.
    pub fn marks_deleted(&self) -> bool {
        self.is_true("delta.enableDeletionVectors")
    }

    /// Whether rows may only be added.
    pub fn is_append_only(&self) -> bool {
        self.is_true("delta.appendOnly")
    }

    fn is_true(&self, property: &str) -> bool {
        self.properties.get(property).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A batch of `columns` as data files hold it.
    pub fn file_batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        retyped_batch(batch, &self.files)
    }

    /// The columns `first..` of a batch that a plan computed, exactly as `columns` declares them.
    pub fn computed_batch(&self, batch: &RecordBatch, first: usize) -> Result<RecordBatch> {
        let positions: Vec<usize> = (first..first + self.columns.fields().len()).collect();
        let batch = batch.project(&positions).map_err(of_arrow)?;
        retyped_batch(&batch, &self.columns)
    }
}

fn is_mapped(properties: &HashMap<String, String>) -> bool {
    properties.get(COLUMN_MAPPING_MODE).is_some_and(|mode| mode != "none")
}

/// The field, nullable all the way down, without metadata.
fn relaxed_field(field: &Field) -> FieldRef {
    Arc::new(Field::new(field.name(), relaxed_type(field.data_type()), true))
}

fn relaxed_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| relaxed_field(field)).collect())
        }
        DataType::List(element) => DataType::List(relaxed_field(element)),
        // Arrow itself wants keys and entries of maps never to be NULL.
        DataType::Map(entries, sorted) => {
            let relaxed = match entries.data_type() {
                DataType::Struct(fields) => {
                    let relaxed = fields.iter().enumerate().map(|(position, field)| {
                        let data_type = relaxed_type(field.data_type());
                        Arc::new(Field::new(field.name(), data_type, position > 0))
                    });
                    DataType::Struct(relaxed.collect())
                }
                other => other.clone(),
            };
            DataType::Map(Arc::new(Field::new(entries.name(), relaxed, false)), *sorted)
        }
        other => other.clone(),
    }
}

/// The field as data files hold it: its physical name and id in tables that map columns.
fn file_field(field: &Field, delta: &StructField, mapped: bool) -> Field {
    let data_type = file_type(field.data_type(), &delta.data_type, mapped);
    if !mapped {
        return Field::new(field.name(), data_type, field.is_nullable());
    }
    let name = match delta.metadata.get(ColumnMetadataKey::ColumnMappingPhysicalName.as_ref()) {
        Some(MetadataValue::String(name)) => name.as_str(),
        _ => field.name(),
    };
    let id = match delta.metadata.get(ColumnMetadataKey::ColumnMappingId.as_ref()) {
        Some(MetadataValue::Number(id)) => Some((PARQUET_FIELD_ID.to_owned(), id.to_string())),
        _ => None,
    };
    Field::new(name, data_type, field.is_nullable()).with_metadata(id.into_iter().collect())
}

fn file_type(arrow: &DataType, delta: &DeltaType, mapped: bool) -> DataType {
    let element = |field: &Field, delta: &DeltaType| {
        let data_type = file_type(field.data_type(), delta, mapped);
        Arc::new(Field::new(field.name(), data_type, field.is_nullable()))
    };
    match (arrow, delta) {
        (DataType::Struct(fields), DeltaType::Struct(delta)) => {
            let fields = fields.iter().zip(delta.fields());
            DataType::Struct(
                fields.map(|(field, delta)| file_field(field, delta, mapped)).collect(),
            )
        }
        (DataType::List(field), DeltaType::Array(array)) => {
            DataType::List(element(field, &array.element_type))
        }
        (DataType::Map(entries, sorted), DeltaType::Map(map)) => {
            let DataType::Struct(fields) = entries.data_type() else { return arrow.clone() };
            let types = [&map.key_type, &map.value_type];
            let fields = fields.iter().zip(types).map(|(field, delta)| element(field, delta));
            let entries = Field::new(entries.name(), DataType::Struct(fields.collect()), false);
            DataType::Map(Arc::new(entries), *sorted)
        }
        _ => arrow.clone(),
    }
}

/// The same values under another schema: names, metadata and nullability may differ, layouts only where a column carries
/// what Delta has not.
fn retyped_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns: Result<Vec<ArrayRef>, ArrowError> =
        columns.map(|(array, field)| retyped(array, field.data_type())).collect();
    let columns = columns.map_err(of_arrow)?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|error| {
        Error::new(ErrorKind::InternalError, "computed rows do not fit the table").caused_by(error)
    })
}

fn retyped(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == data_type {
        return Ok(Arc::clone(array));
    }
    retyped_data(array.to_data(), data_type).map(make_array)
}

fn retyped_data(data: ArrayData, data_type: &DataType) -> Result<ArrayData, ArrowError> {
    if data.data_type() == data_type {
        return Ok(data);
    }
    if matches!(data.data_type(), DataType::Interval(_)) {
        return Ok(interval_texts(&make_array(data))?.to_data());
    }
    let types: Vec<&DataType> = match data_type {
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::List(element) => vec![element.data_type()],
        DataType::Map(entries, _) => vec![entries.data_type()],
        _ => Vec::new(),
    };
    let children = data.child_data().iter().cloned().zip(types);
    let children: Result<Vec<ArrayData>, ArrowError> =
        children.map(|(child, data_type)| retyped_data(child, data_type)).collect();
    data.into_builder().data_type(data_type.clone()).child_data(children?).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Array, Int32Array, ListArray};
    use datafusion::arrow::datatypes::Int32Type;
    use deltalake::kernel::ArrayType;

    #[test]
    fn mapped_columns_have_their_physical_names_and_ids_in_files() {
        let field = StructField::new("a", DeltaType::INTEGER, false).with_metadata([
            (
                "delta.columnMapping.physicalName".to_owned(),
                MetadataValue::String("col-1".to_owned()),
            ),
            ("delta.columnMapping.id".to_owned(), MetadataValue::Number(1)),
        ]);
        let list = ArrayType::new(DeltaType::INTEGER, true);
        let list = StructField::new("l", DeltaType::from(list), true);
        let schema = Arc::new(StructType::try_new([field, list]).unwrap());
        let mapped = HashMap::from([(COLUMN_MAPPING_MODE.to_owned(), "name".to_owned())]);
        let shape = Shape::try_new(schema, vec!["a".to_owned()], mapped).unwrap();
        assert_eq!(shape.file_partition_columns(), ["col-1"]);
        assert_eq!(shape.files.field(0).metadata()[PARQUET_FIELD_ID], "1");
        assert!(shape.columns.field(0).is_nullable() && !shape.files.field(0).is_nullable());

        let item = DataType::List(Arc::new(Field::new("item", DataType::Int32, true)));
        let computed =
            Schema::new(vec![Field::new("a", DataType::Int32, true), Field::new("l", item, true)]);
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None])]);
        let columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(vec![7])), Arc::new(lists)];
        let batch = RecordBatch::try_new(Arc::new(computed), columns).unwrap();
        let batch = shape.computed_batch(&batch, 0).unwrap();
        let batch = shape.file_batch(&batch).unwrap();
        assert_eq!(batch.schema(), shape.files);
        assert_eq!(batch.column(1).len(), 1);
    }
}
