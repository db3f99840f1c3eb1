//! Clauses that have several spellings, put into the one that the grammar reads: `TABLE t`, time travel,
//! `OPERATOR(pg_catalog.x)`, `pg_catalog.current_user()`, `ISNULL`, `FROM ONLY t`, `VARIADIC x`, a bare `SELECT` and
//! `FETCH FIRST (n)`. This works on tokens, before anything is parsed.

use std::collections::VecDeque;

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::rewrite::ROWS_FROM;

/// The tokens still to be read.
type Tokens = VecDeque<TokenWithSpan>;

/// The same statement in the spellings that the grammar reads.
pub fn plain(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut plain: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let inserts = keyword(tokens.first()) == Keyword::INSERT;
    let copies_into =
        keyword(tokens.first()) == Keyword::COPY && keyword(tokens.get(1)) == Keyword::INTO;
    let mut rest = Tokens::from(flat_grouping_sets(tokens));
    while let Some(token) = rest.pop_front() {
        let before = keyword(plain.last());
        match keyword(Some(&token)) {
            Keyword::TABLE if is_table_query(&plain, inserts) && is_name(rest.front()) => {
                for word in ["SELECT", "*", "FROM"] {
                    let plain_token =
                        if word == "*" { Token::Mul } else { Token::make_word(word, None) };
                    plain.push(TokenWithSpan { token: plain_token, span: token.span });
                }
            }
            Keyword::OF if before == Keyword::AS => {
                plain_as_of(&mut plain);
                plain.push(token);
                number_after_of(&plain, &mut rest);
            }
            Keyword::FROM if is_rows_from(&plain, &rest) => {
                plain.pop();
                let function = Token::make_word(ROWS_FROM, None);
                plain.push(TokenWithSpan { token: function, span: token.span });
            }
            Keyword::FROM if copies_into && is_inside(&plain) && is_string(rest.front()) => {
                plain.push(token);
                plain.extend(files_in(&mut rest));
            }
            Keyword::OPERATOR => match named_operator(&mut rest) {
                Some(operator) => plain.push(operator),
                None => plain.push(token),
            },
            Keyword::SELECT if selects_nothing(rest.front()) => {
                let span = token.span;
                plain.push(token);
                plain.extend(one_row().map(|token| TokenWithSpan { token, span }));
            }
            Keyword::FOR => {
                plain.push(token);
                plain_row_lock(&mut plain, &mut rest);
            }
            Keyword::FIRST | Keyword::NEXT if before == Keyword::FETCH => {
                plain.push(token);
                plain_count(&mut plain, &mut rest);
            }
            Keyword::PRECEDING | Keyword::FOLLOWING => {
                // `'1 year'::interval PRECEDING`: the grammar takes the text alone.
                if let [.., value, cast, kind] = plain.as_slice()
                    && is_string(Some(value))
                    && cast.token == Token::DoubleColon
                    && is_name(Some(kind))
                {
                    plain.truncate(plain.len() - 2);
                }
                plain.push(token);
            }
            Keyword::USING if direction(rest.front()).is_some() => {
                let operator = rest.pop_front();
                plain.extend(direction(operator.as_ref()).map(|word| TokenWithSpan {
                    token: Token::make_word(word, None),
                    span: token.span,
                }));
            }
            Keyword::EXCLUDE if frame_as_it_is(&rest) => {
                rest.drain(..2);
            }
            // No table has descendants.
            Keyword::ONLY if names_a_relation(plain.last()) && is_relation(rest.front()) => {}
            Keyword::VARIADIC if opens_argument(plain.last()) => {
                let span = token.span;
                plain.push(token);
                plain.push(TokenWithSpan { token: Token::RArrow, span });
            }
            _ if token.token == Token::Mul && is_with_descendants(&plain, rest.front()) => {}
            Keyword::CURRENT_USER | Keyword::SESSION_USER | Keyword::USER
                if is_qualified(&plain) && is_call(&rest) =>
            {
                plain.truncate(plain.len().saturating_sub(2));
                plain.push(token);
                rest.drain(..2);
            }
            _ if is_null_test(plain.last(), &token, rest.front()) => {
                plain.push(TokenWithSpan { token: Token::make_word("IS", None), ..token.clone() });
                plain.push(TokenWithSpan { token: Token::make_word("NULL", None), ..token });
            }
            _ if token.token == Token::AtSign => match at_version(&plain, &token, rest.front()) {
                Some(clause) => {
                    rest.pop_front();
                    plain.extend(clause);
                }
                None => plain.push(token),
            },
            _ => plain.push(token),
        }
    }
    plain
}

