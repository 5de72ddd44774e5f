//! Trait of everything that has a level to wait for and to act on.

use plimsoll_core::Level;

use super::condition::{AtLevel, Condition};
use super::error::PressureError;
use super::handle::Pressure;
use super::wait::UntilState;
use crate::gauge::{RecordedGauge, TrackedGauge};
use crate::observed::ObservedGauge;
use crate::registry::Listed;

/// What has a level: gauges, tracked channels, and what hands on the [`Listed`] of one.
pub trait HasLevel {
    /// The handle of its limit.
    fn listed(&self) -> Listed;

    /// The condition that the level is `level` or a higher one.
    fn at(&self, level: Level) -> Condition {
        Condition::new(AtLevel { limit: self.listed(), at: level })
    }

    /// Resolves when the level is below `level`, or the limit is gone. What was so since the first
    /// poll, however briefly, ends the wait.
    ///
    /// ```
    /// use plimsoll::pressure::HasLevel;
    /// use plimsoll::{Level, Registry, Watermarks};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let queue = Registry::new().gauge("jobs", Watermarks::counts(10, 8, 5))?;
    /// let jobs = queue.permit(9);
    /// let below = queue.below(Level::Elevated)?;
    /// drop(jobs); // elsewhere
    /// below.await;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`PressureError::NoSuchLevel`], for a level that the limit does not have.
    ///
    /// # Cancellation
    /// Safe: a future that is dropped leaves nothing behind.
    fn below(&self, level: Level) -> Result<UntilState, PressureError> {
        let limit = self.listed();
        let registry = limit.registry();
        let above = Pressure::builder(&registry).when(limit.at(level)).build()?;
        Ok(above.off())
    }

    /// How much can be put in before the next raise: at least so much raises the level. `None` if no
    /// level is above the one that holds.
    ///
    /// ```
    /// use plimsoll::pressure::HasLevel;
    /// use plimsoll::{Level, Registry, Watermarks};
    ///
    /// let gauge = Registry::new().gauge("frames", Watermarks::counts(10, 8, 5))?;
    /// gauge.add(3);
    /// assert_eq!(gauge.room(), Some(5));
    /// gauge.add(5);
    /// assert_eq!((gauge.level(), gauge.room()), (Level::Elevated, None));
    /// # Ok::<(), plimsoll::RegisterError>(())
    /// ```
    ///
    /// # Staleness
    /// The depth is read afresh; what others put in meanwhile is missing.
    fn room(&self) -> Option<u64> {
        self.listed().room()
    }
}

impl HasLevel for Listed {
    fn listed(&self) -> Listed {
        self.clone()
    }
}

impl HasLevel for TrackedGauge {
    fn listed(&self) -> Listed {
        self.registration().listed()
    }
}

impl HasLevel for RecordedGauge {
    fn listed(&self) -> Listed {
        self.registration().listed()
    }
}

/// A gauge of this kind has no edge until it is asked: by [`observe`](ObservedGauge::observe), a
/// snapshot, a delivery, or a pressure that
/// [looks at an interval](super::PressureBuilder::look_every).
impl HasLevel for ObservedGauge {
    fn listed(&self) -> Listed {
        self.registration().listed()
    }
}

impl<T: HasLevel + ?Sized> HasLevel for &T {
    fn listed(&self) -> Listed {
        (**self).listed()
    }
}

impl<T: HasLevel> From<&T> for Condition {
    /// The condition that the level is [`Level::Elevated`] or a higher one.
    fn from(limit: &T) -> Self {
        limit.at(Level::Elevated)
    }
}
