//! A table's columns as Arrow sees them, and what its data files call them. It reads no files.

use std::sync::Arc;

use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit,
};
use delta_kernel::schema::{
    ColumnMetadataKey, DataType as DeltaType, MetadataValue, PrimitiveType, StructField, StructType,
};
use delta_kernel::table_features::ColumnMappingMode;

use super::carried::{DECLARED_TYPE, carried_type, value_type};
use crate::base::datatype::{BaseType, TYPE_METADATA, TYPMOD_METADATA, character_typmod};
use crate::base::{Error, ErrorKind, Result};

/// Where Spark keeps the declared type of `char(n)` and `varchar(n)` columns.
const CHARACTER_TYPE: &str = "__CHAR_VARCHAR_TYPE_STRING";

/// Schema metadata of tables that map columns, which no data file has.
const MAPPED: &str = "lakegate.columnMapping";

/// The columns of a table version.
#[derive(Debug)]
pub struct Columns {
    /// The columns in the table's order, under their logical names.
    pub schema: SchemaRef,
    /// What the data files call each column of `schema`.
    pub physical: Arc<[PhysicalField]>,
    /// How data files are matched with the columns.
    pub mapping: ColumnMappingMode,
    /// Positions in `schema` of the columns that data files hold.
    pub data: Vec<usize>,
    /// Positions in `schema` of the partition columns, in the order of the partitioning.
    pub partition: Vec<usize>,
}

/// How the data files know a field (Delta protocol, "Column Mapping").
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PhysicalField {
    pub name: String,
    /// The Parquet field id, in tables that map columns.
    pub id: Option<i64>,
    /// Fields of a struct; the element of an array; key and value of a map.
    pub children: Vec<PhysicalField>,
    /// Whether the values are variants, which the table shows as JSON.
    pub is_variant: bool,
}

impl Columns {
    pub fn try_new(
        schema: &StructType,
        partition_columns: &[String],
        mapping: ColumnMappingMode,
    ) -> Result<Self> {
        let mut fields = Vec::with_capacity(schema.fields().len());
        let mut physical = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            fields.push(arrow_field(field)?);
            physical.push(physical_field(field, mapping));
        }
        let mut schema = Schema::new(fields);
        if mapping != ColumnMappingMode::None {
            // DataFusion adapts a file to the table only where their schemas differ, but after columns
            // have swapped their names equal schemas mean different columns.
            schema.metadata.insert(MAPPED.to_owned(), "true".to_owned());
        }
        let schema = Arc::new(schema);
        let mut partition = Vec::with_capacity(partition_columns.len());
        for name in partition_columns {
            let position = schema.index_of(name).map_err(|cause| {
                Error::new(
                    ErrorKind::DataCorrupted,
                    format!("partition column \"{name}\" is no column of the table"),
                )
                .caused_by(cause)
            })?;
            partition.push(position);
        }
        let data =
            (0..schema.fields().len()).filter(|column| !partition.contains(column)).collect();
        Ok(Columns { schema, physical: physical.into(), mapping, data, partition })
    }

    /// The fields at some positions of the schema.
    pub fn fields_at(&self, positions: &[usize]) -> Vec<FieldRef> {
        positions.iter().filter_map(|&at| self.schema.fields().get(at).map(Arc::clone)).collect()
    }
}

fn physical_field(field: &StructField, mapping: ColumnMappingMode) -> PhysicalField {
    let id = match field.metadata.get(ColumnMetadataKey::ColumnMappingId.as_ref()) {
        Some(MetadataValue::Number(id)) if mapping != ColumnMappingMode::None => Some(*id),
        _ => None,
    };
    PhysicalField {
        name: field.physical_name(mapping).to_owned(),
        id,
        children: physical_children(&field.data_type, mapping),
        is_variant: is_variant(&field.data_type),
    }
}

fn is_variant(data_type: &DeltaType) -> bool {
    matches!(data_type, DeltaType::Variant(_))
}

/// What arrays of any number of dimensions hold.
fn innermost(data_type: &DeltaType) -> &DeltaType {
    match data_type {
        DeltaType::Array(array) => innermost(&array.element_type),
        other => other,
    }
}

fn physical_children(data_type: &DeltaType, mapping: ColumnMappingMode) -> Vec<PhysicalField> {
    // Elements, keys and values have no names to map, but may hold structs that have.
    let anonymous = |name: &str, data_type: &DeltaType| PhysicalField {
        name: name.to_owned(),
        id: None,
        children: physical_children(data_type, mapping),
        is_variant: is_variant(data_type),
    };
    match data_type {
        DeltaType::Primitive(_) | DeltaType::Variant(_) => Vec::new(),
        DeltaType::Struct(fields) => {
            fields.fields().map(|field| physical_field(field, mapping)).collect()
        }
        DeltaType::Array(array) => vec![anonymous("element", &array.element_type)],
        DeltaType::Map(map) => {
            vec![anonymous("key", &map.key_type), anonymous("value", &map.value_type)]
        }
    }
}

