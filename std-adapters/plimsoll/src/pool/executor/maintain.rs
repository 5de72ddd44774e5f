//! What is due: waits that are over, instances that are idle for too long or too old.

use std::time::Duration;

use plimsoll_core::keepalive::Tick;
use plimsoll_core::pool::{Condemned, Moment, SlotState};

use crate::clock::ceil_ms;
use crate::pool::manager::Manager;
use crate::pool::shared::Shared;
use crate::pool::stats::DiscardReason;
use crate::pool::store::Store;
use crate::sync::Ordering;

impl<M: Manager> Shared<M> {
    /// Does what is due.
    ///
    /// # Returns
    /// How long until something may be due again; `None` if nothing will be before something is
    /// built.
    pub(in crate::pool) fn maintain(&self) -> Option<Duration> {
        let now_ms = self.refresh().as_millis() as u64;
        let mut left = self.config.evictions_per_tick;
        let age = self.config.retirement.age;
        for condemned in self.store.evict_aged(now_ms).take(if age.is_some() { left } else { 0 }) {
            self.on_condemned(condemned, DiscardReason::Age);
            left -= 1;
        }
        left = left.min(self.store.words.room.spare(self.store.words.counts()));
        let idle_age = self.shrinking.idle_age(self.config.idle_age);
        let before = idle_age.and_then(|age| now_ms.checked_sub(ceil_ms(age)));
        for condemned in self.store.evict_idle(before).take(left) {
            self.on_condemned(condemned, DiscardReason::Idle);
        }
        let next = self.decide(|scheduler, decision| {
            // A change nudges the timekeeper, so that it evicts at once.
            scheduler.on_shrink(self.shrinking.warm(), decision);
            scheduler.on_tick(decision)
        });
        self.work.replace_workers(self);
        self.work.hurry(self);
        self.observe();
        next
    }
}

impl<M: Manager> Store<M> {
    /// Condemns idle instances that are too old.
    fn evict_aged(&self, now_ms: u64) -> impl Iterator<Item = Condemned> {
        let is_old = move |expires: u64| Moment::from_word(expires).tick() <= Tick::new(now_ms);
        self.words.slots.views().filter_map(move |(id, view)| {
            // Relaxed: a hint. What is missed now is found by the next tick, and what was built
            // anew since the look lives a little shorter.
            let expires = self.cell(id).expires.load(Ordering::Relaxed);
            let is_due = view.state == SlotState::Idle && is_old(expires);
            is_due.then(|| self.words.slots.evict_at(id)).flatten()
        })
    }

    /// Condemns instances that have been idle since `before_ms`, from the cold end on.
    fn evict_idle(&self, before_ms: Option<u64>) -> impl Iterator<Item = Condemned> {
        std::iter::from_fn(move || self.words.slots.evict(Tick::new(before_ms?)))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::pool::error::CheckoutError;
    use crate::pool::principal::Load;
    use crate::pool::{Background, Checkout, Isolation, Lease, Pool};

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
    fn a_waiter_that_leaves_takes_its_deadline_and_its_count_along() {
        let builder = Pool::builder(Units).max(1).isolation(Isolation::Shared);
        let builder = builder.wait_timeout(Duration::from_secs(3600)).per_principal_cap(2);
        let pool = builder.background(Background::Manual).build().unwrap();
        let acme = pool.principal("acme").unwrap();
        let mut line: Vec<_> = (0..4).map(|_| pool.checkout(&acme)).collect();
        assert!(line.iter_mut().all(|checkout| poll(checkout).is_pending()));
        let left = || {
            let load = Load::of(&acme.0);
            (pool.shared().scheduler.lock().deadlines(), load.waiting, load.in_use)
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
