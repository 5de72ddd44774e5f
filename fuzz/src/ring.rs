//! The [`Ring`] against a bounded list, one operation after the other.
//!
//! Judged: REG-4 (each record once, whole and in order; refusals counted), and which capacities make a
//! ring.

use std::collections::VecDeque;

use arbitrary::{Arbitrary, Result, Unstructured};
use plimsoll_core::{Ring, RingError, RingFull, RingSlot};

use crate::{Plan, Seen};

/// One plan: a number of slots, then operations.
#[derive(Debug)]
pub struct Job {
    slots: u16,
    ops: Vec<Op>,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    /// So many records.
    Push(u8),
    Pop(u8),
    /// One in and one out, so often.
    Cycle(u8),
    /// A new ring in the same slots.
    Renew,
}

impl<'a> Arbitrary<'a> for Job {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Job> {
        let slots = match bytes.arbitrary::<u8>()? {
            log2 @ 0..=7 => 2 << log2,
            odd => odd.into(),
        };
        let mut ops = Vec::new();
        while !bytes.is_empty() {
            ops.push(match bytes.arbitrary::<u8>()? {
                push @ 0..=99 => Op::Push(push % 50),
                pop @ 100..=199 => Op::Pop(pop % 50),
                cycle @ 200..=249 => Op::Cycle(cycle - 199),
                250..=254 => Op::Cycle(u8::MAX),
                _ => Op::Renew,
            });
        }
        Ok(Job { slots, ops })
    }
}

impl Plan for Job {
    const REACHABLE: &'static [&'static [&'static str]] =
        &[&["refused capacity", "full", "empty", "second lap", "hundredth lap", "used slots"]];

    fn check(&self) -> Seen {
        let mut seen = Seen::default();
        let capacity = usize::from(self.slots);
        let mut slots: Vec<_> = (0..capacity).map(|_| RingSlot::new()).collect();
        for ops in self.ops.split_inclusive(|op| matches!(op, Op::Renew)) {
            match Ring::with_slots(slots.as_mut_slice()) {
                Ok(ring) => Pair::new(ring, capacity).run(ops, &mut seen),
                Err(error) => {
                    assert!(!capacity.is_power_of_two() || capacity < 2, "refused {capacity}");
                    assert_eq!(error, RingError::Capacity { capacity });
                    assert!(error.to_string().contains(&capacity.to_string()));
                    seen.note("refused capacity");
                }
            }
        }
        seen
    }
}

/// The ring and what should be in it.
struct Pair<'s> {
    ring: Ring<&'s mut [RingSlot]>,
    records: VecDeque<[u64; 4]>,
    capacity: usize,
    pushed: u64,
    dropped: u64,
}

impl<'s> Pair<'s> {
    fn new(ring: Ring<&'s mut [RingSlot]>, capacity: usize) -> Self {
        assert!(capacity.is_power_of_two() && capacity >= 2, "accepted {capacity}");
        Pair { ring, records: VecDeque::new(), capacity, pushed: 0, dropped: 0 }
    }

    fn run(mut self, ops: &[Op], seen: &mut Seen) {
        for op in ops {
            match *op {
                Op::Push(times) => (0..times).for_each(|_| self.push(seen)),
                Op::Pop(times) => (0..times).for_each(|_| self.pop(seen)),
                Op::Cycle(times) => {
                    for _ in 0..times {
                        self.push(seen);
                        self.pop(seen);
                    }
                }
                Op::Renew => seen.note_if(!self.records.is_empty(), "used slots"),
            }
            assert_eq!(self.ring.dropped(), self.dropped, "REG-4");
            assert_eq!(self.ring.capacity(), self.capacity);
        }
        let laps = self.pushed / self.capacity as u64;
        seen.note_if(laps >= 2, "second lap");
        seen.note_if(laps >= 100, "hundredth lap");
    }

    fn push(&mut self, seen: &mut Seen) {
        // No two records share a word.
        let record = [0, 1, 2, 3].map(|word| (self.pushed * 4 + word) ^ u64::MAX << 20);
        if self.records.len() == self.capacity {
            self.dropped += 1;
            assert_eq!(self.ring.push(record), Err(RingFull), "REG-4");
            seen.note("full");
            return;
        }
        assert_eq!(self.ring.push(record), Ok(()), "REG-4");
        self.records.push_back(record);
        self.pushed += 1;
    }

    fn pop(&mut self, seen: &mut Seen) {
        let record = self.records.pop_front();
        assert_eq!(self.ring.pop(), record, "REG-4");
        seen.note_if(record.is_none(), "empty");
    }
}
