//! What columns of the system catalogs' types take of other values: numbers within those of objects, and names as long as
//! PostgreSQL's. Casts in the catalogs' own queries have both already.

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{Int32Type, Int64Type};

use crate::base::datatype::BaseType;
use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns};

/// An integer as the number of an object.
pub const OID_OF_INTEGER: &str = "oid_of_integer";
/// A text as a name, cut as PostgreSQL cuts it.
pub const NAME_OF_TEXT: &str = "name_of_text";

/// Bytes of a name: `NAMEDATALEN` less the end of the string.
const NAME_BYTES_MAX: usize = 63;

const OID: Returns = Returns::Type(BaseType::Oid);

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable(
        OID_OF_INTEGER,
        &[Overload::new(&[Kind::Int4], OID, wrapped), Overload::new(&[Kind::Int8], OID, in_range)],
    ),
    Kernel::immutable(
        NAME_OF_TEXT,
        &[Overload::new(&[Kind::Text], Returns::Type(BaseType::Name), |a| {
            let texts = a.texts(0)?;
            a.make_texts(|row, out| {
                let text = texts.at(row);
                out.push_str(text.split_at(text.floor_char_boundary(NAME_BYTES_MAX)).0);
                Ok(true)
            })
        })],
    ),
];

/// The bits of an `integer` as those of a number without sign.
fn wrapped(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Int32Type>(0)?;
    a.make::<Int64Type>(|row| Ok(Some(i64::from(values.at(row).cast_unsigned()))))
}

fn in_range(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Int64Type>(0)?;
    a.make::<Int64Type>(|row| match u32::try_from(values.at(row)) {
        Ok(oid) => Ok(Some(i64::from(oid))),
        Err(_) => Err(Error::new(ErrorKind::NumericValueOutOfRange, "OID out of range")),
    })
}
