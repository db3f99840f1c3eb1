//! INSERT … ON CONFLICT DO NOTHING on a table with several keys: of the rows in their order, those that have no
//! key of the table and none of a row that was taken before. It writes nothing.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::catalog::TableProvider;
use datafusion::common::{
    Column, JoinType, Result as DataFusionResult, ScalarValue, TableReference,
};
use datafusion::datasource::provider_as_source;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, PartitionEvaluator, Signature,
    Volatility, WindowUDF, WindowUDFImpl, ident,
};

use crate::base::Result;

use super::conflict::{PLACE, numbered};
use super::error::from_datafusion;

/// The column that says whether a row is taken.
const TAKEN: &str = "__lakegate_taken";

/// The proposed rows that go into the table.
pub(super) fn without_conflicts(
    proposed: LogicalPlan,
    keys: &[Vec<String>],
    table: Arc<dyn TableProvider>,
) -> Result<LogicalPlan> {
    let proposed_names: Vec<String> =
        proposed.schema().fields().iter().map(|field| field.name().clone()).collect();
    let columns: Vec<Expr> = proposed_names.iter().map(ident).collect();
    let plan = numbered(proposed, row_number(), PLACE, &columns)?;
    let rows = TableReference::bare("__lakegate_rows");
    let mut plan = LogicalPlanBuilder::from(plan).alias(rows.clone()).map_err(from_datafusion)?;
    for (number, key) in keys.iter().enumerate() {
        let name = TableReference::bare(format!("__lakegate_key{number}"));
        let source = provider_as_source(Arc::clone(&table));
        let there = LogicalPlanBuilder::scan(name.clone(), source, None)
            .and_then(|scan| {
                let of_key = key.iter().map(|column| Column::new(Some(name.clone()), column));
                scan.project(of_key.map(Expr::Column))?.build()
            })
            .map_err(from_datafusion)?;
        let of = |relation: &TableReference| -> Vec<Column> {
            key.iter().map(|column| Column::new(Some(relation.clone()), column)).collect()
        };
        let joined = plan.join(there, JoinType::LeftAnti, (of(&rows), of(&name)), None);
        plan = joined.map_err(from_datafusion)?;
    }
    // Under their own names again, by which windows call their columns.
    let named = proposed_names
        .iter()
        .map(String::as_str)
        .chain([PLACE])
        .map(|name| Expr::Column(Column::new(Some(rows.clone()), name)).alias(name));
    let plan = plan.project(named.collect::<Vec<_>>()).and_then(|plan| plan.build());
    let plan = plan.map_err(from_datafusion)?;
    let of_keys = keys.iter().flatten().map(ident).collect();
    let widths = keys.iter().map(Vec::len).collect();
    let taken = WindowUDF::from(NewKeys::new(widths)).call(of_keys);
    let taken = taken.order_by(vec![ident(PLACE).sort(true, false)]).build();
    let plan = numbered(plan, taken.map_err(from_datafusion)?, TAKEN, &columns)?;
    LogicalPlanBuilder::from(plan)
        .filter(ident(TAKEN))
        .and_then(|plan| plan.project(columns)?.build())
        .map_err(from_datafusion)
}

/// Whether none of a row's keys is one of a row before it for which it was true.
#[derive(Debug, PartialEq, Eq, Hash)]
struct NewKeys {
    /// How many of the arguments make each key.
    widths: Vec<usize>,
    signature: Signature,
}

impl NewKeys {
    fn new(widths: Vec<usize>) -> Self {
        NewKeys { widths, signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl WindowUDFImpl for NewKeys {
    fn name(&self) -> &str {
        "__lakegate_new_keys"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(
        &self,
        _: PartitionEvaluatorArgs<'_>,
    ) -> DataFusionResult<Box<dyn PartitionEvaluator>> {
        let taken = self.widths.iter().map(|width| (*width, HashSet::new()));
        Ok(Box::new(TakenKeys { taken: taken.collect() }))
    }

    fn field(&self, arguments: WindowUDFFieldArgs<'_>) -> DataFusionResult<FieldRef> {
        Ok(Arc::new(Field::new(arguments.name(), DataType::Boolean, false)))
    }
}

/// For each key, of how many columns it is, and its values that are taken.
#[derive(Debug)]
struct TakenKeys {
    taken: Vec<(usize, HashSet<Vec<ScalarValue>>)>,
}

impl PartitionEvaluator for TakenKeys {
    fn supports_bounded_execution(&self) -> bool {
        true
    }

    fn evaluate(
        &mut self,
        values: &[ArrayRef],
        range: &Range<usize>,
    ) -> DataFusionResult<ScalarValue> {
        let mut columns = values.iter();
        let mut keys = Vec::with_capacity(self.taken.len());
        for (width, _) in &self.taken {
            let key = columns.by_ref().take(*width);
            let key = key.map(|column| ScalarValue::try_from_array(column, range.start));
            keys.push(key.collect::<DataFusionResult<Vec<ScalarValue>>>()?);
        }
        // A NULL is equal to nothing.
        let has_null = |key: &[ScalarValue]| key.iter().any(ScalarValue::is_null);
        let pairs = || keys.iter().zip(&self.taken);
        let is_new = pairs().all(|(key, (_, taken))| has_null(key) || !taken.contains(key));
        if is_new {
            for (key, (_, taken)) in keys.into_iter().zip(&mut self.taken) {
                if !has_null(&key) {
                    taken.insert(key);
                }
            }
        }
        Ok(ScalarValue::Boolean(Some(is_new)))
    }
}
