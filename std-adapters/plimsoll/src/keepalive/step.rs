//! One step of a watch: how much it may do, what it tells, and when the next one is due.

use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;

use super::silence::Silence;
use crate::event::EventKind;

/// A future that waits for a silence.
#[derive(Default)]
pub(super) struct Awaited(pub(super) Mutex<(Option<Arc<Silence>>, Option<Waker>)>);

impl Awaited {
    fn fill(&self, silence: &Arc<Silence>) {
        let waker = {
            let mut slot = self.0.lock();
            slot.0.get_or_insert_with(|| silence.clone());
            slot.1.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }
}

/// What a step has to tell, in order.
#[derive(Default)]
pub(super) struct Told {
    pub(super) news: Vec<(EventKind, Arc<Silence>)>,
    /// How many expired at once, of how many, if that is suspicious.
    pub(super) suspicion: Option<(usize, usize)>,
    pub(super) awaited: Vec<(Weak<Awaited>, Arc<Silence>)>,
}

impl Told {
    /// To be called without any lock.
    pub(super) fn wake(&mut self) {
        for (awaited, silence) in self.awaited.drain(..) {
            if let Some(awaited) = awaited.upgrade() {
                awaited.fill(&silence);
            }
        }
    }
}

/// When to step again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// After this time.
    Wait(Duration),
    /// At once: there was more to do than a step may.
    Again,
    /// When somebody is watched.
    Idle,
}

/// Bounds of one step.
pub(super) struct Bounds {
    pub(super) looks_max: usize,
    /// More expiries than this are suspicious.
    pub(super) suspect_above: Option<usize>,
}
