//! The kinds of work in the crash test: for each, a place to work in, random statements with what they
//! should leave behind, and how to see what is there.

use super::super::support::{Random, RawClient, SqlError};
use super::actor::{State, Step};

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// INSERT, COPY, UPDATE, DELETE and MERGE on a table of its own, by batches of rows.
    Rows,
    /// UPDATE on a table of all clients of this kind, moving amounts from account to account.
    Ledger,
    /// CREATE [OR REPLACE] TABLE [AS], DROP TABLE, RENAME, and views.
    Tables,
    /// CREATE and DROP SCHEMA, with a table inside.
    Schemas,
    /// CREATE and DROP USER, GRANT and REVOKE.
    Principals,
}

/// Rows that one INSERT, COPY or MERGE adds.
const ROWS: usize = 7;

/// Accounts in the ledger, and what all of them hold together.
const ACCOUNTS: usize = 20;
const AMOUNT_TOTAL: usize = 20_000;

/// Names that each client uses again and again.
const NAMES: [&str; 3] = ["a", "b", "c"];

impl Task {
    /// Whether clients of this kind change the same table.
    pub fn conflicts(self) -> bool {
        self == Task::Ledger
    }

    /// A random next statement; `count` is a number that no other statement of the client has.
    pub fn step(self, number: usize, count: usize, state: &State, random: &mut Random) -> Step {
        match self {
            Task::Rows => rows_step(number, count, state, random),
            Task::Ledger => ledger_step(number, state, random),
            Task::Tables => tables_step(number, count, state, random),
            Task::Schemas => schemas_step(number, state, random),
            Task::Principals => principals_step(number, state, random),
        }
    }
}

/// Makes what the work needs.
pub fn prepare(task: Task, number: usize, admin: &mut RawClient) -> Result<(), SqlError> {
    let statements = match task {
        Task::Rows => vec![format!("CREATE TABLE rows_{number} (batch int, n int, v text)")],
        Task::Ledger => {
            let accounts = format!(
                "CREATE TABLE IF NOT EXISTS ledger AS SELECT CAST(x AS int) AS account, \
                 CAST({} AS bigint) AS amount FROM generate_series(1, {ACCOUNTS}) AS g(x)",
                AMOUNT_TOTAL / ACCOUNTS
            );
            vec![accounts, format!("INSERT INTO ledger VALUES ({}, 0)", 1000 + number)]
        }
        Task::Tables => vec![format!("CREATE SCHEMA tables_{number}")],
        Task::Schemas => Vec::new(),
        Task::Principals => vec![format!("CREATE TABLE granted_{number} (x int)")],
    };
    statements.iter().try_for_each(|sql| admin.simple_query(sql).map(drop))
}

/// What there is of the client's things.
pub fn observe(task: Task, number: usize, admin: &mut RawClient) -> Result<State, SqlError> {
    match task {
        Task::Rows => pairs(
            admin,
            &format!(
                "SELECT batch, count(*) || ' rows, sum ' || sum(n) || ' of ' || min(v) || max(v) \
                 FROM rows_{number} GROUP BY batch"
            ),
        ),
        Task::Ledger => pairs(
            admin,
            &format!("SELECT 'turns', amount FROM ledger WHERE account = {}", 1000 + number),
        ),
        Task::Tables => {
            let schema = format!("tables_{number}");
            let mut state = relations(admin, &schema)?;
            for (name, found) in &mut state {
                let rows = format!(
                    "SELECT 0, count(*) || ' rows of ' || min(mark) || '-' || max(mark) FROM {schema}.{name}"
                );
                let rows = pairs(admin, &rows)?;
                found.push_str(rows.get("0").map_or("nothing", String::as_str));
            }
            Ok(state)
        }
        Task::Schemas => {
            let mut state = pairs(
                admin,
                &format!(
                    "SELECT schema_name, 'schema' FROM information_schema.schemata \
                     WHERE schema_name LIKE 'schema\\_{number}\\_%'"
                ),
            )?;
            for schema in state.keys().cloned().collect::<Vec<_>>() {
                for (name, kind) in relations(admin, &schema)? {
                    state.insert(format!("{schema}.{name}"), kind);
                }
            }
            Ok(state)
        }
        Task::Principals => {
            let users = format!(
                "SELECT rolname, 'user' FROM pg_roles WHERE rolname LIKE 'user\\_{number}\\_%'"
            );
            let grants = format!(
                "SELECT 'grant ' || grantee, privilege_type FROM information_schema.table_privileges \
                 WHERE table_name = 'granted_{number}' AND grantee LIKE 'user\\_{number}\\_%' \
                 AND privilege_type = 'SELECT'"
            );
            let mut state = pairs(admin, &users)?;
            state.extend(pairs(admin, &grants)?);
            Ok(state)
        }
    }
}

