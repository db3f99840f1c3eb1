//! COPY INTO: the files of a place that a table has not loaded yet, each of them once. What has been loaded
//! is in the table's log; this looks which files there are and plans their rows.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::Column;
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use super::listing::{FileList, list};
use super::options::{FileOptions, Format, Mode, switch_value};
use super::provider::{FilesProvider, Skipped};
use super::shape::{Shape, Source};
use crate::base::{Error, ErrorKind, Result};
use crate::bind::files::BoundCopyInto;
use crate::catalog::column_type::canonical;
use crate::delta::change::{self, Alteration, Changed, Loading, NewColumn};
use crate::engine::error::from_datafusion;
use crate::engine::insert::{assigned, name_relation, target_columns};
use crate::engine::open::location_of;
use crate::engine::output::{Origins, OutputColumn};
use crate::engine::planner::{Planner, Sources};
use crate::engine::progress::{CopyGuard, CopySource};
use crate::engine::query::PlannedQuery;
use crate::engine::show::{self, Header, Kind, number};
use crate::engine::stream::RowStream;
use crate::engine::{Engine, Outcome, Request};
use crate::sql::files::{FileSelection, Validation};
use crate::sql::statement::ColumnName;
use crate::storage::Glob;

/// What a statement tells (Databricks' names).
const LOADED: Header = &[
    ("num_affected_rows", Kind::Number),
    ("num_inserted_rows", Kind::Number),
    ("num_skipped_corrupt_files", Kind::Number),
];

/// Rows that a validation of all shows (Databricks').
const ROWS_SHOWN: usize = 50;

impl Engine {
    pub(in crate::engine) async fn copy_into(
        self: &Arc<Self>,
        copy: BoundCopyInto,
        request: &Request,
    ) -> Result<Outcome> {
        check_options(&copy)?;
        let place = crate::engine::admission::Place::take(&self.admission).await?;
        if let Some(validation) = copy.validation {
            let (engine, running) = (Arc::clone(self), request.clone());
            let prepared = self
                .cpu
                .run(async move {
                    let planned = engine.plan_validation(&copy, validation, &running).await?;
                    planned.prepare(&running).await
                })
                .await?;
            let mut rows = self.start_prepared(prepared, Some(place)).await?;
            if validation == Validation::All {
                rows = first_of_all(rows).await?;
            }
            return Ok(Outcome::Rows { rows, tag: "SELECT" });
        }
        let (engine, running) = (Arc::clone(self), request.clone());
        let (changed, skipped) =
            self.cpu.run(async move { engine.load_files(&copy, &running).await }).await?;
        let row = [changed.inserted, changed.inserted, skipped].map(number).into();
        let rows = RowStream::ready(show::columns(LOADED)?, vec![show::batch(LOADED, vec![row])?]);
        Ok(Outcome::Rows { rows, tag: "COPY" })
    }

    /// The columns of what the statement tells.
    pub(in crate::engine) async fn copy_into_columns(
        &self,
        copy: &BoundCopyInto,
        request: &Request,
    ) -> Result<Arc<[OutputColumn]>> {
        if copy.validation.is_none() {
            return show::columns(LOADED);
        }
        let version = self.schema_of(&copy.table, request).await?;
        let targets = target_columns(&copy.table, &version.schema(), &copy.columns)?;
        targets.iter().map(|field| OutputColumn::computed(Field::clone(field))).collect()
    }

    async fn load_files(&self, copy: &BoundCopyInto, request: &Request) -> Result<(Changed, u64)> {
        let location = location_of(&copy.table)?;
        self.schema_of(&copy.table, request).await?.check_writable()?;
        let state = self.context.statement(&request.facts);
        let mut files = self.files_to_load(copy, &state, request).await?;
        let (pid, table) = (request.facts.backend_pid, copy.table.id);
        files.progress = Some(self.copies.begin(pid, table, CopySource::File));
        let ctx = self.change_context(state.clone(), request, None);
        if copy.query.is_none() && files.merges_schema {
            let added = files.new_columns().await?;
            if !added.is_empty() {
                let changes = vec![Alteration::AddColumns { columns: added, if_not_exists: true }];
                self.evolve(&copy.table, changes, request).await?;
                let newest = self.tables_of(&request.work).open(&location).await?;
                files.schema = newest.schema();
            }
        }
        let changed = change::load(&ctx, &location, &files).await;
        let changed =
            changed.map_err(|error| name_relation(error, &copy.table, &request.facts.snapshot))?;
        Ok((changed, files.skipped().len() as u64))
    }

