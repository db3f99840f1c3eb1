//! What breaks around the server: each fault has an SQLSTATE and words of its own, tells nobody of paths or
//! secrets who may not see them, and loses no data.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{Endpoint, Options, RawClient, Server, SqlError};

/// What no client may be told: where the tables lie.
const PLACE: &str = "secret-place";

/// A server whose data lies at a place with a name to look for, and a table with a row in each of two files.
struct Lake {
    server: Server,
    folder: tempfile::TempDir,
}

impl Lake {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::default().at(&folder.path().join(PLACE));
        let server = Server::start(options).unwrap();
        let lake = Lake { server, folder };
        let mut admin = lake.connect();
        for sql in [
            "CREATE TABLE t (x int)",
            "INSERT INTO t VALUES (1)",
            "INSERT INTO t VALUES (2)",
            "CREATE USER ada PASSWORD 'pencil and paper'",
            "GRANT USE CATALOG ON CATALOG main TO ada",
            "GRANT USE SCHEMA, SELECT, MODIFY ON SCHEMA main.public TO ada",
        ] {
            admin.simple_query(sql).unwrap();
        }
        lake
    }

    fn connect(&self) -> RawClient {
        RawClient::connect(&self.server.endpoint(), &[]).unwrap()
    }

    fn ada(&self) -> RawClient {
        RawClient::connect(&self.server.endpoint().with_user("ada", "pencil and paper"), &[])
            .unwrap()
    }

    /// The folder of the only table.
    fn table(&self) -> PathBuf {
        let tables = fs::read_dir(self.server.data().join("tables")).unwrap();
        let mut tables: Vec<PathBuf> = tables.flatten().map(|entry| entry.path()).collect();
        assert_eq!(tables.len(), 1);
        tables.remove(0)
    }

    fn files(&self, folder: &str, extension: &str) -> Vec<PathBuf> {
        let files = fs::read_dir(self.table().join(folder)).unwrap();
        let mut files: Vec<PathBuf> = files
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .collect();
        files.sort();
        files
    }

    /// Restarted, so that nothing of the table is remembered.
    fn restarted(self) -> Self {
        Lake { server: self.server.restart().unwrap(), folder: self.folder }
    }
}

/// What a client is told of a failed statement: SQLSTATE and message, detail and hint included.
fn told(client: &mut RawClient, sql: &str) -> (String, String) {
    let all = client.all_that_is_told(sql);
    let sqlstate = all.iter().find(|(field, _)| *field == b'C').map(|(_, text)| text.clone());
    let text = all.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" | ");
    (sqlstate.unwrap_or_default(), text)
}

fn assert_told(client: &mut RawClient, sql: &str, sqlstate: &str, words: &str) {
    let (found, text) = told(client, sql);
    assert_eq!(found, sqlstate, "{sql}: {text}");
    assert!(text.contains(words), "{sql}: {text}");
    assert!(!text.contains(PLACE) && !text.contains("/tmp"), "{sql} tells a path: {text}");
}

fn sum(client: &mut RawClient) -> Option<String> {
    client.simple_query("SELECT sum(x) FROM t").unwrap().rows.remove(0).remove(0)
}

#[test]
fn a_missing_data_file_is_told_without_its_place() {
    let lake = Lake::new();
    let file = lake.files("", "parquet").remove(0);
    let aside = lake.folder.path().join("aside");
    fs::rename(&file, &aside).unwrap();
    let lake = lake.restarted();
    let name = file.file_name().unwrap().to_str().unwrap();
    let words = &format!("file \"{name}\" of the table does not exist");
    let mut ada = lake.ada();
    assert_told(&mut ada, "SELECT * FROM t", "58P01", words);
    assert_told(&mut ada, "UPDATE t SET x = x + 1", "58P01", words);
    assert_told(&mut ada, "COPY t TO STDOUT", "58P01", words);
    fs::rename(&aside, &file).unwrap();
    assert_eq!(sum(&mut ada).as_deref(), Some("3"));
}

#[test]
fn a_damaged_data_file_is_told() {
    let mut lake = Lake::new();
    let file = lake.files("", "parquet").remove(0);
    let whole = fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    damaged.iter_mut().for_each(|byte| *byte ^= 0x55);
    for content in [b"".as_slice(), &whole[..whole.len() / 2], &damaged] {
        fs::write(&file, content).unwrap();
        lake = lake.restarted();
        let (sqlstate, text) = told(&mut lake.ada(), "SELECT * FROM t");
        assert_eq!(sqlstate, "XX001", "{} bytes: {text}", content.len());
        assert!(!text.contains(PLACE), "{text}");
    }
    fs::write(&file, whole).unwrap();
    assert_eq!(sum(&mut lake.restarted().ada()).as_deref(), Some("3"));
}

