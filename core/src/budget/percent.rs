//! Watermarks as shares of a capacity that may change.

use core::fmt;

use super::MAX_AMOUNT;
use super::usage::UNBOUNDED;
use crate::edge::Level;
use crate::watermarks::{WIDE_MAX, WatermarkError, Watermarks};

const _: () = assert!(WIDE_MAX == MAX_AMOUNT);

/// Up to three pairs of watermarks: `Elevated`, `Critical`, `Full`.
const LEVELS_MAX: usize = 3;

/// Watermarks in percent of whatever the capacity is.
///
/// As [`Watermarks`](crate::Watermarks), a level is entered at `ceil(capacity * high / 100)` and
/// left at `floor(capacity * low / 100)`; but a resize moves these counts with the capacity.
/// Without a bound no level is ever entered. At a capacity of 0 any usage is at the highest level.
///
/// ```
/// use plimsoll_core::Level;
/// use plimsoll_core::budget::PercentWatermarks;
///
/// const MARKS: PercentWatermarks = PercentWatermarks::new().with_level(95, 85);
/// assert_eq!(MARKS.high(Level::Elevated, 1024), Some(820));
/// assert_eq!(MARKS.low(Level::Critical, 1024), Some(870));
/// assert_eq!(MARKS.judge(Level::Normal, 973, 1024), Level::Critical);
/// assert_eq!(MARKS.judge(Level::Critical, 973, 2048), Level::Normal);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PercentWatermarks {
    count: u8,
    /// At `l`: the percentage at which level `l + 1` is entered, for levels in use.
    rise: [u8; LEVELS_MAX + 1],
    /// At `l`: the percentage at which level `l` is left; `Normal` has none.
    fall: [u8; LEVELS_MAX + 1],
}

impl PercentWatermarks {
    /// The default pair: high at 80 %, low at 50 %.
    pub const fn new() -> Self {
        Self::none().with_level(80, 50)
    }

    /// No watermarks: usage and high-water mark are kept, nothing is ever raised.
    pub const fn none() -> Self {
        Self { count: 0, rise: [0; LEVELS_MAX + 1], fall: [0; LEVELS_MAX + 1] }
    }

    /// One pair: both up to 100, low below high.
    ///
    /// # Panics
    /// Where [`try_pair`](Self::try_pair) errs; in a `static` that is a compile error.
    pub const fn pair(high: u8, low: u8) -> Self {
        Self::none().with_level(high, low)
    }

    /// One pair: both up to 100, low below high.
    ///
    /// # Errors
    /// As [`try_with_level`](Self::try_with_level).
    pub const fn try_pair(high: u8, low: u8) -> Result<Self, WatermarkError> {
        Self::none().try_with_level(high, low)
    }

    /// One level more, above those there are.
    ///
    /// # Panics
    /// Where [`try_with_level`](Self::try_with_level) errs; in a `static` that is a compile error.
    pub const fn with_level(self, high: u8, low: u8) -> Self {
        match self.try_with_level(high, low) {
            Ok(watermarks) => watermarks,
            Err(error) => panic!("{}", error.message()),
        }
    }

    /// One level more, above those there are.
    ///
    /// # Errors
    /// [`PercentTooLarge`](WatermarkError::PercentTooLarge) above 100,
    /// [`LowNotBelowHigh`](WatermarkError::LowNotBelowHigh),
    /// [`LevelsOutOfOrder`](WatermarkError::LevelsOutOfOrder), in percent;
    /// [`TooManyLevels`](WatermarkError::TooManyLevels).
    pub const fn try_with_level(mut self, high: u8, low: u8) -> Result<Self, WatermarkError> {
        if high > 100 || low > 100 {
            return Err(WatermarkError::PercentTooLarge {
                percent: if high > 100 { high } else { low },
            });
        }
        if low >= high {
            return Err(WatermarkError::LowNotBelowHigh { low: low as u64, high: high as u64 });
        }
        let below = self.count as usize;
        if below == LEVELS_MAX {
            return Err(WatermarkError::TooManyLevels);
        }
        if below > 0 && (high <= self.rise[below - 1] || low <= self.fall[below]) {
            return Err(WatermarkError::LevelsOutOfOrder {
                high: high as u64,
                high_below: self.rise[below - 1] as u64,
                low: low as u64,
                low_below: self.fall[below] as u64,
            });
        }
        self.rise[below] = high;
        self.fall[below + 1] = low;
        self.count += 1;
        Ok(self)
    }

    /// How many levels there are above `Normal`: 0 to 3.
    pub const fn level_count(&self) -> usize {
        self.count as usize
    }

    /// The percentages at which `level` is entered and left; `None` for `Normal` and for levels not
    /// in use.
    pub const fn percent(&self, level: Level) -> Option<(u8, u8)> {
        match level as usize {
            0 => None,
            l if l > self.level_count() => None,
            l => Some((self.rise[l - 1], self.fall[l])),
        }
    }

