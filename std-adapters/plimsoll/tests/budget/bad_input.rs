//! Bad input is a typed error that says what is allowed.

use std::time::Duration;

use plimsoll::budget::{
    Bounds, Budget, BudgetError, LEVELS_MAX, LeaseError, MAX_AMOUNT, PercentWatermarks,
    RefusedReason,
};
use plimsoll::{Limit, RegisterError, Registry};

use super::support::{budget, tree};

#[test]
fn a_budget_that_cannot_be_is_refused() {
    let registry = Registry::new();
    let of = |bounds: Bounds| registry.budget("host_bytes", bounds).unwrap_err();
    for asked in [0, MAX_AMOUNT + 1, u64::MAX] {
        let limit = "queue host_bytes";
        let error = of(asked.into());
        assert_eq!(error, BudgetError::Capacity { limit: limit.to_owned(), asked });
        let allowed = format!("{limit}: a capacity is 1 to {MAX_AMOUNT} (asked {asked})");
        assert_eq!(error.to_string(), allowed);
    }
    let bounds = Bounds::new(10).watermarks(PercentWatermarks::none());
    assert_eq!(of(bounds), BudgetError::NoLevels);
    let name = registry.budget("Host Bytes", 10).unwrap_err();
    assert_eq!(name, BudgetError::Register(RegisterError::NameCharacter { at: 0 }));
    assert!(Budget::new("", 10).is_err(), "without a registry too");
    assert!(registry.snapshot().entries().is_empty());
}

#[test]
fn a_child_above_its_parent_is_refused() {
    let (host, [guest]) = tree(100, [80]);
    let error = host.child(Limit::memory("guest_bytes"), 101).unwrap_err();
    assert_eq!(
        error.to_string(),
        "memory guest_bytes: a capacity of 101 is above the 100 of memory host_bytes, its parent: \
         raise that first with `Budget::resize`, or ask for less"
    );
    assert!(matches!(guest.resize(101), Err(BudgetError::AboveParent { capacity: 101, .. })));
    assert_eq!(guest.capacity(), 80);
    host.resize(120).unwrap();
    guest.resize(101).unwrap();
}

#[test]
fn a_tree_that_is_too_deep_is_refused() {
    let mut leaf = budget(100);
    for _ in 1..LEVELS_MAX {
        leaf = leaf.child("inner", 100).unwrap();
    }
    let error = leaf.child("inner", 100).unwrap_err();
    assert_eq!(error, BudgetError::TooDeep { limit: "queue inner".to_owned() });
}

#[test]
fn a_resize_to_what_cannot_be_changes_nothing() {
    let host = budget(100);
    let zero = BudgetError::Capacity { limit: "memory host_bytes".to_owned(), asked: 0 };
    assert_eq!(host.resize(0), Err(zero));
    assert!(host.resize(MAX_AMOUNT + 1).is_err());
    assert_eq!(host.capacity(), 100);
}

#[test]
fn an_ask_that_never_fits_is_an_error_at_once_on_every_way() {
    let (_host, [guest]) = tree(100, [80]);
    let _held = guest.try_reserve(80).unwrap();
    for (amount, reason) in [
        (0, RefusedReason::BadAmount),
        (81, RefusedReason::NeverFits),
        (101, RefusedReason::NeverFits),
        (MAX_AMOUNT + 1, RefusedReason::BadAmount),
        (u64::MAX, RefusedReason::BadAmount),
    ] {
        assert_eq!(guest.try_reserve(amount).unwrap_err().reason(), reason, "{amount}");
        assert_eq!(guest.reserve_blocking(amount).unwrap_err().reason(), reason, "{amount}");
        let refused = guest.reserve_timeout(amount, Duration::MAX).unwrap_err();
        assert_eq!(refused.reason(), reason, "{amount}");
        assert!(!refused.is_temporary());
        assert_eq!(refused.asked(), amount);
    }
    assert_eq!(guest.waiting(), 0);
}

#[test]
fn a_lease_that_can_never_grow_so_far_is_told_at_once() {
    let host = budget(100);
    let mut lease = host.try_reserve(60).unwrap();
    let refused = lease.grow_blocking(50).unwrap_err();
    assert_eq!(refused.reason(), RefusedReason::NeverFits);
    assert_eq!(refused.capacity_needed(), Some(110));
    assert_eq!(
        refused.to_string(),
        "memory host_bytes never has room for 50 beside the 60 of the lease: 60 of 100 used; \
         `Budget::resize` to 110 makes room"
    );
    assert_eq!(lease.amount(), 60);
}

#[test]
fn a_lease_gives_no_more_than_it_has() {
    let host = budget(100);
    let mut lease = host.try_reserve(60).unwrap();
    let error = LeaseError::TooMuch { amount: 60, asked: 61 };
    assert_eq!(lease.split(61).unwrap_err(), error);
    assert_eq!(lease.shrink(61).unwrap_err(), error);
    assert_eq!(error.to_string(), "a lease of 60 has no 61 to give: ask for 60 or less");
    assert_eq!((lease.amount(), host.usage()), (60, 60));
}

#[test]
fn a_lease_of_another_budget_comes_back() {
    let (host, [one, two]) = tree(100, [80, 80]);
    let mut lease = one.try_reserve(10).unwrap();
    let error = lease.merge(two.try_reserve(20).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "leases of one budget are merged; this one, of 20, is of memory guest_bytes[guest-2]"
    );
    assert_eq!((error.0.amount(), lease.amount(), host.usage()), (20, 10, 30));
    assert!(lease.merge(host.try_reserve(1).unwrap()).is_err(), "of a level above");
    drop(error);
    assert_eq!(host.usage(), 10);
}

#[test]
fn budget_7_what_never_fits_is_not_promised_the_room_of_others() {
    let host = budget(100);
    let held = host.try_reserve(90).unwrap();
    let refused = host.try_reserve(101).unwrap_err();
    assert_eq!(
        (refused.reason(), refused.capacity_needed()),
        (RefusedReason::NeverFits, Some(101))
    );
    assert_eq!(
        refused.to_string(),
        "memory host_bytes never has room for 101: 90 of 100 used; `Budget::resize` to 101 lets it \
         wait for room"
    );
    host.resize(101).unwrap();
    assert_eq!(host.try_reserve(101).unwrap_err().reason(), RefusedReason::Full);
    drop(held);
    assert!(host.try_reserve(101).is_ok());
}
