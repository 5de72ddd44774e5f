//! A page, JSON, events and metrics of what [`plimsoll`] sees in a running host.
//!
//! One line serves them on loopback, on a thread of its own:
//!
//! ```
//! use plimsoll::{Registry, Watermarks};
//! use plimsoll_status::Status;
//!
//! let registry = Registry::new();
//! let frames = registry.gauge("stdout_frames", Watermarks::percent(1024, 80, 50))?;
//! let serving = Status::new(&registry).spawn("127.0.0.1:0")?;
//! frames.add(900);
//! println!("open http://{}/", serving.local_addr());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A host with a tokio runtime calls [`serve`]; one with a server of its own mounts
//! [`Status::router`].
//!
//! | route | what it is |
//! |---|---|
//! | `/` | the page: bars with their watermarks, pools, largest users, silent guests, events, charts of the last ten minutes; the hosts of a fleet |
//! | `/snapshot.json` | a [`Snapshot`](plimsoll::Snapshot) in its serde form, at most 250 ms old |
//! | `/fleet.json` | what the hosts of a fleet say together, if it has one (feature `fleet`) |
//! | `/events` | server-sent events, see below |
//! | `/metrics` | for Prometheus |
//! | `/healthz` | `ok` |
//!
//! # Events
//! | event | data |
//! |---|---|
//! | `snapshot` | as `/snapshot.json`: at once, and at each [refresh](StatusBuilder::refresh) |
//! | `event` | `{"at_ms", "text", "event"}`: Unix time in ms, the line that an event's `Display` is, and an [`Event`](plimsoll::Event) in its serde form |
//! | `charts` | once, before the first snapshot, if there is a history: `{"bucket_ms", "charts": [[id, [largest, ...]], ...]}`, the limit's `id` and a value or `null` for each bucket of the last ten minutes, oldest first |
//! | `fleet` | as `/fleet.json`, before each snapshot, if there is a fleet |
//! | `silent` | `[{"watcher", "guest", "run", "at_ms", "window_ms", "elapsed_ms"}]`: the guests that are silent, at once and whenever it changes |
//! | `late` | a sentence: there is no snapshot now, since a function of the host that it asks does not return |
//!
//! Events come with the next refresh. A reader that comes back with `Last-Event-ID` goes on after it.
//!
//! # Who is answered
//! Loopback only, unless [`allow_remote`](StatusBuilder::allow_remote) is said. Requests whose `Host` is
//! neither loopback nor [configured](StatusBuilder::host) are refused. With a
//! [token](StatusBuilder::token), programs send it in a header and people type it into a form once.
//! Nothing can be changed through it. Principals are left out (`null`) unless
//! [`show_principals`](StatusBuilder::show_principals) is said; the scopes of limits, and guests that are
//! silent, are shown.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct PackageReadme;

mod builder;
mod charts;
mod connection;
mod error;
#[cfg(feature = "fleet")]
mod fleet;
mod frame;
mod guard;
mod host;
mod latest;
mod log;
mod login;
mod metrics;
mod page;
mod routes;
mod server;
mod sse;
mod status;
mod stream;
mod thread;
mod token;

pub use builder::StatusBuilder;
pub use error::{ServeError, StatusError};
pub use server::{Server, serve};
pub use status::Status;
pub use thread::StatusThread;
