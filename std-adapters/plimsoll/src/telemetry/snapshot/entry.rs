//! The limits of a snapshot.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::{Level, Watermarks};

use super::table;
use crate::telemetry::event;
use crate::telemetry::reading::{AtRest, SourceReading};
use crate::telemetry::tag::{Tag, tag_accessors};

/// One limit of a [`Snapshot`](super::Snapshot).
// What changes of a limit at rest is on the first of its cache lines.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
#[repr(C, align(64))]
pub struct SnapshotEntry {
    #[cfg_attr(feature = "serde", serde(flatten, with = "crate::telemetry::ser::limit"))]
    pub(crate) tag: Arc<Tag>,
    /// Its number in the registry, by the order of registration: no other limit has had it, or
    /// will. Limits of one name and scope are told apart by it.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub id: u64,
    /// The depth, in the limit's own unit.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub depth: u64,
    /// The largest depth there has been, or in this window if
    /// [`snapshot_window`](crate::Registry::snapshot_window) was asked; never below `depth`.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub high_water: u64,
    /// The level that agrees with the depth.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::level"))]
    pub level: Level,
    /// How often each level was entered, and for how long it has held, by its edges.
    #[cfg_attr(feature = "serde", serde(default))]
    pub levels: LevelTotals,
    /// How many waiters are blocked on it.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub waiting: u64,
    /// How long waiters have been blocked on it in all.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "blocked_us", with = "crate::telemetry::ser::us")
    )]
    pub blocked: Duration,
    /// What has gone through it; `None` of what is no channel.
    #[cfg_attr(feature = "serde", serde(default))]
    pub flow: Option<SnapshotFlow>,
    /// What is known of its last minutes; `None` if the registry has no
    /// [history](crate::Registry::history), or has not looked at the limit yet.
    #[cfg_attr(feature = "serde", serde(default))]
    pub recent: Option<SnapshotRecent>,
}

/// What has gone through a channel, and what has not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SnapshotFlow {
    /// Items sent; `None` without [`flow_totals`](crate::Limit::flow_totals).
    #[cfg_attr(feature = "serde", serde(default, with = "crate::telemetry::ser::maybe_integer"))]
    pub sent: Option<u64>,
    /// Items received; `None` without [`flow_totals`](crate::Limit::flow_totals).
    #[cfg_attr(feature = "serde", serde(default, with = "crate::telemetry::ser::maybe_integer"))]
    pub received: Option<u64>,
    /// How long the oldest item has been there, to within a tick of 10 ms and never more than it
    /// has; `None` if there is none, or without [`flow_totals`](crate::Limit::flow_totals).
    #[cfg_attr(
        feature = "serde",
        serde(rename = "oldest_age_us", default, with = "crate::telemetry::ser::maybe_us")
    )]
    pub oldest_age: Option<Duration>,
    /// Sends that came to nothing.
    pub refused: RefusedSends,
}

/// Sends that came to nothing, by what they met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RefusedSends {
    /// There was no room, and they did not wait.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub full: u64,
    /// There was no room for as long as they would wait.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "timeout", with = "crate::telemetry::ser::integer")
    )]
    pub timed_out: u64,
    /// Nobody received any more.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub closed: u64,
}

/// The levels of a limit since it was registered, as its edges tell. The time is all of the time
/// since then, that of the level that holds included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
#[repr(C)]
pub struct LevelTotals {
    /// Below the first watermark. It is not raised to, so that its count is 0.
    pub normal: LevelTotal,
    /// At the first pair of watermarks.
    pub elevated: LevelTotal,
    /// At the second pair.
    pub critical: LevelTotal,
    /// At the third pair.
    pub full: LevelTotal,
}

/// How often one level was entered, and for how long it has held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct LevelTotal {
    /// Edges that rose to it.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub raised: u64,
    /// How long it has held in all.
    #[cfg_attr(feature = "serde", serde(rename = "held_us", with = "crate::telemetry::ser::us"))]
    pub held: Duration,
}

/// A limit over its last minutes, as its registry's [history](crate::Registry::history) has seen it
/// a second ago or less.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SnapshotRecent {
    /// For how much of the last 10 s waiters were blocked: the difference of the blocked times over
    /// the time. 1 is one waiter all of the time; with more of them it is more. Of a shorter time if
    /// the history is younger, and `None` before it has looked twice.
    #[cfg_attr(feature = "serde", serde(default))]
    pub blocked_share_10s: Option<f64>,
    /// The same of the last 60 s.
    #[cfg_attr(feature = "serde", serde(default))]
    pub blocked_share_60s: Option<f64>,
    /// The largest depth of the last minute that is over; `None` before one is. A minute ends with
    /// the first look that comes 60 s or more after it began.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::telemetry::ser::maybe_integer"))]
    pub peak_minute: Option<u64>,
}

impl LevelTotals {
    /// The numbers of one level.
    pub const fn of(&self, level: Level) -> &LevelTotal {
        match level {
            Level::Normal => &self.normal,
            Level::Elevated => &self.elevated,
            Level::Critical => &self.critical,
            Level::Full => &self.full,
        }
    }

