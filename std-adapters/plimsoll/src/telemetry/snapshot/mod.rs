//! Snapshots: everything that is registered, at one moment.

mod entry;
mod ledger;
#[cfg(feature = "pool")]
mod pool;
#[cfg(feature = "pool")]
mod pool_stats;
mod rows;
mod table;
mod watcher;

pub use entry::{
    LevelTotal, LevelTotals, RefusedSends, SnapshotEntry, SnapshotFlow, SnapshotRecent,
};
pub use ledger::{LedgerKind, SnapshotLedger, SnapshotUser};
#[cfg(feature = "pool")]
pub use pool::SnapshotPool;
#[cfg(feature = "pool")]
pub use pool_stats::{DiscardReason, PoolCheckouts, PoolRefusals, PoolStats, PoolTimeouts};
pub use watcher::SnapshotWatcher;

pub(crate) use rows::{RowKind, Rows, SpareRows};

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::whole_ms;

/// What [`Registry::snapshot`](crate::Registry::snapshot) has read: the entries, the ledgers and
/// the pools, each in the order of their registration, and the counts of events.
///
/// `Display` is a table of the limits, and one more for each of these that there are: what has gone
/// through them and what their [history](crate::Registry::history) knows, pools, watchers, ledgers
/// and their users. With the feature `serde` it is written and read back as `docs/SNAPSHOT.md`
/// says.
///
/// ```
/// use plimsoll::{Registry, Watermarks};
///
/// let registry = Registry::new();
/// let frames = registry.gauge("stdout_frames", Watermarks::percent(10, 80, 50))?;
/// frames.add(9);
/// let table = registry.snapshot().to_string();
/// assert_eq!(table.lines().count(), 2);
/// assert!(table.lines().nth(1).unwrap().starts_with("stdout_frames  queue"));
/// # Ok::<(), plimsoll::RegisterError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    pub(super) entries: Rows,
    pub(super) ledgers: Vec<SnapshotLedger>,
    #[cfg(feature = "pool")]
    pub(super) pools: Vec<SnapshotPool>,
    pub(super) watchers: Vec<SnapshotWatcher>,
    pub(super) stats: RegistryStats,
    pub(super) taken: Option<SystemTime>,
}

/// What a registry has done; see [`Registry::stats`](crate::Registry::stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RegistryStats {
    /// Entries that are registered now.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "registered", with = "crate::telemetry::ser::integer")
    )]
    pub entries: usize,
    /// Events that were delivered.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub delivered: u64,
    /// Events that found no room while they waited to be delivered.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub dropped: u64,
    /// Calls of subscribers, and of functions that are asked for a depth, that ended in a panic.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub panicked: u64,
}

impl Snapshot {
    /// Notes what the registry has done, and the time.
    pub(super) fn complete(&mut self, stats: RegistryStats) {
        // To the millisecond, as it is written for others.
        let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.taken = UNIX_EPOCH.checked_add(Duration::from_millis(whole_ms(passed)));
        self.stats = stats;
    }

    /// The entries, in the order of their registration.
    pub fn entries(&self) -> &[SnapshotEntry] {
        &self.entries
    }

    /// The ledgers, in the order of their registration.
    pub fn ledgers(&self) -> &[SnapshotLedger] {
        &self.ledgers
    }

    /// The pools, in the order of their registration.
    #[cfg(feature = "pool")]
    pub fn pools(&self) -> &[SnapshotPool] {
        &self.pools
    }

    /// The keep-alive watchers, in the order of their registration.
    pub fn watchers(&self) -> &[SnapshotWatcher] {
        &self.watchers
    }

    /// When it was taken, by the clock of its host; `None` of one that is not known to be.
    pub const fn taken_at(&self) -> Option<SystemTime> {
        self.taken
    }

    /// The same without the names of the users of [ledgers](Self::ledgers), which are secrets:
    /// their ranks and values stay.
    #[must_use]
    pub fn without_principals(mut self) -> Self {
        self.ledgers.iter_mut().for_each(SnapshotLedger::forget_principals);
        self
    }

    /// Leaves out all but the `users` largest users of each ledger.
    pub fn truncate_users(&mut self, users: usize) {
        self.ledgers.iter_mut().for_each(|ledger| ledger.truncate_users(users));
    }

    /// The first entry of that name and scope.
    pub fn find(&self, name: &str, scope: Option<&str>) -> Option<&SnapshotEntry> {
        self.entries.iter().find(|entry| entry.name() == name && entry.scope() == scope)
    }

    /// The counts of events.
    pub const fn stats(&self) -> &RegistryStats {
        &self.stats
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        entry::write(f, &self.entries)?;
        #[cfg(feature = "pool")]
        if !self.pools.is_empty() {
            f.write_str("\n\n")?;
            pool::write(f, &self.pools)?;
        }
        if !self.watchers.is_empty() {
            f.write_str("\n\n")?;
            watcher::write(f, &self.watchers)?;
        }
        if self.ledgers.is_empty() {
            return Ok(());
        }
        f.write_str("\n\n")?;
        ledger::write(f, &self.ledgers)
    }
}
