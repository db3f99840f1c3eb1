//! `lakegate user`.

use clap::{Args, Subcommand};

use super::options::LakeOptions;
use crate::base::secret::Secret;
use crate::base::{Error, ErrorKind, Result};
use crate::server;

/// Holds the password of a new user, so that no command line does.
const PASSWORD_VARIABLE: &str = "LAKEGATE_PASSWORD";

/// Manage users without a server
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Add(AddArguments),
}

/// Make a user
///
/// The password is taken from LAKEGATE_PASSWORD, or asked for.
#[derive(Args)]
struct AddArguments {
    #[command(flatten)]
    lake: LakeOptions,
    name: String,
    /// Let the user administer the lake
    #[arg(long)]
    admin: bool,
}

pub fn run(arguments: Arguments) -> Result<()> {
    match arguments.command {
        Command::Add(add) => {
            let config = add.lake.load_quietly()?.config;
            let password = password(&add.name)?;
            super::block_on(server::add_user(config, add.name, password, add.admin))
        }
    }
}

fn password(name: &str) -> Result<Secret> {
    let password = match std::env::var(PASSWORD_VARIABLE) {
        Ok(password) => Secret::new(password),
        Err(_) => {
            let password = prompt(&format!("Password for {name}: "))?;
            if password.expose() != prompt("The same again: ")?.expose() {
                return Err(Error::new(ErrorKind::InvalidPassword, "the passwords differ"));
            }
            password
        }
    };
    if password.expose().is_empty() {
        return Err(Error::new(ErrorKind::InvalidPassword, "the password is empty"));
    }
    Ok(password)
}

fn prompt(question: &str) -> Result<Secret> {
    rpassword::prompt_password(question).map(Secret::new).map_err(|error| {
        Error::new(ErrorKind::IoError, "cannot ask for the password")
            .with_hint(format!("Set {PASSWORD_VARIABLE} where there is no terminal."))
            .caused_by(error)
    })
}
