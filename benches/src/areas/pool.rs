//! An instance checked out and returned, from pools of four; and the last instance, which two want.
//!
//! What is lent is a number: the figures are those of the pools alone. All pools are full when the
//! clock starts, and each thread holds one instance at a time.

mod blocking;
mod fast;
mod tasks;
#[cfg(feature = "wasm")]
pub(super) mod wasm;

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::case::Case;
use crate::threads::{Job, together};
use blocking::{CondvarVec, Locked, Object, Opool, Plimsoll, Queue};
use fast::Fast;
use tasks::{Bb8, DeadManaged, DeadUnmanaged, PlimsollTask, SemaphoreDeque};

/// Instances of a pool that is large enough.
const ROOMY: usize = 4;
const LOCKED: &str = "parking_lot Mutex<Vec>";
const CONDVAR: &str = "Mutex<Vec> + Condvar";
const UNIT: &str = "checkout + return, as a thread sees it";

/// A pool whose checkout ends on this thread, at once or by blocking it.
trait Lends: Send + Sync + 'static {
    /// A full pool.
    fn of(instances: usize) -> Self;

    /// Checks out and returns one instance, `times` over.
    ///
    /// # Returns
    /// The sum of what was lent.
    fn lend(&self, times: u64) -> u64;
}

pub(super) fn cases() -> Vec<Case> {
    vec![roomy(1), roomy(2), last()]
}

fn roomy(threads: usize) -> Case {
    Case::new("a pool of 4", UNIT, threads)
        .baseline(LOCKED, measure::<Locked>(threads, ROOMY))
        .subject("plimsoll Pool, blocking", LOCKED, measure::<Plimsoll>(threads, ROOMY))
        .subject("plimsoll Pool, async", LOCKED, measure::<PlimsollTask>(threads, ROOMY))
        .subject("crossbeam ArrayQueue", LOCKED, measure::<Queue>(threads, ROOMY))
        .subject("object-pool", LOCKED, measure::<Object>(threads, ROOMY))
        .subject("opool", LOCKED, measure::<Opool>(threads, ROOMY))
        .subject("Semaphore + Mutex<VecDeque>", LOCKED, measure::<SemaphoreDeque>(threads, ROOMY))
        .subject("deadpool, unmanaged", LOCKED, measure::<DeadUnmanaged>(threads, ROOMY))
        .subject("deadpool, managed", LOCKED, measure::<DeadManaged>(threads, ROOMY))
        .subject("bb8", LOCKED, measure::<Bb8>(threads, ROOMY))
        .subject("fastpool", LOCKED, measure::<Fast>(threads, ROOMY))
}

/// Those that can wait.
fn last() -> Case {
    Case::new("the last instance", UNIT, 2)
        .baseline(CONDVAR, measure::<CondvarVec>(2, 1))
        .subject("plimsoll Pool, blocking", CONDVAR, measure::<Plimsoll>(2, 1))
        .subject("plimsoll Pool, async", CONDVAR, measure::<PlimsollTask>(2, 1))
        .subject("Semaphore + Mutex<VecDeque>", CONDVAR, measure::<SemaphoreDeque>(2, 1))
        .subject("deadpool, unmanaged", CONDVAR, measure::<DeadUnmanaged>(2, 1))
        .subject("deadpool, managed", CONDVAR, measure::<DeadManaged>(2, 1))
        .subject("bb8", CONDVAR, measure::<Bb8>(2, 1))
        .subject("fastpool", CONDVAR, measure::<Fast>(2, 1))
}

fn measure<L: Lends>(threads: usize, instances: usize) -> impl FnMut(u64) -> Duration {
    let pool = L::of(instances);
    move |times| {
        let work = || {
            black_box(pool.lend(times));
        };
        if threads == 1 {
            let start = Instant::now();
            work();
            return start.elapsed();
        }
        together((0..threads).map(|_| Box::new(&work) as Job<'_>).collect())
    }
}
