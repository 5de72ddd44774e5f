//! The gauge that sandbox hosts put beside a queue today: three shared writes and a division to
//! count an item in, and the same to count it out.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::AcqRel, Ordering::Acquire};
use std::sync::{Arc, Mutex, PoisonError, Weak};

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

/// One gauge of an [`InUseList`] at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InUseUsage {
    /// What the gauge is called.
    pub name: &'static str,
    /// Its depth.
    pub depth: usize,
    /// The largest depth so far.
    pub high_water: usize,
    /// The most that there may be.
    pub capacity: usize,
    /// The depth in percent of the capacity.
    pub percent: usize,
}

/// The list that such hosts keep of their gauges. To read it, or to add to it, locks it.
#[derive(Debug, Default)]
pub struct InUseList(Mutex<Vec<(&'static str, Weak<InUseGauge>)>>);

impl InUseList {
    /// A new gauge, listed for as long as a handle lives.
    ///
    /// # Panics
    /// If `capacity` is 0.
    pub fn register(&self, name: &'static str, capacity: usize) -> Arc<InUseGauge> {
        let gauge = Arc::new(InUseGauge::new(capacity));
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.push((name, Arc::downgrade(&gauge)));
        gauge
    }

    /// Reads all gauges, and forgets those that nobody has any more.
    pub fn snapshot(&self) -> Vec<InUseUsage> {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut usages = Vec::with_capacity(list.len());
        list.retain(|(name, gauge)| {
            let Some(gauge) = gauge.upgrade() else { return false };
            let (depth, capacity) = (gauge.depth.load(Acquire), gauge.capacity);
            let (high_water, percent) = (gauge.high_water(), depth * 100 / capacity);
            usages.push(InUseUsage { name, depth, high_water, capacity, percent });
            true
        });
        usages
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
    fn a_list_has_the_gauges_with_a_handle() {
        let list = InUseList::default();
        let (one, two) = (list.register("one", 10), list.register("two", 4));
        one.enqueue();
        let usages: Vec<_> = list.snapshot().iter().map(|it| (it.name, it.percent)).collect();
        assert_eq!(usages, [("one", 10), ("two", 0)]);
        drop(one);
        assert_eq!(list.snapshot().len(), 1);
        drop(two);
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
