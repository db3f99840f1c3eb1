//! The grammar against its corpus: `tests/parse/*.txt` holds statements and what they are read as. With
//! LAKEGATE_BLESS=1 the answers are written instead of compared.

use std::fs;
use std::path::PathBuf;

use super::{ParseLimits, Parsed, parse};
use crate::base::Error;

const LIMITS: ParseLimits = ParseLimits { statement_bytes_max: 16 << 20, statement_depth_max: 128 };

fn corpus() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/parse");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    assert!(!files.is_empty());
    files
}

/// The lines before the first case, and each case's SQL and answer. A case is lines that begin with `> `,
/// and the answer those up to an empty line.
fn cases(text: &str) -> (String, Vec<(String, String)>) {
    let mut head = String::new();
    let mut cases: Vec<(String, String)> = Vec::new();
    let mut in_sql = false;
    for line in text.lines() {
        if let Some(sql) = line.strip_prefix('>') {
            let sql = sql.strip_prefix(' ').unwrap_or(sql);
            match cases.last_mut() {
                Some((text, _)) if in_sql => {
                    text.push('\n');
                    text.push_str(sql);
                }
                _ => cases.push((sql.to_owned(), String::new())),
            }
            in_sql = true;
            continue;
        }
        in_sql = false;
        match cases.last_mut() {
            None => {
                head.push_str(line);
                head.push('\n');
            }
            Some(_) if line.is_empty() => {}
            Some((_, answer)) => {
                answer.push_str(line);
                answer.push('\n');
            }
        }
    }
    (head, cases)
}

fn answer(sql: &str) -> String {
    match parse(sql, &LIMITS) {
        Ok(parsed) if parsed.is_empty() => "empty\n".to_owned(),
        Ok(parsed) => parsed.iter().map(|one| short(one) + "\n").collect(),
        Err(error) => failure(&error),
    }
}

fn failure(error: &Error) -> String {
    let mut text = format!("error {}", error.sqlstate());
    if let Some(position) = error.position() {
        text.push_str(&format!(" at {position}"));
    }
    text.push_str(&format!(": {}\n", error.message()));
    if let Some(hint) = error.hint() {
        text.push_str(&format!("hint: {hint}\n"));
    }
    text
}

/// The statement's debug form without what is absent.
fn short(parsed: &Parsed) -> String {
    let pretty = format!("{:#?}", parsed.statement);
    let kept = pretty.lines().map(str::trim).filter(|line| {
        let absent = [": None,", ": false,", ": [],", ": {},"];
        !absent.iter().any(|end| line.ends_with(end))
    });
    let mut kept: Vec<&str> = kept.collect();
    // Metadata has no order of its own.
    kept.chunk_by_mut(|a, b| a.starts_with("\"lakegate.") && b.starts_with("\"lakegate."))
        .for_each(<[&str]>::sort_unstable);
    let mut text = kept.join(" ");
    for (long, short) in [
        (", }", " }"),
        (",)", ")"),
        ("( ", "("),
        (", )", ")"),
        ("[ ", "["),
        (", ]", "]"),
        ("NamePosition(", "("),
    ] {
        text = text.replace(long, short);
    }
    if parsed.parameters > 0 {
        text.push_str(&format!(" with {} parameters", parsed.parameters));
    }
    text
}

