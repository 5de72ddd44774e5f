//! Runs one hot path of the pool a number of times, so that its instructions can be counted:
//! `pool_paths PATH TIMES`. Without arguments it lists the paths. `.ci/instructions` compares what
//! they cost with `pool_paths.txt` beside it.

#[path = "../../../core/examples/hot_path/mod.rs"]
mod hot_path;

use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};

use hot_path::HotPath;
use plimsoll::pool::{Background, CheckoutError, Isolation, Lease, Manager, Pool, Principal};

const PATHS: [HotPath; 5] = [
    ("pool_blocking", |times| lease(Plain, times, |pool, of| pool.checkout_blocking(of))),
    ("pool_try", |times| lease(Plain, times, |pool, of| pool.try_checkout(of))),
    ("pool_async", |times| lease(Plain, times, poll_checkout)),
    ("pool_reset", |times| lease(Resets, times, |pool, of| pool.checkout_blocking(of))),
    ("pool_per_principal", per_principal),
];

fn main() -> ExitCode {
    hot_path::main_of("pool_paths", &PATHS)
}

/// Asks nothing of its objects.
struct Plain;

impl Manager for Plain {
    type Object = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(0)
    }
}

/// Resets its objects.
struct Resets;

impl Manager for Resets {
    type Object = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn reset(&self, object: &mut u64) -> Result<(), Infallible> {
        *object = black_box(0);
        Ok(())
    }
}

/// A pool of 4 in which all are idle. It has no thread: instructions of others are not counted.
fn pool<M: Manager>(manager: M, isolation: Isolation) -> Pool<M> {
    let builder = Pool::builder(manager).max(4).warm(4).isolation(isolation);
    let pool = builder.background(Background::Manual).build().expect("sound settings");
    while pool.stats().counts.idle < 4 {
        pool.step();
    }
    pool
}

/// Who has the pool to itself leases and completes.
fn lease<M: Manager>(
    manager: M,
    times: u64,
    checkout: impl for<'a> Fn(&'a Pool<M>, &'a Principal) -> Result<Lease<'a, M>, CheckoutError>,
) {
    lease_of(&pool(manager, Isolation::Shared), times, checkout);
}

fn per_principal(times: u64) {
    let pool = pool(Plain, Isolation::PerPrincipal);
    lease_of(&pool, times, |pool, of| pool.checkout_blocking(of));
}

fn lease_of<M: Manager>(
    pool: &Pool<M>,
    times: u64,
    checkout: impl for<'a> Fn(&'a Pool<M>, &'a Principal) -> Result<Lease<'a, M>, CheckoutError>,
) {
    let principal = pool.principal("tenant").expect("a sound id");
    for _ in 0..times {
        let lease = checkout(black_box(pool), black_box(&principal)).expect("one is idle");
        black_box(&*lease);
        lease.complete();
    }
}

fn poll_checkout<'a, M: Manager>(
    pool: &'a Pool<M>,
    principal: &'a Principal,
) -> Result<Lease<'a, M>, CheckoutError> {
    match pin!(pool.checkout(principal)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ended) => ended,
        Poll::Pending => Err(CheckoutError::Closed),
    }
}
