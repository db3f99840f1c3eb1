//! SHOW and DESCRIBE: what the catalog and the Delta log say, as rows of texts under Databricks' names.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};

use crate::base::datatype::pg_type_of;
use crate::base::name::{quote_identifier, quote_literal};
use crate::base::{Error, PrincipalId, Result, SecurableId};
use crate::bind::bound::BoundShow;
use crate::catalog::principal::PrincipalKind;
use crate::catalog::{MaterializedView, Relation, RelationKind, Securable, Snapshot};
use crate::governance::Access;
use crate::sql::storage::StorageKind;

use super::open::{location_of, system_source};
use super::output::OutputColumn;
use super::planner::Planner;
use super::storage;
use super::stream::RowStream;
use super::{Engine, Request};

/// One cell of an answer.
pub(super) enum Cell {
    Text(String),
    Number(Option<i64>),
    /// Microseconds since 1970-01-01 UTC.
    Time(Option<i64>),
    Flag(bool),
    Null,
}

/// The columns of an answer: names and kinds.
pub(super) type Header = &'static [(&'static str, Kind)];

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Number,
    Time,
    Flag,
}

use Kind::{Flag, Number, Text, Time};

const CATALOGS: Header = &[("catalog", Text)];
const SCHEMAS: Header = &[("databaseName", Text)];
const TABLES: Header = &[("database", Text), ("tableName", Text), ("isTemporary", Text)];
const VIEWS: Header = &[("namespace", Text), ("viewName", Text), ("isTemporary", Text)];
const COLUMNS: Header = &[("col_name", Text)];
const CREATE: Header = &[("createtab_stmt", Text)];
const PROPERTIES: Header = &[("key", Text), ("value", Text)];
const NAMES: Header = &[("name", Text)];
const GRANTS: Header =
    &[("Principal", Text), ("ActionType", Text), ("ObjectType", Text), ("ObjectKey", Text)];
const DESCRIPTION: Header = &[("col_name", Text), ("data_type", Text), ("comment", Text)];
const INFORMATION: Header = &[("info_name", Text), ("info_value", Text)];
const CREDENTIALS: Header = &[("name", Text), ("comment", Text)];
const LOCATIONS: Header = &[("name", Text), ("url", Text), ("comment", Text)];
const HISTORY: Header = &[
    ("version", Number),
    ("timestamp", Time),
    ("userId", Text),
    ("userName", Text),
    ("operation", Text),
    ("operationParameters", Text),
    ("job", Text),
    ("notebook", Text),
    ("clusterId", Text),
    ("readVersion", Number),
    ("isolationLevel", Text),
    ("isBlindAppend", Flag),
    ("operationMetrics", Text),
    ("userMetadata", Text),
    ("engineInfo", Text),
];
const DETAIL: Header = &[
    ("format", Text),
    ("id", Text),
    ("name", Text),
    ("description", Text),
    ("location", Text),
    ("createdAt", Time),
    ("lastModified", Time),
    ("partitionColumns", Text),
    ("clusteringColumns", Text),
    ("numFiles", Number),
    ("sizeInBytes", Number),
    ("properties", Text),
    ("minReaderVersion", Number),
    ("minWriterVersion", Number),
    ("tableFeatures", Text),
];

impl Engine {
    pub(super) async fn show(&self, show: BoundShow, request: &Request) -> Result<RowStream> {
        let header = header(&show);
        let columns = columns(header)?;
        let rows = self.rows(show, request).await?;
        let batch = batch(header, rows)?;
        Ok(RowStream::ready(columns, vec![batch]))
    }

    /// The columns that SHOW or DESCRIBE gives.
    pub(super) fn show_columns(&self, show: &BoundShow) -> Result<Arc<[OutputColumn]>> {
        columns(header(show))
    }

