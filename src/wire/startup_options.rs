//! The `options` startup parameter, which reads like a server's command line: `-c search_path=a --jit=off`.
//! It only takes the text apart; whether a setting exists is decided when it is applied.

use crate::base::{Error, ErrorKind, Result};

/// The settings in `options`, in their order.
///
/// # Errors
/// 42601 for anything but `-c name=value` and `--name=value`.
pub fn parse_options(options: &str) -> Result<Vec<(String, String)>> {
    let mut words = split_words(options).into_iter();
    let mut settings = Vec::new();
    while let Some(word) = words.next() {
        let (option, assignment) = if let Some(long) = word.strip_prefix("--") {
            ("--", long.to_owned())
        } else if word == "-c" {
            ("-c ", words.next().ok_or_else(|| syntax("-c requires a value".to_owned()))?)
        } else if let Some(attached) = word.strip_prefix("-c") {
            ("-c ", attached.to_owned())
        } else {
            return Err(syntax(format!(
                "invalid command-line argument for server process: {word}"
            ))
            .with_hint("Write settings as -c name=value or --name=value."));
        };
        let Some((name, value)) = assignment.split_once('=') else {
            return Err(syntax(format!("{option}{assignment} requires a value")));
        };
        // On a command line, names may have dashes.
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

/// Words between white space; a backslash takes the next character as it is.
fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => word.get_or_insert_default().extend(characters.next()),
            space if space.is_ascii_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

fn syntax(message: String) -> Error {
    Error::new(ErrorKind::SyntaxError, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(options: &str) -> Vec<(String, String)> {
        parse_options(options).unwrap()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn all_spellings_of_a_setting() {
        assert_eq!(parsed(""), []);
        assert_eq!(
            parsed("  -c a=1  -cb=2\t--c=3 "),
            [pair("a", "1"), pair("b", "2"), pair("c", "3")]
        );
        assert_eq!(parsed("--search-path=x"), [pair("search_path", "x")]);
        assert_eq!(parsed(r"-c search_path=a\ b,\\c"), [pair("search_path", r"a b,\c")]);
        assert_eq!(parsed("-c a==b"), [pair("a", "=b")]);
    }

    #[test]
    fn other_words_are_refused() {
        for options in ["-c", "-c a", "--a", "-d 5", "word", "\\"] {
            assert_eq!(parse_options(options).unwrap_err().sqlstate(), "42601", "{options}");
        }
        assert_eq!(parse_options("-c a").unwrap_err().message(), "-c a requires a value");
        assert_eq!(parse_options("--a").unwrap_err().message(), "--a requires a value");
    }
}
