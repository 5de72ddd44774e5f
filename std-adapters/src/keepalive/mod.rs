//! Who has fallen silent: a [`Watcher`] for any number of guests, at two plain loads per frame.
//!
//! A host takes a [`KeepAlive`] for each run of a guest and calls [`notify`](KeepAlive::notify) on
//! every frame. When the window has passed without one, subscribers of the
//! [`Registry`](crate::Registry) get an event of [`EventKind::Silent`](crate::EventKind::Silent),
//! and whoever awaits [`silence`](KeepAlive::silence) gets a [`Silence`].
//!
//! An event of this kind bears the watcher's name, the guest's id as its instance and the run's id
//! as `run`. Its `depth` is the time without a beat in ms, as attended, its `peak` the same and the
//! watcher's own stalls, its `capacity` the window in ms. Its `sequence` tells the silences of one
//! run apart, and its recovery has the same.
//!
//! # When should I use it?
//! - For guests that are expected to do something all the time, or to say that they are idle.
//! - With one watcher for all of them, and windows well above its tick.
//!
//! # When not?
//! - A single deadline of a single future is a timeout: `tokio::time::timeout`.
//! - It says that a guest is silent, not why; and it needs a host that is alive itself.

mod attended;
mod builder;
mod clock;
#[cfg(feature = "cloudevents")]
mod cloud_event;
mod error;
mod handle;
mod silence;
mod table;
mod thread;
mod watch;
mod watcher;

pub use builder::WatcherBuilder;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use clock::BootClock;
#[cfg(feature = "tokio")]
pub use clock::TokioClock;
pub use clock::{Clock, FakeClock, MonotonicClock};
#[cfg(feature = "cloudevents")]
pub use cloudevents;
pub use error::{IdKind, WatchError, WatcherError};
pub use handle::KeepAlive;
pub use silence::Silence;
pub use table::Step;
pub use thread::WatcherThread;
pub use watch::Watch;
pub use watcher::Watcher;