    async fn rows(&self, show: BoundShow, request: &Request) -> Result<Vec<Vec<Cell>>> {
        let snapshot = &request.facts.snapshot;
        let principal = request.facts.principal.ok_or_else(|| Error::internal("nobody asks"))?;
        let access = Access::new(snapshot, principal);
        let knows = |id: SecurableId| access.may_know(id);
        let rows = match show {
            BoundShow::Catalogs { like } => {
                names(snapshot.catalogs().filter(|c| knows(c.id)).map(|c| c.name.as_str()), like)
            }
            BoundShow::Schemas { catalog, like } => {
                let schemas = snapshot.schemas_of(catalog.id).filter(|s| knows(s.id));
                names(schemas.map(|schema| schema.name.as_str()), like)
            }
            BoundShow::Tables { schema, like } => {
                let relations = snapshot.relations_of(schema.id).filter(|r| knows(r.id));
                relation_rows(&schema.name, relations, like)
            }
            BoundShow::Views { schema, like } => {
                let views = snapshot
                    .relations_of(schema.id)
                    .filter(|relation| knows(relation.id) && relation.as_view().is_some());
                relation_rows(&schema.name, views, like)
            }
            BoundShow::Columns { relation } => {
                let columns = relation.columns.iter();
                columns.map(|column| vec![text(column.field.name())]).collect()
            }
            BoundShow::CreateTable { relation } => {
                let manages = access.manages(relation.id);
                let statement = self.create_statement(&relation, manages, snapshot, request);
                vec![vec![Cell::Text(statement.await?)]]
            }
            BoundShow::TableProperties { table, key } => {
                self.property_rows(&table, key, request).await?
            }
            BoundShow::Users { like } => principals(snapshot, PrincipalKind::User, like),
            BoundShow::Groups { like } => principals(snapshot, PrincipalKind::Group, like),
            BoundShow::Grants { principal, on } => {
                grant_rows(snapshot, &access, principal, on.as_ref())
            }
            BoundShow::DescribeRelation { relation, extended } => {
                let manages = access.manages(relation.id);
                self.description_rows(&relation, (extended, manages), snapshot, request).await?
            }
            BoundShow::DescribeSystem { schema, name } => {
                let state = self.context.statement(&request.facts);
                let planner = Planner::new(&state, "", &[]);
                let schema = system_source(&schema, &name, &planner)?.schema();
                schema.fields().iter().map(field_row).collect::<Result<_>>()?
            }
            BoundShow::DescribeSchema { schema } => information(&[
                ("Namespace Name", &schema.name),
                ("Comment", schema.comment.as_deref().unwrap_or("")),
                ("Owner", owner(snapshot, schema.owner)),
            ]),
            BoundShow::DescribeCatalog { catalog } => information(&[
                ("Catalog Name", &catalog.name),
                ("Comment", catalog.comment.as_deref().unwrap_or("")),
                ("Owner", owner(snapshot, catalog.owner)),
            ]),
            BoundShow::DescribeHistory { table, limit } => {
                self.history_rows(&table, limit, request).await?
            }
            BoundShow::DescribeDetail { table } => {
                vec![self.detail_row(&table, snapshot, request).await?]
            }
            BoundShow::Storage(show) => {
                let rows = storage::show_rows(&show, snapshot, &access).into_iter();
                rows.map(|row| row.into_iter().map(Cell::Text).collect()).collect()
            }
            BoundShow::DescribeQuery(query) => {
                let planned = self.plan(query, request).await?;
                let columns = planned.columns()?;
                let outputs = columns.iter();
                outputs
                    .map(|output| {
                        let type_name = output.pg_type.sql_name(output.typmod);
                        vec![text(&output.name), Cell::Text(type_name), text("")]
                    })
                    .collect()
            }
        };
        Ok(rows)
    }

    async fn property_rows(
        &self,
        table: &Relation,
        key: Option<String>,
        request: &Request,
    ) -> Result<Vec<Vec<Cell>>> {
        let version = self.open_newest(table, &request.work).await?;
        let mut properties: Vec<_> = version.properties().iter().collect();
        properties.sort();
        let asked = |name: &String| key.as_ref().is_none_or(|key| key == name);
        let rows = properties.into_iter().filter(|(name, _)| asked(name));
        Ok(rows.map(|(name, value)| vec![text(name), text(value)]).collect())
    }

