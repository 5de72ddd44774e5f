//! One step of a watch: its bounds, its events, and when the next one is due.

use std::sync::Arc;
use std::time::Duration;

use super::latch::Once;
use crate::telemetry::{GuestChange, Silence};

/// What a step has to tell, in order.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) changes: Vec<(GuestChange, Arc<Silence>)>,
    /// How many expired at once, of how many, if that is suspicious.
    pub(super) suspicion: Option<(usize, usize)>,
    /// How late the watcher is and may be, if that is too much.
    pub(super) lag: Option<(Duration, Duration)>,
    pub(super) awaited: Vec<(Once<Arc<Silence>>, Arc<Silence>)>,
}

impl Findings {
    /// To be called without any lock.
    pub(super) fn wake(&mut self) {
        for (awaited, silence) in self.awaited.drain(..) {
            awaited.set(silence);
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
    /// When a run is watched.
    Idle,
}

/// Bounds of one step.
pub(super) struct Bounds {
    pub(super) checks_max: usize,
    /// More expiries than this are suspicious.
    pub(super) suspect_above: Option<usize>,
}
