//! Errors and notices as protocol messages. It decides neither what went wrong nor how grave it is.

use bytes::{BufMut, BytesMut};

use crate::base::Error;

/// How grave an ErrorResponse or NoticeResponse is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The statement failed.
    Error,
    /// The session ends.
    Fatal,
    Warning,
    Notice,
}

impl Severity {
    /// The word in the message, which is never translated here.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "ERROR",
            Severity::Fatal => "FATAL",
            Severity::Warning => "WARNING",
            Severity::Notice => "NOTICE",
        }
    }

    fn message_type(self) -> u8 {
        match self {
            Severity::Error | Severity::Fatal => b'E',
            Severity::Warning | Severity::Notice => b'N',
        }
    }
}

/// What is said of a prepared statement whose relations have changed.
const STALE_PLAN: &str = "cached plan must not change result type";

/// Writes an ErrorResponse.
pub fn write_error(out: &mut BytesMut, error: &Error, severity: Severity) {
    write_message(out, severity, error.sqlstate(), |fields| {
        fields.put(b'M', error.message());
        if let Some(detail) = error.detail() {
            fields.put(b'D', detail);
        }
        if let Some(hint) = error.hint() {
            fields.put(b'H', hint);
        }
        if let Some(position) = error.position() {
            fields.put(b'P', &position.to_string());
        }
        let object = error.object();
        let named = [
            (b's', &object.schema),
            (b't', &object.table),
            (b'c', &object.column),
            (b'n', &object.constraint),
        ];
        for (field, name) in named {
            if let Some(name) = name {
                fields.put(field, name);
            }
        }
        // Drivers prepare such a statement anew, and know the error by the routine of PostgreSQL's that raises it.
        if error.message() == STALE_PLAN {
            fields.put(b'R', "RevalidateCachedQuery");
        }
    });
}

/// Writes a NoticeResponse. `sqlstate` is `00000` for what is no warning, `01000` for a general warning.
pub fn write_notice(out: &mut BytesMut, severity: Severity, sqlstate: &str, message: &str) {
    write_message(out, severity, sqlstate, |fields| fields.put(b'M', message));
}

fn write_message(
    out: &mut BytesMut,
    severity: Severity,
    sqlstate: &str,
    more: impl FnOnce(&mut Fields<'_>),
) {
    out.put_u8(severity.message_type());
    let start = out.len();
    out.put_i32(0);
    let mut fields = Fields(out);
    fields.put(b'S', severity.as_str());
    fields.put(b'V', severity.as_str());
    fields.put(b'C', sqlstate);
    more(&mut fields);
    out.put_u8(0);
    super::socket::set_length(out, start);
}

struct Fields<'a>(&'a mut BytesMut);

impl Fields<'_> {
    /// A zero byte would end the field, and what follows would be read as fields.
    fn put(&mut self, field: u8, text: &str) {
        self.0.put_u8(field);
        text.split('\0').for_each(|part| self.0.put_slice(part.as_bytes()));
        self.0.put_u8(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ErrorKind;

    #[test]
    fn writes_all_fields() {
        let error = Error::new(ErrorKind::SyntaxError, "syntax\0Cevil")
            .with_detail("Detail.")
            .with_hint("Hint.")
            .at(7);
        let mut out = BytesMut::from(&b"before"[..]);
        write_error(&mut out, &error, Severity::Fatal);
        let expected = b"beforeE\0\0\0\x45SFATAL\0VFATAL\0C42601\0Msyntaxe\0";
        assert_eq!(out[..6], expected[..6]);
        let body = &out[11..];
        let length = u32::from_be_bytes([out[7], out[8], out[9], out[10]]);
        assert_eq!(length as usize, body.len() + 4);
        assert_eq!(body, b"SFATAL\0VFATAL\0C42601\0MsyntaxCevil\0DDetail.\0HHint.\0P7\0\0");
    }
}
