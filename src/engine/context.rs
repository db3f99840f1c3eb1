//! The only maker of DataFusion's session state: functions, rules, options, and per statement its facts and
//! its memory. It knows no statement.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::execution::TaskContext;
use datafusion::execution::config::SessionConfig;
use datafusion::execution::context::SessionState;
use datafusion::execution::disk_manager::{DiskManager, DiskManagerBuilder};
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::object_store::ObjectStoreRegistry;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::optimizer::Optimizer;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;

use crate::base::Result;
use crate::base::limits::Limits;

use super::barrier::{BarrierPlanner, BarrierRule};
use super::error::from_datafusion;
use super::facts::Facts;
use super::function;
use super::interruption::Interruptible;
use super::memory::MemoryBudget;
use super::shared::FactsSlot;
use super::yielding::YieldingRule;

/// What every statement's state is made from.
#[derive(Debug)]
pub struct Context {
    state: SessionState,
    /// The state that plans which are kept are made in: all rules but those of their runs.
    sharing: SessionState,
    rules_of_runs: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>,
    memory: Arc<MemoryBudget>,
}

/// Rows in a batch.
const BATCH_ROWS: usize = 8192;

/// The build side of a join that is read whole before its other side is split up: dimension tables.
const SINGLE_PARTITION_JOIN_BYTES: usize = 16 << 20;

/// Rows that a sort holds are put together and sorted as one up to this size; those beyond are merged from batches.
/// The merge keeps a cursor per batch in memory of its own, which a sort with keys wider than its rows has not set
/// aside: it would fail where it should spill.
const SORT_IN_PLACE_BYTES: usize = 256 << 20;

impl Context {
    /// A context whose scans find their stores in `stores` and whose spills go to `spill_directory`.
    pub fn new(
        limits: &Limits,
        threads: usize,
        stores: Arc<dyn ObjectStoreRegistry>,
        spill_directory: &std::path::Path,
    ) -> Result<Self> {
        let disk = DiskManagerBuilder::default()
            .with_mode(datafusion::execution::disk_manager::DiskManagerMode::Directories(vec![
                spill_directory.to_owned(),
            ]))
            .with_max_temp_directory_size(limits.spill_bytes_max);
        let runtime = RuntimeEnvBuilder::new()
            .with_object_store_registry(stores)
            .with_disk_manager_builder(disk)
            .build_arc()
            .map_err(from_datafusion)?;
        let mut builder = SessionStateBuilder::new_with_default_features();
        // The first planner that knows an operator plans it.
        let planners = builder.expr_planners().get_or_insert_default();
        planners.insert(0, Arc::new(function::OperatorPlanner));
        // Before DataFusion's own, which make joins of subqueries.
        let mut optimizer = Optimizer::new();
        optimizer.rules.insert(0, Arc::new(super::rule::EmptySubqueryRule));
        optimizer.rules.push(Arc::new(BarrierRule));
        let mut physical_optimizer = PhysicalOptimizer::new();
        physical_optimizer.rules.push(Arc::new(YieldingRule));
        let mut state = builder
            .with_config(config(threads))
            .with_runtime_env(runtime)
            .with_analyzer_rules(
                interruptible(super::rule::analyzer_rules()).map(|rule| rule as _).collect(),
            )
            .with_optimizer_rules(interruptible(optimizer.rules).map(|rule| rule as _).collect())
            .with_physical_optimizer_rules(
                interruptible(physical_optimizer.rules).map(|rule| rule as _).collect(),
            )
            .with_query_planner(Arc::new(BarrierPlanner))
            .with_type_planner(Arc::new(function::TypePlanner))
            .build();
        function::register(&mut state).map_err(from_datafusion)?;
        // What is not looked up in system relations is mostly wanted.
        let mut config_of_shared = config(threads);
        config_of_shared.options_mut().optimizer.default_filter_selectivity = 100;
        let (rules_of_runs, kept): (Vec<_>, Vec<_>) =
            state.physical_optimizers().iter().cloned().partition(is_of_a_run);
        let sharing = SessionStateBuilder::new_from_existing(state.clone())
            .with_config(config_of_shared)
            .with_physical_optimizer_rules(kept)
            .build();
        let memory = MemoryBudget::new(limits.memory_bytes_total, limits.memory_bytes_per_query);
        Ok(Context { state, sharing, rules_of_runs, memory })
    }

