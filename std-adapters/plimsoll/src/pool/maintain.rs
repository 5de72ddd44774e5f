//! What time brings: waits that are over, instances that are idle for too long or too old.

use std::time::Duration;

use plimsoll_core::Tick;
use plimsoll_core::pool::{Moment, SlotState};

use super::after::After;
use super::dispatch::Queue;
use super::error::{CheckoutError, Stage};
use super::manager::Manager;
use super::shared::Shared;
use super::stats::DiscardReason;
use super::waiter::Outcome;
use crate::clock::ceil_ms;

impl<M: Manager> Shared<M> {
    /// Does what is due.
    ///
    /// # Returns
    /// How long until something may be due again; `None` if nothing will be before something is
    /// built.
    pub(super) fn maintain(&self) -> Option<Duration> {
        let now = self.refresh();
        let now_ms = now.as_millis() as u64;
        self.evict(now_ms);
        let mut after = After::default();
        let mut queue = self.queue.lock();
        self.expire(&mut queue, now_ms, &mut after);
        self.abandon(&mut queue, now_ms, &mut after);
        self.dispatch(&mut queue, &mut after);
        self.replenish(&mut queue, &mut after);
        let next = self.next(&queue, now_ms);
        drop(queue);
        after.run(self);
        self.work.on_tick(self, now);
        self.observe();
        next
    }

    fn next(&self, queue: &Queue, now_ms: u64) -> Option<Duration> {
        let is_quiet = queue.fair.len() == 0 && queue.room.is_empty();
        let is_empty = (queue.room.warm(), queue.room.min) == (0, 0);
        if is_quiet && (is_empty || queue.is_closed) {
            return None;
        }
        let deadline = queue.deadlines.first();
        let left = deadline.map(|(at_ms, _)| Duration::from_millis(at_ms.saturating_sub(now_ms)));
        let look = self.look_interval_ms().map_or(Duration::MAX, Duration::from_millis);
        Some(left.unwrap_or(Duration::MAX).min(self.config.tick).min(look))
    }

    /// Ends the waits whose time is up.
    fn expire(&self, queue: &mut Queue, now_ms: u64, after: &mut After) {
        while let Some((deadline_ms, ticket)) = queue.deadlines.first().copied() {
            if deadline_ms > now_ms {
                return;
            }
            queue.deadlines.remove(&(deadline_ms, ticket));
            let waited = self.config.wait_timeout.unwrap_or_default();
            let given_up = self.give_up(ticket, waited, queue, after);
            let Some((stage, queued)) = given_up else { continue };
            self.stats.timeouts.count();
            let error = CheckoutError::TimedOut { stage, after: waited };
            queue.settle(ticket, queued, Outcome::Refused(error), after);
        }
    }

    /// Condemns idle instances that are too old, then those that have been idle for too long, from
    /// the cold end and down to the warm ones and the least that there are to be; so many at most.
    fn evict(&self, now_ms: u64) {
        let most = self.config.evictions_per_tick;
        let mut left = most - self.evict_aged(now_ms, most);
        let Some(idle_age) = self.config.idle_age else { return };
        let Some(before) = now_ms.checked_sub(ceil_ms(idle_age)) else { return };
        left = left.min(self.room.spare(self.counts()));
        while left > 0 {
            let Some(condemned) = self.slots.evict(Tick::new(before)) else { return };
            self.on_condemned(condemned, DiscardReason::Idle);
            left -= 1;
        }
    }

    fn evict_aged(&self, now_ms: u64, most: usize) -> usize {
        if self.config.retirement.age.is_none() {
            return 0;
        }
        let mut evicted = 0;
        for (id, view) in self.slots.views() {
            // Relaxed: a hint. What is missed now is found by the next tick, and what was built
            // anew since the look lives a little shorter.
            let relaxed = std::sync::atomic::Ordering::Relaxed;
            let expires = Moment::from_word(self.place(id).expires.load(relaxed));
            if evicted == most
                || view.state != SlotState::Idle
                || expires.tick() > Tick::new(now_ms)
            {
                continue;
            }
            if let Some(condemned) = self.slots.evict_at(id) {
                self.on_condemned(condemned, DiscardReason::Age);
                evicted += 1;
            }
        }
        evicted
    }
}

impl Queue {
    /// What a waiter is at.
    pub(super) fn stage(&self, ticket: super::queue::Ticket) -> Stage {
        match self.fair.is_supplied(ticket) {
            true => Stage::Build,
            false if self.fair.is_parked(ticket) => Stage::Cap,
            false => Stage::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::super::principal::Load;
    use super::super::{Background, Checkout, Isolation, Lease, Pool};
    use super::*;

    struct Units;

    impl Manager for Units {
        type Object = ();
        type Error = Infallible;

        async fn create(&self) -> Result<(), Infallible> {
            Ok(())
        }
    }

    fn poll<'a>(
        checkout: &mut Checkout<'a, Units>,
    ) -> Poll<Result<Lease<'a, Units>, CheckoutError>> {
        Pin::new(checkout).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn whoever_leaves_the_line_takes_its_deadline_and_its_count_along() {
        let builder = Pool::builder(Units).max(1).isolation(Isolation::Shared);
        let builder = builder.wait_timeout(Duration::from_secs(3600)).per_principal_cap(2);
        let pool = builder.background(Background::Manual).build().unwrap();
        let acme = pool.principal("acme").unwrap();
        let mut line: Vec<_> = (0..4).map(|_| pool.checkout(&acme)).collect();
        assert!(line.iter_mut().all(|checkout| poll(checkout).is_pending()));
        let left = || {
            let load = Load::of(&acme.0);
            (pool.shared().queue.lock().deadlines.len(), load.waiting, load.in_use)
        };
        assert_eq!(left(), (4, 4, 0));
        line.pop();
        assert_eq!(left(), (3, 3, 0), "one is cancelled");
        pool.step();
        assert_eq!(left(), (2, 2, 1), "one is served");
        let Poll::Ready(Ok(lease)) = poll(&mut line[0]) else { panic!("it was") };
        pool.close();
        assert_eq!(left(), (0, 0, 1), "the others are sent away");
        lease.complete();
        assert_eq!(left(), (0, 0, 0));
    }
}
