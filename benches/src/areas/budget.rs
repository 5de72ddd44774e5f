//! A reserve and a release, far below capacity and watermark; all threads share one root, and each has
//! its own leaf where there is one.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use plimsoll_core::budget::{Asker, Node, PercentWatermarks, release, try_reserve};
use tokio::sync::Semaphore;

use crate::case::Case;
use crate::threads::{Job, together};

const CAPACITY: u64 = 1 << 30;
const ONE: &str = "fetch_add+fetch_sub";
const TWO: &str = "two of these";
const TOKIO: &str = "tokio Semaphore";

pub(super) fn cases() -> Vec<Case> {
    [1, 2].map(case).into()
}

fn case(threads: usize) -> Case {
    Case::new("one reserve + one release", "pair, as a thread sees it", threads)
        .baseline(ONE, floor(threads, 1))
        .baseline(TWO, floor(threads, 2))
        .baseline(TOKIO, semaphore(threads))
        .subject("plimsoll budget, one level", ONE, levels(threads, 1))
        .subject("plimsoll budget, two levels", TWO, levels(threads, 2))
        .subject("plimsoll budget, one level, to tokio", TOKIO, levels(threads, 1))
        .subject("plimsoll budget, two levels, to tokio", TOKIO, levels(threads, 2))
}

fn floor(threads: usize, levels: usize) -> impl FnMut(u64) -> Duration {
    let [root, leaves @ ..] = [(); 3].map(|()| CachePadded::new(AtomicU64::new(0)));
    repeat(threads, move |thread| {
        let path = [&leaves[thread], &root];
        let path = &path[2 - levels..];
        let sum = |sum: u64, n: u64| sum ^ n;
        // AcqRel, as what a budget guards needs it.
        let taken = path.iter().map(|word| word.fetch_add(1, Ordering::AcqRel)).fold(0, sum);
        path.iter().map(|word| word.fetch_sub(1, Ordering::AcqRel)).fold(taken, sum)
    })
}

fn semaphore(threads: usize) -> impl FnMut(u64) -> Duration {
    let semaphore = CachePadded::new(Semaphore::new(CAPACITY as usize));
    repeat(threads, move |_| {
        let permit = semaphore.try_acquire_many(black_box(1));
        u64::from(permit.is_ok())
    })
}

fn levels(threads: usize, levels: usize) -> impl FnMut(u64) -> Duration {
    let node = |()| CachePadded::new(Node::new(CAPACITY, PercentWatermarks::new()));
    let [root, leaves @ ..] = [(); 3].map(node);
    repeat(threads, move |thread| {
        let path = [&*leaves[thread], &*root];
        let path = || path[2 - levels..].iter().copied();
        let taken = try_reserve(path(), black_box(1), Asker::Newcomer).is_ok();
        u64::from(taken & release(path(), black_box(1)).is_ok())
    })
}

/// Every thread does the operation as often as asked. Each answers a number, so that no answer is
/// left uncomputed.
fn repeat(
    threads: usize,
    operation: impl Fn(usize) -> u64 + Send + Sync + 'static,
) -> impl FnMut(u64) -> Duration {
    move |times| {
        let work = |thread: usize| {
            black_box((0..times).fold(0, |sum: u64, _| sum.wrapping_add(operation(thread))));
        };
        if threads == 1 {
            let start = Instant::now();
            work(0);
            return start.elapsed();
        }
        let job = |thread| Box::new(move || work(thread)) as Job<'_>;
        together((0..threads).map(job).collect())
    }
}
