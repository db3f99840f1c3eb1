//! Which data files OPTIMIZE writes anew, and which of them together. It reads no data file.

use std::collections::{HashMap, HashSet};

use datafusion::arrow::array::{Array, AsArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::Schema;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr_rewriter::unnormalize_col;
use object_store::path::Path;
use std::sync::Arc;

use super::ChangeContext;
use super::error::{of_arrow, of_datafusion};
use crate::base::{Error, ErrorKind, Result};
use crate::delta::TableVersion;

/// The share of deleted rows from which a file is worth being written anew, as in other engines.
const DELETED_SHARE: f64 = 0.05;

/// Files of this share of the target size are left alone.
const FULL_SHARE: f64 = 0.75;

/// What OPTIMIZE is asked for.
#[derive(Debug, Clone)]
pub struct Optimization {
    /// Over partition columns, under the table's name; `None` is the whole table.
    pub predicate: Option<Expr>,
    /// The columns of ZORDER BY.
    pub order: Vec<String>,
    /// Every file, also those that are well as they are.
    pub full: bool,
    /// Only to be rid of deleted rows: REORG … APPLY (PURGE).
    pub purge: bool,
    /// The size that data files should have, where the table does not say.
    pub target_file_bytes: u64,
    /// Small files of one partition from which they are worth being written together.
    pub files_min: usize,
}

/// Files that are written anew together: all of one partition.
#[derive(Debug, Clone, PartialEq)]
pub struct Bin {
    pub files: HashSet<Path>,
    pub bytes: u64,
}

/// What there is to do, in the order in which it is done, and the number of files that were looked at.
pub fn bins(
    ctx: &ChangeContext,
    version: &TableVersion,
    wanted: &Optimization,
    target_bytes: u64,
    is_ordered: bool,
) -> Result<(Vec<Bin>, u64)> {
    let index = version.files();
    let meant = files_meant(ctx, version, wanted.predicate.as_ref())?;
    let considered = meant.len() as u64;
    let mut groups: HashMap<Vec<ScalarValue>, Vec<Candidate>> = HashMap::new();
    for file in meant {
        let key: Result<Vec<ScalarValue>, _> =
            index.partition_values.iter().map(|v| ScalarValue::try_from_array(v, file)).collect();
        let Some(path) = index.paths.get(file) else { continue };
        let candidate = Candidate {
            path: path.clone(),
            bytes: u64::try_from(index.sizes.value(file)).unwrap_or_default(),
            deleted: index.deletion_vectors.get(&file).map_or(0, |vector| vector.cardinality()),
            rows: index.physical_rows_of(file),
        };
        groups.entry(key.map_err(of_datafusion)?).or_default().push(candidate);
    }
    let everything = wanted.full || !wanted.order.is_empty();
    let mut bins: Vec<Bin> = Vec::new();
    for files in groups.into_values() {
        match (wanted.purge, everything) {
            (true, _) => {
                let deleted = files.into_iter().filter(|file| file.deleted > 0);
                bins.extend(packed(deleted.collect(), target_bytes, |_| true));
            }
            // Rows are ordered among all files that are written together.
            (false, true) => bins.push(Bin::of(&files)),
            (false, false) => {
                let worth = |file: &Candidate| file.is_small(target_bytes) || file.is_holey();
                let files: Vec<Candidate> = files.into_iter().filter(worth).collect();
                let holey = files.iter().any(Candidate::is_holey);
                if files.len() < wanted.files_min && !holey {
                    continue;
                }
                if is_ordered && (files.len() > 1 || holey) {
                    bins.push(Bin::of(&files));
                } else if !is_ordered {
                    bins.extend(packed(files, target_bytes, Candidate::is_holey));
                }
            }
        }
    }
    bins.sort_by_key(|bin| bin.bytes);
    Ok((bins, considered))
}

struct Candidate {
    path: Path,
    bytes: u64,
    deleted: u64,
    rows: Option<u64>,
}

impl Candidate {
    fn is_small(&self, target_bytes: u64) -> bool {
        (self.bytes as f64) < target_bytes as f64 * FULL_SHARE
    }

    fn is_holey(&self) -> bool {
        let rows = self.rows.unwrap_or(self.deleted).max(1);
        self.deleted as f64 / rows as f64 > DELETED_SHARE
    }
}

impl Bin {
    fn of(files: &[Candidate]) -> Self {
        Bin {
            files: files.iter().map(|file| file.path.clone()).collect(),
            bytes: files.iter().map(|file| file.bytes).sum(),
        }
    }
}

/// Bins of about the target size; one file alone only where that is worth it.
fn packed(
    mut files: Vec<Candidate>,
    target_bytes: u64,
    is_worth_it: impl Fn(&Candidate) -> bool,
) -> Vec<Bin> {
    files.sort_by_key(|file| file.bytes);
    let mut bins: Vec<Vec<Candidate>> = Vec::new();
    let mut bytes = 0;
    for file in files {
        bytes += file.bytes;
        match bins.last_mut() {
            Some(bin) if bytes <= target_bytes => bin.push(file),
            _ => {
                bytes = file.bytes;
                bins.push(vec![file]);
            }
        }
    }
    bins.retain(|bin| bin.len() > 1 || bin.iter().any(&is_worth_it));
    bins.iter().map(|bin| Bin::of(bin)).collect()
}

/// The files of the partitions that the predicate is true for.
fn files_meant(
    ctx: &ChangeContext,
    version: &TableVersion,
    predicate: Option<&Expr>,
) -> Result<Vec<usize>> {
    let index = version.files();
    let all = 0..index.len();
    let Some(predicate) = predicate else { return Ok(all.collect()) };
    let columns = version.columns();
    let fields = columns.fields_at(&columns.partition);
    let is_partition = |name: &str| fields.iter().any(|field| field.name() == name);
    if let Some(other) = predicate.column_refs().into_iter().find(|c| !is_partition(&c.name)) {
        return Err(Error::new(
            ErrorKind::InvalidColumnReference,
            format!("column \"{}\" is no partition column of the table", other.name),
        )
        .with_hint("Name partition columns only, or leave the WHERE out."));
    }
    let schema = Arc::new(Schema::new(fields));
    let rows = RecordBatchOptions::new().with_row_count(Some(index.len()));
    let values = index.partition_values.clone();
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), values, &rows);
    let batch = batch.map_err(of_arrow)?;
    let unqualified = unnormalize_col(predicate.clone());
    let schema = datafusion::common::DFSchema::try_from(schema).map_err(of_datafusion)?;
    let meant = ctx
        .state
        .create_physical_expr(unqualified, &schema)
        .and_then(|predicate| predicate.evaluate(&batch))
        .and_then(|values| values.into_array(index.len()))
        .map_err(of_datafusion)?;
    let meant = meant.as_boolean_opt().ok_or_else(|| {
        Error::new(ErrorKind::DatatypeMismatch, "argument of WHERE must be type boolean")
    })?;
    Ok(all.filter(|file| meant.is_valid(*file) && meant.value(*file)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: u64, deleted: u64) -> Candidate {
        Candidate { path: Path::from(name), bytes, deleted, rows: Some(100) }
    }

    #[test]
    fn small_files_are_packed_and_lone_ones_left() {
        let files = vec![file("a", 40, 0), file("b", 30, 0), file("c", 50, 0), file("d", 45, 0)];
        let bins = packed(files, 100, Candidate::is_holey);
        let sizes: Vec<(usize, u64)> =
            bins.iter().map(|bin| (bin.files.len(), bin.bytes)).collect();
        assert_eq!(sizes, [(2, 70), (2, 95)]);
        assert!(packed(vec![file("a", 40, 5)], 100, Candidate::is_holey).is_empty());
        assert_eq!(packed(vec![file("a", 40, 6)], 100, Candidate::is_holey).len(), 1);
    }
}
