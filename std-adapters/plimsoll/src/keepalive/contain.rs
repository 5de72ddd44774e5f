//! Wakers and clocks of users, kept from doing harm (LIVE-11).

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Runs code that may panic.
///
/// # Returns
/// What it returned; `None` if it panicked.
pub(super) fn contain<R>(code: impl FnOnce() -> R) -> Option<R> {
    // AssertUnwindSafe: what the user's code leaves broken is the user's; nothing of ours is lent.
    match catch_unwind(AssertUnwindSafe(code)) {
        Ok(returned) => Some(returned),
        Err(payload) => {
            // A payload can panic when it is dropped; what that one holds is leaked.
            if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                mem::forget(another);
            }
            None
        }
    }
}

/// Wakes each of them, whatever the others do. No lock may be held.
pub(super) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        contain(|| waker.wake());
    }
}
