//! The thread that updates a history once per second.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::History;
use crate::clock;
use crate::sync::{AtomicBool, Ordering, thread};

const INTERVAL_US: u64 = 1_000_000;

/// Ends the thread when it is dropped. The thread ends with the registry, too.
pub(super) struct Ticker {
    is_over: Arc<AtomicBool>,
    thread: thread::Thread,
}

impl Ticker {
    pub(super) fn spawn(history: &History) -> io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (over, registry) = (is_over.clone(), history.registry.clone());
        let keeper = Arc::downgrade(&history.keeper);
        // Time goes on from the last tick of a host, whose clock may be any.
        let last = history.keeper.kept.lock().last().unwrap_or_default();
        let run = move || {
            let began_us = clock::now_us();
            let mut due_us = began_us;
            // Relaxed: nothing else is handed over.
            while !over.load(Ordering::Relaxed) {
                let now_us = clock::now_us();
                if now_us < due_us {
                    thread::park_timeout(Duration::from_micros(due_us - now_us));
                    continue;
                }
                let Some((registry, keeper)) = registry.upgrade().zip(keeper.upgrade()) else {
                    return;
                };
                let now = last.saturating_add(Duration::from_micros(now_us - began_us));
                // A look can make an edge, and who hears of it can panic.
                registry.subscribers.contain(|| keeper.look(&registry, now));
                // At whole seconds from the first look, unless it is too late for the next one.
                due_us = (due_us + INTERVAL_US).max(now_us);
            }
        };
        let handle = thread::Builder::new().name("plimsoll-history".into()).spawn(run)?;
        Ok(Self { is_over, thread: handle.thread().clone() })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // Relaxed: as above.
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}
