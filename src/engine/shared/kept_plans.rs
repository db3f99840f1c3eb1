//! The plans that are kept, by what they answer: each is in one statement's hands at a time, and comes back when that
//! is over. It makes and runs none.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Plans of one statement that may rest at the same time; of more that run at once, the others are dropped.
const RESTING_MAX: usize = 4;

/// Plans by their keys; of too many keys, those that were not asked for the longest are forgotten.
#[derive(Debug)]
pub struct KeptPlans<K, P> {
    kept: Mutex<Kept<K, P>>,
    keys_max: usize,
}

#[derive(Debug)]
struct Kept<K, P> {
    plans: HashMap<K, Entry<P>>,
    /// Counts what is asked for.
    now: u64,
}

#[derive(Debug)]
struct Entry<P> {
    /// `None` where each statement needs a plan of its own.
    resting: Option<Vec<P>>,
    asked: u64,
}

/// What is known of a key.
#[derive(Debug, PartialEq)]
pub enum Known<P> {
    /// A plan that rested, now the asker's.
    Plan(P),
    /// No plan of the key can be kept.
    Unshareable,
    /// None is at rest.
    Nothing,
}

impl<K: Eq + Hash + Clone, P> KeptPlans<K, P> {
    /// For at most `keys_max` statements.
    pub fn new(keys_max: usize) -> Self {
        let kept = Kept { plans: HashMap::new(), now: 0 };
        KeptPlans { kept: Mutex::new(kept), keys_max }
    }

    /// A plan for the key, if one is at rest.
    pub fn take(&self, key: &K) -> Known<P> {
        let mut kept = self.kept();
        kept.now += 1;
        let now = kept.now;
        let Some(entry) = kept.plans.get_mut(key) else { return Known::Nothing };
        entry.asked = now;
        match &mut entry.resting {
            Some(resting) => resting.pop().map_or(Known::Nothing, Known::Plan),
            None => Known::Unshareable,
        }
    }

    /// Keeps a plan until it is asked for.
    pub fn give(&self, key: &K, plan: P) {
        let mut kept = self.kept();
        if let Some(resting) = &mut self.entry(&mut kept, key).resting
            && resting.len() < RESTING_MAX
        {
            resting.push(plan);
        }
    }

    /// Remembers that there is no plan of the key for more than one statement.
    pub fn refuse(&self, key: &K) {
        let mut kept = self.kept();
        self.entry(&mut kept, key).resting = None;
    }

    fn entry<'k>(&self, kept: &'k mut Kept<K, P>, key: &K) -> &'k mut Entry<P> {
        kept.now += 1;
        let now = kept.now;
        if kept.plans.len() >= self.keys_max && !kept.plans.contains_key(key) {
            let oldest = kept.plans.iter().min_by_key(|(_, entry)| entry.asked);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                kept.plans.remove(&oldest);
            }
        }
        kept.plans
            .entry(key.clone())
            .or_insert_with(|| Entry { resting: Some(Vec::new()), asked: now })
    }

    /// A map of finished plans is whole at any time, whoever panicked.
    fn kept(&self) -> MutexGuard<'_, Kept<K, P>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_in_one_hand_at_a_time() {
        let plans = KeptPlans::new(2);
        assert_eq!(plans.take(&"a"), Known::Nothing);
        plans.give(&"a", 1);
        assert_eq!(plans.take(&"a"), Known::Plan(1));
        assert_eq!(plans.take(&"a"), Known::Nothing);
    }

    #[test]
    fn what_was_not_asked_for_the_longest_is_forgotten() {
        let plans = KeptPlans::new(2);
        plans.give(&"a", 1);
        plans.give(&"b", 2);
        assert_eq!(plans.take(&"a"), Known::Plan(1));
        plans.give(&"a", 1);
        plans.give(&"c", 3);
        assert_eq!(plans.take(&"b"), Known::Nothing);
        assert_eq!(plans.take(&"a"), Known::Plan(1));
        assert_eq!(plans.take(&"c"), Known::Plan(3));
    }

    #[test]
    fn what_is_refused_is_not_kept() {
        let plans = KeptPlans::new(2);
        plans.refuse(&"a");
        plans.give(&"a", 1);
        assert_eq!(plans.take(&"a"), Known::Unshareable);
    }
}
