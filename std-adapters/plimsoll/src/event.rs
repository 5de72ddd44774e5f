//! What subscribers are told.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "keepalive")]
use plimsoll_core::Watermarks;
use plimsoll_core::{Announcement, AnnouncementKind, Level};

use crate::in_line::InLine;
#[cfg(feature = "keepalive")]
use crate::keepalive::Silence;
use crate::limit::Category;
#[cfg(feature = "keepalive")]
use crate::limit::Limit;
use crate::registry::Tag;

/// What an [`Event`] says has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// The level rose, and has held for as long as the limit's rule asks.
    Raised,
    /// It still holds.
    Sustained,
    /// The level fell.
    Cleared,
    /// A cap was hit; see [`Registry::warn_exhausted`](crate::Registry::warn_exhausted).
    Exhausted,
    /// A guest's run has been without a sign of life for longer than its threshold of lateness.
    /// This and the kinds below are told by a watcher, of the feature `keepalive`.
    Late,
    /// A guest's run has been without a sign of life for its whole window.
    Silent,
    /// A guest that was silent has given a sign of life.
    Recovered,
    /// So many runs expired at once that the watcher suspects itself, and has spared them.
    Suspect,
    /// The watcher itself is later than its slack, so that silences are reported that much later.
    Lagging,
}

impl EventKind {
    /// The name in lower case: `"raised"`, `"sustained"`, `"cleared"`, `"exhausted"`, `"late"`,
    /// `"silent"`, `"recovered"`, `"suspect"`, `"lagging"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            EventKind::Raised => "raised",
            EventKind::Sustained => "sustained",
            EventKind::Cleared => "cleared",
            EventKind::Exhausted => "exhausted",
            EventKind::Late => "late",
            EventKind::Silent => "silent",
            EventKind::Recovered => "recovered",
            EventKind::Suspect => "suspect",
            EventKind::Lagging => "lagging",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One change of one limit, as subscribers and `tracing` are told.
///
/// `Display` is one line. Serde and `tracing` have these fields, by these names, and `name`,
/// `category` and `instance`; the duration is `duration_ms`, and what is `None` is left out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    tag: Arc<Tag>,
    /// What happened.
    pub kind: EventKind,
    /// The level that holds now: entered, or fallen back to. `Full` if exhausted.
    pub level: Level,
    /// The depth, in the limit's own unit. If exhausted, what was observed; if nothing was, the
    /// capacity, which has been reached then; 0 if that is not known either.
    pub depth: u64,
    /// The capacity, if there is a bound and it is known.
    pub capacity: Option<u64>,
    /// The place of the edge behind this among all edges of this limit's gauge, from 1 on. Events
    /// that overtake each other are put in order by it; those that tell of one edge share it. 0 if
    /// exhausted.
    pub sequence: u64,
    /// How many parties were blocked on the limit when this was delivered.
    pub waiting: u64,
    /// The largest depth seen while the level held that is announced, or has ended.
    pub peak: u64,
    /// How long that level has held: of a recovery, a repetition, and a raise that had to hold.
    /// `None` of other raises, and where edges came too much out of order to tell. Of a guest's
    /// run, the time without a beat.
    pub duration: Option<Duration>,
    /// Which repetition this is: from 1 on if sustained, 0 otherwise.
    pub repeat: u32,
    /// What the caller of [`warn_exhausted`](crate::Registry::warn_exhausted) had to add.
    pub detail: Option<Cow<'static, str>>,
    /// The run of the guest that is late, silent or back; the guest is the instance.
    pub run: Option<Arc<str>>,
}

impl Event {
    pub(crate) fn announced(tag: Arc<Tag>, announcement: Announcement, waiting: u64) -> Self {
        let (kind, repeat) = match announcement.kind {
            AnnouncementKind::Raised => (EventKind::Raised, 0),
            AnnouncementKind::StillRaised { repeat } => (EventKind::Sustained, repeat),
            AnnouncementKind::Cleared => (EventKind::Cleared, 0),
        };
        Self {
            kind,
            level: announcement.level,
            depth: announcement.depth,
            capacity: tag.watermarks.capacity(),
            sequence: announcement.sequence,
            waiting,
            peak: announcement.peak,
            duration: announcement.duration_ms.map(Duration::from_millis),
            repeat,
            detail: None,
            run: None,
            tag,
        }
    }

