//! `kill -9` in the middle of writes and DDL, again and again over one data folder: what was acknowledged is
//! there, what was not is there wholly or not at all, and no name is blocked by what a crash has left.

mod actor;
mod work;

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use super::support::{Options, Random, RawClient, Server};
use actor::Actor;

/// How often the server is killed.
const KILLS: usize = 50;

/// One in so many kills hits the server while it starts.
const KILLS_PER_START: usize = 6;

/// How long the clients work before the kill, in milliseconds.
const WORK_MILLIS: std::ops::Range<u64> = 20..400;

/// How long a killed server may take to start. It takes a fraction of a second; the rest is for a debug build
/// beside other work.
const START_MAX: Duration = Duration::from_secs(15);

#[test]
fn nothing_acknowledged_is_lost_and_nothing_half_done_is_seen() {
    let mut random = Random::seeded("crash");
    let folder = tempfile::tempdir().unwrap();
    let options = Options::default().at(&folder.path().join("data"));
    let mut actors: Vec<Actor> = Vec::new();
    let mut done = 0;
    for kill in 0..=KILLS {
        if kill % KILLS_PER_START == 0 {
            Server::start_and_kill(&options, random.millis(1..200)).unwrap();
        }
        let began = Instant::now();
        let mut server = Server::start(options.clone()).unwrap();
        assert!(began.elapsed() < START_MAX, "start {kill} took {:?}", began.elapsed());
        let mut admin = RawClient::connect(&server.endpoint(), &[]).unwrap();
        if actors.is_empty() {
            actors = Actor::all(&mut admin, &mut random);
        }
        for actor in &mut actors {
            actor.check(&mut admin).unwrap_or_else(|wrong| {
                panic!("after kill {kill}: {wrong}\n{}", server.log());
            });
        }
        work::check_ledger(&mut admin);
        if kill == KILLS {
            assert_eq!(server.panics(), Vec::<String>::new());
            break;
        }
        let endpoint = server.endpoint();
        // The work begins when all have logged in.
        let begin = Arc::new(Barrier::new(actors.len() + 1));
        let workers: Vec<_> = actors
            .drain(..)
            .map(|mut actor| {
                let (endpoint, begin) = (endpoint.clone(), Arc::clone(&begin));
                thread::spawn(move || {
                    let client = RawClient::connect(&endpoint, &[]).unwrap();
                    begin.wait();
                    let done = actor.work(client);
                    (actor, done)
                })
            })
            .collect();
        begin.wait();
        thread::sleep(random.millis(WORK_MILLIS));
        server.kill();
        for worker in workers {
            let (actor, outcome) = worker.join().unwrap();
            done += outcome.unwrap_or_else(|wrong| {
                panic!("before kill {kill}: {wrong}\n{}", server.log());
            });
            actors.push(actor);
        }
        assert_eq!(server.panics(), Vec::<String>::new());
    }
    println!("crash: {done} statements were acknowledged");
    assert!(done > KILLS, "the clients hardly came to work: {done} statements");
}
