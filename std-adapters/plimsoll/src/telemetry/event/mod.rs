//! Events: what subscribers get.

#[cfg(any(feature = "serde", feature = "tracing"))]
mod fields;
mod guest;
mod kind;
mod pressure;
mod silence;

use std::fmt;
use std::sync::Arc;

use plimsoll_core::Level;

use crate::clock::whole_ms;
use crate::telemetry::limit::Category;
use crate::telemetry::report::{Report, Standing};
use crate::telemetry::tag::Tag;

#[cfg(feature = "serde")]
pub(super) use fields::Fields;
pub use guest::{GuestChange, GuestEvent, LaggingEvent, SuspectEvent};
pub use kind::EventKind;
pub use pressure::{ExhaustedEvent, PressureChange, PressureEvent};
pub use silence::Silence;

/// One change of one limit or of one guest, as subscribers and `tracing` get it.
///
/// `Display` is one line, whatever names, labels and details hold: control characters and those
/// that are invisible or turn the direction of text are escaped.
///
/// Serde has `name`, `category`, `scope`, `kind`, `level`, and the fields of the variant by their
/// names, as `docs/SNAPSHOT.md` lists them, and reads them back; a duration is in whole
/// milliseconds (`duration_ms`, `window_ms`, `elapsed_ms`, `elapsed_raw_ms`, `lag_ms`, `slack_ms`),
/// and what is `None`, and `suppressed` if it is 0, is left out. `tracing` has the same, but says
/// `limit` for `name` and `pressure` for `level`: subscribers write a `name` and a `level` of their
/// own into the same object.
///
/// For tests of your own subscribers, make one from its variant:
///
/// ```
/// use plimsoll::{Event, Level, Limit, PressureEvent};
///
/// let limit = Limit::queue("frames").scope("guest-7");
/// let mut raised = PressureEvent::raised(limit, Level::Elevated, 9, 10);
/// raised.waiting = 2;
/// let event = Event::from(raised);
/// assert_eq!(event.percent(), Some(90));
/// assert_eq!(
///     event.to_string(),
///     "queue frames[guest-7] raised to elevated: 9 of 10, 2 waiting"
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The level of a limit rose, still holds, or fell.
    Pressure(PressureEvent),
    /// A cap was hit.
    Exhausted(ExhaustedEvent),
    /// A guest's run is late, silent or back, or has ended while it was silent.
    Guest(GuestEvent),
    /// So many runs expired at once that their watcher suspects itself.
    Suspect(SuspectEvent),
    /// A watcher is later than its slack.
    Lagging(LaggingEvent),
}

macro_rules! event_from {
    ($($variant:ident($event:ident)),*) => {$(
        impl From<$event> for Event {
            fn from(event: $event) -> Self {
                Self::$variant(event)
            }
        }
    )*};
}

event_from!(
    Pressure(PressureEvent),
    Exhausted(ExhaustedEvent),
    Guest(GuestEvent),
    Suspect(SuspectEvent),
    Lagging(LaggingEvent)
);

impl Event {
    pub(crate) fn reported(tag: Arc<Tag>, report: Report, standing: Standing) -> Self {
        PressureEvent::reported(tag, report, standing).into()
    }

    /// What has happened.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Pressure(event) => match event.change {
                PressureChange::Raised => EventKind::Raised,
                PressureChange::Sustained => EventKind::Sustained,
                PressureChange::Cleared => EventKind::Cleared,
            },
            Self::Exhausted(_) => EventKind::Exhausted,
            Self::Guest(event) => match event.change {
                GuestChange::Late => EventKind::Late,
                GuestChange::Silent => EventKind::Silent,
                GuestChange::Recovered => EventKind::Recovered,
                GuestChange::Ended => EventKind::Cleared,
            },
            Self::Suspect(_) => EventKind::Suspect,
            Self::Lagging(_) => EventKind::Lagging,
        }
    }

    /// How serious it is: the level that holds now, or what it comes to for a guest or a watcher.
    pub fn level(&self) -> Level {
        match self {
            Self::Pressure(event) => event.level,
            Self::Exhausted(_) => Level::Full,
            Self::Guest(event) => match event.change {
                GuestChange::Late => Level::Elevated,
                GuestChange::Silent => Level::Full,
                GuestChange::Recovered | GuestChange::Ended => Level::Normal,
            },
            Self::Suspect(_) => Level::Critical,
            Self::Lagging(_) => Level::Elevated,
        }
    }

    /// The change of a limit's level, if it is that.
    pub fn as_pressure(&self) -> Option<&PressureEvent> {
        match self {
            Self::Pressure(event) => Some(event),
            _ => None,
        }
    }

    /// The event of a guest's run, if it is that.
    pub fn as_guest(&self) -> Option<&GuestEvent> {
        match self {
            Self::Guest(event) => Some(event),
            _ => None,
        }
    }

    /// The silence that has begun, if it is the event of that.
    pub fn as_silence(&self) -> Option<&Silence> {
        self.as_guest()
            .filter(|event| event.change == GuestChange::Silent)
            .map(|event| &event.silence)
    }

    /// How far it has come, rounded down: the depth in percent of the capacity, the silence in
    /// percent of its window, the runs that expired in percent of all, the lag in percent of the
    /// slack.
    ///
    /// # Returns
    /// `None` without a capacity above 0.
    pub fn percent(&self) -> Option<u64> {
        match self {
            Self::Pressure(event) => percent(event.depth, event.capacity),
            Self::Exhausted(event) => percent(event.depth(), event.capacity),
            Self::Guest(event) => {
                let Silence { elapsed, window, .. } = event.silence;
                percent(whole_ms(elapsed), Some(whole_ms(window)))
            }
            Self::Suspect(event) => percent(event.expired, Some(event.watched)),
            Self::Lagging(event) => percent(whole_ms(event.lag), Some(whole_ms(event.slack))),
        }
    }

    /// The name of the limit.
    pub fn name(&self) -> &str {
        &self.tag().name
    }

    /// The category of the limit.
    pub fn category(&self) -> Category {
        self.tag().category
    }

    /// The scope of the limit; of a guest's event, the guest.
    pub fn scope(&self) -> Option<&str> {
        self.tag().scope.as_deref()
    }

    pub(crate) fn tag(&self) -> &Arc<Tag> {
        match self {
            Self::Pressure(event) => &event.tag,
            Self::Exhausted(event) => &event.tag,
            Self::Guest(event) => &event.tag,
            Self::Suspect(event) => &event.tag,
            Self::Lagging(event) => &event.tag,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.tag())?;
        match self {
            Self::Pressure(event) => event.fmt_change(f),
            Self::Exhausted(event) => event.fmt_change(f),
            Self::Guest(event) => event.fmt_change(f),
            Self::Suspect(event) => event.fmt_change(f),
            Self::Lagging(event) => event.fmt_change(f),
        }
    }
}

/// `depth` in percent of a capacity above 0, rounded down.
pub(crate) fn percent(depth: u64, capacity: Option<u64>) -> Option<u64> {
    let capacity = u128::from(capacity.filter(|capacity| *capacity > 0)?);
    Some(u64::try_from(u128::from(depth) * 100 / capacity).unwrap_or(u64::MAX))
}