    /// The state for one statement, with a memory pool of its own.
    pub fn statement(&self, facts: &Facts) -> SessionState {
        let mut state = self.state.clone();
        let shared = state.runtime_env();
        let runtime =
            RuntimeEnv { memory_pool: self.memory.query_pool(), ..shared.as_ref().clone() };
        let config = with_time_zone(state.config(), facts).with_option_extension(facts.clone());
        state = SessionStateBuilder::new_from_existing(state)
            .with_config(config)
            .with_runtime_env(Arc::new(runtime))
            .build();
        // What functions read while a plan is made comes from here.
        state.mark_start_execution();
        let props = state.execution_props_mut();
        props.query_execution_start_time =
            chrono::DateTime::from_timestamp_micros(facts.statement_timestamp);
        state
    }

    /// The state that a plan is made in which many statements will run, one after the other.
    pub fn sharing(&self, slot: FactsSlot, facts: &Facts) -> SessionState {
        let mut state = self.sharing.clone();
        *state.config_mut() = with_time_zone(state.config(), facts).with_option_extension(slot);
        state.mark_start_execution();
        state
    }

    /// What a run of such a plan has from its statement, with a memory pool of its own.
    pub fn task(&self, facts: &Facts) -> Arc<TaskContext> {
        let config = with_time_zone(self.sharing.config(), facts);
        let shared = self.state.runtime_env();
        let runtime =
            RuntimeEnv { memory_pool: self.memory.query_pool(), ..shared.as_ref().clone() };
        Arc::new(TaskContext::new(
            None,
            String::new(),
            config.with_option_extension(facts.clone()),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            Arc::new(runtime),
        ))
    }

    /// The physical optimizer rules that a kept plan has yet to see, before each run.
    pub fn rules_of_runs(&self) -> &[Arc<dyn PhysicalOptimizerRule + Send + Sync>] {
        &self.rules_of_runs
    }

    /// Memory and disk for rows that outlive their statement.
    pub fn pool_and_disk(&self) -> (Arc<dyn MemoryPool>, Arc<DiskManager>) {
        (self.memory.query_pool(), Arc::clone(&self.state.runtime_env().disk_manager))
    }

    /// Working memory that queries hold now, in bytes.
    pub fn memory_used(&self) -> usize {
        self.memory.used()
    }
}

/// Whether a rule ties a plan to one run: joins tell scans what they have read, and operators ask whether anyone waits.
fn is_of_a_run(rule: &Arc<dyn PhysicalOptimizerRule + Send + Sync>) -> bool {
    matches!(rule.name(), "FilterPushdown(Post)" | YieldingRule::NAME)
}

fn with_time_zone(config: &SessionConfig, facts: &Facts) -> SessionConfig {
    let mut config = config.clone();
    let time_zone = facts.settings.get("timezone").map(|zone| zone.value.clone());
    config.options_mut().execution.time_zone = Some(time_zone.unwrap_or_else(|| "UTC".into()));
    config
}

fn interruptible<R: ?Sized>(rules: Vec<Arc<R>>) -> impl Iterator<Item = Arc<Interruptible<R>>> {
    rules.into_iter().map(|rule| Arc::new(Interruptible(rule)))
}

/// Plans names of types that DataFusion does not know.
pub fn type_planner() -> Option<Arc<dyn TypePlanner>> {
    function::type_planner()
}

fn config(threads: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(false);
    let options = config.options_mut();
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.collect_spans = true;
    // What is sorted in FROM stays sorted, as clients expect of PostgreSQL.
    options.sql_parser.enable_subquery_sort_elimination = false;
    // DataFusion's physical casts take the target's nullability, its logical ones the source's.
    options.execution.skip_physical_aggregate_schema_check = true;
    // DataFusion 55 takes a typed NULL for the least value in a running min or max, and prunes by it.
    options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    // Few rows are not worth being dealt to all threads, which would give them in another order each time.
    options.execution.use_row_number_estimates_to_optimize_partitioning = true;
    options.execution.sort_in_place_threshold_bytes = SORT_IN_PLACE_BYTES;
    options.optimizer.hash_join_single_partition_threshold = SINGLE_PARTITION_JOIN_BYTES;
    config
}
