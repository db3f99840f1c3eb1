//! OPTIMIZE and REORG: the same rows in fewer, fuller, better ordered files. It never changes what a query
//! gives: a file that others have changed meanwhile stays as they have made it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit};
use deltalake::kernel::{Action, LogicalFileView};
use object_store::path::Path;
use serde_json::{Map, Value, json};

use super::commit::{Outcome, Staged, checkpoint_if_due, commit, discard, wait};
use super::compaction::{Bin, Optimization, bins};
use super::conflict::touches_since;
use super::create::check_has_order;
use super::error::{concurrent_update, no_column, of_datafusion};
use super::owed::check_identities_stay;
use super::provenance::{named_elsewhere, provenance};
use super::rows::{KIND, RowKind, Rows};
use super::shape::Shape;
use super::sink::write_in_order;
use super::target::Target;
use super::zorder::zorder;
use super::{ChangeContext, Changed};
use crate::base::{Error, ErrorKind, Result};
use crate::delta::clustering::clustering_columns;
use crate::storage::Location;

/// How often files are written anew because others have changed them meanwhile.
const ATTEMPTS_MAX: u32 = 5;

/// How often a commit of written files is offered to the log.
const COMMITS_MAX: u32 = 100;

/// Bytes that are written anew in one commit: what a conflict can cost.
const COMMIT_BYTES_MAX: u64 = 16 << 30;

/// The property with the size of data files.
const TARGET_FILE_SIZE: &str = "delta.targetFileSize";

/// What OPTIMIZE did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Optimized {
    pub files_added: u64,
    pub files_removed: u64,
    pub bytes_added: u64,
    pub bytes_removed: u64,
    pub deletion_vectors_removed: u64,
    /// Live files of the partitions that were asked for.
    pub files_considered: u64,
    /// Commits that it took.
    pub commits: u64,
    /// The table's newest version with all of them.
    pub version: u64,
}

/// Writes small files, files with deleted rows, or all of them anew.
///
/// 40001 when others keep changing the same files.
pub async fn optimize(
    ctx: &ChangeContext,
    location: &Location,
    wanted: &Optimization,
) -> Result<Optimized> {
    let target = Target::open(ctx, location).await?;
    let order = order(wanted, clustering_columns(&target.data).await?, &target.shape)?;
    let target_bytes = target_bytes(&target.shape, wanted);
    let (bins, considered) = bins(ctx, &target.data, wanted, target_bytes, !order.is_empty())?;
    let mut done = Optimized {
        files_considered: considered,
        version: target.version(),
        ..Optimized::default()
    };
    let mut rest = bins.into_iter().peekable();
    while rest.peek().is_some() {
        let mut batch: Vec<Bin> = Vec::new();
        let mut bytes = 0;
        while let Some(bin) =
            rest.next_if(|bin| batch.is_empty() || bytes + bin.bytes <= COMMIT_BYTES_MAX)
        {
            bytes += bin.bytes;
            batch.push(bin);
        }
        rewrite(ctx, location, &batch, &order, wanted, &mut done).await?;
    }
    Ok(done)
}

/// What rows are ordered by: what the statement says, or else what the table is clustered by.
fn order(
    wanted: &Optimization,
    clustering: Option<Vec<String>>,
    shape: &Shape,
) -> Result<Vec<String>> {
    if wanted.purge {
        return Ok(Vec::new());
    }
    let clustering = clustering.unwrap_or_default();
    if wanted.order.is_empty() {
        return Ok(clustering);
    }
    if !clustering.is_empty() {
        let what = "ZORDER BY of a table that is clustered";
        return Err(Error::unsupported(what)
            .with_hint("Leave ZORDER BY out: OPTIMIZE orders rows by the table's CLUSTER BY."));
    }
    for column in &wanted.order {
        let field = shape.columns.field_with_name(column).map_err(|_| no_column(column))?;
        if field.data_type().is_nested() {
            let what = format!("ZORDER BY column \"{column}\" of a nested type");
            return Err(Error::unsupported(what));
        }
        check_has_order("ordering", column, field.data_type())?;
        if shape.partition_columns.contains(column) {
            let what = format!("column \"{column}\" is a partition column");
            return Err(Error::new(ErrorKind::InvalidColumnReference, what)
                .with_hint("Its rows are together already; leave it out."));
        }
    }
    Ok(wanted.order.clone())
}

