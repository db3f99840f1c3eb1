//! The runtime that plans execute on, apart from the one of sockets and object stores, and the one crossing
//! between them. It knows no query.

use std::future::Future;

use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use futures::future::BoxFuture;
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::base::{Error, ErrorKind, Result};

use super::error::{from_datafusion, retold};
use super::stream::Batches;

/// Batches that may wait for their reader: with the one in the reader's hands and the one being made, a
/// result never holds more than a few batches.
const BATCHES_WAITING_MAX: usize = 2;

/// Plan execution's own threads.
#[derive(Debug)]
pub struct CpuRuntime {
    handle: Handle,
    /// `None` only while dropping.
    runtime: Option<Runtime>,
}

impl CpuRuntime {
    /// A runtime of `threads` workers, with stacks deep enough for the planner's recursion.
    pub fn new(threads: usize) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("lakegate-cpu")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::OutOfMemory, "could not start the execution threads")
                    .caused_by(error)
            })?;
        Ok(CpuRuntime { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Runs `work` on the execution threads. Dropping the returned future stops it.
    pub fn run<'a, T: Send + 'static>(
        &'a self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send + 'a {
        // What runs a statement is large: by value it would be copied from frame to frame of the caller's stack.
        let work: BoxFuture<'static, Result<T>> = Box::pin(work);
        async move { self.spawn(work).outcome().await }
    }

    /// Starts `work` on the execution threads. Dropping the result stops it.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Running<T> {
        Running(Task(self.handle.spawn(work)))
    }

    /// Carries a stream's batches over from the execution threads. Dropping the result stops the stream.
    pub fn carry(&self, mut stream: SendableRecordBatchStream) -> Batches {
        let (sender, receiver) = mpsc::channel(BATCHES_WAITING_MAX);
        let task = self.handle.spawn(async move {
            while let Some(batch) = stream.next().await {
                let batch = batch.map_err(from_datafusion);
                let failed = batch.is_err();
                if sender.send(batch).await.is_err() || failed {
                    return;
                }
            }
        });
        Batches::Carried { receiver, task: Task(task) }
    }
}

impl Drop for CpuRuntime {
    fn drop(&mut self) {
        // A runtime must not be waited for inside another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Runs `work`, which computes for long without a pause, so that the tasks which wait for this thread go on
/// on another one.
pub fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        Ok(_) | Err(_) => work(),
    }
}

/// Recursive walks over deep plans need more than a thread's usual 2 MiB, above all without optimisation.
pub const STACK_BYTES: usize = 16 << 20;

/// Work that was started and whose outcome is waited for later.
#[derive(Debug)]
pub struct Running<T>(Task<Result<T>>);

impl<T> Running<T> {
    /// Waits for the work; to be called once.
    pub async fn outcome(&mut self) -> Result<T> {
        match (&mut self.0.0).await {
            Ok(outcome) => outcome.map_err(retold),
            Err(error) => Err(broken_task(error)),
        }
    }
}

/// A task that stops when nobody waits for it any more.
#[derive(Debug)]
pub struct Task<T>(JoinHandle<T>);

impl<T> Task<T> {
    /// What became of a task that ended without a word: its panic, if it panicked.
    pub async fn failure(&mut self) -> Option<Error> {
        (&mut self.0).await.err().map(broken_task)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn broken_task(error: tokio::task::JoinError) -> Error {
    if error.is_cancelled() {
        return Error::new(ErrorKind::QueryCanceled, "canceling statement: the server is stopping");
    }
    tracing::error!(%error, "a query panicked");
    Error::internal("the query failed inside the engine").caused_by(error)
}