fn arrow_field(field: &StructField) -> Result<Field> {
    let data_type = arrow_type(&field.data_type, &field.name)?;
    let mut arrow = Field::new(&field.name, data_type, field.nullable);
    if let Some(MetadataValue::String(declared)) = field.metadata.get(CHARACTER_TYPE)
        && let Some((base, typmod)) = character_type(declared)
    {
        arrow.set_metadata(
            [
                (TYPE_METADATA.to_owned(), base.name().to_owned()),
                (TYPMOD_METADATA.to_owned(), typmod.to_string()),
            ]
            .into(),
        );
    } else if is_variant(innermost(&field.data_type)) {
        arrow = as_json(arrow);
    } else if let Some(MetadataValue::String(name)) = field.metadata.get(DECLARED_TYPE)
        && let Some((base, typmod)) = carried_type(name)
        && let Some(data_type) = value_type(base, arrow.data_type())
    {
        let typmod = typmod.map(|typmod| (TYPMOD_METADATA.to_owned(), typmod.to_string()));
        let declared = (TYPE_METADATA.to_owned(), base.name().to_owned());
        arrow.set_metadata(typmod.into_iter().chain([declared]).collect());
        arrow.set_data_type(data_type);
    }
    Ok(arrow)
}

/// What an array or a map holds, which has no field of its own in Delta.
fn unnamed_field(
    name: &str,
    data_type: &DeltaType,
    is_nullable: bool,
    column: &str,
) -> Result<Field> {
    let field = Field::new(name, arrow_type(data_type, column)?, is_nullable);
    Ok(if is_variant(innermost(data_type)) { as_json(field) } else { field })
}

fn as_json(field: Field) -> Field {
    field.with_metadata([(TYPE_METADATA.to_owned(), BaseType::Json.name().to_owned())].into())
}

/// The PostgreSQL type of Spark's `char(n)` or `varchar(n)`; `None` for nested types that hold one.
fn character_type(declared: &str) -> Option<(BaseType, i32)> {
    let (name, length) = declared.trim().strip_suffix(')')?.split_once('(')?;
    let base = match name.trim().to_ascii_lowercase().as_str() {
        "char" | "character" => BaseType::Bpchar,
        "varchar" => BaseType::Varchar,
        _ => return None,
    };
    Some((base, character_typmod(length.trim().parse().ok()?)))
}

fn arrow_type(data_type: &DeltaType, column: &str) -> Result<DataType> {
    Ok(match data_type {
        DeltaType::Primitive(primitive) => primitive_type(primitive, column)?,
        DeltaType::Struct(fields) => {
            let fields: Result<Fields> = fields.fields().map(arrow_field).collect();
            DataType::Struct(fields?)
        }
        DeltaType::Array(array) => {
            let element =
                unnamed_field("element", &array.element_type, array.contains_null, column)?;
            DataType::List(Arc::new(element))
        }
        DeltaType::Map(map) => {
            let key = unnamed_field("key", &map.key_type, false, column)?;
            let value = unnamed_field("value", &map.value_type, map.value_contains_null, column)?;
            let entries = DataType::Struct(Fields::from(vec![key, value]));
            DataType::Map(Arc::new(Field::new("key_value", entries, false)), false)
        }
        // As JSON: files hold structs, whose fields differ with what was shredded.
        DeltaType::Variant(_) => DataType::Utf8View,
    })
}

fn primitive_type(primitive: &PrimitiveType, column: &str) -> Result<DataType> {
    Ok(match primitive {
        PrimitiveType::String => DataType::Utf8View,
        PrimitiveType::Long => DataType::Int64,
        PrimitiveType::Integer => DataType::Int32,
        PrimitiveType::Short => DataType::Int16,
        PrimitiveType::Byte => DataType::Int8,
        PrimitiveType::Float => DataType::Float32,
        PrimitiveType::Double => DataType::Float64,
        PrimitiveType::Boolean => DataType::Boolean,
        PrimitiveType::Binary => DataType::BinaryView,
        PrimitiveType::Date => DataType::Date32,
        PrimitiveType::Timestamp => {
            DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
        }
        PrimitiveType::TimestampNtz => DataType::Timestamp(TimeUnit::Microsecond, None),
        PrimitiveType::Decimal(decimal) => {
            let scale = i8::try_from(decimal.scale()).map_err(|cause| {
                Error::new(ErrorKind::DataCorrupted, "a decimal type of the table is not valid")
                    .caused_by(cause)
            })?;
            DataType::Decimal128(decimal.precision(), scale)
        }
        // A column of which nothing but NULL is known: it is in no data file.
        PrimitiveType::Void => DataType::Null,
        PrimitiveType::IntervalYearMonth | PrimitiveType::IntervalDayTime => {
            return Err(unsupported_type("interval", column));
        }
    })
}

fn unsupported_type(data_type: &str, column: &str) -> Error {
    Error::unsupported(format!("the Delta type {data_type} of column \"{column}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_types_keep_their_length() {
        assert_eq!(character_type("varchar(20)"), Some((BaseType::Varchar, 24)));
        assert_eq!(character_type("CHAR(3)"), Some((BaseType::Bpchar, 7)));
        assert_eq!(character_type("array<varchar(3)>"), None);
    }
}