    async fn history_rows(
        &self,
        table: &Relation,
        limit: Option<u64>,
        request: &Request,
    ) -> Result<Vec<Vec<Cell>>> {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let commits = self.tables_of(&request.work).history(&location_of(table)?, limit).await?;
        let rows = commits.into_iter().map(|commit| {
            vec![
                number(commit.version),
                Cell::Time(commit.timestamp.checked_mul(1000)),
                optional(commit.user_id),
                optional(commit.user_name),
                optional(commit.operation),
                Cell::Text(serde_json::Value::Object(commit.operation_parameters).to_string()),
                // Databricks' own: no other engine has jobs, notebooks and clusters.
                Cell::Null,
                Cell::Null,
                Cell::Null,
                commit.read_version.map_or(Cell::Null, number),
                optional(commit.isolation_level),
                commit.is_blind_append.map_or(Cell::Null, Cell::Flag),
                Cell::Text(serde_json::Value::Object(commit.operation_metrics).to_string()),
                optional(commit.user_metadata),
                optional(commit.engine_info),
            ]
        });
        Ok(rows.collect())
    }

    async fn detail_row(
        &self,
        table: &Relation,
        snapshot: &Snapshot,
        request: &Request,
    ) -> Result<Vec<Cell>> {
        let version = self.open_newest(table, &request.work).await?;
        let details = version.details();
        let clustering = crate::delta::clustering_columns(&version).await?;
        let time = |millis: Option<i64>| Cell::Time(millis.and_then(|at| at.checked_mul(1000)));
        Ok(vec![
            text("delta"),
            Cell::Text(details.id),
            Cell::Text(full_name(snapshot, &Securable::Relation(Arc::new(table.clone())))),
            optional(details.description),
            Cell::Text(version.location().url().to_string()),
            time(details.created_at),
            time(details.last_modified),
            Cell::Text(version.partition_columns().join(", ")),
            Cell::Text(clustering.unwrap_or_default().join(", ")),
            number(details.files),
            number(details.size_in_bytes),
            Cell::Text(serde_json::json!(version.properties()).to_string()),
            Cell::Number(Some(i64::from(details.min_reader_version))),
            Cell::Number(Some(i64::from(details.min_writer_version))),
            Cell::Text(version.features().join(", ")),
        ])
    }

    async fn description_rows(
        &self,
        relation: &Relation,
        (extended, manages): (bool, bool),
        snapshot: &Snapshot,
        request: &Request,
    ) -> Result<Vec<Vec<Cell>>> {
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        for column in relation.columns.iter() {
            let comment = column.comment.as_deref().unwrap_or("");
            rows.push(vec![
                text(column.field.name()),
                Cell::Text(type_name(&column.field)?),
                text(comment),
            ]);
        }
        if !extended {
            return Ok(rows);
        }
        let mut add = |name: &str, value: &str| rows.push(vec![text(name), text(value), text("")]);
        add("", "");
        add("# Detailed Table Information", "");
        add("Name", &full_name(snapshot, &Securable::Relation(Arc::new(relation.clone()))));
        add("Owner", owner(snapshot, relation.owner));
        add("Comment", relation.comment.as_deref().unwrap_or(""));
        match &relation.kind {
            RelationKind::Table(table) => {
                add("Type", if table.managed { "MANAGED" } else { "EXTERNAL" });
                let provider = table.foreign.as_ref().map(|foreign| foreign.name.to_lowercase());
                add("Provider", provider.as_deref().unwrap_or("delta"));
                add("Partition Columns", &table.partition_columns.join(", "));
                if provider.is_some() {
                    return Ok(rows);
                }
                let version = self.open_newest(relation, &request.work).await?;
                add("Version", &version.version().to_string());
                let rows = version.row_count().map(|rows| rows.to_string());
                add("Rows", rows.as_deref().unwrap_or("unknown"));
            }
            RelationKind::MaterializedView(MaterializedView { view, populated, .. }) => {
                add("Type", "MATERIALIZED_VIEW");
                add("Populated", if *populated { "true" } else { "false" });
                if manages {
                    add("View Text", &view.definition);
                }
            }
            RelationKind::View(view) => {
                add("Type", "VIEW");
                if manages {
                    add("View Text", &view.definition);
                }
            }
        }
        Ok(rows)
    }