    async fn plan_validation(
        &self,
        copy: &BoundCopyInto,
        validation: Validation,
        request: &Request,
    ) -> Result<PlannedQuery> {
        let state = self.context.statement(&request.facts);
        let files = self.files_to_load(copy, &state, request).await?;
        let all: Vec<String> = files.found.files.iter().map(|file| file.url.clone()).collect();
        let planned = files.plan(&all).await?;
        let plan = LogicalPlanBuilder::from(planned);
        let plan = match validation {
            Validation::Rows(rows) => plan.limit(0, usize::try_from(rows).ok()),
            Validation::All => Ok(plan),
        };
        let plan = plan.and_then(LogicalPlanBuilder::build).map_err(from_datafusion)?;
        Ok(PlannedQuery::new(state, plan, Origins::default()))
    }

    /// The files of the statement's place, and how they are read.
    async fn files_to_load<'a>(
        &'a self,
        copy: &'a BoundCopyInto,
        state: &'a SessionState,
        request: &'a Request,
    ) -> Result<FilesToLoad<'a>> {
        let place = &copy.files.place;
        self.check_foreign(place.root())?;
        let format = Format::from_name(&copy.format)?;
        let mut given = copy.format_options.clone();
        let is_given = |name: &str| {
            copy.format_options.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        // Texts go into columns of texts as they are; the query says which are something else.
        if copy.query.is_some() && format == Format::Csv && !is_given("inferSchema") {
            given.push(("inferSchema".to_owned(), "false".to_owned()));
        }
        let mut options = FileOptions::parse(&given, Some(format), &place.to_string())?;
        // What goes into a table for good is not made NULL unless somebody says so.
        if !is_given("mode") && options.rescued.is_none() {
            options.mode = Mode::FailFast;
        }
        let mut found = list(&self.stores, place, &options.filter).await?;
        select(&mut found, copy)?;
        let switch =
            |name: &str| copy.option(name).map(|value| switch_value(name, value)).transpose();
        let version = self.schema_of(&copy.table, request).await?;
        Ok(FilesToLoad {
            engine: self,
            copy,
            found,
            options,
            schema: version.schema(),
            state,
            request,
            force: switch("force")?.unwrap_or(false),
            merges_schema: switch("mergeSchema")?.unwrap_or(false),
            progress: None,
            skipped: Mutex::default(),
        })
    }
}

/// The files of one statement.
struct FilesToLoad<'a> {
    engine: &'a Engine,
    copy: &'a BoundCopyInto,
    found: FileList,
    options: FileOptions,
    /// The table's columns.
    schema: SchemaRef,
    state: &'a SessionState,
    request: &'a Request,
    force: bool,
    merges_schema: bool,
    /// `None` for a validation.
    progress: Option<CopyGuard>,
    /// What the last reading has passed over.
    skipped: Mutex<Option<Arc<Skipped>>>,
}

#[async_trait]
impl Loading for FilesToLoad<'_> {
    async fn rows(&self, loaded: &HashSet<String>) -> Result<Option<(LogicalPlan, Vec<String>)>> {
        let urls = self.found.files.iter().map(|file| file.url.clone());
        let new: Vec<String> = urls.filter(|url| self.force || !loaded.contains(url)).collect();
        if new.is_empty() {
            return Ok(None);
        }
        let plan = self.plan(&new).await?;
        Ok(Some((plan, new)))
    }

    fn skipped(&self) -> Vec<String> {
        let skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        skipped.as_ref().map(|skipped| skipped.files()).unwrap_or_default()
    }
}