    /// The usage at which `level` is entered, of a capacity of up to [`MAX_AMOUNT`]: 1 at least.
    /// `None` for `Normal` and for levels not in use.
    pub const fn high(&self, level: Level, capacity: u64) -> Option<u64> {
        match self.percent(level) {
            Some((high, _)) => match (bounded(capacity) * high as u64).div_ceil(100) {
                0 => Some(1),
                high => Some(high),
            },
            None => None,
        }
    }

    /// The usage at which `level` is left, of a capacity of up to [`MAX_AMOUNT`]; `None` for
    /// `Normal` and for levels not in use.
    pub const fn low(&self, level: Level, capacity: u64) -> Option<u64> {
        match self.percent(level) {
            Some((_, low)) => Some(bounded(capacity) * low as u64 / 100),
            None => None,
        }
    }

    /// The counts of a capacity of 1 up to [`MAX_AMOUNT`]: what a registry shows of it. A level that
    /// has no count of its own at a small capacity is left out; without levels there is no bound to show.
    ///
    /// # Errors
    /// [`ZeroCapacity`](WatermarkError::ZeroCapacity),
    /// [`CapacityTooLarge`](WatermarkError::CapacityTooLarge).
    ///
    /// ```
    /// use plimsoll_core::Level;
    /// use plimsoll_core::budget::{MAX_AMOUNT, PercentWatermarks};
    ///
    /// let counts = PercentWatermarks::new().at(MAX_AMOUNT)?;
    /// assert_eq!(counts.low(Level::Elevated), Some(MAX_AMOUNT / 2));
    /// # Ok::<(), plimsoll_core::WatermarkError>(())
    /// ```
    pub fn at(&self, capacity: u64) -> Result<Watermarks, WatermarkError> {
        let counts = |level| self.high(level, capacity).zip(self.low(level, capacity));
        let Some((high, low)) = counts(Level::Elevated) else {
            return Ok(Watermarks::unbounded());
        };
        let mut watermarks = Watermarks::try_wide_counts(capacity, high, low)?;
        for (high, low) in [Level::Critical, Level::Full].into_iter().filter_map(counts) {
            watermarks = watermarks.try_with_level(high, low).unwrap_or(watermarks);
        }
        Ok(watermarks)
    }

    /// The hysteresis rule: the level that holds at `usage` of `capacity` when `from` held before.
    /// Above [`MAX_AMOUNT`] a capacity is no bound.
    pub const fn judge(&self, from: Level, usage: u64, capacity: u64) -> Level {
        if capacity > MAX_AMOUNT {
            return Level::Normal;
        }
        let mut level = from as usize;
        if level > self.level_count() {
            level = self.level_count();
        }
        while level < self.level_count() && self.rises(level, usage, capacity) {
            level += 1;
        }
        while level > 0 && self.falls(level, usage, capacity) {
            level -= 1;
        }
        Level::ALL[level]
    }

    /// Whether `usage` enters a level above [`Level::Normal`]. `capacity` is as a node keeps it.
    #[inline(always)]
    pub(super) const fn rises_from_normal(&self, usage: u64, capacity: u64) -> bool {
        self.count > 0 && capacity != UNBOUNDED && self.rises(0, usage, capacity)
    }

    /// Whether `level` stays as it is at `usage`. `capacity` is as a node keeps it.
    pub(super) const fn is_quiet(&self, level: Level, usage: u64, capacity: u64) -> bool {
        if capacity == UNBOUNDED {
            return matches!(level, Level::Normal);
        }
        let level = level as usize;
        (level >= self.level_count() || !self.rises(level, usage, capacity))
            && (level == 0 || !self.falls(level, usage, capacity))
    }

    // Without a division: usage >= ceil(capacity * p / 100) exactly if usage * 100 >= capacity * p.
    // With both up to 2^57 neither product overflows.

    #[inline(always)]
    const fn rises(&self, level: usize, usage: u64, capacity: u64) -> bool {
        usage * 100 >= capacity * self.rise[level & LEVELS_MAX] as u64
    }

    #[inline(always)]
    const fn falls(&self, level: usize, usage: u64, capacity: u64) -> bool {
        usage * 100 <= capacity * self.fall[level & LEVELS_MAX] as u64
    }
}

const fn bounded(capacity: u64) -> u64 {
    if capacity > MAX_AMOUNT { MAX_AMOUNT } else { capacity }
}

impl Default for PercentWatermarks {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for PercentWatermarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("PercentWatermarks");
        for level in &Level::ALL[1..=self.level_count()] {
            debug.field(level.as_str(), &self.percent(*level));
        }
        debug.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where it is not quiet, an ask that has nothing to judge would write.
    #[test]
    fn a_level_is_quiet_exactly_where_it_is_judged_to_stay() {
        let pair = PercentWatermarks::new();
        let all = pair.with_level(90, 70).with_level(100, 95);
        for (marks, capacity) in [(pair, 50), (pair.with_level(90, 70), 7), (all, 50), (all, 1)] {
            for level in &Level::ALL[..=marks.level_count()] {
                for usage in 0..=capacity {
                    let stays = marks.judge(*level, usage, capacity) == *level;
                    let is_quiet = marks.is_quiet(*level, usage, capacity);
                    assert_eq!(is_quiet, stays, "{marks:?}: {level:?} at {usage} of {capacity}");
                }
            }
        }
    }
}
