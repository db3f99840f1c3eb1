//! Session information functions: who asks, where, with which settings.
//! <https://www.postgresql.org/docs/16/functions-info.html>

use std::sync::PoisonError;

use crate::base::datatype::{BaseType, PgType};
use crate::base::{Error, ErrorKind, Oid};
use crate::engine::facts::SettingAssignment;
use crate::engine::system::cell::Cell;

use super::define::*;

/// The PostgreSQL version whose behaviour clients may expect.
const POSTGRESQL_VERSION: &str = "16.6";

const NAMES: PgType = PgType::Array(BaseType::Name);

pub const FUNCTIONS: &[Function] = &[
    Function::stable("current_database", &[], NAME, |call, _| {
        Ok(call.facts()?.catalog.as_str().into())
    })
    .aliases(&["current_catalog"]),
    Function::stable("current_schema", &[], NAME, |call, _| {
        Ok(call.facts()?.search_path.first().map(String::as_str).into())
    }),
    Function::stable("current_schemas", &[A_BOOL], NAMES, current_schemas),
    Function::stable("current_user", &[], NAME, |call, _| {
        Ok(call.facts()?.current_user.as_str().into())
    })
    .aliases(&["user", "current_role"]),
    Function::stable("session_user", &[], NAME, |call, _| {
        Ok(call.facts()?.session_user.as_str().into())
    }),
    Function::immutable("version", &[], TEXT, |_, _| Ok(version().into())),
    Function::stable("current_setting", &[A_TEXT, A_BOOL], TEXT, current_setting).optional(1),
    // The session sets it when the statement is over.
    Function::volatile("set_config", &[A_TEXT, A_TEXT, A_BOOL], TEXT, |call, arguments| {
        let assignment = SettingAssignment {
            name: text(arguments, 0).to_lowercase(),
            value: text(arguments, 1).to_owned(),
            local: flag(arguments, 2),
        };
        let facts = call.facts()?;
        if !facts.settings.contains_key(assignment.name.as_str()) && !assignment.name.contains('.')
        {
            let message = format!("unrecognized configuration parameter \"{}\"", assignment.name);
            return Err(Error::new(ErrorKind::UndefinedObject, message));
        }
        let value = assignment.value.clone();
        facts.assignments.lock().unwrap_or_else(PoisonError::into_inner).push(assignment);
        Ok(value.into())
    }),
    Function::stable("pg_backend_pid", &[], INT4, |call, _| Ok(call.facts()?.backend_pid.into())),
    Function::stable("inet_client_addr", &[], TEXT, |call, _| {
        Ok(call.facts()?.client_address.map(|address| address.ip().to_string()).into())
    }),
    Function::stable("inet_client_port", &[], INT4, |call, _| {
        Ok(call.facts()?.client_address.map(|address| i32::from(address.port())).into())
    }),
    Function::stable("inet_server_addr", &[], TEXT, |call, _| {
        Ok(call.facts()?.server_address.map(|address| address.ip().to_string()).into())
    }),
    Function::stable("inet_server_port", &[], INT4, |call, _| {
        Ok(call.facts()?.server_address.map(|address| i32::from(address.port())).into())
    }),
    Function::stable("pg_postmaster_start_time", &[], TIMESTAMPTZ, |call, _| {
        Ok(Cell::Timestamp(call.facts()?.server_started_at))
    }),
    Function::stable("pg_conf_load_time", &[], TIMESTAMPTZ, |call, _| {
        Ok(Cell::Timestamp(call.facts()?.server_started_at))
    }),
    Function::immutable("pg_is_in_recovery", &[], BOOL, |_, _| Ok(false.into())),
    Function::immutable("pg_jit_available", &[], BOOL, |_, _| Ok(false.into())),
    Function::stable("pg_client_encoding", &[], NAME, |call, _| {
        let settings = &call.facts()?.settings;
        let encoding = settings.get("client_encoding").map(|setting| setting.value.to_string());
        Ok(encoding.unwrap_or_else(|| "UTF8".to_owned()).into())
    }),
    Function::immutable("getdatabaseencoding", &[], NAME, |_, _| Ok("UTF8".into())),
    Function::stable("pg_my_temp_schema", &[], OID, |call, _| {
        let schema = call.facts()?.snapshot.temporary_schema();
        Ok(schema.map_or(Oid::INVALID, |schema| schema.oid).into())
    }),
    // Nobody sees the temporary objects of others.
    Function::immutable("pg_is_other_temp_schema", &[AN_OID], BOOL, |_, _| Ok(false.into())),
    Function::stable("txid_current", &[], INT8, |_, _| Err(no_transaction_ids("txid_current"))),
    Function::stable("pg_current_xact_id", &[], INT8, |_, _| {
        Err(no_transaction_ids("pg_current_xact_id"))
    }),
    Function::null("txid_current_if_assigned", &[], INT8),
    Function::volatile("nextval", &[A_TEXT], INT8, |_, _| Err(no_sequences("nextval"))),
    Function::volatile("currval", &[A_TEXT], INT8, |_, _| Err(no_sequences("currval"))),
    Function::volatile("lastval", &[], INT8, |_, _| Err(no_sequences("lastval"))),
    Function::volatile("setval", &[A_TEXT, AN_INT8, A_BOOL], INT8, |_, _| Err(no_setval()))
        .optional(1),
    Function::null("pg_current_xact_id_if_assigned", &[], INT8),
];

fn current_schemas<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let (facts, with_implicit) = (call.facts()?, flag(arguments, 0));
    let path = &facts.search_path;
    let temporary = facts.implicit_temporary_schema().filter(|_| with_implicit);
    let implicit = with_implicit && !path.iter().any(|schema| schema == "pg_catalog");
    let first = temporary.into_iter().chain(implicit.then_some("pg_catalog")).map(str::to_owned);
    Ok(Cell::Texts(first.chain(path.iter().cloned()).collect()))
}

fn current_setting<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let name = text(arguments, 0);
    match call.facts()?.settings.get(name.to_lowercase().as_str()) {
        Some(setting) => Ok(setting.value.clone().into()),
        None if flag(arguments, 1) => Ok(Cell::Null),
        None => {
            let message = format!("unrecognized configuration parameter \"{name}\"");
            Err(Error::new(ErrorKind::UndefinedObject, message))
        }
    }
}

fn no_transaction_ids(function: &str) -> Error {
    Error::unsupported(format_args!("{function}()"))
        .with_detail("Transactions are known by table versions and have no numbers.")
}

fn no_setval() -> Error {
    Error::unsupported("setval() beside other outputs, or within a query or an expression")
        .with_hint("Make it the only output of a SELECT.")
}

fn no_sequences(function: &str) -> Error {
    Error::unsupported(format_args!("{function}()"))
        .with_detail("There are no sequences but those of identity columns.")
        .with_hint("Use gen_random_uuid(), or row_number() over the rows that are inserted.")
}

/// Clients read the major version out of this text.
fn version() -> String {
    let own = env!("CARGO_PKG_VERSION");
    let (machine, system) = (std::env::consts::ARCH, std::env::consts::OS);
    format!(
        "PostgreSQL {POSTGRESQL_VERSION} (Lakegate {own}) on {machine}-{system}, compiled by rustc, 64-bit"
    )
}
