//! The first start on a data folder: the user admin, the catalog `main` with its schema `public`. Later starts
//! only clear away what a crash has left.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::auth::password::stored_form;
use crate::base::secret::Secret;
use crate::base::{Error, PrincipalId, Result};
use crate::catalog::change::NewPrincipal;
use crate::catalog::principal::PrincipalKind;

use super::lake::Lake;
use super::sweep;

/// The user that the first start makes.
pub const ADMIN: &str = "admin";

/// The environment variable with the admin's first password.
const ADMIN_PASSWORD_VARIABLE: &str = "LAKEGATE_ADMIN_PASSWORD";

/// Random bytes in a generated password.
const PASSWORD_BYTES: usize = 18;

/// The admin as just made.
pub struct Admin {
    /// The password, where the environment named none.
    pub generated: Option<Secret>,
}

/// Makes what a new data folder lacks; `None` when it is not new.
pub async fn prepare(lake: &Lake) -> Result<Option<Admin>> {
    if !lake.metastore.is_new() {
        lake.engine.recover().await?;
        sweep::staged(lake).await;
        sweep::dropped(lake).await;
        return Ok(None);
    }
    let given = std::env::var(ADMIN_PASSWORD_VARIABLE).ok().filter(|password| !password.is_empty());
    let (password, generated) = match given {
        Some(password) => (Secret::new(password), None),
        None => {
            let password = generate_password()?;
            (password.clone(), Some(password))
        }
    };
    let admin = NewPrincipal {
        id: PrincipalId::generate(),
        name: ADMIN.to_owned(),
        kind: PrincipalKind::User,
        admin: true,
        verifier: Some(stored_form(&password)?),
    };
    lake.metastore.initialise(admin, "main", "public").await?;
    Ok(Some(Admin { generated }))
}

fn generate_password() -> Result<Secret> {
    let mut bytes = [0; PASSWORD_BYTES];
    rand::fill(&mut bytes).map_err(|_| Error::internal("the system's random generator failed"))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}
