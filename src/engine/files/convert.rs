//! CONVERT TO DELTA: Parquet files become a Delta table where they lie. It writes no data file.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Field, Schema};

use super::listing::list;
use super::options::{FileOptions, Format};
use crate::base::{Error, ErrorKind, Result};
use crate::bind::files::BoundConvert;
use crate::catalog::{Change, RelationKind, Table};
use crate::delta::change::{self, ConvertedFile, NewTable};
use crate::engine::columns::columns_of;
use crate::engine::{Completion, Engine, Request};

impl Engine {
    pub(in crate::engine) async fn convert(
        self: &Arc<Self>,
        convert: BoundConvert,
        request: &Request,
    ) -> Result<Completion> {
        let _admitted = self.admission.enter().await?;
        let (engine, request) = (Arc::clone(self), request.clone());
        self.cpu.run(async move { engine.convert_files(convert, &request).await }).await?;
        Ok(Completion::new("CONVERT TO DELTA"))
    }

    async fn convert_files(&self, convert: BoundConvert, request: &Request) -> Result<()> {
        let place = &convert.files.place;
        self.check_foreign(place.root())?;
        if place.pattern().is_some() {
            return Err(Error::unsupported("CONVERT TO DELTA of a pattern")
                .with_hint("Name the folder that is to be the table."));
        }
        let known = convert.table.as_ref().and_then(|relation| relation.as_table());
        if let Some(table) = known {
            match &table.foreign {
                None => return Ok(()),
                Some(format) if format.name == Format::Parquet.name() => {}
                Some(format) => {
                    let what = format!("CONVERT TO DELTA of {} files", format.name);
                    return Err(Error::unsupported(what)
                        .with_hint("Make a Delta table of them with CREATE TABLE … AS SELECT."));
                }
            }
        }
        let mut options = FileOptions::parse(&[], Some(Format::Parquet), "")?;
        let named = convert.partitioned_by.iter().map(|column| column.field.name().clone());
        options.filter.partition_columns = match (convert.partitioned_by.is_empty(), known) {
            (false, _) => Some(named.collect()),
            (true, Some(table)) => Some(table.partition_columns.clone()),
            (true, None) => None,
        };
        let found = list(&self.stores, place, &options.filter).await?;
        if found.files.is_empty() {
            return Err(super::no_files(place));
        }
        let shape = self.shape_of(&found, &options, None).await?;
        let mut fields: Vec<Field> = shape.columns.iter().map(|(f, _)| Field::clone(f)).collect();
        for field in &mut fields {
            let mut declared = convert.partitioned_by.iter().map(|column| &column.field);
            let stored = convert.table.iter().flat_map(|relation| relation.columns.iter());
            let mut stored = stored
                .map(|column| &column.field)
                .filter(|stored| found.partition_columns.contains(stored.name()));
            let wanted = declared.find(|declared| declared.name() == field.name());
            if let Some(wanted) = wanted.or_else(|| stored.find(|one| one.name() == field.name())) {
                *field = wanted.clone().with_nullable(true);
            }
        }
        let table = NewTable {
            schema: Arc::new(Schema::new(fields)),
            generated: Vec::new(),
            defaults: Vec::new(),
            identities: Vec::new(),
            partition_columns: found.partition_columns.clone(),
            clustering: Vec::new(),
            properties: Vec::new(),
            checks: Vec::new(),
            comment: convert.table.as_ref().and_then(|relation| relation.comment.clone()),
            name: convert.table.as_ref().map(|relation| relation.name.clone()),
        };
        let files = found.files.into_iter();
        let files = files.map(|file| ConvertedFile { meta: file.meta, partition: file.partition });
        let ctx = self.change_context(self.context.statement(&request.facts), request, None);
        let statistics = convert.statistics;
        let version = change::convert(&ctx, place.root(), table, files.collect(), statistics);
        let version = version.await.map_err(|error| match error.kind() {
            ErrorKind::DuplicateTable => error.with_hint("It needs no conversion."),
            _ => error,
        })?;
        let Some(relation) = &convert.table else { return Ok(()) };
        let kind = RelationKind::Table(Table {
            location: place.root().url().to_string(),
            managed: false,
            partition_columns: version.partition_columns().to_vec(),
            foreign: None,
            sources: Vec::new(),
        });
        let columns = columns_of(&version.schema(), &relation.columns);
        let (id, comment) = (relation.id, relation.comment.clone());
        // A table of foreign files has none.
        let constraints = Vec::new();
        let change = Change::ReplaceRelation { id, kind, columns, comment, constraints };
        self.change_metastore(&[change], request).await
    }
}
