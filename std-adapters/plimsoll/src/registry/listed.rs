//! The handle of a limit, for what goes by its level.

use std::fmt;
use std::sync::Arc;

use plimsoll_core::{Level, Watermarks};

use super::entry::Entry;
use super::registration::Registration;
use super::watchers::Watchers;
use super::{Registry, Shared};
use crate::telemetry::{PressureRule, SourceReading};

/// A limit that a registry lists, by whose level a [pressure](crate::pressure) can go.
///
/// It does not keep the limit listed: when the last handle of the gauge or channel is dropped, the
/// level is [`Level::Normal`] from then on.
#[derive(Clone)]
pub struct Listed {
    registry: Arc<Shared>,
    entry: Arc<Entry>,
}

impl Registration {
    /// The handle of this limit.
    pub(crate) fn listed(&self) -> Listed {
        Listed { registry: self.shared().clone(), entry: self.entry().clone() }
    }
}

impl Listed {
    /// The level by the last edge; normal if the limit is gone.
    pub fn level(&self) -> Level {
        if self.entry.is_here() { self.entry.levels.level() } else { Level::Normal }
    }

    /// The category, name and scope, for errors.
    pub(crate) fn label(&self) -> String {
        self.entry.tag().to_string()
    }

    /// The watermarks, those of now where a resize moves them.
    pub fn watermarks(&self) -> Watermarks {
        self.entry.with_watermarks(self.entry.source(), |watermarks| *watermarks)
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry(self.registry.clone())
    }

    /// Reads the depth now; an edge that is due is made. No lock may be held.
    pub(crate) fn look(&self) -> Option<SourceReading> {
        self.registry.look_at(&self.entry, self.entry.source()?)
    }

    /// How much until the next higher level, if there is one.
    pub(crate) fn room(&self) -> Option<u64> {
        let source = self.entry.source()?;
        let reading = self.registry.look_at(&self.entry, source)?;
        let next = *Level::ALL.get(reading.level as usize + 1)?;
        let high = self.entry.with_watermarks(Some(source), |watermarks| watermarks.high(next));
        Some(high?.saturating_sub(reading.depth))
    }

    pub(crate) fn watchers(&self) -> &Watchers {
        &self.entry.watchers
    }
}

impl Registry {
    /// The rule of all limits that have none of their own.
    pub(crate) fn pressure_rule(&self) -> Option<PressureRule> {
        self.0.pressure
    }

    /// Those whom time concerns.
    pub(crate) fn timed(&self) -> &Watchers {
        &self.0.timed
    }

    /// Has a thread tell those whom time concerns at `due_ms`, unless the host delivers by itself.
    pub(crate) fn wake_by(&self, due_ms: u64) {
        if self.0.queue.is_none() {
            self.0.wake_by(due_ms);
        }
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listed").field(&self.entry.tag()).finish()
    }
}
