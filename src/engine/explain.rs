//! EXPLAIN: the physical plan of a statement's query as text or JSON, with what it measured under ANALYZE.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use futures::TryStreamExt;
use serde_json::{Value, json};

use crate::base::datatype::TYPE_METADATA;
use crate::base::{Error, Result};
use crate::bind::BoundStatement;
use crate::bind::bound::BoundExplain;
use crate::sql::statement::ExplainFormat;

use super::error::locate;
use super::output::OutputColumn;
use super::query::physical_plan;
use super::stream::RowStream;
use super::{Engine, Request};

/// PostgreSQL's name for the one column.
const COLUMN: &str = "QUERY PLAN";

impl BoundExplain {
    pub(super) fn columns(&self) -> Result<Arc<[OutputColumn]>> {
        let field = Field::new(COLUMN, DataType::Utf8, false);
        let field = match self.format {
            ExplainFormat::Text => field,
            ExplainFormat::Json => {
                field.with_metadata([(TYPE_METADATA.to_owned(), "json".to_owned())].into())
            }
        };
        Ok(Arc::new([OutputColumn::computed(field)?]))
    }
}

impl Engine {
    pub(super) async fn explain(
        self: &Arc<Self>,
        explain: BoundExplain,
        request: &Request,
    ) -> Result<RowStream> {
        let columns = explain.columns()?;
        let BoundExplain { analyze, verbose, format, statement } = explain;
        let query = match *statement {
            BoundStatement::Query(query) | BoundStatement::CopyOut { query, options: _ } => query,
            BoundStatement::Insert(insert) if !analyze => match insert.source {
                Some(query) => query,
                None => return Err(Error::unsupported("EXPLAIN of INSERT DEFAULT VALUES")),
            },
            _ => {
                return Err(Error::unsupported("EXPLAIN of this statement")
                    .with_hint("Queries, and INSERT without ANALYZE, can be explained."));
            }
        };
        let _admitted = self.admission.enter().await?;
        let engine = Arc::clone(self);
        let request = request.clone();
        let lines = self
            .cpu
            .run(async move {
                let planned = engine.plan(query, &request).await?;
                let plan = physical_plan(&planned.state, &planned.plan, &request.text).await?;
                let started = std::time::Instant::now();
                if analyze {
                    let run = execute_stream(Arc::clone(&plan), planned.state.task_ctx());
                    let rows = async {
                        run?.try_fold(0, |n, b| async move { Ok(n + b.num_rows()) }).await
                    };
                    rows.await.map_err(|error| locate(error, &request.text))?;
                }
                let elapsed = analyze.then(|| started.elapsed());
                Ok(lines(plan.as_ref(), verbose, format, elapsed))
            })
            .await?;
        let array: ArrayRef = Arc::new(StringArray::from(lines));
        let field = columns.first().map(|column| column.field.clone());
        let schema = Arc::new(Schema::new(field.into_iter().collect::<Vec<_>>()));
        let batch = RecordBatch::try_new(schema, vec![array])
            .map_err(|error| Error::internal("EXPLAIN made no batch").caused_by(error))?;
        Ok(RowStream::ready(columns, vec![batch]))
    }
}

fn lines(
    plan: &dyn ExecutionPlan,
    verbose: bool,
    format: ExplainFormat,
    elapsed: Option<std::time::Duration>,
) -> Vec<String> {
    match format {
        ExplainFormat::Text => {
            let shown = match elapsed {
                Some(_) => DisplayableExecutionPlan::with_metrics(plan),
                None => displayable(plan),
            };
            let text = shown.indent(verbose).to_string();
            let mut lines: Vec<String> = text.lines().map(without_files).collect();
            if let Some(elapsed) = elapsed {
                lines.push(format!("Execution Time: {:.3} ms", elapsed.as_secs_f64() * 1000.0));
            }
            lines
        }
        ExplainFormat::Json => {
            let mut root = json!({ "Plan": node(plan, elapsed.is_some()) });
            if let (Some(elapsed), Value::Object(root)) = (elapsed, &mut root) {
                root.insert("Execution Time".to_owned(), json!(elapsed.as_secs_f64() * 1000.0));
            }
            vec![format!("{:#}", json!([root]))]
        }
    }
}

/// What follows the names of files in the line of a scan.
const AFTER_FILES: [&str; 4] =
    ["]}, projection=", "]}, limit=", "]}, output_ordering", "]}, file_type="];

/// A line of a plan with the number of a scan's file groups in place of the files' names, which tell where
/// the table lies and what values its partition columns have.
fn without_files(line: &str) -> String {
    const BEGIN: &str = "file_groups={";
    let Some((before, files)) = line.split_once(BEGIN) else { return line.to_owned() };
    let end = AFTER_FILES.iter().filter_map(|after| files.find(after)).min();
    let after = end.and_then(|end| files.get(end + "]}".len()..)).unwrap_or_default();
    let groups = files.split(' ').next().unwrap_or_default();
    format!("{before}file_groups={groups}{after}")
}

fn node(plan: &dyn ExecutionPlan, analyzed: bool) -> Value {
    let mut object = serde_json::Map::new();
    object.insert("Node Type".to_owned(), json!(plan.name()));
    let line = displayable(plan).one_line().to_string();
    object.insert("Details".to_owned(), json!(without_files(line.trim_end())));
    if analyzed && let Some(metrics) = plan.metrics() {
        let metrics = metrics.aggregate_by_name();
        if let Some(rows) = metrics.output_rows() {
            object.insert("Actual Rows".to_owned(), json!(rows));
        }
        if let Some(nanoseconds) = metrics.elapsed_compute() {
            object.insert("Compute Time".to_owned(), json!(nanoseconds as f64 / 1e6));
        }
    }
    let children: Vec<Value> =
        plan.children().into_iter().map(|child| node(child.as_ref(), analyzed)).collect();
    if !children.is_empty() {
        object.insert("Plans".to_owned(), Value::Array(children));
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::without_files;

    #[test]
    fn plans_name_no_files() {
        let scan = "  DataSourceExec: file_groups={2 groups: [[t/p=]}, x/a.parquet], [t/b]]}, \
                    projection=[id], file_type=parquet";
        assert_eq!(
            without_files(scan),
            "  DataSourceExec: file_groups=2, projection=[id], file_type=parquet"
        );
        let cut = "DataSourceExec: file_groups={1 group: [[t/a.parquet]]}";
        assert_eq!(without_files(cut), "DataSourceExec: file_groups=1");
        assert_eq!(without_files("FilterExec: id@0 = 1"), "FilterExec: id@0 = 1");
    }
}
