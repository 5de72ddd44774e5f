//! Everything that is registered, at one moment.

mod ledger;
#[cfg(feature = "pool")]
mod pool;
mod table;

pub use ledger::{SnapshotLedger, SnapshotUser};
#[cfg(feature = "pool")]
pub use pool::SnapshotPool;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::{Level, Reading, Watermarks};

use crate::event;
use crate::limit::Category;
use crate::tag::Tag;

/// What [`Registry::snapshot`](crate::Registry::snapshot) has read: the entries, the ledgers and the
/// pools, each in the order of their registration, and the counts of events.
///
/// `Display` is a table, one more if there are pools, and two more if there are ledgers. With the
/// feature `serde` it serializes to `{"entries": [...], "ledgers": [...], "pools": [...], "events":
/// {"delivered", "dropped", "panicked"}}`; what is not there is `null`. Without the feature `pool`
/// there is no `pools`.
///
/// An entry has `name`, `category`, `instance`, `depth`, `high_water`, `capacity`, `high`, `low`,
/// `level`, `waiting` and `blocked_ms`, where `high` and `low` are the watermarks of the first
/// level.
///
/// A ledger has `name`, `category`, `instance`, `kind`, `window`, `users`, `total`, `certified`,
/// `bound`, `floor`, `tracked`, `capacity`, `turned_away` and `saturated`, as
/// [`SnapshotLedger`] describes them; a user has `principal` (text, or a number), `value`, `error`,
/// `share`, `certified` and `saturated`.
///
/// A pool has `name`, `category`, `instance`, `max`, `building`, `idle`, `leased`, `condemned`,
/// `waiting`, `blocked_ms`, `wait`, `hold`, `built`, `build_failures`, `panics`, `timeouts`,
/// `refusals` and `discards`, as `SnapshotPool` describes them: `discards` has a number for each
/// reason, and `wait` and `hold` have `count`, `sum_ns`, `p50_ns`, `p99_ns`, `p999_ns` and `max_ns`.
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
#[derive(Clone, Debug)]
pub struct Snapshot {
    entries: Vec<SnapshotEntry>,
    ledgers: Vec<SnapshotLedger>,
    #[cfg(feature = "pool")]
    pools: Vec<SnapshotPool>,
    stats: RegistryStats,
}

/// One limit of a [`Snapshot`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SnapshotEntry {
    tag: Arc<Tag>,
    /// The depth, in the limit's own unit.
    pub depth: u64,
    /// The largest depth there has been, or in this window if
    /// [`snapshot_window`](crate::Registry::snapshot_window) was asked; never below `depth`.
    pub high_water: u64,
    /// The level that agrees with the depth.
    pub level: Level,
    /// How many parties are blocked on it.
    pub waiting: u64,
    /// How long parties have been blocked on it in all.
    pub blocked: Duration,
}

/// What a registry has done; see [`Registry::stats`](crate::Registry::stats).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryStats {
    /// Entries that are registered now.
    pub entries: usize,
    /// Events that were delivered.
    pub delivered: u64,
    /// Events that found no room while they waited to be delivered.
    pub dropped: u64,
    /// Calls of subscribers that ended in a panic.
    pub panicked: u64,
}

impl Snapshot {
    pub(crate) fn new(
        entries: Vec<SnapshotEntry>,
        ledgers: Vec<SnapshotLedger>,
        stats: RegistryStats,
    ) -> Self {
        Self {
            entries,
            ledgers,
            #[cfg(feature = "pool")]
            pools: Vec::new(),
            stats,
        }
    }

    #[cfg(feature = "pool")]
    pub(crate) fn with_pools(self, pools: Vec<SnapshotPool>) -> Self {
        Self { pools, ..self }
    }

