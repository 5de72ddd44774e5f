//! Supply: which slot is on its way to which waiter.

use super::{FairQueue, Ticket};

impl<W> FairQueue<W> {
    /// Whether a principal that may have `room` more has a waiter without supply on its way.
    pub(in crate::pool::scheduler) fn lacks_supply(&self, key: u64, room: usize) -> bool {
        let entry = self.entries.get(&key);
        entry.is_some_and(|entry| entry.supplied < entry.places.len().min(room))
    }

    /// Takes supply that is on its way and assigned to no waiter.
    pub(in crate::pool::scheduler) fn take_unassigned(&mut self) -> Option<usize> {
        self.unassigned.pop()
    }

    /// How much supply is on its way and assigned to no waiter.
    pub(in crate::pool::scheduler) fn unassigned(&self) -> usize {
        self.unassigned.len()
    }

    /// Assigns supply to the first waiter of a principal that has none; to no waiter, if there is
    /// no such one.
    pub(in crate::pool::scheduler) fn assign(&mut self, slot: usize, key: Option<u64>) {
        let entry = key.and_then(|key| self.entries.get_mut(&key));
        let place = entry.and_then(|entry| {
            let place = entry.places.iter_mut().find(|(_, place)| place.supply.is_none())?;
            entry.supplied += 1;
            Some(place)
        });
        match (key, place) {
            (Some(principal), Some((number, place))) => {
                place.supply = Some(slot);
                self.assigned.insert(slot, Ticket { principal, number: *number });
            }
            _ => self.unassigned.push(slot),
        }
    }

    /// A slot is on its way no more.
    ///
    /// # Returns
    /// The waiter that it was assigned to.
    pub(in crate::pool::scheduler) fn arrived(&mut self, slot: usize) -> Option<Ticket> {
        let Some(ticket) = self.assigned.remove(&slot) else {
            self.unassigned.retain(|other| *other != slot);
            return None;
        };
        let entry = self.entries.get_mut(&ticket.principal)?;
        let place = entry.places.get_mut(&ticket.number)?;
        place.supply = None;
        entry.supplied -= 1;
        Some(ticket)
    }

    /// Whether this waiter's principal is at its cap.
    pub(in crate::pool::scheduler) fn is_parked(&self, ticket: Ticket) -> bool {
        self.entries.get(&ticket.principal).is_some_and(|entry| entry.turn.is_none())
    }

    /// Whether supply is on its way to this waiter.
    pub(in crate::pool::scheduler) fn is_supplied(&self, ticket: Ticket) -> bool {
        self.supply_of(ticket).is_some()
    }

    /// The slot that is on its way to this waiter.
    pub(in crate::pool::scheduler) fn supply_of(&self, ticket: Ticket) -> Option<usize> {
        self.entries.get(&ticket.principal)?.places.get(&ticket.number)?.supply
    }
}
