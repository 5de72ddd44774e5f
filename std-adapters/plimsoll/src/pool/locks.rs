//! The locks of a pool, and the order in which a thread takes them.
//!
//! | rank | lock | taken while it is held |
//! |---|---|---|
//! | [`SCHEDULER`] | the scheduler | the jobs' lock, to take room for a waiter; a waiter's, to tell its outcome; that of the pressure, to read it |
//! | [`JOBS`] | the jobs | none |
//! | [`LEAF`] | a waiter, the manager, the queue of checkouts that gather several, the waiters for the pool to be drained, the ids of principals, the entry in the registry, the pressure under which it shrinks | none |
//!
//! A thread takes a lock only of a higher rank than those that it holds, so no two threads wait for
//! each other. Code of the manager, wakers and drops of objects run with none of them held
//! (POOL-7). Debug builds check both on every lock and every such call.

use std::ops::{Deref, DerefMut};

use crate::sync::{self, MutexGuard};

/// The rank of the scheduler's lock.
pub(super) const SCHEDULER: u8 = 0;
/// The rank of the jobs' lock.
pub(super) const JOBS: u8 = 1;
/// The rank of locks that are held for a few instructions, with no other taken meanwhile.
pub(super) const LEAF: u8 = 2;

/// A mutex of that rank.
#[derive(Default)]
pub(super) struct Mutex<T, const RANK: u8>(sync::Mutex<T>);

impl<T, const RANK: u8> Mutex<T, RANK> {
    pub(super) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub(super) fn lock(&self) -> Guard<'_, T> {
        let rank = Held::new(RANK);
        Guard { inner: self.0.lock(), _rank: rank }
    }
}

/// A locked [`Mutex`].
pub(super) struct Guard<'a, T> {
    inner: MutexGuard<'a, T>,
    _rank: Held,
}

impl<'a, T> Guard<'a, T> {
    /// What a condition variable waits with. It counts as held meanwhile.
    pub(super) fn inner(&mut self) -> &mut MutexGuard<'a, T> {
        &mut self.inner
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

/// Code that is not the pool's is called: no lock of a pool may be held.
#[inline(always)]
pub(super) fn check_none_held() {
    #[cfg(debug_assertions)]
    ranks::check_none_held();
}

#[cfg(debug_assertions)]
use ranks::Held;

#[cfg(not(debug_assertions))]
struct Held;

#[cfg(not(debug_assertions))]
impl Held {
    #[inline(always)]
    fn new(_rank: u8) -> Self {
        Self
    }
}

#[cfg(debug_assertions)]
mod ranks {
    use std::cell::Cell;

    use crate::sync::thread_local;

    thread_local! {
        /// A bit for each rank that this thread holds a lock of.
        static HELD: Cell<u8> = const { Cell::new(0) };
    }

    pub(super) struct Held(u8);

    impl Held {
        pub(super) fn new(rank: u8) -> Self {
            let held = HELD.get();
            assert!(held >> rank == 0, "a lock of rank {rank} is taken with those of {held:b}");
            HELD.set(held | 1 << rank);
            Self(rank)
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            HELD.set(HELD.get() & !(1 << self.0));
        }
    }

    pub(super) fn check_none_held() {
        let held = HELD.get();
        assert!(held == 0, "code that is not the pool's is called with locks of {held:b}");
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn panics(code: impl FnOnce()) -> bool {
        catch_unwind(AssertUnwindSafe(code)).is_err()
    }

    #[test]
    fn locks_are_taken_in_the_order_of_their_ranks() {
        let (scheduler, jobs) = (Mutex::<_, SCHEDULER>::new(()), Mutex::<_, JOBS>::new(()));
        let (waiter, other) = (Mutex::<_, LEAF>::new(()), Mutex::<_, LEAF>::new(()));
        {
            let _scheduler = scheduler.lock();
            drop(waiter.lock());
            let _jobs = jobs.lock();
            drop(waiter.lock());
        }
        let _waiter = waiter.lock();
        assert!(panics(|| drop(scheduler.lock())), "the scheduler after a waiter");
        assert!(panics(|| drop(jobs.lock())), "the jobs after a waiter");
        assert!(panics(|| drop(other.lock())), "two leaves");
        drop(_waiter);
        let _jobs = jobs.lock();
        assert!(panics(|| drop(scheduler.lock())), "the scheduler after the jobs");
        drop(other.lock());
    }

    #[test]
    fn pool_7_code_that_is_not_the_pools_is_called_without_a_lock() {
        let jobs = Mutex::<_, JOBS>::new(());
        check_none_held();
        let held = jobs.lock();
        assert!(panics(check_none_held));
        drop(held);
        check_none_held();
    }
}
