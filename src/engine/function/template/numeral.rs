//! Roman numerals, as `RN` writes them, and the endings of ordinal numbers, as `TH` does.

/// The numeral of 1 to 3999.
pub fn roman(number: u32) -> Option<String> {
    const LETTERS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..=3999).contains(&number) {
        return None;
    }
    let (mut rest, mut numeral) = (number, String::new());
    for (value, letters) in LETTERS {
        while rest >= value {
            numeral.push_str(letters);
            rest -= value;
        }
    }
    Some(numeral)
}

/// `st`, `nd`, `rd` or `th`, by the last digits.
pub fn ordinal_ending(digits: &str) -> &'static str {
    let bytes = digits.as_bytes();
    let teen = bytes.len() > 1 && bytes.get(bytes.len() - 2) == Some(&b'1');
    match bytes.last() {
        _ if teen => "th",
        Some(b'1') => "st",
        Some(b'2') => "nd",
        Some(b'3') => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals_and_endings() {
        assert_eq!(roman(1994).as_deref(), Some("MCMXCIV"));
        assert_eq!(roman(4000), None);
        let endings = ["1", "2", "3", "11", "12", "13", "21", "0"].map(ordinal_ending);
        assert_eq!(endings, ["st", "nd", "rd", "th", "th", "th", "st", "th"]);
    }
}
