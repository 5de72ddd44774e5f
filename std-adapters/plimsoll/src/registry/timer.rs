//! The thread that delivers what comes due with time, where no thread of the host delivers.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Shared;
use crate::clock;
use crate::sync::{Condvar, Mutex, thread};

/// How long the thread stays when there is nothing to wait for.
const LINGER: Duration = Duration::from_secs(5);

/// The least time between two rounds.
const ROUND_MS: u64 = 5;

/// Wakes a registry with inline delivery when a limit is due. The thread begins with the first that
/// is, and ends with the registry, or when nothing has been due for a while.
#[derive(Default)]
pub(super) struct Timer(Arc<Alarm>);

#[derive(Default)]
struct Alarm {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    due_ms: Option<u64>,
    is_running: bool,
    is_closed: bool,
}

impl Timer {
    /// Wakes `registry` at `due_ms` or before. If no thread can be started,
    /// [`deliver`](crate::Registry::deliver) alone checks what is due.
    pub(super) fn wake_by(&self, registry: &Arc<Shared>, due_ms: u64) {
        let is_running = {
            let mut state = self.0.state.lock();
            if state.due_ms.is_some_and(|earlier_ms| earlier_ms <= due_ms) {
                return;
            }
            state.due_ms = Some(due_ms);
            std::mem::replace(&mut state.is_running, true)
        };
        if is_running {
            self.0.changed.notify_one();
            return;
        }
        let (alarm, registry) = (self.0.clone(), Arc::downgrade(registry));
        let thread = thread::Builder::new().name("plimsoll-timer".into());
        if thread.spawn(move || alarm.run(&registry)).is_err() {
            *self.0.state.lock() = State::default();
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.state.lock().is_closed = true;
        self.0.changed.notify_one();
    }
}

impl Alarm {
    fn run(&self, registry: &Weak<Shared>) {
        while self.wait(LINGER) {
            let Some(registry) = registry.upgrade() else { return };
            if let Some(next_ms) = registry.tick() {
                registry.wake_by(next_ms.max(clock::now_ms() + ROUND_MS));
            }
        }
    }

    /// Waits until something is due, or for `linger` if there is nothing to wait for.
    ///
    /// # Returns
    /// `false` when the thread is to end.
    fn wait(&self, linger: Duration) -> bool {
        let mut state = self.state.lock();
        loop {
            let now_ms = clock::now_ms();
            match state.due_ms {
                _ if state.is_closed => return false,
                Some(due_ms) if due_ms <= now_ms => {
                    state.due_ms = None;
                    return true;
                }
                Some(due_ms) => {
                    let left = Duration::from_millis(due_ms - now_ms);
                    self.changed.wait_for(&mut state, left);
                }
                None => {
                    let is_idle = self.changed.wait_for(&mut state, linger).timed_out();
                    if is_idle && state.due_ms.is_none() && !state.is_closed {
                        state.is_running = false;
                        return false;
                    }
                }
            }
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn the_thread_ends_when_nothing_has_been_due_for_a_while_and_begins_anew() {
        let (alarm, linger) = (Alarm::default(), Duration::from_millis(50));
        *alarm.state.lock() = State { due_ms: Some(0), is_running: true, is_closed: false };
        assert!(alarm.wait(linger), "one is due");
        assert!(!alarm.wait(linger), "and no other");
        assert!(!alarm.state.lock().is_running, "so that the next one starts a thread");
        alarm.state.lock().is_closed = true;
        assert!(!alarm.wait(linger));
    }
}
