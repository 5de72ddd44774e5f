//! Snapshots: one round that reads everything registered.

use std::sync::Arc;

use super::Registry;
use super::entry::Line;
use crate::clock;
use crate::telemetry::{AtRest, Reads, Snapshot, Source};

/// How many limits are read side by side: as many as let their loads from far memory overlap.
const BATCH: usize = 32;

impl Registry {
    /// Reads each source, and up to `users` users of each ledger; `is_window` asks for the high-water
    /// marks since they were last taken.
    pub(super) fn read(&self, is_window: bool, users: usize) -> Snapshot {
        let listed = self.0.entries.listed();
        let (keeper, now_us) = (self.0.history.keeper(), clock::now_us());
        let reads = Reads::begin(users, &self.0.spare, keeper.is_some());
        let mut round = Round { is_window, now_us, reads };
        if !listed.is_empty() {
            let mut batch = Batch::default();
            listed.chunks(BATCH).for_each(|lines| batch.read(lines, &mut round));
        }
        let mut snapshot = round.reads.end();
        if let Some(keeper) = keeper {
            keeper.complete(snapshot.entries_with_recent());
        }
        // After the reads, whose edges count.
        snapshot.taken(self.stats())
    }
}

struct Round {
    is_window: bool,
    now_us: u64,
    reads: Reads,
}

/// What is read side by side.
#[derive(Default)]
struct Batch {
    /// `None` between two batches.
    sources: [Option<Arc<dyn Source>>; BATCH],
    at_rest: [Option<AtRest>; BATCH],
}

impl Batch {
    /// Reads up to `BATCH` sources in steps, each of all of them. A processor waits for memory in many
    /// places at once, unless a locked operation stands between them. The steps with locked
    /// operations find their words in the cache.
    fn read(&mut self, lines: &[Line], round: &mut Round) {
        lines.iter().for_each(Line::touch);
        for (line, source) in lines.iter().zip(&mut self.sources) {
            *source = line.source();
        }
        // A window takes each mark.
        let is_window = round.is_window;
        for (source, at_rest) in self.sources[..lines.len()].iter().zip(&mut self.at_rest) {
            let source = source.as_ref().filter(|_| !is_window);
            *at_rest = source.and_then(|source| source.at_rest());
        }
        let mut place = 0;
        while let (Some(line), Some(source)) = (lines.get(place), self.sources.get(place)) {
            let at_rest = self.at_rest[place];
            if at_rest.is_some() {
                let still = round.on_still_at_rest(&lines[place..], &self.at_rest[place..]);
                if still > 0 {
                    place += still;
                    continue;
                }
            }
            if let Some(source) = source {
                round.on_any(line, &**source, at_rest);
            }
            place += 1;
        }
        // The last user of a source may have gone meanwhile: then it is dropped here.
        self.sources.iter_mut().for_each(|source| *source = None);
    }
}

impl Round {
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
    fn on_any(&mut self, line: &Line, source: &dyn Source, at_rest: Option<AtRest>) {
        let (entry, now_us) = (&*line.entry, self.now_us);
        if let Some(at_rest) = at_rest {
            return self.reads.at_rest(line.id(), entry.tag(), at_rest, line.age(now_us));
        }
        self.reads.source(entry.tag(), |seen| {
            source.read_into(seen);
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
    use crate::telemetry::SourceReading;

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
