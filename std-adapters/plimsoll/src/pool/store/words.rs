//! The atomic words of a pool that do not depend on the type of its objects.

use plimsoll_core::pool::{Demand, PoolCounts, PoolSlot, PoolSlots};

use super::table::Table;
use crate::sync::{AtomicUsize, Ordering};

/// What leases and decisions both read and change, without a lock.
pub(in crate::pool) struct Words {
    pub(in crate::pool) slots: PoolSlots<Table<PoolSlot>>,
    pub(in crate::pool) demand: Demand,
    pub(in crate::pool) room: RoomReading,
}

impl Words {
    pub(in crate::pool) fn new(slots: PoolSlots<Table<PoolSlot>>) -> Self {
        Self { slots, demand: Demand::new(), room: RoomReading::default() }
    }

    /// How many instances are leased.
    pub(in crate::pool) fn leased(&self) -> u64 {
        self.slots.counts().leased as u64
    }

    /// How many instances are in which state, without what was abandoned.
    pub(in crate::pool) fn counts(&self) -> PoolCounts {
        let mut counts = self.slots.counts();
        counts.condemned = counts.condemned.saturating_sub(self.room.abandoned());
        counts.vacant = self.room.max().saturating_sub(counts.live());
        counts
    }
}

/// How many instances there may be, for readers that do not take the scheduler's lock, under which
/// it is [noted](Self::note). Every access is Relaxed: numbers of their own.
#[derive(Default)]
pub(in crate::pool) struct RoomReading {
    max: AtomicUsize,
    warm: AtomicUsize,
    min: AtomicUsize,
    abandoned: AtomicUsize,
}

impl RoomReading {
    pub(in crate::pool) fn max(&self) -> usize {
        self.max.load(Ordering::Relaxed)
    }

    /// How many of so many instances, idle and in all, are neither kept ready nor needed for the
    /// least that there are to be.
    pub(in crate::pool) fn spare(&self, counts: PoolCounts) -> usize {
        let beyond_warm = counts.idle.saturating_sub(self.warm());
        beyond_warm.min(usable(counts).saturating_sub(self.min.load(Ordering::Relaxed)))
    }

    /// How many idle instances are kept ready.
    pub(in crate::pool) fn warm(&self) -> usize {
        self.warm.load(Ordering::Relaxed)
    }

    pub(in crate::pool) fn abandoned(&self) -> usize {
        self.abandoned.load(Ordering::Relaxed)
    }

    pub(in crate::pool) fn note(&self, max: usize, warm: usize, min: usize, abandoned: usize) {
        self.max.store(max, Ordering::Relaxed);
        self.warm.store(warm, Ordering::Relaxed);
        self.min.store(min.min(max), Ordering::Relaxed);
        self.abandoned.store(abandoned, Ordering::Relaxed);
    }
}

/// How many instances are leased, idle or being built.
pub(in crate::pool) fn usable(counts: PoolCounts) -> usize {
    counts.building + counts.idle + counts.leased
}
