//! The limits that are due to be checked at some time.

use std::sync::Arc;

use super::entry::Entry;
use crate::sync::Mutex;

/// Entries whose rule is due at some time: each once, removed in one step, so that its size is
/// bounded by the entries there are. Adding what was listed before allocates nothing.
///
/// Its lock comes before that of an entry, and neither is held while anything else runs. An entry
/// says under its own lock when it is due, and is listed after that lock; it is removed under both,
/// if it is due no more. So a thread that makes it due either finds it listed, or lists it.
#[derive(Default)]
pub(super) struct Pending(Mutex<Vec<Arc<Entry>>>);

/// The entries that are due, and when the next one is.
pub(super) struct Due {
    /// The entries that are due, in the order of their registration.
    pub(super) now: Vec<Arc<Entry>>,
    /// When the next one is.
    pub(super) next_ms: Option<u64>,
}

impl Pending {
    /// To be called when an entry is due at some time, without its lock.
    pub(super) fn list(&self, entry: &Arc<Entry>) {
        if entry.place().is_some() {
            return;
        }
        let mut entries = self.0.lock();
        // Asked again under both locks: another thread may have made it due no more, and removed it.
        if entry.place().is_none() && entry.with_due(|due_ms| due_ms.is_some()) {
            entry.set_place(Some(entries.len()));
            entries.push(entry.clone());
        }
    }

    /// To be called when an entry that has left is due no more, without its lock.
    pub(super) fn remove(&self, entry: &Entry) {
        let removed = {
            let mut entries = self.0.lock();
            // Asked again under both locks: another thread may have made it due since, and found it listed.
            entry.with_due(|due_ms| match due_ms {
                None => entry.place().map(|place| take(&mut entries, place)),
                Some(_) => None,
            })
        };
        drop(removed);
    }

    /// Takes the entries that are due, and removes those that are not any more.
    pub(super) fn due(&self, now_ms: u64) -> Due {
        let mut due = Due { now: Vec::new(), next_ms: None };
        // Dropped after the lock: who has left may keep a source.
        let mut over = Vec::new();
        let mut entries = self.0.lock();
        let mut place = 0;
        while let Some(entry) = entries.get(place).cloned() {
            let is_listed = entry.with_due(|due_ms| {
                match due_ms {
                    None => {
                        over.push(take(&mut entries, place));
                        return false;
                    }
                    Some(due_ms) if due_ms <= now_ms => due.now.push(entry.clone()),
                    Some(due_ms) => due.next_ms = Some(due.next_ms.unwrap_or(due_ms).min(due_ms)),
                }
                true
            });
            place += usize::from(is_listed);
        }
        drop(entries);
        due.now.sort_by_key(|entry| entry.id());
        due
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

/// Takes an entry out; the last one takes its place.
fn take(entries: &mut Vec<Arc<Entry>>, place: usize) -> Arc<Entry> {
    let entry = entries.swap_remove(place);
    if let Some(moved) = entries.get(place) {
        moved.set_place(Some(place));
    }
    entry.set_place(None);
    entry
}
