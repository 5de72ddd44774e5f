//! Each waiter is served, whatever the others do meanwhile.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use plimsoll::pool::{CheckoutError, Isolation, Pool};
use plimsoll_core::stepped::Flaw;
use shuttle::future::block_on;
use shuttle::thread;

use super::world::{
    Guest, Guests, assert_whole, give_up, pool_of, pool_of_one, step_until, use_it,
};
use crate::common::{DEADLOCK, Model};

fn client(pool: &Pool<Guests>, name: &'static str) -> thread::JoinHandle<()> {
    let pool = pool.clone();
    thread::spawn(move || {
        let principal = pool.principal(name).unwrap();
        use_it(pool.checkout_blocking(&principal).unwrap());
    })
}

const EACH_IS_SERVED: Model = Model::new(1_000, each_is_served);

fn each_is_served() {
    let pool = pool_of_one(&Guests::default());
    let clients = ["acme", "bolt", "acme"].map(|name| client(&pool, name));
    clients.into_iter().for_each(|client| client.join().unwrap());
    assert_whole(&pool, &["acme", "bolt"]);
}

#[test]
fn pool_6_each_waiter_is_served_when_the_instance_comes_back() {
    EACH_IS_SERVED.check();
}

#[test]
fn an_unpark_that_is_forgotten_is_found() {
    EACH_IS_SERVED.check_finds(Flaw::UnparkForgotten, DEADLOCK);
}

#[test]
fn a_slot_that_is_taken_twice_is_found() {
    EACH_IS_SERVED.check_finds(Flaw::Torn("pool/slot.rs"), "has its instance in its cell");
}

const HAND_OVER: Model = Model::new(1_000, hand_over);

/// A lease ends, one who waits for it gives up, another one does not.
fn hand_over() {
    let pool = pool_of_one(&Guests::default());
    let holder = pool.principal("acme").unwrap();
    let lease = pool.try_checkout(&holder).unwrap();
    let leaving = pool.clone();
    let leaver = thread::spawn(move || give_up(&leaving, &leaving.principal("bolt").unwrap()));
    let client = client(&pool, "core");
    use_it(lease);
    leaver.join().unwrap();
    client.join().unwrap();
    assert_whole(&pool, &["acme", "bolt", "core"]);
}

#[test]
fn pool_6_what_a_waiter_leaves_goes_to_the_next() {
    HAND_OVER.check();
}

#[test]
fn a_hand_over_without_wake_up_is_found() {
    HAND_OVER.check_finds(Flaw::UnparkForgotten, DEADLOCK);
}

const MOVED: Model = Model::new(500, moved);

/// A wait that another task goes on with: the last waker is woken.
fn moved() {
    let pool = pool_of_one(&Guests::default());
    let holder = pool.principal("acme").unwrap();
    let lease = pool.try_checkout(&holder).unwrap();
    let waiting = pool.clone();
    let waiter = thread::spawn(move || {
        let principal = waiting.principal("bolt").unwrap();
        let mut checkout = pin!(waiting.checkout(&principal));
        match checkout.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(lease) => use_it(lease.unwrap()),
            Poll::Pending => use_it(block_on(checkout).unwrap()),
        }
    });
    use_it(lease);
    waiter.join().unwrap();
    assert_whole(&pool, &["acme", "bolt"]);
}

#[test]
fn pool_6_a_wait_that_is_moved_to_another_task_is_served() {
    MOVED.check();
}

const GATHER: Model = Model::new(500, gather);

/// Two ask for all instances at once, beside one who asks for one.
fn gather() {
    let guests = Guests::default();
    let objects = [(); 2].map(|()| Guest::new(&guests.ghost));
    let pool = pool_of(&guests, Isolation::Shared, 2).objects(objects).build().unwrap();
    let gatherers = ["acme", "bolt"].map(|name| {
        let pool = pool.clone();
        thread::spawn(move || {
            let principal = pool.principal(name).unwrap();
            let leases = pool.checkout_many_blocking(&principal, 2).unwrap();
            assert_eq!(leases.len(), 2, "POOL-15");
            leases.into_iter().for_each(use_it);
        })
    });
    let client = client(&pool, "core");
    gatherers.into_iter().for_each(|gatherer| gatherer.join().unwrap());
    client.join().unwrap();
    assert_eq!(pool.counts().idle, 2, "POOL-4");
    assert_whole(&pool, &["acme", "bolt", "core"]);
}

#[test]
fn pool_15_two_who_gather_all_instances_do_not_wait_for_each_other() {
    GATHER.check();
}

const CLOSE: Model = Model::new(1_000, close);

/// The pool closes while one has the instance and another one waits for it.
fn close() {
    let pool = pool_of_one(&Guests::default());
    let holder = pool.principal("acme").unwrap();
    let lease = pool.try_checkout(&holder).unwrap();
    let waiting = pool.clone();
    let waiter = thread::spawn(move || {
        let principal = waiting.principal("bolt").unwrap();
        match waiting.checkout_blocking(&principal) {
            Ok(lease) => use_it(lease),
            Err(error) => assert!(matches!(error, CheckoutError::Closed), "POOL-9: {error}"),
        }
        principal.in_use()
    });
    let drained = pool.clone();
    let drained = thread::spawn(move || assert!(drained.wait_drained(Duration::MAX), "POOL-9"));
    let closing = pool.clone();
    let closer = thread::spawn(move || {
        closing.close();
        block_on(closing.drained());
        assert_eq!(closing.counts().live(), 0, "POOL-9");
    });
    use_it(lease);
    step_until(&pool, || pool.wait_drained(Duration::ZERO));
    assert_eq!(waiter.join().unwrap(), 0, "POOL-11");
    [drained, closer].into_iter().for_each(|waiter| waiter.join().unwrap());
}

#[test]
fn pool_9_a_close_ends_all_waits_and_resolves_when_all_is_back() {
    CLOSE.check();
}

#[test]
fn a_drain_that_nobody_is_notified_of_is_found() {
    CLOSE.check_finds(Flaw::NotifyForgotten, DEADLOCK);
}
