//! Many writers on the same tables at once, of this engine and of another one: every change that was acknowledged
//! is there once, nothing comes back, and transactions stand in one order at the level that they ask for.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::readers;
use super::support::{Endpoint, Options, Random, RawClient, Server, SqlError};

/// Says how many seconds the writers write; a few without it.
const SECONDS_VARIABLE: &str = "LAKEGATE_TEST_SECONDS";
const SECONDS: u64 = 6;

/// Statements after which a client has tried a change often enough.
const ATTEMPTS_MAX: usize = 50;

fn duration() -> Duration {
    let given = std::env::var(SECONDS_VARIABLE).ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(given.unwrap_or(SECONDS))
}

/// A client that tries again what others have made impossible.
struct Writer {
    client: RawClient,
    random: Random,
    end: Instant,
}

impl Writer {
    fn new(endpoint: &Endpoint, random: &mut Random, end: Instant) -> Self {
        let client = RawClient::connect(endpoint, &[]).unwrap();
        Writer { client, random: random.fork(), end }
    }

    fn goes_on(&self) -> bool {
        Instant::now() < self.end
    }

    /// Runs a statement until nobody is in its way. Whether it was done in the end.
    fn insist(&mut self, sql: &str) -> bool {
        self.insist_on(&mut |client| client.simple_query(sql).map(drop))
    }

    fn insist_on(&mut self, work: &mut dyn FnMut(&mut RawClient) -> Result<(), SqlError>) -> bool {
        for _ in 0..ATTEMPTS_MAX {
            match work(&mut self.client) {
                Ok(()) => return true,
                Err(error) if error.sqlstate == "40001" => {
                    _ = self.client.simple_query("ROLLBACK");
                    thread::sleep(self.random.millis(0..60));
                }
                Err(error) => panic!("{error}"),
            }
        }
        false
    }
}

/// How often rows are to be there, by their numbers.
type Expected = BTreeMap<u64, u64>;

/// Adds rows of own numbers, and deletes some of them.
fn add_and_remove(mut writer: Writer, first: u64, verb: usize) -> Expected {
    let mut expected = Expected::new();
    let mut number = first;
    while writer.goes_on() {
        let there: Vec<u64> =
            expected.iter().filter(|(_, count)| **count == 1).map(|(number, _)| *number).collect();
        if !there.is_empty() && writer.random.below(3) == 0 {
            let gone = *writer.random.of(&there);
            if writer.insist(&format!("DELETE FROM c WHERE id = {gone}")) {
                expected.insert(gone, 0);
            }
            continue;
        }
        number += 1;
        let sql = match verb {
            0 => format!("INSERT INTO c VALUES ({number}, 0, 0)"),
            _ => format!(
                "MERGE INTO c USING (SELECT {number}::bigint AS id) s ON c.id = s.id \
                 WHEN MATCHED THEN UPDATE SET n = -1 \
                 WHEN NOT MATCHED THEN INSERT (id, writer, n) VALUES (s.id, 1, 0)"
            ),
        };
        let done = writer.insist(&sql);
        expected.insert(number, u64::from(done));
    }
    expected
}

/// Counts up a row of its own; the count.
fn count_up(mut writer: Writer, row: u64) -> u64 {
    let mut count = 0;
    while writer.goes_on() {
        count += u64::from(writer.insist(&format!("UPDATE c SET n = n + 1 WHERE id = {row}")));
    }
    count
}

fn maintain(mut writer: Writer, sql: &'static str) -> u64 {
    let mut done = 0;
    while writer.goes_on() {
        done += u64::from(writer.insist(sql));
        thread::sleep(writer.random.millis(50..300));
    }
    done
}

