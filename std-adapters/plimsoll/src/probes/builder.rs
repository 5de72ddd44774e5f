//! Settings of the probes.

use std::path::PathBuf;
use std::time::Duration;

use plimsoll_core::Watermarks;

use super::Probes;
use super::error::ProbesError;
use super::limit::{LIMITS, ProbeLimit};
use super::parse::SECOND_US;
use crate::registry::Registry;

const PERIOD_MIN: Duration = Duration::from_millis(10);
const PERIOD_MAX: Duration = Duration::from_secs(3600);

/// Settings of [`Probes`].
#[derive(Clone, Debug)]
#[must_use = "settings have no effect before `build`"]
pub struct ProbesBuilder {
    pub(super) root: PathBuf,
    pub(super) period: Duration,
    /// The watermarks in percent, high and low; `None`: not measured.
    pub(super) marks: [Option<(u8, u8)>; LIMITS],
}

impl ProbesBuilder {
    pub(super) fn new() -> Self {
        let marks = std::array::from_fn(|at| Some(ProbeLimit::ALL[at].marks()));
        Self { root: "/".into(), period: Duration::from_secs(1), marks }
    }

    /// The folder under which `proc` and `sys` are; `/` by default. For a host that has those of
    /// its machine mounted elsewhere, and for tests.
    pub fn root(mut self, folder: impl Into<PathBuf>) -> Self {
        self.root = folder.into();
        self
    }

    /// How often a [thread](Probes::spawn_thread) samples; 1 s by default, 10 ms to 1 h.
    pub fn period(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    /// The watermarks of a limit in percent of its capacity: 90 and 80 for the memory of the
    /// cgroup, 10 and 5 for stalls by memory, 5 and 2 if all tasks are stalled by it, 80 and 50 for
    /// other stalls. Limits without a capacity have none.
    pub fn watermarks(mut self, limit: ProbeLimit, high_percent: u8, low_percent: u8) -> Self {
        self.marks[limit as usize] = Some((high_percent, low_percent));
        self
    }

    /// Does not measure a limit.
    pub fn without(mut self, limit: ProbeLimit) -> Self {
        self.marks[limit as usize] = None;
        self
    }

    /// Takes the first sample, and lists what there is in the registry. What there is not is no
    /// error here: [`Probes::errors`] tells.
    ///
    /// # Errors
    /// [`ProbesError`]: a period out of range, watermarks out of order.
    pub fn build(self, registry: &Registry) -> Result<Probes, ProbesError> {
        let period = self.period;
        if !(PERIOD_MIN..=PERIOD_MAX).contains(&period) {
            return Err(ProbesError::Period { period });
        }
        for (limit, marks) in ProbeLimit::ALL.iter().zip(self.marks) {
            let Some((high, low)) = marks else { continue };
            let watermarks = Watermarks::try_percent(SECOND_US, high, low);
            watermarks.map_err(|error| ProbesError::Watermarks { limit: *limit, error })?;
        }
        Ok(Probes::start(self, registry))
    }
}
