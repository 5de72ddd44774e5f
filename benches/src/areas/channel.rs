//! Messages through channels of capacity 1024: raw ones, the same ones tracked, and their peers.
//!
//! Every send and receive is the blocking (or awaiting) one. A tracked channel is compared with the
//! raw one inside it.

mod blocking;
pub mod hotpath;
mod readings;
mod tasks;

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::case::Case;
use blocking::{
    Crossbeam, CrossbeamLen, InUseStd, StdSync, TotalledCrossbeam, TrackedCrossbeam, TrackedStd,
};
use plimsoll::Registry;
use tasks::{AsyncChannel, Metered, Tokio, TrackedTokio};

const CAPACITY: usize = 1024;
const LIMIT: &str = "javascript_event_channel";

const CROSSBEAM: &str = "crossbeam";
const STD: &str = "std sync_channel";
const TOKIO: &str = "tokio mpsc";
const ASYNC: &str = "async-channel";
const HOTPATH: &str = "hotpath's crossbeam";

/// Who does more than to hand on messages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Busy {
    Nobody,
    Producer,
    Consumer,
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        one_thread(),
        pair("1 producer, 1 consumer", Busy::Nobody),
        pair("1 producer, 1 busy consumer (full)", Busy::Consumer),
        pair("1 busy producer, 1 consumer (empty)", Busy::Producer),
        two_by_two(),
        readings::one(),
        readings::hundred(),
    ]
}

fn one_thread() -> Case {
    Case::new("send + recv on one thread", "message", 1)
        .baseline(CROSSBEAM, blocking::one_thread(Crossbeam))
        .subject("crossbeam + len() each time", CROSSBEAM, blocking::one_thread(CrossbeamLen))
        .subject(
            "plimsoll crossbeam",
            CROSSBEAM,
            blocking::one_thread(TrackedCrossbeam(registry())),
        )
        .subject(
            "plimsoll crossbeam, flow totals",
            CROSSBEAM,
            blocking::one_thread(TotalledCrossbeam(registry())),
        )
        .subject(HOTPATH, CROSSBEAM, hotpath::in_a_process_of_its_own(1))
        .baseline(STD, blocking::one_thread(StdSync))
        .subject("design in use over std", STD, blocking::one_thread(InUseStd))
        .subject("plimsoll sync_channel", STD, blocking::one_thread(TrackedStd(registry())))
        .baseline(TOKIO, tasks::one_thread(Tokio))
        .subject("plimsoll tokio mpsc", TOKIO, tasks::one_thread(TrackedTokio(registry())))
        .baseline(ASYNC, tasks::one_thread(AsyncChannel))
        .subject("prioritized-metered-channel", ASYNC, tasks::one_thread(Metered))
}

fn pair(name: &'static str, busy: Busy) -> Case {
    let case = Case::new(name, "message", 2);
    let case = if busy == Busy::Nobody { case } else { case.baseline("the work alone", alone()) };
    let case = case
        .baseline(CROSSBEAM, blocking::pair(Crossbeam, busy))
        .subject("crossbeam + len() each time", CROSSBEAM, blocking::pair(CrossbeamLen, busy))
        .subject(
            "plimsoll crossbeam",
            CROSSBEAM,
            blocking::pair(TrackedCrossbeam(registry()), busy),
        )
        .baseline(STD, blocking::pair(StdSync, busy))
        .subject("design in use over std", STD, blocking::pair(InUseStd, busy))
        .subject("plimsoll sync_channel", STD, blocking::pair(TrackedStd(registry()), busy))
        .baseline(TOKIO, tasks::pair(Tokio, busy))
        .subject("plimsoll tokio mpsc", TOKIO, tasks::pair(TrackedTokio(registry()), busy))
        .baseline(ASYNC, tasks::pair(AsyncChannel, busy))
        .subject("prioritized-metered-channel", ASYNC, tasks::pair(Metered, busy));
    match busy {
        Busy::Nobody => case.subject(HOTPATH, CROSSBEAM, hotpath::in_a_process_of_its_own(2)),
        _ => case,
    }
}

fn two_by_two() -> Case {
    Case::new("2 producers, 2 consumers", "message", 4)
        .baseline(CROSSBEAM, blocking::two_by_two(Crossbeam))
        .subject("crossbeam + len() each time", CROSSBEAM, blocking::two_by_two(CrossbeamLen))
        .subject(
            "plimsoll crossbeam",
            CROSSBEAM,
            blocking::two_by_two(TrackedCrossbeam(registry())),
        )
}

/// One that nobody listens to.
fn registry() -> Registry {
    Registry::new()
}

impl Busy {
    /// What a producer makes of a number before it sends it.
    fn before_send(self, number: u64) -> u64 {
        if self == Busy::Producer { work(number) } else { number }
    }

    /// What a consumer makes of a message.
    fn after_recv(self, message: u64) -> u64 {
        if self == Busy::Consumer { work(message) } else { message }
    }
}

fn alone() -> impl FnMut(u64) -> Duration {
    |times| {
        let start = Instant::now();
        black_box((0..times).fold(0_u64, |sum, number| sum.wrapping_add(work(number))));
        start.elapsed()
    }
}

/// Some 100 to 200 ns: a chain of multiplications, each of which needs the one before it.
fn work(seed: u64) -> u64 {
    (0..128).fold(seed, |x, _| black_box(x).wrapping_mul(6_364_136_223_846_793_005) | 1)
}
