//! Plans of catalog queries that sessions share: each session still gets its own answer, whoever asked before, and
//! whatever has changed since.

use std::thread;

use super::support::{Options, RawClient, Server};

const WHO_SEES_WHAT: &str = "
    SELECT c.relname, current_user, session_user, current_setting('timezone'), current_schema(),
        pg_table_is_visible(c.oid), has_table_privilege(c.oid, 'INSERT'), c.oid::regclass
    FROM pg_catalog.pg_class c
    WHERE c.relname IN ('orders', 'secrets') AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1";

fn lines(client: &mut RawClient, sql: &str) -> Vec<String> {
    let rows = client.simple_query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}")).rows;
    let line = |row: Vec<Option<String>>| {
        row.into_iter()
            .map(|value| value.unwrap_or("NULL".to_owned()))
            .collect::<Vec<_>>()
            .join(" ")
    };
    rows.into_iter().map(line).collect()
}

/// The admin, Ann, who may read `orders`, and Bob, who may read nothing.
fn three(server: &Server) -> [RawClient; 3] {
    let mut admin = RawClient::connect(&server.endpoint(), &[]).unwrap();
    admin
        .simple_query(
            "CREATE USER ann PASSWORD 'ann'; CREATE USER bob PASSWORD 'bob';
            GRANT USE CATALOG ON CATALOG main TO ann; GRANT USE CATALOG ON CATALOG main TO bob;
            GRANT USE SCHEMA ON SCHEMA main.public TO ann; GRANT USE SCHEMA ON SCHEMA main.public TO bob;
            CREATE TABLE orders (id int, note text); CREATE TABLE secrets (id int);
            GRANT SELECT ON TABLE orders TO ann",
        )
        .unwrap();
    let ann = RawClient::connect(&server.endpoint().with_user("ann", "ann"), &[]).unwrap();
    let bob = RawClient::connect(&server.endpoint().with_user("bob", "bob"), &[]).unwrap();
    [admin, ann, bob]
}

#[test]
fn each_session_gets_its_own_answer() {
    let server = Server::start(Options::default()).unwrap();
    let [mut admin, mut ann, mut bob] = three(&server);
    for _ in 0..3 {
        assert_eq!(
            lines(&mut admin, WHO_SEES_WHAT),
            [
                "orders admin admin UTC public t t orders",
                "secrets admin admin UTC public t t secrets"
            ]
        );
        assert_eq!(lines(&mut ann, WHO_SEES_WHAT), ["orders ann ann UTC public t f orders"]);
        assert!(lines(&mut bob, WHO_SEES_WHAT).is_empty());
    }
    ann.simple_query("SET timezone = 'Asia/Tokyo'").unwrap();
    assert_eq!(lines(&mut ann, WHO_SEES_WHAT), ["orders ann ann Asia/Tokyo public t f orders"]);
    ann.simple_query("SET search_path = pg_catalog").unwrap();
    assert_eq!(
        lines(&mut ann, WHO_SEES_WHAT),
        ["orders ann ann Asia/Tokyo pg_catalog f f public.orders"]
    );
    admin
        .simple_query(
            "REVOKE SELECT ON TABLE orders FROM ann; GRANT SELECT ON TABLE secrets TO bob",
        )
        .unwrap();
    assert!(lines(&mut ann, WHO_SEES_WHAT).is_empty());
    assert_eq!(lines(&mut bob, WHO_SEES_WHAT), ["secrets bob bob UTC public t f secrets"]);
}

