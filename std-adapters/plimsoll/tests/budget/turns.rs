//! Waits: who is served, in which order, and what a cancelled one leaves.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use plimsoll::budget::RefusedReason;

use super::common::until;
use super::support::{PATIENCE, Wait, budget, tree};

#[test]
fn budget_3_waiters_are_served_in_order() {
    let host = budget(100);
    let held = host.try_reserve(100).unwrap();
    let (told, order) = mpsc::channel();
    let waiters: Vec<_> = (0..6)
        .map(|number| {
            let waiter = thread::spawn({
                let (host, told) = (host.clone(), told.clone());
                move || {
                    // Each takes all that there is, and gives it to the next.
                    let lease = host.reserve_timeout(100, PATIENCE).unwrap();
                    told.send(number).unwrap();
                    drop(lease);
                }
            });
            until(|| host.waiting() == number + 1);
            waiter
        })
        .collect();
    drop(held);
    waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    assert_eq!(order.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!((host.usage(), host.waiting()), (0, 0));
}

#[test]
fn budget_3_a_large_ask_is_not_starved_by_small_ones() {
    let host = budget(100);
    let mut held = host.try_reserve(100).unwrap();
    let large = Wait::begin(&host, 90);
    let mut small: Vec<_> = (0..5).map(|_| Wait::begin(&host, 10)).collect();
    // Small ones would fit all the time.
    for _ in 0..8 {
        held.shrink(10).unwrap();
        let refused = host.try_reserve(1).unwrap_err();
        assert_eq!(refused.reason(), RefusedReason::Queued, "newcomers do not pass");
        assert!(small.iter_mut().all(|wait| wait.poll().is_none()), "small ones do not pass");
    }
    held.shrink(10).unwrap();
    let large = large.served();
    assert_eq!((large.amount(), host.usage()), (90, 100));
    drop(large);
    let leases: Vec<_> = small.into_iter().map(Wait::served).collect();
    assert_eq!((leases.len(), host.usage()), (5, 60));
}

#[test]
fn budget_3_a_cancelled_wait_lets_the_next_one_in() {
    let host = budget(100);
    let held = host.try_reserve(60).unwrap();
    let large = Wait::begin(&host, 90);
    let small = Wait::begin(&host, 30);
    drop(large);
    let small = small.served();
    assert_eq!(host.usage(), 90);
    drop((held, small));
    assert_eq!((host.usage(), host.waiting()), (0, 0));
    assert!(host.try_reserve(100).is_ok(), "nobody waits any more");
}

#[test]
fn budget_3_what_a_cancelled_wait_was_granted_goes_to_the_next() {
    let host = budget(100);
    let held = host.try_reserve(100).unwrap();
    let [first, second] = [Wait::begin(&host, 100), Wait::begin(&host, 100)];
    drop(held);
    assert_eq!((first.counter.woken(), second.counter.woken()), (1, 0));
    assert_eq!(host.usage(), 100);
    // Granted, woken, and dropped before it was polled.
    drop(first);
    assert_eq!(second.served().amount(), 100);
    assert_eq!(host.usage(), 0);
}

#[test]
fn budget_3_a_full_guest_holds_up_nobody_else() {
    let (host, [full, other]) = tree(100, [50, 100]);
    let held = full.try_reserve(50).unwrap();
    let stuck = Wait::begin(&full, 40);
    assert_eq!((full.waiting(), host.waiting()), (1, 0));
    assert!(other.try_reserve(50).is_ok(), "the host has room, and nobody waits there");
    assert_eq!(full.try_reserve(1).unwrap_err().reason(), RefusedReason::Queued);
    drop(held);
    assert_eq!(stuck.served().amount(), 40);
}

#[test]
fn budget_3_a_wait_goes_on_at_the_level_that_refuses_now() {
    let (host, [one, two]) = tree(100, [50, 100]);
    let of_one = one.try_reserve(50).unwrap();
    let mut of_two = two.try_reserve(50).unwrap();
    let first = Wait::begin(&one, 40);
    assert_eq!((one.waiting(), host.waiting()), (1, 0));
    // Another guest takes what the first gives back: now the host is full.
    let second = Wait::begin(&two, 50);
    assert_eq!((two.waiting(), host.waiting()), (0, 1));
    drop(of_one);
    // The first came earlier, and goes before the second at the host too.
    let first = first.served();
    assert_eq!((one.waiting(), host.waiting(), host.usage()), (0, 1, 90));
    of_two.shrink(40).unwrap();
    assert_eq!(second.served().amount(), 50);
    drop((first, of_two));
    assert_eq!((host.usage(), one.usage(), two.usage()), (0, 0, 0));
}

#[test]
fn budget_3_a_large_ask_of_a_guest_is_served_between_small_ones_of_others() {
    let (host, [one, two]) = tree(100, [100, 100]);
    let mut of_two = two.try_reserve(100).unwrap();
    let large = Wait::begin(&one, 100);
    let others: Vec<_> = (0..10).map(|_| Wait::begin(&two, 10)).collect();
    for _ in 0..9 {
        of_two.shrink(10).unwrap();
        assert!(two.try_reserve(1).is_err());
        assert!(others.iter().all(|wait| wait.counter.woken() == 0));
    }
    of_two.shrink(10).unwrap();
    let large = large.served();
    assert_eq!(host.usage(), 100);
    drop(large);
    assert_eq!(others.into_iter().map(|wait| wait.served().amount()).sum::<u64>(), 100);
}

#[test]
fn budget_3_one_that_comes_back_to_its_guest_keeps_its_place() {
    let (host, [one, two]) = tree(100, [60, 100]);
    let of_host = host.try_reserve(100).unwrap();
    // Both wait at the host; together they are too much for their guest.
    let [first, second] = [Wait::begin(&one, 40), Wait::begin(&one, 40)];
    let third = Wait::begin(&two, 60);
    assert_eq!(host.waiting(), 3);
    drop(of_host);
    let first = first.served();
    // The second is refused by the guest, and holds up none of another one.
    assert_eq!((one.waiting(), host.waiting()), (1, 0));
    let third = third.served();
    drop(first);
    assert_eq!(second.served().amount(), 40);
    drop(third);
    assert_eq!((host.usage(), one.usage(), two.usage()), (0, 0, 0));
}

#[test]
fn a_wait_that_is_over_time_leaves_nothing() {
    let host = budget(100);
    let held = host.try_reserve(60).unwrap();
    let refused = host.reserve_timeout(50, Duration::from_millis(1)).unwrap_err();
    assert_eq!((refused.reason(), refused.usage()), (RefusedReason::TimedOut, 60));
    assert!(refused.is_temporary());
    assert_eq!(host.waiting(), 0);
    drop(held);
    assert!(host.try_reserve(100).is_ok());
}

#[test]
fn a_close_ends_all_waits_within_it() {
    let (host, [one, two]) = tree(100, [50, 100]);
    let of_one = one.try_reserve(50).unwrap();
    let of_two = two.try_reserve(50).unwrap();
    let (at_guest, at_host) = (Wait::begin(&one, 40), Wait::begin(&one.clone(), 50));
    let other = Wait::begin(&two, 50);
    one.close();
    for wait in [at_guest, at_host] {
        let refused = wait.refused();
        assert_eq!((refused.reason(), refused.scope()), (RefusedReason::Closed, Some("guest-1")));
    }
    assert!(one.is_closed() && !host.is_closed());
    assert_eq!(one.try_reserve(1).unwrap_err().reason(), RefusedReason::Closed);
    assert_eq!(one.reserve_blocking(1).unwrap_err().reason(), RefusedReason::Closed);
    // Its leases give back as before, and others get that.
    drop(of_one);
    assert_eq!(other.served().amount(), 50);
    host.close();
    assert!(two.is_closed());
    assert_eq!(two.try_reserve(1).unwrap_err().name(), "host_bytes");
    drop(of_two);
    assert_eq!(host.usage(), 0);
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn waits_are_tasks_of_tokio_as_well() {
    let host = budget(100);
    let held = host.reserve(100).await.unwrap();
    let waiting = tokio::spawn(host.reserve(70));
    while host.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    let timeout = tokio::time::timeout(Duration::from_millis(1), host.reserve(10));
    assert!(timeout.await.is_err());
    assert_eq!(host.waiting(), 1);
    drop(held);
    assert_eq!(waiting.await.unwrap().unwrap().amount(), 70);
    assert_eq!(host.usage(), 0);
}