    /// An entry that is to be read into its place.
    pub(crate) fn unread(tag: &Arc<Tag>) -> SnapshotEntry {
        let (level, blocked) = (Level::Normal, Duration::ZERO);
        SnapshotEntry { tag: tag.clone(), depth: 0, high_water: 0, level, waiting: 0, blocked }
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

    /// The first entry of that name and instance label.
    pub fn find(&self, name: &str, instance: Option<&str>) -> Option<&SnapshotEntry> {
        self.entries.iter().find(|entry| entry.name() == name && entry.instance() == instance)
    }

    /// The counts of events.
    pub const fn stats(&self) -> &RegistryStats {
        &self.stats
    }
}

impl SnapshotEntry {
    #[inline(always)]
    pub(crate) fn set(&mut self, read: SourceReading) {
        self.depth = read.depth;
        self.high_water = read.high_water;
        self.level = read.level;
        self.waiting = read.waiting;
        self.blocked = read.blocked;
    }

    /// The name of the limit.
    pub fn name(&self) -> &str {
        &self.tag.name
    }

    /// The category of the limit.
    pub fn category(&self) -> Category {
        self.tag.category
    }

    /// The instance label of the limit.
    pub fn instance(&self) -> Option<&str> {
        self.tag.instance.as_deref()
    }

    /// The watermarks, and with them the capacity.
    pub fn watermarks(&self) -> &Watermarks {
        &self.tag.watermarks
    }

    /// The capacity; `None` if there is no bound, `Some(0)` for a rendezvous.
    pub fn capacity(&self) -> Option<u64> {
        self.tag.watermarks.capacity()
    }

    /// The depth in percent of the capacity, rounded down; `None` without a capacity above 0.
    pub fn percent(&self) -> Option<u64> {
        event::percent(self.depth, self.capacity())
    }
}

/// One line.
impl fmt::Display for SnapshotEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}: {}", self.tag, self.level, self.depth)?;
        if let Some(capacity) = self.capacity() {
            write!(f, " of {capacity}")?;
        }
        if let Some(percent) = self.percent() {
            write!(f, ", {percent} %")?;
        }
        write!(f, ", {} waiting", self.waiting)
    }
}

const HEADINGS: [&str; 9] =
    ["LIMIT", "CATEGORY", "LEVEL", "DEPTH", "CAPACITY", "USED", "HIGH-WATER", "WAITING", "BLOCKED"];

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = self.entries.iter().map(row).collect();
        table::write(f, &HEADINGS, 3, &rows)?;
        #[cfg(feature = "pool")]
        if !self.pools.is_empty() {
            f.write_str("\n\n")?;
            pool::write(f, &self.pools)?;
        }
        if self.ledgers.is_empty() {
            return Ok(());
        }
        f.write_str("\n\n")?;
        ledger::write(f, &self.ledgers)
    }
}

fn row(entry: &SnapshotEntry) -> [String; 9] {
    let or_dash = |number: Option<u64>| number.map_or("-".into(), |number| number.to_string());
    [
        entry.tag.label(),
        entry.category().to_string(),
        entry.level.to_string(),
        entry.depth.to_string(),
        or_dash(entry.capacity()),
        entry.percent().map_or("-".into(), |percent| format!("{percent}%")),
        entry.high_water.to_string(),
        entry.waiting.to_string(),
        format!("{:.3}s", entry.blocked.as_secs_f64()),
    ]
}

/// One answer of what a registry lists.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourceReading {
    /// The depth.
    pub(crate) depth: u64,
    /// The high-water mark.
    pub(crate) high_water: u64,
    /// The level that agrees with the depth.
    pub(crate) level: Level,
    /// How many parties are blocked on it now.
    pub(crate) waiting: u64,
    /// How long parties have been blocked on it in all.
    pub(crate) blocked: Duration,
}

impl SourceReading {
    #[inline(always)]
    pub(crate) fn new(reading: Reading, waiting: u64, blocked: Duration) -> Self {
        let Reading { depth, high_water, level, .. } = reading;
        Self { depth, high_water, level, waiting, blocked }
    }
}
