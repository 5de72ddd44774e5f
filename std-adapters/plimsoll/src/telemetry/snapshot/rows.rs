//! Entries of a snapshot, in memory that the next snapshot of the registry reuses.

use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use super::SnapshotEntry;
use crate::sync::Mutex;

/// Keeps the rows of a dropped snapshot, which the next one writes over. A limit that is still listed
/// finds its tag in its row. So a snapshot that is taken at an interval allocates nothing and clones no
/// tag.
///
/// It keeps the rows of one snapshot at most. The tags in them live until the next snapshot.
#[derive(Debug, Default)]
pub(crate) struct SpareRows(Mutex<Option<Vec<SnapshotEntry>>>);

// Rows go in and out whole.
impl UnwindSafe for SpareRows {}
impl RefUnwindSafe for SpareRows {}

impl SpareRows {
    /// Takes the rows that were kept, or an empty list.
    pub(in crate::telemetry) fn take(self: &Arc<Self>) -> Rows {
        let rows = self.0.lock().take().unwrap_or_default();
        Rows { rows, home: Some(self.clone()) }
    }

    fn keep(&self, rows: Vec<SnapshotEntry>) {
        // What there was is dropped here, after the lock.
        let _replaced = self.0.lock().replace(rows);
    }
}

/// The entries of one snapshot.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: Vec<SnapshotEntry>,
    /// Where the rows go when this is dropped; `None` if no registry made them.
    home: Option<Arc<SpareRows>>,
}

impl Drop for Rows {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.keep(std::mem::take(&mut self.rows));
        }
    }
}

impl Clone for Rows {
    fn clone(&self) -> Self {
        self.rows.clone().into()
    }
}

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
    }
}

impl From<Vec<SnapshotEntry>> for Rows {
    fn from(rows: Vec<SnapshotEntry>) -> Self {
        Self { rows, home: None }
    }
}

impl Deref for Rows {
    type Target = Vec<SnapshotEntry>;

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}

impl DerefMut for Rows {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.rows
    }
}
