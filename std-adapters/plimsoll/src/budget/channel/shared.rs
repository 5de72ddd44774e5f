//! What both ends of a channel share.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Poll, Waker};

use crate::budget::handle::Budget;
use crate::budget::lease::Lease;
use crate::budget::level::Ask;
use crate::budget::refused::{Refused, RefusedReason};
use crate::contain::wake_all;
use crate::sync::Mutex;

/// The room that one item takes in its channel, given back when it is dropped.
#[derive(Debug)]
#[must_use = "dropping it gives the room of the item back at once"]
pub struct ItemRoom {
    count: Lease,
    /// `None` of an item that weighs nothing.
    weight: Option<Lease>,
}

impl ItemRoom {
    pub(super) fn new(count: Lease, weight: Option<Lease>) -> Self {
        Self { count, weight }
    }

    /// The weight of the item.
    pub fn weight(&self) -> u64 {
        self.weight.as_ref().map_or(0, Lease::amount)
    }

    /// The lease of the item's weight alone: the channel has a place for another item then. `None` if
    /// it weighs nothing.
    pub fn into_weight(self) -> Option<Lease> {
        drop(self.count);
        self.weight
    }
}

pub(super) struct Item<T> {
    pub(super) value: T,
    pub(super) room: ItemRoom,
}

pub(super) struct Shared<T> {
    pub(super) weight: Budget,
    pub(super) count: Budget,
    pub(super) weigh: Box<dyn Fn(&T) -> u64 + Send + Sync>,
    /// Held for a step in the queue; nothing of the user's runs or is dropped under it.
    state: Mutex<State<T>>,
}

struct State<T> {
    queue: VecDeque<Item<T>>,
    /// The receiver's.
    waker: Option<Waker>,
    senders: usize,
    is_closed: bool,
}

impl<T> Shared<T> {
    /// With one sender.
    pub(super) fn new(
        weight: Budget,
        count: Budget,
        weigh: Box<dyn Fn(&T) -> u64 + Send + Sync>,
    ) -> Arc<Self> {
        let (queue, waker) = (VecDeque::new(), None);
        let state = Mutex::new(State { queue, waker, senders: 1, is_closed: false });
        Arc::new(Self { weight, count, weigh, state })
    }

    /// # Errors
    /// The item, if the channel is closed.
    pub(super) fn push(&self, item: Item<T>) -> Result<(), Item<T>> {
        let mut state = self.state.lock();
        if state.is_closed {
            return Err(item);
        }
        state.queue.push_back(item);
        let waker = state.waker.take();
        drop(state);
        wake_all(waker);
        Ok(())
    }

    /// The next item; `Ready(None)` if none will come.
    pub(super) fn pop(&self) -> Poll<Option<Item<T>>> {
        self.state.lock().pop()
    }

    /// The next item, or else `waker` is woken when there is one.
    pub(super) fn poll_pop(&self, waker: &Waker) -> Poll<Option<Item<T>>> {
        {
            let mut state = self.state.lock();
            let popped = state.pop();
            let is_known = state.waker.as_ref().is_some_and(|old| old.will_wake(waker));
            if popped.is_ready() || is_known {
                return popped;
            }
        }
        // A waker's clone and drop are the caller's code: outside the lock.
        let waker = waker.clone();
        let mut state = self.state.lock();
        let popped = state.pop();
        let unused = if popped.is_pending() { state.waker.replace(waker) } else { Some(waker) };
        drop(state);
        drop(unused);
        popped
    }

    /// Takes no more items: who waits to send is told so.
    pub(super) fn close(&self) {
        self.state.lock().is_closed = true;
        self.count.close();
        self.weight.close();
    }

    /// Closes, and drops what is in the channel.
    pub(super) fn clear(&self) {
        self.close();
        let (items, waker) = {
            let mut state = self.state.lock();
            (mem::take(&mut state.queue), state.waker.take())
        };
        drop(waker);
        drop(items);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().is_closed
    }

    pub(super) fn len(&self) -> usize {
        self.state.lock().queue.len()
    }

    pub(super) fn add_sender(&self) {
        self.state.lock().senders += 1;
    }

    /// The last sender to go wakes the receiver.
    pub(super) fn remove_sender(&self) {
        let mut state = self.state.lock();
        state.senders -= 1;
        let waker = if state.senders == 0 { state.waker.take() } else { None };
        drop(state);
        wake_all(waker);
    }

    pub(super) fn closed(&self, weight: u64) -> Refused {
        let ask = Ask { amount: weight, held: 0 };
        self.weight.node().refused(ask, RefusedReason::Closed)
    }
}

impl<T> State<T> {
    fn pop(&mut self) -> Poll<Option<Item<T>>> {
        match self.queue.pop_front() {
            Some(item) => Poll::Ready(Some(item)),
            None if self.senders == 0 || self.is_closed => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}
