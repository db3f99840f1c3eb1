//! Files that a statement names by their place: which external location covers them, and whose files they
//! are already. It looks at no file.

use std::sync::Arc;

use super::bound::{BoundQuery, BoundRelation, BoundStatement};
use super::scope::Scope;
use crate::base::{Error, Result, SecurableId};
use crate::catalog::{ExternalLocation, Relation};
use crate::sql::files::{
    ConvertToDelta, Converted, CopyInto, CopySource, FileSelection, FilesClause, Validation,
};
use crate::sql::statement::{ColumnDefinition, ColumnName};
use crate::storage::{FilesPlace, Location};

/// Files in a place, and what the place is to the catalog.
#[derive(Debug, Clone)]
pub struct BoundFiles {
    pub place: FilesPlace,
    /// Names and values of options as written.
    pub options: Vec<(String, String)>,
    /// Whether the statement names the column with what is known of each file.
    pub names_metadata: bool,
    /// The external location that covers the place.
    pub external_location: Option<Arc<ExternalLocation>>,
    /// Tables that lie in the place, or that it lies in.
    pub tables: Vec<SecurableId>,
}

/// COPY INTO, with names resolved.
#[derive(Debug, Clone)]
pub struct BoundCopyInto {
    pub table: Arc<Relation>,
    pub columns: Vec<ColumnName>,
    pub by_position: bool,
    pub files: Arc<BoundFiles>,
    /// What the rows are, where they are not those of the files: the files are its only relation.
    pub query: Option<BoundQuery>,
    pub format: String,
    pub validation: Option<Validation>,
    pub selection: FileSelection,
    pub format_options: Vec<(String, String)>,
    pub copy_options: Vec<(String, String)>,
}

/// CONVERT TO DELTA, with names resolved.
#[derive(Debug, Clone)]
pub struct BoundConvert {
    pub files: BoundFiles,
    /// The table whose files they are, where one is named.
    pub table: Option<Arc<Relation>>,
    pub statistics: bool,
    pub partitioned_by: Vec<ColumnDefinition>,
}

impl BoundCopyInto {
    /// The value of an option of the statement itself, in any case of letters.
    pub fn option(&self, name: &str) -> Option<&str> {
        let mut options = self.copy_options.iter();
        options.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Scope<'_> {
    pub(super) fn copy_into(&self, copy: CopyInto) -> Result<BoundStatement> {
        let (files, query) = match copy.source {
            CopySource::Place(location) => {
                let clause = FilesClause::at(location);
                (Arc::new(self.files(clause)?), None)
            }
            CopySource::Query(query) => {
                let query = self.query(query)?;
                let files = query.relations.values().find_map(|relation| match relation {
                    BoundRelation::Files(files) => Some(Arc::clone(files)),
                    _ => None,
                });
                let files = files.ok_or_else(|| Error::internal("a COPY INTO reads no files"))?;
                (files, Some(query))
            }
        };
        Ok(BoundStatement::CopyInto(Box::new(BoundCopyInto {
            table: self.changed_table(&copy.table)?,
            columns: copy.columns,
            by_position: copy.by_position,
            files,
            query,
            format: copy.format,
            validation: copy.validation,
            selection: copy.selection,
            format_options: copy.format_options,
            copy_options: copy.copy_options,
        })))
    }

    pub(super) fn convert(&self, convert: ConvertToDelta) -> Result<BoundStatement> {
        let (location, table) = match convert.what {
            Converted::Place(location) => (location, None),
            Converted::Table(name) => {
                let relation = self.table(&name)?;
                let location = relation.as_table().map(|table| table.location.clone());
                (location.unwrap_or_default(), Some(relation))
            }
        };
        Ok(BoundStatement::ConvertToDelta(Box::new(BoundConvert {
            files: self.files(FilesClause::at(location))?,
            table,
            statistics: convert.statistics,
            partitioned_by: convert.partitioned_by,
        })))
    }

    pub(super) fn files(&self, clause: FilesClause) -> Result<BoundFiles> {
        let FilesClause { location, options, names_metadata } = clause;
        let place = FilesPlace::parse(&location)?;
        let url = place.root().url().as_str();
        let shares = |table: &str| {
            Location::parse(table)
                .is_ok_and(|table| table.covers(place.root()) || place.root().covers(&table))
        };
        let tables = self
            .snapshot
            .relations()
            .filter(|relation| relation.as_table().is_some_and(|table| shares(&table.location)));
        Ok(BoundFiles {
            external_location: self.snapshot.external_location_of(url).cloned(),
            tables: tables.map(|relation| relation.id).collect(),
            options,
            names_metadata,
            place,
        })
    }
}
