//! Storage credentials and external locations as SQL: stores what the draft has decided.

use sqlx::query;
use sqlx::sqlite::SqliteConnection;

use crate::base::{Error, PrincipalId, Result, SecurableId};

use super::{CredentialOptions, StorageChange};
use crate::catalog::draft::Draft;
use crate::catalog::grant::Grant;
use crate::catalog::snapshot::{Securable, Snapshot};
use crate::catalog::write::{fact, one_row};

/// The table that holds the row of a securable; none of the names comes from a user.
pub(in crate::catalog) fn table_of(made: &Snapshot, id: SecurableId) -> &'static str {
    match made.securable(id) {
        Some(Securable::StorageCredential(_)) => "storage_credential",
        Some(Securable::ExternalLocation(_)) => "external_location",
        Some(Securable::Catalog(_) | Securable::Schema(_) | Securable::Relation(_)) | None => {
            "securable"
        }
    }
}

/// The table that holds a grant.
pub(in crate::catalog) fn grants_of(made: &Snapshot, grant: &Grant) -> &'static str {
    match (table_of(made, grant.securable), grant.principal) {
        ("securable", PrincipalId::PUBLIC) => "public_grant",
        ("securable", _) => "grant_",
        (_, PrincipalId::PUBLIC) => "public_storage_grant",
        (_, _) => "storage_grant",
    }
}

/// Stores one change, the one that `draft` has made last.
pub(in crate::catalog) async fn write_storage(
    connection: &mut SqliteConnection,
    change: &StorageChange,
    draft: &Draft,
) -> Result<()> {
    let made = draft.snapshot();
    match change {
        StorageChange::CreateCredential(new) => {
            let made = fact(made.storage_credential_by_id(new.id))?;
            let insert = query(
                "INSERT INTO storage_credential
                     (id, oid, name, owner, comment, created_at, provider, options, sealed)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(made.id.to_string())
            .bind(made.oid.0)
            .bind(&made.name)
            .bind(made.owner.to_string())
            .bind(&made.comment)
            .bind(made.created_at)
            .bind(&made.options.provider)
            .bind(json(&made.options)?)
            .bind(&made.options.sealed);
            one_row(connection, insert).await
        }
        StorageChange::SetCredential { id, options } => {
            let update = query(
                "UPDATE storage_credential SET provider = $1, options = $2, sealed = $3
                 WHERE id = $4",
            )
            .bind(&options.provider)
            .bind(json(options)?)
            .bind(&options.sealed)
            .bind(id.to_string());
            one_row(connection, update).await
        }
        StorageChange::CreateLocation(new) => {
            let mut locations = made.external_locations();
            let made = fact(locations.find(|location| location.id == new.id))?;
            let insert = query(
                "INSERT INTO external_location
                     (id, oid, name, owner, comment, created_at, url, credential)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(made.id.to_string())
            .bind(made.oid.0)
            .bind(&made.name)
            .bind(made.owner.to_string())
            .bind(&made.comment)
            .bind(made.created_at)
            .bind(&made.place.url)
            .bind(made.place.credential.map(|credential| credential.to_string()));
            one_row(connection, insert).await
        }
        StorageChange::SetLocation { id, place } => {
            let update =
                query("UPDATE external_location SET url = $1, credential = $2 WHERE id = $3")
                    .bind(&place.url)
                    .bind(place.credential.map(|credential| credential.to_string()))
                    .bind(id.to_string());
            one_row(connection, update).await
        }
    }
}

fn json(options: &CredentialOptions) -> Result<String> {
    serde_json::to_string(&options.plain)
        .map_err(|error| Error::internal("options cannot be written as JSON").caused_by(error))
}
