//! Slots that are reserved and vacated.

use plimsoll_core::pool::{Building, Condemned, SlotId, Tenant};

use super::state::Scheduler;
use super::stock::Stock;

impl Scheduler {
    /// A slot for one instance more, if there may be one.
    pub(super) fn reserve(&mut self, stock: &dyn Stock) -> Option<Building> {
        if self.room.is_full() {
            return None;
        }
        let slots = &stock.words().slots;
        let building = slots.reserve(Tenant::NONE).or_else(|| {
            stock.grow();
            slots.reserve(Tenant::NONE)
        })?;
        self.room.held += 1;
        Some(building)
    }

    /// The instance of a condemned slot is gone. Its holder may have been given up meanwhile.
    pub(super) fn vacate(&mut self, stock: &dyn Stock, condemned: Condemned) {
        let slot = condemned.slot().index();
        let vacated = stock.words().slots.vacate(condemned).is_ok();
        self.leave(stock, slot, vacated);
    }

    /// A build has ended without an instance.
    pub(super) fn fail(&mut self, stock: &dyn Stock, building: Building) {
        let slot = building.slot().index();
        let failed = stock.words().slots.fail(building).is_ok();
        self.leave(stock, slot, failed);
    }

    /// A slot is vacant, or is so now: by the token that its holder has lost.
    fn leave(&mut self, stock: &dyn Stock, slot: usize, is_vacant: bool) {
        let Some(lost) = self.room.abandoned.remove(&slot) else {
            debug_assert!(is_vacant, "a holder that was not given up has its token");
            self.room.held -= 1;
            return;
        };
        if let (false, Some(condemned)) = (is_vacant, lost) {
            stock.words().slots.vacate(condemned).expect("nobody else has this token");
        }
        self.room.publish(stock.words());
    }

    /// The token that the holder of a slot has lost.
    pub(super) fn take_lost(&mut self, slot: SlotId) -> Option<Condemned> {
        let lost = self.room.abandoned.get_mut(&slot.index())?.take();
        debug_assert!(lost.is_some(), "one comes back");
        lost
    }
}
