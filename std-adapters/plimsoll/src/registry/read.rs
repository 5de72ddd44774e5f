//! Snapshots: one round that reads everything registered.

use std::sync::Arc;

use super::entry::Line;
use super::{Registry, Shared};
use crate::clock;
use crate::telemetry::{Reads, Snapshot};

impl Registry {
    /// Reads each source, and up to `users` users of each ledger; `is_window` asks for the high-water
    /// marks since they were last taken.
    pub(super) fn read(&self, is_window: bool, users: usize) -> Snapshot {
        let listed = self.0.entries.listed();
        let (keeper, now_us) = (self.0.history.keeper(), clock::now_us());
        let reads = Reads::begin(users, &self.0.spare, keeper.is_some());
        let mut round = Round { registry: &self.0, is_window, now_us, reads };
        round.read(&listed);
        let mut snapshot = round.reads.end();
        if let Some(keeper) = keeper {
            keeper.complete(snapshot.entries_with_recent());
        }
        // After the reads, whose edges count.
        snapshot.taken(self.stats())
    }
}

struct Round<'a> {
    registry: &'a Arc<Shared>,
    is_window: bool,
    now_us: u64,
    reads: Reads,
}

impl Round<'_> {
    fn read(&mut self, mut lines: &[Line]) {
        while !lines.is_empty() {
            // A window takes each mark.
            let still = if self.is_window { 0 } else { self.on_still_at_rest(lines) };
            lines = &lines[still..];
            if let Some((line, rest)) = lines.split_first() {
                self.on_any(line);
                lines = rest;
            }
        }
    }

    /// Limits that were at rest in the last snapshot, too, up to the first that was not.
    #[inline(always)]
    fn on_still_at_rest(&mut self, lines: &[Line]) -> usize {
        let now_us = self.now_us;
        self.reads.still_at_rest(lines.iter().map_while(|line| {
            let at_rest = line.source()?.at_rest()?;
            Some((line.id(), at_rest, line.age(now_us)))
        }))
    }

    #[inline]
    fn on_any(&mut self, line: &Line) {
        let (entry, now_us) = (&line.entry, self.now_us);
        let Some(source) = line.source() else { return };
        if let Some(at_rest) = source.at_rest().filter(|_| !self.is_window) {
            return self.reads.at_rest(line.id(), entry.tag(), at_rest, line.age(now_us));
        }
        self.reads.source(entry.tag(), |seen| {
            source.read_into(seen);
            if let Some(edge) = seen.take_edge() {
                self.registry.emit(entry, &edge);
            }
            let Some(seen) = seen.entry() else { return };
            seen.id = entry.id();
            entry.levels.read_into(now_us, &mut seen.levels);
            if self.is_window {
                let taken = entry.marks.take_for_window(source.take_high_water());
                seen.high_water = taken.max(seen.depth);
            }
        });
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::sync::Arc;

    use plimsoll_core::{Gauge, Watermarks};

    use super::*;
    use crate::telemetry::{AtRest, Source, SourceReading};

    struct Plain(Gauge);

    impl Source for Plain {
        fn look(&self) -> Option<SourceReading> {
            Some(SourceReading::unblocked(self.0.reading()))
        }

        fn at_rest(&self) -> Option<AtRest> {
            self.0.depths_before_edges().map(AtRest::new)
        }
    }

    #[test]
    fn reg_2_a_limit_that_was_listed_before_it_is_attached_is_shown_from_then_on() {
        let (registry, watermarks) = (Registry::new(), Watermarks::new(10));
        let place = registry.reserve("late", watermarks).unwrap();
        assert_eq!((registry.snapshot().entries().len(), registry.stats().entries), (0, 1));
        let source = Arc::new(Plain(Gauge::new(watermarks)));
        place.attach(&source);
        assert!(source.0.add(3).is_none());
        let depths =
            || registry.snapshot().entries().iter().map(|row| row.depth).collect::<Vec<_>>();
        assert_eq!(depths(), [3]);
        assert!(source.0.add(4).is_none());
        assert_eq!(depths(), [7]);
        drop(source);
        assert!(depths().is_empty(), "its place is still taken");
    }
}
