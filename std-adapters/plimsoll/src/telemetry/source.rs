//! The trait of everything that a registry lists, and the collector of its answers.

use std::sync::{Arc, Weak};
use std::time::Duration;

use plimsoll_core::{Edge, Watermarks};

use super::reading::{AtRest, SourceReading};
#[cfg(any(feature = "crossbeam", feature = "std-channel", feature = "tokio"))]
use super::snapshot::SnapshotFlow;
#[cfg(feature = "keepalive")]
use super::snapshot::SnapshotWatcher;
#[cfg(feature = "pool")]
use super::snapshot::{PoolStats, SnapshotPool};
use super::snapshot::{RegistryStats, RowKind, Snapshot, SnapshotEntry, SnapshotLedger, SpareRows};
use super::tag::Tag;

/// What a registry asks of a thing that it lists: a gauge, a channel, a ledger, a pool. No method
/// panics, and none blocks.
pub(crate) trait Source: Send + Sync {
    /// Reads the depth now. If that makes an edge, it is in the reading, or the source has handed it on:
    /// no lock of the registry is held.
    ///
    /// # Returns
    /// `None` if it has no depth.
    fn look(&self) -> Option<SourceReading>;

    /// Reads the depth now, if that is all there is to tell: there has never been an edge, and this emits
    /// none but those of this depth.
    fn at_rest(&self) -> Option<AtRest> {
        None
    }

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

/// A source that the registry does not keep. Once it is gone, there is nothing to read. It is never at rest:
/// no source of this kind is.
impl<S: Source> Source for Weak<S> {
    fn look(&self) -> Option<SourceReading> {
        self.upgrade()?.look()
    }

    fn read_into(&self, seen: &mut Seen<'_>) {
        if let Some(source) = self.upgrade() {
            source.read_into(seen);
        }
    }

    fn take_high_water(&self) -> u64 {
        self.upgrade().map_or(0, |source| source.take_high_water())
    }

    fn changed_watermarks(&self) -> Option<Watermarks> {
        self.upgrade()?.changed_watermarks()
    }

    fn waiting(&self) -> u64 {
        self.upgrade().map_or(0, |source| source.waiting())
    }
}

/// The part of a snapshot that one source writes.
pub(crate) struct Seen<'a> {
    tag: &'a Arc<Tag>,
    entry: &'a mut SnapshotEntry,
    has_depth: bool,
    edge: Option<Edge>,
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
        (self.has_depth, self.edge) = (true, reading.edge);
    }

    /// The entry whose depth was written, to be completed.
    pub(crate) fn entry(&mut self) -> Option<&mut SnapshotEntry> {
        self.has_depth.then_some(&mut *self.entry)
    }

    /// The edge that this has made, once.
    pub(crate) fn take_edge(&mut self) -> Option<Edge> {
        self.edge.take()
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

/// A snapshot that is being taken.
pub(crate) struct Reads {
    snapshot: Snapshot,
    /// Rows that are written.
    written: usize,
    users: usize,
}

impl Reads {
    /// Nothing is read yet. A ledger writes up to `users` users. The rows are those of an earlier
    /// snapshot, if there are `spare` ones; `has_history`: whether the recent part of each is written
    /// afterwards.
    pub(crate) fn begin(users: usize, spare: &Arc<SpareRows>, has_history: bool) -> Self {
        let mut entries = spare.take();
        if !has_history {
            entries.forget_recent();
        }
        Self { snapshot: Snapshot { entries, ..Snapshot::default() }, written: 0, users }
    }

    /// Writes rows of limits at rest, as long as the last snapshot has written the same: then that is
    /// three numbers each. `limits` tells the id, the depths, and how long the normal level has held.
    ///
    /// # Returns
    /// How many.
    #[inline(always)]
    pub(crate) fn still_at_rest(
        &mut self,
        limits: impl Iterator<Item = (u64, AtRest, Duration)>,
    ) -> usize {
        let (mut count, rows) = (0, self.snapshot.entries.from(self.written));
        for ((row, kind), (id, read, normal)) in rows.zip(limits) {
            if row.id != id || *kind != RowKind::at_rest(read) {
                break;
            }
            row.rest(read, normal);
            count += 1;
        }
        self.written += count;
        count
    }

    /// Writes the row of a limit at rest, whatever there was.
    pub(crate) fn at_rest(&mut self, id: u64, tag: &Arc<Tag>, read: AtRest, normal: Duration) {
        let row = self.snapshot.entries.renew(self.written, id, tag, RowKind::at_rest(read));
        row.rest(read, normal);
        self.written += 1;
    }

    /// Has `read` write a source, whose limit has this tag.
    #[inline]
    pub(crate) fn source(&mut self, tag: &Arc<Tag>, read: impl FnOnce(&mut Seen<'_>)) {
        let Self { snapshot, written, users } = self;
        let mut seen = Seen {
            tag,
            entry: snapshot.entries.any(*written, tag),
            has_depth: false,
            edge: None,
            ledgers: &mut snapshot.ledgers,
            #[cfg(feature = "pool")]
            pools: &mut snapshot.pools,
            #[cfg(feature = "keepalive")]
            watchers: &mut snapshot.watchers,
            users: *users,
        };
        read(&mut seen);
        // What has no depth leaves its row to the next one.
        *written += usize::from(seen.has_depth);
    }

    /// Everything is read: the rows of an earlier snapshot go that were not written again.
    pub(crate) fn end(&mut self) {
        self.snapshot.entries.truncate(self.written);
    }

    /// The entries, to have the recent part of each written.
    pub(crate) fn entries_with_recent(&mut self) -> &mut [SnapshotEntry] {
        self.snapshot.entries.with_recent()
    }

    /// Completes the snapshot where it is: to move it costs time.
    pub(crate) fn into_snapshot(mut self, stats: RegistryStats) -> Snapshot {
        self.snapshot.complete(stats);
        self.snapshot
    }
}
