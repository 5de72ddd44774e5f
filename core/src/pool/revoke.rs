//! Revocation of a slot whose holder does not come to an end.

use super::slots::PoolSlots;
use super::table::SlotTable;
use super::token::{Condemned, Observed, SlotId};
use super::word::Event;

impl<S: SlotTable> PoolSlots<S> {
    /// What is at this place, for [`revoke`](Self::revoke). The caller then decides whether it has
    /// been so for too long, by what it reads *after* this call: that is at least as new as the word.
    ///
    /// # Returns
    /// `None` if there is no such place, or nobody holds it.
    pub fn observe(&self, id: SlotId) -> Option<Observed> {
        // Acquire: what earlier holders have noted beside the slot is seen from here on.
        let (word, _) = self.slot(id)?.look_with_age();
        word.transition_on(Event::Revoke).to().map(|_| Observed(self.held(id, word)))
    }

    /// Condemns a slot that is being built, lent or condemned, though another holds its token: one that
    /// hangs, and is given up. The slot gets a new token, and the holder's is refused from then on, as
    /// a [foreign one](super::ForeignToken) is. The object is still the holder's: the slot is not to be
    /// vacated before the holder has returned its token.
    ///
    /// # Returns
    /// `None` if the slot is not as it was observed: its holder has got on.
    ///
    /// # Progress
    /// Wait-free: one exchange.
    ///
    /// # Example
    /// ```
    /// use plimsoll_core::pool::{PoolId, PoolSlot, PoolSlots, SlotId, SlotState, Tenant};
    ///
    /// let slots: PoolSlots<[PoolSlot; 1]> = PoolSlots::new(PoolId::new(1));
    /// let hangs = slots.reserve(Tenant::NONE).ok_or("full")?;
    /// let observed = slots.observe(hangs.slot()).ok_or("nobody holds it")?;
    /// assert_eq!(observed.state(), SlotState::Building);
    /// let revoked = slots.revoke(observed).ok_or("it has got on")?;
    ///
    /// assert!(slots.finish_leased(hangs).is_err(), "too late");
    /// slots.vacate(revoked)?;
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn revoke(&self, observed: Observed) -> Option<Condemned> {
        let held = observed.0;
        if held.pool() != self.id() {
            return None;
        }
        let next = self.slot(held.slot())?.revoke(held.word)?;
        Some(self.token(held.slot(), next))
    }
}
