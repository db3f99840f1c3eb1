//! One reader for each pair of PostgreSQL and Arrow type: it takes the text or binary form of a value and
//! keeps it in a typed Arrow builder. Types are looked at when a sink is made, never per value.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, ArrowPrimitiveType, BinaryBuilder, BinaryViewBuilder, BooleanBuilder,
    FixedSizeBinaryBuilder, LargeBinaryBuilder, LargeStringBuilder, PrimitiveBuilder,
    StringBuilder, StringViewBuilder,
};
use datafusion::arrow::datatypes::*;
use serde::de::IgnoredAny;

use super::bytes::{parse_bytea, parse_char, parse_uuid};
use super::datetime::{parse_date, parse_time, parse_timestamp, parse_timestamptz};
use super::interval::parse_interval;
use super::json::Json;
use super::network::{Network, macaddr_text, parse_macaddr};
use super::number::{fixed, parse_bool, parse_f32, parse_f64, parse_integer, parse_oid};
use super::numeric::{Decimal128Bound, Number, decimal_256};
use super::syntax::{
    datetime_out_of_range, invalid_binary, invalid_text, number_out_of_range, utf8,
};
use super::zoned_time::ZonedTime;
use crate::base::calendar::{MICROS_PER_DAY, POSTGRES_EPOCH_DAYS, POSTGRES_EPOCH_MICROS};
use crate::base::datatype::BaseType;
use crate::base::render::IntervalValue;
use crate::base::text_style::TextStyle;
use crate::base::{Error, ErrorKind, Result};

/// Takes the values of one column.
pub trait Sink: Send {
    fn null(&mut self);
    fn text(&mut self, text: &[u8]) -> Result<()>;
    fn binary(&mut self, bytes: &[u8]) -> Result<()>;
    /// The column, and an empty sink.
    fn finish(&mut self) -> Result<ArrayRef>;
}

/// A sink of `data_type` for values of `base`.
pub fn sink_of(base: BaseType, data_type: &DataType, style: &TextStyle) -> Result<Box<dyn Sink>> {
    let style = *style;
    let sink: Option<Box<dyn Sink>> = match data_type {
        DataType::Boolean => {
            (base == BaseType::Bool).then(|| Box::new(BooleanBuilder::new()) as Box<dyn Sink>)
        }
        DataType::Int8 => integer::<Int8Type>(base),
        DataType::Int16 => integer::<Int16Type>(base),
        DataType::Int32 => integer::<Int32Type>(base),
        DataType::Int64 => integer::<Int64Type>(base),
        DataType::UInt8 => integer::<UInt8Type>(base),
        DataType::UInt16 => integer::<UInt16Type>(base),
        DataType::UInt32 => integer::<UInt32Type>(base),
        DataType::UInt64 => unsigned_64(),
        DataType::Float32 => Some(primitive::<Float32Type>(data_type, parse_f32, |bytes| {
            Ok(f32::from_be_bytes(fixed(bytes)?))
        })),
        DataType::Float64 => Some(primitive::<Float64Type>(data_type, parse_f64, |bytes| {
            Ok(f64::from_be_bytes(fixed(bytes)?))
        })),
        DataType::Decimal128(precision, scale) => {
            let bound = Decimal128Bound::new(*precision, *scale);
            Some(primitive::<Decimal128Type>(
                data_type,
                move |text| bound.parse(text),
                move |bytes| bound.fit(&Number::parse_binary(bytes)?),
            ))
        }
        DataType::Decimal256(precision, scale) => {
            let (precision, scale) = (*precision, *scale);
            Some(primitive::<Decimal256Type>(
                data_type,
                move |text| decimal_256(&Number::parse(text)?, precision, scale),
                move |bytes| decimal_256(&Number::parse_binary(bytes)?, precision, scale),
            ))
        }
        DataType::Date32 => Some(primitive::<Date32Type>(
            data_type,
            move |text| parse_date(text, &style),
            binary_date,
        )),
        DataType::Time64(TimeUnit::Microsecond) => Some(primitive::<Time64MicrosecondType>(
            data_type,
            move |text| parse_time(text, &style),
            binary_time,
        )),
        DataType::Timestamp(unit, zone) => Some(timestamp(data_type, *unit, zone.is_some(), style)),
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            Some(primitive::<IntervalMonthDayNanoType>(
                data_type,
                move |text| parse_interval(text, &style)?.month_day_nano(),
                binary_interval,
            ))
        }
        _ => strings_or_bytes(base, data_type, &style),
    };
    sink.ok_or_else(|| {
        Error::unsupported(format!("reading {} into a column of type {data_type}", base.sql_name()))
    })
}

