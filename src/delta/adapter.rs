//! From the columns of a data file to those of the table: names or ids of column mapping, columns that
//! the file lacks, and types that have widened since. It never reads a file.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array,
};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::ColumnarValue;
use datafusion::parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column, Literal};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use delta_kernel::table_features::ColumnMappingMode;

use super::carried::intervals_of;
use super::schema::PhysicalField;
use super::variant::variant_as_json;

/// Makes the adapter of each data file of a table.
#[derive(Debug)]
pub struct ColumnAdapterFactory {
    /// What data files call the columns that they hold, in the order of the scan's file schema.
    pub physical: Arc<[PhysicalField]>,
    pub mapping: ColumnMappingMode,
}

impl PhysicalExprAdapterFactory for ColumnAdapterFactory {
    fn create(
        &self,
        logical_file_schema: SchemaRef,
        physical_file_schema: SchemaRef,
    ) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let finder = Finder::new(self.mapping, physical_file_schema.fields());
        let mut columns = Vec::with_capacity(logical_file_schema.fields().len());
        for (position, logical) in logical_file_schema.fields().iter().enumerate() {
            columns.push(match self.physical.get(position) {
                Some(physical) => FileColumn::new(logical, physical, &finder)?,
                // The reader makes this one, and calls it as the scan does.
                None => {
                    let name = logical.name().clone();
                    FileColumn::Same { at: physical_file_schema.index_of(&name)?, name }
                }
            });
        }
        Ok(Arc::new(ColumnAdapter { logical: logical_file_schema, columns }))
    }
}

/// Rewrites expressions on the table's columns to expressions on one file's.
#[derive(Debug)]
struct ColumnAdapter {
    logical: SchemaRef,
    columns: Vec<FileColumn>,
}

impl PhysicalExprAdapter for ColumnAdapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        expr.transform_down(|expr| {
            let Some(column) = expr.downcast_ref::<Column>() else {
                return Ok(Transformed::no(expr));
            };
            let at = self.logical.index_of(column.name())?;
            let Some(column) = self.columns.get(at) else {
                return plan_err!("column \"{}\" is not mapped to data files", column.name());
            };
            // What replaces a column holds columns of the file: never look at those again.
            Ok(Transformed::new(column.expr(self.logical.field(at))?, true, recursion_stop()))
        })
        .data()
    }
}

fn recursion_stop() -> datafusion::common::tree_node::TreeNodeRecursion {
    datafusion::common::tree_node::TreeNodeRecursion::Jump
}

/// How one column of the table comes from a file.
#[derive(Debug)]
enum FileColumn {
    /// The file was written before the column was added.
    Missing,
    /// A column of the file, as it is.
    Same { name: String, at: usize },
    /// A column of the file with another type.
    Cast { name: String, at: usize },
    /// A nested column of the file with other names, fields or types inside.
    Reshaped { name: String, at: usize, shape: Arc<Shape> },
}

impl FileColumn {
    fn new(logical: &Field, physical: &PhysicalField, finder: &Finder<'_>) -> Result<Self> {
        let Some((at, field)) = finder.find(physical)? else { return Ok(FileColumn::Missing) };
        let name = field.name().clone();
        if field.data_type() == logical.data_type() && !finder.renames_inside(physical) {
            return Ok(FileColumn::Same { name, at });
        }
        let is_interval = matches!(logical.data_type(), DataType::Interval(_));
        if !logical.data_type().is_nested() && !physical.is_variant && !is_interval {
            return Ok(FileColumn::Cast { name, at });
        }
        let shape = Shape::new(logical.data_type(), physical, field.data_type(), finder.mapping)?;
        Ok(FileColumn::Reshaped { name, at, shape: Arc::new(shape) })
    }

    fn expr(&self, logical: &Field) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(match self {
            FileColumn::Missing if !logical.is_nullable() => {
                return exec_err!("a data file lacks the column \"{}\"", logical.name());
            }
            FileColumn::Missing => {
                let null = ScalarValue::try_new_null(logical.data_type())?;
                Arc::new(Literal::new_with_metadata(null, Some(logical.into())))
            }
            FileColumn::Same { name, at } => Arc::new(Column::new(name, *at)),
            FileColumn::Cast { name, at } => Arc::new(CastExpr::new_with_target_field(
                Arc::new(Column::new(name, *at)),
                Arc::new(logical.clone()),
                None,
            )),
            FileColumn::Reshaped { name, at, shape } => Arc::new(Reshape {
                input: Arc::new(Column::new(name, *at)),
                shape: Arc::clone(shape),
                target: Arc::new(logical.clone()),
            }),
        })
    }
}

