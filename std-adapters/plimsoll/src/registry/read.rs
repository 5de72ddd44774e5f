//! One round through everything that is registered.

use super::Registry;
#[cfg(feature = "pool")]
use crate::snapshot::SnapshotPool;
use crate::snapshot::{Snapshot, SnapshotLedger};
use crate::source::{Source, SourceReading};

impl Registry {
    /// Reads each source as `read` does.
    pub(super) fn read(&self, read: impl Fn(&dyn Source) -> SourceReading) -> Snapshot {
        let sources = self.0.entries.sources();
        let entries =
            sources.iter().map(|(tag, source)| Snapshot::entry(tag.clone(), read(&**source)));
        let snapshot = Snapshot::new(entries.collect(), self.read_ledgers(), self.stats());
        #[cfg(feature = "pool")]
        let snapshot = snapshot.with_pools(
            sources
                .iter()
                .filter_map(|(tag, source)| Some(SnapshotPool::new(tag.clone(), source.pool()?)))
                .collect(),
        );
        snapshot
    }

    fn read_ledgers(&self) -> Vec<SnapshotLedger> {
        let ledgers = self.0.entries.ledgers().into_iter();
        ledgers.map(|(tag, ledger)| Snapshot::ledger(tag, ledger.read(self.0.top_users))).collect()
    }
}
