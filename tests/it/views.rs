//! Views and what they read: what DROP … CASCADE takes with it in other schemas and of other owners, what it leaves,
//! and what it says.

use crate::support::{Client, Options, RawClient, Server, message};

fn views(client: &mut Client) -> String {
    client.value("select string_agg(schemaname || '.' || viewname, ' ' order by 1) from pg_views where viewname like 'v\\_%'")
}

#[test]
fn cascade_takes_views_of_a_schema_and_those_that_read_it() {
    let server = Server::start(Options::default()).unwrap();
    let mut admin = Client::of(&server);
    for statement in [
        "create schema s",
        "create table s.t (a int)",
        "create table t (a int)",
        "create view v_reads as select * from s.t",
        "create view s.v_inside as select * from s.t",
        "create view s.v_upon as select * from s.v_inside",
        "create view v_of_another_t as select * from t",
        "drop schema s cascade",
    ] {
        admin.run(statement);
    }
    assert_eq!(views(&mut admin), "public.v_of_another_t");

    // Without CASCADE a view stays, and reads the next table of that name.
    admin.run("drop table t");
    assert_eq!(admin.sqlstate("select * from v_of_another_t"), "42P01");
    admin.run("create table t (a int)");
    assert_eq!(admin.value("select count(*) from v_of_another_t"), "0");

    admin.run("create catalog gone");
    admin.run("create table gone.public.t (a int)");
    admin.run("create view v_across as select * from gone.public.t");
    admin.run("drop catalog gone cascade");
    assert_eq!(views(&mut admin), "public.v_across public.v_of_another_t");
}

/// The messages of the notices that come with statements.
fn notices(client: &mut RawClient, sql: &str) -> Vec<String> {
    client.send(&message(b'Q', format!("{sql}\0").as_bytes())).unwrap();
    let mut messages = Vec::new();
    loop {
        let answer = client.receive().unwrap();
        match answer.kind {
            b'Z' => return messages,
            b'E' => panic!("{sql}: {:?}", answer.error()),
            b'N' => {
                let told = answer.error_fields().into_iter().filter(|(field, _)| *field == b'M');
                messages.extend(told.map(|(_, text)| text));
            }
            _ => {}
        }
    }
}

#[test]
fn what_goes_is_told_by_name_to_whom_may_know_it() {
    let server = Server::start(Options::default()).unwrap();
    let mut admin = Client::of(&server);
    for statement in [
        "create user ada password 'ada'",
        "create user bob password 'bob'",
        "create schema ours authorization ada",
        "create schema his authorization bob",
        "grant use catalog on catalog main to ada, bob",
        "grant use schema on schema ours to bob",
    ] {
        admin.run(statement);
    }
    let as_user =
        |name: &str| RawClient::connect(&server.endpoint().with_user(name, name), &[]).unwrap();
    let (mut ada, mut bob) = (as_user("ada"), as_user("bob"));
    ada.simple_query("create table ours.t (a int); grant select on ours.t to bob").unwrap();
    ada.simple_query("create view ours.v_own as select * from ours.t").unwrap();
    assert_eq!(notices(&mut ada, "drop view ours.v_own cascade"), [""; 0]);
    ada.simple_query("create view ours.v_own as select * from ours.t").unwrap();
    let told = notices(&mut ada, "begin; drop table ours.t cascade; rollback");
    assert_eq!(told, ["drop cascades to view v_own"]);
    ada.simple_query("drop view ours.v_own").unwrap();
    bob.simple_query("create view his.v_secret as select * from ours.t").unwrap();
    let told = notices(&mut ada, "begin; drop table ours.t cascade; rollback");
    assert_eq!(told, ["drop cascades to 1 other object"]);
    bob.simple_query("create view his.v_second as select * from his.v_secret").unwrap();
    assert_eq!(
        notices(&mut ada, "drop table ours.t cascade"),
        ["drop cascades to 2 other objects"]
    );
    assert_eq!(views(&mut admin), "");
}
