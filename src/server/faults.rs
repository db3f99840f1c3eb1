//! Whole servers without sockets over a store that fails and dies, life after life on one data folder: what was
//! acknowledged is there once, what was refused is not there, and transactions over several tables hold wholly or
//! not at all. Only a test.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use datafusion::arrow::util::display::array_value_to_string;
use tokio::runtime::{Builder, Runtime};

use super::lake::Lake;
use super::offline::session_as;
use super::{Config, first_start};
use crate::base::limits::Limits;
use crate::base::{Error, ErrorKind, Result};
use crate::session::{Execution, Session};
use crate::storage::Faults;

/// Says how many lives are lived; a few without it.
const LIVES_VARIABLE: &str = "LAKEGATE_TEST_LIVES";
const LIVES: u64 = 12;

/// Names the seed of the first life.
const SEED_VARIABLE: &str = "LAKEGATE_TEST_SEED";

/// Clients that work at the same time.
const CLIENTS: u64 = 3;

/// Statements or transactions of one client in one life.
const STEPS: u64 = 8;

/// Writes after which a server that dies is dead at the latest.
const WRITES_MAX: u64 = 120;

/// How long requests may be on their way.
const LATE_MAX: Duration = Duration::from_millis(200);

/// How long a life may last. Who dies waits for answers that never come.
const LIFE_MAX: Duration = Duration::from_secs(60);

const TABLES: [&str; 4] = ["things", "moves", "payers", "payees"];

/// Rows of each of the two tables between which amounts move.
const ACCOUNTS: u64 = 4;
const AMOUNT: i64 = 100;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// What is known of a row by its number: how often it must be there; `None` when an answer was lost.
type Known = BTreeMap<u64, Option<u64>>;

/// What one client knows of its own numbers.
#[derive(Debug, Default, Clone)]
struct Knowledge {
    things: Known,
    moves: Known,
}

/// Numbers that no other row has.
static NUMBER: AtomicU64 = AtomicU64::new(1);

struct Client {
    session: Session,
    random: Random,
    knowledge: Arc<Mutex<Knowledge>>,
    /// What it runs now, for whoever finds that it hangs.
    running: Arc<Mutex<String>>,
}

impl Client {
    fn known(&self) -> MutexGuard<'_, Knowledge> {
        self.knowledge.lock().unwrap()
    }

    /// The rows of one statement, as text.
    async fn run(&mut self, sql: &str) -> Result<Vec<Vec<String>>> {
        sql.clone_into(&mut self.running.lock().unwrap());
        let outcome = self.statement(sql).await;
        if outcome.is_err() {
            self.session.statement_failed();
        }
        outcome
    }

    async fn statement(&mut self, sql: &str) -> Result<Vec<Vec<String>>> {
        let mut found = Vec::new();
        let text: Arc<str> = sql.into();
        for parsed in self.session.parse_text(sql)? {
            self.session.at_place(true);
            let statement = parsed.statement;
            let execution = self.session.execute(statement, &text, vec![], vec![]).await?;
            if let Execution::Rows(mut rows) = execution {
                while rows.ready().await? {
                    let Some((batch, range)) = rows.take() else { break };
                    for row in range {
                        let cells = batch.columns().iter();
                        let cells = cells.map(|column| array_value_to_string(column, row));
                        found.push(cells.collect::<Result<Vec<_>, _>>().unwrap());
                    }
                }
            }
            self.session.statement_succeeded().await?;
        }
        Ok(found)
    }

    /// Several statements as one transaction, which is over in any case.
    async fn transaction(&mut self, statements: &[String]) -> Result<()> {
        self.run("BEGIN").await?;
        for statement in statements {
            if let Err(error) = self.run(statement).await {
                self.run("ROLLBACK").await?;
                return Err(error);
            }
        }
        self.run("COMMIT").await.map(drop)
    }

    async fn step(&mut self, faults: &Faults) {
        match self.random.below(10) {
            0..=2 => self.add(faults).await,
            3 => self.remove(faults).await,
            4..=6 => self.transfer(faults).await,
            7 => self.maintain("OPTIMIZE", "").await,
            8 => _ = self.run("UPDATE things SET touched = touched + 1 WHERE id % 3 = 0").await,
            _ => self.maintain("VACUUM", "RETAIN 0 HOURS").await,
        }
    }

    async fn maintain(&mut self, what: &str, how: &str) {
        let table = TABLES[self.random.below(4) as usize];
        _ = self.run(&format!("{what} {table} {how}")).await;
    }

    /// A row of an own number, by one of the ways to add one.
    async fn add(&mut self, faults: &Faults) {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let sql = match self.random.below(3) {
            0 => format!(
                "MERGE INTO things USING (SELECT {number} AS id) s ON things.id = s.id \
                 WHEN MATCHED THEN UPDATE SET touched = 0 \
                 WHEN NOT MATCHED THEN INSERT (id, touched) VALUES (s.id, 0)"
            ),
            _ => format!("INSERT INTO things VALUES ({number}, 0)"),
        };
        self.known().things.insert(number, None);
        let outcome = self.run(&sql).await;
        note(&mut self.known().things, number, (0, 1), outcome.err(), faults);
    }

    /// One of the rows that were added goes again.
    async fn remove(&mut self, faults: &Faults) {
        let at = self.random.below(100) as usize;
        let is_there =
            |(number, count): (&u64, &Option<u64>)| (*count == Some(1)).then_some(*number);
        let numbers: Vec<u64> = self.known().things.iter().filter_map(is_there).collect();
        let Some(&number) = numbers.get(at % numbers.len().max(1)) else { return };
        self.known().things.insert(number, None);
        let outcome = self.run(&format!("DELETE FROM things WHERE id = {number}")).await;
        note(&mut self.known().things, number, (1, 0), outcome.err(), faults);
    }

    /// An amount moves from one table to another, and a third table says so.
    async fn transfer(&mut self, faults: &Faults) {
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let (from, to) = (self.random.below(ACCOUNTS), self.random.below(ACCOUNTS));
        let statements = [
            format!("UPDATE payers SET amount = amount - 1 WHERE id = {from}"),
            format!("UPDATE payees SET amount = amount + 1 WHERE id = {to}"),
            format!("INSERT INTO moves VALUES ({number})"),
        ];
        self.known().moves.insert(number, None);
        let outcome = self.transaction(&statements).await;
        note(&mut self.known().moves, number, (0, 1), outcome.err(), faults);
    }
}

