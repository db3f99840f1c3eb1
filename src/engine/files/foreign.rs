//! Tables of foreign files: CREATE TABLE … USING PARQUET, CSV or JSON, and reading them. Their columns are
//! those that the catalog keeps since they were made; nobody writes them.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::execution::SessionState;

use super::listing::list;
use super::options::{FileOptions, Format};
use super::shape::Shape;
use crate::base::{Error, ErrorKind, PrincipalId, Result, SecurableId};
use crate::bind::bound::BoundCreateTable;
use crate::catalog::change::NewRelation;
use crate::catalog::{Change, ForeignFormat, Relation, RelationKind, Table};
use crate::engine::columns::columns_of;
use crate::engine::{Engine, Request};
use crate::sql::files::FilesFormat;
use crate::storage::{FilesPlace, Location};
use datafusion::arrow::datatypes::{FieldRef, Schema};

impl Engine {
    /// Puts a table of files into the catalog.
    pub(in crate::engine) async fn make_foreign_table(
        &self,
        create: &BoundCreateTable,
        format: &FilesFormat,
        (id, owner): (SecurableId, PrincipalId),
        request: &Request,
    ) -> Result<()> {
        check_clauses(create)?;
        let Some(location) = &create.location else {
            let message = format!("a table USING {} needs a LOCATION", format.name);
            return Err(Error::new(ErrorKind::InvalidTableDefinition, message)
                .with_hint("Name the folder of its files; tables without one are Delta tables."));
        };
        let location = Location::parse(location)?;
        self.check_foreign(&location)?;
        self.check_place(id, &location)?;
        let place = FilesPlace::of(location);
        let kind = Format::from_name(&format.name)?;
        let mut options = FileOptions::parse(&format.options, Some(kind), &place.to_string())?;
        if !create.partitioned_by.is_empty() {
            let names = create.partitioned_by.iter().map(|column| column.name.clone());
            options.filter.partition_columns = Some(names.collect());
        }
        let found = list(&self.stores, &place, &options.filter).await?;
        let schema = if create.columns.is_empty() {
            if found.files.is_empty() {
                return Err(super::no_files(&place));
            }
            self.shape_of(&found, &options, None).await?.schema()
        } else {
            let fields = create.columns.iter().map(|column| Arc::new(column.field.clone()));
            Arc::new(Schema::new(fields.collect::<Vec<FieldRef>>()))
        };
        for name in &found.partition_columns {
            if schema.field_with_name(name).is_err() {
                let message = format!("column \"{name}\" of the folders is not declared");
                return Err(Error::new(ErrorKind::UndefinedColumn, message)
                    .with_hint("Declare it, or set the option recursiveFileLookup."));
            }
        }
        let before = create.existing.as_ref().map_or(&[][..], |existing| &existing.columns);
        let mut columns = columns_of(&schema, before);
        for column in &mut columns {
            let declared = create.columns.iter().find(|d| d.field.name() == column.field.name());
            column.comment = declared.and_then(|declared| declared.comment.clone());
        }
        let kind = RelationKind::Table(Table {
            location: place.root().url().to_string(),
            managed: false,
            partition_columns: found.partition_columns,
            foreign: Some(ForeignFormat {
                name: kind.name().to_owned(),
                options: format.options.clone(),
            }),
            sources: Vec::new(),
        });
        let comment = create.comment.clone();
        let change = match &create.existing {
            Some(_) => Change::ReplaceRelation { id, kind, columns, comment, constraints: vec![] },
            None => Change::CreateRelation(NewRelation {
                id,
                schema: create.schema.id,
                name: create.name.object.clone(),
                owner,
                comment,
                kind,
                columns,
                constraints: vec![],
            }),
        };
        self.change_metastore(&[change], request).await
    }

    /// The rows of a table of files, as they are now.
    pub(in crate::engine) async fn open_foreign(
        &self,
        relation: &Relation,
        state: &SessionState,
    ) -> Result<Arc<dyn TableProvider>> {
        let Some(Table { location, partition_columns, foreign: Some(format), .. }) =
            relation.as_table()
        else {
            return Err(Error::internal("a table of no foreign files"));
        };
        let place = FilesPlace::of(Location::parse(location)?);
        self.check_foreign(place.root())?;
        let kind = Format::from_name(&format.name)?;
        let mut options = FileOptions::parse(&format.options, Some(kind), &place.to_string())?;
        options.filter.partition_columns = Some(partition_columns.clone());
        let found = list(&self.stores, &place, &options.filter).await?;
        let fields = relation.columns.iter().map(|column| Arc::new(column.field.clone()));
        let shape = Shape::new(fields, partition_columns, options.rescued.as_deref());
        Ok(Arc::new(self.files_provider(found, shape, options, state)))
    }
}

/// Refuses what only Delta tables have.
fn check_clauses(create: &BoundCreateTable) -> Result<()> {
    let is_delta =
        |existing: &Arc<Relation>| existing.as_table().is_some_and(|table| table.foreign.is_none());
    let columns = || create.columns.iter();
    let refused = if create.query.is_some() {
        "AS"
    } else if create.clone_of.is_some() {
        "CLONE"
    } else if !create.checks.is_empty() {
        "CHECK"
    } else if !create.keys.is_empty() {
        "a key"
    } else if !create.cluster_by.is_empty() {
        "CLUSTER BY"
    } else if !create.properties.is_empty() {
        "TBLPROPERTIES"
    } else if columns().any(|column| column.default.is_some()) {
        "DEFAULT"
    } else if columns().any(|column| column.generated.is_some() || column.identity.is_some()) {
        "GENERATED"
    } else if columns().any(|column| !column.field.is_nullable()) {
        "NOT NULL"
    } else if create.existing.as_ref().is_some_and(is_delta) {
        "OR REPLACE of a Delta table"
    } else {
        return Ok(());
    };
    Err(Error::unsupported(format!("{refused} of a table of foreign files"))
        .with_detail("Such tables are only read: nothing is written, and no rule is kept."))
}
