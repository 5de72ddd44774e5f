//! The high-water mark of a limit since it was last taken, for two takers.

use crate::sync::{AtomicU64, Ordering};

/// A gauge has one mark, and to take it ends its window. Of what one taker takes, the other gets
/// its part here: so [`snapshot_window`](crate::Registry::snapshot_window) and the
/// [history](super::History) take nothing from each other.
///
/// Every access is Relaxed: the marks carry no other data. A mark that both take at one moment can
/// come to one of them with its next take.
#[derive(Debug, Default)]
pub(super) struct Marks {
    for_window: AtomicU64,
    for_history: AtomicU64,
}

impl Marks {
    /// The largest depth since the last window; `taken` is the one since the last take of either
    /// taker.
    pub(super) fn take_for_window(&self, taken: u64) -> u64 {
        self.for_history.fetch_max(taken, Ordering::Relaxed);
        taken.max(self.for_window.swap(0, Ordering::Relaxed))
    }

    /// The same since the history's last take.
    pub(super) fn take_for_history(&self, taken: u64) -> u64 {
        self.for_window.fetch_max(taken, Ordering::Relaxed);
        taken.max(self.for_history.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_core::{Gauge, Watermarks};

    use super::*;

    #[test]
    fn gauge_5_neither_taker_takes_a_mark_from_the_other() {
        let (gauge, marks) = (Gauge::new(Watermarks::new(100)), Marks::default());
        let window = || marks.take_for_window(gauge.take_high_water());
        let history = || marks.take_for_history(gauge.take_high_water());
        let visit = |depth| drop(gauge.permit(depth));
        visit(50);
        assert_eq!((history(), history(), window(), window()), (50, 0, 50, 0));
        visit(30);
        assert_eq!((window(), window(), history(), history()), (30, 0, 30, 0));
        visit(20);
        assert_eq!(history(), 20);
        visit(10);
        assert_eq!((history(), window(), window()), (10, 20, 0));
        let _held = gauge.permit(5);
        assert_eq!((history(), window(), history(), window()), (5, 5, 5, 5));
    }
}
