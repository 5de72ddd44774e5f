//! The time that edges and waits are measured with, and the clocks that a host may choose.

#[cfg(feature = "keepalive")]
mod kinds;

#[cfg(any(target_os = "linux", target_os = "android"))]
#[cfg(feature = "keepalive")]
pub use kinds::BootClock;
#[cfg(all(feature = "keepalive", feature = "tokio"))]
pub use kinds::TokioClock;
#[cfg(feature = "keepalive")]
pub use kinds::{Clock, FakeClock, MonotonicClock, Timers};

use std::time::Duration;

use crate::sync::{Instant, process::OnceLock};

/// Microseconds since this process first asked.
pub(crate) fn now_us() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    ORIGIN.get_or_init(Instant::now).elapsed().as_micros() as u64
}

/// Milliseconds since this process first asked.
pub(crate) fn now_ms() -> u64 {
    now_us() / 1_000
}

/// In whole milliseconds, rounded down.
pub(crate) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// `duration` in milliseconds, rounded up: what is not zero stays so.
pub(crate) fn ceil_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
