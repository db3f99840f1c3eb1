//! SQL that nobody writes by mistake: deep, long, huge, malformed. Each is answered, most with an error of its
//! own, none by a panic, and the server goes on.

use std::time::{Duration, Instant};

use super::support::{Options, RawClient, Server, SqlError, message};

/// An answer must be there by then, in a debug build beside other work.
const ANSWER_MAX: Duration = Duration::from_secs(60);

fn nested(open: &str, inside: &str, close: &str, times: usize) -> String {
    format!("SELECT {}{inside}{}", open.repeat(times), close.repeat(times))
}

fn joined(count: usize, separator: &str, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(separator)
}

/// What is sent, and the SQLSTATE of the answer; empty for rows.
fn statements() -> Vec<(&'static str, String, &'static str)> {
    let text = |length: usize| "x".repeat(length);
    vec![
        ("parentheses", nested("(", "1", ")", 100_000), "54001"),
        ("open parentheses", "(".repeat(100_000), "54001"),
        ("negations", nested("NOT ", "true", "", 50_000), "54001"),
        ("signs", nested("- ", "1", "", 50_000), "54001"),
        ("sums", nested("", "1", "+1", 20_000), "54001"),
        ("concatenations", nested("", "'a'", "||'a'", 20_000), "54001"),
        ("casts", nested("", "1", "::int", 20_000), "54001"),
        ("calls", nested("abs(", "1", ")", 20_000), "54001"),
        ("cases", nested("CASE WHEN true THEN ", "1", " END", 5_000), "54001"),
        ("arrays", nested("ARRAY[", "1", "]", 5_000), "54001"),
        ("subqueries", nested("* FROM (SELECT ", "1", ") AS x", 5_000), "54001"),
        ("scalar subqueries", nested("(SELECT ", "1", ")", 5_000), "54001"),
        ("exists", nested("EXISTS(SELECT ", "1", ")", 3_000), "54001"),
        ("between", nested("1 BETWEEN ", "1 AND 1", " AND 1", 3_000), "54001"),
        ("unions", joined(10_000, " UNION ", |n| format!("SELECT {n}")), "54001"),
        ("dots", format!("SELECT {}", joined(10_000, ".", |_| "a".to_owned())), "54001"),
        (
            "joins",
            format!(
                "SELECT 1 FROM {}",
                joined(5_000, " CROSS JOIN ", |n| format!("pg_class AS t{n}"))
            ),
            "54001",
        ),
        (
            "joins by commas",
            format!("SELECT 1 FROM {}", joined(5_000, ", ", |n| format!("pg_class AS t{n}"))),
            "54001",
        ),
        ("conjunctions", format!("SELECT {}", joined(500, " AND ", |_| "true".to_owned())), ""),
        ("a list", format!("SELECT 1 IN ({})", joined(5_000, ",", |n| n.to_string())), ""),
        ("columns", format!("SELECT {}", joined(500, ",", |n| format!("{n} AS c{n}"))), ""),
        (
            "too many columns",
            format!("SELECT {}", joined(70_000, ",", |_| "1".to_owned())),
            "54011",
        ),
        ("a long name", format!("SELECT 1 AS \"{}\"", text(1_000_000)), ""),
        ("a long name of a table", format!("SELECT * FROM \"{}\"", text(1_000_000)), "42P01"),
        ("a long type", format!("SELECT 1::{}", text(100_000)), "42704"),
        ("a long text", format!("SELECT length('{}')", text(1_000_000)), ""),
        ("too long a text", format!("SELECT length('{}')", text(17_000_000)), "54000"),
        ("a long number", format!("SELECT {}", "9".repeat(5_000)), "0A000"),
        ("a long fraction", format!("SELECT 0.{}", "9".repeat(5_000)), "0A000"),
        ("a large exponent", "SELECT 1e999999999999".to_owned(), "22003"),
        ("comments", "/*".repeat(100_000), "42601"),
        ("a tag without an end", format!("SELECT $tag${}", "$".repeat(100_000)), "42601"),
        ("a large parameter", "SELECT $99999999999999999999".to_owned(), "42601"),
        ("another parameter", "SELECT $2147483648".to_owned(), "42P02"),
        ("a long result", "SELECT length(repeat('x', 2000000000))".to_owned(), "54000"),
        ("a padded result", "SELECT length(lpad('x', 2147483647))".to_owned(), "54000"),
        ("an array of millions", "SELECT cardinality(range(1, 3000000000))".to_owned(), "54000"),
        (
            "an array repeated",
            "SELECT cardinality(array_repeat(1, 4000000000))".to_owned(),
            "54000",
        ),
        (
            "a quadratic replacement",
            "SELECT length(replace(repeat('x', 100000), 'x', repeat('y', 100000)))".to_owned(),
            "54000",
        ),
        ("array levels", format!("SELECT '{}'::int[]", "{".repeat(100_000)), "54000"),
        ("json levels", format!("SELECT '{}'::json", "[".repeat(100_000)), "54001"),
        ("a regular expression", "SELECT 'a' ~ '('".to_owned(), "2201B"),
        ("many groups", format!("SELECT 'a' ~ '{}'", "(a".repeat(10_000)), "2201B"),
        ("a large repetition", "SELECT 'a' ~ 'a{1000}{1000}{1000}'".to_owned(), "2201B"),
        ("a pattern", format!("SELECT 'x' LIKE '{}'", "%_".repeat(2_000)), ""),
        ("an interval", format!("SELECT interval '{}'", "1 year ".repeat(10_000)), "22007"),
        ("a division", "SELECT 1 / 0".to_owned(), "22012"),
        ("the least number", "SELECT (-9223372036854775807 - 1) / (-1)".to_owned(), "22003"),
        ("its remainder", "SELECT (-9223372036854775807 - 1) % (-1)".to_owned(), ""),
        ("its absolute value", "SELECT abs(-9223372036854775807 - 1)".to_owned(), "22003"),
        ("a character", "SELECT chr(-1)".to_owned(), "22023"),
        ("a date", "SELECT make_date(2147483647, 1, 1)".to_owned(), "22008"),
        ("a far date", "SELECT date '2024-01-01' + 2147483647".to_owned(), "22008"),
        ("a cast", "SELECT 'NaN'::float8::int".to_owned(), "22003"),
        ("an index", "SELECT (ARRAY[1])[-9223372036854775807]".to_owned(), "22023"),
        ("a frame", "SELECT nth_value(1, -1) OVER ()".to_owned(), ""),
        ("a limit", "SELECT 1 LIMIT 9223372036854775807 OFFSET 9223372036854775807".to_owned(), ""),
        ("a zone", format!("SET TimeZone = '{}'", text(100_000)), "22023"),
        ("a path", "CREATE TABLE \"../../etc/x\" (x int)".to_owned(), ""),
        (
            "a place that is a file",
            "CREATE TABLE p (x int) LOCATION '/etc/passwd'".to_owned(),
            "58030",
        ),
    ]
}

