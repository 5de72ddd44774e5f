//! One round through everything that is registered.

use super::Registry;
#[cfg(feature = "pool")]
use crate::snapshot::SnapshotPool;
use crate::snapshot::{Snapshot, SnapshotEntry};
use crate::source::Source;

impl Registry {
    /// Reads each source as `read` does.
    pub(super) fn read(&self, read: impl Fn(&dyn Source, &mut SnapshotEntry)) -> Snapshot {
        let listed = self.0.entries.listed();
        // Each entry is made where it stays, and read into there: to copy entries costs as much as
        // all the rest.
        let mut entries: Vec<_> =
            listed.iter().map(|entry| Snapshot::unread(entry.tag())).collect();
        let (mut ledgers, mut missing) = (Vec::new(), Vec::new());
        #[cfg(feature = "pool")]
        let mut pools = Vec::new();
        for (place, (entry, seen)) in listed.iter().zip(&mut entries).enumerate() {
            if let Some(source) = entry.source() {
                read(&*source, seen);
                #[cfg(feature = "pool")]
                if let Some(stats) = source.pool() {
                    pools.push(SnapshotPool::new(entry.tag().clone(), stats));
                }
                continue;
            }
            missing.push(place);
            if let Some(ledger) = entry.ledger() {
                let read = ledger.read(self.0.top_users);
                ledgers.push(Snapshot::ledger(entry.tag().clone(), read));
            }
        }
        if !missing.is_empty() {
            let (mut place, mut missing) = (0.., missing.into_iter().peekable());
            entries.retain(|_| missing.next_if_eq(&place.next().unwrap_or_default()).is_none());
        }
        let snapshot = Snapshot::new(entries, ledgers, self.stats());
        #[cfg(feature = "pool")]
        let snapshot = snapshot.with_pools(pools);
        snapshot
    }
}
