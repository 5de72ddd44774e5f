//! Watermarks: the depths at which levels begin and end.

mod error;

pub use error::WatermarkError;

use core::fmt;

use crate::edge::Level;

/// The largest capacity, and the largest depth that a gauge holds: 2^46 (64 TiB, counted in bytes).
pub const MAX_CAPACITY: u64 = 1 << 46;

const MAX: i64 = MAX_CAPACITY as i64;

/// The largest capacity of a budget, `budget::MAX_AMOUNT`.
pub(crate) const WIDE_MAX: u64 = 1 << 56;
/// Up to three pairs of watermarks: `Elevated`, `Critical`, `Full`.
const LEVELS_MAX: usize = 3;

/// The capacity of a bounded thing and its watermarks, all of them counts in the gauge's own unit.
///
/// A level is entered when the depth reaches its *high* watermark and left when the depth has come
/// back to its *low* one; in between it stays (hysteresis). Percentages are turned into counts once,
/// here: `high = ceil(capacity * percent / 100)`, `low = floor(capacity * percent / 100)`.
///
/// Constructors come in pairs. `percent` and its like panic on bad input, which in a `static` or
/// `const` is a compile error; `try_percent` and its like answer with a [`WatermarkError`] and are
/// for values that are known at run time only.
///
/// ```
/// use plimsoll_core::{Gauge, Level, WatermarkError, Watermarks};
///
/// static FRAMES: Gauge = Gauge::new(Watermarks::percent(1024, 80, 50));
/// assert_eq!(FRAMES.watermarks().high(Level::Elevated), Some(820));
///
/// let asked = 0;
/// assert_eq!(Watermarks::try_percent(asked, 80, 50), Err(WatermarkError::ZeroCapacity));
///
/// let memory = Watermarks::new(4 << 30).with_level(4_000_000_000, 3_000_000_000);
/// assert_eq!(memory.judge(Level::Normal, 4 << 30), Level::Critical);
/// ```
///
/// ```compile_fail,E0080
/// use plimsoll_core::Watermarks;
///
/// static LOW_ABOVE_HIGH: Watermarks = Watermarks::percent(1024, 50, 80);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Watermarks {
    /// At level `l` nothing is due while `fall[l] < depth < rise[l]`. First, so that `rise[0]`, which most
    /// readers need, lies beside a gauge's marks.
    rise: [i64; LEVELS_MAX + 1],
    fall: [i64; LEVELS_MAX + 1],
    /// `None`: unbounded.
    capacity: Option<u64>,
    count: u8,
}

/// Unwraps in a `const fn`, where `Result::expect` cannot be called.
macro_rules! valid {
    ($result:expr) => {
        match $result {
            Ok(watermarks) => watermarks,
            Err(error) => panic!("{}", error.message()),
        }
    };
}

impl Watermarks {
    const fn bare(capacity: Option<u64>) -> Self {
        // A gauge has to look again where its depth is above what it holds; a budget's is not.
        let end = match capacity {
            Some(capacity) if capacity > MAX_CAPACITY => i64::MAX,
            _ => MAX + 1,
        };
        Self { capacity, count: 0, rise: [end; LEVELS_MAX + 1], fall: [-MAX - 1; LEVELS_MAX + 1] }
    }

    /// The default pair: high at 80 %, low at 50 % of `capacity`.
    ///
    /// # Panics
    /// Where [`try_new`](Self::try_new) errs; in a `static` that is a compile error.
    pub const fn new(capacity: u64) -> Self {
        valid!(Self::try_new(capacity))
    }

    /// The default pair: high at 80 %, low at 50 % of `capacity`.
    ///
    /// # Errors
    /// [`ZeroCapacity`](WatermarkError::ZeroCapacity),
    /// [`CapacityTooLarge`](WatermarkError::CapacityTooLarge).
    pub const fn try_new(capacity: u64) -> Result<Self, WatermarkError> {
        Self::try_percent(capacity, 80, 50)
    }

    /// One pair, given in percent of `capacity`: high is rounded up, low is rounded down.
    ///
    /// # Panics
    /// Where [`try_percent`](Self::try_percent) errs; in a `static` that is a compile error.
    pub const fn percent(capacity: u64, high_percent: u8, low_percent: u8) -> Self {
        valid!(Self::try_percent(capacity, high_percent, low_percent))
    }

