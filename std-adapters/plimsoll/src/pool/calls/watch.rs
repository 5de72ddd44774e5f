//! Calls of the manager that are watched, and abandoned.

use plimsoll_core::pool::{Condemned, Observed, SlotId, SlotState};

#[cfg(feature = "tokio")]
use super::Calling;
use super::LOOKS;
use crate::clock::ceil_ms;
use crate::pool::after::After;
use crate::pool::dispatch::Queue;
use crate::pool::hands::Holding;
use crate::pool::live::Live;
use crate::pool::manager::Manager;
use crate::pool::shared::Shared;
use crate::pool::waiter::Outcome;
use crate::pool::work::Doomed;

impl<M: Manager> Shared<M> {
    /// Calls the manager in the name of a slot. The call contains its panics.
    #[inline(always)]
    pub(in crate::pool) fn call_in<R>(&self, holding: Holding, call: impl FnOnce() -> R) -> R {
        let hands = &self.place(holding.slot).hands;
        hands.call(holding);
        let done = call();
        hands.end_call();
        done
    }

    /// The same for a call that a task waits for.
    #[cfg(feature = "tokio")]
    pub(in crate::pool) fn call_in_task(&self, holding: Holding) -> Calling<'_> {
        let hands = &self.place(holding.slot).hands;
        hands.call(holding);
        Calling(hands)
    }

    /// How often calls are looked at, where there is a bound.
    pub(in crate::pool) fn look_interval_ms(&self) -> Option<u64> {
        let bounds = [self.config.build_timeout, self.config.cleanup_timeout];
        let shortest = bounds.into_iter().flatten().min()?;
        Some((ceil_ms(shortest) / LOOKS).max(1))
    }

    /// Abandons calls that have taken longer than they may.
    pub(in crate::pool) fn abandon(&self, queue: &mut Queue, now_ms: u64, after: &mut After) {
        let Some(interval_ms) = self.look_interval_ms() else { return };
        if now_ms < queue.calls.next_ms {
            return;
        }
        queue.calls.next_ms = now_ms.saturating_add(interval_ms);
        let mut earlier = std::mem::take(&mut queue.calls.seen);
        for (place, entry) in self.places.iter().enumerate() {
            let id = SlotId::new(place as u32);
            let observed = self.slots.observe(id);
            let Some(observed) = observed.filter(|seen| entry.hands.is_calling(*seen)) else {
                continue;
            };
            let since = earlier.remove(&place).filter(|(before, _)| *before == observed);
            let (_, since_ms) = since.unwrap_or((observed, now_ms));
            let bound = match observed.state() {
                SlotState::Building => self.config.build_timeout,
                _ => self.config.cleanup_timeout,
            };
            // One interval for the time between the call's begin and the first look, and a cancelled
            // future comes back by itself.
            let is_late = bound.is_some_and(|bound| {
                now_ms.saturating_sub(since_ms) >= ceil_ms(bound).saturating_add(interval_ms)
            });
            match is_late {
                true => self.on_late_call(observed, queue, after),
                false => drop(queue.calls.seen.insert(place, (observed, since_ms))),
            }
        }
    }

    fn on_late_call(&self, observed: Observed, queue: &mut Queue, after: &mut After) {
        let slot = observed.slot().index();
        after.hung.push(slot);
        if let Some(ticket) = queue.fair.arrived(slot) {
            if let Some(queued) = queue.fair.remove(ticket) {
                queue.settle(ticket, queued, Outcome::Refused(self.out_of_time()), after);
            }
        }
        let abandoned = &mut queue.room.abandoned;
        let may = abandoned.len() < self.config.abandoned_max.unwrap_or(queue.room.max);
        if !may || abandoned.contains_key(&slot) {
            return;
        }
        let Some(condemned) = self.slots.revoke(observed) else { return };
        abandoned.insert(slot, Some(condemned));
        queue.room.held -= 1;
        self.room.note(&queue.room);
        self.stats.abandoned.count();
    }

    /// A call has come back after it was abandoned, with an object or without one.
    #[cold]
    pub(in crate::pool) fn on_late_return(&self, slot: SlotId, live: Option<Box<Live<M>>>) {
        let live = live.or_else(|| self.place(slot).take());
        let mut after = After::default();
        let mut queue = self.queue.lock();
        let condemned = self.take_lost(&mut queue, slot);
        // Whoever waited for it needs another.
        queue.fair.arrived(slot.index());
        self.dispatch(&mut queue, &mut after);
        drop(queue);
        after.run(self);
        let Some(condemned) = condemned else { return };
        self.work.push_retirement(self, Doomed { condemned, live });
        self.work.hurry(self);
    }

    /// The token that the holder of a slot has lost.
    fn take_lost(&self, queue: &mut Queue, slot: SlotId) -> Option<Condemned> {
        let lost = queue.room.abandoned.get_mut(&slot.index())?.take();
        debug_assert!(lost.is_some(), "one comes back");
        lost
    }
}
