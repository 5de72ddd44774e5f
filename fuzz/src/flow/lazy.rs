//! A plain sampled gauge beside the flow gauge.

use plimsoll_core::{Edge, MAX_CAPACITY, SampledGauge};

use super::assert_reading;
use crate::Seen;
use crate::machine::{Machine, assert_edge};
use crate::marks::Marks;

/// A plain sampled gauge whose user looks now and then: it knows what was there at each look.
pub(super) struct Lazy<'g> {
    gauge: &'g SampledGauge,
    machine: Machine,
    marks: Marks,
    stride: u8,
    moves: u8,
}

impl<'g> Lazy<'g> {
    pub(super) fn new(gauge: &'g SampledGauge, machine: Machine, stride: u8) -> Self {
        Lazy { gauge, machine, marks: Marks::default(), stride, moves: 0 }
    }

    pub(super) fn after_move(&mut self, length: u64, seen: &mut Seen) {
        self.moves += 1;
        if self.moves < self.stride {
            return;
        }
        self.moves = 0;
        self.look(length, seen);
    }

    pub(super) fn look(&mut self, depth: u64, seen: &mut Seen) {
        let mut looks = 0;
        let edge = self.gauge.observe_with(|| {
            looks += 1;
            depth
        });
        let again = edge.is_some() || depth > MAX_CAPACITY;
        assert_eq!(looks, 1 + u32::from(again), "GAUGE-7: a second look for an edge only");
        self.on_look(depth.min(MAX_CAPACITY), edge, seen);
        assert_eq!(self.gauge.level(), self.machine.level(), "GAUGE-4");
        assert_eq!(self.gauge.high_water(), self.marks.lifetime(), "GAUGE-5");
    }

    fn on_look(&mut self, length: u64, edge: Option<Edge>, seen: &mut Seen) {
        self.marks.on_depth(length);
        assert_edge(edge, self.machine.on_depth(length));
        if let Some(edge) = edge {
            seen.note("sampled edge");
            let mut marks = self.machine.limits().levels.iter().flat_map(|(high, low)| [high, low]);
            seen.note_if(marks.all(|mark| *mark != edge.depth()), "sampled edge late");
        }
    }

    pub(super) fn take_mark(&mut self, length: u64) {
        let taken = self.gauge.take_high_water(|| length);
        assert_eq!(taken, self.marks.take(length), "GAUGE-5");
    }

    pub(super) fn read(&mut self, length: u64, seen: &mut Seen) {
        let (reading, edge) = self.gauge.reading(|| length);
        self.on_look(length, edge, seen);
        assert_reading(&reading, length, &self.machine, &self.marks);
    }
}