#[test]
fn a_damaged_log_is_told_and_not_written_to() {
    let mut lake = Lake::new();
    let commit = lake.files("_delta_log", "json").pop().unwrap();
    let whole = fs::read(&commit).unwrap();
    for content in [b"{\"add\":{\"path\":".as_slice(), b"no json\n", b"\xff\xfe\0\0"] {
        fs::write(&commit, content).unwrap();
        lake = lake.restarted();
        let mut ada = lake.ada();
        assert_told(&mut ada, "SELECT * FROM t", "XX001", "transaction log");
        assert_told(&mut ada, "INSERT INTO t VALUES (4)", "XX001", "transaction log");
        assert_eq!(fs::read(&commit).unwrap(), content);
        assert_eq!(lake.files("_delta_log", "json").len(), 3);
        // Other tables are there, and so is the table itself.
        assert_eq!(ada.simple_query("SELECT 1").unwrap().rows.len(), 1);
    }
    fs::write(&commit, whole).unwrap();
    assert_eq!(sum(&mut lake.restarted().ada()).as_deref(), Some("3"));
}

#[test]
fn a_location_that_cannot_be_reached_is_told() {
    let lake = Lake::new();
    let aside = lake.folder.path().join("aside");
    let table = lake.table();
    fs::rename(&table, &aside).unwrap();
    let mut ada = lake.ada();
    assert_told(&mut ada, "SELECT * FROM t", "42704", "no Delta table at this location");
    assert_told(&mut ada, "INSERT INTO t VALUES (4)", "42704", "no Delta table at this location");
    fs::rename(&aside, &table).unwrap();
    assert_eq!(sum(&mut ada).as_deref(), Some("3"));
    let mut admin = lake.connect();
    for (location, sqlstate, words) in [
        ("/nowhere/at/all", "42704", "no Delta table at the location"),
        ("s3://bucket/t", "55000", "no external location covers the place"),
        ("https://example.com/t", "0A000", "https"),
    ] {
        let (found, text) = told(&mut admin, &format!("CREATE TABLE other LOCATION '{location}'"));
        assert!(found == sqlstate && text.contains(words), "{location}: {text}");
    }
}

/// A wrong password is told like a user that does not exist.
#[test]
fn a_wrong_password_tells_nothing() {
    let lake = Lake::new();
    let refused = |user: &str, password: &str| {
        let endpoint: Endpoint = lake.server.endpoint().with_user(user, password);
        RawClient::connect(&endpoint, &[]).err().unwrap()
    };
    let wrong = refused("ada", "pencil");
    let unknown = refused("eve", "pencil");
    assert_eq!((wrong.sqlstate.as_str(), unknown.sqlstate.as_str()), ("28P01", "28P01"));
    assert_eq!(wrong.message.replace("ada", "eve"), unknown.message);
    let log = lake.server.log();
    assert!(!log.contains("pencil"), "the log has a password: {log}");
}

/// What others run, with the secrets in it, is nobody's business.
#[test]
fn statements_of_others_are_not_shown() {
    let lake = Lake::new();
    let mut admin = lake.connect();
    admin.simple_query("CREATE USER bob PASSWORD 'a secret of bob'").unwrap();
    let mut ada = lake.ada();
    let shown = ada.simple_query("SELECT * FROM pg_stat_activity").unwrap().rows;
    let shown = format!("{shown:?}");
    assert!(!shown.contains("bob"), "{shown}");
    let own = admin.simple_query("SELECT * FROM pg_stat_activity").unwrap().rows;
    assert!(!format!("{own:?}").contains("a secret of bob"), "{own:?}");
    let failed = admin.simple_query("CREATE USER bob PASSWORD 'a secret of bob'").unwrap_err();
    assert_eq!(failed.sqlstate, "42710");
    assert!(!lake.server.log().contains("a secret of bob"));
}

/// A security setting that cannot be honoured stops the start; whoever starts the server sees the path.
#[test]
fn a_certificate_that_is_missing_stops_the_start() {
    let missing = "/nowhere/server.pem";
    let arguments = ["--tls-cert", missing, "--tls-key", missing].map(str::to_owned).to_vec();
    let options = Options { arguments, ..Options::default() };
    let error = Server::start(options).err().unwrap();
    assert!(error.contains(missing) && error.contains("exit status: 1"), "{error}");
    let required = Options::default().with(&[("tls.required", "true")]);
    let error = Server::start(required).err().unwrap();
    assert!(error.contains("there is no tls.cert and tls.key"), "{error}");
}

