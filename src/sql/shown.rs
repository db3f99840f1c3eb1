//! The text of a statement as others may see it while it runs: without the secrets that it may hold.

use std::borrow::Cow;

/// Words of the statements that hold secrets.
const TELLING: [&str; 2] = ["credential", "password"];

/// How much of a text is looked at: others see less.
const LOOK_BYTES_MAX: usize = 4096;

/// The beginning of a text, up to its first literal where it may hold a secret.
pub fn shown(text: &str) -> Cow<'_, str> {
    let text = text.get(..text.floor_char_boundary(LOOK_BYTES_MAX)).unwrap_or_default();
    let lower = text.to_ascii_lowercase();
    if !TELLING.iter().any(|word| lower.contains(word)) {
        return Cow::Borrowed(text);
    }
    match text.find(['\'', '$']) {
        Some(literal) => Cow::Owned(format!("{}…", text.get(..literal).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn statements_with_secrets_end_before_their_literals() {
        assert_eq!(shown("SELECT 'a'"), "SELECT 'a'");
        assert_eq!(shown("ALTER USER a PASSWORD 'hunter2'"), "ALTER USER a PASSWORD …");
        let created = "create storage Credential c with (secret_access_key $$hunter2$$)";
        assert_eq!(shown(created), "create storage Credential c with (secret_access_key …");
    }
}
