//! A short line of ASCII on the stack, for values whose text has a bound. It knows no type.

use bytes::{BufMut, BytesMut};

/// Room for the longest timestamp with its zone.
const CAPACITY: usize = 96;

/// Text of at most 96 bytes that goes to the output in one piece.
pub struct Ascii {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Ascii {
    pub fn new() -> Ascii {
        Ascii { bytes: [0; CAPACITY], len: 0 }
    }

    #[inline]
    pub fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }

    #[inline]
    pub fn push_str(&mut self, text: &str) {
        if let Some(slot) = self.bytes.get_mut(self.len..self.len + text.len()) {
            slot.copy_from_slice(text.as_bytes());
            self.len += text.len();
        }
    }

    /// A number of two digits.
    #[inline]
    pub fn push_two(&mut self, number: u32) {
        self.push(b'0' + (number / 10 % 10) as u8);
        self.push(b'0' + (number % 10) as u8);
    }

    /// A number with at least four digits, as years have.
    #[inline]
    pub fn push_year(&mut self, year: u64) {
        if year < 10_000 {
            self.push_two((year / 100) as u32);
            self.push_two((year % 100) as u32);
        } else {
            self.push_str(itoa::Buffer::new().format(year));
        }
    }

    /// `.123456` without trailing zeros; nothing for 0.
    #[inline]
    pub fn push_fraction(&mut self, micros: u32) {
        if micros == 0 {
            return;
        }
        self.push(b'.');
        self.push_two(micros / 10_000);
        self.push_two(micros / 100 % 100);
        self.push_two(micros % 100);
        while self.len > 0 && self.bytes.get(self.len - 1) == Some(&b'0') {
            self.len -= 1;
        }
    }

    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    #[inline]
    pub fn write_to(&self, out: &mut BytesMut) {
        out.put_slice(self.as_bytes());
    }
}
