//! Arrays from text, `{1,NULL,"a b"}`, and from binary, as a flat run of elements with dimensions. It does not
//! read the elements.

use std::borrow::Cow;

use super::syntax::{invalid_binary, shown};
use crate::base::{Error, ErrorKind, Result};

/// PostgreSQL's `MAXDIM`.
pub const DIMENSIONS_MAX: usize = 6;

/// An array whose elements are still bytes.
pub struct ArrayValue<'a> {
    /// The lengths of the dimensions; none for the empty array.
    pub dimensions: Vec<usize>,
    /// The elements in row order; nothing for null.
    pub elements: Vec<Option<Cow<'a, [u8]>>>,
}

/// Reads the text form.
pub fn parse_array_text(text: &[u8]) -> Result<ArrayValue<'_>> {
    let mut reader = Reader { text, rest: text, dimensions: Vec::new(), elements: Vec::new() };
    reader.skip_space();
    if reader.peek() == Some(b'[') {
        // `[0:2]={…}` gives lower bounds, which Arrow's lists do not have.
        let at = text.iter().position(|&byte| byte == b'=');
        let at = at.ok_or_else(|| reader.malformed("Missing \"=\" after array dimensions."))?;
        let bounds = text.get(..at).unwrap_or_default();
        let begins_elsewhere = bounds.split(|&byte| byte == b'[').skip(1).any(|bound| {
            let lower = bound.split(|&byte| byte == b':').next().unwrap_or_default();
            bound.contains(&b':') && lower.trim_ascii() != b"1" && lower.trim_ascii() != b"+1"
        });
        if begins_elsewhere {
            return Err(Error::unsupported("an array whose subscripts do not begin with 1"));
        }
        reader.rest = text.get(at + 1..).unwrap_or_default();
        reader.skip_space();
    }
    if reader.peek() != Some(b'{') {
        return Err(reader.malformed("Array value must start with \"{\" or dimension information."));
    }
    let mut depth_of_elements = None;
    reader.list(0, &mut depth_of_elements)?;
    reader.skip_space();
    if !reader.rest.is_empty() {
        return Err(reader.malformed("Junk after closing right brace."));
    }
    let mut dimensions: Vec<usize> =
        reader.dimensions.into_iter().map(|length| length.unwrap_or(0)).collect();
    if reader.elements.is_empty() {
        dimensions.clear();
    }
    Ok(ArrayValue { dimensions, elements: reader.elements })
}

struct Reader<'a> {
    text: &'a [u8],
    rest: &'a [u8],
    dimensions: Vec<Option<usize>>,
    elements: Vec<Option<Cow<'a, [u8]>>>,
}

impl<'a> Reader<'a> {
    fn malformed(&self, detail: &str) -> Error {
        Error::new(
            ErrorKind::InvalidTextRepresentation,
            format!("malformed array literal: \"{}\"", shown(self.text)),
        )
        .with_detail(detail)
    }

    fn irregular(&self) -> Error {
        self.malformed("Multidimensional arrays must have sub-arrays with matching dimensions.")
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn advance(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t'..=b'\r')) {
            self.advance(1);
        }
    }

    /// Reads from `{` to its `}`.
    fn list(&mut self, depth: usize, depth_of_elements: &mut Option<usize>) -> Result<()> {
        if depth >= DIMENSIONS_MAX {
            return Err(Error::new(
                ErrorKind::ProgramLimitExceeded,
                format!(
                    "number of array dimensions exceeds the maximum allowed ({DIMENSIONS_MAX})"
                ),
            ));
        }
        if self.dimensions.len() <= depth {
            self.dimensions.push(None);
        }
        self.advance(1);
        let mut length = 0;
        self.skip_space();
        while self.peek() != Some(b'}') {
            if length > 0 {
                if self.peek() != Some(b',') {
                    return Err(self.malformed("Unexpected array element."));
                }
                self.advance(1);
                self.skip_space();
            }
            if self.peek() == Some(b'{') {
                self.list(depth + 1, depth_of_elements)?;
            } else {
                if *depth_of_elements.get_or_insert(depth) != depth {
                    return Err(self.irregular());
                }
                let element = self.element()?;
                self.elements.push(element);
            }
            length += 1;
            self.skip_space();
        }
        self.advance(1);
        let known = self.dimensions.get_mut(depth).map(|known| *known.get_or_insert(length));
        if known == Some(length) { Ok(()) } else { Err(self.irregular()) }
    }

