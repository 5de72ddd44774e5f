//! The one place that chooses locks, atomics, threads and waits: `parking_lot`'s and the standard
//! library's in a real build, and those of [shuttle] where a model steps through every schedule.
//!
//! What a static of the process holds goes on through all executions of a model, so it is never
//! stepped through: see [`process`].
//!
//! [shuttle]: https://docs.rs/shuttle

#[cfg(shuttle)]
mod stepped;

#[cfg(shuttle)]
pub(crate) use stepped::*;

#[cfg(not(shuttle))]
mod real {
    #![allow(unused_imports, reason = "which are used depends on the features")]

    pub(crate) use std::hint::spin_loop;
    pub(crate) use std::sync::OnceLock;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(crate) use std::time::Instant;
    pub(crate) use std::{thread, thread_local};

    pub(crate) use crossbeam_utils::Backoff;
    pub(crate) use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard};
    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
}

#[cfg(not(shuttle))]
#[allow(unused_imports, reason = "which are used depends on the features")]
pub(crate) use real::*;

/// What statics of the process hold.
pub(crate) mod process {
    #![allow(unused_imports, reason = "which are used depends on the features")]

    pub(crate) use std::sync::OnceLock;
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
}