/// GROUPING SETS inside GROUPING SETS without its words and parentheses: the sets are those of both.
fn flat_grouping_sets(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    if !tokens.iter().any(|token| keyword(Some(token)) == Keyword::SETS) {
        return tokens;
    }
    /// What a parenthesis that is open belongs to.
    #[derive(Clone, Copy, PartialEq)]
    enum Open {
        Sets,
        InnerSets,
        Other,
    }
    let mut open: Vec<Open> = Vec::new();
    let mut flat: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    for token in tokens {
        match token.token {
            Token::LParen => {
                let is_sets = keyword(flat.last()) == Keyword::SETS;
                let is_inside = matches!(open.last(), Some(Open::Sets | Open::InnerSets));
                open.push(match (is_sets, is_inside) {
                    (true, true) => Open::InnerSets,
                    (true, false) => Open::Sets,
                    (false, _) => Open::Other,
                });
                if is_sets && is_inside {
                    flat.truncate(flat.len().saturating_sub(2));
                    continue;
                }
            }
            Token::RParen if open.pop() == Some(Open::InnerSets) => continue,
            _ => {}
        }
        flat.push(token);
    }
    flat
}

fn keyword(token: Option<&TokenWithSpan>) -> Keyword {
    match token {
        Some(TokenWithSpan { token: Token::Word(word), .. }) => word.keyword,
        _ => Keyword::NoKeyword,
    }
}

/// Whether FROM, which stands between these, belongs to `ROWS FROM (`: a table may be called `rows`.
fn is_rows_from(before: &[TokenWithSpan], rest: &Tokens) -> bool {
    let [.., from, rows] = before else { return false };
    let may_begin = matches!(keyword(Some(from)), Keyword::FROM | Keyword::JOIN | Keyword::LATERAL)
        || from.token == Token::Comma;
    keyword(Some(rows)) == Keyword::ROWS
        && may_begin
        && rest.front().is_some_and(|next| next.token == Token::LParen)
}

/// Whether a SELECT has neither a list nor FROM.
fn selects_nothing(next: Option<&TokenWithSpan>) -> bool {
    match next.map(|next| &next.token) {
        None | Some(Token::RParen) => true,
        Some(Token::Word(word)) => matches!(
            word.keyword,
            Keyword::WHERE | Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::LIMIT
        ),
        _ => false,
    }
}

/// `FROM (VALUES (0))`, without which the grammar wants a list.
fn one_row() -> [Token; 9] {
    let word = |word| Token::make_word(word, None);
    let zero = Token::Number("0".to_owned(), false);
    [
        word("FROM"),
        Token::LParen,
        word("VALUES"),
        Token::LParen,
        zero,
        Token::RParen,
        Token::RParen,
        word("AS"),
        word("one_row"),
    ]
}

