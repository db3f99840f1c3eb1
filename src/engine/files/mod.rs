//! Files of other formats as relations: Parquet, CSV and JSON files in a place, read in one pass with bounded
//! memory. They are never written, and never read inside of managed tables.

mod bytes;
mod convert;
mod copy_into;
mod csv;
mod fit;
mod foreign;
mod infer;
mod json;
mod listing;
mod metadata;
mod options;
mod parquet;
mod pattern;
mod provider;
mod read;
mod shape;
mod skipping;
mod values;

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, FieldRef};
use datafusion::execution::SessionState;

use crate::base::{Error, ErrorKind, Result};
use crate::bind::files::BoundFiles;
use crate::storage::{FilesPlace, Location};

use super::Engine;
use listing::{FileList, list};
use metadata::metadata_field;
use shape::{Shape, Source, rescued_field};
use values::TextReader;

use options::FileOptions;
pub use provider::FilesProvider;

/// The column of rescued data, where columns are not declared (Databricks' name).
const RESCUED: &str = "_rescued_data";

impl Engine {
    /// The rows of `read_files`: what the files have, or the columns that its options declare.
    pub(super) async fn read_files(
        &self,
        files: &BoundFiles,
        state: &SessionState,
    ) -> Result<FilesProvider> {
        self.check_foreign(files.place.root())?;
        let options = FileOptions::parse(&files.options, None, &files.place.to_string())?;
        let found = list(&self.stores, &files.place, &options.filter).await?;
        if found.files.is_empty() && !options.skips_missing_files {
            return Err(no_files(&files.place));
        }
        let default = options.schema.is_none().then_some(RESCUED);
        let mut shape = self.shape_of(&found, &options, default).await?;
        if files.names_metadata {
            shape.columns.push((metadata_field(), Source::Metadata));
        }
        Ok(self.files_provider(found, shape, options, state))
    }

    fn files_provider(
        &self,
        found: FileList,
        shape: Shape,
        options: FileOptions,
        state: &SessionState,
    ) -> FilesProvider {
        let zone = state.config().options().execution.time_zone.clone();
        let texts = TextReader::new(options.texts.clone(), zone.as_deref().unwrap_or("UTC"));
        FilesProvider::new(found, shape, options, texts)
    }

    /// Files of managed tables are read as rows of the tables, or not at all.
    fn check_foreign(&self, root: &Location) -> Result<()> {
        if root.covers(&self.managed_root) || self.managed_root.covers(root) {
            let message = "permission denied for the files";
            return Err(Error::new(ErrorKind::InsufficientPrivilege, message)
                .with_detail("They are in the place of the managed tables.")
                .with_hint("Read the table by its name."));
        }
        Ok(())
    }

    /// The columns of files: declared or told by the files, with those of their folders, and that of rescued
    /// data.
    async fn shape_of(
        &self,
        found: &FileList,
        options: &FileOptions,
        rescued: Option<&str>,
    ) -> Result<Shape> {
        let mut fields = match &options.schema {
            Some(schema) => self.declared(schema)?,
            None => infer::columns(found, options).await?,
        };
        for (place, name) in found.partition_columns.iter().enumerate() {
            if !fields.iter().any(|field| field.name().eq_ignore_ascii_case(name)) {
                let infers = options.infers_types;
                let data_type = infer::partition_type(&found.files, place, infers);
                fields.push(Arc::new(Field::new(name, data_type, true)));
            }
        }
        if let Some(hints) = &options.schema_hints {
            for hint in self.declared(hints)? {
                let is_named =
                    |field: &&mut FieldRef| field.name().eq_ignore_ascii_case(hint.name());
                match fields.iter_mut().find(is_named) {
                    Some(field) => *field = hint,
                    None => fields.push(hint),
                }
            }
        }
        let rescued = options.rescued.as_deref().or(rescued);
        if let Some(name) = rescued
            && !fields.iter().any(|field| field.name() == name)
        {
            fields.push(rescued_field(name));
        }
        if fields
            .iter()
            .enumerate()
            .any(|(at, field)| fields.iter().take(at).any(|known| known.name() == field.name()))
        {
            let message = "a column of the files is declared twice";
            return Err(Error::new(ErrorKind::DuplicateColumn, message));
        }
        Ok(Shape::new(fields, &found.partition_columns, rescued))
    }

    /// `name type, …`
    fn declared(&self, text: &str) -> Result<Vec<FieldRef>> {
        let columns = crate::sql::columns(text, &self.parse_limits()).map_err(|error| {
            // A position would point into the statement, which has the text as a constant.
            let message = format!("invalid schema of files: {}", error.message());
            Error::new(error.kind(), message).with_hint("For example: 'id int, name string'.")
        })?;
        Ok(columns.into_iter().map(Arc::new).collect())
    }
}

fn no_files(place: &FilesPlace) -> Error {
    let message = format!("there are no files at \"{place}\"");
    Error::new(ErrorKind::UndefinedFile, message)
        .with_hint("Check the path; folders below are read with recursiveFileLookup => true.")
}
