//! The semaphore.

use std::thread;

use plimsoll::budget::{RefusedReason, Semaphore};
use plimsoll::{Limit, Registry};

use super::common::entry;
use super::support::budget;

const GIB: u64 = 1 << 30;

#[test]
fn budget_5_permits_are_64_bits_wide() {
    let registry = Registry::new();
    let bytes = registry.semaphore(Limit::memory("in_flight_bytes"), 100 * GIB).unwrap();
    let mut permit = bytes.try_acquire_many(50 * GIB).unwrap();
    let half = permit.split(20 * GIB).unwrap();
    assert_eq!((permit.num_permits(), half.num_permits()), (30 * GIB, 20 * GIB));
    assert_eq!(entry(&registry, "in_flight_bytes").depth, 50 * GIB);
    assert!(bytes.try_acquire_many(50 * GIB + 1).is_err());
    permit.merge(half).unwrap();
    assert!(permit.split(50 * GIB + 1).is_none());
    assert_eq!(permit.into_lease().amount(), 50 * GIB);
    assert_eq!(bytes.available_permits(), 100 * GIB);
}

#[test]
fn permits_of_another_semaphore_come_back() {
    let [one, other] = [(); 2].map(|()| Semaphore::new("permits", 10).unwrap());
    let mut permit = one.try_acquire().unwrap();
    let back = permit.merge(other.try_acquire_many(3).unwrap()).unwrap_err();
    assert_eq!((back.num_permits(), other.available_permits()), (3, 7));
}

#[test]
fn a_close_ends_waits_and_added_permits_serve_them() {
    let semaphore = Semaphore::from(budget(1));
    let _held = semaphore.try_acquire_owned().unwrap();
    let wait = || {
        let waiting = thread::spawn({
            let semaphore = semaphore.clone();
            move || semaphore.budget().reserve_blocking(1)
        });
        super::common::until(|| semaphore.budget().waiting() == 1);
        waiting
    };
    let served = wait();
    semaphore.add_permits(1).unwrap();
    let _served = served.join().unwrap().unwrap();
    let closed = wait();
    semaphore.close();
    assert_eq!(closed.join().unwrap().unwrap_err().reason(), RefusedReason::Closed);
    assert!(semaphore.is_closed());
    assert_eq!(semaphore.try_acquire().unwrap_err().reason(), RefusedReason::Closed);
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn tasks_wait_for_permits() {
    let semaphore = Semaphore::new("permits", 2).unwrap();
    let held = semaphore.acquire_many_owned(2).await.unwrap();
    let waiting = tokio::spawn(semaphore.acquire_owned());
    drop(held);
    assert_eq!(waiting.await.unwrap().unwrap().num_permits(), 1);
    assert_eq!(semaphore.acquire().await.unwrap().num_permits(), 1);
    let refused = semaphore.acquire_many(3).await.unwrap_err();
    assert_eq!(refused.reason(), RefusedReason::NeverFits);
}
