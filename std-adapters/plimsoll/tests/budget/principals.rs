//! Budgets of principals.

use plimsoll::budget::{BudgetError, RefusedReason};
use plimsoll::ledger::PeakLedger;
use plimsoll::{Limit, RegisterError, Registry};

use super::support::{Wait, budget};

#[test]
fn a_budget_is_made_on_demand_and_dropped_when_unused() {
    let host = budget(1_000);
    let guests = host.principals(Limit::memory("guest_bytes"), 100).build().unwrap();
    assert!(guests.is_empty());
    let acme = guests.budget("acme").unwrap();
    assert_eq!(acme, guests.budget("acme").unwrap());
    assert_ne!(acme, guests.budget("globex").unwrap());
    assert_eq!((guests.len(), acme.scope()), (1, Some("acme")));
    let lease = acme.try_reserve(60).unwrap();
    drop(acme);
    // A lease keeps it, and its usage.
    let refused = guests.budget("acme").unwrap().try_reserve(60).unwrap_err();
    assert_eq!((refused.reason(), refused.usage()), (RefusedReason::Full, 60));
    let waiting = Wait::begin(&guests.budget("acme").unwrap(), 60);
    drop(lease);
    assert_eq!(guests.len(), 1, "a wait keeps it");
    drop(waiting.served());
    assert!(guests.is_empty());
    assert_eq!(host.usage(), 0);
}

#[test]
fn there_are_no_more_than_allowed() {
    let host = budget(1_000);
    let guests = host.principals(Limit::memory("guest_bytes"), 100).max(2).build().unwrap();
    let [acme, _globex] = ["acme", "globex"].map(|id| guests.budget(id).unwrap());
    let error = guests.budget("initech").unwrap_err();
    assert_eq!(
        error.to_string(),
        "guest_bytes: 2 principals have a budget, and no more may: raise `max`"
    );
    assert!(guests.budget("acme").is_ok(), "those that are there are found");
    drop(acme);
    assert!(guests.budget("initech").is_ok());
}

#[test]
fn they_are_listed_if_asked_for() {
    let registry = Registry::builder().max_entries(2).build().unwrap();
    let host = registry.budget(Limit::memory("host_bytes"), 1_000).unwrap();
    let hidden = host.principals(Limit::memory("guest_bytes"), 100).build().unwrap();
    let kept = hidden.budget("acme").unwrap();
    assert_eq!(registry.snapshot().entries().len(), 1, "SEE-4: principals are shown if asked for");
    let listed = host.principals(Limit::memory("guest_bytes"), 100).listed().build().unwrap();
    let acme = listed.budget("acme").unwrap();
    assert_eq!(registry.snapshot().entries()[1].scope(), Some("acme"));
    // The registry is full: an error, and no lock is left locked.
    let error = listed.budget("globex").unwrap_err();
    assert_eq!(error, BudgetError::Register(RegisterError::TooManyEntries { max: 2 }));
    drop((acme, kept));
    assert!(listed.budget("globex").is_ok());
}

#[test]
fn bad_ids_and_settings_are_refused() {
    let host = budget(100);
    let settings = host.principals(Limit::memory("guest_bytes"), 101);
    assert!(matches!(settings.build(), Err(BudgetError::AboveParent { .. })));
    assert!(host.principals("Guest", 10).build().is_err());
    let guests = host.principals(Limit::memory("guest_bytes"), 10).build().unwrap();
    assert!(matches!(guests.budget(""), Err(BudgetError::Principal(_))));
    assert!(matches!(guests.budget("a\nb"), Err(BudgetError::Principal(_))));
    let long = "x".repeat(1_000);
    let budget = guests.budget(&long).unwrap();
    assert_eq!((&budget, guests.len()), (&guests.budget(&long).unwrap(), 1));
}

#[test]
fn the_ledger_keeps_the_peak_of_each() {
    let host = budget(1_000);
    let peaks = PeakLedger::new(64).unwrap();
    let guests = host.principals(Limit::memory("guest_bytes"), 100).peaks(&peaks).build().unwrap();
    let acme = guests.budget("acme").unwrap();
    let mut lease = acme.try_reserve(40).unwrap();
    lease.try_grow(30).unwrap();
    let waiting = Wait::begin(&acme, 100);
    assert_eq!(peaks.get("acme").unwrap().value(), Some(70));
    drop(lease);
    drop(waiting.served());
    drop(acme);
    assert_eq!(peaks.get("acme").unwrap().value(), Some(100));
}

#[test]
fn principals_come_and_go_in_many_threads() {
    let host = budget(1_000_000);
    let guests = host.principals(Limit::memory("guest_bytes"), 1_000_000).max(64).build().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let guests = &guests;
            scope.spawn(move || {
                for round in 0..2_000 {
                    let id = format!("principal-{}", (round * 7 + thread) % 5);
                    let lease = guests.budget(&id).unwrap().try_reserve(1 + round).unwrap();
                    assert!(lease.budget().usage() >= lease.amount());
                }
            });
        }
    });
    assert_eq!((guests.len(), host.usage()), (0, 0));
}
