//! `--demo`: a user, a catalog of its own, and sample Delta tables made by plain SQL on the first start.

use crate::auth::password::stored_form;
use crate::base::secret::Secret;
use crate::base::{PrincipalId, Result, SecurableId};
use crate::catalog::Change;
use crate::catalog::change::{NewCatalog, NewPrincipal, NewSchema};
use crate::catalog::principal::PrincipalKind;
use crate::session::Shared;

use super::lake::Lake;
use super::offline::{run_script, session_in};

/// The name of the user, its password and the catalog.
const DEMO: &str = "demo";

/// The sample tables.
const SALES: &str = include_str!("../../sql/demo/sales.sql");

/// Makes the demo's user, catalog and tables, those that are not there.
pub async fn prepare(lake: &Lake, shared: &Shared) -> Result<()> {
    let snapshot = lake.metastore.snapshot();
    let mut changes = Vec::new();
    let owner = match snapshot.principal(DEMO) {
        Some(principal) => principal.id,
        None => {
            let id = PrincipalId::generate();
            changes.push(Change::CreatePrincipal(NewPrincipal {
                id,
                name: DEMO.to_owned(),
                kind: PrincipalKind::User,
                admin: false,
                verifier: Some(stored_form(&Secret::new(DEMO))?),
            }));
            id
        }
    };
    if snapshot.catalog(DEMO).is_none() {
        let id = SecurableId::generate();
        let comment = Some("Sample data to try things on.".to_owned());
        changes.push(Change::CreateCatalog(NewCatalog {
            id,
            name: DEMO.to_owned(),
            owner,
            comment,
        }));
        changes.push(Change::CreateSchema(NewSchema {
            id: SecurableId::generate(),
            catalog: id,
            name: "public".to_owned(),
            owner,
            comment: None,
        }));
    }
    if !changes.is_empty() {
        lake.metastore.apply(&changes).await?;
    }
    let mut session = session_in(shared.clone(), lake, DEMO, DEMO)?;
    run_script(&mut session, SALES, &mut std::io::sink()).await
}
