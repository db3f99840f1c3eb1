//! The one table of types: PostgreSQL's OIDs, names and lengths, and which of them an Arrow column is.
//! It never converts a value; `wire` does.

use std::collections::HashMap;

use datafusion::arrow::datatypes::{DataType, Field, IntervalUnit};

use super::error::{Error, Result};
use super::id::Oid;

/// Field metadata that names the PostgreSQL type where Arrow has no such type: `"varchar"`, `"oid"`.
pub const TYPE_METADATA: &str = "lakegate.type";

/// Field metadata with PostgreSQL's type modifier, as in `pg_attribute.atttypmod`.
pub const TYPMOD_METADATA: &str = "lakegate.typmod";

/// The type modifier of a type without one.
pub const NO_TYPMOD: i32 = -1;

/// Declares every type once: variant, OID, OID of its array (0 for none), name in `pg_type`, name in
/// SQL, length in bytes (-1 for varying, -2 for a C string).
macro_rules! types {
    ($($variant:ident = $oid:literal, $array:literal, $name:literal, $sql:literal, $len:literal;)*) => {
        /// A PostgreSQL type that is not an array.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum BaseType {
            $($variant,)*
        }

        impl BaseType {
            /// Every type, in the order of its OID.
            pub const ALL: &'static [BaseType] = &[$(BaseType::$variant,)*];

            /// The type's OID in `pg_type`.
            pub const fn oid(self) -> Oid {
                match self { $(BaseType::$variant => Oid($oid),)* }
            }

            /// The OID of the array of it; [`Oid::INVALID`] where there is none.
            pub const fn array_oid(self) -> Oid {
                match self { $(BaseType::$variant => Oid($array),)* }
            }

            /// `pg_type.typname`.
            pub const fn name(self) -> &'static str {
                match self { $(BaseType::$variant => $name,)* }
            }

            /// The name that SQL and `format_type` use.
            pub const fn sql_name(self) -> &'static str {
                match self { $(BaseType::$variant => $sql,)* }
            }

            /// `pg_type.typlen`: bytes, -1 for varying, -2 for a C string.
            pub const fn length(self) -> i16 {
                match self { $(BaseType::$variant => $len,)* }
            }
        }
    };
}

types! {
    Bool = 16, 1000, "bool", "boolean", 1;
    Bytea = 17, 1001, "bytea", "bytea", -1;
    Char = 18, 1002, "char", "\"char\"", 1;
    Name = 19, 1003, "name", "name", 64;
    Int8 = 20, 1016, "int8", "bigint", 8;
    Int2 = 21, 1005, "int2", "smallint", 2;
    Int2Vector = 22, 1006, "int2vector", "int2vector", -1;
    Int4 = 23, 1007, "int4", "integer", 4;
    Regproc = 24, 1008, "regproc", "regproc", 4;
    Text = 25, 1009, "text", "text", -1;
    Oid = 26, 1028, "oid", "oid", 4;
    Xid = 28, 1011, "xid", "xid", 4;
    OidVector = 30, 1013, "oidvector", "oidvector", -1;
    Json = 114, 199, "json", "json", -1;
    PgNodeTree = 194, 0, "pg_node_tree", "pg_node_tree", -1;
    Cidr = 650, 651, "cidr", "cidr", -1;
    Float4 = 700, 1021, "float4", "real", 4;
    Float8 = 701, 1022, "float8", "double precision", 8;
    Unknown = 705, 0, "unknown", "unknown", -2;
    Macaddr = 829, 1040, "macaddr", "macaddr", 6;
    Inet = 869, 1041, "inet", "inet", -1;
    AclItem = 1033, 1034, "aclitem", "aclitem", 12;
    Bpchar = 1042, 1014, "bpchar", "character", -1;
    Varchar = 1043, 1015, "varchar", "character varying", -1;
    Date = 1082, 1182, "date", "date", 4;
    Time = 1083, 1183, "time", "time without time zone", 8;
    Timestamp = 1114, 1115, "timestamp", "timestamp without time zone", 8;
    Timestamptz = 1184, 1185, "timestamptz", "timestamp with time zone", 8;
    Interval = 1186, 1187, "interval", "interval", 16;
    Timetz = 1266, 1270, "timetz", "time with time zone", 12;
    Numeric = 1700, 1231, "numeric", "numeric", -1;
    Regprocedure = 2202, 2207, "regprocedure", "regprocedure", 4;
    Regoper = 2203, 2208, "regoper", "regoper", 4;
    Regoperator = 2204, 2209, "regoperator", "regoperator", 4;
    Regclass = 2205, 2210, "regclass", "regclass", 4;
    Regtype = 2206, 2211, "regtype", "regtype", 4;
    Record = 2249, 2287, "record", "record", -1;
    AnyArray = 2277, 0, "anyarray", "anyarray", -1;
    Void = 2278, 0, "void", "void", 4;
    Uuid = 2950, 2951, "uuid", "uuid", 16;
    PgLsn = 3220, 3221, "pg_lsn", "pg_lsn", 8;
    PgNdistinct = 3361, 0, "pg_ndistinct", "pg_ndistinct", -1;
    PgDependencies = 3402, 0, "pg_dependencies", "pg_dependencies", -1;
    Jsonb = 3802, 3807, "jsonb", "jsonb", -1;
    Regnamespace = 4089, 4090, "regnamespace", "regnamespace", 4;
    Regrole = 4096, 4097, "regrole", "regrole", 4;
    Regcollation = 4191, 4192, "regcollation", "regcollation", 4;
    PgMcvList = 5017, 0, "pg_mcv_list", "pg_mcv_list", -1;
}