#[test]
fn statements_are_read_as_the_corpus_says() {
    let bless = std::env::var_os("LAKEGATE_BLESS").is_some();
    let mut differences = Vec::new();
    for file in corpus() {
        let text = fs::read_to_string(&file).unwrap();
        let (head, cases) = cases(&text);
        let mut blessed = head;
        for (sql, expected) in cases {
            let actual = answer(&sql);
            if actual != expected {
                differences.push(format!("{}: {sql}\n{expected}---\n{actual}", file.display()));
            }
            let quoted: String = sql.lines().map(|line| format!("> {line}\n")).collect();
            blessed.push_str(&format!("{}{actual}\n", quoted.replace("> \n", ">\n")));
        }
        if bless {
            fs::write(&file, blessed).unwrap();
        }
    }
    assert!(bless || differences.is_empty(), "{}", differences.join("\n"));
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

#[test]
fn damaged_statements_are_refused_without_harm() {
    let texts: Vec<String> = corpus()
        .iter()
        .flat_map(|file| cases(&fs::read_to_string(file).unwrap()).1)
        .map(|(sql, _)| sql)
        .collect();
    let pieces = ["(", ")", "'", "\"", ",", ";", "$1", " ", "é", "--", "/*", "::", "[", "@", "\n"];
    let mut dice = Dice(7);
    let rounds = if std::env::var_os("LAKEGATE_FUZZ").is_some() { 200 } else { 8 };
    for text in &texts {
        let letters: Vec<char> = text.chars().collect();
        for _ in 0..rounds {
            let mut damaged: Vec<char> = letters.clone();
            for _ in 0..=dice.below(3) {
                let at = dice.below(damaged.len() + 1);
                match dice.below(4) {
                    0 => damaged.truncate(at),
                    1 if at < damaged.len() => {
                        damaged.remove(at);
                    }
                    2 => {
                        let piece = pieces[dice.below(pieces.len())];
                        damaged.splice(at..at, piece.chars());
                    }
                    _ => {
                        let other = &texts[dice.below(texts.len())];
                        let word = other.split_whitespace().nth(dice.below(9)).unwrap_or("x");
                        damaged.splice(at..at, format!(" {word} ").chars());
                    }
                }
            }
            let damaged: String = damaged.into_iter().collect();
            let length = damaged.chars().count();
            if let Err(error) = parse(&damaged, &LIMITS) {
                let position = error.position().unwrap_or(1);
                assert!((1..=length + 1).contains(&position), "{damaged}: {error:?}");
                assert_ne!(error.sqlstate(), "XX000", "{damaged}");
            }
        }
    }
}

/// What must end soon, with a statement or with `54001`, on the stack of a test's thread.
#[test]
fn deep_and_long_statements_end() {
    let chain = |link: &str, count: usize| format!("select a{}", link.repeat(count));
    let nested = |open: &str, inner: &str, close: &str, count: usize| {
        format!("select {}{inner}{}", open.repeat(count), close.repeat(count))
    };
    let works = [
        chain(" or a = 1", 10_000),
        chain(" and b", 10_000),
        format!("select 1 where x in ({}1)", "1, ".repeat(100_000)),
        format!("values {}(1)", "(1), ".repeat(20_000)),
        chain("||a", 370),
        format!("select 1{}", " union all select 1".repeat(5_000)),
        nested("(", "1", ")", 60),
        nested("f(", &chain("||a", 150).replace("select ", ""), ")", 100),
        format!("select * from {}t{}", "(select * from ".repeat(40), ") x".repeat(40)),
        format!("select * from t{}", " cross join t".repeat(150)),
        format!("select a is distinct from b{} from t", ", c".repeat(1_000)),
        format!(
            "select 1{}",
            " union all select 1 from t join u using (a) join v using (a)".repeat(500)
        ),
    ];
    for text in &works {
        let parsed = parse(text, &LIMITS).unwrap();
        drop(parsed.clone());
    }
    let refused = [
        chain("||a", 100_000),
        chain(" is null", 100_000),
        chain("::int", 100_000),
        chain("[1]", 100_000),
        chain(" between 1 and 2", 50_000),
        format!("select 1{}", " union select 1".repeat(100_000)),
        nested("(", "1", ")", 100_000),
        nested("not ", "1", "", 100_000),
        nested("- ", "1", "", 100_000),
        nested("case when 1 then ", "1", " end", 10_000),
        nested("f(", "1", ")", 10_000),
        nested("cast(", "1", " as int)", 10_000),
        format!("select x::{}int{}", "array<".repeat(10_000), ">".repeat(10_000)),
        format!("select * from {}t{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("select * from t{}", " cross join t".repeat(1_000)),
        format!("select * from t{} where true", ", t".repeat(1_000)),
    ];
    for text in &refused {
        let error = parse(text, &LIMITS).unwrap_err();
        assert_eq!(error.sqlstate(), "54001", "{}", &text[..60]);
    }
    // Mistakes in deep nests must not be looked at again for every level.
    let hostile = [
        nested("cast(", "1 1", " as int)", 120),
        nested("extract(year from ", "1 1", ")", 120),
        nested("f(", "1 1", ")", 120),
        nested("case when ", "1 1", " then 1 end", 120),
        format!("select * from {}t t t", "((select * from ".repeat(40)),
        format!("select * from {}t t t", "((select * from ".repeat(9)),
        format!("select 1 where {}1 1", "x in ((select * from t where ".repeat(9)),
        format!("select * from {}t t t", "(a join (select * from ".repeat(15)),
        format!("select * from {}t{} x x x", "(".repeat(100), ")".repeat(100)),
        format!("select {}", "interval ".repeat(50_000)),
    ];
    for text in &hostile {
        assert!(parse(text, &LIMITS).is_err());
    }
}

#[test]
fn texts_beyond_the_limit_are_refused() {
    let limits = ParseLimits { statement_bytes_max: 10, statement_depth_max: 128 };
    assert_eq!(parse("select 1234", &limits).unwrap_err().sqlstate(), "54000");
}

/// The tree's shape is told by brackets, which printing alone would hide.
#[test]
fn operators_bind_as_in_postgresql() {
    let cases = [
        ("a is distinct from b and c", "((a IS DISTINCT FROM b) AND c)"),
        ("a is not distinct from b or c", "((a IS NOT DISTINCT FROM b) OR c)"),
        ("-2 ^ 2", "((-2) ^ 2)"),
        ("- a::int", "(-a::INT)"),
        ("-a * b", "((-a) * b)"),
        ("a = b ~ c", "(a = (b ~ c))"),
        ("a ~ b || c", "((a ~ b) || c)"),
        ("not a = b and c", "((NOT (a = b)) AND c)"),
        ("a or b and c", "(a OR (b AND c))"),
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a -> b = c", "((a -> b) = c)"),
        ("a = b is null", "(a = b) IS NULL"),
        ("a < b + 1", "(a < (b + 1))"),
        ("2 ^ 3 ^ 4", "((2 ^ 3) ^ 4)"),
    ];
    for (sql, expected) in cases {
        let parsed = parse(&format!("select {sql}"), &LIMITS).unwrap().remove(0);
        let super::Statement::Query(query) = parsed.statement else { panic!("{sql}") };
        let sqlparser::ast::SetExpr::Select(select) = *query.ast.body else { panic!("{sql}") };
        let sqlparser::ast::SelectItem::ExprWithAlias { expr, .. } = &select.projection[0] else {
            panic!("{sql}")
        };
        assert_eq!(bracketed(expr), expected, "{sql}");
    }
}

fn bracketed(expression: &sqlparser::ast::Expr) -> String {
    use sqlparser::ast::Expr::{BinaryOp, IsDistinctFrom, IsNotDistinctFrom, IsNull, UnaryOp};
    match expression {
        BinaryOp { left, op, right } => format!("({} {op} {})", bracketed(left), bracketed(right)),
        UnaryOp { op, expr } => {
            let space = if op.to_string() == "NOT" { " " } else { "" };
            format!("({op}{space}{})", bracketed(expr))
        }
        IsDistinctFrom(left, right) => {
            format!("({} IS DISTINCT FROM {})", bracketed(left), bracketed(right))
        }
        IsNotDistinctFrom(left, right) => {
            format!("({} IS NOT DISTINCT FROM {})", bracketed(left), bracketed(right))
        }
        IsNull(inner) => format!("{} IS NULL", bracketed(inner)),
        other => other.to_string(),
    }
}