    async fn create_statement(
        &self,
        relation: &Relation,
        manages: bool,
        snapshot: &Snapshot,
        request: &Request,
    ) -> Result<String> {
        let name = quoted_name(snapshot, relation);
        let table = match &relation.kind {
            RelationKind::View(view)
            | RelationKind::MaterializedView(MaterializedView { view, .. }) => {
                let columns = relation.columns.iter();
                let columns: Vec<_> =
                    columns.map(|column| quote_identifier(column.field.name())).collect();
                return Ok(format!(
                    "CREATE {} {name} ({}) AS {}",
                    relation.kind_name().to_ascii_uppercase(),
                    columns.join(", "),
                    view.definition
                ));
            }
            RelationKind::Table(table) => table,
        };
        let columns = relation.columns.iter().map(|column| {
            let mut words = vec![quote_identifier(column.field.name()), type_name(&column.field)?];
            if !column.field.is_nullable() {
                words.push("NOT NULL".to_owned());
            }
            if let Some(comment) = &column.comment {
                words.push(format!("COMMENT {}", quote_literal(comment)));
            }
            Ok(format!("  {}", words.join(" ")))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?.join(",\n");
        let pairs = |pairs: &mut dyn Iterator<Item = (&String, &String)>| {
            let pairs = pairs.map(|(k, v)| format!("{} = {}", quote_literal(k), quote_literal(v)));
            pairs.collect::<Vec<_>>().join(", ")
        };
        let format = table.foreign.as_ref().map_or("DELTA", |foreign| &foreign.name);
        let mut statement = format!("CREATE TABLE {name} (\n{columns})\nUSING {format}");
        if let Some(foreign) = table.foreign.as_ref().filter(|one| !one.options.is_empty()) {
            let options = pairs(&mut foreign.options.iter().map(|(k, v)| (k, v)));
            statement.push_str(&format!("\nOPTIONS ({options})"));
        }
        if !table.partition_columns.is_empty() {
            let names: Vec<_> =
                table.partition_columns.iter().map(|c| quote_identifier(c)).collect();
            statement.push_str(&format!("\nPARTITIONED BY ({})", names.join(", ")));
        }
        if let Some(comment) = &relation.comment {
            statement.push_str(&format!("\nCOMMENT {}", quote_literal(comment)));
        }
        // Where files lie is for whoever could move them.
        if !table.managed && manages {
            statement.push_str(&format!("\nLOCATION {}", quote_literal(&table.location)));
        }
        if table.foreign.is_some() {
            return Ok(statement);
        }
        let version = self.open_newest(relation, &request.work).await?;
        let mut properties: Vec<_> = version.properties().iter().collect();
        properties.sort();
        if !properties.is_empty() {
            let properties = pairs(&mut properties.into_iter());
            statement.push_str(&format!("\nTBLPROPERTIES ({properties})"));
        }
        Ok(statement)
    }
}

fn header(show: &BoundShow) -> Header {
    match show {
        BoundShow::Catalogs { .. } => CATALOGS,
        BoundShow::Schemas { .. } => SCHEMAS,
        BoundShow::Tables { .. } => TABLES,
        BoundShow::Views { .. } => VIEWS,
        BoundShow::Columns { .. } => COLUMNS,
        BoundShow::CreateTable { .. } => CREATE,
        BoundShow::TableProperties { .. } => PROPERTIES,
        BoundShow::Users { .. } | BoundShow::Groups { .. } => NAMES,
        BoundShow::Grants { .. } => GRANTS,
        BoundShow::DescribeRelation { .. }
        | BoundShow::DescribeSystem { .. }
        | BoundShow::DescribeQuery(_) => DESCRIPTION,
        BoundShow::DescribeSchema { .. } | BoundShow::DescribeCatalog { .. } => INFORMATION,
        BoundShow::Storage(show) => match storage::show_kind(show) {
            Some(StorageKind::Credential) => CREDENTIALS,
            Some(StorageKind::Location) => LOCATIONS,
            None => INFORMATION,
        },
        BoundShow::DescribeHistory { .. } => HISTORY,
        BoundShow::DescribeDetail { .. } => DETAIL,
    }
}

pub(super) fn columns(header: Header) -> Result<Arc<[OutputColumn]>> {
    header.iter().map(|(name, kind)| OutputColumn::computed(field(name, *kind))).collect()
}

fn field(name: &str, kind: Kind) -> Field {
    let data_type = match kind {
        Kind::Text => DataType::Utf8,
        Kind::Number => DataType::Int64,
        Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Flag => DataType::Boolean,
    };
    Field::new(name, data_type, true)
}

pub(super) fn batch(header: Header, rows: Vec<Vec<Cell>>) -> Result<RecordBatch> {
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(header.len());
    for (index, (_, kind)) in header.iter().enumerate() {
        let cells = || rows.iter().filter_map(move |row| row.get(index));
        let as_text = |cell: &Cell| match cell {
            Cell::Text(text) => Some(text.clone()),
            Cell::Number(_) | Cell::Time(_) | Cell::Flag(_) | Cell::Null => None,
        };
        let as_number = |cell: &Cell| match cell {
            Cell::Number(number) | Cell::Time(number) => *number,
            Cell::Text(_) | Cell::Flag(_) | Cell::Null => None,
        };
        let as_flag = |cell: &Cell| match cell {
            Cell::Flag(flag) => Some(*flag),
            Cell::Text(_) | Cell::Number(_) | Cell::Time(_) | Cell::Null => None,
        };
        arrays.push(match kind {
            Kind::Text => Arc::new(cells().map(as_text).collect::<StringArray>()),
            Kind::Flag => Arc::new(cells().map(as_flag).collect::<BooleanArray>()),
            Kind::Number => Arc::new(cells().map(as_number).collect::<Int64Array>()),
            Kind::Time => {
                let times = cells().map(as_number).collect::<TimestampMicrosecondArray>();
                Arc::new(times.with_timezone("UTC"))
            }
        });
    }
    let fields: Vec<Field> = header.iter().map(|(name, kind)| field(name, *kind)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| Error::internal("SHOW made no batch").caused_by(error))
}

fn names<'a>(names: impl Iterator<Item = &'a str>, like: Option<String>) -> Vec<Vec<Cell>> {
    names.filter(|name| is_like(name, like.as_deref())).map(|name| vec![text(name)]).collect()
}

fn relation_rows<'a>(
    schema: &str,
    relations: impl Iterator<Item = &'a Arc<Relation>>,
    like: Option<String>,
) -> Vec<Vec<Cell>> {
    relations
        .filter(|relation| is_like(&relation.name, like.as_deref()))
        .map(|relation| vec![text(schema), text(&relation.name), text("false")])
        .collect()
}

