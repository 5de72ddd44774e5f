//! Many hosts as one: events and ledgers of [`plimsoll`] over NATS JetStream.
//!
//! A [`Publisher`] on each host writes two things to the server of a [`Fleet`]:
//!
//! - each *event*, as a CloudEvent onto a stream, at least once up to the server's acknowledgement;
//! - every few seconds its whole [state]: limits, pools, silent guests, and all users of each
//!   ledger, under the key of the host in a bucket that has the latest of each. A reader needs
//!   nothing else, so that a state that is lost, late or doubled changes nothing.
//!
//! A [`FleetReader`](view::FleetReader) reads them into a [`FleetView`](view::FleetView): who uses
//! the most of all hosts together, what is raised, who is silent, and how old each host's state is.
//!
//! ```no_run
//! use plimsoll::Registry;
//! use plimsoll_fleet::{Fleet, HostName, Publisher};
//!
//! let fleet = Fleet::new("nats://127.0.0.1:4222")?;
//! let host = HostName::new("web-1")?;
//! // It connects in the background, now or later.
//! let publishing = Publisher::new(Registry::global(), host, fleet).spawn_thread()?;
//! assert_eq!(publishing.stats().counts.dropped, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The server
//! NATS 2.9 or newer, with JetStream. The stream and the bucket are made by the first host, with the
//! settings of its [`Fleet`]; found with other settings, they are left alone, and that is an
//! [error](FleetError::Settings) until they are the same. Credentials, TLS and NKEYs are the
//! [client's own options](Fleet::options).
//!
//! # When the server is away
//! Recorders notice nothing. Events wait in a buffer of a fixed size; what finds no room is counted,
//! and an event says how much it was. States are left out. An event that the server has not
//! acknowledged is sent again with the same id. Within the [duplicate window](Fleet::duplicate_window)
//! the server drops the second one; later it is stored twice, with the same `source` and `id`.
#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct PackageReadme;

mod connect;
mod error;
pub mod merge;
mod open;
mod publish;
pub mod sketch;
pub mod state;
mod thread;
pub mod view;

pub use connect::Fleet;
pub use error::{FleetError, HostNameError, StateError};
pub use publish::{Publisher, PublisherStats, Publishing, PublishingThread};
pub use state::{HostName, HostState};
