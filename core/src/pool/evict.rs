//! Eviction: the order in which idle slots go.

use core::cmp::Reverse;

use super::moment::Moment;
use super::slots::PoolSlots;
use super::table::SlotTable;
use super::tenant::Tenant;
use super::token::{Condemned, SlotId};
use super::word::SlotWord;
use crate::keepalive::Tick;

impl<S: SlotTable> PoolSlots<S> {
    /// Condemns the slot that has been idle longest, of any tenant, if that was `before` this moment
    /// or at it.
    ///
    /// # Returns
    /// `None` if no slot has been idle for so long.
    ///
    /// # Progress
    /// Lock-free: it looks at all slots, and again if another has changed the one it chose.
    pub fn evict(&self, before: Tick) -> Option<Condemned> {
        self.evict_coldest(|_, since| since.tick() <= before)
    }

    /// Condemns the slot that has been idle longest of those that are another tenant's, to make room
    /// for this one. Slots of [`Tenant::NONE`] are left: they can be taken and claimed.
    ///
    /// # Returns
    /// `None` if no such slot is idle.
    ///
    /// # Progress
    /// Lock-free, as [`evict`](Self::evict).
    pub fn evict_other(&self, tenant: Tenant) -> Option<Condemned> {
        self.evict_coldest(|word, _| word.tenant() != tenant && !word.tenant().is_none())
    }

    /// Condemns this slot, if it is idle.
    ///
    /// # Returns
    /// `None` if it is not, or another was faster, or there is no such slot.
    pub fn evict_at(&self, id: SlotId) -> Option<Condemned> {
        let slot = self.slot(id)?;
        let next = slot.evict(slot.look())?;
        Some(self.token(id, next))
    }

    fn evict_coldest(&self, may_go: impl Fn(SlotWord, Moment) -> bool) -> Option<Condemned> {
        loop {
            let idle = self.all().filter_map(|(id, slot)| {
                let (word, since) = slot.look_with_age();
                (word.is_idle() && may_go(word, since)).then_some((since, Reverse(id), slot, word))
            });
            let (_, Reverse(id), slot, word) = idle.min_by_key(|(since, id, ..)| (*since, *id))?;
            if let Some(next) = slot.evict(word) {
                return Some(self.token(id, next));
            }
        }
    }
}