fn principals(snapshot: &Snapshot, kind: PrincipalKind, like: Option<String>) -> Vec<Vec<Cell>> {
    let named = snapshot.principals().filter(|principal| principal.kind == kind);
    names(named.map(|principal| principal.name.as_str()), like)
}

/// Grants on a securable and on what contains it; or all grants of a principal.
fn grant_rows(
    snapshot: &Snapshot,
    access: &Access<'_>,
    principal: Option<PrincipalId>,
    on: Option<&Securable>,
) -> Vec<Vec<Cell>> {
    let securables: Vec<Securable> = match on {
        Some(on) => {
            std::iter::successors(Some(on.clone()), |s| snapshot.securable(s.parent()?)).collect()
        }
        None => every_securable(snapshot),
    };
    let mut rows = Vec::new();
    for securable in securables {
        let manages = access.manages(securable.id());
        for (grantee, privilege) in snapshot.grants_on(securable.id()) {
            let asked = principal.is_none_or(|principal| principal == grantee);
            // Who does not manage the securable sees only the grants that are theirs.
            if !asked || !(manages || access.is(grantee)) {
                continue;
            }
            let Some(grantee) = snapshot.grantee_name(grantee) else { continue };
            let kind = match &securable {
                Securable::Catalog(_) => "CATALOG",
                Securable::Schema(_) => "SCHEMA",
                Securable::Relation(relation) => match relation.kind {
                    RelationKind::Table(_) => "TABLE",
                    RelationKind::View(_) => "VIEW",
                    RelationKind::MaterializedView(_) => "MATERIALIZED VIEW",
                },
                Securable::StorageCredential(_) => "STORAGE CREDENTIAL",
                Securable::ExternalLocation(_) => "EXTERNAL LOCATION",
            };
            rows.push(vec![
                text(grantee),
                text(privilege.name()),
                text(kind),
                Cell::Text(full_name(snapshot, &securable)),
            ]);
        }
    }
    rows
}

