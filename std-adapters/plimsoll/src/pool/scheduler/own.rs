//! Waits that only the principal itself could end (POOL-15).

use plimsoll_core::pool::{Observed, SlotState, Tenant};

use super::state::Scheduler;
use super::stock::Stock;
use crate::pool::error::CheckoutError;
use crate::pool::principal::{Load, PrincipalState};

impl Scheduler {
    /// Whether `more` instances could come to a principal only if it gave up some that it has.
    pub(super) fn would_wait_for_itself(
        &self,
        stock: &dyn Stock,
        principal: &PrincipalState,
        more: usize,
    ) -> Option<CheckoutError> {
        if self.rules.waits_for_own {
            return None;
        }
        let in_use = Load::of(principal).in_use as usize;
        let error = |held, max| CheckoutError::WaitsForItself { held, asked: more, max };
        if let Some(cap) = self.rules.cap.filter(|cap| in_use.saturating_add(more) > *cap) {
            return Some(error(in_use, cap));
        }
        let held = self.held_by(stock, principal.tenant, more)?;
        // Twice the same: it has held all of them at one moment.
        let again = self.held_by(stock, principal.tenant, more)?;
        (held == again && !held.is_empty()).then(|| error(held.len(), self.room.max))
    }

    /// The slots that are leased to a tenant; `None` as soon as there are as many as it asks for
    /// that it does not hold itself.
    fn held_by(&self, stock: &dyn Stock, tenant: Tenant, asked: usize) -> Option<Vec<Observed>> {
        let slots = &stock.words().slots;
        let mut others = self.room.max.saturating_sub(self.room.held);
        let mut held = Vec::new();
        for (id, view) in slots.views() {
            if others >= asked {
                return None;
            }
            let is_counted = !self.room.abandoned.contains_key(&id.index());
            if view.state == SlotState::Vacant || !is_counted {
                continue;
            }
            let lent = slots.observe(id).filter(|lent| lent.state() == SlotState::Leased);
            let is_own = lent.zip(stock.hands(id.index()));
            match is_own.filter(|(lent, hands)| hands.is_lent(*lent, tenant)) {
                Some((lent, _)) => held.push(lent),
                None => others += 1,
            }
        }
        (others < asked).then_some(held)
    }
}