fn other_engine(table: &Path, writer: u64, seconds: u64) -> Child {
    Command::new(readers::python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/concurrency/writer.py"))
        .args([table.to_str().unwrap(), &writer.to_string(), &seconds.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the other engine says of its rows; those it is not sure of are left out.
fn said(child: Child) -> Expected {
    let ended = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{words}");
    println!("{words}");
    let mut expected = Expected::new();
    for line in String::from_utf8(ended.stdout).unwrap().lines() {
        let number: u64 = line[1..].parse().unwrap();
        match &line[..1] {
            "+" => _ = expected.insert(number, 1),
            "-" => _ = expected.insert(number, 0),
            _ => _ = expected.remove(&number),
        }
    }
    expected
}

fn cell(client: &mut RawClient, sql: &str) -> i64 {
    let rows = client.simple_query(sql).unwrap_or_else(|error| panic!("{sql}: {error}")).rows;
    rows[0][0].as_deref().unwrap().parse().unwrap()
}

/// Writers of both engines on one table with these properties.
fn changes_of_all_are_there_once(properties: &str) {
    let mut random = Random::seeded("concurrency");
    let server = Server::start(Options::default()).unwrap();
    let endpoint = server.endpoint();
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("c");
    let mut admin = RawClient::connect(&endpoint, &[]).unwrap();
    let location = table.display();
    let create = format!(
        "CREATE TABLE c (id bigint, writer int, n bigint) LOCATION '{location}' \
         TBLPROPERTIES ('delta.checkpointInterval' = '7'{properties})"
    );
    admin.simple_query(&create).unwrap();
    admin.simple_query("INSERT INTO c VALUES (1, 0, 0), (2, 0, 0)").unwrap();

    let end = Instant::now() + duration();
    let mut writer = || Writer::new(&endpoint, &mut random, end);
    let adding: Vec<JoinHandle<Expected>> = (1..=4)
        .map(|task| {
            let writer = writer();
            thread::spawn(move || add_and_remove(writer, task * 1000, task as usize % 2))
        })
        .collect();
    let counting: Vec<JoinHandle<u64>> = [1, 2]
        .map(|row| (row, writer()))
        .map(|(row, writer)| thread::spawn(move || count_up(writer, row)))
        .into();
    let maintaining: Vec<JoinHandle<u64>> = ["OPTIMIZE c", "VACUUM c"]
        .map(|sql| (sql, writer()))
        .map(|(sql, writer)| thread::spawn(move || maintain(writer, sql)))
        .into();
    let others = [7, 8].map(|writer| other_engine(&table, writer, duration().as_secs()));

    let mut expected = Expected::new();
    for task in adding {
        expected.extend(task.join().unwrap());
    }
    for (row, task) in (1..).zip(counting) {
        let count = task.join().unwrap();
        println!("row {row} was counted up {count} times");
        assert!(count > 0);
        let sql = format!("SELECT n FROM c WHERE id = {row}");
        assert_eq!(cell(&mut admin, &sql), count as i64, "row {row}");
    }
    let maintained = maintaining.into_iter().map(|task| task.join().unwrap()).collect::<Vec<_>>();
    for other in others {
        expected.extend(said(other));
    }
    println!("{} rows, maintained {maintained:?} times", expected.len());
    let sql = "SELECT id, count(*) FROM c WHERE id > 2 GROUP BY id ORDER BY id";
    let rows = admin.simple_query(sql).unwrap().rows;
    let found: Expected = rows
        .iter()
        .map(|row| [0, 1].map(|at: usize| row[at].as_deref().unwrap().parse().unwrap()))
        .map(|[number, count]| (number, count))
        .collect();
    for (number, count) in &expected {
        let there = found.get(number).copied().unwrap_or(0);
        assert_eq!(there, *count, "row {number} of {location}");
    }
    assert!(found.values().all(|count| *count == 1), "{found:?}");
    let query = "select count(*), sum(id), sum(n), min(id), max(id) from t";
    let sum = "SELECT count(*) FROM c";
    let seen = readers::read(&table, query);
    assert_eq!(seen[0].split('|').next().unwrap(), cell(&mut admin, sum).to_string());
    assert_eq!(server.panics(), Vec::<String>::new());
}

#[test]
fn every_change_is_there_once() {
    changes_of_all_are_there_once("");
}

#[test]
fn every_change_is_there_once_in_tables_with_deletion_vectors() {
    changes_of_all_are_there_once(", 'delta.enableDeletionVectors' = 'true'");
}

/// Amounts move between tables in transactions; whoever looks at all tables in one transaction sees all of them.
#[test]
fn nobody_sees_half_a_transfer() {
    const TABLES: [&str; 3] = ["red", "green", "blue"];
    const TOTAL: i64 = 300;
    let mut random = Random::seeded("transfers");
    let server = Server::start(Options::default()).unwrap();
    let endpoint = server.endpoint();
    let mut admin = RawClient::connect(&endpoint, &[]).unwrap();
    for table in TABLES {
        admin.simple_query(&format!("CREATE TABLE {table} (amount bigint)")).unwrap();
        admin.simple_query(&format!("INSERT INTO {table} VALUES (100)")).unwrap();
    }
    let end = Instant::now() + duration();
    let movers: Vec<JoinHandle<u64>> = (0..4)
        .map(|_| {
            let mut writer = Writer::new(&endpoint, &mut random, end);
            thread::spawn(move || {
                let mut moved = 0;
                while writer.goes_on() {
                    let from = *writer.random.of(&TABLES);
                    let to = *writer.random.of(&TABLES);
                    moved += u64::from(writer.insist(&format!(
                        "BEGIN; UPDATE {from} SET amount = amount - 1; \
                         UPDATE {to} SET amount = amount + 1; COMMIT"
                    )));
                }
                moved
            })
        })
        .collect();
    let sum = "SELECT (SELECT sum(amount) FROM red) + (SELECT sum(amount) FROM green) \
               + (SELECT sum(amount) FROM blue)";
    let mut looks = 0;
    while Instant::now() < end {
        assert_eq!(cell(&mut admin, sum), TOTAL);
        admin.simple_query("BEGIN ISOLATION LEVEL REPEATABLE READ").unwrap();
        let parts =
            TABLES.map(|table| cell(&mut admin, &format!("SELECT sum(amount) FROM {table}")));
        admin.simple_query("COMMIT").unwrap();
        assert_eq!(parts.iter().sum::<i64>(), TOTAL, "{parts:?}");
        looks += 1;
    }
    let moved: u64 = movers.into_iter().map(|mover| mover.join().unwrap()).sum();
    println!("{moved} transfers, {looks} looks");
    assert!(moved > 0 && looks > 0);
    assert_eq!(cell(&mut admin, sum), TOTAL);
}

/// Each transaction notes how many rows it has found in two tables, and adds one: as if they had run one after
/// another, no two have found as many.
#[test]
fn serializable_transactions_stand_in_one_order() {
    let mut random = Random::seeded("order");
    let server = Server::start(Options::default()).unwrap();
    let endpoint = server.endpoint();
    let mut admin = RawClient::connect(&endpoint, &[]).unwrap();
    for table in ["even", "odd"] {
        admin.simple_query(&format!("CREATE TABLE {table} (id bigint, found bigint)")).unwrap();
    }
    let end = Instant::now() + duration();
    let numbers = Arc::new(AtomicU64::new(0));
    let tasks: Vec<JoinHandle<u64>> = (0..4)
        .map(|_| {
            let mut writer = Writer::new(&endpoint, &mut random, end);
            let numbers = Arc::clone(&numbers);
            thread::spawn(move || {
                let mut done = 0;
                while writer.goes_on() {
                    let number = numbers.fetch_add(1, Ordering::SeqCst);
                    let table = if number.is_multiple_of(2) { "even" } else { "odd" };
                    let insert = format!(
                        "INSERT INTO {table} SELECT {number}, \
                         (SELECT count(*) FROM even) + (SELECT count(*) FROM odd)"
                    );
                    done += u64::from(writer.insist_on(&mut |client| {
                        client.simple_query("BEGIN ISOLATION LEVEL SERIALIZABLE")?;
                        client.simple_query(&insert)?;
                        client.simple_query("COMMIT").map(drop)
                    }));
                }
                done
            })
        })
        .collect();
    let done: u64 = tasks.into_iter().map(|task| task.join().unwrap()).sum();
    let sql = "SELECT found FROM (SELECT * FROM even UNION ALL SELECT * FROM odd) u ORDER BY found";
    let rows = admin.simple_query(sql).unwrap().rows;
    let found: Vec<u64> =
        rows.iter().map(|row| row[0].as_deref().unwrap().parse().unwrap()).collect();
    println!("{done} transactions");
    assert!(done > 0);
    assert_eq!(found, (0..done).collect::<Vec<_>>());
}