fn every_securable(snapshot: &Snapshot) -> Vec<Securable> {
    let mut all = Vec::new();
    for catalog in snapshot.catalogs() {
        all.push(Securable::Catalog(Arc::clone(catalog)));
        for schema in snapshot.schemas_of(catalog.id) {
            all.push(Securable::Schema(Arc::clone(schema)));
            let relations = snapshot.relations_of(schema.id);
            all.extend(relations.map(|relation| Securable::Relation(Arc::clone(relation))));
        }
    }
    all.extend(snapshot.storage_credentials().cloned().map(Securable::StorageCredential));
    all.extend(snapshot.external_locations().cloned().map(Securable::ExternalLocation));
    all
}

fn information(pairs: &[(&str, &str)]) -> Vec<Vec<Cell>> {
    pairs.iter().map(|(name, value)| vec![text(name), text(value)]).collect()
}

fn owner(snapshot: &Snapshot, id: PrincipalId) -> &str {
    snapshot.principal_by_id(id).map_or("", |principal| principal.name.as_str())
}

/// `catalog.schema.relation`
fn full_name(snapshot: &Snapshot, securable: &Securable) -> String {
    let lineage =
        std::iter::successors(Some(securable.clone()), |s| snapshot.securable(s.parent()?));
    let mut parts: Vec<String> = lineage.map(|securable| securable.name().to_owned()).collect();
    parts.reverse();
    parts.join(".")
}

fn quoted_name(snapshot: &Snapshot, relation: &Relation) -> String {
    let schema = snapshot.schema_by_id(relation.schema);
    let schema = schema.map_or_else(String::new, |s| format!("{}.", quote_identifier(&s.name)));
    format!("{schema}{}", quote_identifier(&relation.name))
}

fn field_row(field: &FieldRef) -> Result<Vec<Cell>> {
    Ok(vec![text(field.name()), Cell::Text(type_name(field)?), text("")])
}

fn type_name(field: &Field) -> Result<String> {
    let (pg_type, typmod) = pg_type_of(field)?;
    Ok(pg_type.sql_name(typmod))
}

/// Databricks' patterns: `*` is any text, `|` separates alternatives; SQL's `%` is taken for `*`.
pub(super) fn is_like(name: &str, pattern: Option<&str>) -> bool {
    let Some(pattern) = pattern else { return true };
    pattern.split('|').any(|alternative| {
        let parts: Vec<&str> = alternative.trim().split(['*', '%']).collect();
        matches(name, &parts)
    })
}

/// Whether `name` is the parts in order with anything between them.
fn matches(name: &str, parts: &[&str]) -> bool {
    match parts {
        [] => name.is_empty(),
        [only] => name == *only,
        [first, middle @ .., last] => {
            let Some(mut rest) = name.strip_prefix(first) else { return false };
            for part in middle {
                match rest.find(part) {
                    Some(at) => rest = &rest[at + part.len()..],
                    None => return false,
                }
            }
            rest.ends_with(last)
        }
    }
}

fn optional(value: Option<String>) -> Cell {
    value.map_or(Cell::Null, Cell::Text)
}

fn text(value: &str) -> Cell {
    Cell::Text(value.to_owned())
}

pub(super) fn number(value: impl TryInto<i64>) -> Cell {
    Cell::Number(value.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn patterns_are_databricks() {
        let cases = [
            ("orders", "ord*", true),
            ("orders", "*ers|x", true),
            ("orders", "o*d*s", true),
            ("orders", "order", false),
            ("orders", "%der%", true),
            ("aXa", "aXaXa", false),
        ];
        for (name, pattern, expected) in cases {
            assert_eq!(is_like(name, Some(pattern)), expected, "{name} like {pattern}");
        }
    }
}
