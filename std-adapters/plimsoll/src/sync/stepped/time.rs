//! A time that goes on when a wait runs out.

use std::cell::Cell;
use std::time::Duration;

// All threads of a model run on one thread of the system.
std::thread_local! {
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// A wait of so long has run out.
pub(super) fn pass(time: Duration) {
    NOW.set(NOW.get().saturating_add(time));
}

/// As of the standard library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(NOW.get())
    }

    pub(crate) fn checked_add(self, time: Duration) -> Option<Self> {
        // As far as a real one goes, more or less.
        self.0.checked_add(time).filter(|time| time.as_secs() < u64::from(u32::MAX)).map(Self)
    }

    pub(crate) fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    pub(crate) fn elapsed(self) -> Duration {
        Self::now().saturating_duration_since(self)
    }
}

/// As of `crossbeam_utils`, with one turn for the others.
pub(crate) struct Backoff(Cell<bool>);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(Cell::new(false))
    }

    pub(crate) fn snooze(&self) {
        self.0.set(true);
        shuttle::thread::yield_now();
    }

    pub(crate) fn is_completed(&self) -> bool {
        self.0.get()
    }
}
