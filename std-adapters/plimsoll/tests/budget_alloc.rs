//! While nobody waits, a budget allocates nothing, whether it grants or refuses.
#![cfg(feature = "budget")]

mod counting;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use counting::allocations;
use plimsoll::budget::RefusedReason;
use plimsoll::{Limit, Registry};

#[test]
fn budget_6_an_uncontended_reserve_and_release_allocate_nothing() {
    let registry = Registry::new();
    let host = registry.budget(Limit::memory("host_bytes"), 1_000).unwrap();
    let guest = host.child(Limit::memory("guest_bytes"), 100).unwrap();
    // A thread that blocks has a waker of its own from the first time on.
    drop(guest.reserve_blocking(1).unwrap());
    let allocated = allocations(|| {
        for _ in 0..20 {
            let mut lease = guest.try_reserve(40).unwrap();
            lease.try_grow(20).unwrap();
            let part = lease.split(30).unwrap();
            lease.merge(part).unwrap();
            assert_eq!(guest.try_reserve(50).unwrap_err().reason(), RefusedReason::Full);
            drop(lease);
            drop(guest.reserve_blocking(70).unwrap());
            let mut reserve = pin!(guest.reserve(70));
            match reserve.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(lease) => drop(lease.unwrap()),
                Poll::Pending => panic!("nobody else is there"),
            }
        }
    });
    assert_eq!((allocated, guest.usage()), ((0, 0), 0));
}
