//! Leases: split, merged, grown, shrunk, and dropped on every way.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Waker};
use std::thread;

use plimsoll::budget::Lease;

use super::support::{PATIENCE, budget, tree};

#[test]
fn what_leases_hold_together_is_the_usage() {
    let (host, [guest]) = tree(1_000, [1_000]);
    let mut lease = guest.try_reserve(500).unwrap();
    let mut parts = Vec::new();
    for amount in [0, 1, 99, 200] {
        parts.push(lease.split(amount).unwrap());
    }
    assert_eq!((lease.amount(), guest.usage(), host.usage()), (200, 500, 500));
    parts.pop();
    assert_eq!((guest.usage(), host.usage()), (300, 300));
    for part in parts {
        lease.merge(part).unwrap();
    }
    assert_eq!((lease.amount(), guest.usage()), (300, 300));
    lease.try_grow(700).unwrap();
    assert!(lease.try_grow(1).is_err());
    lease.shrink(999).unwrap();
    assert_eq!((lease.amount(), guest.usage(), host.usage()), (1, 1, 1));
    lease.shrink(1).unwrap();
    drop(lease);
    assert_eq!((guest.usage(), host.usage()), (0, 0));
}

#[test]
fn a_lease_goes_to_another_thread_and_outlives_its_budget() {
    let host = budget(10);
    let lease = host.try_reserve(10).unwrap();
    let watched = host.clone();
    drop(host);
    thread::spawn(move || drop(lease)).join().unwrap();
    assert_eq!(watched.usage(), 0);
}

#[test]
fn a_panic_gives_back_what_was_held() {
    let (host, [guest]) = tree(100, [100]);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut lease = guest.try_reserve(50).unwrap();
        let _part = lease.split(20).unwrap();
        panic!("of the holder");
    }));
    assert!(panicked.is_err());
    assert_eq!((host.usage(), guest.usage()), (0, 0));
}

#[test]
fn a_lease_waits_to_grow() {
    let host = budget(100);
    let other = host.try_reserve(50).unwrap();
    let mut lease = host.try_reserve(40).unwrap();
    let grown = thread::scope(|scope| {
        let grown = scope.spawn(|| lease.grow_timeout(60, PATIENCE));
        super::common::until(|| host.waiting() == 1);
        drop(other);
        grown.join().unwrap()
    });
    grown.unwrap();
    assert_eq!((lease.amount(), host.usage()), (100, 100));
}

#[test]
fn a_cancelled_growth_leaves_the_lease_as_it_was() {
    let host = budget(100);
    let begin = |lease: &mut Lease| {
        let mut grow = Box::pin(lease.grow(60));
        let polled = grow.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        assert_eq!(host.waiting(), 1);
        if host.usage() == 100 {
            // Dropped while it waits.
            return;
        }
        // Granted before it is dropped.
        host.resize(130).unwrap();
        assert_eq!((host.waiting(), host.usage()), (0, 121));
        host.resize(100).unwrap();
    };
    let mut other = host.try_reserve(60).unwrap();
    let mut lease = host.try_reserve(40).unwrap();
    begin(&mut lease);
    assert_eq!((host.waiting(), host.usage()), (0, 100));
    other.shrink(40).unwrap();
    let mut small = host.try_reserve(1).unwrap();
    begin(&mut lease);
    assert_eq!((host.waiting(), host.usage()), (0, 61));
    small.shrink(1).unwrap();
    drop(other);
    assert_eq!((lease.amount(), host.usage()), (40, 40));
}
