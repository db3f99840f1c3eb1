//! Storage credentials and external locations: CREATE, ALTER, DROP, and how other statements name them.

use sqlparser::tokenizer::Token;

use super::principal;
use crate::base::secret::Secret;
use crate::base::{Error, ErrorKind, Result};
use crate::sql::cursor::Cursor;
use crate::sql::statement::{SecurableName, Statement};
use crate::sql::storage::{
    AlterExternalLocation, AlterStorageCredential, CreateExternalLocation, CreateStorageCredential,
    DropStorage, StorageKind, StorageStatement,
};

/// Whether the next words name one of the kinds.
pub fn is_next(c: &Cursor<'_>) -> bool {
    c.is("storage") && c.is_nth(1, "credential") || c.is("external") && c.is_nth(1, "location")
}

/// Takes the words of the kind.
fn kind(c: &mut Cursor<'_>) -> Result<StorageKind> {
    if c.take_all(&["storage", "credential"]) {
        return Ok(StorageKind::Credential);
    }
    c.expect_all(&["external", "location"])?;
    Ok(StorageKind::Location)
}

/// `STORAGE CREDENTIAL name` or `EXTERNAL LOCATION name`
pub fn securable(c: &mut Cursor<'_>) -> Result<SecurableName> {
    let kind = kind(c)?;
    Ok(SecurableName::Storage(kind, c.identifier()?))
}

pub fn create(c: &mut Cursor<'_>) -> Result<Statement> {
    let statement = match kind(c)? {
        StorageKind::Credential => StorageStatement::CreateCredential(create_credential(c)?),
        StorageKind::Location => StorageStatement::CreateLocation(create_location(c)?),
    };
    Ok(Statement::Storage(Box::new(statement)))
}

fn create_credential(c: &mut Cursor<'_>) -> Result<CreateStorageCredential> {
    let if_not_exists = c.take_if_not_exists();
    let name = c.identifier()?;
    let position = c.position();
    c.expect("with")?;
    let mut options = Vec::new();
    let mut provider = None;
    for (key, value) in options_list(c)? {
        let Some(value) = value else { return Err(c.syntax_error()) };
        match key.as_str() {
            "type" => provider = Some(value.expose().to_owned()),
            _ => options.push((key, value)),
        }
    }
    let provider = provider.ok_or_else(|| {
        Error::new(ErrorKind::SyntaxError, "a storage credential needs the option TYPE")
            .with_hint("The types are s3, azure and gcs.")
            .at(position)
    })?;
    let comment = comment(c)?;
    Ok(CreateStorageCredential { name, if_not_exists, provider, options, comment })
}

fn comment(c: &mut Cursor<'_>) -> Result<Option<String>> {
    if c.take("comment") { c.string().map(Some) } else { Ok(None) }
}

/// `(name [=] 'value', …)`, with NULL for a value that goes.
fn options_list(c: &mut Cursor<'_>) -> Result<Vec<(String, Option<Secret>)>> {
    c.parenthesized(|c| {
        c.list(|c| {
            let name = c.raw_label()?.to_ascii_lowercase();
            c.take_token(&Token::Eq);
            if c.is("true") || c.is("false") {
                let value = c.word();
                c.advance();
                return Ok((name, Some(Secret::new(value))));
            }
            Ok((name, c.string_or_null()?.map(Secret::new)))
        })
    })
}

fn create_location(c: &mut Cursor<'_>) -> Result<CreateExternalLocation> {
    let if_not_exists = c.take_if_not_exists();
    let name = c.identifier()?;
    c.expect("url")?;
    let url = c.string()?;
    let credential = if c.take("with") {
        Some(c.parenthesized(|c| {
            c.take("storage");
            c.expect("credential")?;
            c.identifier()
        })?)
    } else {
        None
    };
    let comment = comment(c)?;
    Ok(CreateExternalLocation { name, if_not_exists, url, credential, comment })
}

pub fn alter(c: &mut Cursor<'_>) -> Result<Statement> {
    let kind = kind(c)?;
    let name = c.identifier()?;
    let statement = match kind {
        StorageKind::Credential => {
            StorageStatement::AlterCredential { name, action: alter_credential(c)? }
        }
        StorageKind::Location => {
            StorageStatement::AlterLocation { name, action: alter_location(c)? }
        }
    };
    Ok(Statement::Storage(Box::new(statement)))
}

fn alter_credential(c: &mut Cursor<'_>) -> Result<AlterStorageCredential> {
    if c.take_all(&["rename", "to"]) {
        return c.identifier().map(AlterStorageCredential::RenameTo);
    }
    if c.take_all(&["set", "owner", "to"]) || c.take_all(&["owner", "to"]) {
        return principal::owner_name(c).map(AlterStorageCredential::OwnerTo);
    }
    c.expect("set")?;
    options_list(c).map(AlterStorageCredential::Set)
}

fn alter_location(c: &mut Cursor<'_>) -> Result<AlterExternalLocation> {
    if c.take_all(&["rename", "to"]) {
        return c.identifier().map(AlterExternalLocation::RenameTo);
    }
    if c.take_all(&["set", "owner", "to"]) || c.take_all(&["owner", "to"]) {
        return principal::owner_name(c).map(AlterExternalLocation::OwnerTo);
    }
    c.expect("set")?;
    if c.take("url") {
        return c.string().map(AlterExternalLocation::SetUrl);
    }
    c.expect_all(&["storage", "credential"])?;
    c.identifier().map(AlterExternalLocation::SetCredential)
}

pub fn drop(c: &mut Cursor<'_>) -> Result<Statement> {
    let kind = kind(c)?;
    let if_exists = c.take_if_exists();
    let name = c.identifier()?;
    if *c.peek() == Token::Comma {
        return Err(c.unsupported("several names in this DROP"));
    }
    let force = kind == StorageKind::Location && c.take("force");
    if !force {
        c.take("restrict");
    }
    let drop = DropStorage { kind, name, if_exists, force };
    Ok(Statement::Storage(Box::new(StorageStatement::Drop(drop))))
}
