//! What hostile or unlucky use does to budgets: races of resizes, callbacks that come back, numbers at the end of
//! their range.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use plimsoll::budget::{Admission, Budget, Lease, MAX_AMOUNT, RefusedReason, Semaphore};
use plimsoll::ledger::PeakLedger;
use plimsoll::{EventKind, Limit, Registry};

use super::common::until;
use super::support::{PATIENCE, Wait, budget, tree};

#[test]
fn budget_4_permits_that_several_add_at_once_all_count() {
    const EACH: u64 = 2_000;
    let semaphore = Semaphore::new("permits", 1).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..EACH).for_each(|_| semaphore.add_permits(1).unwrap()));
        }
    });
    assert_eq!(semaphore.available_permits(), 1 + 4 * EACH);
}

#[test]
fn budget_5_added_permits_do_not_pass_the_end() {
    let semaphore = Semaphore::new("permits", MAX_AMOUNT).unwrap();
    for permits in [1, u64::MAX] {
        assert!(semaphore.add_permits(permits).is_err());
        assert_eq!(semaphore.available_permits(), MAX_AMOUNT);
    }
}

#[test]
fn budget_7_no_refusal_tells_of_a_capacity_that_cannot_be() {
    let host = budget(MAX_AMOUNT);
    let _held = host.try_reserve(MAX_AMOUNT).unwrap();
    let refused = host.try_reserve(1).unwrap_err();
    assert_eq!(refused.capacity_needed(), None, "{refused}");
    let admission = Admission::new(&host, || u64::MAX - 5);
    let refused = admission.try_admit(5).unwrap_err();
    assert_eq!((refused.reason(), refused.capacity_needed()), (RefusedReason::Measured, None));
}

#[test]
fn budget_7_no_refusal_tells_to_make_the_capacity_smaller() {
    let host = budget(100);
    let held = host.try_reserve(50).unwrap();
    let _waiting = Wait::begin(&host, 60);
    let refused = host.try_reserve(20).unwrap_err();
    assert_eq!((refused.reason(), refused.capacity_needed()), (RefusedReason::Queued, None));
    assert_eq!(
        refused.to_string(),
        "memory host_bytes has no room for 20 before others who wait: 50 of 100 used; wait in turn \
         with `Budget::reserve`, or make room for all with `Budget::resize`"
    );
    let refused = host.reserve_timeout(20, Duration::ZERO).unwrap_err();
    assert_eq!((refused.reason(), refused.capacity_needed()), (RefusedReason::TimedOut, None));
    drop(held);
}

#[test]
fn the_peak_of_a_principal_is_noted_before_others_hear_of_it() {
    let registry = Registry::new();
    let host = registry.budget(Limit::memory("host_bytes"), 100).unwrap();
    let peaks = PeakLedger::new(64).unwrap();
    let guests = host.principals(Limit::memory("guest_bytes"), 100).peaks(&peaks).build().unwrap();
    let acme = guests.budget("acme").unwrap();
    let cache = Mutex::new(Some(acme.try_reserve(60).unwrap()));
    let _subscription = registry.subscribe(move |event| {
        if event.kind() == EventKind::Raised {
            drop(cache.lock().unwrap().take());
        }
    });
    let _lease = acme.try_reserve(40).unwrap();
    assert_eq!(acme.usage(), 40, "the cache was dropped");
    assert_eq!(peaks.get("acme").unwrap().value(), Some(100));
}

#[test]
fn the_peak_of_a_principal_has_what_a_waiter_was_granted() {
    let host = budget(1_000);
    let peaks = PeakLedger::new(64).unwrap();
    let guests = host.principals(Limit::memory("guest_bytes"), 100).peaks(&peaks).build().unwrap();
    let acme = guests.budget("acme").unwrap();
    let mut others = [60, 40].map(|amount| Some(acme.try_reserve(amount).unwrap()));
    let waiting = Wait::begin(&acme, 30);
    let globex = guests.budget("globex").unwrap();
    let first = globex.try_reserve(60).unwrap();
    let second = globex.try_reserve(10).unwrap();
    let granted = Wait::begin(&globex, 90 - 10);
    drop(first);
    // Granted, and not polled yet: 90 at one time.
    drop(second);
    drop(granted.served());
    others[1] = None;
    drop(waiting.served());
    assert_eq!(peaks.get("globex").unwrap().value(), Some(90));
    assert_eq!(peaks.get("acme").unwrap().value(), Some(100));
}

