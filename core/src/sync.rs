//! The one place that chooses the atomics: `portable-atomic` in a real build (native instructions
//! where the target has them), those of [loom], as `model` wraps them, in a model, and those of
//! [shuttle], as `stepped` wraps them, where a schedule steps through.
//!
//! [loom]: https://docs.rs/loom
//! [shuttle]: https://docs.rs/shuttle

#[cfg(not(any(loom, shuttle)))]
pub(crate) use core::hint::spin_loop;
#[cfg(not(any(loom, shuttle)))]
pub(crate) use portable_atomic::{AtomicU64, Ordering, fence};

#[cfg(loom)]
pub(crate) use crate::model::{AtomicU64, Ordering, fence};
#[cfg(loom)]
pub(crate) use loom::hint::spin_loop;

#[cfg(shuttle)]
pub(crate) use crate::stepped::{AtomicU64, Ordering};
#[cfg(shuttle)]
pub(crate) use shuttle::hint::spin_loop;
#[cfg(shuttle)]
pub(crate) use shuttle::sync::atomic::fence;

/// Orders a read-modify-write which the caller has just completed before the loads that follow.
///
/// A thread that moves a queue and then looks whether anybody watches needs this; so does the
/// watcher between announcing itself and looking at the queue. A locked x86 instruction drains the
/// store buffer, so there it is enough to stop the compiler. Everywhere else, and in the models, it
/// is the `SeqCst` fence of the memory model; the total order it needs is that of these fences.
#[inline(always)]
#[cfg_attr(loom, track_caller)]
pub(crate) fn fence_after_rmw() {
    #[cfg(all(any(target_arch = "x86_64", target_arch = "x86"), not(loom)))]
    core::sync::atomic::compiler_fence(Ordering::SeqCst);
    #[cfg(not(all(any(target_arch = "x86_64", target_arch = "x86"), not(loom))))]
    fence(Ordering::SeqCst);
}

/// Leaves a contended word to the other threads for a moment, about a microsecond: threads that take
/// turns in runs are quicker than threads that fail each other's exchanges. A model has no time.
#[cold]
pub(crate) fn stand_back() {
    #[cfg(not(any(loom, shuttle)))]
    for _ in 0..32 {
        spin_loop();
    }
}

/// Declares a constructor that is `const` in a real build; loom's atomics cannot be.
macro_rules! const_unless_loom {
    ($(#[$meta:meta])* $vis:vis const fn $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty $body:block) => {
        $(#[$meta])*
        #[cfg(not(loom))]
        $vis const fn $name($($arg: $ty),*) -> $ret $body

        $(#[$meta])*
        #[cfg(loom)]
        $vis fn $name($($arg: $ty),*) -> $ret $body
    };
}
pub(crate) use const_unless_loom;
