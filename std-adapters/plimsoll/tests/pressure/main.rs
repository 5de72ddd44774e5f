//! Pressures: their states, waits, conditions and times; levels to wait for; events as a stream.
#![cfg(feature = "pressure")]

mod bad_input;
#[cfg(feature = "keepalive")]
mod clocks;
#[path = "../common/mod.rs"]
mod common;
mod conditions;
mod events;
mod hostile;
mod levels;
mod manual;
mod times;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Long enough for any machine: nothing waits for it unless it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Woken {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A waker that panics.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker that panics");
    }
}

fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}