#[test]
fn budget_3_a_wait_that_is_cancelled_as_it_is_granted_loses_nothing() {
    for round in 0..3_000 {
        let (host, [guest]) = tree(100, [80]);
        let held = guest.try_reserve(80).unwrap();
        let cancelled = Wait::begin(&guest, 70);
        let next = Wait::begin(&host, 90);
        thread::scope(|scope| {
            scope.spawn(|| drop(held));
            if round % 2 == 0 {
                thread::yield_now();
            }
            drop(cancelled);
        });
        drop(next.served());
        assert_eq!((host.usage(), guest.usage(), host.waiting(), guest.waiting()), (0, 0, 0, 0));
    }
}

#[test]
fn budget_4_a_storm_of_resizes_at_two_levels_leaves_nobody_waiting() {
    let (host, [guest, other]) = tree(1_000, [500, 500]);
    thread::scope(|scope| {
        let served: Vec<_> = (0..8)
            .map(|thread| {
                let budget = [&host, &guest, &other][thread % 3];
                scope.spawn(move || {
                    for round in 0..300 {
                        let amount = 1 + (round * 31 + thread as u64 * 17) % 100;
                        drop(budget.reserve_timeout(amount, PATIENCE).unwrap());
                    }
                })
            })
            .collect();
        let mut capacity = 0;
        while served.iter().any(|thread| !thread.is_finished()) {
            capacity = (capacity + 37) % 400;
            guest.resize(100 + capacity).unwrap();
            other.resize(500 - capacity).unwrap();
            host.resize(500 + capacity).unwrap();
            thread::yield_now();
        }
        served.into_iter().for_each(|thread| thread.join().unwrap());
    });
    for budget in [&host, &guest, &other] {
        assert_eq!((budget.usage(), budget.waiting()), (0, 0));
        drop(budget.try_reserve(budget.available()).unwrap());
    }
}

#[test]
fn a_child_goes_with_its_last_waiter() {
    let registry = Registry::new();
    let host = registry.budget(Limit::memory("host_bytes"), 100).unwrap();
    let guest = host.child(Limit::memory("guest_bytes"), 80).unwrap();
    let held = host.try_reserve(100).unwrap();
    let waiting = Wait::begin(&guest, 50);
    drop(guest);
    assert_eq!(registry.snapshot().entries().len(), 2, "a wait keeps its budget");
    drop(held);
    assert_eq!((host.usage(), waiting.counter.woken()), (50, 1));
    drop(waiting);
    assert_eq!((host.usage(), registry.snapshot().entries().len()), (0, 1));
}

#[test]
fn budget_6_more_asks_in_flight_than_a_level_counts_all_end() {
    let (host, [guest]) = tree(1 << 40, [1 << 40]);
    let deep = guest.child(Limit::memory("deep_bytes"), 1 << 40).unwrap();
    thread::scope(|scope| {
        for _ in 0..48 {
            scope.spawn(|| {
                for _ in 0..3_000 {
                    drop(deep.try_reserve(3).unwrap());
                }
            });
        }
    });
    assert_eq!((host.usage(), guest.usage(), deep.usage()), (0, 0, 0));
}

/// Polls a future on the thread that wakes it, and keeps nothing.
struct Inline(Mutex<Option<std::pin::Pin<Box<plimsoll::budget::Reserve>>>>);

impl std::task::Wake for Inline {
    fn wake(self: Arc<Self>) {
        let Some(mut future) = self.0.lock().unwrap().take() else { return };
        let waker = Waker::noop();
        if let Poll::Ready(lease) = future.as_mut().poll(&mut Context::from_waker(waker)) {
            drop(lease.unwrap());
        }
    }
}

