//! The thread that updates a history once per second.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::History;
use crate::clock;
use crate::sync::thread;
use crate::worker::Stop;

const INTERVAL_US: u64 = 1_000_000;

/// Starts the thread. It ends when what this returns is dropped, and with the registry, too.
pub(super) fn spawn(history: &History) -> io::Result<Stop> {
    let (registry, keeper) = (history.registry.clone(), Arc::downgrade(&history.keeper));
    // Time goes on from the last tick of a host, whose clock may be any.
    let last = history.keeper.kept.lock().last().unwrap_or_default();
    let (stop, _) = Stop::spawn("plimsoll-history", move |stop| {
        let began_us = clock::now_us();
        let mut due_us = began_us;
        while !stop.is_set() {
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
    })?;
    Ok(stop)
}
