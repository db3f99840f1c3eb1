//! Parameters of `Bind` messages as scalar values. How a value is read is `base::value`'s business; this is
//! the choice of form and type. It knows nothing about statements.

use datafusion::common::ScalarValue;

use super::charset::decode_value;
use crate::base::datatype::PgType;
use crate::base::render::Format;
use crate::base::text_style::TextStyle;
use crate::base::value::{arrow_type_of, parse_binary, parse_text};
use crate::base::{Error, ErrorKind, Result};

/// Reads a parameter of a type in a format; no bytes are a null of that type.
pub fn decode_parameter(
    pg_type: PgType,
    format: Format,
    bytes: Option<&[u8]>,
    style: &TextStyle,
) -> Result<ScalarValue> {
    let Some(bytes) = bytes else {
        return ScalarValue::try_from(&arrow_type_of(pg_type))
            .map_err(|error| Error::internal("a parameter type has no null").caused_by(error));
    };
    let decoded = decode_value(style.encoding, pg_type, format, bytes)?;
    let bytes = decoded.as_deref().unwrap_or(bytes);
    match format {
        Format::Binary => parse_binary(pg_type, bytes, style),
        Format::Text => {
            let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
            let text = text.ok_or_else(|| {
                Error::new(
                    ErrorKind::CharacterNotInRepertoire,
                    "a parameter is not valid text in encoding \"UTF8\"",
                )
            })?;
            parse_text(pg_type, text, style)
        }
    }
}

#[cfg(test)]
mod tests;