/// The sum over all accounts does not change, whoever moves what.
pub fn check_ledger(admin: &mut RawClient) {
    let total = "SELECT sum(amount) || ' in ' || count(*) FROM ledger WHERE account < 1000";
    let rows = admin.simple_query(total).unwrap().rows;
    assert_eq!(rows, [[Some(format!("{AMOUNT_TOTAL} in {ACCOUNTS}"))]]);
}

fn pairs(admin: &mut RawClient, sql: &str) -> Result<State, SqlError> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
    let rows = admin.simple_query(sql)?.rows;
    Ok(rows
        .iter()
        .filter_map(|row| match row.as_slice() {
            [name, value] => Some((text(name), text(value))),
            _ => None,
        })
        .collect())
}

/// The tables and views of a schema.
fn relations(admin: &mut RawClient, schema: &str) -> Result<State, SqlError> {
    let sql = format!(
        "SELECT table_name, CASE table_type WHEN 'VIEW' THEN 'view ' ELSE 'table ' END \
         FROM information_schema.tables WHERE table_schema = '{schema}'"
    );
    pairs(admin, &sql)
}

fn step(sql: String, after: State) -> Step {
    Step { sql, rows: None, after }
}

fn with(state: &State, name: &str, value: String) -> State {
    let mut state = state.clone();
    state.insert(name.to_owned(), value);
    state
}

fn without(state: &State, name: &str) -> State {
    let mut state = state.clone();
    state.remove(name);
    state
}

/// A batch as it is seen: its rows have the numbers from `first` on.
fn batch(first: usize, mark: &str) -> String {
    let sum: usize = (first..first + ROWS).sum();
    format!("{ROWS} rows, sum {sum} of {mark}{mark}")
}

fn rows_step(number: usize, count: usize, state: &State, random: &mut Random) -> Step {
    let table = format!("rows_{number}");
    let known: Vec<&String> = state.keys().collect();
    let one = known.get(random.below(known.len())).map(|batch| (*batch).clone());
    let added = with(state, &count.to_string(), batch(0, "new"));
    match (random.below(6), one) {
        (0, Some(batch)) => {
            step(format!("DELETE FROM {table} WHERE batch = {batch}"), without(state, &batch))
        }
        (1, Some(known)) => {
            let sql = format!(
                "UPDATE {table} SET n = n - {} + {count}, v = 'upd' WHERE batch = {known}",
                first_of(&state[&known])
            );
            step(sql, with(state, &known, batch(count, "upd")))
        }
        (2, Some(known)) => {
            let sql = format!(
                "MERGE INTO {table} AS t USING (SELECT CAST(b AS int) AS b, CAST(x AS int) AS x \
                 FROM (VALUES ({known}), ({count})) AS w(b), generate_series(0, {}) AS g(x)) AS s \
                 ON t.batch = s.b AND t.n - {} = s.x \
                 WHEN MATCHED THEN UPDATE SET v = 'mrg' \
                 WHEN NOT MATCHED THEN INSERT (batch, n, v) VALUES (s.b, s.x, 'new')",
                ROWS - 1,
                first_of(&state[&known]),
            );
            let merged = batch(first_of(&state[&known]), "mrg");
            step(sql, with(&added, &known, merged))
        }
        (3, _) => {
            let rows: String = (0..ROWS).map(|n| format!("{count}\t{n}\tnew\n")).collect();
            let sql = format!("COPY {table} FROM STDIN");
            Step { sql, rows: Some(rows), after: added }
        }
        _ => {
            let rows: Vec<String> = (0..ROWS).map(|n| format!("({count}, {n}, 'new')")).collect();
            step(format!("INSERT INTO {table} VALUES {}", rows.join(", ")), added)
        }
    }
}

