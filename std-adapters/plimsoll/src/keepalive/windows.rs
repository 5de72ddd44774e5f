//! The windows of the watched runs, and what follows from the shortest.

use std::collections::BTreeMap;
use std::time::Duration;

/// How many runs have which window, in nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Windows(BTreeMap<u64, u32>);

impl Windows {
    pub(super) fn add(&mut self, window_ns: u64) {
        *self.0.entry(window_ns).or_default() += 1;
    }

    pub(super) fn remove(&mut self, window_ns: u64) {
        if let Some(runs) = self.0.get_mut(&window_ns) {
            *runs -= 1;
            if *runs == 0 {
                self.0.remove(&window_ns);
            }
        }
    }

    fn shortest_ns(&self) -> u64 {
        self.0.keys().next().copied().unwrap_or(0)
    }

    pub(super) fn shortest(&self) -> Duration {
        Duration::from_nanos(self.shortest_ns())
    }

    /// How late a silence of such a window may be reported: two ticks of the watcher or 5 % of the
    /// window, whichever is more (LIVE-8). `half` is the length of half a tick.
    pub(super) fn slack_ns(window_ns: u64, half: Duration) -> u64 {
        let half_ns = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
        half_ns.saturating_mul(4).max(window_ns / 20)
    }

    /// The slack of the shortest window.
    pub(super) fn slack(&self, half: Duration) -> Duration {
        Duration::from_nanos(Self::slack_ns(self.shortest_ns(), half))
    }

    /// A lag above this is a stall of the host: half of the shortest window, or two ticks. A guest
    /// that notifies twice per window does not fall silent by a lag below.
    pub(super) fn stall_above(&self, half: Duration) -> Duration {
        half.saturating_mul(4).max(self.shortest() / 2)
    }
}
