//! Materialized views while several clients work: what readers see of a REFRESH, what a transaction takes back, who
//! may, and what a server that starts again still knows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::support::{Client, Options, RawClient, Server};

fn server_with_view() -> Server {
    let server = Server::start(Options::default()).unwrap();
    let mut admin = Client::of(&server);
    admin.run("create table t (a int)");
    admin.run("insert into t select * from generate_series(1, 10)");
    admin.run("create materialized view m as select a, a * 2 as b from t");
    server
}

#[test]
fn a_refresh_is_seen_when_it_is_committed_and_wholly() {
    let server = server_with_view();
    let (mut a, mut b) = (Client::of(&server), Client::of(&server));

    a.run("begin");
    a.run("insert into t values (11)");
    a.run("refresh materialized view m");
    a.run("create materialized view n as select count(*) as c from m");
    assert_eq!(a.value("select count(*) from m"), "11");
    assert_eq!(a.value("select c from n"), "11");
    assert_eq!(b.value("select count(*) from m"), "10");
    assert_eq!(b.sqlstate("select * from n"), "42P01");
    a.run("commit");
    assert_eq!(b.value("select count(*) from m"), "11");
    assert_eq!(b.value("select c from n"), "11");

    a.run("begin");
    a.run("refresh materialized view m with no data");
    assert_eq!(a.sqlstate("select * from m"), "55000");
    a.run("rollback");
    assert_eq!(a.value("select count(*) from m"), "11");

    // Who made it populated and who did not are one with its rows.
    a.run("refresh materialized view m with no data");
    assert_eq!(b.sqlstate("select * from m"), "55000");
    a.run("begin");
    a.run("refresh materialized view m");
    assert_eq!(b.sqlstate("select * from m"), "55000");
    a.run("commit");
    assert_eq!(b.value("select count(*) from m"), "11");
}

#[test]
fn readers_find_all_rows_while_it_is_refreshed() {
    let server = server_with_view();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = Client::of(&server);
            for _ in 0..10 {
                client.run("refresh materialized view concurrently m");
            }
            over.store(true, Ordering::SeqCst);
        });
        let mut reader = Client::of(&server);
        while !over.load(Ordering::SeqCst) {
            assert_eq!(reader.value("select count(*) || ' ' || sum(b) from m"), "10 110");
        }
    });
}

#[test]
fn a_server_that_starts_again_knows_the_query() {
    let server = server_with_view();
    let mut admin = Client::of(&server);
    admin.run("create materialized view later as select 1 as one with no data");
    drop(admin);
    let server = server.restart().unwrap();
    let mut admin = Client::of(&server);
    assert_eq!(admin.value("select count(*) from m"), "10");
    assert_eq!(admin.sqlstate("select * from later"), "55000");
    admin.run("insert into t values (11)");
    admin.run("refresh materialized view m");
    admin.run("refresh materialized view later");
    assert_eq!(admin.value("select count(*) from m"), "11");
    assert_eq!(admin.value("select one from later"), "1");
}

#[test]
fn a_refresh_tells_nothing_that_its_owner_may_not_know() {
    let server = server_with_view();
    let mut admin = RawClient::connect(&server.endpoint(), &[]).unwrap();
    for sql in [
        "create user ann password 'ann'",
        "grant use catalog on catalog main to ann",
        "create schema s",
        "grant use schema, create on schema s to ann",
    ] {
        admin.simple_query(sql).unwrap();
    }
    let mut ann = RawClient::connect(&server.endpoint().with_user("ann", "ann"), &[]).unwrap();
    // What the system tells depends on who asks: here that is the owner, whoever says REFRESH.
    ann.simple_query(
        "create materialized view s.seen as
         select relname, current_user as me from pg_class where relname = 't'",
    )
    .unwrap();
    let rows = |client: &mut RawClient| {
        client.simple_query("select count(*) from s.seen").unwrap().rows.concat()
    };
    assert_eq!(rows(&mut ann), [Some("0".to_owned())]);
    admin.simple_query("refresh materialized view s.seen").unwrap();
    assert_eq!(rows(&mut ann), [Some("0".to_owned())]);

    // A table that only the admin may read stays so.
    ann.simple_query("create materialized view s.one as select 1 as a").unwrap();
    admin.simple_query("grant select on table public.t to ann").unwrap();
    admin.simple_query("grant use schema on schema public to ann").unwrap();
    ann.simple_query("create materialized view s.read as select a from public.t").unwrap();
    admin.simple_query("revoke select on table public.t from ann").unwrap();
    let refused = admin.simple_query("refresh materialized view s.read").unwrap_err();
    assert_eq!(refused.sqlstate, "42501");
    assert!(!format!("{refused:?}").contains("public.t"), "{refused:?}");
}
