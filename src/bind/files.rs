//! Files that a statement names by their place: which external location covers them, and whose files they
//! are already. It looks at no file.

use std::sync::Arc;

use super::scope::Scope;
use crate::base::{Result, SecurableId};
use crate::catalog::ExternalLocation;
use crate::sql::files::FilesClause;
use crate::storage::{FilesPlace, Location};

/// Files in a place, and what the place is to the catalog.
#[derive(Debug, Clone)]
pub struct BoundFiles {
    pub place: FilesPlace,
    /// Names and values of options as written.
    pub options: Vec<(String, String)>,
    /// The external location that covers the place.
    pub external_location: Option<Arc<ExternalLocation>>,
    /// Tables that lie in the place, or that it lies in.
    pub tables: Vec<SecurableId>,
}

impl Scope<'_> {
    pub(super) fn files(&self, clause: FilesClause) -> Result<BoundFiles> {
        let FilesClause { location, options } = clause;
        let place = FilesPlace::parse(&location)?;
        let url = place.root().url().as_str();
        let shares = |table: &str| {
            Location::parse(table).is_ok_and(|table| {
                table.covers(place.root()) || place.root().covers(&table)
            })
        };
        let tables = self.snapshot.relations().filter(|relation| {
            relation.as_table().is_some_and(|table| shares(&table.location))
        });
        Ok(BoundFiles {
            external_location: self.snapshot.external_location_of(url).cloned(),
            tables: tables.map(|relation| relation.id).collect(),
            options,
            place,
        })
    }
}
