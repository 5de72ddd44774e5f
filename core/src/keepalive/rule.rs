//! Ticks, and the rule by which a tracker is late or silent.

use crate::error_type::error_type;

/// A moment, counted in ticks from any one origin. How long a tick is, the caller decides.
///
/// ```
/// use plimsoll_core::keepalive::Tick;
///
/// let start = Tick::new(100);
/// assert_eq!(start.after(20).since(start), 20);
/// assert_eq!(start.since(start.after(20)), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(u64);

impl Tick {
    /// Bits that tell moments apart.
    pub(super) const BITS: u32 = 46;

    /// The last moment there is, 2^46 - 2: of milliseconds, in 2,229 years. Time stands still
    /// there, and a wheel checks no tracker twice.
    pub const MAX: Tick = Tick((1 << Self::BITS) - 2);

    /// The moment `ticks` after the origin, or [`MAX`](Self::MAX) if that is earlier.
    #[inline(always)]
    pub const fn new(ticks: u64) -> Tick {
        if ticks > Self::MAX.0 { Self::MAX } else { Tick(ticks) }
    }

    /// Ticks since the origin.
    #[inline(always)]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The moment `ticks` later, or [`MAX`](Self::MAX) if that is earlier.
    #[inline(always)]
    pub const fn after(self, ticks: u64) -> Tick {
        Tick::new(self.0.saturating_add(ticks))
    }

    /// Ticks from `earlier` to this moment; 0 if it is not earlier.
    #[inline(always)]
    pub const fn since(self, earlier: Tick) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// When a [`Tracker`](crate::keepalive::Tracker) is late and when it is silent, in ticks, and what becomes of
/// it then.
///
/// By default a run is reported silent once and never looked at again; a
/// [rearming](Self::rearming) one is reported again after it has recovered.
///
/// ```
/// use plimsoll_core::keepalive::{Rule, RuleError};
///
/// let rule = Rule::new(1_000)?.late_after(400)?.rearming();
/// assert_eq!((rule.window(), rule.late(), rule.rearms()), (1_000, Some(400), true));
/// assert_eq!(Rule::new(0), Err(RuleError::ZeroWindow));
/// # Ok::<(), RuleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Low bit first: 0..31 the window, 31 whether it rearms.
    window: u32,
    /// 0: never late.
    late: u32,
}

const REARMS: u32 = 1 << 31;

impl Rule {
    /// The longest window, in ticks: 2^31 - 1.
    pub const WINDOW_MAX: u64 = REARMS as u64 - 1;

    /// Silent after `window` ticks without a notification, once per run.
    ///
    /// # Errors
    /// A window of 0, or one above [`WINDOW_MAX`](Self::WINDOW_MAX).
    pub const fn new(window: u64) -> Result<Rule, RuleError> {
        if window == 0 {
            return Err(RuleError::ZeroWindow);
        }
        if window > Self::WINDOW_MAX {
            return Err(RuleError::WindowTooLong { window });
        }
        Ok(Rule { window: window as u32, late: 0 })
    }

    /// The same rule, and late after `late` ticks without a notification.
    ///
    /// # Errors
    /// A threshold of 0, or one that is not below the window.
    pub const fn late_after(self, late: u64) -> Result<Rule, RuleError> {
        if late == 0 || late >= self.window() {
            return Err(RuleError::LateOutOfRange { late, window: self.window() });
        }
        Ok(Rule { late: late as u32, ..self })
    }

    /// The same rule for a run that goes on after a silence: the next notification is reported as
    /// its recovery, and the next silence as another one.
    #[must_use]
    pub const fn rearming(self) -> Rule {
        Rule { window: self.window | REARMS, ..self }
    }

    /// Ticks without a notification after which a tracker is silent.
    #[inline(always)]
    pub const fn window(self) -> u64 {
        (self.window & !REARMS) as u64
    }

    /// Ticks without a notification after which a tracker is late.
    #[inline(always)]
    pub const fn late(self) -> Option<u64> {
        if self.late == 0 { None } else { Some(self.late as u64) }
    }

    /// Whether a run goes on after a silence.
    #[inline(always)]
    pub const fn rearms(self) -> bool {
        self.window & REARMS != 0
    }

    /// Ticks after which something is due at the earliest.
    #[inline(always)]
    pub(super) const fn first(self) -> u64 {
        match self.late() {
            Some(late) => late,
            None => self.window(),
        }
    }
}

error_type! {
    /// Why there is no such [`Rule`].
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum RuleError {
        /// A window has one tick at least.
        #[error("a keep-alive window is above zero")]
        ZeroWindow,
        /// A window has [`Rule::WINDOW_MAX`] ticks at most.
        #[error("a keep-alive window has {} ticks at most (asked {window})", Rule::WINDOW_MAX)]
        WindowTooLong {
            /// What was asked.
            window: u64,
        },
        /// A tracker is late before it is silent, and after one tick at least.
        #[error(
            "the threshold of lateness is above zero and below the window of {window} ticks \
             (asked {late})"
        )]
        LateOutOfRange {
            /// The threshold that was asked.
            late: u64,
            /// The window.
            window: u64,
        },
    }
}
