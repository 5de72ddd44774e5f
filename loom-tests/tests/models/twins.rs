//! Twins: designs in use, each with a known fault (`figures.md`, defects 1 to 4), and shortcuts that
//! would break ours. The models find the fault of each twin, and pass what is shipped.

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering::AcqRel};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use plimsoll_loom::{Gauge, Waiters, Watermarks};

use crate::common::{Depth, Model};

const MODEL: Model = Model::bounded(3).at_least([2, 2, 2]);

/// How a design counts what goes in and out.
trait Count: Send + Sync + 'static {
    fn add(&self);
    fn sub(&self);
    fn depth(&self) -> u64;
    fn is_raised(&self) -> bool;
}

impl Count for Gauge {
    fn add(&self) {
        let _ = self.add(1);
    }
    fn sub(&self) {
        let _ = self.sub(1);
    }
    fn depth(&self) -> u64 {
        self.depth()
    }
    fn is_raised(&self) -> bool {
        assert!(self.settle().is_none(), "no edge is due");
        self.is_raised()
    }
}

fn ours() -> Gauge {
    Gauge::new(Watermarks::counts(1, 1, 0))
}

/// Depth and level in two words, and a decrement that stops at zero.
#[derive(Default)]
struct TwoWords {
    depth: AtomicU64,
    raised: AtomicBool,
}

impl Count for TwoWords {
    fn add(&self) {
        if self.depth.fetch_add(1, AcqRel) + 1 >= 1 {
            self.raised.swap(true, AcqRel);
        }
    }
    fn sub(&self) {
        let saturating = |depth: u64| Some(depth.saturating_sub(1));
        let before =
            self.depth.fetch_update(AcqRel, std::sync::atomic::Ordering::Acquire, saturating);
        if before.is_ok_and(|depth| depth <= 1) {
            self.raised.swap(false, AcqRel);
        }
    }
    fn depth(&self) -> u64 {
        self.depth.fetch_add(0, AcqRel)
    }
    fn is_raised(&self) -> bool {
        self.raised.swap(false, AcqRel)
    }
}

/// Defect 1: counted after the send; the receiver may be there first.
fn counts_after_the_send(count: impl Count) {
    let shared = Arc::new((Depth::new(), count));
    let other = shared.clone();
    let sender = thread::spawn(move || {
        other.0.shift(1);
        other.1.add();
    });
    if shared.0.look() > 0 {
        shared.0.shift(-1);
        shared.1.sub();
    }
    sender.join().unwrap();
    assert_eq!(shared.1.depth(), shared.0.look(), "GAUGE-1");
}

#[test]
fn twin_1_decrement_that_stops_at_zero() {
    MODEL.check(|| counts_after_the_send(ours()));
    MODEL.check_wrong(|| counts_after_the_send(TwoWords::default()));
}

/// Defect 4: a thread stalls between counting and acting on what it has counted.
fn stalls_before_it_acts(count: impl Count) {
    let count = Arc::new(count);
    let other = count.clone();
    count.add();
    let consumer = thread::spawn(move || other.sub());
    count.add();
    consumer.join().unwrap();
    count.sub();
    assert!(!count.is_raised(), "GAUGE-4");
    count.add();
    let other = count.clone();
    let consumer = thread::spawn(move || other.sub());
    count.add();
    consumer.join().unwrap();
    assert!(count.is_raised(), "GAUGE-4");
}

#[test]
fn twin_4_depth_and_level_in_two_words() {
    MODEL.check(|| stalls_before_it_acts(ours()));
    MODEL.check_wrong(|| stalls_before_it_acts(TwoWords::default()));
}

/// A channel of one slot that can be closed; `None` once it is.
#[derive(Default)]
struct Slot {
    items: Mutex<Option<u64>>,
    freed: Condvar,
}

impl Slot {
    fn open(items: u64) -> Self {
        Self { items: Mutex::new(Some(items)), freed: Condvar::new() }
    }

    /// Sends, and blocks while there is an item; `false` if the channel is closed.
    fn send(&self) -> bool {
        let mut items = self.items.lock().unwrap();
        while *items == Some(1) {
            items = self.freed.wait(items).unwrap();
        }
        *items = items.map(|_| 1);
        items.is_some()
    }

    fn receive(&self) {
        *self.items.lock().unwrap() = Some(0);
        self.freed.notify_one();
    }

    /// Closes the channel; the items that were in it.
    fn close(&self) -> u64 {
        let items = self.items.lock().unwrap().take();
        self.freed.notify_one();
        items.unwrap_or(0)
    }
}

