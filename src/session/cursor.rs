//! Cursors: a result and a place in it. One that only goes forward holds a batch; one that goes backward, or
//! outlives its transaction, keeps what it has read. It knows no names.

use std::sync::Arc;

use datafusion::arrow::array::UInt32Array;
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::record_batch::RecordBatch;
use tokio::sync::Mutex;

use crate::base::{Error, ErrorKind, Result};
use crate::engine::{KeptRows, RowStream};
use crate::sql::statement::Motion;

/// A cursor and those who read from it, one at a time.
pub type SharedCursor = Arc<Mutex<Cursor>>;

/// A result and a place in it. Rows are counted from 1.
#[derive(Debug)]
pub struct Cursor {
    /// What has not been read yet.
    stream: RowStream,
    /// What has been read, if it is kept, and how many rows were passed before keeping began.
    kept: Option<(KeptRows, u64)>,
    /// The batch in hand, and how many rows lie before it.
    current: Option<(u64, RecordBatch)>,
    /// Rows that came out of the stream so far.
    read: u64,
    ended: bool,
    /// The row that the cursor stands on: 0 before the first one, one more than there are after the last.
    place: u64,
    scrolls: bool,
    /// A read is under way, or was given up or failed: the rows after it are lost.
    is_broken: bool,
}

/// The rows that a motion returns: all that are left with `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    pub is_forward: bool,
    pub rows: Option<u64>,
}

impl Course {
    pub const ALL: Course = Course { is_forward: true, rows: None };

    fn new(is_forward: bool, rows: Option<u64>) -> Self {
        Course { is_forward, rows }
    }
}

impl Cursor {
    /// A cursor before the first row. It goes backward with a place to keep rows in.
    pub fn new(stream: RowStream, kept: Option<KeptRows>) -> Self {
        Cursor {
            stream,
            scrolls: kept.is_some(),
            kept: kept.map(|kept| (kept, 0)),
            current: None,
            read: 0,
            ended: false,
            place: 0,
            is_broken: false,
        }
    }

    /// Whether the cursor stands on a row.
    pub fn is_on_row(&self) -> bool {
        (1..=self.read).contains(&self.place)
    }

    /// How many rows lie before the one that the cursor stands on.
    pub fn rows_before(&self) -> u64 {
        self.place.saturating_sub(1)
    }

    /// Nobody reads for now: another query may have its place among the running ones.
    pub fn rest(&mut self) {
        self.stream.rest();
    }

    /// Goes to where the rows of a motion begin; what is left is to read them. Zero rows mean the current one
    /// again, as the standard has it.
    ///
    /// # Errors
    /// 55000 where a cursor without SCROLL would go backward, and whatever the query fails with.
    pub async fn go(&mut self, motion: Motion) -> Result<Course> {
        let one = Some(1);
        match motion {
            Motion::Forward(Some(0)) | Motion::Backward(Some(0)) | Motion::Relative(0) => {
                if motion == Motion::Backward(Some(0)) {
                    self.check_scrolls()?;
                }
                if !self.is_on_row() {
                    return Ok(Course::new(true, Some(0)));
                }
                self.check_scrolls()?;
                self.place -= 1;
                Ok(Course::new(true, one))
            }
            Motion::Forward(rows) => Ok(Course::new(true, rows)),
            Motion::Backward(rows) => {
                self.check_scrolls()?;
                Ok(Course::new(false, rows))
            }
            Motion::Absolute(row @ 1..) => {
                let row = row.unsigned_abs();
                if row <= self.place {
                    self.check_scrolls()?;
                }
                self.seek(row - 1).await?;
                Ok(Course::new(true, one))
            }
            Motion::Absolute(0) => {
                self.rewind()?;
                Ok(Course::new(true, Some(0)))
            }
            Motion::Absolute(from_end) => {
                self.check_scrolls()?;
                self.seek(u64::MAX).await?;
                self.place = self.place.saturating_sub(from_end.unsigned_abs() - 1);
                Ok(Course::new(false, one))
            }
            Motion::Relative(rows @ 1..) => {
                self.seek(self.place.saturating_add(rows.unsigned_abs() - 1)).await?;
                Ok(Course::new(true, one))
            }
            Motion::Relative(rows) => {
                self.check_scrolls()?;
                self.place = self.place.saturating_sub(rows.unsigned_abs() - 1);
                Ok(Course::new(false, one))
            }
        }
    }

    /// Back to before the first row.
    pub fn rewind(&mut self) -> Result<()> {
        if self.place > 0 {
            self.check_scrolls()?;
            self.place = 0;
        }
        Ok(())
    }