fn target_bytes(shape: &Shape, wanted: &Optimization) -> u64 {
    let declared = shape.properties.get(TARGET_FILE_SIZE).and_then(|text| text.parse().ok());
    declared.unwrap_or(wanted.target_file_bytes).max(1)
}

/// Writes the bins anew and commits them together, again as long as others have changed files of theirs.
async fn rewrite(
    ctx: &ChangeContext,
    location: &Location,
    bins: &[Bin],
    order: &[String],
    wanted: &Optimization,
    done: &mut Optimized,
) -> Result<()> {
    for attempt in 1..=ATTEMPTS_MAX {
        let _writing = ctx.tables.writing();
        let target = Target::open(ctx, location).await?;
        let Some(rewritten) = rewritten(ctx, &target, bins, order, wanted).await? else {
            return Ok(());
        };
        let mut staged = rewritten.staged;
        // Whoever changes rows goes first: it would have to begin again.
        let _turn = ctx.tables.turn(location).await;
        let _lease = ctx.tables.lease(location).await;
        match offer(ctx, &target, &mut staged, &rewritten.removed).await {
            Ok(Some(version)) => {
                let newest = ctx.tables.publish(location, version).await?;
                checkpoint_if_due(&newest, version);
                done.add(&rewritten.metrics, version);
                return Ok(());
            }
            Ok(None) => discard(&target, &staged).await,
            Err(error) => {
                if error.kind() != ErrorKind::StatementCompletionUnknown {
                    discard(&target, &staged).await;
                }
                return Err(error);
            }
        }
        wait(attempt).await;
    }
    Err(concurrent_update())
}

impl Optimized {
    fn add(&mut self, more: &Optimized, version: u64) {
        self.files_added += more.files_added;
        self.files_removed += more.files_removed;
        self.bytes_added += more.bytes_added;
        self.bytes_removed += more.bytes_removed;
        self.deletion_vectors_removed += more.deletion_vectors_removed;
        self.commits += 1;
        self.version = version;
    }
}

/// Files that are written, ready to be committed.
struct Rewritten {
    staged: Staged,
    /// The files in whose place they come.
    removed: HashSet<Path>,
    metrics: Optimized,
}

/// `None` where others have taken away what there was to do.
async fn rewritten(
    ctx: &ChangeContext,
    target: &Target,
    bins: &[Bin],
    order: &[String],
    wanted: &Optimization,
) -> Result<Option<Rewritten>> {
    let mut live = target.files(ctx).await?;
    let mut metrics = Optimized::default();
    let mut removed: HashMap<Path, LogicalFileView> = HashMap::new();
    let mut added = Vec::new();
    for bin in bins {
        let files: Vec<(Path, LogicalFileView)> = bin
            .files
            .iter()
            .filter_map(|path| live.remove(path).map(|file| (path.clone(), file)))
            .collect();
        if files.is_empty() {
            continue;
        }
        check_identities_stay(&target.shape.properties)?;
        let paths: HashSet<Path> = files.iter().map(|(path, _)| path.clone()).collect();
        let rows = rows(ctx, target, Arc::new(paths), order)?;
        let shape = with_target_size(&target.shape, target_bytes(&target.shape, wanted));
        let written = write_in_order(ctx, &target.location, &shape, rows).await?;
        added.extend(written.adds);
        removed.extend(files);
    }
    if removed.is_empty() {
        return Ok(None);
    }
    let mut actions = Vec::with_capacity(removed.len() + added.len() + 1);
    for file in removed.values() {
        metrics.files_removed += 1;
        metrics.bytes_removed += u64::try_from(file.size()).unwrap_or_default();
        metrics.deletion_vectors_removed += u64::from(file.deletion_vector_descriptor().is_some());
        actions.push(Action::Remove(file.remove_action(false)));
    }
    for mut add in added {
        add.data_change = false;
        metrics.files_added += 1;
        metrics.bytes_added += u64::try_from(add.size).unwrap_or_default();
        actions.push(Action::Add(add));
    }
    actions.push(said_of(wanted, order, &metrics));
    let removed = removed.into_keys().collect();
    let changed = Changed::default();
    let staged = Staged { actions, operation: named_elsewhere(), changed, is_blind_append: false };
    Ok(Some(Rewritten { staged, removed, metrics }))
}

