//! How many instances there are, and how many there may be.
//!
//! Slots are reserved and vacated under the queue's lock, where those that count are counted. Those
//! of calls that were abandoned count no more (POOL-12): they lie beside the pool's room, in slots
//! that are added when they are needed.

mod slots;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use plimsoll_core::pool::{Condemned, PoolCounts};

use crate::pool::config::{Config, Isolation};
use crate::pool::error::CheckoutError;

/// How many instances there may be, and how many there are. Under the queue's lock.
pub(super) struct Room {
    pub(super) max: usize,
    /// As many as suit the maximum, if `None`.
    pub(super) warm: Option<usize>,
    pub(super) min: usize,
    isolation: Isolation,
    /// Slots that are not vacant, without those that were abandoned.
    pub(super) held: usize,
    /// Slots whose holder was given up, by their numbers: with the token that the holder has lost, until
    /// it comes back and takes it.
    pub(super) abandoned: HashMap<usize, Option<Condemned>>,
}

impl Room {
    pub(super) fn new(config: &Config) -> Self {
        let Config { max, warm, min, isolation, .. } = *config;
        Self { max, warm, min, isolation, held: 0, abandoned: HashMap::new() }
    }

    /// How many idle instances are kept ready.
    pub(super) fn warm(&self) -> usize {
        let suits = match self.isolation {
            Isolation::Fresh => self.max - self.max / 4,
            Isolation::PerPrincipal | Isolation::Shared => 0,
        };
        self.warm.unwrap_or(suits).min(self.max)
    }

    pub(super) fn is_full(&self) -> bool {
        self.held >= self.max
    }

    /// There are more than there may be by now (POOL-17).
    pub(super) fn is_over(&self) -> bool {
        self.held > self.max
    }

    /// Why so many are never gathered, if they are not.
    pub(super) fn too_many(&self, asked: usize) -> Option<CheckoutError> {
        let max = self.max;
        (asked > max).then_some(CheckoutError::TooMany { asked, max })
    }

    /// Nothing lives, and nothing can come to live any more but by a build that is begun.
    pub(super) fn is_empty(&self) -> bool {
        self.held == 0 && self.abandoned.is_empty()
    }
}

/// The same numbers, for whoever does not take the lock. Every access is Relaxed: numbers of their own.
pub(super) struct RoomReading {
    max: AtomicUsize,
    warm: AtomicUsize,
    min: AtomicUsize,
    abandoned: AtomicUsize,
}

impl RoomReading {
    pub(super) fn new(room: &Room) -> Self {
        let zero = || AtomicUsize::new(0);
        let reading = Self { max: zero(), warm: zero(), min: zero(), abandoned: zero() };
        reading.note(room);
        reading
    }

    pub(super) fn max(&self) -> usize {
        self.max.load(Ordering::Relaxed)
    }

    /// How many of so many instances, idle and in all, are neither kept ready nor needed for the least
    /// that there are to be.
    pub(super) fn spare(&self, counts: PoolCounts) -> usize {
        let beyond_warm = counts.idle.saturating_sub(self.warm.load(Ordering::Relaxed));
        beyond_warm.min(usable(counts).saturating_sub(self.min.load(Ordering::Relaxed)))
    }

    pub(super) fn abandoned(&self) -> usize {
        self.abandoned.load(Ordering::Relaxed)
    }

    pub(super) fn note(&self, room: &Room) {
        self.max.store(room.max, Ordering::Relaxed);
        self.warm.store(room.warm(), Ordering::Relaxed);
        self.min.store(room.min.min(room.max), Ordering::Relaxed);
        self.abandoned.store(room.abandoned.len(), Ordering::Relaxed);
    }
}

/// How many instances are lent, or can be, or are made to be.
pub(super) fn usable(counts: PoolCounts) -> usize {
    counts.building + counts.idle + counts.leased
}
