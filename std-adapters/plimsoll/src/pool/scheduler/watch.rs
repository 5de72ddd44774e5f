//! The passing of time: waits that are over, and calls of the manager that do not come back
//! (POOL-12).
//!
//! A caller of the manager notes that in the slot's [hands](crate::pool::store::Hands). A tick
//! checks those slots now and then, and remembers since when each is as it is. Past the bound the
//! call is *abandoned*: the slot is [revoked](plimsoll_core::pool::PoolSlots::revoke) from its
//! holder and counts no more, and a thread of the pool that is blocked in the call is replaced.
//! When the call comes back after all, its holder finds its token refused, and its instance is
//! destroyed.
//!
//! The slot itself, and with it the manager and whatever that has reserved, stays until then: a
//! pool with a call that hangs is not drained (POOL-16).

use std::time::Duration;

use plimsoll_core::pool::{Observed, SlotId, SlotState};

use super::action::Action;
use super::rules::out_of_time;
use super::state::{Decision, Scheduler};
use crate::clock::ceil_ms;
use crate::pool::waiter::Outcome;

/// So many times within the bound the slots are checked.
const CHECKS: u64 = 16;

impl Scheduler {
    /// Time has passed.
    ///
    /// # Returns
    /// How long until something may be due again; `None` if nothing will be before something is
    /// built.
    pub(in crate::pool) fn on_tick(&mut self, decision: &mut Decision<'_>) -> Option<Duration> {
        self.expire(decision);
        self.abandon(decision);
        self.dispatch(decision);
        self.replenish(decision);
        self.next(decision.now_ms)
    }

    fn next(&self, now_ms: u64) -> Option<Duration> {
        let is_quiet = self.fair.len() == 0 && self.room.is_empty();
        // Under pressure nothing may be kept warm: the end of it is found by a tick.
        let is_empty = (self.room.warm_at_ease(), self.room.min) == (0, 0);
        if is_quiet && (is_empty || self.is_closed) {
            return None;
        }
        let deadline = self.deadlines.first();
        let left = deadline.map(|(at_ms, _)| Duration::from_millis(at_ms.saturating_sub(now_ms)));
        let check = self.check_interval_ms().map_or(Duration::MAX, Duration::from_millis);
        Some(left.unwrap_or(Duration::MAX).min(self.rules.tick).min(check))
    }

    /// How often calls are checked, where there is a bound.
    fn check_interval_ms(&self) -> Option<u64> {
        let bounds = [self.rules.build_timeout, self.rules.cleanup_timeout];
        let shortest = bounds.into_iter().flatten().min()?;
        Some((ceil_ms(shortest) / CHECKS).max(1))
    }

    /// Abandons calls that have taken longer than they may.
    fn abandon(&mut self, decision: &mut Decision<'_>) {
        let Some(interval_ms) = self.check_interval_ms() else { return };
        let now_ms = decision.now_ms;
        if now_ms < self.calls.next_ms {
            return;
        }
        self.calls.next_ms = now_ms.saturating_add(interval_ms);
        let mut earlier = std::mem::take(&mut self.calls.seen);
        let mut index = 0;
        while let Some(hands) = decision.stock.hands(index) {
            let slot = index;
            index += 1;
            let observed = decision.stock.words().slots.observe(SlotId::new(slot as u32));
            let Some(observed) = observed.filter(|seen| hands.is_calling(*seen)) else {
                continue;
            };
            let since = earlier.remove(&slot).filter(|(before, _)| *before == observed);
            let (_, since_ms) = since.unwrap_or((observed, now_ms));
            let bound = match observed.state() {
                SlotState::Building => self.rules.build_timeout,
                _ => self.rules.cleanup_timeout,
            };
            // One interval for the time between the call's begin and the first check, and a
            // cancelled future comes back by itself.
            let is_late = bound.is_some_and(|bound| {
                now_ms.saturating_sub(since_ms) >= ceil_ms(bound).saturating_add(interval_ms)
            });
            match is_late {
                true => self.give_up_call(observed, decision),
                false => drop(self.calls.seen.insert(slot, (observed, since_ms))),
            }
        }
    }

    fn give_up_call(&mut self, observed: Observed, decision: &mut Decision<'_>) {
        let slot = observed.slot().index();
        decision.push(Action::GiveUp { slot: Some(slot), or_oldest: false });
        if let Some(ticket) = self.fair.arrived(slot) {
            if let Some(queued) = self.fair.remove(ticket) {
                let error = out_of_time(self.rules.build_timeout);
                self.settle(ticket, queued, Outcome::Refused(error), decision);
            }
        }
        let abandoned = &mut self.room.abandoned;
        let may = abandoned.len() < self.rules.max_abandoned.unwrap_or(self.room.max);
        if !may || abandoned.contains_key(&slot) {
            return;
        }
        let words = decision.stock.words();
        let Some(condemned) = words.slots.revoke(observed) else { return };
        abandoned.insert(slot, Some(condemned));
        self.room.held -= 1;
        self.room.publish(words);
        decision.stats.abandoned.count();
    }
}
