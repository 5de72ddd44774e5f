//! Budgets: each wait ends, whatever asks, releases, cancellations and resizes meet it.

use std::time::Duration;

use plimsoll::Limit;
use plimsoll::budget::channel::Receiver;
use plimsoll::budget::{Budget, RefusedReason};
use plimsoll_core::stepped::Flaw;
use shuttle::thread::{self, JoinHandle};

use crate::common::{DEADLOCK, Model};

/// A host of 100 bytes, and two guests of it.
fn tree(one: u64, two: u64) -> (Budget, [Budget; 2]) {
    let host = Budget::new(Limit::memory("host_bytes"), 100).unwrap();
    let guest = |capacity| host.child(Limit::memory("guest_bytes"), capacity).unwrap();
    let guests = [guest(one), guest(two)];
    (host, guests)
}

fn spawn(budget: &Budget, amount: u64) -> JoinHandle<()> {
    let budget = budget.clone();
    thread::spawn(move || {
        let lease = budget.reserve_blocking(amount).unwrap();
        assert!(budget.usage() >= amount, "BUDGET-1");
        thread::yield_now();
        drop(lease);
    })
}

/// Nothing is reserved, nobody waits, and no mark of one who did is left.
fn assert_at_rest(budgets: &[&Budget]) {
    for budget in budgets {
        assert_eq!((budget.usage(), budget.waiting()), (0, 0), "at rest");
        assert_eq!(budget.available(), budget.capacity(), "at rest");
        drop(budget.try_reserve(budget.available()).expect("newcomers are served at rest"));
    }
}

const EACH_IS_SERVED: Model = Model::new(1_000, each_is_served);

fn each_is_served() {
    let (host, [one, two]) = tree(60, 100);
    let waits = [spawn(&one, 60), spawn(&two, 100), spawn(&one, 10)];
    waits.into_iter().for_each(|wait| wait.join().unwrap());
    assert_at_rest(&[&host, &one, &two]);
}

#[test]
fn budget_3_each_wait_is_served() {
    EACH_IS_SERVED.check();
}

#[test]
fn a_wake_up_of_a_wait_that_is_forgotten_is_found() {
    EACH_IS_SERVED.check_finds(Flaw::UnparkForgotten, DEADLOCK);
}

#[test]
fn a_release_that_overwrites_the_mark_of_a_waiter_is_found() {
    EACH_IS_SERVED.check_finds(Flaw::Torn("budget/usage.rs"), "BUDGET-1");
}

const CANCELLED: Model = Model::new(1_000, cancelled);

/// One gives up at any moment, granted or not; the other is served in any case.
fn cancelled() {
    let (host, [one, two]) = tree(100, 100);
    let held = one.try_reserve(100).unwrap();
    let leaving = one.clone();
    let leaver =
        thread::spawn(move || match leaving.reserve_timeout(80, Duration::from_millis(1)) {
            Ok(lease) => assert_eq!(lease.amount(), 80),
            Err(refused) => assert_eq!(refused.reason(), RefusedReason::TimedOut),
        });
    let served = spawn(&two, 80);
    drop(held);
    leaver.join().unwrap();
    served.join().unwrap();
    assert_at_rest(&[&host, &one, &two]);
}

#[test]
fn budget_3_what_a_cancelled_wait_leaves_goes_to_the_next() {
    CANCELLED.check();
}

#[test]
fn a_hand_over_of_room_without_wake_up_is_found() {
    CANCELLED.check_finds(Flaw::UnparkForgotten, DEADLOCK);
}

const RESIZED: Model = Model::new(1_000, resized);

/// A resize meets two waits: one fits now, the other never will.
fn resized() {
    let (host, [one, two]) = tree(100, 100);
    let held = host.try_reserve(50).unwrap();
    let too_large = one.clone();
    let refused = thread::spawn(move || match too_large.reserve_blocking(90) {
        Ok(lease) => drop(lease),
        Err(refused) => assert_eq!(refused.reason(), RefusedReason::NeverFits, "BUDGET-4"),
    });
    let served = spawn(&two, 60);
    let resizing = host.clone();
    let resizer = thread::spawn(move || {
        resizing.resize(80).unwrap();
        resizing.resize(120).unwrap();
    });
    resizer.join().unwrap();
    // The host has room for the one that is left, or the other has it.
    let (lease, usage) = (host.try_reserve(10), host.usage());
    assert!(usage <= 120, "BUDGET-1");
    drop((lease, held));
    refused.join().unwrap();
    served.join().unwrap();
    assert_at_rest(&[&host, &one, &two]);
}

