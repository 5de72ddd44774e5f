//! A pool in its registry.

use std::time::Duration;

use plimsoll_core::{SampledGauge, Watermarks};

use super::manager::Manager;
use super::shared::Shared;
use super::stats::PoolStats;
use crate::registry::Registry;
use crate::source::{Registration, Source, SourceReading};
use crate::{Limit, RegisterError};

/// How many instances are leased, as a registry sees it. Leases do not touch it: the slots tell the
/// number whenever somebody looks, which maintenance and whoever has to wait do.
pub(super) struct Board {
    gauge: SampledGauge,
    pub(super) registration: Registration,
}

impl Board {
    pub(super) fn new(
        registry: &Registry,
        limit: Limit,
        max: usize,
    ) -> Result<Self, RegisterError> {
        let watermarks = Watermarks::try_new(max as u64)?;
        let registration = registry.reserve(limit, watermarks)?;
        Ok(Self { gauge: SampledGauge::new(watermarks), registration })
    }
}

impl<M: Manager> Shared<M> {
    fn in_use(&self) -> u64 {
        self.counts().leased as u64
    }

    /// Looks whether the level has changed, and tells the registry. No lock may be held.
    pub(super) fn observe(&self) {
        if let Some(board) = &self.board {
            board.registration.emit(board.gauge.observe_with(|| self.in_use()));
        }
    }

    pub(super) fn now_us(&self) -> u64 {
        self.config.clock.now().as_micros() as u64
    }

    fn blocked(&self) -> Duration {
        Duration::from_micros(self.waiters.blocked_us(self.now_us()))
    }

    pub(super) fn read_stats(&self) -> PoolStats {
        let (counts, abandoned) = (self.counts(), self.room.abandoned());
        self.stats.read(counts, abandoned, self.waiters.waiting(), self.blocked())
    }
}

/// Read through the board, without which the registry does not know of the pool.
impl<M: Manager> Source for Shared<M> {
    fn read(&self) -> SourceReading {
        let gauge = match &self.board {
            Some(board) => &board.gauge,
            None => &SampledGauge::new(Watermarks::unbounded()),
        };
        let (reading, edge) = gauge.reading(|| self.in_use());
        if let Some(board) = &self.board {
            board.registration.emit(edge);
        }
        SourceReading::new(reading, self.waiters.waiting(), self.blocked())
    }

    fn take_high_water(&self) -> u64 {
        let take = |board: &Board| board.gauge.take_high_water(|| self.in_use());
        self.board.as_ref().map_or(0, take)
    }

    fn waiting(&self) -> u64 {
        self.waiters.waiting()
    }

    fn pool(&self) -> Option<PoolStats> {
        Some(self.read_stats())
    }
}
