//! Whether anyone still waits for a statement. What computes for long between two batches asks, since dropping
//! a stream reaches a task only where the task yields. It stops nothing itself.

use std::sync::{Arc, Weak};

use datafusion::common::{DataFusionError, Result as DataFusionResult};

use crate::base::{Error, ErrorKind};

/// Held by whoever waits for a statement; its drop tells every [`Watch`].
#[derive(Debug)]
pub struct Waiting(Arc<()>);

/// Tells whether the one who waits is still there. The default one watches nobody and never ends.
#[derive(Debug, Clone, Default)]
pub struct Watch(Option<Weak<()>>);

impl Waiting {
    pub fn new() -> Self {
        Waiting(Arc::new(()))
    }

    pub fn watch(&self) -> Watch {
        Watch(Some(Arc::downgrade(&self.0)))
    }
}

impl Watch {
    /// Errors: 57014 when nobody waits any more, for whom it may concern.
    pub fn check(&self) -> DataFusionResult<()> {
        match &self.0 {
            Some(waiting) if waiting.strong_count() == 0 => {
                let error = Error::new(ErrorKind::QueryCanceled, "canceling statement");
                Err(DataFusionError::External(Box::new(error)))
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_ends_with_the_one_who_waits() {
        let waiting = Waiting::new();
        let watch = waiting.watch();
        assert!(watch.check().is_ok());
        drop(waiting);
        assert!(watch.check().is_err());
        assert!(Watch::default().check().is_ok());
    }
}
