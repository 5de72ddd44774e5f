//! Who hears of a change of level at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use crate::sync::Mutex;

/// What goes by levels of limits, and by time.
pub(crate) trait Watch: Send + Sync {
    /// A level that it goes by may have changed. Called on the thread that changed it, under no
    /// lock.
    fn on_change(&self);

    /// Time has passed. Called by who delivers, under no lock.
    fn on_time(&self);
}

/// Those who watch one thing. Its lock is held for a step in the list, and never while anything
/// else runs.
///
/// Who changes a level does so before it takes the lock, and who joins reads the level after its
/// own step under the lock: so one of the two sees the other.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<List>);

#[derive(Default)]
struct List {
    next: u64,
    watches: BTreeMap<u64, Weak<dyn Watch>>,
}

impl Watchers {
    /// Adds one.
    ///
    /// # Returns
    /// Its number, by which it is removed.
    pub(crate) fn join(&self, watch: Weak<dyn Watch>) -> u64 {
        let mut list = self.0.lock();
        let number = list.next;
        list.next += 1;
        list.watches.insert(number, watch);
        number
    }

    /// Removes one.
    pub(crate) fn leave(&self, number: u64) {
        let removed = self.0.lock().watches.remove(&number);
        drop(removed);
    }

    /// Tells all that the level may have changed.
    pub(crate) fn on_change(&self) {
        self.for_each(|watch| watch.on_change());
    }

    /// Tells all that time has passed.
    pub(crate) fn on_time(&self) {
        self.for_each(|watch| watch.on_time());
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.lock().watches.len()
    }

    fn for_each(&self, tell: impl Fn(&dyn Watch)) {
        let watches: Vec<Arc<dyn Watch>> = {
            let list = self.0.lock();
            if list.watches.is_empty() {
                return;
            }
            list.watches.values().filter_map(Weak::upgrade).collect()
        };
        watches.iter().for_each(|watch| tell(&**watch));
    }
}
