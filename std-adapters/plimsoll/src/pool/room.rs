//! How many instances there are, and how many there may be.
//!
//! Slots are reserved and vacated under the queue's lock, where those that count are counted. Those
//! of calls that were abandoned count no more (POOL-12): they lie beside the pool's room, in slots
//! that are added when they are needed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;
use plimsoll_core::pool::{Building, Condemned, PoolCounts, PoolSlot, Tenant};

use super::config::{Config, Isolation};
use super::dispatch::Queue;
use super::error::CheckoutError;
use super::live::Place;
use super::manager::Manager;
use super::shared::Shared;

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

impl<M: Manager> Shared<M> {
    /// How many instances are in which state, without what was abandoned.
    pub(super) fn counts(&self) -> PoolCounts {
        let mut counts = self.slots.counts();
        counts.condemned = counts.condemned.saturating_sub(self.room.abandoned());
        counts.vacant = self.room.max().saturating_sub(counts.live());
        counts
    }

    /// A slot for one instance more, if there may be one.
    pub(super) fn reserve(&self, queue: &mut Queue) -> Option<Building> {
        if queue.room.is_full() {
            return None;
        }
        let building = match self.slots.reserve(Tenant::NONE) {
            None => {
                // Places first: a slot that is seen has one.
                self.places.grow(|| CachePadded::new(Place::empty()));
                self.slots.table().grow(PoolSlot::new);
                self.slots.reserve(Tenant::NONE)
            }
            found => found,
        }?;
        queue.room.held += 1;
        Some(building)
    }

    /// The instance of a condemned slot is gone. Its holder may have been given up meanwhile.
    pub(super) fn vacate(&self, queue: &mut Queue, condemned: Condemned) {
        let slot = condemned.slot().index();
        let vacated = self.slots.vacate(condemned).is_ok();
        self.leave(queue, slot, vacated);
    }

    /// Nothing has come of a build.
    pub(super) fn fail(&self, queue: &mut Queue, building: Building) {
        let slot = building.slot().index();
        let failed = self.slots.fail(building).is_ok();
        self.leave(queue, slot, failed);
    }

    /// A slot is vacant, or is so now: by the token that its holder has lost.
    fn leave(&self, queue: &mut Queue, slot: usize, is_vacant: bool) {
        let Some(lost) = queue.room.abandoned.remove(&slot) else {
            debug_assert!(is_vacant, "who was not given up has its token");
            queue.room.held -= 1;
            return;
        };
        if let (false, Some(condemned)) = (is_vacant, lost) {
            self.slots.vacate(condemned).expect("nobody else has this token");
        }
        self.room.note(&queue.room);
    }
}
