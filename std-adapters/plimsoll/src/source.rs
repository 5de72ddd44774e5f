//! What a registry asks of what it lists.

use crate::snapshot::SnapshotEntry;

pub(crate) use crate::snapshot::SourceReading;

/// What the registry asks of a thing that it lists. No method panics, and none blocks.
pub(crate) trait Source: Send + Sync {
    /// Looks afresh. An edge that this look makes, the source emits itself: no lock of the registry
    /// is held.
    fn read(&self) -> SourceReading;

    /// Reads into a snapshot. The numbers go from registers to where they stay: a reading that is
    /// handed out and copied costs as much as all the rest of a read.
    fn read_into(&self, entry: &mut SnapshotEntry) {
        entry.set(self.read());
    }

    /// The high-water mark since the last call.
    fn take_high_water(&self) -> u64;

    /// How many parties are blocked on it, for the events of its edges.
    fn waiting(&self) -> u64 {
        0
    }

    /// What it has to tell as a pool, if it is one.
    #[cfg(feature = "pool")]
    fn pool(&self) -> Option<crate::pool::PoolStats> {
        None
    }
}
