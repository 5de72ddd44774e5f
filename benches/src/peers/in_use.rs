//! The gauge that sandbox hosts put beside a queue today: three shared writes and a division to
//! count an item in, and the same to count it out.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::AcqRel, Ordering::Acquire};

/// A warning began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The depth that set it off.
    pub depth: usize,
}

/// Depth, high-water mark and a warning flag, each in an atomic of its own.
///
/// Its faults are kept, for they are part of what it costs: the three are not judged together, and
/// a decrement below zero is dropped.
#[derive(Debug)]
pub struct InUseGauge {
    capacity: usize,
    depth: AtomicUsize,
    high_water: AtomicUsize,
    warned: AtomicBool,
}

const WARN_PERCENT: usize = 80;
const CLEAR_PERCENT: usize = 50;

impl InUseGauge {
    /// An empty one.
    ///
    /// # Panics
    /// If `capacity` is 0.
    pub fn new(capacity: usize) -> InUseGauge {
        assert!(capacity > 0, "a percentage of nothing");
        InUseGauge {
            capacity,
            depth: AtomicUsize::new(0),
            high_water: AtomicUsize::new(0),
            warned: AtomicBool::new(false),
        }
    }

    /// Counts an item in.
    #[inline]
    pub fn enqueue(&self) -> Option<Warning> {
        let depth = self.depth.fetch_add(1, AcqRel) + 1;
        self.evaluate(depth)
    }

    /// Counts an item out.
    #[inline]
    pub fn dequeue(&self) -> Option<Warning> {
        let less = |depth: usize| Some(depth.saturating_sub(1));
        let before = self.depth.fetch_update(AcqRel, Acquire, less).unwrap_or_else(|depth| depth);
        self.evaluate(before.saturating_sub(1))
    }

    /// The largest depth so far.
    pub fn high_water(&self) -> usize {
        self.high_water.load(Acquire)
    }

    #[inline]
    fn evaluate(&self, depth: usize) -> Option<Warning> {
        self.high_water.fetch_max(depth, AcqRel);
        let percent = depth * 100 / self.capacity;
        if percent >= WARN_PERCENT {
            let begun = !self.warned.swap(true, AcqRel);
            return begun.then_some(Warning { depth });
        }
        if percent <= CLEAR_PERCENT {
            self.warned.swap(false, AcqRel);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_once_and_again_only_after_it_cleared() {
        let gauge = InUseGauge::new(10);
        let warnings = |count| (0..count).filter_map(|_| gauge.enqueue()).collect::<Vec<_>>();
        assert_eq!(warnings(7), []);
        assert_eq!(warnings(3), [Warning { depth: 8 }]);
        (0..4).for_each(|_| assert_eq!(gauge.dequeue(), None));
        assert_eq!(warnings(4), []);
        (0..5).for_each(|_| assert_eq!(gauge.dequeue(), None));
        assert_eq!(warnings(5), [Warning { depth: 8 }]);
        assert_eq!(gauge.high_water(), 10);
    }

    #[test]
    fn an_overtaken_decrement_is_lost_for_ever() {
        let gauge = InUseGauge::new(10);
        gauge.dequeue();
        gauge.enqueue();
        assert_eq!(gauge.high_water(), 1);
        assert_eq!(gauge.depth.load(Acquire), 1);
    }
}
