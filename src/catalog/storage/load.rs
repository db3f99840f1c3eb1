//! Storage credentials and external locations as facts, read from their rows.

use sqlx::query_as;
use sqlx::sqlite::SqliteConnection;

use crate::base::{Oid, PrincipalId, Result, SecurableId};

use super::{CredentialOptions, ExternalLocation, ExternalPlace, StorageCredential};
use crate::catalog::load::{number, unreadable, uuid};
use crate::catalog::snapshot::Facts;
use crate::catalog::sqlite::database_error;

/// Reads both into `facts`.
pub(in crate::catalog) async fn storage(
    connection: &mut SqliteConnection,
    facts: &mut Facts,
) -> Result<()> {
    type Row = (String, i64, String, String, Option<String>, i64, String, String, Option<Vec<u8>>);
    let rows = query_as::<_, Row>(
        "SELECT id, oid, name, owner, comment, created_at, provider, options, sealed
         FROM storage_credential",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(database_error)?;
    for (id, oid, name, owner, comment, created_at, provider, options, sealed) in rows {
        let plain = serde_json::from_str(&options)
            .map_err(|error| unreadable("list of options", &options).caused_by(error))?;
        facts.storage_credentials.push(StorageCredential {
            id: SecurableId(uuid(&id)?),
            oid: Oid(number(oid)?),
            name,
            owner: PrincipalId(uuid(&owner)?),
            comment,
            created_at,
            options: CredentialOptions { provider, plain, sealed },
        });
    }
    type Place = (String, i64, String, String, Option<String>, i64, String, Option<String>);
    let rows = query_as::<_, Place>(
        "SELECT id, oid, name, owner, comment, created_at, url, credential FROM external_location",
    )
    .fetch_all(connection)
    .await
    .map_err(database_error)?;
    for (id, oid, name, owner, comment, created_at, url, credential) in rows {
        let credential = credential.as_deref().map(uuid).transpose()?.map(SecurableId);
        facts.external_locations.push(ExternalLocation {
            id: SecurableId(uuid(&id)?),
            oid: Oid(number(oid)?),
            name,
            owner: PrincipalId(uuid(&owner)?),
            comment,
            created_at,
            place: ExternalPlace { url, credential },
        });
    }
    Ok(())
}