fn strings_or_bytes(
    base: BaseType,
    data_type: &DataType,
    style: &TextStyle,
) -> Option<Box<dyn Sink>> {
    Some(match data_type {
        DataType::Utf8 => {
            Box::new(Strings { builder: StringBuilder::new(), form: Form::of(base, style) })
        }
        DataType::LargeUtf8 => {
            Box::new(Strings { builder: LargeStringBuilder::new(), form: Form::of(base, style) })
        }
        DataType::Utf8View => {
            Box::new(Strings { builder: StringViewBuilder::new(), form: Form::of(base, style) })
        }
        DataType::Binary => Box::new(Bytes { builder: BinaryBuilder::new() }),
        DataType::LargeBinary => Box::new(Bytes { builder: LargeBinaryBuilder::new() }),
        DataType::BinaryView => Box::new(Bytes { builder: BinaryViewBuilder::new() }),
        DataType::FixedSizeBinary(16) if base == BaseType::Uuid => {
            Box::new(Uuids { builder: FixedSizeBinaryBuilder::new(16) })
        }
        _ => return None,
    })
}

impl Sink for BooleanBuilder {
    fn null(&mut self) {
        self.append_null();
    }

    fn text(&mut self, text: &[u8]) -> Result<()> {
        self.append_value(parse_bool(text)?);
        Ok(())
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<()> {
        let [value] = fixed(bytes)?;
        self.append_value(value != 0);
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(BooleanBuilder::finish(self)))
    }
}

/// A column of numbers, each read by one of two functions.
struct Primitive<T: ArrowPrimitiveType, P, Q> {
    builder: PrimitiveBuilder<T>,
    parse: P,
    receive: Q,
}

fn primitive<T: ArrowPrimitiveType>(
    data_type: &DataType,
    parse: impl Fn(&[u8]) -> Result<T::Native> + Send + 'static,
    receive: impl Fn(&[u8]) -> Result<T::Native> + Send + 'static,
) -> Box<dyn Sink> {
    let builder = PrimitiveBuilder::<T>::new().with_data_type(data_type.clone());
    Box::new(Primitive { builder, parse, receive })
}

impl<T, P, Q> Sink for Primitive<T, P, Q>
where
    T: ArrowPrimitiveType,
    P: Fn(&[u8]) -> Result<T::Native> + Send,
    Q: Fn(&[u8]) -> Result<T::Native> + Send,
{
    fn null(&mut self) {
        self.builder.append_null();
    }

    fn text(&mut self, text: &[u8]) -> Result<()> {
        self.builder.append_value((self.parse)(text)?);
        Ok(())
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<()> {
        self.builder.append_value((self.receive)(bytes)?);
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.builder.finish()))
    }
}

fn integer<T: ArrowPrimitiveType>(base: BaseType) -> Option<Box<dyn Sink>>
where
    T::Native: TryFrom<i64>,
{
    let narrow = |value: i64, text: &[u8], name: &str| {
        T::Native::try_from(value).map_err(|_| number_out_of_range(name, text))
    };
    let name = match (base, &T::DATA_TYPE) {
        (BaseType::Int2, DataType::Int8 | DataType::UInt8) => "tinyint",
        _ => base.sql_name(),
    };
    let received =
        move |value: i64| narrow(value, itoa::Buffer::new().format(value).as_bytes(), name);
    Some(match base {
        BaseType::Int2 => primitive::<T>(
            &T::DATA_TYPE,
            move |text| parse_integer(text, name),
            move |bytes| received(i16::from_be_bytes(fixed(bytes)?).into()),
        ),
        BaseType::Int4 => primitive::<T>(
            &T::DATA_TYPE,
            move |text| parse_integer(text, name),
            move |bytes| received(i32::from_be_bytes(fixed(bytes)?).into()),
        ),
        BaseType::Int8 => primitive::<T>(
            &T::DATA_TYPE,
            move |text| parse_integer(text, name),
            move |bytes| received(i64::from_be_bytes(fixed(bytes)?)),
        ),
        BaseType::Oid
        | BaseType::Xid
        | BaseType::Regproc
        | BaseType::Regclass
        | BaseType::Regtype
        | BaseType::Regnamespace
        | BaseType::Regprocedure
        | BaseType::Regoper
        | BaseType::Regoperator
        | BaseType::Regcollation
        | BaseType::Regrole => primitive::<T>(
            &T::DATA_TYPE,
            move |text| narrow(parse_oid(text, name)?.into(), text, name),
            move |bytes| received(u32::from_be_bytes(fixed(bytes)?).into()),
        ),
        _ => return None,
    })
}

