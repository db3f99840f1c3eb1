//! The order of `jsonb` as bytes: documents are in the order of their keys, and equal where those are. The ranks are
//! Object > Array > Boolean > Number > String > Null, with an empty array below all at the top. It compares nothing.

use super::item::Item;

/// Ends a text, below every byte of a longer one.
const END: [u8; 2] = [0, 0];
/// A zero byte inside a text.
const ZERO: [u8; 2] = [0, 1];

/// Writes the key of a document.
pub fn write_key(document: &Item, out: &mut Vec<u8>) {
    match document {
        Item::Array(elements) if elements.is_empty() => out.push(0),
        document => write(document, out),
    }
}

fn write(item: &Item, out: &mut Vec<u8>) {
    match item {
        Item::Null => out.push(1),
        Item::String(text) => {
            out.push(2);
            write_text(text, out);
        }
        Item::Number(digits) => {
            out.push(3);
            write_number(digits, out);
        }
        Item::Bool(value) => out.extend([4, u8::from(*value)]),
        Item::Array(elements) => {
            out.push(5);
            write_count(elements.len(), out);
            elements.iter().for_each(|element| write(element, out));
        }
        Item::Object(members) => {
            out.push(6);
            write_count(members.len(), out);
            for (key, value) in members {
                write_text(key, out);
                write(value, out);
            }
        }
    }
}

fn write_count(count: usize, out: &mut Vec<u8>) {
    out.extend(u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            0 => out.extend(ZERO),
            byte => out.push(byte),
        }
    }
    out.extend(END);
}

/// Sign, place of the first digit, digits without zeros around them; all but the sign upside down for negative
/// numbers.
fn write_number(text: &str, out: &mut Vec<u8>) {
    let (is_negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().unwrap_or(0)),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let significant = digits.trim_matches('0');
    if significant.is_empty() {
        out.push(1);
        return;
    }
    let place = whole.len() as i64 - leading as i64 + exponent;
    let place = (place ^ i64::MIN).to_be_bytes();
    let key = place.into_iter().chain(significant.bytes()).chain([0]);
    out.push(if is_negative { 0 } else { 2 });
    out.extend(key.map(|byte| if is_negative { !byte } else { byte }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_documents_are() {
        let documents = [
            "[]",
            "null",
            "\"\"",
            "\"a\"",
            "\"a\\u0001\"",
            "\"ab\"",
            "-10",
            "-9.5",
            "-1e-3",
            "0",
            "0.5",
            "1",
            "9",
            "10",
            "1e3",
            "false",
            "true",
            "[null]",
            "[1]",
            "[[]]",
            "[1, 2]",
            "{}",
            "{\"a\": 1}",
            "{\"a\": 2}",
            "{\"b\": 1}",
            "{\"a\": 1, \"b\": 2}",
        ];
        let key = |text: &str| {
            let mut out = Vec::new();
            write_key(&Item::parse(text).unwrap(), &mut out);
            out
        };
        for pair in documents.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(key("1.0"), key("10e-1"));
        assert_eq!(key("0.00"), key("-0"));
    }
}
