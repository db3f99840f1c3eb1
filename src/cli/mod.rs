//! The command line, one file a command. It reads arguments and prints outcomes, and holds no logic of the
//! server.

mod options;
mod serve;
mod sql;
mod user;
mod check;
mod report;

use std::future::Future;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::base::{Error, Result};

/// A PostgreSQL endpoint over Delta tables.
#[derive(Parser)]
#[command(name = "lakegate", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Sql(sql::Arguments),
    User(user::Arguments),
    Check(check::Arguments),
}

/// Runs the command that the process was given: 0 when it did its work, 1 when it could not, 2 when it was
/// asked wrongly.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(usage) => {
            // Nothing is left to do when the terminal is gone.
            let _ = usage.print();
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2));
        }
    };
    let outcome = match arguments.command {
        Command::Serve(arguments) => serve::run(arguments),
        Command::Sql(arguments) => sql::run(arguments),
        Command::User(arguments) => user::run(arguments),
        Command::Check(arguments) => check::run(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Runs `work` on the runtime for sockets and object stores.
fn block_on(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("lakegate-io")
        .enable_all()
        .build()
        .map_err(|error| Error::internal("the runtime does not start").caused_by(error))?;
    runtime.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::key::KEYS;
    use clap::CommandFactory;

    #[test]
    fn every_flag_of_the_table_is_a_flag_of_serve() {
        let mut command = Arguments::command();
        command.build();
        let serve = command.find_subcommand("serve").unwrap();
        let mut flags: Vec<String> = serve
            .get_arguments()
            .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
            .filter(|flag| !["--config", "--help"].contains(&flag.as_str()))
            .collect();
        let mut declared: Vec<String> = KEYS.iter().filter_map(|key| key.flag()).collect();
        flags.sort();
        declared.sort();
        assert_eq!(flags, declared);
    }
}
