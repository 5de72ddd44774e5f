//! A change of a limit's level, and a cap that was hit.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::{Level, Notice, NoticeKind};

use crate::telemetry::in_line::InLine;
use crate::telemetry::limit::Limit;
use crate::telemetry::report::{Report, Standing};
use crate::telemetry::tag::Tag;

/// What has become of a limit's level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PressureChange {
    /// It rose, and has held for as long as the limit's rule asks.
    Raised,
    /// It still holds.
    Sustained,
    /// It fell, or the limit was dropped while it was raised.
    Cleared,
}

/// The level of a limit rose, still holds, or fell.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PressureEvent {
    pub(super) tag: Arc<Tag>,
    /// What has become of the level.
    pub change: PressureChange,
    /// The level that holds now: entered, or fallen back to.
    pub level: Level,
    /// The depth, in the limit's own unit.
    pub depth: u64,
    /// The capacity, if there is a bound.
    pub capacity: Option<u64>,
    /// The place of the edge behind this among all edges of this limit's gauge, from 1 on. Events
    /// that overtake each other are put in order by it; those of one edge share it. The event of a
    /// limit that is dropped comes after all its edges.
    pub sequence: u64,
    /// How many waiters were blocked on the limit when this was delivered.
    pub waiting: u64,
    /// The largest depth seen while the level held that is announced, or has ended; of a channel it may
    /// be too small by up to a 64th of its high-water mark.
    pub peak: u64,
    /// How long that level has held: of a recovery, a repetition, and a raise that had to hold.
    /// `None` of other raises, and where edges came too much out of order to tell.
    pub duration: Option<Duration>,
    /// Which repetition this is: from 1 on if sustained, 0 otherwise.
    pub repeat: u32,
    /// How many changes of this limit made no event before this one: too many in a short time for
    /// its [rule](crate::PressureRule), or no room on their way.
    pub suppressed: u64,
    /// Whether the level is over since the limit was dropped.
    pub is_gone: bool,
}

impl PressureEvent {
    /// A raise to `level`, for tests.
    pub fn raised(
        limit: impl Into<Limit>,
        level: Level,
        depth: u64,
        capacity: impl Into<Option<u64>>,
    ) -> Self {
        Self::new(limit.into(), PressureChange::Raised, level, depth, capacity.into())
    }

    /// A fall to [`Level::Normal`], for tests.
    pub fn cleared(limit: impl Into<Limit>, depth: u64, capacity: impl Into<Option<u64>>) -> Self {
        Self::new(limit.into(), PressureChange::Cleared, Level::Normal, depth, capacity.into())
    }

    fn new(
        limit: Limit,
        change: PressureChange,
        level: Level,
        depth: u64,
        capacity: Option<u64>,
    ) -> Self {
        Self {
            tag: Tag::unregistered(limit),
            change,
            level,
            depth,
            capacity,
            sequence: 0,
            waiting: 0,
            peak: depth,
            duration: None,
            repeat: 0,
            suppressed: 0,
            is_gone: false,
        }
    }

    pub(super) fn reported(tag: Arc<Tag>, report: Report, standing: Standing) -> Self {
        let Standing { waiting, capacity } = standing;
        let Report { notice, suppressed, is_gone } = report;
        let Notice { level, depth, peak, duration_ms, sequence, .. } = notice;
        let (change, repeat) = match notice.kind {
            NoticeKind::Raised => (PressureChange::Raised, 0),
            NoticeKind::StillRaised { repeat } => (PressureChange::Sustained, repeat),
            NoticeKind::Cleared => (PressureChange::Cleared, 0),
        };
        Self {
            change,
            level,
            depth,
            capacity,
            sequence,
            waiting,
            peak,
            duration: duration_ms.map(Duration::from_millis),
            repeat,
            suppressed,
            is_gone,
            tag,
        }
    }

    /// Whether both are of one registration of a limit.
    pub(crate) fn is_of_the_limit_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.tag, &other.tag)
    }

    pub(super) fn fmt_change(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, .. } = self;
        match self.change {
            PressureChange::Raised => write!(f, "raised to {level}")?,
            PressureChange::Sustained => write!(f, "still {level}")?,
            PressureChange::Cleared => write!(f, "cleared to {level}")?,
        }
        if let Some(duration) = self.duration.filter(|duration| !duration.is_zero()) {
            write!(f, " after {duration:?}")?;
        }
        fmt_depth(f, self.depth, self.capacity)?;
        if self.peak > self.depth {
            write!(f, ", peak {}", self.peak)?;
        }
        if self.waiting > 0 {
            write!(f, ", {} waiting", self.waiting)?;
        }
        if self.suppressed > 0 {
            write!(f, ", {} suppressed", self.suppressed)?;
        }
        if self.is_gone { f.write_str(", the limit is gone") } else { Ok(()) }
    }
}

/// A cap was hit, as [`warn_exhausted`](crate::Registry::warn_exhausted) says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExhaustedEvent {
    pub(super) tag: Arc<Tag>,
    /// What was observed.
    pub observed: Option<u64>,
    /// The cap.
    pub capacity: Option<u64>,
    /// What the caller had to add.
    pub detail: Option<Cow<'static, str>>,
}

impl ExhaustedEvent {
    /// A cap that was hit. An empty `detail` is none.
    pub fn new(
        limit: impl Into<Limit>,
        observed: Option<u64>,
        capacity: Option<u64>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let detail = Some(detail.into()).filter(|detail| !detail.is_empty());
        Self { tag: Tag::unregistered(limit.into()), observed, capacity, detail }
    }

    /// What was observed; if nothing was, the cap, which has been reached then; 0 if that is not
    /// known either.
    pub fn depth(&self) -> u64 {
        self.observed.or(self.capacity).unwrap_or(0)
    }

    pub(super) fn fmt_change(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("exhausted")?;
        fmt_depth(f, self.depth(), self.capacity)?;
        match &self.detail {
            Some(detail) => write!(f, ", {}", InLine(detail)),
            None => Ok(()),
        }
    }
}

fn fmt_depth(f: &mut fmt::Formatter<'_>, depth: u64, capacity: Option<u64>) -> fmt::Result {
    write!(f, ": {depth}")?;
    match capacity {
        Some(capacity) => write!(f, " of {capacity}"),
        None => Ok(()),
    }
}