impl FilesToLoad<'_> {
    /// The rows of some of the files, as columns of the table.
    async fn plan(&self, urls: &[String]) -> Result<LogicalPlan> {
        let mut files = self.found.clone();
        let wanted: HashSet<&String> = urls.iter().collect();
        files.files.retain(|file| wanted.contains(&file.url));
        let shape = match &self.copy.query {
            Some(_) => self.engine.shape_of(&files, &self.options, None).await?,
            None => self.target_shape(&files).await?,
        };
        let options = self.options.clone();
        let provider = self.engine.files_provider(files, shape.clone(), options, self.state);
        let provider = match &self.progress {
            Some(progress) => provider.counted_for(&progress.copy),
            None => provider,
        };
        *self.skipped.lock().unwrap_or_else(PoisonError::into_inner) = Some(provider.skipped());
        match &self.copy.query {
            Some(_) => self.of_query(provider),
            None => self.of_files(provider, &shape),
        }
    }

    /// What the query makes of the files.
    fn of_query(&self, provider: FilesProvider) -> Result<LogicalPlan> {
        let Some(query) = &self.copy.query else {
            return Err(Error::internal("there is no query"));
        };
        let provider: Arc<dyn TableProvider> = Arc::new(provider);
        let source = provider_as_source(provider);
        let sources: Sources =
            query.relations.keys().map(|key| (key.clone(), Arc::clone(&source))).collect();
        let planner = Planner::new(self.state, &self.request.text, &[]);
        let plan = planner.query(query.ast.as_ref().clone(), &sources)?;
        let planned = PlannedQuery::new(self.state.clone(), plan, Origins::default());
        let targets = if self.copy.by_position || !self.copy.columns.is_empty() {
            target_columns(&self.copy.table, &self.schema, &self.copy.columns)?
        } else {
            let names = planned.columns()?.into_iter();
            let names = names.map(|column| ColumnName { name: column.name, position: None });
            target_columns(&self.copy.table, &self.schema, &names.collect::<Vec<_>>())?
        };
        assigned(planned.plan, &targets)
    }

    /// The files' own columns.
    fn of_files(&self, provider: FilesProvider, shape: &Shape) -> Result<LogicalPlan> {
        let source = provider_as_source(Arc::new(provider));
        let scan = LogicalPlanBuilder::scan("files", source, None).map_err(from_datafusion)?;
        let mut targets = Vec::new();
        let mut columns = Vec::new();
        for (field, _) in &shape.columns {
            // Columns that only names of folders have are not asked for.
            if let Ok(target) = self.schema.field_with_name(field.name()) {
                targets.push(Arc::new(target.clone()));
                columns.push(Expr::Column(Column::from_name(field.name())));
            }
        }
        let plan = scan.project(columns).and_then(LogicalPlanBuilder::build);
        assigned(plan.map_err(from_datafusion)?, &targets)
    }

    /// The files' columns in the types that the table has for them. 42703 for one that it does not have.
    async fn target_shape(&self, files: &FileList) -> Result<Shape> {
        let targets = target_columns(&self.copy.table, &self.schema, &self.copy.columns)?;
        let readable = |field: &FieldRef| -> Result<FieldRef> { Ok(Arc::new(canonical(field)?)) };
        let has_names = self.options.format != Format::Csv || self.options.csv.has_header;
        if !has_names {
            let is_of_folder =
                |field: &&FieldRef| files.partition_columns.iter().any(|name| name == field.name());
            let (folders, data): (Vec<&FieldRef>, Vec<&FieldRef>) =
                targets.iter().partition(is_of_folder);
            let fields =
                data.into_iter().chain(folders).map(readable).collect::<Result<Vec<_>>>()?;
            return Ok(Shape::new(fields, &files.partition_columns, None));
        }
        if self.copy.by_position {
            return Err(Error::unsupported("BY POSITION of files whose columns have names")
                .with_hint("Leave it out, or choose the columns with a query."));
        }
        let found = self.engine.shape_of(files, &self.options, None).await?;
        let mut fields = Vec::with_capacity(found.columns.len());
        for (field, source) in &found.columns {
            let target =
                targets.iter().find(|target| target.name().eq_ignore_ascii_case(field.name()));
            match (target, source) {
                (Some(target), _) => fields.push(readable(target)?),
                (None, Source::Partition(_)) => fields.push(Arc::clone(field)),
                (None, Source::Data | Source::Rescued | Source::Metadata) => {
                    return Err(self.unknown(field.name()));
                }
            }
        }
        Ok(Shape::new(fields, &files.partition_columns, self.options.rescued.as_deref()))
    }

    /// Columns that the files have and the table does not.
    async fn new_columns(&self) -> Result<Vec<NewColumn>> {
        let has_names = self.options.format != Format::Csv || self.options.csv.has_header;
        if !has_names || self.found.files.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.engine.shape_of(&self.found, &self.options, None).await?;
        let is_new = |field: &FieldRef| {
            let mut fields = self.schema.fields().iter();
            !fields.any(|known| known.name().eq_ignore_ascii_case(field.name()))
        };
        let new = found.columns.into_iter().filter(|(field, _)| is_new(field));
        let new = new.map(|(field, _)| {
            let field = canonical(&field)?;
            let field = match field.data_type() {
                DataType::Null => field.with_data_type(DataType::Utf8),
                _ => field,
            };
            Ok(NewColumn { field: Arc::new(field), default: None, place: None })
        });
        new.collect()
    }

    fn unknown(&self, column: &str) -> Error {
        let table = &self.copy.table.name;
        let message =
            format!("the files have a column \"{column}\", which table \"{table}\" does not");
        Error::new(ErrorKind::UndefinedColumn, message).with_hint(
            "Add COPY_OPTIONS ('mergeSchema' = 'true') to add it, or choose columns with a query.",
        )
    }
}

