//! What a keep-alive refuses.

use core::fmt;

/// A tracker that was ended by its owner was asked for its silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackerClosed;

impl fmt::Display for TrackerClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the tracker is closed")
    }
}

impl core::error::Error for TrackerClosed {}

/// Every slot of a [`Wheel`](crate::Wheel) is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WheelFull {
    /// How many there are.
    pub capacity: usize,
}

impl fmt::Display for WheelFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all {} slots of the wheel are held", self.capacity)
    }
}

impl core::error::Error for WheelFull {}

/// The slot of a key has been given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleKey;

impl fmt::Display for StaleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the slot of this key has been given back")
    }
}

impl core::error::Error for StaleKey {}

/// Why a [`Wheel`](crate::Wheel) could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WheelError {
    /// A wheel has 2^31 slots at most.
    Capacity {
        /// How many there were.
        capacity: usize,
    },
}

impl fmt::Display for WheelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Capacity { capacity } = self;
        write!(f, "a wheel has 2^31 slots at most (asked {capacity})")
    }
}

impl core::error::Error for WheelError {}