    pub(crate) fn exhausted(
        tag: Arc<Tag>,
        observed: Option<u64>,
        capacity: Option<u64>,
        detail: Cow<'static, str>,
    ) -> Self {
        let depth = observed.or(capacity).unwrap_or(0);
        Self {
            tag,
            kind: EventKind::Exhausted,
            level: Level::Full,
            depth,
            capacity,
            sequence: 0,
            waiting: 0,
            peak: depth,
            duration: None,
            repeat: 0,
            detail: Some(detail).filter(|detail| !detail.is_empty()),
            run: None,
        }
    }

    /// What is told of a run that is late, silent or back.
    #[cfg(feature = "keepalive")]
    pub(crate) fn of_silence(kind: EventKind, watcher: Limit, silence: &Silence) -> Self {
        let limit = watcher.instance(silence.guest.to_string());
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            tag: Arc::new(Tag::new(limit, Watermarks::unbounded())),
            kind,
            level: match kind {
                EventKind::Late => Level::Elevated,
                EventKind::Silent => Level::Full,
                _ => Level::Normal,
            },
            depth: ms(silence.elapsed),
            capacity: Some(ms(silence.window)),
            sequence: silence.sequence,
            waiting: 0,
            peak: ms(silence.elapsed_raw),
            duration: Some(silence.elapsed),
            repeat: 0,
            detail: None,
            run: Some(silence.run.clone()),
        }
    }

    /// What is told when `expired` of the `watched` runs expire at once.
    #[cfg(feature = "keepalive")]
    pub(crate) fn suspect(watcher: Limit, expired: usize, watched: usize) -> Self {
        Self {
            tag: Arc::new(Tag::new(watcher, Watermarks::unbounded())),
            kind: EventKind::Suspect,
            level: Level::Critical,
            depth: expired as u64,
            capacity: Some(watched as u64),
            sequence: 0,
            waiting: 0,
            peak: expired as u64,
            duration: None,
            repeat: 0,
            detail: Some(Cow::Borrowed("they get another window")),
            run: None,
        }
    }

    /// What is told when the watcher is later than its slack.
    #[cfg(feature = "keepalive")]
    pub(crate) fn lagging(watcher: Limit, lag: Duration, slack: Duration) -> Self {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            kind: EventKind::Lagging,
            level: Level::Elevated,
            depth: ms(lag),
            capacity: Some(ms(slack)),
            peak: ms(lag),
            duration: Some(lag),
            detail: Some(Cow::Borrowed("silences are reported that much later")),
            ..Self::suspect(watcher, 0, 0)
        }
    }

    /// The name of the limit.
    pub fn name(&self) -> &str {
        &self.tag.name
    }

    /// The category of the limit.
    pub fn category(&self) -> Category {
        self.tag.category
    }

    /// The instance label of the limit.
    pub fn instance(&self) -> Option<&str> {
        self.tag.instance.as_deref()
    }

    #[cfg(any(feature = "serde", feature = "tracing"))]
    pub(crate) fn duration_ms(&self) -> Option<u64> {
        self.duration.map(|duration| duration.as_millis() as u64)
    }
}

impl Event {
    fn fmt_depth(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ": {}", self.depth)?;
        if let Some(capacity) = self.capacity {
            write!(f, " of {capacity}")?;
        }
        if self.peak > self.depth {
            write!(f, ", peak {}", self.peak)?;
        }
        if self.waiting > 0 {
            write!(f, ", {} waiting", self.waiting)?;
        }
        Ok(())
    }

    /// What follows the time that a run has been silent.
    fn fmt_silence(&self, f: &mut fmt::Formatter<'_>, run: &str) -> fmt::Result {
        if let Some(window) = self.capacity {
            write!(f, ", window {:?}", Duration::from_millis(window))?;
        }
        if self.peak > self.depth {
            write!(f, ", {:?} with stalls", Duration::from_millis(self.peak))?;
        }
        write!(f, ", run {run}")
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.tag)?;
        match self.kind {
            EventKind::Raised => write!(f, "raised to {}", self.level)?,
            EventKind::Sustained => write!(f, "still {}", self.level)?,
            EventKind::Cleared => write!(f, "cleared to {}", self.level)?,
            EventKind::Exhausted => f.write_str("exhausted")?,
            EventKind::Late => f.write_str("late")?,
            EventKind::Silent => f.write_str("silent")?,
            EventKind::Recovered => f.write_str("recovered")?,
            EventKind::Suspect => f.write_str("suspects itself")?,
            EventKind::Lagging => f.write_str("lagging")?,
        }
        if let Some(duration) = self.duration {
            write!(f, " after {duration:?}")?;
        }
        match &self.run {
            Some(run) => self.fmt_silence(f, run)?,
            None => self.fmt_depth(f)?,
        }
        match &self.detail {
            Some(detail) => write!(f, ", {}", InLine(detail)),
            None => Ok(()),
        }
    }
}
