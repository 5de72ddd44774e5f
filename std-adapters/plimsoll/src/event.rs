//! What subscribers are told.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::{Announcement, AnnouncementKind, Level, Watermarks};

use crate::in_line::InLine;
#[cfg(feature = "keepalive")]
use crate::keepalive::Silence;
use crate::limit::{Category, Limit};
use crate::report::Report;
use crate::tag::Tag;

/// What an [`Event`] says has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// The level rose, and has held for as long as the limit's rule asks.
    Raised,
    /// It still holds.
    Sustained,
    /// The level fell, or the limit was dropped while it was raised, or a run ended while it was
    /// silent.
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
/// `Display` is one line, whatever names, labels and details hold: control characters and those that
/// are invisible or turn the direction of text are escaped.
///
/// Serde has these fields, by these names, and `name`, `category` and `instance`; the duration is
/// `duration_ms`, and what is `None`, and `suppressed` if it is 0, is left out. `tracing` has the same,
/// but says `limit` for `name` and `pressure` for `level`: subscribers write a `name` and a `level` of
/// their own into the same object.
///
/// For tests of your own subscribers, events can be made: [`raised`](Self::raised),
/// [`cleared`](Self::cleared), [`exhausted`](Self::exhausted), [`silent`](Self::silent), or
/// [`new`](Self::new) and then field by field.
///
/// ```
/// use plimsoll::{Event, Level, Limit};
///
/// let mut event = Event::raised(Limit::queue("frames").instance("guest-7"), Level::Elevated, 9, 10);
/// event.waiting = 2;
/// assert_eq!(event.percent(), Some(90));
/// assert_eq!(
///     event.to_string(),
///     "queue frames[guest-7] raised to elevated: 9 of 10, 2 waiting"
/// );
/// ```
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
    /// exhausted. The event of a limit that is dropped comes after all its edges.
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
    /// How many changes of this limit made no event before this one: too many in a short time for
    /// its [rule](crate::PressureRule), or no room on their way.
    pub suppressed: u64,
    /// What the caller of [`warn_exhausted`](crate::Registry::warn_exhausted) had to add, or why a
    /// level is over that has not fallen.
    pub detail: Option<Cow<'static, str>>,
    /// The run of the guest that is late, silent or back; the guest is the instance.
    pub run: Option<Arc<str>>,
}

/// What an event says of a limit that was dropped while it was raised.
const LIMIT_GONE: &str = "the limit is gone";

impl Event {
    /// An event of this kind, for tests: of a level that suits the kind, and with nothing else known.
    pub fn new(kind: EventKind, limit: impl Into<Limit>) -> Self {
        let level = match kind {
            EventKind::Raised | EventKind::Sustained | EventKind::Late | EventKind::Lagging => {
                Level::Elevated
            }
            EventKind::Suspect => Level::Critical,
            EventKind::Exhausted | EventKind::Silent => Level::Full,
            EventKind::Cleared | EventKind::Recovered => Level::Normal,
        };
        Self::of(Arc::new(Tag::new(limit.into(), Watermarks::unbounded())), kind, level)
    }

    /// A raise to `level`, for tests.
    pub fn raised(
        limit: impl Into<Limit>,
        level: Level,
        depth: u64,
        capacity: impl Into<Option<u64>>,
    ) -> Self {
        let capacity = capacity.into();
        Self { level, depth, capacity, peak: depth, ..Self::new(EventKind::Raised, limit) }
    }

    /// A fall to [`Level::Normal`], for tests.
    pub fn cleared(limit: impl Into<Limit>, depth: u64, capacity: impl Into<Option<u64>>) -> Self {
        let capacity = capacity.into();
        Self { depth, capacity, peak: depth, ..Self::new(EventKind::Cleared, limit) }
    }

    /// A cap that was hit, as [`warn_exhausted`](crate::Registry::warn_exhausted) tells of it.
    pub fn exhausted(
        limit: impl Into<Limit>,
        observed: Option<u64>,
        capacity: Option<u64>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let depth = observed.or(capacity).unwrap_or(0);
        let detail = Some(detail.into()).filter(|detail| !detail.is_empty());
        Self { depth, capacity, peak: depth, detail, ..Self::new(EventKind::Exhausted, limit) }
    }

    /// A guest's run that has been without a sign of life for `elapsed`, for tests. `limit` is that
    /// of the watcher.
    pub fn silent(
        limit: impl Into<Limit>,
        guest: impl Into<Cow<'static, str>>,
        run: impl Into<Arc<str>>,
        window: Duration,
        elapsed: Duration,
    ) -> Self {
        Self {
            depth: ms(elapsed),
            capacity: Some(ms(window)),
            peak: ms(elapsed),
            duration: Some(elapsed),
            run: Some(run.into()),
            ..Self::new(EventKind::Silent, limit.into().instance(guest))
        }
    }

