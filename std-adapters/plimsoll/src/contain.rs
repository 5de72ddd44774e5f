//! Containment of panics in code of users: subscribers, wakers, clocks (LIVE-11).

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(any(feature = "budget", feature = "keepalive", feature = "pressure"))]
use std::task::Waker;

/// Runs code that may panic.
///
/// # Returns
/// What it returned; `None` if it panicked.
pub(crate) fn contain<R>(code: impl FnOnce() -> R) -> Option<R> {
    // AssertUnwindSafe: what the user's code leaves broken is the user's; nothing of ours is lent.
    catch_unwind(AssertUnwindSafe(code)).map_err(drop_payload).ok()
}

/// Drops what a panic was called with. That may panic too; what the second panic holds is leaked.
pub(crate) fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        mem::forget(another);
    }
}

/// Wakes each of them, whatever the others do. No lock may be held.
#[cfg(any(feature = "budget", feature = "keepalive", feature = "pressure"))]
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        contain(|| waker.wake());
    }
}