/// The first number of a batch, from what is seen of it.
fn first_of(seen: &str) -> usize {
    let sum = seen.split("sum ").nth(1).and_then(|rest| rest.split(' ').next());
    let sum: usize = sum.and_then(|sum| sum.parse().ok()).unwrap();
    (sum - (0..ROWS).sum::<usize>()) / ROWS
}

fn ledger_step(number: usize, state: &State, random: &mut Random) -> Step {
    let from = 1 + random.below(ACCOUNTS);
    let to = 1 + (from + random.below(ACCOUNTS - 1)) % ACCOUNTS;
    let turns: usize = state.get("turns").and_then(|turns| turns.parse().ok()).unwrap_or(0);
    let own = 1000 + number;
    let sql = format!(
        "UPDATE ledger SET amount = CASE account WHEN {from} THEN amount - {moved} \
         WHEN {to} THEN amount + {moved} ELSE amount + 1 END WHERE account IN ({from}, {to}, {own})",
        moved = random.below(50),
    );
    step(sql, with(state, "turns", (turns + 1).to_string()))
}

fn tables_step(number: usize, count: usize, state: &State, random: &mut Random) -> Step {
    let schema = format!("tables_{number}");
    let name = *random.of(&NAMES);
    let rows = 1 + random.below(20);
    let query = format!("SELECT {count} AS mark FROM generate_series(1, {rows}) AS g(x)");
    let seen = format!("{rows} rows of {count}-{count}");
    let kind = state.get(name).map(|seen| seen.split(' ').next().unwrap_or_default());
    let free: Vec<&&str> = NAMES.iter().filter(|name| !state.contains_key(**name)).collect();
    match (kind, random.below(3)) {
        (None, 0) => step(
            format!("CREATE TABLE {schema}.{name} (mark int)"),
            with(state, name, "table null".to_owned()),
        ),
        (None, 1) => {
            let after = with(state, name, format!("view {seen}"));
            step(format!("CREATE VIEW {schema}.{name} AS {query}"), after)
        }
        (None, _) => {
            let after = with(state, name, format!("table {seen}"));
            step(format!("CREATE TABLE {schema}.{name} AS {query}"), after)
        }
        (Some(kind), 0) => step(format!("DROP {kind} {schema}.{name}"), without(state, name)),
        (Some("table"), 1) if !free.is_empty() => {
            let to = free[random.below(free.len())];
            let after = with(&without(state, name), to, state[name].clone());
            step(format!("ALTER TABLE {schema}.{name} RENAME TO {to}"), after)
        }
        (Some(kind), _) => {
            let after = with(state, name, format!("{kind} {seen}"));
            step(format!("CREATE OR REPLACE {kind} {schema}.{name} AS {query}"), after)
        }
    }
}

fn schemas_step(number: usize, state: &State, random: &mut Random) -> Step {
    let schema = format!("schema_{number}_{}", random.of(&NAMES));
    let table = format!("{schema}.t");
    if !state.contains_key(&schema) {
        let after = with(state, &schema, "schema".to_owned());
        return step(format!("CREATE SCHEMA {schema}"), after);
    }
    if !state.contains_key(&table) && random.below(2) == 0 {
        let after = with(state, &table, "table ".to_owned());
        return step(format!("CREATE TABLE {table} (x int)"), after);
    }
    let after = without(&without(state, &table), &schema);
    step(format!("DROP SCHEMA {schema} CASCADE"), after)
}

fn principals_step(number: usize, state: &State, random: &mut Random) -> Step {
    let user = format!("user_{number}_{}", random.of(&NAMES));
    let grant = format!("grant {user}");
    let table = format!("granted_{number}");
    if !state.contains_key(&user) {
        let after = with(state, &user, "user".to_owned());
        return step(format!("CREATE USER {user} PASSWORD 'a long password'"), after);
    }
    match (state.contains_key(&grant), random.below(3)) {
        (false, 0 | 1) => {
            let after = with(state, &grant, "SELECT".to_owned());
            step(format!("GRANT SELECT ON TABLE {table} TO {user}"), after)
        }
        (true, 0 | 1) => {
            step(format!("REVOKE SELECT ON TABLE {table} FROM {user}"), without(state, &grant))
        }
        _ => step(format!("DROP USER {user}"), without(&without(state, &grant), &user)),
    }
}
