//! Counts of a pool's slots, and views of them.

use super::slot::PoolSlot;
use super::tenant::Tenant;
use super::word::SlotState;
use crate::keepalive::Tick;

/// How many slots are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// Slots without an object.
    pub vacant: usize,
    /// Slots whose object is being made.
    pub building: usize,
    /// Slots whose object waits for a lease.
    pub idle: usize,
    /// Slots whose object is lent.
    pub leased: usize,
    /// Slots whose object is to be dropped.
    pub condemned: usize,
}

impl PoolCounts {
    pub(super) fn of<'a>(slots: impl Iterator<Item = &'a PoolSlot>) -> PoolCounts {
        let mut counts = PoolCounts::default();
        slots.for_each(|slot| {
            *match slot.look().state() {
                SlotState::Vacant => &mut counts.vacant,
                SlotState::Building => &mut counts.building,
                SlotState::Idle => &mut counts.idle,
                SlotState::Leased => &mut counts.leased,
                SlotState::Condemned => &mut counts.condemned,
            } += 1;
        });
        counts
    }

    /// Objects that there are, or are about to be.
    pub const fn live(&self) -> usize {
        self.building + self.idle + self.leased + self.condemned
    }

    /// All slots.
    pub const fn capacity(&self) -> usize {
        self.vacant + self.live()
    }
}

/// One slot at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotView {
    /// What it is.
    pub state: SlotState,
    /// Whose it is.
    pub tenant: Tenant,
    /// Since when it is idle; `None` in any other state.
    pub idle_since: Option<Tick>,
}

impl SlotView {
    pub(super) fn of(slot: &PoolSlot) -> SlotView {
        let (word, since) = slot.look_with_age();
        let idle_since = word.is_idle().then_some(since.tick());
        SlotView { state: word.state(), tenant: word.tenant(), idle_since }
    }
}