/// After FOR: `NO KEY UPDATE` and `KEY SHARE` as the stronger lock that the grammar knows, and one clause for each name
/// of a list. Nobody waits for a row, so that nothing is left of `NOWAIT` and `SKIP LOCKED`.
fn plain_row_lock(plain: &mut Vec<TokenWithSpan>, rest: &mut Tokens) {
    let word = |index: usize| keyword(rest.get(index));
    let words = match (word(0), word(1), word(2)) {
        (Keyword::UPDATE | Keyword::SHARE, ..) => 0,
        (Keyword::KEY, Keyword::SHARE, _) => 1,
        (Keyword::NO, Keyword::KEY, Keyword::UPDATE) => 2,
        _ => return,
    };
    rest.drain(..words);
    let Some(lock) = rest.pop_front() else { return };
    let named = keyword(rest.front()) == Keyword::OF;
    let (of, clause) = (rest.front().cloned(), [plain.last().cloned(), Some(lock.clone())]);
    plain.push(lock);
    if named {
        plain.extend(rest.pop_front());
        while is_name(rest.front()) {
            plain.extend(rest.pop_front());
            while rest.front().is_some_and(|next| next.token == Token::Period) {
                plain.extend(rest.drain(..2.min(rest.len())));
            }
            if rest.front().is_none_or(|next| next.token != Token::Comma) {
                break;
            }
            rest.pop_front();
            plain.extend(clause.iter().flatten().cloned());
            plain.extend(of.clone());
        }
    }
    match (keyword(rest.front()), keyword(rest.get(1))) {
        (Keyword::NOWAIT, _) => drop(rest.pop_front()),
        (Keyword::SKIP, Keyword::LOCKED) => drop(rest.drain(..2)),
        _ => {}
    }
}

