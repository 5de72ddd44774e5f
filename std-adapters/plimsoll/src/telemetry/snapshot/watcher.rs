//! The keep-alive watchers of a snapshot.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::table;
use crate::telemetry::tag::{Tag, tag_accessors};

/// One keep-alive watcher of a [`Snapshot`](super::Snapshot). It is an entry, too: of how many runs
/// are watched.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SnapshotWatcher {
    #[cfg_attr(feature = "serde", serde(flatten, with = "crate::telemetry::ser::name"))]
    pub(crate) tag: Arc<Tag>,
    /// Runs that are watched now.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub watched: u64,
    /// Of these, the ones that are late, and not silent yet.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub late: u64,
    /// Of these, the ones that are silent.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub silent: u64,
    /// Silences in all.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub silences: u64,
    /// Recoveries in all.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub recoveries: u64,
    /// Stalls of the host in all: times in which the watcher itself was not run for longer than
    /// half of the shortest window.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub stalls: u64,
    /// Times at which so many runs fell silent together that the host was suspected, and they were
    /// spared.
    #[cfg_attr(feature = "serde", serde(with = "crate::telemetry::ser::integer"))]
    pub suspicions: u64,
    /// How late the watcher is.
    #[cfg_attr(feature = "serde", serde(rename = "lag_us", with = "crate::telemetry::ser::us"))]
    pub lag: Duration,
}

tag_accessors!(SnapshotWatcher);

const WATCHERS: [&str; 9] = [
    "WATCHER",
    "WATCHED",
    "LATE",
    "SILENT",
    "SILENCES",
    "RECOVERIES",
    "STALLS",
    "SUSPICIONS",
    "LAG",
];

pub(super) fn write(f: &mut fmt::Formatter<'_>, watchers: &[SnapshotWatcher]) -> fmt::Result {
    let rows: Vec<_> = watchers.iter().map(row).collect();
    table::write(f, &WATCHERS, 1, &rows)
}

fn row(watcher: &SnapshotWatcher) -> [String; 9] {
    let SnapshotWatcher { watched, late, silent, silences, recoveries, stalls, .. } = watcher;
    let [watched, late, silent, silences, recoveries, stalls] =
        [watched, late, silent, silences, recoveries, stalls].map(u64::to_string);
    let (suspicions, lag) = (watcher.suspicions.to_string(), format!("{:.1?}", watcher.lag));
    let label = watcher.tag.label();
    [label, watched, late, silent, silences, recoveries, stalls, suspicions, lag]
}