#[test]
fn budget_4_a_resize_ends_the_waits_that_it_concerns() {
    RESIZED.check();
}

const ROLLED_BACK: Model = Model::new(2_000, rolled_back);

/// Asks that take of a guest, and are refused by the host, meet one who waits for that guest.
fn rolled_back() {
    let (host, [one, two]) = tree(60, 60);
    let asks = [one.clone(), two.clone()].map(|guest| {
        thread::spawn(move || {
            let lease = guest.try_reserve(60);
            thread::yield_now();
            drop(lease);
        })
    });
    let wait = spawn(&one, 50);
    asks.into_iter().for_each(|ask| ask.join().unwrap());
    wait.join().unwrap();
    assert_at_rest(&[&host, &one, &two]);
}

#[test]
fn budget_2_a_rollback_wakes_who_waits() {
    ROLLED_BACK.check();
}

const CLOSED: Model = Model::new(1_000, closed);

fn closed() {
    let (host, [one, two]) = tree(100, 100);
    let held = one.try_reserve(100).unwrap();
    let waits = [one.clone(), two.clone()].map(|guest| {
        thread::spawn(move || guest.reserve_blocking(50).map(drop).map_err(|no| no.reason()))
    });
    let closing = one.clone();
    let closer = thread::spawn(move || closing.close());
    drop(held);
    closer.join().unwrap();
    let [of_one, of_two] = waits.map(|wait| wait.join().unwrap());
    assert!(matches!(of_one, Ok(()) | Err(RefusedReason::Closed)));
    assert_eq!(of_two, Ok(()), "another guest is not closed");
    assert_eq!(one.usage(), 0, "at rest");
    assert_eq!(one.try_reserve(1).unwrap_err().reason(), RefusedReason::Closed);
    assert_at_rest(&[&host, &two]);
}

#[test]
fn budget_4_a_close_ends_all_waits_within_it() {
    CLOSED.check();
}

const PRINCIPALS: Model = Model::new(1_000, principals);

/// A principal's budget is gone the moment that its wait is refused, while others are made.
fn principals() {
    let (host, [tenant, _]) = tree(100, 100);
    let guests = tenant.principals(Limit::memory("principal_bytes"), 100).build().unwrap();
    let held = host.try_reserve(100).unwrap();
    let waiting = guests.clone();
    let refused = thread::spawn(move || {
        let outcome = waiting.budget("acme").unwrap().reserve_blocking(60);
        assert_eq!(outcome.unwrap_err().reason(), RefusedReason::Closed);
    });
    let making = guests.clone();
    let maker = thread::spawn(move || {
        for principal in ["bolt", "core"] {
            drop(making.budget(principal).unwrap());
        }
    });
    while host.waiting() == 0 {
        thread::yield_now();
    }
    tenant.close();
    refused.join().unwrap();
    maker.join().unwrap();
    assert!(guests.is_empty());
    drop(held);
    assert_at_rest(&[&host]);
}

#[test]
fn budget_3_a_budget_that_goes_while_it_is_refused_blocks_nobody() {
    PRINCIPALS.check();
}

const CHANNEL: Model = Model::new(500, channel);

/// Two senders wait for room, and the receiver goes before it has all.
fn channel() {
    let (host, _) = tree(100, 100);
    let (tx, rx) = host.weighted_channel("frames", 10, 2, |item: &u64| *item).unwrap();
    let senders = [tx.clone(), tx].map(|tx| {
        thread::spawn(move || {
            let sent = [8, 6].map(|item| tx.blocking_send(item));
            sent.into_iter().filter(Result::is_ok).count()
        })
    });
    let receiver = thread::spawn(move || {
        let mut rx: Receiver<u64> = rx;
        (0..3).filter_map(|_| rx.blocking_recv()).count()
    });
    assert_eq!(receiver.join().unwrap(), 3);
    let sent: usize = senders.into_iter().map(|sender| sender.join().unwrap()).sum();
    assert!((3..=4).contains(&sent), "{sent} sent");
    assert_at_rest(&[&host]);
}

#[test]
fn budget_3_both_ends_of_a_channel_are_woken() {
    CHANNEL.check();
}
