//! Words that every room uses: errors, ids, names, types, limits. It does no IO and knows no other room.

pub mod calendar;
pub mod datatype;
mod deferral;
pub mod encoding;
pub mod error;
pub mod id;
pub mod limits;
pub mod metric;
pub mod name;
mod referential_action;
pub mod render;
pub mod seal;
pub mod secret;
pub mod text_style;
pub mod time_zone;
pub mod value;

pub use deferral::Deferral;
pub use error::{Error, ErrorKind, ErrorObject, Result};
pub use id::{Oid, PrincipalId, SecurableId};
pub use referential_action::{ReferentialAction, ReferentialRules};
