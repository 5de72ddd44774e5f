//! Threads that record, principals that come and go, and snapshots all the while.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use plimsoll::Registry;
use plimsoll::ledger::{Lookup, VALUE_MAX};

use super::{peaks, sums};

const THREADS: u64 = 4;

/// LEDGER-3 and LEDGER-10 through principals: each raises one id to its own end, while newcomers
/// take slots from everybody.
#[test]
fn ledger_3_no_raise_of_a_principal_is_lost_among_newcomers() {
    const RAISES: u64 = 20_000;
    let ledger = peaks(&Registry::new(), 40);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let ledger = ledger.clone();
            scope.spawn(move || {
                let mut guest = ledger.principal(thread).unwrap();
                for size in 1..=RAISES {
                    guest.record(size);
                    let seen = guest.get();
                    assert!(seen.at_most() >= size, "LEDGER-3: {seen:?} after {size}");
                    // It enters over the least, which is often the guest of a thread that sleeps.
                    ledger.record(1_000 + thread * RAISES + size, size).unwrap();
                }
            });
        }
    });
    let mut ids = HashSet::new();
    assert!(ledger.entries().all(|entry| ids.insert(*entry.key())), "LEDGER-10");
    assert_eq!(ledger.len(), 40, "LEDGER-1");
    for thread in 0..THREADS {
        assert!(ledger.get(thread).unwrap().at_most() >= RAISES, "LEDGER-3");
    }
}

/// Every record that is turned away is counted once, whichever thread it was on.
#[test]
fn all_who_are_turned_away_are_counted() {
    const EACH: u64 = 10_000;
    let ledger = peaks(&Registry::new(), 40);
    (0..40u64).for_each(|n| assert!(ledger.record(n, 100).unwrap().is_tracked()));
    thread::scope(|scope| {
        // More threads than the count has parts.
        for thread in 0..40 {
            let ledger = &ledger;
            scope.spawn(move || {
                let mut guest = ledger.principal("small").unwrap();
                for n in 0..EACH / 2 {
                    guest.record(1);
                    ledger.record(1_000 + thread * EACH + n, 1 + n % 100).unwrap();
                }
            });
        }
    });
    assert_eq!(ledger.turned_away(), Some(40 * EACH));
    assert_eq!(ledger.floor(), 100, "LEDGER-4");
}

#[test]
fn ledger_6_sums_of_principals_are_conserved_and_snapshots_never_overstate() {
    const EACH: u64 = 20_000;
    let registry = Registry::new();
    let ledger = sums(&registry, 40);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut last = 0;
            while !is_over.load(SeqCst) {
                let snapshot = registry.snapshot();
                let seen = &snapshot.ledgers()[0];
                assert!(seen.total >= last && seen.total <= THREADS * EACH * 3);
                last = seen.total;
                let shares: f64 = seen.users().iter().map(|user| user.share).sum();
                assert!(shares <= 1.0 + 1e-9, "{shares}");
                let ids: HashSet<_> =
                    seen.users().iter().filter_map(|user| user.principal().copied()).collect();
                assert_eq!(ids.len(), seen.users().len(), "LEDGER-10");
                assert!(seen.certified <= seen.users().len() && seen.tracked <= 40, "LEDGER-1");
            }
        });
        let workers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let ledger = &ledger;
                scope.spawn(move || {
                    let mut hot = ledger.principal("hot").unwrap();
                    for n in 0..EACH {
                        hot.record(2);
                        ledger.record(thread * EACH + n, 1).unwrap();
                    }
                })
            })
            .collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        is_over.store(true, SeqCst);
        reader.join().unwrap();
    });
    assert_eq!(ledger.total(), THREADS * EACH * 3, "LEDGER-6");
    let Lookup::Present { value, error } = ledger.get("hot").unwrap() else {
        panic!("LEDGER-6: the heaviest is there");
    };
    assert!((value - error..=value).contains(&(THREADS * EACH * 2)), "LEDGER-6");
    assert!(value < VALUE_MAX);
}

/// REG-1: windows end, and ledgers come and go, under the hands of recorders and readers.
#[test]
fn reg_1_windows_and_registrations_change_under_way() {
    let registry = Registry::new();
    let windows = registry.window_ledger("windows", 40).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..2u64 {
            let (windows, is_over) = (windows.clone(), &is_over);
            scope.spawn(move || {
                let mut size = 0;
                while !is_over.load(SeqCst) {
                    size += 1;
                    windows.record(thread, size).unwrap();
                    assert!(windows.get(thread).unwrap().value().is_none_or(|seen| seen <= size));
                }
            });
        }
        scope.spawn(|| {
            while !is_over.load(SeqCst) {
                let guest = peaks(&registry, 40).principal("guest").unwrap();
                assert!(registry.snapshot().ledgers().len() >= 2);
                drop(guest);
            }
        });
        for window in 1..=2_500 {
            assert_eq!(windows.advance(), Ok(window));
        }
        is_over.store(true, SeqCst);
    });
    assert_eq!((registry.snapshot().ledgers().len(), windows.window()), (1, 2_500));
}