/// `numeric(20,0)` is how clients see unsigned 64-bit integers.
fn unsigned_64() -> Option<Box<dyn Sink>> {
    let narrow = |number: Number| {
        let value = Decimal128Bound::new(20, 0).fit(&number)?;
        u64::try_from(value).map_err(|_| {
            Error::new(ErrorKind::NumericValueOutOfRange, "value is out of range for type ubigint")
        })
    };
    Some(primitive::<UInt64Type>(
        &DataType::UInt64,
        move |text| narrow(Number::parse(text)?),
        move |bytes| narrow(Number::parse_binary(bytes)?),
    ))
}

fn timestamp(
    data_type: &DataType,
    unit: TimeUnit,
    has_zone: bool,
    style: TextStyle,
) -> Box<dyn Sink> {
    let (multiply, divide) = match unit {
        TimeUnit::Second => (1, 1_000_000),
        TimeUnit::Millisecond => (1, 1_000),
        TimeUnit::Microsecond => (1, 1),
        TimeUnit::Nanosecond => (1_000, 1),
    };
    let scaled = move |micros: i64, text: &[u8]| {
        let value = micros.div_euclid(divide).checked_mul(multiply);
        value.ok_or_else(|| datetime_out_of_range("timestamp", text))
    };
    let parse = move |text: &[u8]| {
        let micros = if has_zone {
            parse_timestamptz(text, &style)?
        } else {
            parse_timestamp(text, &style)?
        };
        scaled(micros, text)
    };
    let receive = move |bytes: &[u8]| {
        let since_2000 = i64::from_be_bytes(fixed(bytes)?);
        // PostgreSQL's infinities are the two ends of the range.
        let micros =
            since_2000.checked_add(POSTGRES_EPOCH_MICROS).filter(|_| since_2000 > i64::MIN);
        scaled(micros.ok_or_else(infinite_binary)?, b"")
    };
    match unit {
        TimeUnit::Second => primitive::<TimestampSecondType>(data_type, parse, receive),
        TimeUnit::Millisecond => primitive::<TimestampMillisecondType>(data_type, parse, receive),
        TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(data_type, parse, receive),
        TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(data_type, parse, receive),
    }
}

fn infinite_binary() -> Error {
    Error::new(ErrorKind::DatetimeFieldOverflow, "infinite dates and timestamps are not supported")
        .with_hint("Use a date in the far future or past instead.")
}

fn binary_date(bytes: &[u8]) -> Result<i32> {
    let since_2000 = i32::from_be_bytes(fixed(bytes)?);
    let days = since_2000.checked_add(POSTGRES_EPOCH_DAYS as i32);
    days.filter(|_| since_2000 > i32::MIN).ok_or_else(infinite_binary)
}

fn binary_time(bytes: &[u8]) -> Result<i64> {
    let micros = i64::from_be_bytes(fixed(bytes)?);
    Some(micros)
        .filter(|micros| (0..=MICROS_PER_DAY).contains(micros))
        .ok_or_else(|| Error::new(ErrorKind::DatetimeFieldOverflow, "time out of range"))
}

fn binary_interval(bytes: &[u8]) -> Result<IntervalMonthDayNano> {
    let bytes: [u8; 16] = fixed(bytes)?;
    let number = bytes.iter().fold(0u128, |number, &byte| number << 8 | u128::from(byte));
    let value = IntervalValue {
        micros: (number >> 64) as u64 as i64,
        days: (number >> 32) as u32 as i32,
        months: number as u32 as i32,
    };
    value.month_day_nano()
}

/// What a column of strings does with its values.
#[derive(Clone, Copy)]
enum Form {
    Plain,
    Json,
    Jsonb,
    Uuid,
    Inet,
    Cidr,
    Macaddr,
    Timetz(TextStyle),
    Char,
}

impl Form {
    fn of(base: BaseType, style: &TextStyle) -> Form {
        match base {
            BaseType::Json => Form::Json,
            BaseType::Jsonb => Form::Jsonb,
            BaseType::Uuid => Form::Uuid,
            BaseType::Inet => Form::Inet,
            BaseType::Cidr => Form::Cidr,
            BaseType::Macaddr => Form::Macaddr,
            BaseType::Timetz => Form::Timetz(*style),
            BaseType::Char => Form::Char,
            _ => Form::Plain,
        }
    }
}

/// A builder of strings of any kind.
trait PushStr: Send {
    fn push_str(&mut self, text: &str);
    fn push_null(&mut self);
    fn finished(&mut self) -> ArrayRef;
}

/// A builder of byte strings of any kind.
trait PushBytes: Send {
    fn push_bytes(&mut self, bytes: &[u8]);
    fn push_null(&mut self);
    fn finished(&mut self) -> ArrayRef;
}

