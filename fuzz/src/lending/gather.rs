//! Several leases at once, all or none (POOL-15).

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use plimsoll::pool::CheckoutMany;

use super::asker::Bell;
use super::held::Held;
use super::pair::Pair;
use super::world::Maker;

pub(super) struct Gatherer<'a> {
    pub(super) who: usize,
    pub(super) count: usize,
    checkout: CheckoutMany<'a, Maker>,
    bell: Arc<Bell>,
    is_polled: bool,
}

impl<'a> Pair<'a> {
    pub(super) fn gather(&mut self, who: usize, count: usize) {
        self.poll();
        let checkout = self.stand.pool.checkout_many(&self.stand.principals[who], count);
        let bell = Arc::default();
        self.gatherers.push(Gatherer { who, count, checkout, bell, is_polled: false });
        self.poll();
    }

    pub(super) fn cancel_gather(&mut self, place: usize) {
        if self.gatherers.is_empty() {
            return;
        }
        let leased = self.stand.pool.counts().leased;
        let gatherer = self.gatherers.remove(place % self.gatherers.len());
        drop(gatherer.checkout);
        self.seen.note("cancelled among many");
        self.seen.note_if(self.stand.pool.counts().leased < leased, "gave back");
        self.turns.give_up(gatherer.who);
    }

    /// Polls them in the order of their arrival; but one gathers at a time.
    pub(super) fn poll_gatherers(&mut self) {
        let mut left = Vec::new();
        for mut gatherer in std::mem::take(&mut self.gatherers) {
            // What it is served is a turn of its principal, which nobody sees.
            self.turns.give_up(gatherer.who);
            let was_called = gatherer.bell.hear() || !gatherer.is_polled;
            gatherer.is_polled = true;
            let waker = Waker::from(gatherer.bell.clone());
            let mut context = Context::from_waker(&waker);
            let Poll::Ready(answer) = Pin::new(&mut gatherer.checkout).poll(&mut context) else {
                left.push(gatherer);
                continue;
            };
            assert!(left.is_empty(), "POOL-15: one gathers at a time");
            assert!(was_called, "POOL-6: nobody has woken who gathers");
            let Gatherer { who, count, .. } = gatherer;
            self.seen.note_if(was_called && self.askers.len() > 1, "in turn");
            match answer {
                Ok(leases) => {
                    assert_eq!(leases.len(), count, "POOL-15: all or none");
                    self.seen.note(if count > 0 { "gathered" } else { "gathered nothing" });
                    leases.into_iter().for_each(|lease| self.hold(who, Held::Borrowed(lease)));
                }
                Err(error) => self.told(who, count, &error),
            }
        }
        self.gatherers = left;
        if let Some(first) = self.gatherers.first() {
            let most =
                self.stand.setup.cap.map_or(self.numbers.max, |cap| cap.min(self.numbers.max));
            assert!(first.count <= most, "POOL-15: {} are never gathered", first.count);
            assert!(!self.is_closed, "POOL-9: nobody gathers from a closed pool");
        }
    }
}
