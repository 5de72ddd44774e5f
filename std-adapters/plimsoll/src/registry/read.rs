//! Snapshots: one round that reads everything registered.

use std::sync::Arc;

use super::entry::Line;
use super::{Registry, Shared};
use crate::clock;
use crate::telemetry::{AtRest, Reads, Snapshot};

/// How many limits are read side by side: as many as let their loads from far memory overlap.
const BATCH: usize = 32;

impl Registry {
    /// Reads each source, and up to `users` users of each ledger; `is_window` asks for the high-water
    /// marks since they were last taken.
    pub(super) fn read(&self, is_window: bool, users: usize) -> Snapshot {
        let listed = self.0.entries.listed();
        let (keeper, now_us) = (self.0.history.keeper(), clock::now_us());
        let reads = Reads::begin(users, &self.0.spare, keeper.is_some());
        let mut round = Round { registry: &self.0, is_window, now_us, reads };
        let mut at_rest = [None; BATCH];
        listed.chunks(BATCH).for_each(|lines| round.batch(lines, &mut at_rest));
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
    /// Reads up to `BATCH` limits: first all that are at rest, so that their loads overlap.
    fn batch(&mut self, lines: &[Line], at_rest: &mut [Option<AtRest>; BATCH]) {
        // A window takes each mark.
        if !self.is_window {
            for (line, at_rest) in lines.iter().zip(&mut *at_rest) {
                *at_rest = line.source().and_then(|source| source.at_rest());
            }
        }
        let mut place = 0;
        while let (Some(line), Some(at_rest_now)) = (lines.get(place), at_rest.get(place)) {
            let still = match at_rest_now {
                Some(_) => self.on_still_at_rest(&lines[place..], &at_rest[place..]),
                None => 0,
            };
            if still == 0 {
                self.on_any(line, *at_rest_now);
            }
            place += still.max(1);
        }
    }

    /// Limits that were at rest in the last snapshot, too, up to the first that was not.
    #[inline(always)]
    fn on_still_at_rest(&mut self, lines: &[Line], at_rest: &[Option<AtRest>]) -> usize {
        let now_us = self.now_us;
        self.reads.still_at_rest(lines.iter().zip(at_rest).map_while(|(line, at_rest)| {
            let at_rest = *at_rest;
            at_rest.map(|at_rest| (line.id(), at_rest, line.age(now_us)))
        }))
    }

    #[inline]
    fn on_any(&mut self, line: &Line, at_rest: Option<AtRest>) {
        let (entry, now_us) = (&line.entry, self.now_us);
        if let Some(at_rest) = at_rest {
            return self.reads.at_rest(line.id(), entry.tag(), at_rest, line.age(now_us));
        }
        let Some(source) = line.source() else { return };
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
    use crate::telemetry::{Source, SourceReading};

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
