//! What the slots should be.

use std::cmp::Reverse;

use plimsoll_core::pool::{PoolCounts, SlotId, SlotState, Tenant};

/// What a slot should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) state: SlotState,
    pub(super) owner: Tenant,
    pub(super) since: u64,
}

const VACANT: Place = Place { state: SlotState::Vacant, owner: Tenant::NONE, since: 0 };

/// Since when a place is idle, and which it is: the largest is the hottest, the least the coldest.
pub(super) type Heat = (u64, Reverse<usize>);

/// What all slots should be.
pub(super) struct Places(pub(super) Vec<Place>);

impl Places {
    pub(super) fn vacant(count: usize) -> Places {
        Places(vec![VACANT; count])
    }

    /// A slot that was in the one state is in the other.
    pub(super) fn change(&mut self, slot: SlotId, from: SlotState, to: SlotState, now: u64) {
        let place = &mut self.0[slot.index()];
        assert_eq!(place.state, from, "POOL-2");
        *place = match to {
            SlotState::Vacant => VACANT,
            SlotState::Idle => Place { state: to, since: now, ..*place },
            _ => Place { state: to, ..*place },
        };
    }

    pub(super) fn first_vacant(&self) -> Option<usize> {
        self.0.iter().position(|place| place.state == SlotState::Vacant)
    }

    pub(super) fn is_idle(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(|place| place.state == SlotState::Idle)
    }

    /// The idle ones that are `wanted`.
    pub(super) fn idle(&self, wanted: impl Fn(&Place) -> bool) -> Vec<Heat> {
        let places = self.0.iter().enumerate();
        let idle = places.filter(|(_, place)| place.state == SlotState::Idle && wanted(place));
        idle.map(|(at, place)| (place.since, Reverse(at))).collect()
    }

    pub(super) fn counts(&self) -> PoolCounts {
        let mut counts = PoolCounts::default();
        for place in &self.0 {
            *match place.state {
                SlotState::Vacant => &mut counts.vacant,
                SlotState::Building => &mut counts.building,
                SlotState::Idle => &mut counts.idle,
                SlotState::Leased => &mut counts.leased,
                SlotState::Condemned => &mut counts.condemned,
            } += 1;
        }
        counts
    }
}