/// A PostgreSQL type as clients see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PgType {
    Scalar(BaseType),
    /// An array of any number of dimensions.
    Array(BaseType),
}

impl PgType {
    /// The type's OID in `pg_type`.
    pub fn oid(self) -> Oid {
        match self {
            PgType::Scalar(base) => base.oid(),
            PgType::Array(base) => base.array_oid(),
        }
    }

    /// The type with this OID, if Lakegate has it.
    pub fn from_oid(oid: Oid) -> Option<PgType> {
        if oid == Oid::INVALID {
            return None;
        }
        BaseType::ALL.iter().find_map(|&base| {
            if base.oid() == oid {
                Some(PgType::Scalar(base))
            } else if base.array_oid() == oid {
                Some(PgType::Array(base))
            } else {
                None
            }
        })
    }

    /// `pg_type.typlen`.
    pub fn length(self) -> i16 {
        match self {
            PgType::Scalar(base) => base.length(),
            PgType::Array(_) => -1,
        }
    }

    /// `pg_type.typname`.
    pub fn name(self) -> String {
        match self {
            PgType::Scalar(base) => base.name().to_owned(),
            PgType::Array(base) => format!("_{}", base.name()),
        }
    }

    /// The name as `format_type(oid, typmod)` shows it: `numeric(10,2)`, `integer[]`.
    pub fn sql_name(self, typmod: i32) -> String {
        match self {
            PgType::Scalar(base) => base.sql_name_with(typmod),
            PgType::Array(base) => format!("{}[]", base.sql_name_with(typmod)),
        }
    }
}

impl BaseType {
    /// Whether values are carried by texts of one form, into which other texts are brought.
    pub fn is_canonical_text(self) -> bool {
        use BaseType::{Cidr, Inet, Json, Jsonb, Macaddr, Timetz, Uuid};
        matches!(self, Json | Jsonb | Uuid | Inet | Cidr | Macaddr | Timetz)
    }

    /// Whether the type is one of the system catalogs' that columns of tables may have as well.
    pub fn is_column_of_catalogs(self) -> bool {
        use BaseType::*;
        matches!(
            self,
            Name | Char
                | Oid
                | Xid
                | Regproc
                | Regprocedure
                | Regoper
                | Regoperator
                | Regclass
                | Regtype
                | Regnamespace
                | Regrole
                | Regcollation
        )
    }

    /// Whether values of this type can stand in an Arrow column of `data_type`.
    fn is_carried_by(self, data_type: &DataType) -> bool {
        use BaseType::*;
        let text = matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        match self {
            Oid | Xid => data_type.is_integer(),
            Regproc | Regprocedure | Regoper | Regoperator | Regclass | Regtype | Regnamespace
            | Regrole | Regcollation => text || data_type.is_integer(),
            Json | Jsonb => text || matches!(data_type, DataType::Struct(_) | DataType::Map(_, _)),
            Char | Name | PgNodeTree | Unknown | AclItem | Bpchar | Varchar | Text | Inet
            | Cidr | Macaddr | Timetz | PgLsn | AnyArray | PgNdistinct | PgDependencies
            | PgMcvList => text,
            Uuid => text || *data_type == DataType::FixedSizeBinary(16),
            Record => matches!(data_type, DataType::Struct(_)),
            Int2Vector | OidVector => false,
            Void => true,
            Bool | Bytea | Int8 | Int2 | Int4 | Float4 | Float8 | Date | Time | Timestamp
            | Timestamptz | Interval | Numeric => {
                natural_type(data_type).is_ok_and(|(natural, _)| natural == PgType::Scalar(self))
            }
        }
    }

