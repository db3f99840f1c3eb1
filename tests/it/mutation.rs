//! Sessions as clients send them, with bytes flipped, lengths changed, parts cut out and sent twice: the
//! server answers or closes, panics at nothing, keeps nothing, and serves the others.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use super::support::{Endpoint, Options, Random, RawClient, Server, message};

/// Mutated sessions, after the login and before it.
const SESSIONS: usize = 2_000;
const LOGINS: usize = 2_000;

const CLIENTS: usize = 4;

/// A server that has not closed by then waits for what will never come.
const CLOSES_WITHIN: Duration = Duration::from_secs(20);

/// What the server may keep of all that, in bytes: caches and the allocator's reserve.
const GROWTH_MAX: u64 = 128 << 20;

/// Lengths and counts that programs trip over.
const NUMBERS: [i32; 10] = [0, 1, -1, 3, 4, 5, i32::MAX, i32::MIN, 1 << 30, 0x0000_ffff];

fn bind(types: &[(u32, &[u8])]) -> Vec<u8> {
    let count = (types.len() as u16).to_be_bytes();
    let mut body = b"\0s\0\0\x01\0\x01".to_vec();
    body.extend_from_slice(&count);
    for (_, value) in types {
        body.extend_from_slice(&(value.len() as u32).to_be_bytes());
        body.extend_from_slice(value);
    }
    body.extend_from_slice(b"\0\x01\0\x01");
    message(b'B', &body)
}

fn parse(sql: &str, types: &[(u32, &[u8])]) -> Vec<u8> {
    let mut body = format!("s\0{sql}\0").into_bytes();
    body.extend_from_slice(&(types.len() as u16).to_be_bytes());
    types.iter().for_each(|(oid, _)| body.extend_from_slice(&oid.to_be_bytes()));
    message(b'P', &body)
}

/// Sessions that a server likes.
fn sessions() -> Vec<Vec<u8>> {
    let query = |sql: &str| message(b'Q', format!("{sql}\0").as_bytes());
    let end = [
        message(b'D', b"P\0"),
        message(b'E', b"\0\0\0\0\x02"),
        message(b'E', b"\0\0\0\0\0"),
        message(b'C', b"Ss\0"),
        message(b'S', b""),
    ]
    .concat();
    let int4: (u32, &[u8]) = (23, b"\0\0\0\x07");
    let text: (u32, &[u8]) = (25, b"some text");
    let numeric: (u32, &[u8]) = (1700, b"\0\x02\0\0\0\0\0\x02\0\x0c\x0d\x80");
    let timestamp: (u32, &[u8]) = (1114, b"\0\x02\x8f\x3a\x5c\x1d\0\0");
    let interval: (u32, &[u8]) = (1186, b"\0\0\0\0\x05\xf5\xe1\0\0\0\0\x03\0\0\0\x02");
    let array: (u32, &[u8]) = (
        1007,
        b"\0\0\0\x01\0\0\0\0\0\0\0\x17\0\0\0\x02\0\0\0\x01\0\0\0\x04\0\0\0\x01\0\0\0\x04\0\0\0\x02",
    );
    let uuid: (u32, &[u8]) = (2950, b"0123456789abcdef");
    let json: (u32, &[u8]) = (3802, b"\x01{\"a\": [1, 2]}");
    let values = [int4, text, numeric, timestamp, interval, array, uuid, json];
    let list = "SELECT $1::int4, $2::text, $3::numeric, $4::timestamp, $5::interval, $6::int4[], \
                $7::uuid, $8::jsonb, x FROM generate_series(1, 5) AS g(x)";
    let binary = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\x04\0\0\0\x01\0\0\0\x01a\xff\xff";
    vec![
        query("SELECT 1, 'two', 3.5, NULL, now()"),
        query("SET application_name = 'x'; SHOW application_name; SELECT count(*) FROM pg_class"),
        query("BEGIN; SELECT * FROM taken; COMMIT"),
        [parse(list, &values), message(b'D', b"Ss\0"), bind(&values), end.clone()].concat(),
        [parse("SELECT $1::int4 + 1", &[int4]), bind(&[int4]), end.clone()].concat(),
        [parse("", &[]), bind(&[]), message(b'H', b""), end].concat(),
        [
            query("COPY taken FROM STDIN"),
            message(b'd', b"1\tone\n2\t\\N\n"),
            message(b'd', b"3\tthree\\t\n\\.\n"),
            message(b'c', b""),
        ]
        .concat(),
        [
            query("COPY taken FROM STDIN (FORMAT csv, HEADER)"),
            message(b'd', b"x,v\n1,\"one \"\"quoted\"\"\"\n2,\n"),
            message(b'c', b""),
        ]
        .concat(),
        [query("COPY taken FROM STDIN (FORMAT binary)"), message(b'd', binary), message(b'c', b"")]
            .concat(),
        [query("COPY taken FROM STDIN"), message(b'd', b"1\tone\n"), message(b'f', b"no\0")]
            .concat(),
        query("COPY (SELECT * FROM pg_type) TO STDOUT (FORMAT csv)"),
    ]
}