/// The first rows of a result, once all of it has been read.
async fn first_of_all(mut rows: RowStream) -> Result<RowStream> {
    let (mut shown, mut left) = (Vec::new(), ROWS_SHOWN);
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        let count = batch.num_rows().min(left);
        if count > 0 {
            shown.push(batch.slice(0, count));
            left -= count;
        }
    }
    Ok(RowStream::ready(Arc::clone(rows.columns()), shown))
}

/// The files that the statement chooses.
fn select(found: &mut FileList, copy: &BoundCopyInto) -> Result<()> {
    let root = copy.files.place.root().path();
    let below = |path: &object_store::path::Path| {
        let parts = path
            .prefix_match(root)
            .map(|parts| parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"));
        parts.unwrap_or_default()
    };
    match &copy.selection {
        FileSelection::All => {}
        FileSelection::Pattern(pattern) => {
            let glob = Glob::parse(pattern)?;
            found.files.retain(|file| glob.matches(&below(&file.meta.location)));
        }
        FileSelection::Names(names) => {
            found.files.retain(|file| names.contains(&below(&file.meta.location)));
            let missing = names
                .iter()
                .find(|name| !found.files.iter().any(|file| below(&file.meta.location) == **name));
            if let Some(missing) = missing {
                let message = format!("there is no file \"{missing}\" at the location");
                return Err(Error::new(ErrorKind::UndefinedFile, message));
            }
        }
    }
    Ok(())
}

fn check_options(copy: &BoundCopyInto) -> Result<()> {
    let known = ["force", "mergeschema"];
    let mut names = copy.copy_options.iter().map(|(name, _)| name);
    match names.find(|name| !known.contains(&name.to_ascii_lowercase().as_str())) {
        Some(name) => {
            let message = format!("option \"{name}\" of COPY INTO is not known");
            Err(Error::new(ErrorKind::UndefinedObject, message)
                .with_hint("COPY_OPTIONS are force and mergeSchema."))
        }
        None => Ok(()),
    }
}