    /// The type that `pg_type` or SQL calls `name`, case folded.
    pub fn from_name(name: &str) -> Option<BaseType> {
        BaseType::ALL.iter().copied().find(|base| base.name() == name || base.sql_name() == name)
    }

    /// The SQL name with its type modifier: `numeric(10,2)`, `character varying(20)`.
    pub fn sql_name_with(self, typmod: i32) -> String {
        match (self, typmod) {
            (BaseType::Numeric, 4..) => {
                let (precision, scale) = numeric_of_typmod(typmod);
                format!("numeric({precision},{scale})")
            }
            (BaseType::Varchar | BaseType::Bpchar, 4..) => {
                format!("{}({})", self.sql_name(), typmod - VARLENA_HEADER)
            }
            (BaseType::Bpchar, _) => "bpchar".to_owned(),
            (_, 0..) if self.has_precision() => {
                let (name, zone) = self.sql_name().split_once(' ').unwrap_or((self.sql_name(), ""));
                format!("{name}({typmod}){}{zone}", if zone.is_empty() { "" } else { " " })
            }
            _ => self.sql_name().to_owned(),
        }
    }

    /// Whether the type modifier is how many digits of a second are kept.
    pub fn has_precision(self) -> bool {
        matches!(
            self,
            BaseType::Time | BaseType::Timetz | BaseType::Timestamp | BaseType::Timestamptz
        )
    }
}

/// PostgreSQL adds the size of its length word to the modifier of varying types (`VARHDRSZ`).
const VARLENA_HEADER: i32 = 4;

/// The type modifier of `numeric(precision, scale)`.
pub fn numeric_typmod(precision: u8, scale: i8) -> i32 {
    ((i32::from(precision) << 16) | (i32::from(scale) & 0x7ff)) + VARLENA_HEADER
}

/// The type modifier of `varchar(length)` and `char(length)`.
pub fn character_typmod(length: u32) -> i32 {
    i32::try_from(length).map_or(NO_TYPMOD, |length| length + VARLENA_HEADER)
}

/// The length that the type modifier of `varchar` or `char` declares, in characters.
pub fn character_length(typmod: i32) -> Option<usize> {
    usize::try_from(typmod.checked_sub(VARLENA_HEADER)?).ok()
}

fn numeric_of_typmod(typmod: i32) -> (i32, i32) {
    let packed = typmod - VARLENA_HEADER;
    // The scale is 11 bits with sign, since PostgreSQL 15.
    (packed >> 16, ((packed & 0x7ff) ^ 0x400) - 0x400)
}

/// The metadata of a parameter's field that names its type, where its values alone are of another. Texts of every kind
/// are compared alike, and stay texts.
pub fn told_type(pg_type: PgType) -> HashMap<String, String> {
    use BaseType::*;
    let (PgType::Scalar(base) | PgType::Array(base)) = pg_type;
    match base {
        Json | Jsonb | Uuid | Inet | Cidr | Macaddr | Timetz | Oid | Xid => {
            HashMap::from([(TYPE_METADATA.to_owned(), base.name().to_owned())])
        }
        Bool | Bytea | Char | Name | Int8 | Int2 | Int2Vector | Int4 | Regproc | Text
        | OidVector | PgNodeTree | Float4 | Float8 | Unknown | AclItem | Bpchar | Varchar
        | Date | Time | Timestamp | Timestamptz | Interval | Numeric | Regprocedure | Regoper
        | Regoperator | Regclass | Regtype | Record | AnyArray | Void | PgLsn | PgNdistinct
        | PgDependencies | Regnamespace | Regrole | Regcollation | PgMcvList => HashMap::new(),
    }
}

/// The PostgreSQL type and type modifier of an Arrow column.
///
/// Structs and maps are `json`: no client reads an anonymous `record`. Unsigned
/// integers take the next wider signed type, so that no value is lost.
pub fn pg_type_of(field: &Field) -> Result<(PgType, i32)> {
    let typmod = field.metadata().get(TYPMOD_METADATA).and_then(|text| text.parse().ok());
    if let Some(pg_type) = declared_type(field) {
        return Ok((pg_type, typmod.unwrap_or(NO_TYPMOD)));
    }
    let (pg_type, natural) = natural_type(field.data_type())?;
    // `numeric` without precision is carried by a decimal that has one.
    match pg_type {
        PgType::Scalar(BaseType::Numeric) | PgType::Array(BaseType::Numeric) => {
            Ok((pg_type, typmod.unwrap_or(natural)))
        }
        PgType::Scalar(_) | PgType::Array(_) => Ok((pg_type, natural)),
    }
}

