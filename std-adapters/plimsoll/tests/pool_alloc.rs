//! A checkout and a completion that meet nobody allocate nothing, and ask no clock.
#![cfg(feature = "pool")]

mod counting;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use counting::allocations;
use plimsoll::keepalive::Clock;
use plimsoll::pool::{Background, Isolation, Manager, Pool};

#[derive(Clone, Default)]
struct Asked(Arc<AtomicU64>);

impl Clock for Asked {
    fn now(&self) -> Duration {
        Duration::from_micros(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

struct Numbers;

impl Manager for Numbers {
    type Object = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(7)
    }
}

#[test]
fn the_fast_path_allocates_nothing_and_asks_no_clock() {
    for isolation in [Isolation::PerPrincipal, Isolation::Shared] {
        let clock = Asked::default();
        let builder =
            Pool::builder(Numbers).wait_for_own_leases().max(2).warm(1).isolation(isolation);
        let builder = builder.background(Background::Manual).clock(clock.clone());
        let pool = builder.per_principal_cap(1).build().unwrap();
        pool.step();
        let acme = pool.principal("acme").unwrap();
        // The first lease of an instance is timed.
        pool.try_checkout(&acme).unwrap().complete();
        let asked = clock.0.load(Ordering::Relaxed);
        let allocated = allocations(|| {
            for _ in 0..20 {
                let lease = pool.checkout_blocking(&acme).unwrap();
                assert_eq!(*lease, 7);
                lease.complete();
                pool.try_checkout(&acme).unwrap().complete();
                let mut checkout = pin!(pool.checkout(&acme));
                match checkout.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(lease) => lease.unwrap().complete(),
                    Poll::Pending => panic!("nobody else is there"),
                }
            }
        });
        assert_eq!(
            (allocated, clock.0.load(Ordering::Relaxed) - asked),
            ((0, 0), 0),
            "{isolation:?}"
        );
    }
}