/// Finds fields in the schema of a file, or of a struct inside it.
struct Finder<'a> {
    mapping: ColumnMappingMode,
    fields: &'a Fields,
    /// Whether the fields have Parquet field ids at all; some old files of converted tables do not.
    has_ids: bool,
}

impl<'a> Finder<'a> {
    fn new(mapping: ColumnMappingMode, fields: &'a Fields) -> Self {
        let has_ids = fields.iter().any(|field| field_id(field).is_some());
        Finder { mapping, fields, has_ids }
    }

    fn find(&self, physical: &PhysicalField) -> Result<Option<(usize, &'a FieldRef)>> {
        let fields = || self.fields.iter().enumerate();
        if let (ColumnMappingMode::Id, Some(id), true) = (self.mapping, physical.id, self.has_ids) {
            return Ok(fields().find(|(_, field)| field_id(field) == Some(id)));
        }
        if let Some(found) = fields().find(|(_, field)| *field.name() == physical.name) {
            return Ok(Some(found));
        }
        // Names of columns keep their case, and ignore it (Delta protocol, "Schema Serialization Format").
        let name = physical.name.to_lowercase();
        let mut alike = fields().filter(|(_, field)| field.name().to_lowercase() == name);
        match (alike.next(), alike.next()) {
            (Some(_), Some(_)) => {
                exec_err!(
                    "a data file has several columns \"{}\" but for their case",
                    physical.name
                )
            }
            (found, _) => Ok(found),
        }
    }

    /// Whether fields inside a field may have other names in the file than in the table.
    fn renames_inside(&self, physical: &PhysicalField) -> bool {
        self.mapping != ColumnMappingMode::None && !physical.children.is_empty()
    }
}

fn field_id(field: &Field) -> Option<i64> {
    field.metadata().get(PARQUET_FIELD_ID_META_KEY)?.parse().ok()
}

/// How values of a file's nested type become values of the table's.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Shape {
    /// A cast to a type that is not nested.
    Leaf(DataType),
    /// A variant, as JSON.
    Variant,
    /// An interval, from its text.
    Interval,
    /// The fields of the table's struct, each with its position in the file's and its shape, or without
    /// one.
    Struct(Fields, Vec<Option<(usize, Shape)>>),
    List(FieldRef, Box<Shape>),
    /// The entries with the shapes of key and value.
    Map(FieldRef, bool, Box<Shape>, Box<Shape>),
}

impl Shape {
    fn new(
        logical: &DataType,
        physical: &PhysicalField,
        file: &DataType,
        mapping: ColumnMappingMode,
    ) -> Result<Self> {
        let children = physical.children.as_slice();
        match (logical, file) {
            (_, DataType::Struct(_)) if physical.is_variant => Ok(Shape::Variant),
            (DataType::Interval(_), file) if file.is_string() => Ok(Shape::Interval),
            (DataType::Struct(fields), DataType::Struct(file_fields)) => {
                let finder = Finder::new(mapping, file_fields);
                let child = |(field, physical): (&FieldRef, &PhysicalField)| {
                    let Some((at, file_field)) = finder.find(physical)? else { return Ok(None) };
                    let shape =
                        Shape::new(field.data_type(), physical, file_field.data_type(), mapping)?;
                    Ok(Some((at, shape)))
                };
                let children: Result<Vec<_>> = fields.iter().zip(children).map(child).collect();
                Ok(Shape::Struct(fields.clone(), children?))
            }
            (
                DataType::List(element),
                DataType::List(file_element)
                | DataType::LargeList(file_element)
                | DataType::FixedSizeList(file_element, _),
            ) => {
                let [physical] = children else { return plan_err!("an array without an element") };
                let shape =
                    Shape::new(element.data_type(), physical, file_element.data_type(), mapping)?;
                Ok(Shape::List(Arc::clone(element), Box::new(shape)))
            }
            (DataType::Map(entries, sorted), DataType::Map(file_entries, _)) => {
                let [key, value] = children else {
                    return plan_err!("a map without key and value");
                };
                let (key_type, value_type) = entry_types(entries)?;
                let (file_key, file_value) = entry_types(file_entries)?;
                Ok(Shape::Map(
                    Arc::clone(entries),
                    *sorted,
                    Box::new(Shape::new(key_type, key, file_key, mapping)?),
                    Box::new(Shape::new(value_type, value, file_value, mapping)?),
                ))
            }
            (logical, file) if logical.is_nested() || file.is_nested() => {
                exec_err!("a data file has a column of type {file} where the table has {logical}")
            }
            (logical, _) => Ok(Shape::Leaf(logical.clone())),
        }
    }

