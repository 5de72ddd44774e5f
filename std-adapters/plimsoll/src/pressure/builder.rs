//! The builder of a pressure.

use std::time::Duration;

use plimsoll_core::Watermarks;

use super::condition::Condition;
use super::driver::{Driver, Joins, Looks, OwnClock, Parts};
use super::error::PressureError;
use super::handle::Pressure;
use super::signal::Signal;
use super::timing::Timing;
use crate::clock;
use crate::registry::Registry;
use crate::telemetry::{Limit, PressureShare};

/// Conditions and times of a [`Pressure`].
#[derive(Debug)]
#[must_use = "nothing is on without `build`"]
pub struct PressureBuilder {
    registry: Registry,
    conditions: Vec<Condition>,
    joins: Joins,
    hold: Option<Duration>,
    share: Option<PressureShare>,
    look_every: Option<Duration>,
    listed: Option<Limit>,
    clock: Option<OwnClock>,
}

impl Pressure {
    /// Settings for a pressure; what comes due with time is checked by `registry`.
    pub fn builder(registry: &Registry) -> PressureBuilder {
        PressureBuilder {
            registry: registry.clone(),
            conditions: Vec::new(),
            joins: Joins::Any,
            hold: None,
            share: None,
            look_every: None,
            listed: None,
            clock: None,
        }
    }
}

impl PressureBuilder {
    /// Adds a condition: a gauge, channel or budget that is raised (`&gauge`), one at a level
    /// ([`gauge.at(level)`](super::HasLevel::at)), or another pressure (`&pressure`).
    pub fn when(mut self, condition: impl Into<Condition>) -> Self {
        self.conditions.push(condition.into());
        self
    }

    /// On while any condition holds; the default.
    pub fn any(mut self) -> Self {
        self.joins = Joins::Any;
        self
    }

    /// On while all conditions hold. Other combinations are pressures of pressures.
    pub fn all(mut self) -> Self {
        self.joins = Joins::All;
        self
    }

    /// Turns on when the conditions have held for `hold`, and off when they have not for as long;
    /// counted in milliseconds, rounded up.
    pub fn held_for(mut self, hold: Duration) -> Self {
        self.hold = Some(hold);
        self
    }

    /// Is on when the conditions held for `percent` of the last `window`, until they held for half of
    /// that at most. With [`held_for`](Self::held_for), either turns it on.
    pub fn share(mut self, percent: u32, window: Duration) -> Self {
        self.share = Some(PressureShare { percent, window });
        self
    }

    /// Reads the limits of its conditions at an interval: for an
    /// [`ObservedGauge`](crate::ObservedGauge), which has no edge unless it is read. Counted in
    /// milliseconds, rounded up.
    pub fn look_every(mut self, interval: Duration) -> Self {
        self.look_every = Some(interval);
        self
    }

    /// Lists the pressure in the registry as a limit of capacity 1, whose depth is 1 while it is on:
    /// snapshots show it, and its changes are events.
    pub fn listed(mut self, limit: impl Into<Limit>) -> Self {
        self.listed = Some(limit.into());
        self
    }

    /// Has its times go by `clock`, for tests that put time forward: each
    /// [`deliver`](Registry::deliver), and each edge, takes what has come due by then, and no thread
    /// does. A clock of tokio's is asked in its runtime: make edges and deliver there.
    ///
    /// ```
    /// use std::time::Duration;
    /// use plimsoll::keepalive::FakeClock;
    /// use plimsoll::pressure::Pressure;
    /// use plimsoll::{Registry, Watermarks};
    ///
    /// let (registry, clock) = (Registry::new(), FakeClock::default());
    /// let jobs = registry.gauge("jobs", Watermarks::new(10))?;
    /// let minute = Duration::from_secs(60);
    /// let builder = Pressure::builder(&registry).when(&jobs).held_for(minute);
    /// let lasting = builder.clock(clock.clone()).build()?;
    /// jobs.add(9);
    /// clock.advance(minute);
    /// registry.deliver();
    /// assert!(lasting.is_on());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "keepalive")]
    pub fn clock(mut self, clock: impl clock::Clock) -> Self {
        self.clock = Some(OwnClock(Box::new(move || clock::whole_ms(clock.now()))));
        self
    }

    /// Makes the pressure. It is on at once if its conditions hold and have no time to last.
    ///
    /// # Errors
    /// [`PressureError`]: no condition, a budget that no registry lists, a level that its limit does
    /// not have, numbers out of range, what the registry has against its name.
    pub fn build(self) -> Result<Pressure, PressureError> {
        if self.conditions.is_empty() {
            return Err(PressureError::NoCondition);
        }
        self.conditions.iter().try_for_each(Condition::check)?;
        if let Some(share) = self.share {
            if !(1..=100).contains(&share.percent) || share.window.is_zero() {
                let PressureShare { percent, window } = share;
                return Err(PressureError::Share { percent, window });
            }
        }
        if self.look_every == Some(Duration::ZERO) {
            return Err(PressureError::ZeroInterval);
        }
        let signal = Signal::new();
        let shown = signal.clone();
        let listing = self.listed.map(|limit| {
            // Its times are its own: unlike another limit of capacity 1, it has no hold by default.
            let rule = limit.pressure_rule().or(self.registry.pressure_rule()).unwrap_or_default();
            let is_on = move || u64::from(shown.state().is_on);
            self.registry.observe(limit.pressure(rule), Watermarks::counts(1, 1, 0), is_on)
        });
        let origin = Driver::start(Parts {
            signal: signal.clone(),
            conditions: self.conditions,
            joins: self.joins,
            timing: Timing::new(self.hold.map(clock::ceil_ms), self.share),
            looks: self.look_every.map(|interval| Looks::every(clock::ceil_ms(interval))),
            clock: self.clock,
            listing: listing.transpose()?,
            registry: self.registry,
        });
        Ok(Pressure { signal, origin })
    }
}
