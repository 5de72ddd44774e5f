//! Errors of keep-alive.

use crate::error_type::error_type;

error_type! {
    /// A tracker that was ended by its owner was asked for its silence.
    #[error("the tracker is closed")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct TrackerClosed;
}

error_type! {
    /// Every slot of a [`Wheel`](crate::keepalive::Wheel) is held.
    #[error("all {capacity} slots of the wheel are held")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct WheelFull {
        /// How many there are.
        pub capacity: usize,
    }
}

error_type! {
    /// The slot of a key has been given back.
    #[error("the slot of this key has been given back")]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct StaleKey;
}

error_type! {
    /// Why a [`Wheel`](crate::keepalive::Wheel) could not be made.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum WheelError {
        /// A wheel has 2^31 slots at most.
        #[error("a wheel has 2^31 slots at most (asked {capacity})")]
        Capacity {
            /// How many there were.
            capacity: usize,
        },
    }
}
