//! What makes epochs pass.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use wasmtime::Engine;

/// A thread that advances an engine's epoch for as long as this lives.
///
/// A tick that comes late is one tick: a host that was paused does not use up its guests' time.
pub(super) struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// # Errors
    /// What the operating system says against another thread.
    pub(super) fn start(engine: &Engine, tick: Duration) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (engine, stopped) = (engine.clone(), stop.clone());
        let run = move || {
            // Relaxed: only to stop.
            while !stopped.load(Ordering::Relaxed) {
                rest(tick, &stopped);
                engine.increment_epoch();
            }
        };
        let thread = thread::Builder::new().name("plimsoll-epoch".into()).spawn(run)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

/// Parks for `time`, whoever else unparks the thread.
fn rest(time: Duration, stopped: &AtomicBool) {
    let began = Instant::now();
    // Relaxed: only to stop.
    while !stopped.load(Ordering::Relaxed) {
        let Some(left) = time.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) else {
            return;
        };
        thread::park_timeout(left);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // Relaxed: only to stop.
        self.stop.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return };
        thread.thread().unpark();
        // It runs nobody's code, so it can not have panicked.
        let _ = thread.join();
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker").finish_non_exhaustive()
    }
}
