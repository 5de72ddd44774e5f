//! What a registry reads of a pool.

use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::{Reading, SampledGauge, Watermarks};

use super::{Board, Entry};
use crate::pool::manager::Manager;
use crate::pool::shared::Shared;
use crate::pool::stats::PoolStats;
use crate::source::{Source, SourceReading};

impl Board {
    pub(in crate::pool) fn attach<M: Manager>(&self, pool: &Arc<Shared<M>>) {
        self.entry().registration.attach(pool);
    }

    /// The maximum has changed: the pool is registered anew.
    ///
    /// # Returns
    /// Whether it was: a registry that is full goes on by the number that it knows.
    fn resize<M: Manager>(&self, pool: &Arc<Shared<M>>, max: usize) -> bool {
        if self.entry().max == max {
            return false;
        }
        let Ok(new) = Entry::new(&self.registry, self.limit.clone(), max) else { return false };
        let old = std::mem::replace(&mut *self.entry.lock(), new.clone());
        // Its level, if it was raised, is cleared by that. Snapshots show the new one from the next line on.
        drop(old);
        new.registration.attach(pool);
        true
    }
}

impl<M: Manager> Shared<M> {
    fn in_use(&self) -> u64 {
        self.counts().leased as u64
    }

    /// Looks whether the level has changed, and tells the registry. No lock may be held.
    pub(in crate::pool) fn observe(&self) {
        if let Some(board) = &self.board {
            let Entry { gauge, registration, .. } = &*board.entry();
            registration.emit(gauge.observe_with(|| self.in_use()));
        }
    }

    /// The maximum has changed. No lock may be held.
    pub(in crate::pool) fn resize_board(&self) {
        let Some((board, me)) = self.board.as_ref().zip(self.me.upgrade()) else { return };
        // Again, should another have changed it meanwhile.
        while board.resize(&me, self.room.max()) {}
        self.observe();
    }

    pub(in crate::pool) fn now_us(&self) -> u64 {
        self.config.clock.now().as_micros() as u64
    }

    fn blocked(&self) -> Duration {
        Duration::from_micros(self.waiters.blocked_us(self.now_us()))
    }

    fn source_reading(&self, reading: Reading) -> SourceReading {
        SourceReading::new(reading, self.waiters.waiting(), self.blocked())
    }

    pub(in crate::pool) fn read_stats(&self) -> PoolStats {
        let (counts, abandoned) = (self.counts(), self.room.abandoned());
        self.stats.read(counts, abandoned, self.waiters.waiting(), self.blocked())
    }
}

/// Read through the board, without which the registry does not know of the pool.
impl<M: Manager> Source for Shared<M> {
    fn read(&self) -> SourceReading {
        let Some(board) = &self.board else {
            let gauge = SampledGauge::new(Watermarks::unbounded());
            return self.source_reading(gauge.reading(|| self.in_use()).0);
        };
        let Entry { gauge, registration, .. } = &*board.entry();
        let (reading, edge) = gauge.reading(|| self.in_use());
        registration.emit(edge);
        self.source_reading(reading)
    }

    fn take_high_water(&self) -> u64 {
        let take = |board: &Board| board.entry().gauge.take_high_water(|| self.in_use());
        self.board.as_ref().map_or(0, take)
    }

    fn waiting(&self) -> u64 {
        self.waiters.waiting()
    }

    fn pool(&self) -> Option<PoolStats> {
        Some(self.read_stats())
    }
}
