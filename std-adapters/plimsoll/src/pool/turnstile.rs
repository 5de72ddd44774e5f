//! The order of the checkouts that gather several instances.

use std::collections::VecDeque;
use std::task::Waker;

use super::executor::wake_all;
use super::locks::{LEAF, Mutex};

/// Lets one checkout gather at a time.
#[derive(Default)]
pub(super) struct Turnstile {
    line: Mutex<Line, LEAF>,
}

#[derive(Default)]
struct Line {
    next: u64,
    /// The first one gathers.
    waits: VecDeque<(u64, Waker)>,
}

impl Turnstile {
    /// Queues a checkout, last of all.
    ///
    /// # Returns
    /// Its number, and whether it is its turn.
    pub(super) fn enter(&self, waker: Waker) -> (u64, bool) {
        let mut line = self.line.lock();
        let number = line.next;
        line.next += 1;
        line.waits.push_back((number, waker));
        (number, line.waits.len() == 1)
    }

    pub(super) fn is_turn(&self, number: u64, waker: &Waker) -> bool {
        // A waker's clone and drop are the caller's code: outside the lock.
        let waker = waker.clone();
        let mut line = self.line.lock();
        let is_first = line.waits.front().is_some_and(|(first, _)| *first == number);
        let own = line.waits.iter_mut().find(|(other, _)| *other == number);
        let old = own.map(|(_, old)| std::mem::replace(old, waker));
        drop(line);
        drop(old);
        is_first
    }

    pub(super) fn leave(&self, number: u64) {
        let mut line = self.line.lock();
        let found = line.waits.iter().position(|(other, _)| *other == number);
        let gone = found.and_then(|found| line.waits.remove(found));
        let to_wake = if found == Some(0) { line.waits.front_mut() } else { None };
        // The next one polls with a waker of its own again.
        let to_wake = to_wake.map(|(_, waker)| std::mem::replace(waker, Waker::noop().clone()));
        drop(line);
        drop(gone);
        wake_all(to_wake);
    }
}