/// `FETCH FIRST (n) ROWS`: the grammar knows the number alone. A count that is computed is that of a LIMIT.
fn plain_count(plain: &mut Vec<TokenWithSpan>, rest: &mut Tokens) {
    let next = |index: usize| rest.get(index).map(|next| &next.token);
    if next(0) != Some(&Token::LParen) {
        return;
    }
    if next(2) == Some(&Token::RParen) {
        rest.remove(2);
        rest.remove(0);
        return;
    }
    let mut depth = 0_usize;
    let end = rest.iter().position(|next| {
        match next.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    let Some(end) = end else { return };
    let words = (keyword(rest.get(end + 1)), keyword(rest.get(end + 2)));
    if let (Keyword::ROW | Keyword::ROWS, Keyword::ONLY) = words {
        rest.drain(end + 1..end + 3);
        let first = plain.pop();
        plain.pop();
        plain.extend(first.map(|first| TokenWithSpan {
            token: Token::make_word("LIMIT", None),
            span: first.span,
        }));
    }
}

/// What `ORDER BY x USING <` means, by the operator.
fn direction(operator: Option<&TokenWithSpan>) -> Option<&'static str> {
    match operator.map(|operator| &operator.token) {
        Some(Token::Lt) => Some("ASC"),
        Some(Token::Gt) => Some("DESC"),
        _ => None,
    }
}

/// Whether `NO OTHERS` follows EXCLUDE: the frame of a window as it is without.
fn frame_as_it_is(rest: &Tokens) -> bool {
    let word =
        |index: usize, expected| rest.get(index).is_some_and(|next| is_word(&next.token, expected));
    word(0, "no") && word(1, "others")
}

/// Whether a relation's name follows in a list of relations, where this stands before `ONLY`: the word is reserved.
fn names_a_relation(before: Option<&TokenWithSpan>) -> bool {
    matches!(keyword(before), Keyword::FROM | Keyword::JOIN | Keyword::UPDATE)
        || before.is_some_and(|before| before.token == Token::Comma)
}

fn is_relation(next: Option<&TokenWithSpan>) -> bool {
    is_name(next) || next.is_some_and(|next| next.token == Token::LParen)
}

/// Whether `*` stands behind the name of a relation, as in `FROM t * WHERE …`: with its descendants, of which there are
/// none. Before an operand it multiplies: `extract(year FROM t * u)`.
fn is_with_descendants(before: &[TokenWithSpan], next: Option<&TokenWithSpan>) -> bool {
    let is_operand = match next.map(|next| &next.token) {
        None | Some(Token::RParen | Token::Comma) => false,
        Some(Token::Word(word)) => {
            word.quote_style.is_some()
                || !matches!(
                    word.keyword,
                    Keyword::WHERE
                        | Keyword::GROUP
                        | Keyword::HAVING
                        | Keyword::ORDER
                        | Keyword::LIMIT
                        | Keyword::AS
                        | Keyword::JOIN
                        | Keyword::CROSS
                        | Keyword::INNER
                        | Keyword::LEFT
                        | Keyword::RIGHT
                        | Keyword::FULL
                        | Keyword::NATURAL
                        | Keyword::ON
                        | Keyword::USING
                        | Keyword::UNION
                        | Keyword::INTERSECT
                        | Keyword::EXCEPT
                        | Keyword::SET
                        | Keyword::RETURNING
                )
        }
        Some(_) => true,
    };
    let is_clause = keyword(before.last()) == Keyword::SET;
    if is_operand || is_clause || !is_name(before.last()) {
        return false;
    }
    let mut rest = before.split_last().map_or(&[][..], |(_, rest)| rest);
    while let [more @ .., qualifier, dot] = rest
        && dot.token == Token::Period
        && is_name(Some(qualifier))
    {
        rest = more;
    }
    // Behind a comma it may be an option of COPY: `force_quote *`.
    matches!(keyword(rest.last()), Keyword::FROM | Keyword::JOIN | Keyword::UPDATE)
}

/// Whether an argument begins, where `VARIADIC` makes it a named one.
fn opens_argument(before: Option<&TokenWithSpan>) -> bool {
    before.is_some_and(|before| matches!(before.token, Token::LParen | Token::Comma))
}

/// Whether `pg_catalog.` stands last.
fn is_qualified(before: &[TokenWithSpan]) -> bool {
    matches!(before, [.., schema, dot] if is_word(&schema.token, "pg_catalog") && dot.token == Token::Period)
}

/// `()`
fn is_call(rest: &Tokens) -> bool {
    let next = |index: usize| rest.get(index).map(|next| &next.token);
    next(0) == Some(&Token::LParen) && next(1) == Some(&Token::RParen)
}

/// Whether a parenthesis is open.
fn is_inside(before: &[TokenWithSpan]) -> bool {
    let count = |wanted: &Token| before.iter().filter(|token| token.token == *wanted).count();
    count(&Token::LParen) > count(&Token::RParen)
}

fn is_string(token: Option<&TokenWithSpan>) -> bool {
    matches!(token, Some(TokenWithSpan { token: Token::SingleQuotedString(_), .. }))
}

/// `'place'` in the FROM clause of a COPY INTO is `read_files('place')`.
fn files_in(rest: &mut Tokens) -> Vec<TokenWithSpan> {
    let Some(place) = rest.pop_front() else { return Vec::new() };
    let at = |token: Token| TokenWithSpan { token, span: place.span };
    let function = Token::make_word("read_files", None);
    vec![at(function), at(Token::LParen), place.clone(), at(Token::RParen)]
}

fn is_name(token: Option<&TokenWithSpan>) -> bool {
    matches!(token, Some(TokenWithSpan { token: Token::Word(_), .. }))
}

/// Whether TABLE after `before` begins a query.
fn is_table_query(before: &[TokenWithSpan], inserts: bool) -> bool {
    let Some(last) = before.last() else { return true };
    match &last.token {
        Token::LParen => true,
        Token::RParen => inserts || keyword(before.first()) == Keyword::WITH,
        _ => match keyword(Some(last)) {
            Keyword::UNION
            | Keyword::INTERSECT
            | Keyword::EXCEPT
            | Keyword::ALL
            | Keyword::DISTINCT
            | Keyword::AS
            | Keyword::EXPLAIN
            | Keyword::VERBOSE => true,
            // `EXPLAIN ANALYZE TABLE t` is a query, `ANALYZE TABLE t` is not.
            Keyword::ANALYZE => before.len() > 1,
            Keyword::INTO | Keyword::OVERWRITE => false,
            _ => inserts,
        },
    }
}

/// With `… FOR SYSTEM_VERSION AS` at the end: takes FOR away and names the clause in the plain way.
fn plain_as_of(plain: &mut Vec<TokenWithSpan>) {
    let Some(kind) = plain.len().checked_sub(2) else { return };
    let word = match plain.get(kind).map(|token| &token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
        _ => return,
    };
    let name = match word.as_str() {
        "VERSION" | "SYSTEM_VERSION" => "VERSION",
        "TIMESTAMP" | "SYSTEM_TIME" => "TIMESTAMP",
        _ => return,
    };
    if let Some(token) = plain.get_mut(kind) {
        token.token = Token::make_word(name, None);
    }
    if let Some(before) = kind.checked_sub(1)
        && keyword(plain.get(before)) == Keyword::FOR
    {
        plain.remove(before);
    }
}

/// `VERSION AS OF '3'` is Databricks' second spelling of `VERSION AS OF 3`.
fn number_after_of(plain: &[TokenWithSpan], rest: &mut Tokens) {
    let version = plain.len().checked_sub(3).and_then(|at| plain.get(at));
    if keyword(version) != Keyword::VERSION {
        return;
    }
    if let Some(TokenWithSpan { token, .. }) = rest.front_mut()
        && let Token::SingleQuotedString(text) = token
        && !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_digit())
    {
        *token = Token::Number(std::mem::take(text), false);
    }
}

