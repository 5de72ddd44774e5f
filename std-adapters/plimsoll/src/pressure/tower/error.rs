//! What a refused request gets.

use std::time::Duration;

use plimsoll_core::error_type::error_type;

error_type! {
    /// A request that was refused because the pressure was on. The inner service has not seen it.
    ///
    /// Of a service whose error is a [`BoxError`](super::BoxError), it is distinguished from other errors by
    /// `error.is::<Overloaded>()`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum Overloaded {
        /// [Shed](super::PressureLayer::shed): the pressure was on before the inner service was ready.
        #[error("the service is overloaded: its pressure is on")]
        Shed,
        /// [Waited](super::PressureLayer::wait_timeout) for as long as a request may.
        #[error("the service is overloaded: its pressure was on for {timeout:?}, the longest wait")]
        TimedOut {
            /// How long a request waits at most.
            timeout: Duration,
        },
    }
}
