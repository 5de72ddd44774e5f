//! Waits that only the principal itself could end (POOL-15).

use plimsoll_core::pool::{Observed, SlotState, Tenant};

use super::dispatch::Queue;
use super::error::CheckoutError;
use super::manager::Manager;
use super::principal::{Load, PrincipalState};
use super::shared::Shared;

impl<M: Manager> Shared<M> {
    /// Whether `more` instances could come to a principal only if it gave up some that it has.
    pub(super) fn would_wait_for_itself(
        &self,
        queue: &Queue,
        principal: &PrincipalState,
        more: usize,
    ) -> Option<CheckoutError> {
        if self.config.waits_for_own {
            return None;
        }
        let in_use = Load::of(principal).in_use as usize;
        let error = |held, max| CheckoutError::WaitsForItself { held, asked: more, max };
        if let Some(cap) = self.config.cap.filter(|cap| in_use.saturating_add(more) > *cap) {
            return Some(error(in_use, cap));
        }
        let held = self.held_by(queue, principal.tenant, more)?;
        // Twice the same: it has held all of them at one moment.
        let again = self.held_by(queue, principal.tenant, more)?;
        (held == again && !held.is_empty()).then(|| error(held.len(), queue.room.max))
    }

    /// The slots that are lent to a tenant; `None` as soon as there are as many as it asks for that it
    /// does not hold itself.
    fn held_by(&self, queue: &Queue, tenant: Tenant, asked: usize) -> Option<Vec<Observed>> {
        let mut others = queue.room.max.saturating_sub(queue.room.held);
        let mut held = Vec::new();
        for (place, view) in self.places.iter().zip(self.slots.views()) {
            let (id, view) = view;
            if others >= asked {
                return None;
            }
            let is_counted = !queue.room.abandoned.contains_key(&id.index());
            if view.state == SlotState::Vacant || !is_counted {
                continue;
            }
            let lent = self.slots.observe(id).filter(|lent| lent.state() == SlotState::Leased);
            match lent.filter(|lent| place.hands.is_lent(*lent, tenant)) {
                Some(lent) => held.push(lent),
                None => others += 1,
            }
        }
        (others < asked).then_some(held)
    }
}