    /// How often a level above normal was entered.
    pub const fn raised(&self) -> u64 {
        self.elevated.raised.saturating_add(self.critical.raised).saturating_add(self.full.raised)
    }

    /// How long a level above normal has held.
    pub fn pressed(&self) -> Duration {
        let Self { elevated, critical, full, .. } = self;
        elevated.held.saturating_add(critical.held).saturating_add(full.held)
    }
}

impl RefusedSends {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.full.saturating_add(self.timed_out).saturating_add(self.closed)
    }
}

tag_accessors!(SnapshotEntry);

impl SnapshotEntry {
    pub(in crate::telemetry) fn unread(tag: Arc<Tag>) -> Self {
        let ((level, blocked), levels) = ((Level::Normal, Duration::ZERO), LevelTotals::default());
        let (depth, high_water, waiting) = (0, 0, 0);
        let (id, flow, recent) = (0, None, None);
        Self { tag, id, depth, high_water, level, waiting, blocked, levels, flow, recent }
    }

    /// Makes it the row of the limit with this tag, whatever limit it was the row of.
    #[inline(always)]
    pub(in crate::telemetry) fn begin(&mut self, tag: &Arc<Tag>) {
        if !Arc::ptr_eq(&self.tag, tag) {
            self.tag = tag.clone();
        }
        (self.flow, self.recent) = (None, None);
    }

    #[inline(always)]
    pub(in crate::telemetry) fn set(&mut self, reading: SourceReading) {
        let SourceReading { depth, high_water, level, waiting, blocked, edge: _ } = reading;
        (self.depth, self.high_water, self.level) = (depth, high_water, level);
        (self.waiting, self.blocked) = (waiting, blocked);
    }

    /// Writes all that changes of a limit that stays at rest.
    #[inline(always)]
    pub(in crate::telemetry) fn rest(&mut self, read: AtRest, normal: Duration) {
        (self.depth, self.high_water) = (read.depth(), read.high_water());
        self.levels.normal.held = normal;
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

    /// Whether it has more to tell than its depth, and who waits.
    fn has_passed(&self) -> bool {
        let moved = |flow: SnapshotFlow| flow.sent.is_some() || flow.refused.total() > 0;
        self.recent.is_some() || self.flow.is_some_and(moved)
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

const DEPTHS: [&str; 9] =
    ["LIMIT", "CATEGORY", "LEVEL", "DEPTH", "CAPACITY", "USED", "HIGH-WATER", "WAITING", "BLOCKED"];

const PASSED: [&str; 10] = [
    "LIMIT",
    "SENT",
    "RECEIVED",
    "REFUSED",
    "OLDEST",
    "RAISED",
    "PRESSED",
    "BLOCKED-10S",
    "BLOCKED-60S",
    "PEAK-MINUTE",
];

/// One table, or two if something has more to tell.
pub(super) fn write(f: &mut fmt::Formatter<'_>, entries: &[SnapshotEntry]) -> fmt::Result {
    let rows: Vec<_> = entries.iter().map(row).collect();
    table::write(f, &DEPTHS, 3, &rows)?;
    let passed: Vec<_> = entries.iter().filter(|entry| entry.has_passed()).map(passed).collect();
    if passed.is_empty() {
        return Ok(());
    }
    f.write_str("\n\n")?;
    table::write(f, &PASSED, 1, &passed)
}

fn row(entry: &SnapshotEntry) -> [String; 9] {
    [
        entry.tag.label(),
        entry.category().to_string(),
        entry.level.to_string(),
        entry.depth.to_string(),
        or_dash(entry.capacity()),
        entry.percent().map_or("-".into(), |percent| format!("{percent}%")),
        entry.high_water.to_string(),
        entry.waiting.to_string(),
        seconds(entry.blocked),
    ]
}

fn passed(entry: &SnapshotEntry) -> [String; 10] {
    let flow = entry.flow.unwrap_or_default();
    let recent = entry.recent.unwrap_or_default();
    let percent = |share: Option<f64>| or_dash(share.map(|share| format!("{:.1}%", share * 100.0)));
    [
        entry.tag.label(),
        or_dash(flow.sent),
        or_dash(flow.received),
        or_dash(entry.flow.map(|flow| flow.refused.total())),
        or_dash(flow.oldest_age.map(seconds)),
        entry.levels.raised().to_string(),
        seconds(entry.levels.pressed()),
        percent(recent.blocked_share_10s),
        percent(recent.blocked_share_60s),
        or_dash(recent.peak_minute),
    ]
}

fn seconds(time: Duration) -> String {
    format!("{:.3}s", time.as_secs_f64())
}

fn or_dash(known: Option<impl ToString>) -> String {
    known.map_or("-".into(), |known| known.to_string())
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;

    #[test]
    fn what_changes_of_a_limit_at_rest_is_on_one_cache_line() {
        let held = offset_of!(SnapshotEntry, levels) + offset_of!(LevelTotals, normal);
        assert!(held + size_of::<LevelTotal>() <= 64 && align_of::<SnapshotEntry>() >= 64);
        assert!(offset_of!(SnapshotEntry, depth).max(offset_of!(SnapshotEntry, high_water)) < 64);
    }
}
