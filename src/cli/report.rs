//! How an error reaches the person at the terminal.

use std::error::Error as _;
use std::io::{Write, stderr};

use crate::base::Error;

/// Prints the error, its details, its causes and what to do, each on lines of their own.
pub fn error(error: &Error) {
    // Nobody reads an error about standard error.
    let _ = stderr().write_all(text(error).as_bytes());
}

fn text(error: &Error) -> String {
    let mut text = format!("lakegate: error: {}\n", error.message());
    for line in error.detail().unwrap_or_default().lines() {
        text.push_str(&format!("detail: {line}\n"));
    }
    // Whoever runs the command owns the machine: unlike a client, they may see what lies beneath.
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!("cause: {}\n", cause.to_string().replace('\n', " ")));
        source = cause.source();
    }
    for line in error.hint().unwrap_or_default().lines() {
        text.push_str(&format!("hint: {line}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ErrorKind;

    #[test]
    fn each_part_has_its_line() {
        let error = Error::new(ErrorKind::ConfigFileError, "the configuration has 2 errors")
            .with_detail("a.\nb.")
            .with_hint("Mend it.")
            .caused_by("disk");
        assert_eq!(
            text(&error),
            "lakegate: error: the configuration has 2 errors\ndetail: a.\ndetail: b.\ncause: disk\n\
             hint: Mend it.\n"
        );
    }
}
