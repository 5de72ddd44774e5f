//! One round through everything that is registered.

use super::Registry;
use crate::snapshot::Snapshot;
#[cfg(feature = "pool")]
use crate::snapshot::SnapshotPool;
use crate::source::{Source, SourceReading};

impl Registry {
    /// Reads each source as `read` does.
    pub(super) fn read(&self, read: impl Fn(&dyn Source) -> SourceReading) -> Snapshot {
        let listed = self.0.entries.listed();
        let (mut entries, mut ledgers) = (Vec::with_capacity(listed.len()), Vec::new());
        #[cfg(feature = "pool")]
        let mut pools = Vec::new();
        for entry in listed.iter() {
            let tag = entry.tag();
            if let Some(source) = entry.source() {
                entries.push(Snapshot::entry(tag.clone(), read(&*source)));
                #[cfg(feature = "pool")]
                pools.extend(source.pool().map(|stats| SnapshotPool::new(tag.clone(), stats)));
            } else if let Some(ledger) = entry.ledger() {
                ledgers.push(Snapshot::ledger(tag.clone(), ledger.read(self.0.top_users)));
            }
        }
        let snapshot = Snapshot::new(entries, ledgers, self.stats());
        #[cfg(feature = "pool")]
        let snapshot = snapshot.with_pools(pools);
        snapshot
    }
}
