//! The SASL part of the startup: mechanisms offered, SCRAM messages carried between the client and `auth`.
//! It checks no password itself.

use bytes::{Buf, Bytes};
use pgwire::messages::startup::Authentication;

use crate::auth::Login;
use crate::auth::scram::ChannelBinding;
use crate::base::{Error, ErrorKind, PrincipalId, Result};
use crate::catalog::Snapshot;

use super::message::utf8;
use super::socket::{PasswordMessage, Socket};

/// Bytes of one message of the exchange (PostgreSQL's `PG_MAX_SASL_MESSAGE_LENGTH`).
const SASL_MESSAGE_BYTES_MAX: usize = 1024;

/// Runs the exchange; ends with AuthenticationOk written and not yet flushed. `None` when the client has
/// left: many clients hang up to ask their user for a password.
///
/// # Errors
/// All are fatal: 28P01 when the login fails, 08P01 and 28000 when the exchange breaks its rules.
pub async fn authenticate(
    socket: &mut Socket,
    login: &Login,
    snapshot: &Snapshot,
    user: &str,
    binding: Option<ChannelBinding>,
) -> Result<Option<PrincipalId>> {
    let mechanisms = Login::mechanisms(binding.as_ref());
    let mechanisms = mechanisms.iter().map(|name| (*name).to_owned()).collect();
    socket.send(Authentication::SASL(mechanisms))?;
    let Some(initial) = next_message(socket).await? else { return Ok(None) };
    let (mechanism, client_first) = initial_response(initial)?;

    let attempt = login.attempt(snapshot, user, &mechanism, binding)?;
    let (server_first, attempt) = attempt.first(&client_first)?;
    socket.send(Authentication::SASLContinue(server_first.into()))?;
    let Some(PasswordMessage(client_final)) = next_message(socket).await? else { return Ok(None) };

    let (server_final, principal) = attempt.finish(&client_final)?;
    socket.send(Authentication::SASLFinal(server_final.into()))?;
    socket.send(Authentication::Ok)?;
    Ok(Some(principal))
}

async fn next_message(socket: &mut Socket) -> Result<Option<PasswordMessage>> {
    socket.flush().await?;
    socket.read_password_message(SASL_MESSAGE_BYTES_MAX).await
}

/// SASLInitialResponse: the mechanism's name and its first message.
fn initial_response(PasswordMessage(mut body): PasswordMessage) -> Result<(String, Bytes)> {
    let malformed = || Error::new(ErrorKind::ProtocolViolation, "malformed SASL initial response");
    let end = body.iter().position(|byte| *byte == 0).ok_or_else(malformed)?;
    let mechanism = utf8(&body.split_to(end))?.to_owned();
    body.advance(1);
    let length = body.try_get_i32().map_err(|_| malformed())?;
    // -1 would be no message at all; SCRAM begins with the client's.
    match usize::try_from(length) {
        Ok(length) if length == body.len() => Ok((mechanism, body)),
        Ok(_) | Err(_) => Err(malformed()),
    }
}