    fn apply(&self, values: &ArrayRef) -> Result<ArrayRef> {
        match self {
            Shape::Leaf(data_type) if values.data_type() == data_type => Ok(Arc::clone(values)),
            Shape::Leaf(data_type) => cast_exactly(values, data_type),
            Shape::Variant => Ok(variant_as_json(values)?),
            Shape::Interval => {
                Ok(intervals_of(values)
                    .map_err(|error| DataFusionError::External(Box::new(error)))?)
            }
            Shape::Struct(fields, children) => {
                let Some(values) = values.as_struct_opt() else { return unexpected(values) };
                let child = |(field, child): (&FieldRef, &Option<(usize, Shape)>)| match child {
                    Some((at, shape)) => match values.columns().get(*at) {
                        Some(column) => shape.apply(column),
                        None => exec_err!("a data file lacks the field \"{}\"", field.name()),
                    },
                    None => Ok(new_null_array(field.data_type(), values.len())),
                };
                let columns: Result<Vec<ArrayRef>> =
                    fields.iter().zip(children).map(child).collect();
                let nulls = values.nulls().cloned();
                let reshaped = StructArray::try_new_with_length(
                    fields.clone(),
                    columns?,
                    nulls,
                    values.len(),
                )?;
                Ok(Arc::new(reshaped))
            }
            Shape::List(element, shape) => {
                let list = as_list(values)?;
                let Some(list) = list.as_list_opt::<i32>() else { return unexpected(values) };
                let elements = shape.apply(list.values())?;
                let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
                Ok(Arc::new(ListArray::try_new(Arc::clone(element), offsets, elements, nulls)?))
            }
            Shape::Map(entries, sorted, key, value) => {
                let Some(map) = values.as_map_opt() else { return unexpected(values) };
                let DataType::Struct(fields) = entries.data_type() else {
                    return unexpected(values);
                };
                let columns = vec![key.apply(map.keys())?, value.apply(map.values())?];
                let pairs = StructArray::try_new(fields.clone(), columns, None)?;
                let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
                let entries = Arc::clone(entries);
                Ok(Arc::new(MapArray::try_new(entries, offsets, pairs, nulls, *sorted)?))
            }
        }
    }
}

/// The file's list as one with 32-bit offsets.
fn as_list(values: &ArrayRef) -> Result<ArrayRef> {
    match values.data_type() {
        DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            cast_exactly(values, &DataType::List(Arc::clone(element)))
        }
        _ => Ok(Arc::clone(values)),
    }
}

fn cast_exactly(values: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    // A value that does not fit is an error, never NULL.
    let options = CastOptions { safe: false, ..CastOptions::default() };
    Ok(cast_with_options(values, data_type, &options)?)
}

fn entry_types(entries: &Field) -> Result<(&DataType, &DataType)> {
    let DataType::Struct(fields) = entries.data_type() else {
        return plan_err!("the entries of a map are no struct");
    };
    match fields.iter().as_slice() {
        [key, value] => Ok((key.data_type(), value.data_type())),
        _ => plan_err!("the entries of a map are no pairs"),
    }
}

fn unexpected<T>(values: &ArrayRef) -> Result<T> {
    exec_err!("a data file has a column of an unexpected type {}", values.data_type())
}

/// A nested column of a file in the shape of the table's.
#[derive(Debug, Eq)]
struct Reshape {
    input: Arc<dyn PhysicalExpr>,
    shape: Arc<Shape>,
    target: FieldRef,
}

impl PartialEq for Reshape {
    fn eq(&self, other: &Self) -> bool {
        *self.input == *other.input && self.shape == other.shape && self.target == other.target
    }
}

impl Hash for Reshape {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
        self.shape.hash(state);
        self.target.hash(state);
    }
}

impl fmt::Display for Reshape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reshape({} as {})", self.input, self.target.name())
    }
}

impl PhysicalExpr for Reshape {
    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let values = self.input.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(ColumnarValue::Array(self.shape.apply(&values)?))
    }

    fn return_field(&self, _: &Schema) -> Result<FieldRef> {
        Ok(Arc::clone(&self.target))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.input]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let [input] = children.as_slice() else { return plan_err!("reshape has one child") };
        Ok(Arc::new(Reshape {
            input: Arc::clone(input),
            shape: Arc::clone(&self.shape),
            target: Arc::clone(&self.target),
        }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
