//! Where the functions of a kept plan find the facts of the statement that runs it, and its parameters. While a plan
//! is made the slot is empty: what depends on a session is then left to the run. It keeps no plan.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::{Result, ScalarValue, exec_err};

use crate::engine::awaited::Watch;
use crate::engine::facts::Facts;

/// Travels with the options of one kept plan. Its clones are one slot.
#[derive(Debug, Clone)]
pub struct FactsSlot {
    run: Arc<Mutex<Option<Run>>>,
    guessed: Arc<AtomicBool>,
    /// Whether anyone waits for the plan to be made.
    planned_for: Watch,
}

/// What the plan runs with.
#[derive(Debug, Clone)]
struct Run {
    facts: Facts,
    parameters: Arc<[ScalarValue]>,
}

impl FactsSlot {
    /// An empty slot, for a plan that someone waits for.
    pub fn new(planned_for: Watch) -> Self {
        FactsSlot { run: Arc::default(), guessed: Arc::default(), planned_for }
    }

    /// The slot of the plan that these options belong to, if it is a kept one.
    pub fn of(options: &ConfigOptions) -> Option<&Self> {
        options.extensions.get::<FactsSlot>()
    }

    /// From now on the plan runs for this statement.
    pub fn fill(&self, facts: Facts, parameters: Arc<[ScalarValue]>) {
        *self.run() = Some(Run { facts, parameters });
    }

    /// The plan rests.
    pub fn clear(&self) {
        *self.run() = None;
    }

    /// Errors: the plan is only being made.
    pub fn facts(&self) -> Result<Facts> {
        match self.run().as_ref() {
            Some(run) => Ok(run.facts.clone()),
            None => exec_err!("the session is not known while a plan for many is made"),
        }
    }

    /// The value of the parameter, counted from 0. Errors: the plan is only being made.
    pub fn parameter(&self, index: usize) -> Result<ScalarValue> {
        let run = self.run();
        match run.as_ref().and_then(|run| run.parameters.get(index)) {
            Some(value) => Ok(value.clone()),
            None => exec_err!("parameter ${} has no value while a plan is made", index + 1),
        }
    }

    /// Somebody who cannot fail went on without the facts: the plan is for nobody.
    pub fn guess(&self) {
        self.guessed.store(true, Ordering::Relaxed);
    }

    /// Whether somebody went on without the facts.
    pub fn is_guessed(&self) -> bool {
        self.guessed.load(Ordering::Relaxed)
    }

    pub fn planned_for(&self) -> &Watch {
        &self.planned_for
    }

    fn run(&self) -> MutexGuard<'_, Option<Run>> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConfigExtension for FactsSlot {
    const PREFIX: &'static str = "lakegate_facts_slot";
}

impl Default for FactsSlot {
    fn default() -> Self {
        FactsSlot::new(Watch::default())
    }
}

impl ExtensionOptions for FactsSlot {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _value: &str) -> Result<()> {
        exec_err!("the session fact {key} cannot be set")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}
