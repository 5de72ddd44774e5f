//! A schedule that is part of the plan.

use std::sync::{Arc, Mutex, PoisonError};

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};

/// Whose step is next, a byte for each: below 128 the thread goes on, above another may run.
pub(super) struct Planned {
    bytes: std::vec::IntoIter<u8>,
    is_begun: bool,
    /// How often another thread than the last has run although that one could have gone on.
    pub(super) switches: Arc<Mutex<u32>>,
}

impl Planned {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let bytes = Vec::from(bytes).into_iter();
        Planned { bytes, is_begun: false, switches: Arc::default() }
    }
}

impl Scheduler for Planned {
    fn new_execution(&mut self) -> Option<Schedule> {
        // One execution for each plan.
        (!std::mem::replace(&mut self.is_begun, true)).then(|| Schedule::new(0))
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        let current = runnable.iter().position(|task| Some(task.id()) == current);
        let byte = if runnable.len() > 1 { self.bytes.next().unwrap_or(0) } else { 0 };
        let next = match current {
            Some(current) if is_yielding => (current + 1) % runnable.len(),
            Some(current) if byte < 128 => current,
            _ => usize::from(byte) % runnable.len(),
        };
        if current.is_some_and(|current| current != next) {
            *self.switches.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
        runnable.get(next).map(|task| task.id())
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}
