//! The trait of everything that a registry lists, and the collector of its answers.

use std::sync::Arc;

use plimsoll_core::Watermarks;

use super::reading::SourceReading;
#[cfg(any(feature = "crossbeam", feature = "std-channel", feature = "tokio"))]
use super::snapshot::SnapshotFlow;
#[cfg(feature = "keepalive")]
use super::snapshot::SnapshotWatcher;
#[cfg(feature = "pool")]
use super::snapshot::{PoolStats, SnapshotPool};
use super::snapshot::{Snapshot, SnapshotEntry, SnapshotLedger, SpareRows};
use super::tag::Tag;

/// What a registry asks of a thing that it lists: a gauge, a channel, a ledger, a pool. No method
/// panics, and none blocks.
pub(crate) trait Source: Send + Sync {
    /// Reads the depth now. If that makes an edge, the source emits it itself: no lock of the
    /// registry is held.
    ///
    /// # Returns
    /// `None` if it has no depth.
    fn look(&self) -> Option<SourceReading>;

    /// Reads everything now, and writes it into a snapshot.
    fn read_into(&self, seen: &mut Seen<'_>) {
        if let Some(reading) = self.look() {
            seen.depth(reading);
        }
    }

    /// The high-water mark since the last call.
    fn take_high_water(&self) -> u64 {
        0
    }

    /// The watermarks, if they are no longer those that it was registered with.
    fn changed_watermarks(&self) -> Option<Watermarks> {
        None
    }

    /// How many waiters are blocked on it, for the events of its edges.
    fn waiting(&self) -> u64 {
        0
    }
}

/// The part of a snapshot that one source writes.
pub(crate) struct Seen<'a> {
    tag: &'a Arc<Tag>,
    entry: &'a mut SnapshotEntry,
    has_depth: bool,
    ledgers: &'a mut Vec<SnapshotLedger>,
    #[cfg(feature = "pool")]
    pools: &'a mut Vec<SnapshotPool>,
    #[cfg(feature = "keepalive")]
    watchers: &'a mut Vec<SnapshotWatcher>,
    users: usize,
}

impl Seen<'_> {
    /// A depth. It goes from registers to where it stays: an entry that is handed out and copied
    /// costs as much as all the rest of a read.
    #[inline(always)]
    pub(crate) fn depth(&mut self, reading: SourceReading) {
        self.entry.begin(self.tag);
        self.entry.set(reading);
        self.has_depth = true;
    }

    /// The entry whose depth was written, to be completed.
    pub(crate) fn entry(&mut self) -> Option<&mut SnapshotEntry> {
        self.has_depth.then_some(&mut *self.entry)
    }

    /// Watermarks in place of those that the limit was registered with.
    #[cfg(feature = "budget")]
    pub(crate) fn watermarks(&mut self, watermarks: Watermarks) {
        let tag = Tag { watermarks, ..Tag::clone(&self.entry.tag) };
        self.entry.tag = Arc::new(tag);
    }

    /// The totals of the channel whose depth was written.
    #[cfg(any(feature = "crossbeam", feature = "std-channel", feature = "tokio"))]
    pub(crate) fn flow(&mut self, flow: SnapshotFlow) {
        self.entry.flow = Some(flow);
    }

    /// A watcher; `watcher` gets the tag of its limit.
    #[cfg(feature = "keepalive")]
    pub(crate) fn watcher(&mut self, watcher: impl FnOnce(Arc<Tag>) -> SnapshotWatcher) {
        self.watchers.push(watcher(self.tag.clone()));
    }

    /// How many of its largest users a ledger writes at most.
    pub(crate) fn users(&self) -> usize {
        self.users
    }

    /// A ledger; `ledger` gets the tag of its limit.
    pub(crate) fn ledger(&mut self, ledger: impl FnOnce(Arc<Tag>) -> SnapshotLedger) {
        self.ledgers.push(ledger(self.tag.clone()));
    }

    #[cfg(feature = "pool")]
    pub(crate) fn pool(&mut self, stats: PoolStats) {
        self.pools.push(SnapshotPool { tag: self.tag.clone(), stats });
    }
}

impl Snapshot {
    /// Has `read` write each source, whose tag is at its place among `tags`. A ledger writes up to
    /// `users` users. The rows are those of an earlier snapshot, if there are `spare` ones.
    pub(crate) fn read<'t>(
        tags: impl Iterator<Item = &'t Arc<Tag>>,
        users: usize,
        spare: &Arc<SpareRows>,
        mut read: impl FnMut(usize, &mut Seen<'_>),
    ) -> Self {
        let mut snapshot = Self { entries: spare.take(), ..Self::default() };
        let rows = &mut *snapshot.entries;
        let mut written = 0;
        for (place, tag) in tags.enumerate() {
            if written == rows.len() {
                rows.push(SnapshotEntry::unread(tag.clone()));
            }
            let mut seen = Seen {
                tag,
                entry: &mut rows[written],
                has_depth: false,
                ledgers: &mut snapshot.ledgers,
                #[cfg(feature = "pool")]
                pools: &mut snapshot.pools,
                #[cfg(feature = "keepalive")]
                watchers: &mut snapshot.watchers,
                users,
            };
            read(place, &mut seen);
            // What has no depth leaves its row to the next one.
            written += usize::from(seen.has_depth);
        }
        rows.truncate(written);
        snapshot
    }
}