#[test]
fn budget_3_leases_that_wakers_take_and_drop_serve_the_next() {
    let (host, [guest]) = tree(100, [80]);
    let held = host.try_reserve(100).unwrap();
    let waits: Vec<_> = (0..200)
        .map(|number| {
            let budget = if number % 2 == 0 { &host } else { &guest };
            let wait = Arc::new(Inline(Mutex::new(None)));
            let mut future = Box::pin(budget.reserve(60));
            let waker = Waker::from(wait.clone());
            assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            *wait.0.lock().unwrap() = Some(future);
            wait
        })
        .collect();
    drop(held);
    assert!(waits.iter().all(|wait| wait.0.lock().unwrap().is_none()), "all were served");
    assert_eq!((host.usage(), guest.usage(), host.waiting(), guest.waiting()), (0, 0, 0, 0));
}

#[test]
fn a_subscriber_may_snapshot_reserve_and_wait() {
    let registry = Registry::new();
    let host = registry.budget(Limit::memory("host_bytes"), 100).unwrap();
    let guest = host.child(Limit::memory("guest_bytes"), 100).unwrap();
    let (seen, asked) = (registry.clone(), guest.clone());
    let kept: Arc<Mutex<Vec<Lease>>> = Arc::default();
    let keep = kept.clone();
    let subscription = registry.subscribe(move |_| {
        assert_eq!(seen.snapshot().entries().len(), 2);
        keep.lock().unwrap().extend(asked.try_reserve(1));
        let _ = asked.reserve_timeout(200, Duration::MAX).unwrap_err();
        asked.resize(99).unwrap();
    });
    let lease = guest.try_reserve(85).unwrap();
    drop(lease);
    drop(subscription);
    assert_eq!((registry.stats().panicked, guest.capacity()), (0, 99));
    let kept = std::mem::take(&mut *kept.lock().unwrap());
    assert_eq!(host.usage(), kept.len() as u64);
    drop(kept);
    assert_eq!((host.usage(), guest.usage()), (0, 0));
}

#[test]
fn a_wait_of_the_longest_time_ends_when_it_is_served() {
    let host = budget(10);
    let held = host.try_reserve(10).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| host.reserve_timeout(5, Duration::MAX).unwrap().amount());
        until(|| host.waiting() == 1);
        drop(held);
        assert_eq!(waiting.join().unwrap(), 5);
    });
}

#[test]
fn an_empty_part_of_a_lease_is_one() {
    let host = budget(10);
    let mut lease = host.try_reserve(10).unwrap();
    let mut empty = lease.split(0).unwrap();
    lease.shrink(0).unwrap();
    lease.merge(empty.split(0).unwrap()).unwrap();
    empty.merge(lease.split(10).unwrap()).unwrap();
    assert_eq!((lease.amount(), empty.amount(), host.usage()), (0, 10, 10));
    assert_eq!(lease.try_grow(0).unwrap_err().reason(), RefusedReason::BadAmount);
    drop((lease, empty));
    assert_eq!(host.usage(), 0);
}

#[test]
fn budget_3_a_lease_that_waits_to_grow_behind_a_larger_wait_can_give_up() {
    let host = budget(100);
    let mut lease = host.try_reserve(50).unwrap();
    let larger = Wait::begin(&host, 60);
    {
        let mut growth = pin!(lease.grow(10));
        assert!(growth.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(
        lease.grow_timeout(10, Duration::ZERO).unwrap_err().reason(),
        RefusedReason::TimedOut
    );
    assert_eq!((lease.amount(), host.waiting()), (50, 1));
    drop(lease);
    drop(larger.served());
}

#[test]
fn principals_by_the_thousand_leave_nothing_though_they_wait_and_are_refused() {
    let registry = Registry::new();
    let host = registry.budget(Limit::memory("host_bytes"), 10).unwrap();
    let guests = host.principals(Limit::memory("guest_bytes"), 10).listed().max(4).build().unwrap();
    let held = host.try_reserve(10).unwrap();
    for number in 0..5_000 {
        let guest: Budget = guests.budget(&format!("guest-{number}")).unwrap();
        let waiting = Wait::begin(&guest, 5);
        assert_eq!(guest.try_reserve(5).unwrap_err().reason(), RefusedReason::Queued);
        drop(guest);
        drop(waiting);
    }
    drop(held);
    assert_eq!((guests.len(), host.usage(), host.waiting()), (0, 0, 0));
    assert_eq!(registry.snapshot().entries().len(), 1);
}