/// The type that the metadata names, where the Arrow type can carry it. A cast keeps the metadata of its
/// input, so a name that does not fit is one that no longer holds.
fn declared_type(field: &Field) -> Option<PgType> {
    let name = field.metadata().get(TYPE_METADATA)?;
    let base = BaseType::ALL.iter().copied().find(|base| base.name() == name)?;
    if matches!(base, BaseType::Int2Vector | BaseType::OidVector) {
        return element_of(field.data_type()).map(|_| PgType::Scalar(base));
    }
    match innermost_of(field.data_type()) {
        Some(element) => base.is_carried_by(element.data_type()).then_some(PgType::Array(base)),
        None => base.is_carried_by(field.data_type()).then_some(PgType::Scalar(base)),
    }
}

/// The elements of arrays of any number of dimensions.
fn innermost_of(data_type: &DataType) -> Option<&Field> {
    let element = element_of(data_type)?;
    Some(innermost_of(element.data_type()).unwrap_or(element))
}

fn element_of(data_type: &DataType) -> Option<&Field> {
    match data_type {
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _) => Some(element),
        _ => None,
    }
}

fn natural_type(data_type: &DataType) -> Result<(PgType, i32)> {
    use BaseType::*;
    if let Some(element) = element_of(data_type) {
        // PostgreSQL's array types have no fixed number of dimensions: a list of lists is one array.
        let (element_type, typmod) = pg_type_of(element)?;
        let (PgType::Scalar(base) | PgType::Array(base)) = element_type;
        return Ok((PgType::Array(base), typmod));
    }
    let base = match data_type {
        DataType::Boolean => Bool,
        DataType::Int8 | DataType::UInt8 | DataType::Int16 => Int2,
        DataType::UInt16 | DataType::Int32 => Int4,
        DataType::UInt32 | DataType::Int64 => Int8,
        DataType::UInt64 => return Ok((PgType::Scalar(Numeric), numeric_typmod(20, 0))),
        DataType::Float16 | DataType::Float32 => Float4,
        DataType::Float64 => Float8,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            return Ok((PgType::Scalar(Numeric), numeric_typmod(*precision, *scale)));
        }
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Text,
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => Bytea,
        DataType::Date32 => Date,
        DataType::Date64 | DataType::Timestamp(_, None) => Timestamp,
        DataType::Timestamp(_, Some(_)) => Timestamptz,
        DataType::Time32(_) | DataType::Time64(_) => Time,
        DataType::Duration(_)
        | DataType::Interval(
            IntervalUnit::YearMonth | IntervalUnit::DayTime | IntervalUnit::MonthDayNano,
        ) => Interval,
        DataType::Struct(_) | DataType::Map(_, _) => Json,
        DataType::Dictionary(_, value) => return natural_type(value),
        DataType::RunEndEncoded(_, values) => return pg_type_of(values),
        other => return Err(Error::unsupported(format!("a column of type {other}"))),
    };
    Ok((PgType::Scalar(base), NO_TYPMOD))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn type_modifiers_show_as_they_were_declared() {
        let numeric = PgType::Scalar(BaseType::Numeric);
        assert_eq!(numeric.sql_name(numeric_typmod(38, 10)), "numeric(38,10)");
        assert_eq!(numeric.sql_name(numeric_typmod(5, -2)), "numeric(5,-2)");
        assert_eq!(numeric.sql_name(NO_TYPMOD), "numeric");
        let varchar = PgType::Array(BaseType::Varchar);
        assert_eq!(varchar.sql_name(character_typmod(20)), "character varying(20)[]");
    }

    #[test]
    fn lists_of_lists_are_one_array() {
        let inner = DataType::List(Arc::new(Field::new("item", DataType::Int32, true)));
        let outer = DataType::List(Arc::new(Field::new("item", inner, true)));
        let (pg_type, _) = pg_type_of(&Field::new("a", outer, true)).unwrap();
        assert_eq!(pg_type, PgType::Array(BaseType::Int4));
    }

    #[test]
    fn metadata_names_the_types_that_arrow_lacks() {
        let field = Field::new("oid", DataType::Int64, false)
            .with_metadata([(TYPE_METADATA.to_owned(), "oid".to_owned())].into());
        assert_eq!(pg_type_of(&field).unwrap().0.oid(), Oid(26));
    }
}
