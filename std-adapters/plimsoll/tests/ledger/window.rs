//! Peaks of the current window.

use plimsoll::ledger::{Entry, LedgerKind, Lookup, Recorded, WindowLedger};
use plimsoll::{Limit, Registry};

fn windows(registry: &Registry) -> WindowLedger {
    registry.window_ledger(Limit::memory("guest_memory"), 40).unwrap()
}

#[test]
fn a_new_window_begins_empty_and_older_entries_give_way() {
    let registry = Registry::new();
    let ledger = windows(&registry);
    (0..40u64).for_each(|n| assert!(ledger.record(n, 1_000 + n).unwrap().is_tracked()));
    assert!(!ledger.record("late", 7).unwrap().is_tracked());
    assert_eq!((ledger.window(), ledger.advance(), ledger.window()), (0, Ok(1), 1));
    assert_eq!(ledger.get(39u64), Ok(Lookup::Absent { at_most: 0 }));
    assert_eq!(ledger.record("late", 7), Ok(Recorded::Admitted { evicted: 0 }));
    assert_eq!(ledger.get("late"), Ok(Lookup::Present { value: 7, error: 0 }));
    let mut buffer = [Entry::NONE; 4];
    let top = ledger.top(&mut buffer);
    assert_eq!((top.entries().len(), top.entries()[0].value(), top.covered()), (1, 7, 1));
    assert_eq!(ledger.turned_away(), Some(1));
}

/// A core ledger tells 1,024 windows apart; the adapter takes another one then.
#[test]
fn windows_never_end() {
    let registry = Registry::new();
    let ledger = windows(&registry);
    for window in 0..3_000 {
        assert_eq!(ledger.window(), window);
        assert_eq!(ledger.get("guest").unwrap(), Lookup::Absent { at_most: 0 });
        ledger.record("guest", 3_000 - window).unwrap();
        assert_eq!(ledger.get("guest").unwrap().value(), Some(3_000 - window));
        assert_eq!(ledger.advance(), Ok(window + 1));
    }
}

#[test]
fn a_snapshot_shows_the_window() {
    let registry = Registry::new();
    let ledger = windows(&registry);
    ledger.record("old", 9).unwrap();
    ledger.advance().unwrap();
    ledger.record("a", 3).unwrap();
    ledger.record("b", 1).unwrap();
    let snapshot = registry.snapshot();
    let seen = &snapshot.ledgers()[0];
    assert_eq!((seen.kind, seen.window, seen.floor), (LedgerKind::Window, Some(1), None));
    assert_eq!((seen.total, seen.certified, seen.tracked), (4, 2, 3));
    let users: Vec<_> = seen.users().iter().map(|user| (user.value(), user.share)).collect();
    assert_eq!(users, [(3, 0.75), (1, 0.25)]);
    assert!(!seen.is_saturated);
    ledger.record("b", ledger.size_max() + 1).unwrap();
    let snapshot = registry.snapshot();
    let seen = &snapshot.ledgers()[0];
    assert!(seen.is_saturated && seen.users()[0].is_saturated && !seen.users()[1].is_saturated);
}
