//! Locks, threads and waits that a schedule steps through, in the shape of the real ones.
//!
//! *Time.* There is none: each thread that runs models has a time of its own, which goes on only when a
//! wait runs out. A wait with a time is a yield: if what it waits for has come by the time that the
//! schedule goes on with it, it has; else its time is over. So the schedule chooses every moment at
//! which a wait may run out, and a wake-up that is lost shows where a wait has no time.

mod local;
mod lock;
pub(crate) mod thread;
mod time;

// It never keeps anybody waiting, and what is done with it is modelled by loom.
pub(crate) use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard};
pub(crate) use local::{Local, stepped_local as thread_local};
pub(crate) use lock::{Condvar, Mutex, MutexGuard, OnceLock};
pub(crate) use plimsoll_core::stepped::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use shuttle::hint::spin_loop;
pub(crate) use time::{Backoff, Instant};