    /// One pair, given in percent of `capacity`: high is rounded up, low is rounded down.
    ///
    /// # Errors
    /// As [`try_counts`](Self::try_counts), and
    /// [`PercentTooLarge`](WatermarkError::PercentTooLarge) above 100.
    pub const fn try_percent(
        capacity: u64,
        high_percent: u8,
        low_percent: u8,
    ) -> Result<Self, WatermarkError> {
        if high_percent > 100 || low_percent > 100 {
            let percent = if high_percent > 100 { high_percent } else { low_percent };
            return Err(WatermarkError::PercentTooLarge { percent });
        }
        if capacity > MAX_CAPACITY {
            return Err(WatermarkError::CapacityTooLarge { capacity, max: MAX_CAPACITY });
        }
        let high = (capacity * high_percent as u64).div_ceil(100);
        let low = capacity * low_percent as u64 / 100;
        Self::try_counts(capacity, high, low)
    }

    /// One pair, given as counts.
    ///
    /// # Panics
    /// Where [`try_counts`](Self::try_counts) errs; in a `static` that is a compile error.
    pub const fn counts(capacity: u64, high: u64, low: u64) -> Self {
        valid!(Self::try_counts(capacity, high, low))
    }

    /// One pair, given as counts with `low < high <= capacity`.
    ///
    /// # Errors
    /// [`ZeroCapacity`](WatermarkError::ZeroCapacity),
    /// [`CapacityTooLarge`](WatermarkError::CapacityTooLarge),
    /// [`HighAboveCapacity`](WatermarkError::HighAboveCapacity),
    /// [`LowNotBelowHigh`](WatermarkError::LowNotBelowHigh).
    pub const fn try_counts(capacity: u64, high: u64, low: u64) -> Result<Self, WatermarkError> {
        if capacity == 0 {
            return Err(WatermarkError::ZeroCapacity);
        }
        if capacity > MAX_CAPACITY {
            return Err(WatermarkError::CapacityTooLarge { capacity, max: MAX_CAPACITY });
        }
        Self::bare(Some(capacity)).try_with_level(high, low)
    }

    /// One pair, given as counts, of a capacity that may be a [budget](crate::budget)'s: up to
    /// [`MAX_AMOUNT`](crate::budget::MAX_AMOUNT). A gauge counts no further than [`MAX_CAPACITY`].
    ///
    /// # Errors
    /// As [`try_counts`](Self::try_counts), for a capacity above that.
    pub const fn try_wide_counts(
        capacity: u64,
        high: u64,
        low: u64,
    ) -> Result<Self, WatermarkError> {
        if capacity <= MAX_CAPACITY {
            return Self::try_counts(capacity, high, low);
        }
        if capacity > WIDE_MAX {
            return Err(WatermarkError::CapacityTooLarge { capacity, max: WIDE_MAX });
        }
        Self::bare(Some(capacity)).try_with_level(high, low)
    }

    /// For a thing without a bound: depth and high-water mark are kept, nothing is ever raised.
    pub const fn unbounded() -> Self {
        Self::bare(None)
    }

    /// For a channel that hands over directly (capacity 0): it never has depth and raises nothing.
    pub const fn rendezvous() -> Self {
        Self::bare(Some(0))
    }

    /// Adds the next level above those that are there: `Critical`, then `Full`.
    ///
    /// # Panics
    /// Where [`try_with_level`](Self::try_with_level) errs; in a `static` that is a compile error.
    #[must_use]
    pub const fn with_level(self, high: u64, low: u64) -> Self {
        valid!(self.try_with_level(high, low))
    }

