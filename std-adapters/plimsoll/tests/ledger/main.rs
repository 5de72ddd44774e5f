//! Ledgers of a registry: what the adapter adds to those of the core, whose own tests and models
//! check LEDGER-1 to LEDGER-12.

mod errors;
mod gone;
mod held;
mod merge;
mod snapshot;
mod threads;
mod window;

use plimsoll::ledger::{Entry, LedgerSettings, Lookup, PeakLedger, Recorded, Seed, SumLedger};
use plimsoll::{Limit, Registry};

const MEMORY: &str = "guest_memory";
const FUEL: &str = "guest_fuel";

fn peaks(registry: &Registry, settings: impl Into<LedgerSettings>) -> PeakLedger {
    registry.peak_ledger(Limit::memory(MEMORY), settings).unwrap()
}

fn sums(registry: &Registry, settings: impl Into<LedgerSettings>) -> SumLedger {
    registry.sum_ledger(Limit::cpu(FUEL), settings).unwrap()
}

/// A peak that is tracked.
fn present(value: u64) -> Lookup {
    Lookup::Present { value, error: 0 }
}

#[test]
fn text_and_numbers_are_principals_and_7_is_not_the_text_7() {
    let ledger = peaks(&Registry::new(), 40);
    ledger.record("7", 10).unwrap();
    ledger.record(7u64, 20).unwrap();
    ledger.record(&String::from("größe"), 30).unwrap();
    ledger.record(&b"bytes"[..], 40).unwrap();
    assert_eq!(ledger.get("7").unwrap(), present(10));
    assert_eq!(ledger.get(7u32).unwrap(), present(20));
    assert_eq!(ledger.get("größe".as_bytes()).unwrap(), present(30));
    assert_eq!(ledger.get("bytes").unwrap(), present(40));
    assert_eq!(ledger.get("7 ").unwrap(), Lookup::Absent { at_most: 0 });
}

#[test]
fn ids_of_every_allowed_length_are_told_apart() {
    let ledger = peaks(&Registry::new(), 1_024);
    let id = |bytes: usize| "x".repeat(bytes);
    for bytes in 1..=64 {
        ledger.record(&id(bytes), bytes as u64).unwrap();
    }
    for bytes in 1..=64 {
        assert_eq!(ledger.get(&id(bytes)).unwrap(), present(bytes as u64));
    }
}

#[test]
fn a_record_says_what_it_did() {
    let ledger = peaks(&Registry::new(), 40);
    assert_eq!(ledger.record("a", 5), Ok(Recorded::Admitted { evicted: 0 }));
    assert_eq!(ledger.record("a", 9), Ok(Recorded::Raised { from: 5, to: 9 }));
    assert_eq!(ledger.record("a", 9), Ok(Recorded::Kept { value: 9 }));
    (1..40u64).for_each(|n| assert!(ledger.record(n, 9).unwrap().is_tracked()));
    assert_eq!((ledger.len(), ledger.slots(), ledger.floor()), (40, 40, 9));
    assert_eq!(ledger.record("late", 9), Ok(Recorded::TurnedAway { floor: 9 }), "a tie");
    assert!(!ledger.record("late", 0).unwrap().is_tracked());
    assert_eq!(ledger.turned_away(), Some(1), "who asks for nothing is not turned away");
    assert_eq!(ledger.record("large", 10), Ok(Recorded::Admitted { evicted: 9 }));
}

#[test]
fn a_principal_stays_right_when_its_slot_changes_hands() {
    let ledger = peaks(&Registry::new(), 40);
    let mut guest = ledger.principal("guest").unwrap();
    let mut twin = guest.clone();
    guest.record(1);
    (0..40u64).for_each(|n| assert!(ledger.record(n, 100 + n).unwrap().is_tracked()));
    assert_eq!(guest.get(), Lookup::Absent { at_most: 100 }, "evicted");
    assert!(!guest.record(50).is_tracked());
    assert_eq!(twin.record(200), Recorded::Admitted { evicted: 100 });
    assert_eq!(guest.record(300), Recorded::Raised { from: 200, to: 300 });
    assert_eq!((guest.get(), guest.key().as_str()), (present(300), Some("guest")));
    assert_eq!((ledger.turned_away(), ledger.len()), (Some(1), 40));
}

