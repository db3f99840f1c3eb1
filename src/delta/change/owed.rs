//! What a commit owes to features of its table, besides what it changes: a time of its own, and identities
//! for new rows. It never changes rows.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::Utc;
use deltalake::kernel::{Action, Add, CommitInfo, DomainMetadata};
use deltalake::protocol::DeltaOperation;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::{Error, ErrorKind, Result};
use crate::delta::TableVersion;
use crate::delta::error::error_of_kernel;

/// The property that makes commits tell their times themselves.
pub const IN_COMMIT_TIMESTAMPS: &str = "delta.enableInCommitTimestamps";

/// The property that keeps the identities of rows that are written again.
const ROW_TRACKING: &str = "delta.enableRowTracking";

/// The feature under which new rows get identities.
const ROW_TRACKING_FEATURE: &str = "rowTracking";

/// The domain of a table's metadata with the highest identity that a row has got.
pub const ROW_TRACKING_DOMAIN: &str = "delta.rowTracking";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RowTracking {
    row_id_high_water_mark: i64,
}

/// The actions of a commit with what it owes, and the time that it has.
///
/// `read` is the version before it; `None` for a table that is made. 0A000 for what would break a promise of
/// the table.
pub async fn with_owed(
    read: Option<&Arc<TableVersion>>,
    operation: &DeltaOperation,
    mut actions: Vec<Action>,
    info: &mut CommitInfo,
) -> Result<Vec<Action>> {
    let now = Utc::now().timestamp_millis();
    info.timestamp = Some(now);
    if tells_time(read, &actions)? {
        let before = read.and_then(|read| read.commit_timestamp());
        info.in_commit_timestamp = Some(before.map_or(now, |before| now.max(before + 1)));
    }
    if let Some(read) = read
        && read.features().iter().any(|feature| feature == ROW_TRACKING_FEATURE)
    {
        check_commit(read, operation, &actions)?;
        let mark = high_water_mark(read).await?;
        let version = i64::try_from(read.version() + 1).unwrap_or(i64::MAX);
        let next = number_rows(&mut actions, mark + 1, version)?;
        if next > mark + 1 {
            actions.push(marked(next - 1)?);
        }
    }
    Ok(actions)
}

/// Whether commits tell their times. A table begins with it, or never does.
fn tells_time(read: Option<&Arc<TableVersion>>, actions: &[Action]) -> Result<bool> {
    let is_on = |value: Option<&String>| value.is_some_and(|it| it.eq_ignore_ascii_case("true"));
    let before = read.map(|read| is_on(read.properties().get(IN_COMMIT_TIMESTAMPS)));
    let after = actions.iter().find_map(|action| match action {
        Action::Metadata(metadata) => {
            Some(is_on(metadata.configuration().get(IN_COMMIT_TIMESTAMPS)))
        }
        _ => None,
    });
    if let (Some(before), Some(after)) = (before, after)
        && before != after
    {
        let what = format!("changing \"{IN_COMMIT_TIMESTAMPS}\" of a table that is there");
        return Err(Error::unsupported(what).with_hint("Set it when the table is created."));
    }
    Ok(after.or(before).unwrap_or(false))
}

/// Whether rows of a table of these properties may be written again, without the identities that they have.
/// To be asked before anything is written. Errors: 0A000.
pub fn check_identities_stay(properties: &HashMap<String, String>) -> Result<()> {
    let is_kept = properties.get(ROW_TRACKING);
    if is_kept.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(Error::unsupported("writing rows of a table with row tracking again")
            .with_detail("The rows would lose the identities that the table promises to keep.")
            .with_hint(
                "Rows can be added, and deleted where the table has deletion vectors; or set the \
                 table's property delta.enableRowTracking to false.",
            ));
    }
    Ok(())
}

/// The same of a commit: new files beside files that go have rows of those, but where all rows are replaced.
fn check_commit(read: &TableVersion, operation: &DeltaOperation, actions: &[Action]) -> Result<()> {
    // A write with a predicate puts other rows in the place of some, and writes their neighbours again.
    let writes_anew = !matches!(operation, DeltaOperation::Write { predicate: None, .. });
    let is_new = |action: &Action| matches!(action, Action::Add(add) if add.base_row_id.is_none());
    let goes = |action: &Action| matches!(action, Action::Remove(_));
    if writes_anew && actions.iter().any(goes) && actions.iter().any(is_new) {
        return check_identities_stay(read.properties());
    }
    Ok(())
}

/// Gives the rows of new files identities from `next` on; the one after the last.
fn number_rows(actions: &mut [Action], mut next: i64, version: i64) -> Result<i64> {
    for action in actions {
        let Action::Add(add) = action else { continue };
        if add.base_row_id.is_none() {
            add.base_row_id = Some(next);
            add.default_row_commit_version = Some(version);
            next += rows_of(add)?;
        }
    }
    Ok(next)
}

fn rows_of(add: &Add) -> Result<i64> {
    let statistics: Option<Value> =
        add.stats.as_deref().and_then(|statistics| serde_json::from_str(statistics).ok());
    let rows = statistics.as_ref().and_then(|it| it.get("numRecords")?.as_i64());
    rows.ok_or_else(|| {
        Error::unsupported("row tracking of files whose rows are not counted in the log")
    })
}

fn marked(mark: i64) -> Result<Action> {
    let configuration = serde_json::to_string(&RowTracking { row_id_high_water_mark: mark });
    let configuration = configuration
        .map_err(|cause| Error::internal("a mark that is no JSON").caused_by(cause))?;
    let domain = ROW_TRACKING_DOMAIN.to_owned();
    Ok(Action::DomainMetadata(DomainMetadata { domain, configuration, removed: false }))
}

/// The highest identity that a row has; -1 before the first.
async fn high_water_mark(read: &Arc<TableVersion>) -> Result<i64> {
    let version = Arc::clone(read);
    let found = tokio::task::spawn_blocking(move || {
        let engine = version.log_store.engine(None);
        let snapshot = version.snapshot();
        let found = snapshot.get_domain_metadata_internal(ROW_TRACKING_DOMAIN, engine.as_ref());
        found.map_err(|error| error_of_kernel(error, version.location()))
    });
    let found = found
        .await
        .map_err(|cause| Error::internal("reading a table's log did not end").caused_by(cause))??;
    let Some(text) = found else { return Ok(-1) };
    let tracking: RowTracking = serde_json::from_str(&text).map_err(|cause| {
        Error::new(ErrorKind::DataCorrupted, "the row tracking of the table cannot be read")
            .caused_by(cause)
    })?;
    Ok(tracking.row_id_high_water_mark)
}
