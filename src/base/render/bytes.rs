//! Bytes as text: `bytea` in both output forms, `"char"` and `uuid`. It never reads them back.

use bytes::{BufMut, BytesMut};

use crate::base::text_style::ByteaOutput;

const HEX: &[u8; 16] = b"0123456789abcdef";

fn hex_pair(byte: u8) -> [u8; 2] {
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
    [digit(byte >> 4), digit(byte & 15)]
}

/// Writes a `bytea`: `\x00ff`, or `\000\377` in the older form.
pub fn write_bytea(value: &[u8], output: ByteaOutput, out: &mut BytesMut) {
    match output {
        ByteaOutput::Hex => {
            out.reserve(2 + 2 * value.len());
            out.put_slice(b"\\x");
            for &byte in value {
                out.put_slice(&hex_pair(byte));
            }
        }
        ByteaOutput::Escape => {
            for &byte in value {
                match byte {
                    b'\\' => out.put_slice(b"\\\\"),
                    b' '..=b'~' => out.put_u8(byte),
                    _ => write_octal(byte, out),
                }
            }
        }
    }
}

/// Writes a `"char"`: one byte; what is not ASCII as an octal escape, and zero as nothing.
pub fn write_char(value: u8, out: &mut BytesMut) {
    match value {
        0 => {}
        1..=127 => out.put_u8(value),
        _ => write_octal(value, out),
    }
}

/// Writes a `uuid` in lower case with hyphens.
pub fn write_uuid(value: &[u8], out: &mut BytesMut) {
    for (at, &byte) in value.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.put_u8(b'-');
        }
        out.put_slice(&hex_pair(byte));
    }
}

fn write_octal(byte: u8, out: &mut BytesMut) {
    out.put_slice(&[b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)]);
}
