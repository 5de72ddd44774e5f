//! Keep-alive: a [`Watcher`] that finds silent guests, for two plain loads per frame.
//!
//! A host takes a [`KeepAlive`] for each run of a guest and calls [`notify`](KeepAlive::notify) on
//! every frame. When the window has passed without one, subscribers of the
//! [`Registry`](crate::Registry) get an event of [`EventKind::Silent`](crate::EventKind::Silent),
//! and a future that awaits [`silence`](KeepAlive::silence) gets a [`Silence`].
//!
//! ```
//! use std::time::Duration;
//! use plimsoll::keepalive::{Watch, Watcher};
//! use plimsoll::{EventKind, Registry};
//!
//! let registry = Registry::new();
//! let (tell, told) = std::sync::mpsc::channel();
//! let _subscription = registry.subscribe(move |event| {
//!     let _ = tell.send((event.kind(), event.to_string()));
//! });
//! let watcher = Watcher::builder().build(&registry)?; // one for all guests
//! let _driver = watcher.spawn_thread()?; // or, in a task, `watcher.run().await`
//!
//! let window = Duration::from_millis(50);
//! let guest = watcher.watch(Watch::new("guest-7", "run-1").window(window).rearming())?;
//! guest.notify(); // on every frame
//! let (kind, text) = told.recv()?;
//! assert_eq!(kind, EventKind::Silent);
//! // resource guest_keepalive[guest-7] silent after 50ms, window 50ms, run run-1
//! assert!(text.starts_with("resource guest_keepalive[guest-7] silent after"));
//!
//! guest.notify();
//! assert_eq!(told.recv()?.0, EventKind::Recovered);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Events
//! | event | when | `level` |
//! |---|---|---|
//! | `Late` | the threshold of [`late_after`](Watch::late_after) has passed without a notification; it has no recovery | elevated |
//! | `Silent` | the window has | full |
//! | `Recovered` | a [rearming](Watch::rearming) run has given a sign of life after that | normal |
//! | `Suspect` | so many fell silent together that the watcher suspects its host | critical |
//! | `Lagging` | the watcher is later than the slack of the shortest window, once per window | elevated |
//!
//! The first three are of [`Event::Guest`](crate::Event::Guest): they have the watcher's name, the guest's
//! id as their scope, and the [`Silence`], whose `sequence` tells the silences of one run apart; its
//! recovery has the same. [`Event::as_silence`](crate::Event::as_silence) is the silence of a `Silent`
//! event.
//!
//! A run is not reported once its [`KeepAlive`] is dropped: if it was silent then, no recovery
//! follows. With [`Delivery::Deferred`](crate::Delivery::Deferred) events go through the bounded
//! ring like all others, and what finds no room is counted; a [`silence`](KeepAlive::silence) that
//! is awaited is not lost.
//!
//! # What is listed
//! The registry lists two counts of a watcher, `guest_keepalive` and `guest_keepalive_silent`: how
//! many runs are watched, and how many of them are silent, each with its high-water mark. Beside
//! them `guest_keepalive_lag_ms`: how late the watcher itself is. All numbers of a watcher together, with
//! those of silences, recoveries and stalls so far, are its
//! [`SnapshotWatcher`](crate::SnapshotWatcher).
//!
//! # How soon
//! A silence is reported within two ticks of the watcher, or 5 % of the window if that is more, and
//! never before the window has passed. If the watcher is late when it is due, it is reported that
//! much later, and so it is if the watcher was late when the last notification came; the watcher has
//! a thread of its own so that this is little, and [`Watcher::lag`] says how much. A notification
//! that comes while the watcher is late counts in full. Only a lag of more than half of the shortest
//! window is taken for a stall of the whole host (LIVE-6), in which no time passes; one that follows
//! another is not, so that a watcher that is always late still reports.
//!
//! # In tests
//! With a [`FakeClock`] a test drives the watch by [`step`](Watcher::step), and a clock that is put
//! forward by more than half of a window is a stall. Under tokio's paused clock use `TokioClock`,
//! whose page has the recipe. [`KeepAlive::age`] needs no driver.
//!
//! # When should I use it?
//! - For guests that are expected to do something all the time, or to say that they are idle: see
//!   [`pause_guard`](KeepAlive::pause_guard), for a guest that waits for its host too.
//! - With one watcher for all of them, and windows of ten ticks or more.
//!
//! # When not?
//! - A single deadline of a single future is a timeout: `tokio::time::timeout`.
//! - It says that a guest is silent, not why; and it needs a host that is alive itself.
//!
//! # Decisions
//! - *Time is counted by the watcher, not read by notifiers.* A clock per notification is exact,
//!   and costs a call of the clock on every frame; a host that was suspended then finds every guest
//!   silent. The price is that silence is reported up to two ticks late, and later if the watcher
//!   is. To be reconsidered for windows near a millisecond.
//! - *A thread for the watcher, also for `run` in a task.* A runtime that is busy looks at its
//!   timers once in 61 polls: with polls of 30 ms a task that waits for 10 ms sleeps for seconds.
//!   To be looked at again for hosts that may have no threads: a clock whose
//!   [`timers`](Clock::timers) are tokio's needs none.
//! - *A lock around who is watched, none around who notifies.* Coming, leaving and looking share a
//!   wheel; a notification touches its own word. To be looked at again for hosts that start
//!   runs faster than one lock lets them through.
//! - *Two counts in the registry and no entry for each run.* A million entries are above its cap,
//!   and nobody reads them; each silence is an event that names the run. To be looked at again for
//!   hosts of few guests who want to see ages in a snapshot.

mod attended;
mod builder;
#[cfg(feature = "cloudevents")]
mod cloud_event;
mod crowd;
mod error;
mod handle;
mod handles;
mod lag;
mod latch;
mod listing;
mod pause;
mod shared;
#[cfg(feature = "pressure")]
mod silences;
mod silent;
mod step;
mod sweep;
mod table;
mod thread;
mod watch;
mod watcher;
mod windows;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub use crate::clock::BootClock;
#[cfg(feature = "tokio")]
pub use crate::clock::TokioClock;
pub use crate::clock::{Clock, FakeClock, MonotonicClock, Timers};
pub use crate::telemetry::Silence;
pub use builder::WatcherBuilder;
#[cfg(feature = "cloudevents")]
pub use cloudevents;
pub use error::{IdKind, WatchError, WatcherError};
pub use handle::KeepAlive;
pub use latch::Latch;
pub use pause::PauseGuard;
pub use step::Step;
pub use thread::WatcherThread;
pub use watch::Watch;
pub use watcher::Watcher;