/// The plain clause for `t@v12` and `t@20260131000000000`, where the three stand without a space.
fn at_version(
    before: &[TokenWithSpan],
    at: &TokenWithSpan,
    after: Option<&TokenWithSpan>,
) -> Option<Vec<TokenWithSpan>> {
    let (name, after) = (before.last()?, after?);
    let joined = name.span.end == at.span.start && at.span.end == after.span.start;
    if !joined || !is_name(Some(name)) {
        return None;
    }
    let (kind, value) = match &after.token {
        Token::Word(word) if word.quote_style.is_none() => {
            let digits = word.value.strip_prefix(['v', 'V'])?;
            let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            number.then(|| ("VERSION", Token::Number(digits.to_owned(), false)))?
        }
        Token::Number(digits, false) => {
            ("TIMESTAMP", Token::SingleQuotedString(timestamp_of_digits(digits)?))
        }
        _ => return None,
    };
    let words = [kind, "AS", "OF"].map(|word| Token::make_word(word, None));
    let clause = words.into_iter().chain([value]);
    Some(clause.map(|token| TokenWithSpan { token, span: after.span }).collect())
}

/// `yyyyMMddHHmmssSSS`, as Databricks writes it, as a timestamp literal.
fn timestamp_of_digits(digits: &str) -> Option<String> {
    if digits.len() != 17 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to);
    Some(format!(
        "{}-{}-{} {}:{}:{}.{}",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
        part(14, 17)?,
    ))
}

/// `OPERATOR(pg_catalog.~)` is `~`: there are no operators but those of `pg_catalog`. With another schema it
/// stays, and the planner refuses it.
fn named_operator(rest: &mut Tokens) -> Option<TokenWithSpan> {
    let ahead: Vec<&TokenWithSpan> = rest.iter().take(5).collect();
    let (operator, length) = match ahead.as_slice() {
        [open, schema, dot, operator, close]
            if is_word(&schema.token, "pg_catalog")
                && dot.token == Token::Period
                && open.token == Token::LParen
                && close.token == Token::RParen =>
        {
            (*operator, 5)
        }
        [open, operator, close, ..]
            if open.token == Token::LParen && close.token == Token::RParen =>
        {
            (*operator, 3)
        }
        _ => return None,
    };
    let symbol = !matches!(operator.token, Token::Word(_) | Token::Number(..));
    let operator = symbol.then(|| operator.clone())?;
    rest.drain(..length);
    Some(operator)
}

/// `x ISNULL`, where the word is neither a function nor a name.
fn is_null_test(
    before: Option<&TokenWithSpan>,
    token: &TokenWithSpan,
    after: Option<&TokenWithSpan>,
) -> bool {
    let operand = before.is_some_and(|before| match &before.token {
        Token::Word(word) => !matches!(
            word.keyword,
            Keyword::SELECT | Keyword::AS | Keyword::FROM | Keyword::WHERE | Keyword::BY
        ),
        Token::RParen | Token::RBracket | Token::Number(..) | Token::SingleQuotedString(_) => true,
        _ => false,
    });
    let called = after.is_some_and(|after| matches!(after.token, Token::LParen | Token::Period));
    operand && !called && is_word(&token.token, "isnull")
}

fn is_word(token: &Token, expected: &str) -> bool {
    matches!(token, Token::Word(Word { value, quote_style: None, .. })
        if value.eq_ignore_ascii_case(expected))
}
