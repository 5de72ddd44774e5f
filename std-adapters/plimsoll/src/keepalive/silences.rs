//! The condition that guests are silent, for a pressure.

use std::sync::Arc;

use plimsoll_core::Gauge;

use super::watcher::Watcher;
use crate::pressure::{Condition, HasLevel, Listed, Part, PressureError};
use crate::registry::Watchers;

impl Watcher {
    /// The condition of a [pressure](crate::pressure) that `at_least` guests are silent.
    ///
    /// ```
    /// use plimsoll::Registry;
    /// use plimsoll::keepalive::Watcher;
    /// use plimsoll::pressure::Pressure;
    ///
    /// let registry = Registry::new();
    /// let watcher = Watcher::builder().build(&registry)?;
    /// let outage = Pressure::builder(&registry).when(watcher.silent(3)).build()?;
    /// assert!(!outage.is_on());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn silent(&self, at_least: u64) -> Condition {
        let silent = &self.0.gauges.silent;
        let (listed, count) = (silent.listed.listed(), silent.count.clone());
        Condition::new(Silences { listed, count, at_least })
    }
}

/// That so many guests are silent.
#[derive(Debug)]
struct Silences {
    /// Not the gauge that is listed: that leaves with the watcher.
    count: Arc<Gauge>,
    listed: Listed,
    at_least: u64,
}

impl Part for Silences {
    fn check(&self) -> Result<(), PressureError> {
        if self.at_least == 0 { Err(PressureError::ZeroCount) } else { Ok(()) }
    }

    fn holds(&self) -> bool {
        self.count.depth() >= self.at_least
    }

    fn between(&self) -> Option<(u64, u64)> {
        Some((0, self.at_least))
    }

    fn depth(&self) -> u64 {
        self.count.depth()
    }

    fn watchers(&self) -> &Watchers {
        self.listed.watchers()
    }
}
