//! The time that edges and blocked parties are measured with.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Microseconds since this process first asked.
pub(crate) fn now_us() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    ORIGIN.get_or_init(Instant::now).elapsed().as_micros() as u64
}

/// Milliseconds since this process first asked.
pub(crate) fn now_ms() -> u64 {
    now_us() / 1_000
}

/// `duration` in milliseconds, rounded up: what is not zero stays so.
pub(crate) fn ceil_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
