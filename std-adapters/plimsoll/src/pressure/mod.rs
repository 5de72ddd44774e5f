//! Pressure: levels of limits joined into a state that code acts on.
//!
//! A [`Pressure`] is on or off. It is built of [conditions](Condition): a gauge or channel at a level,
//! a number of silent guests, another pressure; any of them or all, which may have to last for a time
//! or a share of it. A request path reads it by one load, a producer waits for it, and a load shedder
//! takes its [scale](Pressure::scaled).
//!
//! ```
//! use std::time::Duration;
//! use plimsoll::pressure::{HasLevel, Pressure};
//! use plimsoll::{Level, Limit, Registry, Watermarks};
//!
//! let registry = Registry::new();
//! let jobs = registry.gauge("jobs", Watermarks::new(100))?;
//! let heap = Limit::memory("heap_bytes");
//! let heap = registry.recorded_gauge(heap, Watermarks::new(64 << 20).with_level(60 << 20, 50 << 20))?;
//!
//! let overload = Pressure::builder(&registry)
//!     .when(&jobs) // raised
//!     .when(heap.at(Level::Critical))
//!     .listed(Limit::resource("overload")) // snapshots and events have it
//!     .build()?;
//! assert!(!overload.is_on());
//! let burst = jobs.permit(90);
//! assert!(overload.is_on() && overload.scaled() == 1.0);
//! drop(burst);
//! assert!(!overload.is_on());
//!
//! // One that has to last: 5 s both ways.
//! let lasting = Pressure::builder(&registry).when(&overload).held_for(Duration::from_secs(5));
//! assert!(!lasting.build()?.is_on());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Who drives it
//! An edge changes the state and wakes the waiters on the thread that made it, whatever the
//! [delivery](crate::Delivery) of events is. What comes due with time (a hold, a share, a
//! [look](PressureBuilder::look_every)) is checked by a thread that the registry starts for it; with
//! [`Delivery::Deferred`](crate::Delivery::Deferred) by [`deliver`](crate::Registry::deliver), hence as
//! often as the host calls it. An [`ObservedGauge`](crate::ObservedGauge) has no edge until it is
//! read: by a snapshot, a delivery, [`observe`](crate::ObservedGauge::observe) or a look.
//!
//! A pressure keeps the registry, and none of its limits listed: a limit that has left holds no condition.
//!
//! # Invariants
//! - PRESS-1: a read is one load, and with no change in flight the state agrees with the conditions.
//! - PRESS-2: no wake-up is lost: a state that was reached since the first poll of a wait ends it,
//!   however briefly it was. A wait that is cancelled takes nothing from others.
//! - PRESS-3: a condition that has to last counts when it has lasted, both ways, without an edge and
//!   without a poll; a share of the time likewise.
//! - PRESS-4: the scale is between 0 and 1, and never NaN.
//! - PRESS-5: no waker runs under a lock, and one that panics harms neither other waiters nor the
//!   thread that made the change.
//! - PRESS-6: a [stream of events](crate::Registry::events) is in order and bounded, and tells how many
//!   were lost, in their place.

mod builder;
mod condition;
mod driver;
mod error;
mod events;
mod handle;
mod has_level;
mod signal;
mod switch;
mod timing;
#[cfg(feature = "tower")]
pub mod tower;
mod wait;
mod word;

pub use builder::PressureBuilder;
pub use condition::Condition;
#[cfg(any(feature = "budget", feature = "keepalive"))]
pub(crate) use condition::Part;
pub use error::PressureError;
pub use events::{EventStream, EventsLost};
pub use handle::Pressure;
pub use has_level::HasLevel;
pub use switch::PressureSwitch;
pub use wait::{Changes, UntilState};
pub use word::PressureState;

pub use crate::registry::Listed;
