//! The processor time of the calling thread.

use std::cell::Cell;

thread_local! {
    /// The thread's time at the last reading.
    static LAST: Cell<u64> = const { Cell::new(0) };
}

/// Nanoseconds that the calling thread has had the processor, and since when it was last asked.
///
/// A system call on Linux and Android. Elsewhere wall-clock time stands in for it.
pub(crate) fn thread_ns() -> (u64, u64) {
    let now = read();
    // A thread whose locals are gone asks for the first time.
    let last = LAST.try_with(|last| last.replace(now)).unwrap_or(0);
    (now, now.saturating_sub(last))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn read() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    // Neither is ever negative.
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn read() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    crate::clock::ns(BEGAN.get_or_init(Instant::now).elapsed())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn meter_5_a_thread_that_sleeps_uses_no_time_and_one_that_works_does() {
        thread_ns();
        std::thread::sleep(Duration::from_millis(50));
        let (slept, _) = thread_ns();
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(50) {
            std::hint::spin_loop();
        }
        let (worked, since) = thread_ns();
        assert_eq!(worked - slept, since);
        if cfg!(target_os = "linux") {
            assert!(since > 1_000_000 && since <= 60_000_000, "{since}");
        }
    }
}
