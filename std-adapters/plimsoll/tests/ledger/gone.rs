//! Who was evicted, who is removed, exact ledgers, ledgers on their own, and long ids.

use std::collections::HashMap;

use plimsoll::Registry;
use plimsoll::ledger::{
    EXACT_MAX, Entry, LedgerError, LedgerSettings, LongPrincipalId, Lookup, PeakLedger,
    PrincipalError, Recorded, SumLedger, WindowLedger,
};
use plimsoll_core::ledger::LedgerError as CoreError;

use super::{peaks, present};

/// Many principals on few slots: each eviction names a principal that was tracked, with what it had,
/// and with the entries that are left they account for all that was recorded.
#[test]
fn ledger_12_evictions_are_named_and_account_for_all() {
    for settings in [LedgerSettings::new(16), LedgerSettings::exact(16), LedgerSettings::exact(64)]
    {
        let sums = SumLedger::new(settings).unwrap();
        let mut tracked = HashMap::<u64, u64>::new();
        let (mut state, mut evictions, mut recorded_sum) = (9_u64, 0, 0);
        let mut sure = 0;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_041);
            let (number, amount) = ((state >> 33) % 400, 1 + (state >> 50) % 20);
            let (recorded, evicted) = sums.record_evicting(number, amount).unwrap();
            recorded_sum += amount;
            match (recorded, evicted) {
                (Recorded::Raised { from, to }, None) => {
                    assert_eq!(tracked.insert(number, to), Some(from), "LEDGER-12");
                }
                (Recorded::Admitted { evicted: value }, gone) => {
                    if let Some(gone) = gone {
                        let name = gone.key().as_integer().expect("a number");
                        assert_eq!(tracked.remove(&name), Some(gone.value()), "LEDGER-12");
                        assert_eq!(gone.value(), value);
                        sure += gone.guaranteed();
                        evictions += 1;
                    }
                    tracked.insert(number, value + amount);
                }
                other => panic!("LEDGER-12: {other:?}"),
            }
        }
        assert_eq!(tracked.len(), sums.len(), "LEDGER-12");
        sure += sums.entries().map(|entry| entry.guaranteed()).sum::<u64>();
        assert!(evictions > 1_000 && sure == recorded_sum, "LEDGER-12: {sure} of {recorded_sum}");
    }
}

#[test]
fn ledger_12_who_is_gone_is_no_longer_listed() {
    let registry = Registry::new();
    let ledger = peaks(&registry, 16);
    ledger.record("gone", 1 << 40).unwrap();
    for number in 0..1_000u64 {
        ledger.record(number, 1 << 20).unwrap();
    }
    let total = ledger.total();
    let removed = ledger.remove("gone").unwrap().expect("LEDGER-12");
    assert_eq!((removed.key().as_str(), removed.value()), (Some("gone"), 1 << 40));
    assert_eq!(ledger.remove("gone"), Ok(None));
    assert_eq!(ledger.remove(""), Err(PrincipalError::Empty));
    let snapshot = registry.snapshot();
    let listed = &snapshot.ledgers()[0];
    assert_eq!(listed.users()[0].value(), 1 << 20, "LEDGER-12");
    assert_eq!((listed.tracked, listed.total), (39, total - (1 << 40)), "LEDGER-12");
    assert!(listed.users()[0].is_certified, "LEDGER-2: nobody who is left had more");
    assert_eq!(ledger.get("gone").unwrap().value(), None);
}

#[test]
fn ledger_12_principals_and_windows_remove_and_name_too() {
    let ledger = PeakLedger::new(LedgerSettings::exact(1)).unwrap();
    let mut guest = ledger.principal("guest").unwrap();
    guest.record(5);
    assert_eq!(guest.remove().map(|entry| entry.value()), Some(5), "LEDGER-12");
    assert_eq!(guest.remove(), None);
    assert_eq!(guest.record(5), Recorded::TurnedAway { floor: 5 }, "LEDGER-5: no room for less");
    assert_eq!(guest.record_evicting(6), (Recorded::Admitted { evicted: 0 }, None));
    let (_, evicted) = ledger.principal("other").unwrap().record_evicting(7);
    assert_eq!(evicted.map(|entry| entry.value()), Some(6), "LEDGER-12");
    assert_eq!(ledger.turned_away(), Some(1));

    let windows = WindowLedger::new(LedgerSettings::exact(2)).unwrap();
    for (name, size) in [("a", 10), ("b", 20)] {
        windows.record(name, size).unwrap();
    }
    let (_, evicted) = windows.record_evicting("c", 30).unwrap();
    assert_eq!(
        evicted.map(|entry| (entry.key().as_str() == Some("a"), entry.value())),
        Some((true, 10))
    );
    assert_eq!(windows.remove("c").unwrap().map(|entry| entry.value()), Some(30), "LEDGER-12");
    assert_eq!(windows.record("d", 25), Ok(Recorded::Admitted { evicted: 20 }), "the least went");
    assert_eq!(windows.record("e", 25), Ok(Recorded::TurnedAway { floor: 25 }));
    windows.advance().unwrap();
    // In the next window there is room for everybody, also where one was removed.
    for name in ["x", "y"] {
        assert_eq!(windows.record_evicting(name, 1).unwrap().1, None, "LEDGER-12");
    }
    let mut buffer = [Entry::NONE; 4];
    assert_eq!(windows.top(&mut buffer).entries().len(), 2);
}