macro_rules! push_str {
    ($($builder:ty),*) => {$(
        impl PushStr for $builder {
            fn push_str(&mut self, text: &str) {
                self.append_value(text);
            }

            fn push_null(&mut self) {
                self.append_null();
            }

            fn finished(&mut self) -> ArrayRef {
                Arc::new(self.finish())
            }
        }
    )*};
}

macro_rules! push_bytes {
    ($($builder:ty),*) => {$(
        impl PushBytes for $builder {
            fn push_bytes(&mut self, bytes: &[u8]) {
                self.append_value(bytes);
            }

            fn push_null(&mut self) {
                self.append_null();
            }

            fn finished(&mut self) -> ArrayRef {
                Arc::new(self.finish())
            }
        }
    )*};
}

push_str!(StringBuilder, LargeStringBuilder, StringViewBuilder);
push_bytes!(BinaryBuilder, LargeBinaryBuilder, BinaryViewBuilder);

/// Uuids in sixteen bytes.
struct Uuids {
    builder: FixedSizeBinaryBuilder,
}

impl Sink for Uuids {
    fn null(&mut self) {
        self.builder.append_null();
    }

    fn text(&mut self, text: &[u8]) -> Result<()> {
        self.binary(&parse_uuid(utf8(text)?)?)
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<()> {
        self.builder.append_value(bytes).map_err(|_| invalid_binary())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.builder.finish()))
    }
}

struct Strings<B> {
    builder: B,
    form: Form,
}

impl<B: PushStr> Sink for Strings<B> {
    fn null(&mut self) {
        self.builder.push_null();
    }

    fn text(&mut self, text: &[u8]) -> Result<()> {
        let text = utf8(text)?;
        match self.form {
            Form::Plain => self.builder.push_str(text),
            Form::Json => self.builder.push_str(checked_json(text, "json")?),
            Form::Jsonb => self.builder.push_str(&Json::parse(text)?.binary_form()),
            Form::Uuid => {
                let uuid = uuid::Uuid::from_bytes(parse_uuid(text)?);
                self.builder.push_str(uuid.hyphenated().encode_lower(&mut [0; 36]));
            }
            Form::Inet => self.builder.push_str(&Network::parse_inet(text)?.inet_text()),
            Form::Cidr => self.builder.push_str(&Network::parse_cidr(text)?.cidr_text()),
            Form::Macaddr => self.builder.push_str(&macaddr_text(parse_macaddr(text)?)),
            Form::Timetz(style) => {
                self.builder.push_str(&ZonedTime::parse(text.as_bytes(), &style)?.text());
            }
            Form::Char => self.builder.push_str(&parse_char(text.as_bytes())?),
        }
        Ok(())
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<()> {
        match self.form {
            Form::Plain | Form::Json => self.text(bytes),
            Form::Jsonb => match bytes.split_first() {
                Some((1, text)) => self.text(text),
                _ => Err(invalid_binary()),
            },
            Form::Uuid => {
                let uuid = uuid::Uuid::from_bytes(fixed(bytes)?);
                self.builder.push_str(uuid.hyphenated().encode_lower(&mut [0; 36]));
                Ok(())
            }
            Form::Inet => {
                self.builder.push_str(&Network::parse_binary(bytes, false)?.inet_text());
                Ok(())
            }
            Form::Cidr => {
                self.builder.push_str(&Network::parse_binary(bytes, true)?.cidr_text());
                Ok(())
            }
            Form::Macaddr => {
                self.builder.push_str(&macaddr_text(fixed(bytes)?));
                Ok(())
            }
            Form::Timetz(_) => {
                self.builder.push_str(&ZonedTime::parse_binary(fixed(bytes)?)?.text());
                Ok(())
            }
            Form::Char => {
                let byte: [u8; 1] = fixed(bytes)?;
                self.builder.push_str(if byte == [0] { "" } else { utf8(&byte)? });
                Ok(())
            }
        }
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(self.builder.finished())
    }
}

/// The text itself, when it is JSON.
pub fn checked_json<'a>(text: &'a str, type_name: &str) -> Result<&'a str> {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(text),
        Err(error) => {
            Json::parse(text)?;
            Err(invalid_text(type_name, text.as_bytes())
                .with_detail(format!("The JSON parser says: {error}.")))
        }
    }
}

struct Bytes<B> {
    builder: B,
}

impl<B: PushBytes> Sink for Bytes<B> {
    fn null(&mut self) {
        self.builder.push_null();
    }

    fn text(&mut self, text: &[u8]) -> Result<()> {
        self.builder.push_bytes(&parse_bytea(text)?);
        Ok(())
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<()> {
        self.builder.push_bytes(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(self.builder.finished())
    }
}