/// One server to a data folder; a damaged metastore is not written over.
#[test]
fn a_metastore_that_cannot_be_used_stops_the_start() {
    let lake = Lake::new();
    let data = lake.server.data();
    let second = Server::start(Options::default().at(&data)).err().unwrap();
    assert!(second.contains("in use by another process"), "{second}");
    assert_eq!(sum(&mut lake.connect()).as_deref(), Some("3"));
    let Lake { server, folder } = lake;
    drop(server);
    for part in fs::read_dir(&data).unwrap().flatten().map(|entry| entry.path()) {
        let name = part.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with("-wal") || name.ends_with("-shm") {
            fs::remove_file(part).unwrap();
        }
    }
    let damaged = vec![0x55; 8192];
    fs::write(data.join("metastore.db"), &damaged).unwrap();
    let error = Server::start(Options::default().at(&data)).err().unwrap();
    assert!(error.contains("metastore is damaged"), "{error}");
    assert_eq!(fs::read(data.join("metastore.db")).unwrap(), damaged);
    drop(folder);
}

/// A small disk of its own, where the test may mount one.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path, bytes: usize) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(folder)
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Disk(folder.to_owned())),
            _ => {
                println!("skipped: only root may mount a small disk");
                None
            }
        }
    }

    fn remount(&self, option: &str) {
        let status =
            Command::new("mount").args(["-o", &format!("remount,{option}")]).arg(&self.0).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn insert(client: &mut RawClient) -> Result<(), SqlError> {
    let rows = "INSERT INTO filled SELECT x, md5(x::text) FROM generate_series(1, 20000) AS g(x)";
    client.simple_query(rows).map(drop)
}

fn count(client: &mut RawClient) -> usize {
    let rows = client.simple_query("SELECT count(*) FROM filled").unwrap().rows;
    rows[0][0].as_ref().unwrap().parse().unwrap()
}

/// Until there is no room; then nothing half-written is seen, reading goes on, and with room writing does.
#[test]
fn a_full_disk_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(folder.path(), 12 << 20) else { return };
    let data = folder.path().join(PLACE);
    let mut server = Server::start(Options::default().at(&data)).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    client.simple_query("CREATE TABLE filled (x bigint, v text)").unwrap();
    let mut inserted = 0;
    let error = loop {
        match insert(&mut client) {
            Ok(()) => inserted += 1,
            Err(error) => break error,
        }
        assert!(inserted < 100, "the disk does not fill");
    };
    assert_eq!(error.sqlstate, "53100", "{error}");
    assert!(!error.message.contains(PLACE), "{error}");
    assert_eq!(count(&mut client), inserted * 20_000);
    // The last byte, so that the metastore has none.
    let filler = folder.path().join("filler");
    while fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&filler)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &[0; 4096]))
        .is_ok()
    {}
    let mut refused = 0;
    for n in 0..20 {
        match client.simple_query(&format!("CREATE SCHEMA s{n}")) {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.sqlstate, "53100", "{error}");
                refused += 1;
            }
        }
    }
    let (sqlstate, text) = told(&mut client, "CREATE TABLE more (x int)");
    assert_eq!(sqlstate, "53100", "{text}");
    println!("faults: {inserted} inserts fitted, {refused} of 20 schemas were refused");
    disk.remount("size=64M");
    insert(&mut client).unwrap();
    client.simple_query("CREATE TABLE more (x int)").unwrap();
    server = server.restart().unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    assert_eq!(count(&mut client), (inserted + 1) * 20_000);
    assert_eq!(server.panics(), Vec::<String>::new());
}

#[test]
fn a_disk_that_is_read_only_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(folder.path(), 64 << 20) else { return };
    let data = folder.path().join(PLACE);
    let server = Server::start(Options::default().at(&data)).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    client.simple_query("CREATE TABLE filled (x bigint, v text)").unwrap();
    insert(&mut client).unwrap();
    // A disk with files open for writing stays writable: only new files of the tables are refused.
    let tables = data.join("tables");
    let bound = Command::new("mount").arg("--bind").arg(&tables).arg(&tables).status();
    assert!(bound.unwrap().success());
    let tables = Disk(tables);
    tables.remount("bind,ro");
    let (sqlstate, text) = told(&mut client, "INSERT INTO filled VALUES (1, 'one')");
    assert_eq!(sqlstate, "58030", "{text}");
    assert!(!text.contains(PLACE), "{text}");
    let (sqlstate, text) = told(&mut client, "CREATE TABLE more (x int)");
    assert_eq!(sqlstate, "58030", "{text}");
    assert_eq!(count(&mut client), 20_000);
    tables.remount("bind,rw");
    client.simple_query("INSERT INTO filled VALUES (1, 'one')").unwrap();
    assert_eq!(count(&mut client), 20_001);
    drop(tables);
    drop(disk);
}
