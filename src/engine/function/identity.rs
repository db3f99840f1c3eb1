//! `pg_typeof`, `setseed` and `gen_random_uuid`.

use datafusion::arrow::datatypes::{DataType, Int64Type};

use crate::base::datatype::{BaseType, pg_type_of};
use crate::base::{Error, Oid};

use super::kernel::{Kernel, Kind, Overload, Returns};

pub const KERNELS: &[Kernel] = &[
    Kernel::stable(
        "pg_typeof",
        &[Overload::new(&[Kind::Any], Returns::Type(BaseType::Regtype), |a| {
            let field = a.fields.first();
            let oid = match field.map(|field| (field, field.data_type())) {
                Some((field, data_type)) if *data_type != DataType::Null => {
                    pg_type_of(field)?.0.oid()
                }
                _ => BaseType::Unknown.oid(),
            };
            let Oid(oid) = oid;
            a.make::<Int64Type>(|_| Ok(Some(oid.into())))
        })
        .sees_null()],
    )
    .of_types(),
    Kernel::volatile(
        "setseed",
        &[Overload::new(&[Kind::Float8], Returns::Type(BaseType::Void), |_| {
            Err(Error::unsupported("setseed()").with_detail(
                "Random numbers come from the operating system and cannot be repeated.",
            ))
        })],
    ),
    Kernel::volatile(
        "gen_random_uuid",
        &[Overload::new(&[], Returns::Type(BaseType::Uuid), |a| {
            a.make_texts(|_, out| {
                out.push_str(uuid::Uuid::new_v4().hyphenated().encode_lower(&mut [0; 36]));
                Ok(true)
            })
        })],
    ),
];
