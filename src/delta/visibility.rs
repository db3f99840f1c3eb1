//! Which commits count for whom: one that is being made counts for nobody before it is complete, and who reads
//! several tables reads them as of one moment. It knows the commits of this endpoint; those of others count as
//! soon as they are seen.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::storage::Location;

/// The order in which commits of this endpoint have become visible.
#[derive(Debug, Default)]
pub struct Visibility {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// For each table the first version that does not count yet.
    hidden: HashMap<Location, u64>,
    /// How many times commits have become visible, those of one transaction together.
    endings: u64,
    /// For each table, first versions that have become visible with an ending; of endings since the oldest
    /// moment that somebody reads as of.
    shown: HashMap<Location, Vec<Shown>>,
    /// The moments in use, as numbers of endings, and how many readers each has.
    moments: BTreeMap<u64, usize>,
}

#[derive(Debug, Clone, Copy)]
struct Shown {
    version: u64,
    ending: u64,
}

/// While it is held, readers see some tables as they were.
#[derive(Debug)]
pub struct HiddenCommits {
    visibility: Arc<Visibility>,
    from: Vec<(Location, u64)>,
}

/// A point in the order of commits. What becomes visible later does not count for who holds it.
#[derive(Debug)]
pub struct Moment {
    visibility: Arc<Visibility>,
    ending: u64,
}

impl Visibility {
    /// Hides commits of the tables from these versions on, until the value is dropped: then all of them
    /// are visible at once. The caller holds the leases.
    pub fn hide(self: &Arc<Self>, from: Vec<(Location, u64)>) -> HiddenCommits {
        self.state().hidden.extend(from.iter().cloned());
        HiddenCommits { visibility: Arc::clone(self), from }
    }

    /// Whether commits of a table are hidden.
    pub fn hides(&self, location: &Location) -> bool {
        self.state().hidden.contains_key(location)
    }

    /// The order of commits as of now.
    pub fn now(self: &Arc<Self>) -> Moment {
        let mut state = self.state();
        let ending = state.endings;
        *state.moments.entry(ending).or_default() += 1;
        Moment { visibility: Arc::clone(self), ending }
    }

    /// The first version of a table that does not count, as of a moment or now.
    pub fn hidden_from(&self, location: &Location, moment: Option<&Moment>) -> Option<u64> {
        let state = self.state();
        let shown = state.shown.get(location).into_iter().flatten();
        let later = shown.filter(|shown| moment.is_some_and(|at| shown.ending > at.ending));
        let hidden = state.hidden.get(location).copied();
        hidden.into_iter().chain(later.map(|shown| shown.version)).min()
    }

    /// No lock here is held over a call that could panic, so a poisoned one is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets what everybody sees.
    fn forget_common(&mut self) {
        let oldest = self.moments.keys().next().copied().unwrap_or(u64::MAX);
        self.shown.retain(|_, shown| {
            shown.retain(|shown| shown.ending > oldest);
            !shown.is_empty()
        });
    }
}

impl Drop for HiddenCommits {
    fn drop(&mut self) {
        let mut state = self.visibility.state();
        state.endings += 1;
        let ending = state.endings;
        for (location, version) in self.from.drain(..) {
            state.hidden.remove(&location);
            if !state.moments.is_empty() {
                state.shown.entry(location).or_default().push(Shown { version, ending });
            }
        }
    }
}

impl Drop for Moment {
    fn drop(&mut self) {
        let mut state = self.visibility.state();
        let Some(readers) = state.moments.get_mut(&self.ending) else { return };
        *readers -= 1;
        if *readers == 0 {
            state.moments.remove(&self.ending);
            state.forget_common();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_sees_what_was_complete() {
        let visibility = Arc::new(Visibility::default());
        let [a, b] = ["/a", "/b"].map(|path| Location::parse(path).unwrap());
        let before = visibility.now();
        let hidden = visibility.hide(vec![(a.clone(), 3), (b.clone(), 7)]);
        let during = visibility.now();
        assert!(visibility.hides(&a));
        assert_eq!(visibility.hidden_from(&a, None), Some(3));
        drop(hidden);
        let after = visibility.now();
        assert_eq!(visibility.hidden_from(&a, None), None);
        for earlier in [&before, &during] {
            assert_eq!(visibility.hidden_from(&a, Some(earlier)), Some(3));
            assert_eq!(visibility.hidden_from(&b, Some(earlier)), Some(7));
        }
        assert_eq!(visibility.hidden_from(&a, Some(&after)), None);
        drop(visibility.hide(vec![(a.clone(), 4)]));
        assert_eq!(visibility.hidden_from(&a, Some(&during)), Some(3));
        assert_eq!(visibility.hidden_from(&a, Some(&after)), Some(4));
        drop((before, during));
        assert_eq!(visibility.state().shown.len(), 1, "only what somebody does not see is kept");
        drop(after);
        assert_eq!(visibility.state().shown.len(), 0);
    }
}
