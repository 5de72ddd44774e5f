//! Threads of the pool's own: they are woken for what is to be done, and end.

use std::time::Duration;

use plimsoll::pool::{Background, CheckoutError, Isolation, Pool};
use plimsoll_core::stepped::Flaw;
use shuttle::thread;

use super::world::{Guests, pool_of, use_it};
use crate::common::{FOREVER, Model};

const THREADS: Model = Model::new(300, threads);
const LINGERS: Model = Model::new(300, lingers);

/// Each lease is of an instance that is built for it and retired after it, by two threads; a third one
/// keeps time.
fn threads() {
    serve(Guests::default(), 0);
}

/// The same, but that one instance is kept ready, clients may build themselves, and a thread that has
/// nothing to do looks again before it sleeps.
fn lingers() {
    serve(Guests { is_inline: true, ..Guests::default() }, 1);
}

fn serve(guests: Guests, warm: usize) {
    let builder = pool_of(&guests, Isolation::Fresh, 1).warm(warm).builders(1).drops(1);
    let pool = builder.background(Background::Threads).build().unwrap();
    let client = |pool: &Pool<Guests>, name: &'static str| {
        let pool = pool.clone();
        thread::spawn(move || {
            let principal = pool.principal(name).unwrap();
            match pool.checkout_blocking(&principal) {
                Ok(lease) => use_it(lease),
                Err(error) => assert!(matches!(error, CheckoutError::Closed), "POOL-9: {error}"),
            }
        })
    };
    let served = [client(&pool, "acme"), client(&pool, "bolt")];
    served.into_iter().for_each(|client| client.join().unwrap());
    let late = client(&pool, "late");
    pool.close();
    assert!(pool.wait_drained(Duration::MAX));
    late.join().unwrap();
    assert_eq!((pool.counts().live(), guests.live()), (0, 0), "POOL-9");
}

#[test]
fn pool_9_threads_serve_each_waiter_and_end() {
    THREADS.check();
}

#[test]
fn pool_9_a_thread_that_lingers_serves_and_ends() {
    LINGERS.check();
}

#[test]
fn a_worker_that_nobody_notifies_is_found() {
    // The thread that keeps time goes on.
    THREADS.check_finds(Flaw::NotifyForgotten, FOREVER);
}
