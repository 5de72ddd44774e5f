//! Calls of wasm guests: from a store of one's own to a fresh instance for each call.
//!
//! All engines meter fuel and epochs. A *turn* is what one principal's call takes: to get an
//! instance, to call it, and to give it up.

mod guest;
mod load;
mod stores;

use std::hint::black_box;
use std::time::{Duration, Instant};

use plimsoll::pool::Isolation;

use crate::case::{Case, Measure};
use guest::{Guest, LARGE, ONE_PAGE, SMALL};
use stores::{
    Deque, Exclusive, FreshOnDemand, FreshPooling, FreshYielding, InPlace, Locked, Turns, Yielding,
    pause,
};

const EXCLUSIVE: &str = "exclusive store";
const FRESH: &str = "fresh, pooling allocator";
const FRESH_YIELDING: &str = "fresh, yielding";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<_> = [ONE_PAGE, SMALL, LARGE].into_iter().map(turns).collect();
    cases.push(paced());
    cases.extend([("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)].map(load::case));
    cases
}

/// One after another, as fast as they go: nobody's background has a moment of its own.
fn turns(guest: Guest) -> Case {
    Case::new(guest.name, "turn", 1)
        .baseline(EXCLUSIVE, measure(move || Exclusive::of(guest)))
        .subject("store behind a Mutex", EXCLUSIVE, measure(move || Locked::of(guest)))
        .subject("Semaphore + Mutex<VecDeque>", EXCLUSIVE, measure(move || Deque::of(guest)))
        .subject(
            "plimsoll, per principal",
            EXCLUSIVE,
            measure(move || Yielding::of(guest, Isolation::PerPrincipal)),
        )
        .subject(
            "plimsoll, per principal, in place",
            EXCLUSIVE,
            measure(move || InPlace::of(guest, Isolation::PerPrincipal)),
        )
        .subject(
            "plimsoll, shared, in place",
            EXCLUSIVE,
            measure(move || InPlace::of(guest, Isolation::Shared)),
        )
        .baseline(FRESH, measure(move || FreshPooling::of(guest)))
        .subject("fresh, on demand", FRESH, measure(move || FreshOnDemand::of(guest)))
        .subject(
            "plimsoll, fresh, in place",
            FRESH,
            measure(move || InPlace::of(guest, Isolation::Fresh)),
        )
        .baseline(FRESH_YIELDING, measure(move || FreshYielding::of(guest)))
        .subject(
            "plimsoll, fresh",
            FRESH_YIELDING,
            measure(move || Yielding::of(guest, Isolation::Fresh)),
        )
}

/// What is measured of turns that follow each other. The subject is made when it is first needed.
fn measure<T: Turns + 'static>(make: impl Fn() -> T + 'static) -> Measure {
    let mut made = None;
    Box::new(move |turns| {
        let subject = made.get_or_insert_with(&make);
        let began = Instant::now();
        for turn in 0..turns {
            black_box(subject.turn(turn as i32));
        }
        began.elapsed()
    })
}

/// Turns at a distance, so that what goes on in the background is done by the next one.
fn paced() -> Case {
    Case::new("a one-page guest, p50 of a turn every 100 us", "turn", 1)
        .baseline(FRESH, paced_measure(|| FreshPooling::of(ONE_PAGE)))
        .subject(
            "plimsoll, fresh",
            FRESH,
            paced_measure(|| Yielding::of(ONE_PAGE, Isolation::Fresh)),
        )
        .subject(
            "plimsoll, fresh, in place",
            FRESH,
            paced_measure(|| InPlace::of(ONE_PAGE, Isolation::Fresh)),
        )
        .fixed(5_000, 5)
}

fn paced_measure<T: Turns + 'static>(make: impl Fn() -> T + 'static) -> Measure {
    let mut made = None;
    Box::new(move |turns| {
        let subject = made.get_or_insert_with(&make);
        let mut times = Vec::with_capacity(turns as usize);
        for turn in 0..turns {
            let began = Instant::now();
            black_box(subject.turn(turn as i32));
            times.push(began.elapsed());
            pause(Duration::from_micros(100));
        }
        load::percentile(times, 0.5) * turns as u32
    })
}