    fn of(tag: Arc<Tag>, kind: EventKind, level: Level) -> Self {
        Self {
            tag,
            kind,
            level,
            depth: 0,
            capacity: None,
            sequence: 0,
            waiting: 0,
            peak: 0,
            duration: None,
            repeat: 0,
            suppressed: 0,
            detail: None,
            run: None,
        }
    }

    pub(crate) fn reported(tag: Arc<Tag>, report: Report, waiting: u64) -> Self {
        let Report { announcement, suppressed, is_gone } = report;
        let Announcement { level, depth, peak, duration_ms, sequence, .. } = announcement;
        let (kind, repeat) = match announcement.kind {
            AnnouncementKind::Raised => (EventKind::Raised, 0),
            AnnouncementKind::StillRaised { repeat } => (EventKind::Sustained, repeat),
            AnnouncementKind::Cleared => (EventKind::Cleared, 0),
        };
        let capacity = tag.watermarks.capacity();
        let duration = duration_ms.map(Duration::from_millis);
        let detail = is_gone.then_some(Cow::Borrowed(LIMIT_GONE));
        let event = Self::of(tag, kind, level);
        Self {
            depth,
            capacity,
            sequence,
            waiting,
            peak,
            duration,
            repeat,
            suppressed,
            detail,
            ..event
        }
    }

    /// The event of a run that is late, silent or back.
    #[cfg(feature = "keepalive")]
    pub(crate) fn of_silence(kind: EventKind, watcher: Limit, silence: &Silence) -> Self {
        let Silence { window, elapsed, .. } = *silence;
        let guest = silence.guest.to_string();
        let event = Self::silent(watcher, guest, silence.run.clone(), window, elapsed);
        Self {
            kind,
            level: match kind {
                EventKind::Late => Level::Elevated,
                EventKind::Silent => Level::Full,
                _ => Level::Normal,
            },
            sequence: silence.sequence,
            peak: ms(silence.elapsed_raw),
            ..event
        }
    }

    /// The event of a run that has ended while it was silent.
    #[cfg(feature = "keepalive")]
    pub(crate) fn of_end(watcher: Limit, silence: &Silence) -> Self {
        let event = Self::of_silence(EventKind::Cleared, watcher, silence);
        Self { detail: Some(Cow::Borrowed("the run has ended")), ..event }
    }

    /// What is told when `expired` of the `watched` runs expire at once.
    #[cfg(feature = "keepalive")]
    pub(crate) fn suspect(watcher: Limit, expired: usize, watched: usize) -> Self {
        Self {
            depth: expired as u64,
            capacity: Some(watched as u64),
            peak: expired as u64,
            detail: Some(Cow::Borrowed("they get another window")),
            ..Self::new(EventKind::Suspect, watcher)
        }
    }

    /// What is told when the watcher is later than its slack.
    #[cfg(feature = "keepalive")]
    pub(crate) fn lagging(watcher: Limit, lag: Duration, slack: Duration) -> Self {
        Self {
            depth: ms(lag),
            capacity: Some(ms(slack)),
            peak: ms(lag),
            duration: Some(lag),
            detail: Some(Cow::Borrowed("silences are reported that much later")),
            ..Self::new(EventKind::Lagging, watcher)
        }
    }

    /// The depth in percent of the capacity, rounded down: of a silence, the time of its window.
    ///
    /// # Returns
    /// `None` without a capacity above 0.
    pub fn percent(&self) -> Option<u64> {
        percent(self.depth, self.capacity)
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

    #[cfg(any(feature = "serde", feature = "tracing"))]
    pub(crate) fn suppressed_if_any(&self) -> Option<u64> {
        Some(self.suppressed).filter(|suppressed| *suppressed > 0)
    }

    pub(crate) fn tag(&self) -> &Arc<Tag> {
        &self.tag
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// `depth` in percent of a capacity above 0, rounded down.
pub(crate) fn percent(depth: u64, capacity: Option<u64>) -> Option<u64> {
    let capacity = u128::from(capacity.filter(|capacity| *capacity > 0)?);
    Some(u64::try_from(u128::from(depth) * 100 / capacity).unwrap_or(u64::MAX))
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
        write!(f, ", run {}", InLine(run))
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
        if self.suppressed > 0 {
            write!(f, ", {} suppressed", self.suppressed)?;
        }
        match &self.detail {
            Some(detail) => write!(f, ", {}", InLine(detail)),
            None => Ok(()),
        }
    }
}
