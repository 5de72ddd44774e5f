//! Snapshots: one round that reads everything registered.

use super::Registry;
use crate::clock;
use crate::telemetry::Snapshot;

impl Registry {
    /// Reads each source, and up to `users` users of each ledger; `is_window` asks for the high-water
    /// marks since they were last taken.
    pub(super) fn read(&self, is_window: bool, users: usize) -> Snapshot {
        let listed = self.0.entries.listed();
        let (tags, now_us) = (listed.iter().map(|entry| entry.tag()), clock::now_us());
        let mut snapshot = Snapshot::read(tags, users, &self.0.spare, |place, seen| {
            let entry = &listed[place];
            let Some(source) = entry.source() else { return };
            source.read_into(seen);
            let Some(seen) = seen.entry() else { return };
            seen.id = entry.id();
            entry.levels.read_into(now_us, &mut seen.levels);
            if is_window {
                let taken = entry.marks.take_for_window(source.take_high_water());
                seen.high_water = taken.max(seen.depth);
            }
        });
        if let Some(keeper) = self.0.history.keeper() {
            keeper.complete(snapshot.entries_mut());
        }
        // After the reads, whose edges count.
        snapshot.taken(self.stats())
    }
}