/// What clients send before they are known.
fn logins(endpoint: &Endpoint) -> Vec<Vec<u8>> {
    let packet = |code: u32, rest: &[u8]| {
        let length = (rest.len() + 8) as u32;
        [&length.to_be_bytes()[..], &code.to_be_bytes(), rest].concat()
    };
    let who = format!(
        "user\0{}\0database\0{}\0application_name\0test\0options\0-c TimeZone=UTC\0\0",
        endpoint.user, endpoint.database
    );
    let startup = packet(3 << 16, who.as_bytes());
    let newer = packet((3 << 16) + 2, who.as_bytes());
    let first = b"SCRAM-SHA-256\0\0\0\0\x11n,,n=,r=some nonce";
    let last = b"c=biws,r=some nonce,p=c29tZSBwcm9vZg==";
    let sasl = [message(b'p', first), message(b'p', last)].concat();
    vec![
        [startup.clone(), sasl.clone()].concat(),
        [packet(80_877_103, b""), startup.clone(), sasl.clone()].concat(),
        [packet(80_877_104, b""), newer, sasl].concat(),
        packet(80_877_102, b"\0\0\0\x01abcd"),
        [startup, message(b'p', b"a password\0")].concat(),
    ]
}

/// One to four changes.
fn mutated(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = at + random.below((bytes.len() - at).min(40) + 1);
        match random.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.next() as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let part = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, part));
            }
            5 => {
                let noise: Vec<u8> = (0..random.below(20)).map(|_| random.next() as u8).collect();
                drop(bytes.splice(at..at, noise));
            }
            _ if at + 4 <= bytes.len() => {
                bytes[at..at + 4].copy_from_slice(&random.of(&NUMBERS).to_be_bytes());
            }
            _ => {}
        }
    }
    bytes
}

/// Sends all of it and reads to the end, which must come.
fn exchange(endpoint: &Endpoint, bytes: &[u8]) -> Result<(), String> {
    let mut stream = TcpStream::connect(endpoint.address).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(CLOSES_WITHIN)).map_err(|error| error.to_string())?;
    // A server that has closed already has answered.
    let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    match stream.read_to_end(&mut Vec::new()) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            Err("not closed".to_owned())
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn session(endpoint: &Endpoint, bytes: &[u8]) -> Result<(), String> {
    let mut client = RawClient::connect(endpoint, &[]).map_err(|error| error.to_string())?;
    client.wait_at_most(CLOSES_WITHIN);
    let _ = client.send(bytes).and_then(|()| client.end_sending());
    loop {
        match client.receive() {
            Ok(answer) if answer.kind == b'E' && answer.error().sqlstate == "XX000" => {
                return Err(answer.error().to_string());
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                return Err("not closed".to_owned());
            }
            Err(_) => return Ok(()),
        }
    }
}

/// Runs mutations of `scripts` by several clients at once.
fn run(
    random: &mut Random,
    endpoint: &Endpoint,
    scripts: &[Vec<u8>],
    count: usize,
    exchange: fn(&Endpoint, &[u8]) -> Result<(), String>,
) {
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (mut random, endpoint) = (random.fork(), endpoint.clone());
            let scripts = scripts.to_vec();
            thread::spawn(move || {
                for _ in 0..count / CLIENTS {
                    let bytes = mutated(random.of(&scripts).as_slice(), &mut random.fork());
                    if let Err(wrong) = exchange(&endpoint, &bytes) {
                        panic!("{wrong}: {}", bytes.escape_ascii());
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
}

#[test]
fn mutated_sessions_harm_nobody() {
    let mut random = Random::seeded("mutation");
    let server = Server::start(Options::default()).unwrap();
    let endpoint = server.endpoint();
    let mut admin = RawClient::connect(&endpoint, &[]).unwrap();
    admin.simple_query("CREATE TABLE taken (x int, v text)").unwrap();
    for script in sessions() {
        session(&endpoint, &script).unwrap();
    }
    run(&mut random, &endpoint, &sessions(), SESSIONS / 4, session);
    run(&mut random, &endpoint, &logins(&endpoint), LOGINS / 4, exchange);
    let before = server.memory_bytes().unwrap();
    run(&mut random, &endpoint, &sessions(), SESSIONS, session);
    run(&mut random, &endpoint, &logins(&endpoint), LOGINS, exchange);
    let grown = server.memory_bytes().unwrap().saturating_sub(before);
    assert!(grown < GROWTH_MAX, "it has grown by {grown} bytes");
    assert_eq!(server.panics(), Vec::<String>::new());
    let sessions = admin.simple_query("SELECT count(*) FROM pg_stat_activity").unwrap().rows;
    assert_eq!(sessions, [[Some("1".to_owned())]]);
}
