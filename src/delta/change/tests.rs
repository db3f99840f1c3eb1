//! Changes against whole tables in folders, read back by our own scan.

mod concurrency;
mod deletion;
mod features;
mod maintenance;
mod metadata;
mod others;
mod rows;
mod transactions;

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::TableReference;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;
use crate::base::{Error, Result};
use crate::delta::{Tables, TablesOptions};
use crate::storage::{Location, Stores};

/// A table in a folder of its own.
struct Fixture {
    _folder: Option<tempfile::TempDir>,
    location: Location,
    stores: Arc<Stores>,
    tables: Arc<Tables>,
    session: SessionContext,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        Fixture { _folder: Some(folder), ..Fixture::at(&path) }
    }

    fn at(path: &Path) -> Self {
        let stores = Arc::new(Stores::default());
        let registry = Arc::clone(&stores);
        let runtime = RuntimeEnvBuilder::new().with_object_store_registry(registry);
        let config = SessionConfig::new().with_target_partitions(4);
        let runtime = runtime.build_arc().unwrap();
        Fixture {
            _folder: None,
            location: Location::parse(path.to_str().unwrap()).unwrap(),
            tables: Arc::new(Tables::new(Arc::clone(&stores), TablesOptions::default())),
            stores,
            session: SessionContext::new_with_config_rt(config, runtime),
        }
    }

    /// A table of these columns, as SQL types, with a `!` after those that are NOT NULL.
    async fn with_table(columns: &[(&str, DataType)]) -> Self {
        let fixture = Fixture::new();
        create(&fixture.ctx(), &fixture.location, new_table(columns)).await.unwrap();
        fixture
    }

    fn ctx(&self) -> ChangeContext {
        ChangeContext {
            state: Arc::new(self.session.state()),
            tables: Arc::clone(&self.tables),
            committer: Committer { user_name: Some("ada".to_owned()), statement_id: None },
            planned_version: None,
            isolation: Isolation::ReadCommitted,
            returned: None,
        }
    }

    /// Makes the newest version the table `t` of the session.
    async fn refresh(&self) {
        let version = self.tables.open(&self.location).await.unwrap();
        let provider = version.provider(&self.stores).unwrap();
        self.session.deregister_table("t").unwrap();
        self.session.register_table("t", provider).unwrap();
    }

    async fn plan(&self, sql: &str) -> LogicalPlan {
        self.refresh().await;
        self.session.state().create_logical_plan(sql).await.unwrap()
    }

    /// The rows of a query, as text.
    async fn query(&self, sql: &str) -> Vec<String> {
        self.refresh().await;
        let batches = self.session.sql(sql).await.unwrap().collect().await.unwrap();
        let mut rows = Vec::new();
        for batch in batches {
            for row in 0..batch.num_rows() {
                let values = batch.columns().iter();
                let values = values.map(|column| array_value_to_string(column, row).unwrap());
                rows.push(values.collect::<Vec<_>>().join("|"));
            }
        }
        rows
    }

    /// An expression over the table `t`, and over another one if named.
    async fn expr(&self, sql: &str, other: Option<&str>) -> Expr {
        let from = other.map_or("t".to_owned(), |other| format!("t cross join {other}"));
        let plan = self.plan(&format!("select {sql} from {from}")).await;
        let LogicalPlan::Projection(projection) = plan else { panic!("no projection") };
        projection.expr[0].clone().unalias()
    }

    /// A predicate over `t`, which may have subqueries.
    async fn predicate(&self, sql: &str) -> Expr {
        let plan = self.plan(&format!("select * from t where {sql}")).await;
        let LogicalPlan::Projection(projection) = plan else { panic!("no projection") };
        let LogicalPlan::Filter(filter) = projection.input.as_ref() else { panic!("no filter") };
        filter.predicate.clone()
    }

    async fn insert(&self, sql: &str) -> Result<Changed> {
        let input = self.plan(sql).await;
        append(&self.ctx(), &self.location, input).await
    }

    async fn delete(&self, predicate: &str) -> Result<Changed> {
        let predicate = Some(self.predicate(predicate).await);
        delete(&self.ctx(), &self.location, rows(predicate)).await
    }

    async fn update(&self, predicate: &str, values: &[(&str, &str)]) -> Result<Changed> {
        let predicate = Some(self.predicate(predicate).await);
        let values = self.values(values, None).await;
        update(&self.ctx(), &self.location, rows(predicate), values).await
    }

    async fn values(&self, values: &[(&str, &str)], other: Option<&str>) -> Vec<(String, Expr)> {
        let mut exprs = Vec::new();
        for (name, sql) in values {
            exprs.push(((*name).to_owned(), self.expr(sql, other).await));
        }
        exprs
    }

    /// A MERGE with the table `s` of the session.
    async fn merge(&self, on: &str, clauses: Vec<MergeClause>) -> Result<Changed> {
        let plan = MergePlan {
            target_alias: TableReference::bare("t"),
            source: self.plan("select * from s").await,
            source_alias: Some(TableReference::bare("s")),
            on: self.expr(on, Some("s")).await,
            clauses,
            takes_any: false,
        };
        merge(&self.ctx(), &self.location, plan).await
    }

    async fn source(&self, sql: &str) {
        let source = self.session.sql(sql).await.unwrap().into_view();
        self.session.deregister_table("s").unwrap();
        self.session.register_table("s", source).unwrap();
    }
}

fn rows(predicate: Option<Expr>) -> RowPredicate {
    RowPredicate { qualifier: TableReference::bare("t"), predicate }
}

/// Columns whose names end with `!` are NOT NULL.
fn new_table(columns: &[(&str, DataType)]) -> NewTable {
    let fields = columns.iter().map(|(name, data_type)| {
        Field::new(name.trim_end_matches('!'), data_type.clone(), !name.ends_with('!'))
    });
    NewTable {
        clustering: vec![],
        schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
        generated: Vec::new(),
        defaults: Vec::new(),
        identities: Vec::new(),
        partition_columns: Vec::new(),
        properties: Vec::new(),
        checks: Vec::new(),
        comment: None,
        name: None,
    }
}

fn text(value: &str) -> String {
    value.to_owned()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| (text(key), text(value))).collect()
}

fn state(result: Result<Changed>) -> String {
    let error: Error = result.unwrap_err();
    format!("{} {}", error.sqlstate(), error.message())
}
