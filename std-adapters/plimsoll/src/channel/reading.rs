//! The reading of a channel, as its handles return it.

use ::std::time::Duration;

use plimsoll_core::Level;

/// A channel at one moment, as each of its handles tells it without a snapshot.
///
/// # Invariants
/// CHAN-5: `depth <= high_water`, the level agrees with the depth, and with no operation in flight
/// `sent - received` is the depth (while there is a receiver).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelReading {
    /// Items in the channel; 0 once the last receiver is gone.
    pub depth: u64,
    /// The largest depth of the channel's life.
    pub high_water: u64,
    /// The level that agrees with the depth.
    pub level: Level,
    /// How many items the channel can hold; `None` without a bound.
    pub capacity: Option<u64>,
    /// Waiters: callers that are blocked because the channel is full.
    pub waiting: u64,
    /// How long waiters have been blocked in all.
    pub blocked: Duration,
    /// Operations that came back because the channel was full: tries, and waits that timed out.
    pub refused: u64,
    /// Items sent; `None` without [`flow_totals`](crate::Limit::flow_totals).
    pub sent: Option<u64>,
    /// Items received; `None` without [`flow_totals`](crate::Limit::flow_totals).
    pub received: Option<u64>,
    /// How long the oldest item has been in the channel, to within a tick of 10 ms and never more
    /// than it has; `None` if the channel is empty, or without
    /// [`flow_totals`](crate::Limit::flow_totals).
    pub oldest_age: Option<Duration>,
}