    fn element(&mut self) -> Result<Option<Cow<'a, [u8]>>> {
        match self.peek() {
            Some(b'"') => self.quoted().map(|value| Some(Cow::Owned(value))),
            Some(b',' | b'}') | None => Err(self.malformed("Unexpected end of input or element.")),
            Some(_) => self.bare(),
        }
    }

    fn quoted(&mut self) -> Result<Vec<u8>> {
        self.advance(1);
        let mut value = Vec::new();
        loop {
            match self.rest {
                [b'"', ..] => {
                    self.advance(1);
                    return Ok(value);
                }
                [b'\\', byte, ..] => {
                    value.push(*byte);
                    self.advance(2);
                }
                [byte, ..] => {
                    value.push(*byte);
                    self.advance(1);
                }
                [] => return Err(self.malformed("Unexpected end of input.")),
            }
        }
    }

    fn bare(&mut self) -> Result<Option<Cow<'a, [u8]>>> {
        let special = |byte: u8| matches!(byte, b',' | b'}' | b'{' | b'"' | b'\\');
        let length = self.rest.iter().take_while(|&&byte| !special(byte)).count();
        let raw = self.rest.get(..length).unwrap_or_default();
        if !matches!(self.rest.get(length), Some(b',' | b'}' | b'\\')) {
            return Err(self.malformed("Unexpected array element."));
        }
        if self.rest.get(length) == Some(&b'\\') {
            return self.escaped().map(|value| Some(Cow::Owned(value)));
        }
        self.advance(length);
        let end = raw.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
        let value = raw.get(..end).unwrap_or_default();
        Ok((!value.eq_ignore_ascii_case(b"NULL")).then_some(Cow::Borrowed(value)))
    }

    /// An element without quotes that has backslashes: they keep the byte after them.
    fn escaped(&mut self) -> Result<Vec<u8>> {
        let mut value = Vec::new();
        let mut kept = 0;
        loop {
            match self.rest {
                [b'\\', byte, ..] => {
                    value.push(*byte);
                    kept = value.len();
                    self.advance(2);
                }
                [b',' | b'}', ..] => break,
                [b'{' | b'"', ..] | [] | [b'\\'] => {
                    return Err(self.malformed("Unexpected array element."));
                }
                [byte, ..] => {
                    value.push(*byte);
                    self.advance(1);
                }
            }
        }
        let end = value.iter().rposition(|byte| !byte.is_ascii_whitespace()).map_or(0, |at| at + 1);
        value.truncate(end.max(kept));
        Ok(value)
    }
}

/// Reads what `array_send` writes; `oid` is what the elements must be.
pub fn parse_array_binary(bytes: &[u8], oid: u32) -> Result<ArrayValue<'_>> {
    let mut rest = bytes;
    let depth = take_i32(&mut rest)?;
    let _has_nulls = take_i32(&mut rest)?;
    let element_oid = take_i32(&mut rest)? as u32;
    let depth = usize::try_from(depth).ok().filter(|&depth| depth <= DIMENSIONS_MAX);
    let depth = depth.ok_or_else(invalid_binary)?;
    if element_oid != oid {
        return Err(Error::new(
            ErrorKind::DatatypeMismatch,
            format!("binary data has array element type {element_oid} instead of expected {oid}"),
        ));
    }
    let mut dimensions = Vec::with_capacity(depth);
    let mut count = 1usize;
    for _ in 0..depth {
        let length = usize::try_from(take_i32(&mut rest)?).map_err(|_| invalid_binary())?;
        let _lower_bound = take_i32(&mut rest)?;
        count = count.checked_mul(length).ok_or_else(invalid_binary)?;
        dimensions.push(length);
    }
    if depth == 0 || count == 0 {
        dimensions.clear();
        count = 0;
    }
    // Every element has four bytes at least: a count that cannot be true reserves no memory.
    if count > rest.len() / 4 {
        return Err(invalid_binary());
    }
    let mut elements = Vec::with_capacity(count);
    for _ in 0..count {
        elements.push(take_sized(&mut rest)?.map(Cow::Borrowed));
    }
    if rest.is_empty() { Ok(ArrayValue { dimensions, elements }) } else { Err(invalid_binary()) }
}

fn take_i32(rest: &mut &[u8]) -> Result<i32> {
    let (bytes, tail) = rest.split_first_chunk::<4>().ok_or_else(invalid_binary)?;
    *rest = tail;
    Ok(i32::from_be_bytes(*bytes))
}

fn take_sized<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>> {
    let length = take_i32(rest)?;
    if length == -1 {
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| invalid_binary())?;
    let (value, tail) = rest.split_at_checked(length).ok_or_else(invalid_binary)?;
    *rest = tail;
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(Vec<usize>, Vec<Option<String>>)> {
        let value = parse_array_text(text.as_bytes())?;
        let text = |bytes: Cow<'_, [u8]>| String::from_utf8(bytes.into_owned()).unwrap();
        Ok((value.dimensions, value.elements.into_iter().map(|value| value.map(text)).collect()))
    }

    #[test]
    fn elements_are_bare_or_quoted() {
        let some = |text: &str| Some(text.to_owned());
        let (dimensions, elements) =
            parse(r#"{1, NULL,"a b" , "NULL","q\"\\",x\,y ,null}"#).unwrap();
        assert_eq!(dimensions, [7]);
        assert_eq!(
            elements,
            [some("1"), None, some("a b"), some("NULL"), some("q\"\\"), some("x,y"), None]
        );
        assert_eq!(parse("{{1,2},{3,4},{5,6}}").unwrap().0, [3, 2]);
        assert_eq!(parse(" {} ").unwrap(), (vec![], vec![]));
        assert_eq!(parse("[1:2]={7,8}").unwrap().0, [2]);
        assert_eq!(parse("[0:1]={7,8}").unwrap_err().sqlstate(), "0A000");
    }

    #[test]
    fn malformed_texts() {
        for text in
            ["", "1", "{", "{1", "{1,}", "{1}x", "{{1},2}", "{{1,2},{3}}", "{\"a", "{a\"b\"}"]
        {
            assert_eq!(parse(text).unwrap_err().sqlstate(), "22P02", "{text}");
        }
        assert_eq!(parse("{{{{{{{1}}}}}}}").unwrap_err().sqlstate(), "54000");
    }

    #[test]
    fn binary_lengths_are_checked() {
        for bytes in [
            &[0, 0, 0, 1][..],
            &[0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 23],
            &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 127, 255, 255, 255, 0, 0, 0, 1],
        ] {
            assert_eq!(parse_array_binary(bytes, 23).err().unwrap().sqlstate(), "22P03");
        }
    }
}
