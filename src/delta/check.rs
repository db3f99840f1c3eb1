//! CHECK constraints of SQL as the table's properties hold them. A constraint of a Delta table must be true, and NULL is
//! not; one of SQL must not be false. So `q > 0` is kept as `(q > 0) IS NOT FALSE`, which every engine reads alike, and
//! shown without. It evaluates nothing.

/// The prefix of the properties that hold CHECK constraints.
pub const CHECK_PREFIX: &str = "delta.constraints.";

const NOT_FALSE: &str = " IS NOT FALSE";

/// A check of SQL as the property of the table.
pub fn held_check(sql: &str) -> String {
    format!("({sql}){NOT_FALSE}")
}

/// A check as SQL declares it; `None` for one that another engine has declared, which NULL violates.
pub fn declared_check(held: &str) -> Option<&str> {
    let declared = held.strip_suffix(NOT_FALSE)?.strip_prefix('(')?.strip_suffix(')')?;
    is_closed(declared).then_some(declared)
}

/// Whether every parenthesis is closed that is opened, and no other, outside of quotes.
fn is_closed(sql: &str) -> bool {
    let (mut depth, mut quote) = (0_usize, None);
    for character in sql.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return false,
            },
            (None, _) => {}
        }
    }
    depth == 0 && quote.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_reads_back() {
        for sql in
            ["q > 0", "(a) or (b)", "t <> ')'", "t <> ''')'", "\"a)\" is null", "a IS NOT FALSE"]
        {
            assert_eq!(declared_check(&held_check(sql)), Some(sql));
        }
        for others in ["q > 0", "q IS NOT FALSE", "(a) and (b) IS NOT FALSE"] {
            assert_eq!(declared_check(others), None, "{others}");
        }
    }
}
