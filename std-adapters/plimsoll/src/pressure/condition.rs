//! Conditions of a pressure.

use std::fmt;
use std::sync::Arc;

use plimsoll_core::Level;

use super::error::PressureError;
use super::handle::Pressure;
use crate::registry::{Listed, Watchers};

/// One condition of a [`Pressure`]: a limit at a level, another pressure, or a number of silent
/// guests.
#[derive(Clone, Debug)]
pub struct Condition {
    part: Arc<dyn Part>,
    /// The depths at which the scale is 0 and 1, if they are not the part's own.
    between: Option<(u64, u64)>,
}

/// What a condition is about. No method but [`look`](Self::look) and [`depth`](Self::depth) does
/// more than plain loads: the others are asked under a lock.
pub(crate) trait Part: fmt::Debug + Send + Sync {
    /// What is wrong with it.
    fn check(&self) -> Result<(), PressureError>;

    /// Whether it holds now.
    fn holds(&self) -> bool;

    /// The depths at which the scale is 0 and 1; `None` if it has no depth.
    fn between(&self) -> Option<(u64, u64)>;

    /// The depth now. No lock may be held.
    fn depth(&self) -> u64 {
        0
    }

    /// How strong it is from 0 to 1, where it has no depth. No lock may be held.
    fn scaled(&self) -> f64 {
        0.0
    }

    /// Reads it, so that an edge which is due is made. No lock may be held.
    fn look(&self) {}

    /// Those to notify when it may have changed.
    fn watchers(&self) -> &Watchers;
}

impl From<&Pressure> for Condition {
    /// The condition that another pressure is on.
    fn from(pressure: &Pressure) -> Self {
        Self::new(pressure.clone())
    }
}

impl Condition {
    pub(crate) fn new(part: impl Part + 'static) -> Self {
        Self { part: Arc::new(part), between: None }
    }

    /// The same condition, with a scale of its own: [`scaled`](Pressure::scaled) is 0 up to the depth
    /// `zero` and 1 from the depth `one` on. Without, these are the low and high watermark of the
    /// level.
    #[must_use]
    pub fn scaled_between(self, zero: u64, one: u64) -> Self {
        Self { between: Some((zero, one)), ..self }
    }

    /// What is wrong with it.
    pub(super) fn check(&self) -> Result<(), PressureError> {
        self.part.check()?;
        match self.between {
            Some(_) if self.part.between().is_none() => Err(PressureError::NoDepth),
            Some((zero, one)) if zero >= one => Err(PressureError::Scale { zero, one }),
            _ => Ok(()),
        }
    }

    /// Whether it holds now.
    pub(super) fn holds(&self) -> bool {
        self.part.holds()
    }

    /// How strong it is, from 0 to 1. No lock may be held.
    pub(super) fn scaled(&self) -> f64 {
        match self.between.or_else(|| self.part.between()) {
            Some((zero, one)) => scale(self.part.depth(), zero, one),
            None => self.part.scaled(),
        }
    }

    /// Reads it, so that an edge which is due is made. No lock may be held.
    pub(super) fn look(&self) {
        self.part.look();
    }

    /// Those to notify when it may have changed.
    pub(super) fn watchers(&self) -> &Watchers {
        self.part.watchers()
    }
}

/// That a limit is at a level, or a higher one.
#[derive(Debug)]
pub(super) struct AtLevel {
    pub(super) limit: Listed,
    pub(super) at: Level,
}

impl Part for AtLevel {
    fn check(&self) -> Result<(), PressureError> {
        let Self { limit, at } = self;
        match limit.watermarks().high(*at) {
            Some(_) => Ok(()),
            None => {
                let (limit, levels) = (limit.label(), limit.watermarks().level_count());
                Err(PressureError::NoSuchLevel { limit, at: *at, levels })
            }
        }
    }

    fn holds(&self) -> bool {
        self.limit.level() >= self.at
    }

    fn between(&self) -> Option<(u64, u64)> {
        let marks = self.limit.watermarks();
        marks.low(self.at).zip(marks.high(self.at))
    }

    fn depth(&self) -> u64 {
        self.limit.look().map_or(0, |reading| reading.depth)
    }

    fn look(&self) {
        self.depth();
    }

    fn watchers(&self) -> &Watchers {
        self.limit.watchers()
    }
}

impl Part for Pressure {
    fn check(&self) -> Result<(), PressureError> {
        Ok(())
    }

    fn holds(&self) -> bool {
        self.is_on()
    }

    fn between(&self) -> Option<(u64, u64)> {
        None
    }

    fn scaled(&self) -> f64 {
        Pressure::scaled(self)
    }

    fn watchers(&self) -> &Watchers {
        &self.signal.watchers
    }
}

/// Where `depth` lies between `zero` and `one`, which is the larger.
fn scale(depth: u64, zero: u64, one: u64) -> f64 {
    let above = depth.saturating_sub(zero) as f64;
    (above / one.saturating_sub(zero).max(1) as f64).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::scale;

    #[test]
    fn a_scale_stays_within_0_and_1_whatever_its_depths_are() {
        let depths = [0, 1, 7, u64::MAX / 2, u64::MAX - 1, u64::MAX];
        for depth in depths {
            for (zero, one) in depths.iter().flat_map(|zero| depths.map(|one| (*zero, one))) {
                let scaled = scale(depth, zero, one);
                assert!((0.0..=1.0).contains(&scaled), "{depth} in {zero}..{one}: {scaled}");
            }
        }
        assert_eq!([2, 4, 6, 8, 10].map(|depth| scale(depth, 4, 8)), [0.0, 0.0, 0.5, 1.0, 1.0]);
    }
}
