//! Pressure rules: which edges become events.

use std::time::Duration;

use plimsoll_core::error_type::error_type;
use plimsoll_core::{Sustain, Watermarks};

use crate::clock;

/// When the edges of a limit become events: at once, or when the level has held for a time, or for
/// a share of a time; how many at most; and whether again while it lasts.
///
/// With a hold, a raise that is over before it makes no event, nor does its recovery. So that a
/// queue that is full in every look, but drains for a moment between looks, is found all the same,
/// a rule with a hold has a *share* as well: it raises when the limit was raised, or a thread
/// blocked on it, for 80 % of the last ten holds, and clears when that is no more than half of it.
/// This is how Linux states [pressure stalls](https://docs.kernel.org/accounting/psi.html).
///
/// Unless it is [`IMMEDIATE`](Self::IMMEDIATE), a rule makes no flood: at most one raise of a limit
/// per second, and its recovery. The edges held back are counted in the next event
/// ([`suppressed`](crate::PressureEvent::suppressed)); a level that lasts is reported when the
/// second is over; a level above all that were reported within the second is reported at once.
///
/// What comes due while nothing happens is reported by a thread that the registry starts for it,
/// with
/// [`Delivery::Inline`](crate::Delivery::Inline), and by [`deliver`](crate::Registry::deliver).
///
/// A rule decides which changes of one limit become events, for those who look on. A state that joins
/// several limits, for code to act on, is a `pressure::Pressure`: no rule holds it back.
///
/// A limit goes by its own rule ([`Limit::pressure`](crate::Limit::pressure)), else by the
/// registry's ([`RegistryBuilder::pressure`](crate::RegistryBuilder::pressure)), else by
/// [`TINY`](Self::TINY) if its capacity is 1 or 2, else by the default one, which is without a
/// hold.
///
/// ```
/// use std::time::Duration;
/// use plimsoll::PressureRule;
///
/// let second = Duration::from_secs(1);
/// let rule = PressureRule::hold(Duration::from_millis(100))
///     .share(50, second)
///     .repeat(10 * second)
///     .rate(5, second);
/// assert_eq!(rule.share.map(|share| share.percent), Some(50));
/// assert_eq!(PressureRule::default().hold, Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PressureRule {
    /// How long a level has to hold before it is an event; counted in milliseconds, rounded up.
    pub hold: Duration,
    /// The interval at which there is another one; counted in milliseconds, rounded up.
    pub repeat: Option<Duration>,
    /// How large a part of the time is enough, where no level holds.
    pub share: Option<PressureShare>,
    /// How many raises there may be; `None`: each edge is an event.
    pub rate: Option<EventRate>,
}

/// A part of a window of time; see [`PressureRule::share`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PressureShare {
    /// How much of the window, from 1 to 100.
    pub percent: u32,
    /// The window; counted in milliseconds, rounded up.
    pub window: Duration,
}

/// A number of raises in an interval; see [`PressureRule::rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventRate {
    /// How many, from 1 on.
    pub events: u32,
    /// In how long; counted in milliseconds, rounded up.
    pub interval: Duration,
}

impl EventRate {
    /// One in a second.
    pub const DEFAULT: EventRate = EventRate { events: 1, interval: Duration::from_secs(1) };
}

impl Default for PressureRule {
    /// Raises at once, one in a second at most.
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The share of time that raises a level although it does not hold.
const SHARE_PERCENT: u32 = 80;
/// In how many holds.
const SHARE_HOLDS: u32 = 10;

impl PressureRule {
    const DEFAULT: PressureRule = PressureRule {
        hold: Duration::ZERO,
        repeat: None,
        share: None,
        rate: Some(EventRate::DEFAULT),
    };

    /// Each edge is an event at once, however many there are, also one that another one has
    /// overtaken; never again.
    pub const IMMEDIATE: PressureRule = PressureRule { rate: None, ..Self::DEFAULT };

    /// For a capacity of 1 or 2, where each item makes edges: a hold of 100 ms.
    pub const TINY: PressureRule = PressureRule::hold(Duration::from_millis(100));

    /// When the level has held for `hold`, or for 80 % of ten times as long; never again.
    pub const fn hold(hold: Duration) -> Self {
        let rule = Self { hold, ..Self::DEFAULT };
        if hold.is_zero() {
            rule
        } else {
            rule.share(SHARE_PERCENT, hold.saturating_mul(SHARE_HOLDS))
        }
    }

    /// The same rule, with another event every `interval` while it lasts.
    #[must_use]
    pub const fn repeat(self, interval: Duration) -> Self {
        Self { repeat: Some(interval), ..self }
    }

    /// The same rule, which also raises when the limit was raised, or a thread blocked on it, for
    /// `percent` of the last `window`. It clears when that is half of it or less.
    ///
    /// A limit that never raises, as a rendezvous, is looked at by
    /// [`deliver`](crate::Registry::deliver) only. [`IMMEDIATE`](Self::IMMEDIATE) has no use for a
    /// share: it makes an event of each edge.
    #[must_use]
    pub const fn share(self, percent: u32, window: Duration) -> Self {
        Self { share: Some(PressureShare { percent, window }), ..self }
    }

    /// The same rule, with no more than `events` raises in each `interval`, and their recoveries.
    #[must_use]
    pub const fn rate(self, events: u32, interval: Duration) -> Self {
        Self { rate: Some(EventRate { events, interval }), ..self }
    }

    /// What is wrong with it.
    pub(crate) fn flaw(&self) -> Option<RuleFlaw> {
        let is_share =
            |share: PressureShare| (1..=100).contains(&share.percent) && !share.window.is_zero();
        if self.repeat == Some(Duration::ZERO) {
            Some(RuleFlaw::ZeroRepeat)
        } else if let Some(share) = self.share.filter(|share| !is_share(*share)) {
            Some(RuleFlaw::Share { percent: share.percent })
        } else if self.rate.is_some_and(|rate| rate.events == 0 || rate.interval.is_zero()) {
            Some(RuleFlaw::ZeroRate)
        } else {
            None
        }
    }

    /// The rule of a limit without one, in a registry without one.
    pub(crate) fn default_for(watermarks: &Watermarks) -> Self {
        match watermarks.capacity() {
            Some(1 | 2) => Self::TINY,
            _ => Self::DEFAULT,
        }
    }

    pub(crate) fn sustain(&self) -> Sustain {
        Sustain::new(clock::ceil_ms(self.hold), self.repeat.map(clock::ceil_ms))
    }
}

error_type! {
    /// Why a rule is refused.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum RuleFlaw {
        #[error("a pressure rule repeats at an interval above zero, or not at all")]
        ZeroRepeat,
        #[error(
            "a pressure rule's share is 1 to 100 % of a window above zero (this one: {percent} %)"
        )]
        Share { percent: u32 },
        #[error("a pressure rule allows one raise at least in an interval above zero")]
        ZeroRate,
    }
}
