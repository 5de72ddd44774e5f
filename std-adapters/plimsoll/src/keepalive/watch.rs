//! The description of a watch: ids, window, lateness.

use std::borrow::Cow;
use std::time::Duration;

use plimsoll_core::keepalive::{Rule, RuleError};

use super::attended::Attended;
use super::error::{IdKind, WatchError};

/// One run of one guest, and when it is late and silent.
///
/// An id has 1 to 128 bytes without control characters; both are checked when the run is watched.
///
/// ```
/// use std::time::Duration;
/// use plimsoll::keepalive::Watch;
///
/// let watch = Watch::new("guest-7", "run-1")
///     .window(Duration::from_secs(30))
///     .late_after(Duration::from_secs(10))
///     .rearming();
/// # let _ = watch;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    guest: Cow<'static, str>,
    run: Cow<'static, str>,
    window: Duration,
    late: Option<Duration>,
    rearms: bool,
}

/// Bytes that an id may have: as many as the scope of a limit.
const ID_BYTES_MAX: usize = crate::telemetry::Limit::SCOPE_BYTES_MAX;

impl Watch {
    /// The window of a watch that names none.
    pub const WINDOW_DEFAULT: Duration = Duration::from_secs(10);

    /// A one-shot watch with the default window: silence is reported once, and the run is done.
    pub fn new(guest: impl Into<Cow<'static, str>>, run: impl Into<Cow<'static, str>>) -> Self {
        let (guest, run) = (guest.into(), run.into());
        Self { guest, run, window: Self::WINDOW_DEFAULT, late: None, rearms: false }
    }

    /// Silent after this time without a notification: above zero, and just below 2^30 ticks of the
    /// watcher at most, 124 days with the default one.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Late after this time without a notification: above zero, and below the window by a tick of
    /// the watcher.
    #[must_use]
    pub fn late_after(mut self, late: Duration) -> Self {
        self.late = Some(late);
        self
    }

    /// The run goes on after a silence: its next notification is reported as a recovery, and its
    /// next silence as another one.
    #[must_use]
    pub fn rearming(mut self) -> Self {
        self.rearms = true;
        self
    }

    /// Both ids in one text, with a character between them that no id has.
    pub(super) fn ids(&self) -> Result<Box<str>, WatchError> {
        for (id, text) in [(IdKind::Guest, &self.guest), (IdKind::Run, &self.run)] {
            let bytes = text.len();
            if bytes == 0 || bytes > ID_BYTES_MAX {
                return Err(WatchError::IdLength { id, bytes });
            }
            if let Some(at) = text.find(char::is_control) {
                return Err(WatchError::IdCharacter { id, at });
            }
        }
        Ok([&*self.guest, &*self.run].join("\0").into())
    }

    pub(super) fn window_of(&self) -> Duration {
        self.window
    }

    pub(super) fn window_ns(&self) -> u64 {
        u64::try_from(self.window.as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn rule(&self, time: &Attended) -> Result<Rule, WatchError> {
        let Self { window, late, .. } = *self;
        if window.is_zero() {
            return Err(WatchError::ZeroWindow);
        }
        let too_long =
            || WatchError::WindowTooLong { window, max: time.at_least(Rule::WINDOW_MAX) };
        let mut rule = Rule::new(time.ticks(window)).map_err(|_| too_long())?;
        if let Some(late) = late {
            let out_of_range = |_: RuleError| WatchError::LateOutOfRange { late, window };
            let ticks = if late.is_zero() { 0 } else { time.ticks(late) };
            rule = rule.late_after(ticks).map_err(out_of_range)?;
        }
        Ok(if self.rearms { rule.rearming() } else { rule })
    }
}

/// The two halves of [`Watch::ids`].
pub(super) fn split(ids: &str) -> (&str, &str) {
    ids.split_once('\0').unwrap_or((ids, ""))
}
