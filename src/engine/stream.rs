//! Rows on their way out: a stream whose drop stops the work behind it. It encodes nothing.

use std::sync::Arc;

use datafusion::arrow::record_batch::RecordBatch;
use tokio::sync::mpsc;

use crate::base::Result;

use super::admission::Place;
use super::awaited::Waiting;
use super::kept::KeptRows;
use super::output::OutputColumn;
use super::runtime::Task;

/// A result: its columns and its rows, as they come.
#[derive(Debug)]
pub struct RowStream {
    columns: Arc<[OutputColumn]>,
    batches: Batches,
    /// The query's place among the running ones, given back when the stream ends or rests.
    place: Option<Place>,
    /// Whoever holds the stream waits for it.
    waiting: Option<Waiting>,
}

/// Where batches come from.
#[derive(Debug)]
pub enum Batches {
    /// From a plan on the execution threads.
    Carried { receiver: mpsc::Receiver<Result<RecordBatch>>, task: Task<()> },
    /// Made already: SHOW, EXPLAIN.
    Ready(std::vec::IntoIter<RecordBatch>),
    /// Made already, more than memory may hold: the rows, and how many of them are given.
    Kept(KeptRows, u64),
}

impl RowStream {
    pub fn new(columns: Arc<[OutputColumn]>, batches: Batches, place: Option<Place>) -> Self {
        RowStream { columns, batches, place, waiting: None }
    }

    /// The same rows, for whose work `waiting` stands until the last one or the drop.
    pub(super) fn waited_for(self, waiting: Waiting) -> Self {
        RowStream { waiting: Some(waiting), ..self }
    }

    /// Rows that are made already.
    pub fn ready(columns: Arc<[OutputColumn]>, batches: Vec<RecordBatch>) -> Self {
        RowStream::new(columns, Batches::Ready(batches.into_iter()), None)
    }

    /// The result's columns.
    pub fn columns(&self) -> &Arc<[OutputColumn]> {
        &self.columns
    }

    /// The next batch; `None` after the last. Safe to drop while waiting: no batch is lost.
    pub async fn next(&mut self) -> Option<Result<RecordBatch>> {
        if let Some(place) = &mut self.place
            && let Err(error) = place.take_again().await
        {
            return Some(Err(error));
        }
        let next = match &mut self.batches {
            Batches::Ready(batches) => batches.next().map(Ok),
            Batches::Kept(rows, given) => match rows.batch_with(*given).await {
                Ok(Some((_, batch))) => {
                    *given += batch.num_rows() as u64;
                    Some(Ok(batch))
                }
                Ok(None) => None,
                Err(error) => Some(Err(error)),
            },
            Batches::Carried { receiver, task } => match receiver.recv().await {
                Some(batch) => Some(batch),
                None => task.failure().await.map(Err),
            },
        };
        if !matches!(next, Some(Ok(_))) {
            self.place = None;
            self.waiting = None;
            self.batches = Batches::Ready(Vec::new().into_iter());
        }
        next
    }

    /// Nobody reads for now: other queries may have the place. The query goes on until a few batches wait.
    pub fn rest(&mut self) {
        if let Some(place) = &mut self.place {
            place.give_back();
        }
    }
}