fn said_of(wanted: &Optimization, order: &[String], metrics: &Optimized) -> Action {
    let predicate: Vec<String> = wanted.predicate.iter().map(ToString::to_string).collect();
    let operation = if wanted.purge { "REORG" } else { "OPTIMIZE" };
    let mut counts = Map::new();
    for (name, count) in [
        ("numAddedFiles", metrics.files_added),
        ("numRemovedFiles", metrics.files_removed),
        ("numAddedBytes", metrics.bytes_added),
        ("numRemovedBytes", metrics.bytes_removed),
        ("numDeletionVectorsRemoved", metrics.deletion_vectors_removed),
    ] {
        counts.insert(name.to_owned(), json!(count));
    }
    let by = |is_it: bool| if is_it { json!(order) } else { Value::Array(Vec::new()) };
    let zorder = !wanted.order.is_empty();
    let parameters = [
        ("predicate", json!(predicate)),
        ("zOrderBy", by(zorder)),
        ("clusterBy", by(!zorder)),
        ("auto", json!(false)),
    ];
    provenance(operation, parameters, counts)
}

fn with_target_size(shape: &Arc<Shape>, bytes: u64) -> Arc<Shape> {
    let mut shape = shape.as_ref().clone();
    shape.properties.insert(TARGET_FILE_SIZE.to_owned(), bytes.to_string());
    Arc::new(shape)
}

/// The rows of files, to be written as they are.
fn rows(
    ctx: &ChangeContext,
    target: &Target,
    files: Arc<HashSet<Path>>,
    order: &[String],
) -> Result<Rows> {
    let scan = target.read(ctx, Some(files))?;
    let plan = match order {
        [] => scan,
        columns => {
            let key = zorder(&target.data, columns)?.sort(true, true);
            LogicalPlanBuilder::new(scan)
                .sort([key])
                .and_then(|plan| plan.build())
                .map_err(of_datafusion)?
        }
    };
    let columns = target.shape.columns.fields().iter();
    let values = columns
        .map(|field| cast(ident(field.name()), field.data_type().clone()).alias(field.name()));
    let kind = lit(RowKind::Copied as i8).alias(KIND);
    let plan = projected(plan, values.chain([kind]).collect())?;
    Ok(Rows {
        plan,
        has_old: false,
        has_kind: true,
        repeated: None,
        numberings: Vec::new(),
        replaced: None,
    })
}

fn projected(plan: LogicalPlan, values: Vec<Expr>) -> Result<LogicalPlan> {
    let projected = LogicalPlanBuilder::new(plan).project(values);
    projected.and_then(|plan| plan.build()).map_err(of_datafusion)
}

/// Commits on top of whatever others have committed since, unless that has to do with the files.
async fn offer(
    ctx: &ChangeContext,
    target: &Target,
    staged: &mut Staged,
    removed: &HashSet<Path>,
) -> Result<Option<u64>> {
    let log = Arc::clone(&target.log);
    let store = ctx.tables.store(&target.location)?;
    let mut read = Arc::clone(&target.data);
    for attempt in 1..=COMMITS_MAX {
        let newest = ctx.tables.newest(&target.location).await?;
        if touches_since(&store, &target.location, read.version(), removed).await? {
            return Ok(None);
        }
        if newest.version() > read.version() {
            read = newest;
        }
        let outcome = commit(&ctx.committer, &target.location, &log, Some(&read), staged).await?;
        match outcome {
            Outcome::Committed => return Ok(Some(read.version() + 1)),
            Outcome::Lost => wait(attempt).await,
        }
    }
    Err(concurrent_update())
}
