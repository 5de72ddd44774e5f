//! How full limits were in the last snapshots.

use std::collections::{HashMap, VecDeque};

use plimsoll::{Snapshot, SnapshotEntry};

/// Readings kept of a limit; the oldest go first.
const READINGS_MAX: usize = 240;
/// Limits of which readings are kept.
const LIMITS_MAX: usize = 10_000;

/// The name and scope of a limit. Two limits of one name and scope share their history.
pub(super) type Id = (String, Option<String>);

pub(super) fn id_of(entry: &SnapshotEntry) -> Id {
    (entry.name().to_owned(), entry.scope().map(str::to_owned))
}

/// How full each limit was, in permille of its capacity; without one, its depth. The newest last.
#[derive(Debug, Default)]
pub(super) struct History(HashMap<Id, VecDeque<u64>>);

impl History {
    /// Takes a snapshot down, and forgets limits that are not in it.
    pub(super) fn on_snapshot(&mut self, snapshot: &Snapshot) {
        let mut seen = HashMap::new();
        for entry in snapshot.entries().iter().take(LIMITS_MAX) {
            let id = id_of(entry);
            let mut readings = self.0.remove(&id).unwrap_or_default();
            if readings.len() == READINGS_MAX {
                readings.pop_front();
            }
            readings.push_back(reading(entry));
            seen.entry(id).or_insert(readings);
        }
        self.0 = seen;
    }

    /// The newest readings of a limit, at most `most`, without those of the last `held_back`
    /// snapshots.
    pub(super) fn newest(&self, id: &Id, most: usize, held_back: usize) -> Vec<u64> {
        let Some(readings) = self.0.get(id) else { return Vec::new() };
        let shown = readings.len().saturating_sub(held_back);
        readings.iter().take(shown).skip(shown.saturating_sub(most)).copied().collect()
    }
}

fn reading(entry: &SnapshotEntry) -> u64 {
    match entry.capacity() {
        Some(capacity @ 1..) => {
            let permille = u128::from(entry.depth) * 1_000 / u128::from(capacity);
            u64::try_from(permille).unwrap_or(u64::MAX).min(1_000)
        }
        _ => entry.depth,
    }
}
