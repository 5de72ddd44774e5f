//! Permits, when something fails on the way: at the end all are back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use plimsoll::pool::{CheckoutError, Isolation, Pool};
use plimsoll_core::stepped::Flaw;
use shuttle::thread;

use super::world::{
    Fate, Guest, Guests, LIVE_MAX, assert_whole, give_up, pool_of, step_until, use_it,
};
use crate::common::{FOREVER, Model};

/// Clients of two principals, each of whom gets an instance or is told that its build failed; one gives
/// up. Another thread steps, and changes how many instances there may be (POOL-1, POOL-17).
fn run(pool: &Pool<Guests>) {
    let left = Arc::new(AtomicUsize::new(3));
    let spawn = |name: &'static str, gives_up: bool| {
        let (pool, left) = (pool.clone(), left.clone());
        thread::spawn(move || {
            let principal = pool.principal(name).unwrap();
            match gives_up {
                true => give_up(&pool, &principal),
                false => match pool.checkout_blocking(&principal) {
                    Ok(lease) => use_it(lease),
                    Err(CheckoutError::BuildFailed { .. }) => {}
                    Err(error) => panic!("POOL-5: {error}"),
                },
            }
            left.fetch_sub(1, SeqCst);
        })
    };
    let clients = [spawn("acme", false), spawn("acme", true), spawn("bolt", false)];
    let (resized, resizing) = (pool.clone(), left.clone());
    let resizer = thread::spawn(move || {
        resized.resize(LIVE_MAX).unwrap();
        resized.resize(1).unwrap();
        step_until(&resized, || resizing.load(SeqCst) == 0);
    });
    clients.into_iter().for_each(|client| client.join().unwrap());
    resizer.join().unwrap();
    assert_whole(pool, &["acme", "bolt"]);
}

const BUILDS: Model = Model::new(400, builds);

fn builds() {
    let guests = Guests::that_build([Fate::Fails, Fate::Panics]);
    run(&pool_of(&guests, Isolation::Fresh, 1).warm(0).per_principal_cap(1).build().unwrap());
}

#[test]
fn pool_4_permits_are_whole_after_builds_that_fail_and_panic() {
    BUILDS.check();
}

#[test]
fn a_permit_that_is_miscounted_is_found() {
    BUILDS.check_finds(Flaw::Torn("principal.rs"), FOREVER);
}

const INLINE_BUILDS: Model = Model::new(400, inline_builds);

fn inline_builds() {
    let mut guests = Guests::that_build([Fate::Fails, Fate::Panics]);
    guests.is_inline = true;
    run(&pool_of(&guests, Isolation::Fresh, 1).warm(0).per_principal_cap(1).build().unwrap());
}

#[test]
fn pool_4_permits_are_whole_after_inline_builds_that_fail_and_panic() {
    INLINE_BUILDS.check();
}

#[test]
fn a_permit_that_an_inline_build_loses_is_found() {
    INLINE_BUILDS.check_finds(Flaw::Torn("principal.rs"), FOREVER);
}

const RESETS: Model = Model::new(400, resets);

fn resets() {
    let guests = Guests::default();
    guests.ghost.resets.lock().unwrap().extend([Fate::Fails, Fate::Panics]);
    let pool = pool_of(&guests, Isolation::Shared, 1).per_principal_cap(1);
    run(&pool.objects([Guest::new(&guests.ghost)]).build().unwrap());
}

#[test]
fn pool_4_permits_are_whole_after_resets_that_fail_and_panic() {
    RESETS.check();
}

const DEAD: Model = Model::new(400, dead);

/// What is granted is dead: its waiter waits on, in its place.
fn dead() {
    let guests = Guests::default();
    guests.ghost.looks.lock().unwrap().extend([Fate::Fails, Fate::Panics]);
    let pool = pool_of(&guests, Isolation::Shared, 1).per_principal_cap(1);
    run(&pool.objects([Guest::new(&guests.ghost)]).build().unwrap());
}

#[test]
fn pool_13_permits_are_whole_after_instances_that_are_dead() {
    DEAD.check();
}

const CLOSE: Model = Model::new(400, close);

/// The pool closes while builds fail, panic and are waited for.
fn close() {
    let guests = Guests::that_build([Fate::Fails, Fate::Panics]);
    let pool = pool_of(&guests, Isolation::Fresh, 1).warm(0).per_principal_cap(1).build().unwrap();
    let clients = [("acme", false), ("bolt", true), ("acme", false)].map(|(name, gives_up)| {
        let pool = pool.clone();
        thread::spawn(move || {
            let principal = pool.principal(name).unwrap();
            if gives_up {
                give_up(&pool, &principal);
                return principal;
            }
            match pool.checkout_blocking(&principal) {
                Ok(lease) => use_it(lease),
                Err(CheckoutError::BuildFailed { .. } | CheckoutError::Closed) => {}
                Err(error) => panic!("POOL-5: {error}"),
            }
            principal
        })
    });
    let closing = pool.clone();
    let closer = thread::spawn(move || closing.close());
    step_until(&pool, || pool.wait_drained(Duration::ZERO));
    for principal in clients.map(|client| client.join().unwrap()) {
        assert_eq!(principal.in_use(), 0, "POOL-11: {}", principal.id());
    }
    assert!(closer.join().unwrap(), "POOL-9: it is closed once");
    let (counts, stats) = (pool.counts(), pool.stats());
    assert_eq!((counts.live(), stats.waiting, guests.live()), (0, 0, 0), "POOL-9: {counts:?}");
    assert!(pool.manager().is_none(), "POOL-16");
}

#[test]
fn pool_9_a_close_amid_builds_that_fail_leaves_nothing() {
    CLOSE.check();
}
