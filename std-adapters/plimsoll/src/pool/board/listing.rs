//! What a registry reads of a pool.

use std::sync::Arc;
use std::time::Duration;

use super::{Board, Entry};
use crate::pool::manager::Manager;
use crate::pool::shared::Shared;
use crate::pool::stats::PoolStats;
use crate::telemetry::{Seen, Source, SourceReading};

impl Board {
    pub(in crate::pool) fn attach<M: Manager>(&self, pool: &Arc<Shared<M>>) {
        self.entry().registration.attach(pool);
    }

    /// The maximum has changed. No lock may be held.
    pub(in crate::pool) fn follow<M: Manager>(&self, pool: &Arc<Shared<M>>) {
        // Again, should another have changed it meanwhile.
        while self.resize(pool, pool.store.words.room.max()) {}
        pool.observe();
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
        // Its level, if it was raised, is cleared by that. Snapshots show the new one from the next
        // line on.
        drop(old);
        new.registration.attach(pool);
        true
    }
}

impl<M: Manager> Shared<M> {
    /// Checks whether the level has changed, and hands the edge to the registry. No lock may be
    /// held.
    pub(in crate::pool) fn observe(&self) {
        if let Some(board) = &self.board {
            let Entry { gauge, registration, .. } = &*board.entry();
            registration.emit(gauge.observe_with(|| self.store.words.leased()));
        }
    }

    pub(in crate::pool) fn read_stats(&self) -> PoolStats {
        let (leases, words) = (self.store.leases(), &self.store.words);
        let (warm, abandoned) = (words.room.warm(), words.room.abandoned());
        let (waiting, blocked) = (self.waiters.waiting(), blocked(self));
        self.stats.read(words.counts(), leases, warm, abandoned, waiting, blocked)
    }
}

/// How long checkouts have waited in all.
fn blocked<M: Manager>(shared: &Shared<M>) -> Duration {
    let now_us = shared.config.clock.now().as_micros() as u64;
    Duration::from_micros(shared.waiters.blocked_us(now_us))
}

/// Read through the board, without which the registry does not know of the pool.
impl<M: Manager> Source for Shared<M> {
    fn look(&self) -> Option<SourceReading> {
        let board = self.board.as_ref()?;
        let Entry { gauge, registration, .. } = &*board.entry();
        let (reading, edge) = gauge.reading(|| self.store.words.leased());
        registration.emit(edge);
        Some(SourceReading::new(reading, self.waiters.waiting(), blocked(self)))
    }

    fn read_into(&self, seen: &mut Seen<'_>) {
        if let Some(reading) = self.look() {
            seen.depth(reading);
            seen.pool(self.read_stats());
        }
    }

    fn take_high_water(&self) -> u64 {
        let take =
            |board: &Board| board.entry().gauge.take_high_water(|| self.store.words.leased());
        self.board.as_ref().map_or(0, take)
    }

    fn waiting(&self) -> u64 {
        self.waiters.waiting()
    }
}