#[test]
fn ledger_2_an_exact_ledger_has_as_many_entries_as_asked_and_evicts_the_lowest() {
    for entries in [1, 2, 16, 40, 41, 64, EXACT_MAX] {
        let ledger = PeakLedger::new(LedgerSettings::exact(entries)).unwrap();
        for number in 0..200u64 {
            ledger.record(number, 1_000 - number % 100 * 7 + number / 100).unwrap();
        }
        let mut all: Vec<u64> =
            (0..200).map(|number| 1_000 - number % 100 * 7 + number / 100).collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        let mut buffer = vec![Entry::NONE; 200];
        let top = ledger.top(&mut buffer);
        let values: Vec<u64> = top.entries().iter().map(Entry::value).collect();
        assert_eq!(values, all[..entries], "LEDGER-2");
        assert_eq!((ledger.len(), ledger.slots(), top.covered()), (entries, entries, entries));
    }
    let error = |entries| PeakLedger::new(LedgerSettings::exact(entries)).unwrap_err();
    assert_eq!(error(0), LedgerError::Capacity { capacity: 0 });
    assert_eq!(error(81), LedgerError::Core(CoreError::Exact { entries: 81 }));
    assert_eq!(error(81).to_string(), "an exact ledger has 1 to 80 entries (asked 81)");
    let registry = Registry::new();
    let listed = peaks(&registry, LedgerSettings::exact(3));
    listed.record("a", 1).unwrap();
    assert_eq!(registry.snapshot().ledgers()[0].capacity, 3);
}

#[test]
fn ledgers_stand_alone_and_merge_with_those_of_a_registry() {
    let [one, other] = [(); 2].map(|()| PeakLedger::new(64).unwrap());
    one.record("a", 5).unwrap();
    other.record("b", 7).unwrap();
    one.merge(&other);
    assert_eq!(one.get("b"), Ok(present(7)));
    assert!(format!("{one:?}").contains("Peak"));
    let registry = Registry::new();
    peaks(&registry, 64).merge(&one);
    assert!(registry.snapshot().ledgers().is_empty(), "the other has left");
    assert_eq!(PeakLedger::new(0).unwrap_err(), LedgerError::Capacity { capacity: 0 });
    assert_eq!(SumLedger::new(0).unwrap_err(), LedgerError::Capacity { capacity: 0 });
    assert_eq!(WindowLedger::new(0).unwrap_err(), LedgerError::Capacity { capacity: 0 });
}

#[test]
fn ids_above_64_bytes_go_by_their_digest() {
    let ledger = PeakLedger::new(64).unwrap();
    let long = |end: &str| "tenant/".repeat(20) + end;
    let [one, other] = ["one", "other"].map(|end| LongPrincipalId::new(&long(end)).unwrap());
    ledger.record(&one, 5).unwrap();
    ledger.record(&other, 9).unwrap();
    assert_eq!(ledger.get(&one), Ok(present(5)));
    // An id that consists of the digits is another principal.
    let digits = one.key().as_str().expect("digits").to_owned();
    assert_eq!((digits.len(), one.is_digest()), (64, true));
    assert_eq!(ledger.get(digits.as_str()), Ok(Lookup::Absent { at_most: 0 }), "LEDGER-7");
    ledger.record(digits.as_str(), 7).unwrap();
    assert_eq!(ledger.get(&one), Ok(present(5)));
    assert_eq!(ledger.remove(&one).unwrap().map(|entry| *entry.key()), Some(*one.key()));
    // Short ones are themselves.
    let short = LongPrincipalId::new("acme").unwrap();
    ledger.record(&short, 3).unwrap();
    assert_eq!((ledger.get("acme"), short.is_digest()), (Ok(present(3)), false));
    let border = "x".repeat(64);
    assert!(!LongPrincipalId::new(&border).unwrap().is_digest());
    assert_eq!(LongPrincipalId::new("").unwrap_err(), PrincipalError::Empty);
    let forged = long("\nforged");
    let error = PrincipalError::ControlCharacter { at: 140 };
    assert_eq!(LongPrincipalId::new(&forged).unwrap_err(), error);
    // A principal that remembers its slot.
    let mut guest = ledger.principal(&other).unwrap();
    assert_eq!(guest.record(10), Recorded::Raised { from: 9, to: 10 });
}