    /// The next rows of a course, at most `most` of them and never more than a batch; `None` at its end.
    pub async fn read(&mut self, is_forward: bool, most: u64) -> Result<Option<RecordBatch>> {
        match is_forward {
            true => self.forward(most).await,
            false => self.backward(most).await,
        }
    }

    async fn forward(&mut self, most: u64) -> Result<Option<RecordBatch>> {
        if self.place > self.read {
            return Ok(None);
        }
        let Some((before, batch)) = self.batch_with(self.place + 1).await? else {
            self.place = self.read + 1;
            return Ok(None);
        };
        let (from, rows) = (self.place - before, batch.num_rows() as u64);
        let count = most.min(rows - from);
        self.place += count;
        Ok(Some(batch.slice(index(from)?, index(count)?)))
    }

    async fn backward(&mut self, most: u64) -> Result<Option<RecordBatch>> {
        let Some(nearest) = self.place.checked_sub(1).filter(|row| *row > 0) else {
            self.place = 0;
            return Ok(None);
        };
        let Some((before, batch)) = self.batch_with(nearest).await? else {
            return Err(Error::internal("a cursor has lost a row that it has read"));
        };
        let count = most.min(nearest - before);
        self.place -= count;
        let last = u32::try_from(nearest - before).map_err(|_| too_large())?;
        let first = last.saturating_sub(u32::try_from(count).map_err(|_| too_large())?);
        let indices = UInt32Array::from_iter_values((first..last).rev());
        let batch = take_record_batch(&batch, &indices)
            .map_err(|error| Error::internal("rows cannot be turned round").caused_by(error))?;
        Ok(Some(batch))
    }

    /// Goes to a row, or after the last one.
    async fn seek(&mut self, row: u64) -> Result<()> {
        while self.read < row && !self.ended {
            self.read_batch().await?;
        }
        self.place = if row > self.read { self.read + 1 } else { row };
        Ok(())
    }

    /// Reads what is left, so that the cursor needs its query no more.
    pub async fn hold(&mut self, kept: impl FnOnce() -> KeptRows) -> Result<()> {
        self.check_whole()?;
        if self.kept.is_none() && !self.ended {
            let mut kept = kept();
            if let Some((before, batch)) = &self.current {
                let from = index(self.place.saturating_sub(*before))?.min(batch.num_rows());
                self.is_broken = true;
                kept.push(batch.slice(from, batch.num_rows() - from)).await?;
                self.is_broken = false;
            }
            let passed = self.read - kept.rows();
            self.kept = Some((kept, passed));
        }
        while !self.ended {
            self.read_batch().await?;
        }
        Ok(())
    }

    /// The batch with a row, and how many rows lie before it; `None` after the last row.
    async fn batch_with(&mut self, row: u64) -> Result<Option<(u64, RecordBatch)>> {
        self.check_whole()?;
        loop {
            if let Some((before, batch)) = &self.current
                && (*before..before + batch.num_rows() as u64).contains(&(row - 1))
            {
                return Ok(Some((*before, batch.clone())));
            }
            if row > self.read {
                if self.ended {
                    return Ok(None);
                }
                self.read_batch().await?;
            } else {
                let Some((kept, passed)) = &self.kept else { return Ok(None) };
                let Some(at) = (row - 1).checked_sub(*passed) else { return Ok(None) };
                let Some((before, batch)) = kept.batch_with(at).await? else { return Ok(None) };
                self.current = Some((before + passed, batch));
            }
        }
    }

    async fn read_batch(&mut self) -> Result<()> {
        self.check_whole()?;
        self.is_broken = true;
        match self.stream.next().await.transpose()? {
            Some(batch) => {
                if let Some((kept, _)) = &mut self.kept {
                    kept.push(batch.clone()).await?;
                }
                let before = self.read;
                self.read += batch.num_rows() as u64;
                self.current = Some((before, batch));
            }
            None => self.ended = true,
        }
        self.is_broken = false;
        Ok(())
    }

    fn check_scrolls(&self) -> Result<()> {
        if self.scrolls {
            return Ok(());
        }
        let kind = ErrorKind::ObjectNotInPrerequisiteState;
        Err(Error::new(kind, "cursor can only scan forward")
            .with_hint("Declare it with SCROLL option to enable backward scan."))
    }

    fn check_whole(&self) -> Result<()> {
        if !self.is_broken {
            return Ok(());
        }
        let kind = ErrorKind::ObjectNotInPrerequisiteState;
        Err(Error::new(kind, "the cursor cannot be read any more")
            .with_detail("A read of it has failed or was canceled."))
    }
}

fn index(number: u64) -> Result<usize> {
    usize::try_from(number).map_err(|_| too_large())
}

fn too_large() -> Error {
    Error::internal("a batch has too many rows")
}