/// Notes what an answer says of a row: how often it was there before, and how often after.
fn note(known: &mut Known, number: u64, counts: (u64, u64), error: Option<Error>, faults: &Faults) {
    let count = match error {
        None => Some(counts.1),
        // Who is dead gives no answers.
        Some(_) if faults.is_dead() => None,
        Some(error) if error.kind() == ErrorKind::StatementCompletionUnknown => None,
        Some(_) => Some(counts.0),
    };
    known.insert(number, count);
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn config(folder: &Path) -> Config {
    Config { data: folder.display().to_string(), limits: Limits::default(), ..Config::default() }
}

/// Opens the data folder over a store with faults, which has none yet.
async fn open(folder: &Path, seed: u64) -> (Lake, Arc<Faults>) {
    // What the dead server still holds is given up little by little.
    let lake = loop {
        match Lake::open(&config(folder)).await {
            Err(error) if error.kind() == ErrorKind::ObjectInUse => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            lake => break lake.unwrap(),
        }
    };
    let faults = lake.engine.stores().have_faults(seed);
    (lake, faults)
}

fn client(lake: &Lake, folder: &Path, random: Random, knowledge: &Arc<Mutex<Knowledge>>) -> Client {
    let session = session_as(lake, &config(folder), first_start::ADMIN, "main").unwrap();
    Client { session, random, knowledge: Arc::clone(knowledge), running: Arc::default() }
}

async fn make_tables(lake: &Lake, folder: &Path) {
    let mut admin = client(lake, folder, Random(0), &Arc::default());
    let mut statements = vec![
        "CREATE TABLE things (id bigint, touched bigint)".to_owned(),
        "CREATE TABLE moves (id bigint)".to_owned(),
    ];
    for table in ["payers", "payees"] {
        statements.push(format!("CREATE TABLE {table} (id bigint, amount bigint)"));
        for id in 0..ACCOUNTS {
            statements.push(format!("INSERT INTO {table} VALUES ({id}, {AMOUNT})"));
        }
    }
    for statement in statements {
        admin.run(&statement).await.unwrap();
    }
}

/// Compares what is there with what is known, and learns what was not known.
async fn check(reader: &mut Client, clients: &[Arc<Mutex<Knowledge>>]) -> Result<(), String> {
    let mut found = BTreeMap::new();
    for table in ["things", "moves"] {
        let rows = reader.run(&format!("SELECT id, count(*) FROM {table} GROUP BY id")).await;
        let rows = rows.map_err(|error| format!("{table}: {error:?}"))?;
        let rows = rows.iter().map(|row| (row[0].parse().unwrap(), row[1].parse().unwrap()));
        found.insert(table, rows.collect::<BTreeMap<u64, u64>>());
    }
    for own in clients {
        let own = &mut *own.lock().unwrap();
        for (table, known) in [("things", &mut own.things), ("moves", &mut own.moves)] {
            for (number, count) in known.iter_mut() {
                let there = found[table].get(number).copied().unwrap_or(0);
                match *count {
                    Some(count) if count != there => {
                        return Err(format!(
                            "{table}: {number} is there {there} times, not {count}"
                        ));
                    }
                    None if there > 1 => return Err(format!("{table}: {number} is there twice")),
                    _ => *count = Some(there),
                }
            }
        }
    }
    let moved = found["moves"].len() as i64;
    for (table, expected) in [("payers", -moved), ("payees", moved)] {
        let sum = reader.run(&format!("SELECT count(*), sum(amount) FROM {table}")).await;
        let sum = sum.map_err(|error| format!("{table}: {error:?}"))?;
        let wanted = ACCOUNTS as i64 * AMOUNT + expected;
        let wanted = [ACCOUNTS.to_string(), wanted.to_string()];
        if sum[0] != wanted {
            return Err(format!("{table}: {:?}, not {wanted:?} after {moved} moves", sum[0]));
        }
    }
    Ok(())
}

/// One life of a server on the folder.
async fn live(folder: &Path, seed: u64, clients: &[Arc<Mutex<Knowledge>>]) -> Result<(), String> {
    let (lake, faults) = open(folder, seed).await;
    let is_new = lake.metastore.is_new();
    first_start::prepare(&lake).await.map_err(|error| format!("at the start: {error:?}"))?;
    if is_new {
        make_tables(&lake, folder).await;
    }
    let mut random = Random(seed);
    check(&mut client(&lake, folder, Random(seed), &Arc::default()), clients).await?;
    faults.set([0, 3, 8, 20][random.below(4) as usize]);
    if random.below(4) > 0 {
        faults.die_after(random.below(WRITES_MAX) as u32);
    }
    let (mut tasks, mut running) = (Vec::new(), Vec::new());
    for knowledge in clients {
        let mut client = client(&lake, folder, Random(random.below(u64::MAX)), knowledge);
        let faults = Arc::clone(&faults);
        running.push(Arc::clone(&client.running));
        tasks.push(tokio::spawn(async move {
            client.run("SET lakegate.vacuum_retention_check = off").await.unwrap();
            for _ in 0..STEPS {
                client.step(&faults).await;
            }
            "(nothing)".clone_into(&mut client.running.lock().unwrap());
        }));
    }
    let dead = async {
        while !faults.is_dead() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Requests that were sent before still arrive, and some are sent that nobody hears.
        tokio::time::sleep(LATE_MAX).await;
    };
    let work = async {
        for task in tasks {
            task.await.map_err(|error| format!("a client has panicked: {error}"))?;
        }
        Ok::<(), String>(())
    };
    tokio::select! {
        worked = work => worked?,
        () = dead => return Ok(()),
        () = tokio::time::sleep(LIFE_MAX) => return Err(format!("one of these hangs: {running:?}")),
    }
    faults.set(0);
    tokio::time::sleep(LATE_MAX).await;
    if faults.is_dead() {
        return Ok(());
    }
    check(&mut client(&lake, folder, Random(seed), &Arc::default()), clients).await
}

#[test]
fn no_fault_and_no_death_loses_doubles_or_halves_anything() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number(SEED_VARIABLE).unwrap_or_else(|| std::process::id().into());
    let folder = tempfile::tempdir().unwrap();
    let clients: Vec<Arc<Mutex<Knowledge>>> = (0..CLIENTS).map(|_| Arc::default()).collect();
    for life in 0..number(LIVES_VARIABLE).unwrap_or(LIVES) {
        let seed = first.wrapping_mul(1 << 20).wrapping_add(life);
        let runtime = runtime();
        let outcome = runtime.block_on(live(folder.path(), seed, &clients));
        // What waits for a dead store waits for ever.
        runtime.shutdown_background();
        if let Err(wrong) = outcome {
            let kept = folder.keep();
            panic!("{SEED_VARIABLE}={first}, life {life} in {}: {wrong}", kept.display());
        }
    }
}