#[test]
fn sums_add_up_and_inherit_with_an_error() {
    let ledger = sums(&Registry::new(), 40);
    for n in 0..40u64 {
        ledger.record(n, 10 + n).unwrap();
    }
    assert_eq!(ledger.record("late", 5), Ok(Recorded::Admitted { evicted: 10 }));
    assert_eq!(ledger.get("late").unwrap(), Lookup::Present { value: 15, error: 10 });
    assert_eq!(ledger.total(), (10..50).sum::<u64>() + 5);
    assert_eq!(ledger.turned_away(), Some(0), "sums turn nobody away");
    let certificate = ledger.certificate();
    // The late one is listed with 15, of which 10 are inherited: those of 11 to 14 may be above it.
    assert_eq!((certificate.bound(), certificate.covered()), (11, 35), "LEDGER-2");
    let mut buffer = [Entry::NONE; 40];
    assert_eq!(ledger.top(&mut buffer).covered(), 35, "LEDGER-2: a list says the same");
}

#[test]
fn values_beyond_the_range_are_cut_and_it_is_said() {
    use plimsoll::ledger::VALUE_MAX;
    let registry = Registry::new();
    let (peaks, sums) = (peaks(&registry, 40), sums(&registry, 40));
    peaks.record("just", VALUE_MAX - 1).unwrap();
    sums.record("just", VALUE_MAX - 1).unwrap();
    assert!(!peaks.is_saturated() && !sums.is_saturated());
    peaks.record("over", u64::MAX).unwrap();
    sums.record("just", u64::MAX).unwrap();
    assert!(peaks.is_saturated() && sums.is_saturated());
    assert_eq!(peaks.get("over").unwrap(), present(VALUE_MAX));
    assert_eq!(sums.get("just").unwrap(), present(VALUE_MAX));
}

#[test]
fn top_and_entries_agree() {
    let ledger = peaks(&Registry::new(), 1_024);
    (1..=100u64).for_each(|n| assert!(ledger.record(n, n * n).unwrap().is_tracked()));
    let mut buffer = [Entry::NONE; 3];
    let top = ledger.top(&mut buffer);
    let values: Vec<_> = top.entries().iter().map(Entry::value).collect();
    assert_eq!((values, top.covered()), (vec![10_000, 9_801, 9_604], 3));
    assert_eq!(ledger.entries().map(|entry| entry.value()).max(), Some(10_000));
    assert_eq!((ledger.entries().count(), ledger.len(), ledger.is_empty()), (100, 100, false));
    assert_eq!(ledger.core().len(), 100);
}

/// LEDGER-8: without a seed, two processes (and two seeds) place principals differently, and within
/// one all ledgers of a size place them alike.
#[test]
fn ledger_8_a_seed_of_ones_own_places_elsewhere() {
    let registry = Registry::new();
    let placed = |settings: LedgerSettings| {
        let ledger = peaks(&registry, settings);
        (0..1_000u64).for_each(|n| assert!(ledger.record(n, 1).unwrap().is_tracked()));
        ledger.entries().map(|entry| entry.key().as_integer().unwrap()).collect::<Vec<_>>()
    };
    let settings = LedgerSettings::default();
    assert_eq!(placed(settings), placed(settings));
    assert_ne!(placed(settings.seed(Seed::new(1, 2))), placed(settings.seed(Seed::new(1, 3))));
    assert_ne!(placed(settings), placed(settings.seed(Seed::new(1, 2))));
}

#[test]
fn what_is_not_counted_is_not_made_up() {
    let ledger = peaks(&Registry::new(), LedgerSettings::new(40).count_turned_away(false));
    (0..100u64).for_each(|n| assert!(ledger.record(n, 1).is_ok()));
    assert_eq!((ledger.turned_away(), ledger.len()), (None, 40));
}

#[test]
fn handles_go_wherever_threads_do() {
    fn sound<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe + 'static>() {}
    sound::<(PeakLedger, SumLedger, plimsoll::ledger::WindowLedger)>();
    fn sent<T: Send + Clone + 'static>() {}
    sent::<(plimsoll::ledger::PeakPrincipal, plimsoll::ledger::SumPrincipal)>();
}
