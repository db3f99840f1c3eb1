//! What the SQL files cannot show of who may see what: bytes before the login, files that are gone, portals that
//! wait, a server that starts again.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use super::support::{Options, RawClient, Server, message};

fn start(environment: &[(&str, &str)], data: Option<PathBuf>) -> Server {
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Server::start(Options { environment, data, ..Options::default() }).unwrap()
}

/// The admin, and a user who may use the schema `public` and nothing in it.
fn admin_and_ann(server: &Server) -> (RawClient, RawClient) {
    let mut admin = RawClient::connect(&server.endpoint(), &[]).unwrap();
    for sql in [
        "CREATE USER ann PASSWORD 'ann'",
        "GRANT USE CATALOG ON CATALOG main TO ann",
        "GRANT USE SCHEMA ON SCHEMA main.public TO ann",
    ] {
        admin.simple_query(sql).unwrap();
    }
    let ann = RawClient::connect(&server.endpoint().with_user("ann", "ann"), &[]).unwrap();
    (admin, ann)
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => files(&path, extension),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}

#[test]
fn where_the_files_of_a_table_are_is_in_the_log_only() {
    let server = start(&[], None);
    let (mut admin, mut ann) = admin_and_ann(&server);
    admin
        .simple_query("CREATE TABLE t PARTITIONED BY (secret) AS SELECT 1 AS id, 'x' AS secret UNION ALL SELECT 2, 'x'")
        .unwrap();
    admin.simple_query("CREATE VIEW v AS SELECT id FROM t").unwrap();
    admin.simple_query("GRANT SELECT ON VIEW v TO ann").unwrap();
    admin.simple_query("GRANT SELECT ON TABLE t TO ann").unwrap();
    let mut ann_sees = |sql: &str| {
        let rows = ann.simple_query(sql).unwrap().rows;
        rows.into_iter().flatten().flatten().collect::<Vec<_>>().join("\n")
    };
    for sql in [
        "EXPLAIN SELECT * FROM v",
        "EXPLAIN (FORMAT JSON) SELECT * FROM v",
        "EXPLAIN ANALYZE SELECT * FROM v",
        "EXPLAIN VERBOSE SELECT * FROM v",
    ] {
        let plan = ann_sees(sql);
        assert!(!plan.contains("part-") && !plan.contains(".parquet"), "{plan}");
    }
    for file in files(&server.data(), "parquet") {
        std::fs::remove_file(file).unwrap();
    }
    for client in [&mut ann, &mut admin] {
        let error = client.simple_query("SELECT id + 1 FROM v").unwrap_err();
        assert_eq!(error.sqlstate, "58P01", "{error}");
        let told = error.to_string();
        let data = server.data().display().to_string();
        assert!(!told.contains("secret") && !told.contains(&data), "{told}");
        assert!(!told.contains('/'), "{told}");
    }
    assert!(server.log().contains("/secret=x/part-"), "{}", server.log());
}

#[test]
fn a_portal_is_authorized_when_it_is_executed() {
    let server = start(&[], None);
    let (mut admin, mut ann) = admin_and_ann(&server);
    admin.simple_query("CREATE TABLE t AS SELECT 1 AS id UNION ALL SELECT 2").unwrap();
    admin.simple_query("GRANT SELECT ON TABLE t TO ann").unwrap();
    ann.simple_query("BEGIN").unwrap();
    let parse = message(b'P', b"s\0SELECT id FROM t\0\0\0");
    let bind = |portal: &str| message(b'B', format!("{portal}\0s\0\0\0\0\0\0\0").as_bytes());
    let execute =
        |portal: &str, rows: u8| message(b'E', &[portal.as_bytes(), &[0, 0, 0, 0, rows]].concat());
    let sync = message(b'S', b"");
    let kinds = |client: &mut RawClient| {
        let mut kinds = Vec::new();
        loop {
            let answer = client.receive().unwrap();
            kinds.push(answer.kind);
            match answer.kind {
                b'E' => assert_eq!(answer.error().sqlstate, "42501"),
                b'Z' => return String::from_utf8(kinds).unwrap(),
                _ => {}
            }
        }
    };
    ann.send(&[parse, bind("begun"), bind("waiting"), execute("begun", 1), sync.clone()].concat())
        .unwrap();
    assert_eq!(kinds(&mut ann), "122DsZ");
    admin.simple_query("REVOKE SELECT ON TABLE t FROM ann").unwrap();
    // A result that is on its way was authorized when it began.
    ann.send(&[execute("begun", 0), sync.clone()].concat()).unwrap();
    assert_eq!(kinds(&mut ann), "DCZ");
    ann.send(&[execute("waiting", 0), sync].concat()).unwrap();
    assert_eq!(kinds(&mut ann), "EZ");
}

/// The salt that the server has for a user.
fn salt_of(address: SocketAddr, user: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let body = [&(3u32 << 16).to_be_bytes()[..], format!("user\0{user}\0\0").as_bytes()].concat();
    let length = u32::try_from(body.len() + 4).unwrap();
    stream.write_all(&[&length.to_be_bytes()[..], &body].concat()).unwrap();
    receive(&mut stream);
    let first = b"n,,n=,r=abc";
    let length = u32::try_from(first.len()).unwrap().to_be_bytes();
    let initial = [b"SCRAM-SHA-256\0".as_slice(), &length, first].concat();
    stream.write_all(&message(b'p', &initial)).unwrap();
    let answer = receive(&mut stream);
    let text = String::from_utf8_lossy(&answer[4..]).into_owned();
    text.split(',').find_map(|part| part.strip_prefix("s=")).unwrap().to_owned()
}

fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let mut header = [0; 5];
    stream.read_exact(&mut header).unwrap();
    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) - 4;
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body).unwrap();
    body
}

#[test]
fn a_restart_does_not_show_which_users_there_are() {
    let data = tempfile::tempdir().unwrap();
    let server = start(&[], Some(data.path().join("data")));
    let address = server.address();
    let before = [salt_of(address, "admin"), salt_of(address, "nobody")];
    let server = server.restart().unwrap();
    let address = server.address();
    assert_eq!([salt_of(address, "admin"), salt_of(address, "nobody")], before);
    assert_ne!(before[1], salt_of(address, "somebody"));
}

#[test]
fn one_address_cannot_take_all_places_before_the_login() {
    let name = "LAKEGATE_LIMITS_UNAUTHENTICATED_CONNECTIONS_PER_ADDRESS_MAX";
    let server = start(&[(name, "3")], None);
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(RawClient::connect(&server.endpoint(), &[]).unwrap());
    }
    let silent: Vec<_> = (0..3).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    let mut refused = TcpStream::connect(server.address()).unwrap();
    let mut answer = Vec::new();
    refused.read_to_end(&mut answer).unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("53300"), "{answer:?}");
    drop(silent);
    clients.pop().unwrap().simple_query("SELECT 1").unwrap();
}
