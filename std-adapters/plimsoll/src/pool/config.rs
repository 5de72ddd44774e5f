//! The configuration of a pool.

use std::time::Duration;

use plimsoll_core::pool::Tenant;

use crate::clock::Clock;

/// Which principals may lease a used instance (POOL-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Isolation {
    /// None: every lease gets an instance that was never used. They are built ahead and torn
    /// down in the background, as far as it keeps up: see
    /// [`Manager::may_run_inline`](super::Manager::may_run_inline).
    #[default]
    Fresh,
    /// Only the principal that has used it, until it is retired.
    PerPrincipal,
    /// Every principal. What a lease leaves behind in an object, the next one finds: right for
    /// objects that hold no principal's data (a connection, a buffer that is cleared), or where all
    /// principals trust each other.
    Shared,
}

impl Isolation {
    /// The owner of instances that a tenant has used.
    pub(super) fn owner(self, tenant: Tenant) -> Tenant {
        match self {
            Self::PerPrincipal => tenant,
            Self::Fresh | Self::Shared => Tenant::NONE,
        }
    }
}

/// What builds, retires and keeps time for a pool.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Background {
    /// Threads of the pool's own: one for each build and each retirement at a time, one that keeps
    /// time. They end when the pool is drained.
    #[default]
    Threads,
    /// Tasks on a tokio runtime with timers. When the runtime goes, the pool closes.
    #[cfg(feature = "tokio")]
    Tokio(tokio::runtime::Handle),
    /// Only the caller of [`Pool::step`](super::Pool::step): for a host with a loop of its own, and
    /// for tests.
    Manual,
}

/// For how long a principal is refused whose leases end in faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backoff {
    /// Faults that are forgiven, less clean completions.
    pub(super) after: u32,
    pub(super) base: Duration,
    pub(super) max: Duration,
}

impl Backoff {
    /// How long it is refused at `faults` faults: doubled by each, up to the longest.
    pub(super) fn keep_off(&self, faults: u32) -> Option<Duration> {
        let beyond = faults.checked_sub(self.after)?;
        Some(self.base.saturating_mul(1 << beyond.min(30)).min(self.max))
    }
}

/// When an instance is retired: by its uses, its age, its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct RetireBounds {
    pub(super) uses: Option<u32>,
    pub(super) age: Option<Duration>,
    pub(super) bytes: Option<u64>,
    pub(super) jitter_percent: u8,
}

impl RetireBounds {
    /// `whole`, or up to `jitter_percent` less of it; at least one.
    pub(super) fn jittered(&self, whole: u64, random: u64) -> u64 {
        let spread = u128::from(whole) * u128::from(self.jitter_percent) / 100;
        let less = (spread * u128::from(random >> 32)) >> 32;
        (whole - less as u64).max(1)
    }
}

/// All settings of a pool, checked.
pub(super) struct Config {
    /// At first: see [`Room`](super::scheduler::Room).
    pub(super) max: usize,
    /// As many as suit the maximum, if `None`.
    pub(super) warm: Option<usize>,
    pub(super) min: usize,
    pub(super) builders: usize,
    pub(super) drops: usize,
    pub(super) isolation: Isolation,
    pub(super) cap: Option<usize>,
    pub(super) waiting_max: Option<usize>,
    pub(super) line_max: Option<usize>,
    pub(super) waits_for_own: bool,
    pub(super) wait_timeout: Option<Duration>,
    pub(super) build_timeout: Option<Duration>,
    /// The same for what resets and destroys.
    pub(super) cleanup_timeout: Option<Duration>,
    /// As many as the maximum, if `None`.
    pub(super) max_abandoned: Option<usize>,
    pub(super) retirement: RetireBounds,
    pub(super) idle_age: Option<Duration>,
    pub(super) evictions_per_tick: usize,
    pub(super) backoff: Option<Backoff>,
    pub(super) tick: Duration,
    pub(super) clock: Box<dyn Clock>,
}

impl Config {
    /// How many retirements are done in one batch, if nobody waits: with instances for a single
    /// use, when a quarter of the `warm` ones is left.
    pub(super) fn batch(&self, warm: usize) -> usize {
        match self.isolation {
            Isolation::Fresh => (warm - warm / 4).max(1),
            Isolation::PerPrincipal | Isolation::Shared => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pool_8_a_lifetime_is_cut_by_the_jitter_at_most() {
        let plain = RetireBounds::default();
        assert_eq!((plain.jittered(100, 0), plain.jittered(100, u64::MAX)), (100, 100));
        let some = RetireBounds { jitter_percent: 20, ..plain };
        assert_eq!((some.jittered(100, 0), some.jittered(100, u64::MAX)), (100, 81));
        assert_eq!(some.jittered(100, 1 << 63), 90);
        let most = RetireBounds { jitter_percent: 90, ..plain };
        assert_eq!(most.jittered(1, u64::MAX), 1, "never nothing");
        assert!(most.jittered(u64::MAX, u64::MAX) >= u64::MAX / 10);
    }

    #[test]
    fn a_back_off_doubles_up_to_its_longest() {
        let ms = Duration::from_millis;
        let backoff = Backoff { after: 3, base: ms(10), max: ms(70) };
        let by_fault: Vec<_> = (2..8).map(|faults| backoff.keep_off(faults)).collect();
        let expected = [None, Some(ms(10)), Some(ms(20)), Some(ms(40)), Some(ms(70)), Some(ms(70))];
        assert_eq!(by_fault, expected);
        assert_eq!(backoff.keep_off(u32::MAX), Some(ms(70)));
    }
}
