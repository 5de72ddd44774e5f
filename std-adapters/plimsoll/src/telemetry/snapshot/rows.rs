//! Entries of a snapshot, in memory that the next snapshot of the registry reuses.

use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use super::{SnapshotEntry, SnapshotFlow};
use crate::sync::Mutex;
use crate::telemetry::reading::AtRest;
use crate::telemetry::tag::Tag;

/// Keeps the rows of a dropped snapshot, which the next one writes over. A limit that is still listed
/// finds its tag in its row; one that is still at rest finds all but its depths. So a snapshot that is
/// taken at an interval allocates nothing, clones no tag and writes little.
///
/// It keeps the rows of one snapshot at most. The tags in them live until the next snapshot.
#[derive(Debug, Default)]
pub(crate) struct SpareRows(Mutex<Option<List>>);

// Rows go in and out whole.
impl UnwindSafe for SpareRows {}
impl RefUnwindSafe for SpareRows {}

impl SpareRows {
    /// Takes the rows that were kept, or an empty list.
    pub(in crate::telemetry) fn take(self: &Arc<Self>) -> Rows {
        let list = self.0.lock().take().unwrap_or_default();
        Rows { list, home: Some(self.clone()) }
    }

    fn keep(&self, list: List) {
        // What there was is dropped here, after the lock.
        let _replaced = self.0.lock().replace(list);
    }
}

/// Rows, and what is known of them without a look at their memory.
#[derive(Debug, Default)]
struct List {
    rows: Vec<SnapshotEntry>,
    /// One for each row.
    kinds: Vec<RowKind>,
    /// Whether a row has a recent part.
    has_recent: bool,
}

/// What is known of a row, but for its recent part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// It can be any.
    Any,
    /// That of a limit at rest: but for the id, the tag, the depths and the time at the normal level
    /// it is as one that is unread.
    AtRest,
    /// The same, with a flow of which nothing is counted.
    ChannelAtRest,
}

impl RowKind {
    #[inline(always)]
    pub(in crate::telemetry) fn at_rest(read: AtRest) -> Self {
        if read.is_channel() { Self::ChannelAtRest } else { Self::AtRest }
    }
}

/// The entries of one snapshot.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    list: List,
    /// Where the rows go when this is dropped; `None` if no registry made them.
    home: Option<Arc<SpareRows>>,
}

impl Rows {
    /// The rows from `place` on, and what they are.
    #[inline(always)]
    pub(in crate::telemetry) fn from(
        &mut self,
        place: usize,
    ) -> impl Iterator<Item = (&mut SnapshotEntry, &RowKind)> {
        let List { rows, kinds, .. } = &mut self.list;
        rows[place..].iter_mut().zip(&kinds[place..])
    }

    /// Makes the row at `place` one of this kind.
    pub(in crate::telemetry) fn renew(
        &mut self,
        place: usize,
        id: u64,
        tag: &Arc<Tag>,
        kind: RowKind,
    ) -> &mut SnapshotEntry {
        let List { rows, kinds, .. } = &mut self.list;
        if kinds.get(place) == Some(&kind) {
            // That of another limit, which was at rest as well: its place is this one's now.
            (rows[place].id, rows[place].tag) = (id, tag.clone());
            return &mut rows[place];
        }
        let flow = (kind == RowKind::ChannelAtRest).then(SnapshotFlow::default);
        let unread = SnapshotEntry { id, flow, ..SnapshotEntry::unread(tag.clone()) };
        if place == rows.len() {
            rows.push(unread);
            kinds.push(kind);
        } else {
            (rows[place], kinds[place]) = (unread, kind);
        }
        &mut rows[place]
    }

    /// The row at `place`, to be written as any; it is new if there is none.
    #[inline]
    pub(in crate::telemetry) fn any(&mut self, place: usize, tag: &Arc<Tag>) -> &mut SnapshotEntry {
        let List { rows, kinds, .. } = &mut self.list;
        if place == rows.len() {
            rows.push(SnapshotEntry::unread(tag.clone()));
            kinds.push(RowKind::Any);
        }
        kinds[place] = RowKind::Any;
        &mut rows[place]
    }

    /// Leaves out all but the first `count` rows.
    pub(in crate::telemetry) fn truncate(&mut self, count: usize) {
        self.list.rows.truncate(count);
        self.list.kinds.truncate(count);
    }

    /// All rows, to have their recent parts written.
    pub(in crate::telemetry) fn with_recent(&mut self) -> &mut [SnapshotEntry] {
        self.list.has_recent = true;
        &mut self.list.rows
    }

    /// Removes the recent parts.
    pub(in crate::telemetry) fn forget_recent(&mut self) {
        if std::mem::take(&mut self.list.has_recent) {
            self.list.rows.iter_mut().for_each(|row| row.recent = None);
        }
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.keep(std::mem::take(&mut self.list));
        }
    }
}

impl Clone for Rows {
    fn clone(&self) -> Self {
        self.list.rows.clone().into()
    }
}

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        self.list.rows == other.list.rows
    }
}

impl From<Vec<SnapshotEntry>> for Rows {
    fn from(rows: Vec<SnapshotEntry>) -> Self {
        let kinds = vec![RowKind::Any; rows.len()];
        Self { list: List { rows, kinds, has_recent: true }, home: None }
    }
}

impl Deref for Rows {
    type Target = [SnapshotEntry];

    fn deref(&self) -> &Self::Target {
        &self.list.rows
    }
}
