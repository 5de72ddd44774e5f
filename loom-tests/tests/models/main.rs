//! Models of `plimsoll-core`, and of words of the pool of `plimsoll`.
extern crate plimsoll_loom as plimsoll_core;

mod budget;
mod common;
mod counts;
mod flow;
mod freeze;
mod gauge;
mod hand_over;
mod keepalive;
mod ledger;
mod levels;
mod marks;
mod places;
mod pool;
mod pressure;
mod ring;
mod sampled;
mod twins;

/// What files of `plimsoll` take from its own `sync`.
mod sync {
    pub(crate) use loom::hint::spin_loop;
    pub(crate) use loom::sync::{RwLock as ShardedLock, RwLockReadGuard as ShardedLockReadGuard};
    pub(crate) use plimsoll_loom::model::{AtomicU64, Ordering};
}

/// What files of `plimsoll` take from its own `telemetry`.
mod telemetry {
    use std::time::Duration;

    use plimsoll_loom::Level;

    #[derive(Debug, Default)]
    pub(crate) struct LevelTotal {
        pub(crate) raised: u64,
        pub(crate) held: Duration,
    }

    #[derive(Debug, Default)]
    pub(crate) struct LevelTotals {
        pub(crate) normal: LevelTotal,
        pub(crate) elevated: LevelTotal,
        pub(crate) critical: LevelTotal,
        pub(crate) full: LevelTotal,
    }

    impl LevelTotals {
        pub(crate) fn of(&self, level: Level) -> &LevelTotal {
            match level {
                Level::Normal => &self.normal,
                Level::Elevated => &self.elevated,
                Level::Critical => &self.critical,
                Level::Full => &self.full,
            }
        }
    }
}
