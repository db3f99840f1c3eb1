//! Which Arrow field stands for a PostgreSQL type: the way back of `base::datatype::pg_type_of`. It converts
//! no value.
//!
//! `oid`, `xid` and the `reg*` types are Int64: integer literals are Int64 in DataFusion, so that comparing
//! and joining OIDs needs no cast and look-ups by OID reach the scans. The field's metadata makes them four
//! unsigned bytes on the wire.

use datafusion::arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};

use crate::base::datatype::{
    BaseType, NO_TYPMOD, PgType, TYPE_METADATA, TYPMOD_METADATA, pg_type_of,
};

/// Precision and scale of `numeric` without a modifier.
const NUMERIC_UNCONSTRAINED: (u8, i8) = (38, 10);

/// The Arrow type of the values of `pg_type`; `None` for types that have no stored form.
pub fn data_type_of(pg_type: PgType, typmod: i32) -> Option<DataType> {
    match pg_type {
        PgType::Scalar(base) => scalar(base, typmod),
        PgType::Array(base) => {
            let element = Field::new_list_field(scalar(base, typmod)?, true);
            Some(DataType::List(element.into()))
        }
    }
}

/// A nullable field of `pg_type`, with the metadata that it needs to be that type again.
pub fn field_of(name: &str, pg_type: PgType, typmod: i32) -> Option<Field> {
    let mut field = Field::new(name, data_type_of(pg_type, typmod)?, true);
    let (PgType::Scalar(base) | PgType::Array(base)) = pg_type;
    let mut metadata = Vec::new();
    if pg_type_of(&field).ok().map(|(natural, _)| natural) != Some(pg_type) {
        metadata.push((TYPE_METADATA.to_owned(), base.name().to_owned()));
    }
    let natural_typmod = pg_type_of(&field).map_or(NO_TYPMOD, |(_, natural)| natural);
    if natural_typmod != typmod {
        metadata.push((TYPMOD_METADATA.to_owned(), typmod.to_string()));
    }
    field.set_metadata(metadata.into_iter().collect());
    Some(field)
}

fn scalar(base: BaseType, typmod: i32) -> Option<DataType> {
    use BaseType::*;
    Some(match base {
        Bool => DataType::Boolean,
        Bytea => DataType::Binary,
        Int2 => DataType::Int16,
        Int4 => DataType::Int32,
        Int8 | Oid | Xid | Regproc | Regclass | Regtype | Regnamespace | Regrole | Regprocedure
        | Regoper | Regoperator | Regcollation => DataType::Int64,
        Float4 => DataType::Float32,
        Float8 => DataType::Float64,
        Char | Name | Text | Varchar | Bpchar | Json | Jsonb | PgNodeTree | Inet | Cidr
        | Macaddr | Timetz | PgLsn | AnyArray | PgNdistinct | PgDependencies | PgMcvList
        | AclItem | Unknown | Uuid | Void => DataType::Utf8,
        Int2Vector => list_of(DataType::Int16),
        OidVector => list_of(DataType::Int64),
        Date => DataType::Date32,
        Time => DataType::Time64(TimeUnit::Microsecond),
        Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Interval => DataType::Interval(IntervalUnit::MonthDayNano),
        Numeric => {
            let (precision, scale) = numeric_of_typmod(typmod);
            DataType::Decimal128(precision, scale)
        }
        Record => return None,
    })
}

fn list_of(element: DataType) -> DataType {
    DataType::List(Field::new_list_field(element, true).into())
}

fn numeric_of_typmod(typmod: i32) -> (u8, i8) {
    let packed = typmod - 4;
    let precision =
        u8::try_from(packed >> 16).ok().filter(|precision| (1..=38).contains(precision));
    let scale = i8::try_from(((packed & 0x7ff) ^ 0x400) - 0x400).ok();
    match (typmod, precision, scale) {
        (NO_TYPMOD, _, _) => NUMERIC_UNCONSTRAINED,
        (_, Some(precision), Some(scale)) => (precision, scale),
        _ => NUMERIC_UNCONSTRAINED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_comes_back_from_its_field() {
        for &base in BaseType::ALL {
            for pg_type in [PgType::Scalar(base), PgType::Array(base)] {
                let vector = matches!(base, BaseType::Int2Vector | BaseType::OidVector);
                let Some(field) = field_of("c", pg_type, NO_TYPMOD) else { continue };
                if vector && matches!(pg_type, PgType::Array(_)) {
                    continue;
                }
                assert_eq!(pg_type_of(&field).unwrap(), (pg_type, NO_TYPMOD), "{base:?}");
            }
        }
    }
}
