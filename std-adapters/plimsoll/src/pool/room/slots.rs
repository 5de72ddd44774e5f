//! Slots that are reserved and vacated.

use crossbeam_utils::CachePadded;
use plimsoll_core::pool::{Building, Condemned, PoolCounts, PoolSlot, Tenant};

use crate::pool::dispatch::Queue;
use crate::pool::live::Place;
use crate::pool::manager::Manager;
use crate::pool::shared::Shared;

impl<M: Manager> Shared<M> {
    /// How many instances are in which state, without what was abandoned.
    pub(in crate::pool) fn counts(&self) -> PoolCounts {
        let mut counts = self.slots.counts();
        counts.condemned = counts.condemned.saturating_sub(self.room.abandoned());
        counts.vacant = self.room.max().saturating_sub(counts.live());
        counts
    }

    /// A slot for one instance more, if there may be one.
    pub(in crate::pool) fn reserve(&self, queue: &mut Queue) -> Option<Building> {
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
    pub(in crate::pool) fn vacate(&self, queue: &mut Queue, condemned: Condemned) {
        let slot = condemned.slot().index();
        let vacated = self.slots.vacate(condemned).is_ok();
        self.leave(queue, slot, vacated);
    }

    /// Nothing has come of a build.
    pub(in crate::pool) fn fail(&self, queue: &mut Queue, building: Building) {
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
