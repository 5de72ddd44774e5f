//! The end of a plan: everybody is served, and nothing is left.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use plimsoll::pool::{CheckoutError, DiscardReason};

use super::MAX_MAX;
use super::pair::Pair;
use super::stand::{OFF_MAX, Stand};
use super::world::read;
use crate::Seen;

/// More than it takes to serve everybody whom a plan can have ask.
const ROUNDS_MAX: usize = 2_000;

impl Pair<'_> {
    /// Everybody is served in the end, and nothing is left.
    pub(super) fn end(mut self) -> Seen {
        let Stand { pool, world, principals, clock, .. } = self.stand;
        self.holders.drain(..).for_each(|holder| holder.lease.complete());
        for _ in 0..ROUNDS_MAX {
            clock.advance(OFF_MAX);
            self.stand.step();
            self.poll();
            self.holders.drain(..).for_each(|holder| holder.lease.complete());
            if self.is_line_empty() {
                break;
            }
        }
        let left = self.askers.len() + self.gatherers.len();
        assert_eq!(left, 0, "POOL-6: {left} wait for ever");
        world.fates.lock().expect("no panic").clear();
        if !self.is_closed {
            self.whole();
        }
        pool.close();
        while self.stand.step() > 0 {}
        assert!(pool.wait_drained(Duration::ZERO), "POOL-9: {:?}", pool.counts());
        let stats = pool.stats();
        assert_eq!((read(&world.live), stats.waiting), (0, 0));
        assert_eq!(stats.built, world.made() as u64);
        assert_eq!(stats.discarded(), stats.built, "POOL-4: what was built was discarded, once");
        assert!(principals.iter().all(|principal| principal.in_use() == 0), "POOL-6");
        let failed = stats.build_failures as usize;
        assert!(self.told_failed <= failed, "POOL-5: {} told of {failed}", self.told_failed);
        assert!(
            self.told_timed_out as u64 <= stats.timeouts.total(),
            "POOL-5: {:?}",
            stats.timeouts
        );
        self.note_end();
        self.seen
    }

    /// POOL-4: all of the capacity can be lent at once.
    fn whole(&mut self) {
        let Stand { setup, pool, principals, .. } = self.stand;
        let (max, each) = (self.numbers.max, setup.cap.unwrap_or(self.numbers.max));
        let whose = principals.iter().flat_map(|who| std::iter::repeat_n(who, each));
        let mut wanted: Vec<_> = whose.take(max).collect();
        let count = wanted.len();
        let (mut all, mut leases) = (Vec::new(), Vec::new());
        // Some of what is idle may be dead.
        for _ in 0..4 + 2 * MAX_MAX {
            all.extend(wanted.drain(..).map(|who| (who, pool.checkout(who))));
            all.retain_mut(|(who, checkout)| {
                let polled = Pin::new(checkout).poll(&mut Context::from_waker(Waker::noop()));
                match polled {
                    Poll::Pending => return true,
                    Poll::Ready(Err(CheckoutError::LineFull { .. })) => wanted.push(who),
                    Poll::Ready(lease) => {
                        leases.push(lease.expect("POOL-4: nothing fails any more"))
                    }
                }
                false
            });
            while self.stand.step() > 0 {}
        }
        assert_eq!(leases.len(), count, "POOL-4: capacity is missing");
    }

    fn note_end(&mut self) {
        let (world, stats) = (&self.stand.world, self.stand.pool.stats());
        self.seen.note_if(read(&world.resets_failed) > 0, "reset failed");
        self.seen.note_if(read(&world.resets_panicked) > 0, "reset panicked");
        self.seen.note_if(read(&world.drops_panicked) > 0, "drop panicked");
        self.seen.note_if(read(&world.found_dead) > 0, "dead");
        self.seen.note_if(read(&world.asked_in_vain) > 0, "panicked when asked");
        let reasons = [
            (DiscardReason::Panicked, "dropped by a panic"),
            (DiscardReason::Faulted, "fault"),
            (DiscardReason::Idle, "idle eviction"),
            (DiscardReason::Displaced, "displaced"),
            (DiscardReason::Uses, "worn out"),
            (DiscardReason::Surplus, "surplus"),
        ];
        for (reason, what) in reasons {
            self.seen.note_if(stats.discards(reason) > 0, what);
        }
        // What failed in the background, for nobody, is seen here.
        let quiet = [&world.background, &world.inline]
            .map(|builds| read(&builds.failed) + read(&builds.panicked));
        let failures = quiet.iter().sum::<usize>() as u64;
        assert!(failures <= stats.build_failures, "each failure is counted");
    }
}
