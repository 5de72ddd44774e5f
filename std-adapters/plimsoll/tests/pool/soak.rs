//! Threads that do everything at once; at the end nothing is missing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use plimsoll::pool::{CheckoutError, Isolation, Pool};

use super::support::{Fate, Maker, is_waiting};

/// A sequence of numbers, from a seed.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn soak(isolation: Isolation, max: usize, cap: Option<usize>) {
    let maker = Maker::default();
    let unhappy = [Fate::Made, Fate::Fails, Fate::Made, Fate::Panics, Fate::Made, Fate::Made];
    maker.0.fate(std::iter::repeat_n(unhappy, 20).flatten());
    let builder = Pool::builder(maker.clone())
        .wait_for_own_leases()
        .max(max)
        .isolation(isolation)
        .builders(2)
        .drops(2);
    let builder = builder.retire_after_uses(50).no_fault_backoff().tick(Duration::from_millis(1));
    let builder = builder.idle_age(Duration::from_millis(2)).warm(max / 2);
    let builder = match cap {
        Some(cap) => builder.per_principal_cap(cap),
        None => builder,
    };
    let pool = builder.build().unwrap();
    let leased = AtomicU64::new(0);
    thread::scope(|scope| {
        for seed in 0..4 {
            let (pool, leased) = (&pool, &leased);
            scope.spawn(move || {
                let mut numbers = Numbers(seed);
                for _ in 0..400 {
                    let principal = pool.principal(&format!("p{}", numbers.below(3))).unwrap();
                    let lease = match numbers.below(4) {
                        0 => pool.try_checkout(&principal),
                        1 => pool.checkout_blocking_for(&principal, Duration::from_micros(50)),
                        2 => {
                            let mut checkout = pool.checkout(&principal);
                            let _ = is_waiting(&mut checkout);
                            continue;
                        }
                        _ => pool.checkout_blocking(&principal),
                    };
                    let Ok(lease) = lease else { continue };
                    let now = leased.fetch_add(1, Ordering::SeqCst) + 1;
                    assert!(now <= max as u64, "{now} leases of {max}");
                    leased.fetch_sub(1, Ordering::SeqCst);
                    match numbers.below(10) {
                        0 => drop(lease),
                        1 => lease.fault(),
                        _ => lease.complete(),
                    }
                }
            });
        }
    });
    let principals = ["p0", "p1", "p2"].map(|id| pool.principal(id).unwrap());
    assert_eq!(principals.each_ref().map(|principal| principal.in_use()), [0; 3]);
    assert_eq!(pool.stats().waiting, 0);
    assert!(maker.0.live_max.load(Ordering::SeqCst) <= max, "POOL-1");
    // All of the capacity is there still: each principal can hold what it may.
    let most = cap.unwrap_or(max).min(max);
    let all: Result<Vec<_>, CheckoutError> =
        (0..most).map(|_| pool.checkout_blocking(&principals[0])).collect();
    assert_eq!(all.unwrap().len(), most);
    pool.close();
    assert!(pool.wait_drained(Duration::from_secs(20)), "{:?}", pool.counts());
    let stats = pool.stats();
    assert_eq!((maker.0.live(), stats.built), (0, maker.0.made() as u64));
    assert_eq!(stats.built, stats.discarded(), "what was built was discarded, once");
    assert_eq!(maker.0.retired.load(Ordering::SeqCst) as u64, stats.built);
}

#[test]
fn soak_fresh() {
    soak(Isolation::Fresh, 3, None);
    soak(Isolation::Fresh, 1, Some(1));
}

#[test]
fn soak_per_principal() {
    soak(Isolation::PerPrincipal, 2, None);
    soak(Isolation::PerPrincipal, 1, None);
    soak(Isolation::PerPrincipal, 4, Some(2));
}

#[test]
fn soak_shared() {
    soak(Isolation::Shared, 3, Some(2));
    soak(Isolation::Shared, 1, None);
}
