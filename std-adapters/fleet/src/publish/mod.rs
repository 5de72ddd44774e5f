//! The publishing host: its events onto the stream, its state into the bucket.

mod cloud;
mod events;
mod guard;
mod outbox;
mod publisher;
mod shared;
mod silent;
mod states;
mod stats;
mod waiting;
mod worker;

pub use guard::{Publishing, PublishingThread};
pub use publisher::Publisher;
pub use stats::PublisherStats;

use std::time::{SystemTime, UNIX_EPOCH};

/// The clock of this host, in ms since 1970.
fn now_unix_ms() -> u64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
}
