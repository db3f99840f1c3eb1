//! Glob patterns over paths, as Hadoop and Databricks write them. They are matched against names, never
//! against a file system.

use std::fmt;

use regex::Regex;

use crate::base::{Error, ErrorKind, Result};

/// A pattern: `*` and `?` within a segment, `**` over segments, `[abc]`, `[^abc]` and `{this,that}`.
#[derive(Debug, Clone)]
pub struct Glob {
    text: String,
    expression: Regex,
    /// How many segments it has; `None` for one that spans any number.
    segments: Option<usize>,
}

impl Glob {
    /// 22023 for a pattern whose brackets do not close.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = || {
            let message = format!("\"{text}\" is not a glob pattern");
            Error::new(ErrorKind::InvalidParameterValue, message)
        };
        let expression = format!("^(?s:{})$", expression_of(text).ok_or_else(invalid)?);
        let expression = Regex::new(&expression).map_err(|cause| invalid().caused_by(cause))?;
        let segments = (!text.contains("**")).then(|| text.split('/').count());
        Ok(Glob { text: text.to_owned(), expression, segments })
    }

    pub fn matches(&self, path: &str) -> bool {
        self.expression.is_match(path)
    }

    /// What is left of a path below the file or folder that the pattern means: empty for a file. `None` where
    /// it means neither.
    pub fn rest<'p>(&self, path: &'p str) -> Option<&'p str> {
        let Some(segments) = self.segments else { return self.matches(path).then_some("") };
        let mut slashes = path.match_indices('/').map(|(at, _)| at);
        let end = slashes.nth(segments - 1).unwrap_or(path.len());
        let (meant, rest) = path.split_at(end);
        self.matches(meant).then(|| rest.trim_start_matches('/'))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The regular expression of a pattern.
fn expression_of(text: &str) -> Option<String> {
    let mut expression = String::with_capacity(text.len() * 2);
    let mut letters = text.chars().peekable();
    let mut depth = 0_usize;
    while let Some(letter) = letters.next() {
        match letter {
            '*' if letters.next_if_eq(&'*').is_some() => match letters.next_if_eq(&'/') {
                Some(_) => expression.push_str("(?:.*/)?"),
                None => expression.push_str(".*"),
            },
            '*' => expression.push_str("[^/]*"),
            '?' => expression.push_str("[^/]"),
            '[' => {
                expression.push('[');
                if letters.next_if(|next| matches!(next, '^' | '!')).is_some() {
                    expression.push_str("^/");
                }
                loop {
                    match letters.next()? {
                        ']' => break,
                        '-' => expression.push('-'),
                        other => expression.push_str(&regex::escape(&other.to_string())),
                    }
                }
                expression.push(']');
            }
            '{' => {
                depth += 1;
                expression.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                expression.push(')');
            }
            ',' if depth > 0 => expression.push('|'),
            '\\' => expression.push_str(&regex::escape(&letters.next()?.to_string())),
            other => expression.push_str(&regex::escape(&other.to_string())),
        }
    }
    (depth == 0).then_some(expression)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        let matches = |pattern: &str, path: &str| Glob::parse(pattern).unwrap().matches(path);
        assert!(matches("*.csv", "a.csv") && !matches("*.csv", "b/a.csv"));
        assert!(matches("**/*.csv", "b/c/a.csv") && matches("**/*.csv", "a.csv"));
        assert!(matches("part-?[0-9].{csv,json}", "part-x7.json"));
        assert!(!matches("part-[^0-9]", "part-7") && matches("part-[!0-9]", "part-x"));
        assert!(matches("a+b(1).txt", "a+b(1).txt") && !matches("a.b", "axb"));
        assert!(Glob::parse("{a").is_err() && Glob::parse("[a").is_err());
    }

    #[test]
    fn a_pattern_of_a_folder_leaves_what_is_below() {
        let rest = |pattern: &str, path: &'static str| Glob::parse(pattern).unwrap().rest(path);
        assert_eq!(rest("2024-*", "2024-01/a.csv"), Some("a.csv"));
        assert_eq!(rest("2024-*", "2024-01"), Some(""));
        assert_eq!(rest("*/*.csv", "x/a.csv"), Some(""));
        assert_eq!(rest("2024-*", "2025/a.csv"), None);
        assert_eq!(rest("**/a*", "x/y/a.csv"), Some(""));
    }
}
