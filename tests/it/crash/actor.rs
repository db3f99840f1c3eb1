//! One client of the crash test and what it knows: what was acknowledged, and the one statement whose outcome
//! a kill has left open.

use std::collections::BTreeMap;

use super::super::support::{Random, RawClient, SqlError};
use super::work::{Task, observe, prepare};

/// What should be there: names of things, and what can be seen of each.
pub type State = BTreeMap<String, String>;

/// A statement, and the state with it done.
pub struct Step {
    pub sql: String,
    /// The rows of a COPY.
    pub rows: Option<String>,
    pub after: State,
}

/// A client that does one kind of work in a place of its own.
pub struct Actor {
    pub task: Task,
    /// Tells the actor's things from those of others.
    pub number: usize,
    random: Random,
    /// Everything that was acknowledged.
    state: State,
    /// With the last statement, if its outcome is not known.
    in_doubt: Option<Step>,
    /// Distinguishes the statements.
    count: usize,
}

impl Actor {
    /// One for each kind of work, with the places that they work in.
    pub fn all(admin: &mut RawClient, random: &mut Random) -> Vec<Self> {
        let tasks = [
            Task::Rows,
            Task::Rows,
            Task::Ledger,
            Task::Ledger,
            Task::Tables,
            Task::Schemas,
            Task::Principals,
        ];
        let mut actors: Vec<Actor> = tasks
            .into_iter()
            .enumerate()
            .map(|(number, task)| Actor {
                task,
                number,
                random: random.fork(),
                state: State::new(),
                in_doubt: None,
                count: 0,
            })
            .collect();
        for actor in &mut actors {
            prepare(actor.task, actor.number, admin).unwrap();
            actor.state = observe(actor.task, actor.number, admin).unwrap();
        }
        actors
    }

    /// Works until the server is gone; how many statements were acknowledged.
    ///
    /// # Errors
    /// A statement that is refused: nothing that a crash leaves may be in the way.
    pub fn work(&mut self, mut client: RawClient) -> Result<usize, String> {
        let mut done = 0;
        loop {
            self.count += 1;
            let step = self.task.step(self.number, self.count, &self.state, &mut self.random);
            let outcome = match &step.rows {
                Some(rows) => client.copy_in(&step.sql, rows.as_bytes()),
                None => client.simple_query(&step.sql).map(drop),
            };
            match outcome {
                Ok(()) => {
                    self.state = step.after;
                    done += 1;
                }
                Err(SqlError { sqlstate, .. }) if sqlstate == "08006" => {
                    self.in_doubt = Some(step);
                    return Ok(done);
                }
                // Several clients change one table.
                Err(SqlError { sqlstate, .. }) if sqlstate == "40001" && self.task.conflicts() => {}
                Err(error) => return Err(format!("{}: {error}", step.sql)),
            }
        }
    }

    /// Compares what is there with what must be.
    pub fn check(&mut self, admin: &mut RawClient) -> Result<(), String> {
        let found = observe(self.task, self.number, admin).map_err(|error| {
            let last = self.in_doubt.as_ref().map_or("nothing", |step| step.sql.as_str());
            format!("what is there cannot be read: {error}, after {last}")
        })?;
        let step = self.in_doubt.take();
        if found == self.state {
            return Ok(());
        }
        match step {
            Some(step) if found == step.after => {
                self.state = found;
                Ok(())
            }
            step => Err(format!(
                "{:?} {}: found\n{found:?}\nacknowledged\n{:?}\nnot acknowledged\n{:?}",
                self.task,
                self.number,
                self.state,
                step.map(|step| (step.sql, step.after)),
            )),
        }
    }
}