fn outcome(result: Result<super::support::ResultSet, SqlError>) -> (String, String) {
    match result {
        Ok(_) => (String::new(), String::new()),
        Err(error) => (error.sqlstate, error.message.chars().take(120).collect()),
    }
}

#[test]
fn hostile_statements_are_answered() {
    let server = Server::start(Options::default()).unwrap();
    let connect = || {
        let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
        client.wait_at_most(ANSWER_MAX);
        client
    };
    let mut client = connect();
    let mut wrong = Vec::new();
    for (what, sql, expected) in statements() {
        let began = Instant::now();
        let simple = outcome(client.simple_query(&sql));
        let extended = match what {
            // What takes long once is not sent twice, and what makes a table cannot be.
            "a path" | "a large repetition" | "a long text" | "conjunctions" | "dots" => {
                simple.clone()
            }
            _ => outcome(client.extended_query(&sql)),
        };
        if simple.0 != expected || extended.0 != expected {
            wrong.push(format!("{what}: {simple:?}, extended {extended:?}, expected {expected:?}"));
        }
        if simple.0 == "08006" || extended.0 == "08006" {
            client = connect();
        }
        if began.elapsed() > Duration::from_secs(5) {
            println!("{what}: {:?}", began.elapsed());
        }
    }
    assert!(wrong.is_empty(), "{}\n{:?}", wrong.join("\n"), server.panics());
    assert_eq!(server.panics(), Vec::<String>::new());
    assert_eq!(client.simple_query("SELECT 1").unwrap().rows.len(), 1);
}

/// Bytes that are no text, and a text that ends early.
#[test]
fn texts_that_are_none_are_refused() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    for (body, expected) in [
        (&b"SELECT '\xff\xfe'\0"[..], "22021"),
        (b"SELECT \xc3\x28\0", "22021"),
        (b"SELECT '\xed\xa0\x80'\0", "22021"),
        (b"SELECT 'a\0b'\0", "08P01"),
        (b"SELECT 1", "08P01"),
        (b"", "08P01"),
    ] {
        client.send(&message(b'Q', body)).unwrap();
        let (sqlstate, _) = outcome(client.result_until_ready());
        assert_eq!(sqlstate, expected, "{body:?}");
    }
    let begin = client.begin_copy_in("COPY nothing FROM STDIN").unwrap_err();
    assert_eq!(begin.sqlstate, "42P01");
    client.simple_query("CREATE TABLE texts (v text)").unwrap();
    for (rows, expected) in [
        (&b"\xff\xfe\n"[..], "22021"),
        (b"a\0b\n", "22021"),
        (b"a\tb\n", "22P04"),
        (b"\\x00\n", "22021"),
    ] {
        let error = client.copy_in("COPY texts FROM STDIN", rows).unwrap_err();
        assert_eq!(error.sqlstate, expected, "{rows:?}: {error}");
    }
    assert_eq!(server.panics(), Vec::<String>::new());
}

/// As many parameters as the protocol can count, and one more than the statement has.
#[test]
fn many_parameters_are_counted() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    client.wait_at_most(ANSWER_MAX);
    let bind = |values: u16| {
        let mut body = b"\0\0\0\0".to_vec();
        body.extend_from_slice(&values.to_be_bytes());
        (0..values).for_each(|_| body.extend_from_slice(b"\0\0\0\x011"));
        body.extend_from_slice(b"\0\0");
        message(b'B', &body)
    };
    let parse = |sql: &str| message(b'P', format!("\0{sql}\0\0\0").as_bytes());
    let run = [message(b'E', b"\0\0\0\0\0"), message(b'S', b"")].concat();
    let list = format!("SELECT 1 WHERE '1' IN ({})", joined(2_000, ",", |n| format!("${}", n + 1)));
    client.send(&[parse(&list), bind(2_000), run.clone()].concat()).unwrap();
    assert_eq!(client.result_until_ready().unwrap().rows.len(), 1);
    for (sql, values, expected) in [
        (list.as_str(), 1_999, "08P01"),
        (list.as_str(), 65_535, "08P01"),
        ("SELECT $65535::int", 65_534, "42P18"),
        ("SELECT $65536::int", 1, "42P02"),
        ("SELECT $100000::int", 1, "42P02"),
    ] {
        client.send(&[parse(sql), bind(values), run.clone()].concat()).unwrap();
        let (sqlstate, told) = outcome(client.result_until_ready());
        assert_eq!(sqlstate, expected, "{values} values: {told}");
    }
    assert_eq!(server.panics(), Vec::<String>::new());
}