#[test]
fn what_has_changed_is_seen() {
    let server = Server::start(Options::default()).unwrap();
    let [mut admin, ..] = three(&server);
    let columns = "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
        WHERE attrelid = 'orders'::regclass AND attnum > 0 ORDER BY attnum";
    assert_eq!(lines(&mut admin, columns), ["id integer", "note text"]);
    admin.simple_query("ALTER TABLE orders ADD COLUMN price numeric(10,2)").unwrap();
    assert_eq!(lines(&mut admin, columns), ["id integer", "note text", "price numeric(10,2)"]);
    admin.simple_query("BEGIN; DROP TABLE orders; CREATE TABLE orders (only_one date)").unwrap();
    assert_eq!(lines(&mut admin, columns), ["only_one date"]);
    admin.simple_query("ROLLBACK").unwrap();
    assert_eq!(lines(&mut admin, columns).len(), 3);
    admin.simple_query("DROP TABLE orders").unwrap();
    assert_eq!(admin.simple_query(columns).unwrap_err().sqlstate, "42P01");
    // The name means another relation for who has a table in its place.
    let names = "SELECT count(*) FROM pg_roles WHERE rolname = 'ann'";
    assert_eq!(lines(&mut admin, names), ["1"]);
    admin
        .simple_query("CREATE TABLE pg_roles (rolname text); SET search_path = public, pg_catalog")
        .unwrap();
    assert_eq!(lines(&mut admin, names), ["0"]);
}

#[test]
fn a_plan_that_runs_is_nobody_elses() {
    let server = Server::start(Options::default()).unwrap();
    let [mut admin, mut ann, _bob] = three(&server);
    let sql = "SELECT relname, current_user FROM pg_class WHERE relname IN ('orders', 'secrets', 'pg_class') ORDER BY 1";
    lines(&mut admin, sql);
    admin.simple_query(&format!("BEGIN; DECLARE c CURSOR FOR {sql}")).unwrap();
    assert_eq!(lines(&mut admin, "FETCH c"), ["orders admin"]);
    assert_eq!(lines(&mut ann, sql), ["orders ann", "pg_class ann", "secrets ann"]);
    assert_eq!(lines(&mut admin, "FETCH c"), ["pg_class admin"]);
    assert_eq!(lines(&mut ann, sql), ["orders ann", "pg_class ann", "secrets ann"]);
    assert_eq!(lines(&mut admin, "FETCH ALL c"), ["secrets admin"]);
}

#[test]
fn parameters_are_those_of_the_run() {
    let server = Server::start(Options::default()).unwrap();
    let [mut admin, ..] = three(&server);
    admin
        .simple_query(
            "PREPARE by_name(text) AS SELECT relname, $1, relkind FROM pg_class WHERE relname = $1;
            PREPARE by_oid(oid) AS SELECT relname FROM pg_class WHERE oid = $1;
            PREPARE first_ones(int) AS SELECT rolname FROM pg_roles WHERE rolname IN ('ann', 'bob') ORDER BY 1 LIMIT $1",
        )
        .unwrap();
    for _ in 0..2 {
        assert_eq!(lines(&mut admin, "EXECUTE by_name('orders')"), ["orders orders r"]);
        assert_eq!(lines(&mut admin, "EXECUTE by_name('secrets')"), ["secrets secrets r"]);
        assert!(lines(&mut admin, "EXECUTE by_name(NULL)").is_empty());
        assert_eq!(lines(&mut admin, "EXECUTE by_oid(1259)"), ["pg_class"]);
        assert_eq!(lines(&mut admin, "EXECUTE by_oid(1247)"), ["pg_type"]);
        assert_eq!(lines(&mut admin, "EXECUTE first_ones(1)"), ["ann"]);
        assert_eq!(lines(&mut admin, "EXECUTE first_ones(2)"), ["ann", "bob"]);
    }
}

#[test]
fn many_sessions_at_once_get_their_own_answers() {
    let server = Server::start(Options::default()).unwrap();
    let clients = three(&server);
    let users = ["admin", "ann", "bob"];
    thread::scope(|scope| {
        for (mut client, user) in clients.into_iter().zip(users) {
            scope.spawn(move || {
                let sql = "SELECT current_user, pg_backend_pid() = a.pid, r.rolname
                    FROM pg_roles r JOIN pg_stat_activity a ON a.usename = r.rolname
                    WHERE r.rolname = current_user";
                for _ in 0..100 {
                    assert_eq!(lines(&mut client, sql), [format!("{user} t {user}")]);
                }
            });
        }
    });
}
