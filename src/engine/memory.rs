//! Working memory: a bound for each query and one for all. It never aborts: a query that cannot have what
//! it needs spills, and when it cannot spill it fails with 53200.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::Result as DataFusionResult;
use datafusion::common::resources_err;
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// What all queries together may take.
#[derive(Debug)]
pub struct MemoryBudget {
    bytes_total: usize,
    bytes_per_query: usize,
    used: AtomicUsize,
}

impl MemoryBudget {
    pub fn new(bytes_total: usize, bytes_per_query: usize) -> Arc<Self> {
        Arc::new(MemoryBudget {
            bytes_total,
            bytes_per_query: bytes_per_query.min(bytes_total),
            used: AtomicUsize::new(0),
        })
    }

    /// Bytes that queries hold now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// A pool for one query.
    pub fn query_pool(self: &Arc<Self>) -> Arc<dyn MemoryPool> {
        Arc::new(QueryPool {
            budget: Arc::clone(self),
            fair: FairSpillPool::new(self.bytes_per_query),
            overdraft: AtomicUsize::new(0),
        })
    }

    fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    fn try_take(&self, bytes: usize) -> bool {
        let free = |used: usize| {
            let used = used.checked_add(bytes)?;
            (used <= self.bytes_total).then_some(used)
        };
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// One query's memory: spillable operators share it fairly, and all of it counts against the budget.
#[derive(Debug)]
struct QueryPool {
    budget: Arc<MemoryBudget>,
    fair: FairSpillPool,
    /// What repartitioning holds beyond the fair pool.
    overdraft: AtomicUsize,
}

/// Whether the consumer is a repartitioning. Its reader can wait for ever on a spill file that its writer
/// was refused the memory for (DataFusion issue 24883), so it is never refused: its buffers are a few
/// batches, and the operators around it pay.
fn is_repartition(consumer: &MemoryConsumer) -> bool {
    consumer.name().starts_with("RepartitionExec")
}

impl fmt::Display for QueryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "query({}, {} bytes overdrawn)",
            self.fair,
            self.overdraft.load(Ordering::Relaxed)
        )
    }
}

impl MemoryPool for QueryPool {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if !is_repartition(consumer) {
            self.fair.register(consumer);
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if !is_repartition(consumer) {
            self.fair.unregister(consumer);
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.budget.take(additional);
        if is_repartition(reservation.consumer()) {
            self.overdraft.fetch_add(additional, Ordering::Relaxed);
        } else {
            self.fair.grow(reservation, additional);
        }
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        if is_repartition(reservation.consumer()) {
            self.overdraft.fetch_sub(shrink, Ordering::Relaxed);
        } else {
            self.fair.shrink(reservation, shrink);
        }
        self.budget.give_back(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> DataFusionResult<()> {
        if is_repartition(reservation.consumer()) {
            self.grow(reservation, additional);
            return Ok(());
        }
        if !self.budget.try_take(additional) {
            return resources_err!(
                "{} needs {additional} more bytes, and all queries together hold {} of {} bytes",
                reservation.consumer().name(),
                self.budget.used(),
                self.budget.bytes_total
            );
        }
        self.fair.try_grow(reservation, additional).inspect_err(|_| {
            self.budget.give_back(additional);
        })
    }

    fn reserved(&self) -> usize {
        self.fair.reserved() + self.overdraft.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.fair.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_query_gives_back_others_may_take() {
        let budget = MemoryBudget::new(100, 80);
        let one = budget.query_pool();
        let two = budget.query_pool();
        let first = MemoryConsumer::new("a").register(&one);
        let second = MemoryConsumer::new("b").register(&two);
        first.try_grow(70).unwrap();
        assert!(first.try_grow(20).is_err(), "over the query's bound");
        assert!(second.try_grow(40).is_err(), "over the total bound");
        assert_eq!(budget.used(), 70);
        drop(first);
        second.try_grow(40).unwrap();
        drop(second);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn repartitioning_is_never_refused() {
        let budget = MemoryBudget::new(10, 10);
        let pool = budget.query_pool();
        let repartition = MemoryConsumer::new("RepartitionExec[0]").register(&pool);
        repartition.try_grow(1000).unwrap();
        assert_eq!(pool.reserved(), 1000);
        drop(repartition);
        assert_eq!(budget.used(), 0);
    }
}