/// Defect 2: a send to a receiver that goes away meanwhile.
fn sends_to_the_gone(undo: bool) {
    let shared = Arc::new((Slot::open(0), ours()));
    let other = shared.clone();
    let sender = thread::spawn(move || {
        let (slot, gauge) = &*other;
        let (permit, _) = gauge.permit(1);
        if slot.send() || !undo {
            std::mem::forget(permit);
        }
    });
    let (slot, gauge) = &*shared;
    for _ in 0..slot.close() {
        let _ = gauge.sub(1);
    }
    sender.join().unwrap();
    assert_eq!(gauge.depth(), 0, "GAUGE-1");
}

#[test]
fn twin_2_counts_before_it_fails() {
    MODEL.check(|| sends_to_the_gone(true));
    MODEL.check_wrong(|| sends_to_the_gone(false));
}

/// Defect 3: a sender that waits for room is no depth.
fn waits_for_room(counts_waiting: bool) {
    let shared = Arc::new((Slot::open(1), ours(), Waiters::new()));
    let _ = shared.1.add(1);
    let other = shared.clone();
    let sender = thread::spawn(move || {
        let (slot, gauge, waiters) = &*other;
        if counts_waiting {
            let _ = gauge.add(1);
            assert!(slot.send());
        } else {
            waiters.enter(1);
            assert!(slot.send());
            waiters.exit(1, 2);
            let _ = gauge.add(1);
        }
    });
    let (slot, gauge, waiters) = &*shared;
    let _ = gauge.sub(1);
    slot.receive();
    sender.join().unwrap();
    assert_eq!((gauge.depth(), waiters.waiting()), (1, 0), "GAUGE-1, GAUGE-2");
    assert_eq!(gauge.high_water(), 1, "GAUGE-2: never more than the capacity");
}

#[test]
fn twin_3_counts_who_waits() {
    MODEL.check(|| waits_for_room(false));
    MODEL.check_wrong(|| waits_for_room(true));
}

/// A mark that is taken by a plain store can lose what came in between.
fn takes_the_mark(take: fn(&AtomicU64) -> u64) {
    let window = Arc::new(AtomicU64::new(1));
    let other = window.clone();
    let recorder = thread::spawn(move || other.fetch_max(5, AcqRel));
    let taken = take(&window);
    recorder.join().unwrap();
    assert_eq!(take(&window).max(taken), 5, "GAUGE-5");
}

#[test]
fn twin_5_window_reset_by_a_store() {
    use std::sync::atomic::Ordering::{Acquire, Release};
    MODEL.check(|| takes_the_mark(|window| window.swap(0, AcqRel)));
    MODEL.check_wrong(|| {
        takes_the_mark(|window| {
            let mark = window.load(Acquire);
            window.store(0, Release);
            mark
        })
    });
}

/// Credit in its barest form: up to 3 sends may go unlooked in all, and depth 4 must be seen.
struct BareCredit {
    depth: Depth,
    granted: AtomicU64,
    seen: AtomicBool,
    looks_twice: bool,
}

impl BareCredit {
    fn send(&self, left: &mut u64) {
        self.depth.shift(1);
        if *left > 0 {
            *left -= 1;
            return;
        }
        loop {
            let granted = self.granted.fetch_add(0, AcqRel);
            let depth = self.depth.look();
            if depth + granted > 3 {
                // Nobody can be sure any longer: as good as seen.
                self.seen.store(true, std::sync::atomic::Ordering::Release);
                return;
            }
            let share = (3 - depth - granted) / 2;
            if share == 0 {
                return;
            }
            let next = granted + share;
            let relaxed = std::sync::atomic::Ordering::Relaxed;
            if self.granted.compare_exchange(granted, next, AcqRel, relaxed).is_ok() {
                if self.looks_twice && self.depth.look() + next > 3 {
                    continue;
                }
                *left = share;
                return;
            }
        }
    }
}

fn gives_credit(looks_twice: bool) {
    let credit = Arc::new(BareCredit {
        depth: Depth::new(),
        granted: AtomicU64::new(0),
        seen: AtomicBool::new(false),
        looks_twice,
    });
    let other = credit.clone();
    let other = thread::spawn(move || {
        let mut left = 0;
        other.send(&mut left);
        other.send(&mut left);
    });
    let mut left = 0;
    credit.send(&mut left);
    credit.send(&mut left);
    other.join().unwrap();
    assert!(credit.seen.load(std::sync::atomic::Ordering::Acquire), "GAUGE-4: nobody saw 4");
}

/// Credit given on a look that others have overtaken. (Looks are sequentially consistent here, by
/// read-modify-writes or by the load mode.)
#[test]
fn twin_6_credit_on_a_stale_look() {
    MODEL.check_wrong(|| gives_credit(false));
    MODEL.check(|| gives_credit(true));
}
