//! A host that is held while its watcher goes on: LIVE-9.

use std::time::Duration;

use plimsoll::EventKind::{Recovered, Silent, Suspect};
use plimsoll::keepalive::{KeepAlive, Step, Watch};

use crate::{Bench, ms};

const WINDOW: Duration = ms(10_000);
const GUESTS: u64 = 400;

/// Guests that notify, each at a moment of its own.
struct Guests {
    bench: Bench,
    guests: Vec<KeepAlive>,
    /// Between two notifications of one guest.
    interval_ms: u64,
    /// Between the notifications of the first and those of the last.
    spread_ms: u64,
    now_ms: u64,
}

impl Guests {
    fn new(suspect_above: usize, interval_ms: u64, spread_ms: u64) -> Guests {
        let bench = Bench::with(|builder| builder.suspect_above(suspect_above));
        let watch = |n| Watch::new(format!("guest-{n}"), "run").window(WINDOW).rearming();
        let guests = (0..GUESTS).map(|n| bench.watcher.watch(watch(n)).unwrap()).collect();
        Guests { bench, guests, interval_ms, spread_ms, now_ms: 0 }
    }

    fn pass(&mut self, time_ms: u64, notifies: impl Fn(u64) -> bool) {
        for _ in 0..time_ms / 5 {
            while self.bench.watcher.step() == Step::Again {}
            for (n, guest) in (0..).zip(&self.guests) {
                let own = n * self.spread_ms / GUESTS / 5 * 5;
                if notifies(n) && (self.now_ms + self.interval_ms - own) % self.interval_ms == 0 {
                    guest.notify();
                }
            }
            self.bench.clock.advance(ms(5));
            self.now_ms += 5;
        }
    }

    fn counts(&self) -> (usize, usize, usize) {
        let log = &self.bench.log;
        (log.count(Silent), log.count(Suspect), log.count(Recovered))
    }
}

/// LIVE-9: however spread the notifications are, live guests are spared together, and it is said once. A
/// guest is spared for one window: the host is held for as long as none of them misses two.
#[test]
fn live_9_a_mass_silence_is_found_whatever_the_spread_of_the_beats() {
    for (interval_ms, spread_ms, held_ms) in [
        (1_000, 0, 18_000),
        (1_000, 50, 18_000),
        (1_000, 1_000, 18_000),
        (3_000, 3_000, 15_000),
        (5_000, 5_000, 10_000),
        (8_000, 8_000, 8_000),
        (9_000, 9_000, 9_000),
    ] {
        for above in [0, 4, 10, 100] {
            let mut guests = Guests::new(above, interval_ms, spread_ms);
            guests.pass(2 * interval_ms + 5_000, |_| true);
            assert_eq!(guests.counts(), (0, 0, 0), "all notify");
            guests.pass(held_ms, |_| false); // The host is held.
            guests.pass(20_000, |_| true);
            let about = format!("spread over {spread_ms} ms, above {above}");
            assert_eq!(guests.counts(), (0, 1, 0), "{about}");
            // Who is really dead is reported in the end, and nobody else.
            guests.bench.log.take();
            guests.pass(25_000, |n| n % 200 != 7);
            let mut heard = guests.bench.log.take_of_guests();
            heard.retain(|(kind, _)| *kind != Suspect);
            heard.sort_by(|one, other| one.1.cmp(&other.1));
            if above > 0 {
                let dead = [207, 7].map(|n| (Silent, format!("guest-{n}")));
                assert_eq!(heard, dead, "{about}");
            }
        }
    }
}

/// LIVE-9, LIVE-8: one guest that dies among others that notify is reported within the slack, and nobody
/// is suspected, be the others quick or slow.
#[test]
fn live_9_a_guest_that_dies_alone_is_no_suspicion() {
    for interval_ms in [100, 1_000, 5_000, 8_000, 9_500] {
        let mut guests = Guests::new(10, interval_ms, interval_ms);
        guests.pass(2 * interval_ms + 5_000, |_| true);
        guests.pass(4 * interval_ms, |n| n != 3);
        guests.pass(12_000, |n| n != 3);
        assert_eq!(guests.counts(), (1, 0, 0), "notifies every {interval_ms} ms");
        let event = guests.bench.log.0.lock().pop().unwrap();
        assert_eq!((event.kind(), event.scope()), (Silent, Some("guest-3")));
        let elapsed = event.as_silence().unwrap().elapsed;
        assert!(elapsed <= ms(10_500), "reported within 5 % of the window: {event}");
    }
}

/// LIVE-9: who stays silent for another window is reported, all of them and once each.
#[test]
fn live_9_a_host_that_does_not_come_back_is_told() {
    let mut guests = Guests::new(10, 1_000, 1_000);
    guests.pass(5_000, |_| true);
    guests.pass(19_000, |_| false);
    assert_eq!(guests.counts(), (0, 1, 0));
    guests.pass(10_000, |_| false);
    assert_eq!(guests.counts(), (GUESTS as usize, 1, 0));
}

/// LIVE-9: a second stall is a suspicion of its own, after notifications in between.
#[test]
fn live_9_another_stall_is_another_suspicion() {
    let mut guests = Guests::new(10, 1_000, 1_000);
    for round in 1..=3 {
        guests.pass(5_000, |_| true);
        guests.pass(15_000, |_| false);
        assert_eq!(guests.counts(), (0, round, 0));
    }
}
