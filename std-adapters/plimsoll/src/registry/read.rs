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
        let mut reads = Reads::begin(users, &self.0.spare, keeper.is_some());
        Round { registry: &self.0, is_window, now_us, reads: &mut reads }.read(&listed);
        reads.end();
        if let Some(keeper) = keeper {
            keeper.complete(reads.entries_with_recent());
        }
        // After the reads, whose edges count.
        reads.into_snapshot(self.stats())
    }
}

struct Round<'a> {
    registry: &'a Arc<Shared>,
    is_window: bool,
    now_us: u64,
    reads: &'a mut Reads,
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
        let at_rest = if self.is_window { None } else { source.at_rest() };
        if let Some(at_rest) = at_rest {
            return self.reads.at_rest(line.id(), entry.tag(), at_rest, line.age(now_us));
        }
        self.reads.source(entry.tag(), |seen| {
            source.read_into(seen);
            if let Some(edge) = seen.take_edge() {
                self.registry.emit_found(entry, &edge);
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
    use crate::registry::Registered;

    fn depths(registry: &Registry) -> Vec<u64> {
        registry.snapshot().entries().iter().map(|row| row.depth).collect()
    }

    #[test]
    fn reg_2_a_limit_that_was_listed_before_it_is_attached_is_shown_from_then_on() {
        let (registry, watermarks) = (Registry::new(), Watermarks::new(10));
        let [held, weak] = ["held", "weak"].map(|name| registry.reserve(name, watermarks).unwrap());
        assert_eq!((depths(&registry), registry.stats().entries), (vec![], 2));
        let (held, gauge) =
            (Registered::new(held, Gauge::new(watermarks)), Arc::new(Gauge::new(watermarks)));
        weak.attach(&gauge);
        assert!(held.add(3).is_none() && gauge.add(5).is_none());
        assert_eq!(depths(&registry), [3, 5]);
        assert!(held.add(4).is_none());
        assert_eq!(depths(&registry), [7, 5]);
        drop(gauge);
        assert_eq!(depths(&registry), [7], "the place of the other is still taken");
        drop(held);
        assert!(depths(&registry).is_empty());
    }
}