    /// Adds the next level above those that are there: `Critical`, then `Full`. Both its watermarks
    /// lie above those of the level below.
    ///
    /// # Errors
    /// [`NoCapacity`](WatermarkError::NoCapacity) for the unbounded and the rendezvous kind,
    /// [`TooManyLevels`](WatermarkError::TooManyLevels),
    /// [`HighAboveCapacity`](WatermarkError::HighAboveCapacity),
    /// [`LowNotBelowHigh`](WatermarkError::LowNotBelowHigh),
    /// [`LevelsOutOfOrder`](WatermarkError::LevelsOutOfOrder).
    pub const fn try_with_level(mut self, high: u64, low: u64) -> Result<Self, WatermarkError> {
        let capacity = match self.capacity {
            None | Some(0) => return Err(WatermarkError::NoCapacity),
            Some(capacity) => capacity,
        };
        let below = self.count as usize;
        if below == LEVELS_MAX {
            return Err(WatermarkError::TooManyLevels);
        }
        if high > capacity {
            return Err(WatermarkError::HighAboveCapacity { high, capacity });
        }
        if low >= high {
            return Err(WatermarkError::LowNotBelowHigh { low, high });
        }
        if below > 0 && (high as i64 <= self.rise[below - 1] || low as i64 <= self.fall[below]) {
            return Err(WatermarkError::LevelsOutOfOrder {
                high,
                high_below: self.rise[below - 1] as u64,
                low,
                low_below: self.fall[below] as u64,
            });
        }
        self.rise[below] = high as i64;
        self.fall[below + 1] = low as i64;
        self.count += 1;
        Ok(self)
    }

    /// The capacity: `None` if there is no bound, `Some(0)` for a rendezvous.
    #[inline]
    pub const fn capacity(&self) -> Option<u64> {
        self.capacity
    }

    /// How many levels there are above `Normal`: 0 to 3.
    pub const fn level_count(&self) -> usize {
        self.count as usize
    }

    /// The depth at which `level` is entered; `None` for `Normal` and for levels not in use.
    pub const fn high(&self, level: Level) -> Option<u64> {
        match level as usize {
            0 => None,
            l if l > self.level_count() => None,
            l => Some(self.rise[l - 1] as u64),
        }
    }

    /// The depth at which `level` is left; `None` for `Normal` and for levels not in use.
    pub const fn low(&self, level: Level) -> Option<u64> {
        match level as usize {
            0 => None,
            l if l > self.level_count() => None,
            l => Some(self.fall[l] as u64),
        }
    }

    /// The hysteresis rule: the level that holds at `depth` when `from` held before.
    ///
    /// The highest level whose high watermark is reached; if that is not above `from`, the highest
    /// level up to `from` whose low watermark is not reached. A `from` that is not in use counts as
    /// the highest level that is.
    pub const fn judge(&self, from: Level, depth: u64) -> Level {
        let max = match self.capacity {
            Some(capacity) if capacity > MAX_CAPACITY => WIDE_MAX,
            _ => MAX_CAPACITY,
        };
        let depth = if depth > max { max as i64 } else { depth as i64 };
        let mut level = from as usize;
        if level > self.level_count() {
            level = self.level_count();
        }
        while level < LEVELS_MAX && depth >= self.rise[level] {
            level += 1;
        }
        while level > 0 && depth <= self.fall[level] {
            level -= 1;
        }
        Level::ALL[level]
    }

    /// Whether `depth` asks for nothing at `level`: no edge, and not beyond what a gauge holds.
    #[inline(always)]
    pub(crate) const fn is_quiet(&self, level: Level, depth: i64) -> bool {
        (depth < self.rise[level as usize]) & (depth > self.fall[level as usize])
    }

    /// The same for a depth that was looked at, however large.
    #[inline(always)]
    pub(crate) const fn is_quiet_at(&self, level: Level, depth: u64) -> bool {
        (depth < self.rise[level as usize] as u64) & (depth as i64 > self.fall[level as usize])
    }

    /// What [`judge`](Self::judge) says, for a depth that mostly asks for nothing.
    #[inline(always)]
    pub(crate) const fn level_at(&self, from: Level, depth: u64) -> Level {
        if self.is_quiet_at(from, depth) { from } else { self.judge(from, depth) }
    }

    /// The smallest depth above those at which `level` is quiet; beyond any depth at the top level.
    #[inline(always)]
    pub(crate) const fn rise(&self, level: Level) -> u64 {
        self.rise[level as usize] as u64
    }

    /// The largest depth below those at which `level` is quiet; `None` at `Normal`.
    #[inline(always)]
    pub(crate) const fn fall(&self, level: Level) -> Option<u64> {
        match self.fall[level as usize] {
            fall if fall < 0 => None,
            fall => Some(fall as u64),
        }
    }
}

impl fmt::Debug for Watermarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Watermarks");
        debug.field("capacity", &self.capacity);
        for level in &Level::ALL[1..=self.level_count()] {
            debug.field(level.as_str(), &(self.high(*level), self.low(*level)));
        }
        debug.finish()
    }
}
