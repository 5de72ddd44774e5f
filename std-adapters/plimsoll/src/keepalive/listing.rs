//! What a registry reads of a watcher.

use std::sync::Arc;

use super::shared::Shared;
use crate::sync::{AtomicU64, Ordering};
use crate::telemetry::{Seen, SnapshotWatcher, Source, SourceReading, Tag};

impl Source for Shared {
    fn look(&self) -> Option<SourceReading> {
        self.gauges.registration.emit(self.gauges.watched.settle());
        Some(SourceReading::unblocked(self.gauges.watched.reading()))
    }

    fn read_into(&self, seen: &mut Seen<'_>) {
        if let Some(reading) = self.look() {
            let watched = reading.depth;
            seen.depth(reading);
            seen.watcher(|tag| self.numbers(tag, watched));
        }
    }

    fn take_high_water(&self) -> u64 {
        self.gauges.watched.take_high_water()
    }
}

impl Shared {
    fn numbers(&self, tag: Arc<Tag>, watched: u64) -> SnapshotWatcher {
        let (late, stalls) = {
            let mut table = self.table.lock();
            (table.late(&self.trackers) as u64, table.time.stall_count())
        };
        // Relaxed: numbers of their own.
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SnapshotWatcher {
            tag,
            watched,
            late,
            silent: self.gauges.silent.count.depth(),
            silences: count(&self.counts.silences),
            recoveries: count(&self.counts.recoveries),
            stalls,
            suspicions: count(&self.counts.suspicions),
            lag: self.lag.now_late(),
        }
    }
}
