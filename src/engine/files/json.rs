//! JSON objects taken apart into names and the texts of their values. Digits of numbers stay as written; what
//! is inside of values is checked and not taken apart.

use serde::de::IgnoredAny;

/// The members of an object, in the order of the text: each name and the raw text of its value.
pub type Members<'a> = Vec<(String, &'a str)>;

/// The members of the object that a text is; `None` for what is no object or not JSON.
pub fn members(text: &str) -> Option<Members<'_>> {
    let text = text.trim();
    let mut rest = text.strip_prefix('{')?.strip_suffix('}')?.trim();
    let mut members = Vec::new();
    if rest.is_empty() {
        return Some(members);
    }
    loop {
        let (name, after) = string(rest)?;
        let value = after.trim_start().strip_prefix(':')?.trim_start();
        let (value, after) = value_of(value)?;
        members.push((unescaped(name)?, value));
        let after = after.trim_start();
        if after.is_empty() {
            return Some(members);
        }
        rest = after.strip_prefix(',')?.trim_start();
    }
}

/// The elements of an array, or the text itself where it is one object.
pub fn documents(text: &str) -> Option<Vec<&str>> {
    let text = text.trim();
    let Some(inner) = text.strip_prefix('[') else { return Some(vec![text]) };
    let mut rest = inner.strip_suffix(']')?.trim();
    let mut elements = Vec::new();
    while !rest.is_empty() {
        let (value, after) = value_of(rest)?;
        elements.push(value);
        let after = after.trim_start();
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None if after.is_empty() => break,
            None => return None,
        }
    }
    Some(elements)
}

/// What a value is as text: a string without its quotes, everything else as it stands; `None` for null.
pub fn text_of(value: &str) -> Option<String> {
    match value.as_bytes() {
        [b'"', ..] => unescaped(value),
        b"null" => None,
        _ => Some(value.to_owned()),
    }
}

/// A value at the beginning of a text, and what follows it.
fn value_of(text: &str) -> Option<(&str, &str)> {
    match text.as_bytes().first()? {
        b'"' => string(text),
        b'{' | b'[' => {
            let (value, rest) = text.split_at(nested_end(text)?);
            serde_json::from_str::<IgnoredAny>(value).ok()?;
            Some((value, rest))
        }
        _ => {
            let is_end = |letter: char| matches!(letter, ',' | '}' | ']') || letter.is_whitespace();
            let (value, rest) = text.split_at(text.find(is_end).unwrap_or(text.len()));
            serde_json::from_str::<IgnoredAny>(value).ok()?;
            Some((value, rest))
        }
    }
}

/// A string with its quotes, and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let mut bytes = text.bytes().enumerate();
    if bytes.next()?.1 != b'"' {
        return None;
    }
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return text.split_at_checked(at + 1),
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    None
}

/// Where an object or array at the beginning of a text ends.
fn nested_end(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut bytes = text.bytes().enumerate();
    let mut is_string = false;
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if is_string => drop(bytes.next()),
            b'"' => is_string = !is_string,
            b'{' | b'[' if !is_string => depth += 1,
            b'}' | b']' if !is_string => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// A string in quotes without its escapes.
fn unescaped(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    match inner.contains('\\') || inner.bytes().any(|byte| byte < b' ') {
        true => serde_json::from_str(text).ok(),
        false => Some(inner.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_taken_apart() {
        let parts = |text| {
            members(text)
                .map(|m| m.into_iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>())
        };
        let text = r#" {"a": 1.50, "b\n":"x,}", "c" : {"d":["]"]}, "e":null} "#;
        let expected = ["a=1.50", "b\n=\"x,}\"", "c={\"d\":[\"]\"]}", "e=null"];
        assert_eq!(parts(text).unwrap(), expected);
        assert_eq!(parts("{}").unwrap(), Vec::<String>::new());
        for broken in
            ["", "[1]", "{\"a\":1", "{\"a\":}", "{\"a\":1,}", "{\"a\":tru}", "{a:1}", "{\"a\":[}"]
        {
            assert_eq!(parts(broken), None, "{broken}");
        }
        assert_eq!(documents("[{\"a\":1}, {\"b\":2}]").unwrap(), ["{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(text_of(r#""a\"b""#).unwrap(), "a\"b");
        assert_eq!((text_of("null"), text_of("12")), (None, Some("12".to_owned())));
    }
}
