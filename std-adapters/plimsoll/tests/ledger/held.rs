//! Bytes times the time that they are held.

use std::time::{Duration, Instant};

use plimsoll::ledger::{HeldBytes, SumLedger};

/// Against the integral in whole numbers, over changes of all sizes at all distances.
#[test]
fn ledger_13_all_that_is_returned_is_the_integral_rounded_down_once() {
    let mut state = 13_u64;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..50 {
        let (mut now, mut held) = (Instant::now(), HeldBytes::new());
        let (mut exact, mut returned, mut bytes) = (0_u128, 0_u128, 0_u64);
        for _ in 0..500 {
            let bits = random(31);
            let pause = Duration::from_nanos(random(2 << bits));
            now += pause;
            exact += u128::from(bytes) * pause.as_nanos();
            returned += u128::from(if random(3) == 0 {
                held.advance(now)
            } else {
                bytes = random(2 << bits);
                held.set(bytes, now)
            });
            assert_eq!(returned, exact / (1_024 * 1_000_000_000), "LEDGER-13");
            assert_eq!(held.bytes(), bytes);
            assert!(held.rest() < Duration::from_secs(1));
        }
    }
}

#[test]
fn ledger_13_a_clock_that_goes_back_and_sizes_without_end() {
    let begin = Instant::now();
    let later = begin + Duration::from_secs(10);
    let mut held = HeldBytes::new();
    assert_eq!(held.set(1_024, later), 0, "LEDGER-13: nothing was held before");
    assert_eq!(held.set(1_024, begin), 0, "LEDGER-13: no time has passed");
    assert_eq!(held.advance(later), 0, "LEDGER-13: nor twice");
    assert_eq!(held.advance(later + Duration::from_secs(2)), 2);
    let _ = held.set(u64::MAX, later + Duration::from_secs(2));
    let centuries = later + Duration::from_secs(1 << 33);
    assert_eq!(held.set(0, centuries), u64::MAX, "LEDGER-13: cut, and not wrapped");
}

/// Leases of a millisecond, each of them far below a KiB-second, for two principals in turn.
#[test]
fn ledger_13_short_leases_are_billed_by_what_is_left_of_the_last() {
    let ledger = SumLedger::new(64).unwrap();
    let mut now = Instant::now();
    let mut holders = ["acme", "globex"].map(|name| ledger.holder(name).unwrap());
    for _ in 0..10_000 {
        for (holder, kib) in holders.iter_mut().zip([100, 300]) {
            holder.set(kib << 10, now);
            now += Duration::from_millis(1);
            holder.end(now);
        }
    }
    assert_eq!(holders[0].bytes(), 0);
    assert_eq!(ledger.get("acme").unwrap().value(), Some(1_000), "LEDGER-13");
    assert_eq!(ledger.get("globex").unwrap().value(), Some(3_000), "LEDGER-13");
    assert_eq!(ledger.total(), 4_000);
    holders[1].set(1 << 20, now);
    assert_eq!(holders[1].advance(now + Duration::from_secs(2)), 2_048, "a lease that lasts");
    assert_eq!(holders[1].principal().get().value(), Some(5_048));
}
