//! Ways to make watermarks, and what has to come of each.

use arbitrary::{Result, Unstructured};
use plimsoll_core::{MAX_CAPACITY, WatermarkError, Watermarks};

use crate::Seen;
use crate::machine::Limits;
use crate::number::{hostile, within};

/// The first constructor called.
#[derive(Clone, Copy, Debug)]
pub enum Base {
    /// `try_new`
    Default(u64),
    /// `try_percent`: capacity, high, low.
    Percent(u64, u8, u8),
    /// `try_counts`: capacity, high, low.
    Counts(u64, u64, u64),
    /// `unbounded`
    Unbounded,
    /// `rendezvous`
    Rendezvous,
}

/// A constructor and the levels added after it, `(high, low)` each.
#[derive(Clone, Debug)]
pub struct Recipe {
    base: Base,
    more: Vec<(u64, u64)>,
}

/// What [`Recipe::make`] can report as seen.
pub const REACHABLE: &[&str] = &[
    "zero capacity",
    "capacity too large",
    "percent too large",
    "high above capacity",
    "low not below high",
    "levels out of order",
    "too many levels",
    "no capacity for levels",
];

impl Recipe {
    /// Numbers as they come: most make no watermarks.
    pub fn hostile(bytes: &mut Unstructured<'_>) -> Result<Recipe> {
        let capacity = hostile(bytes, 100)?;
        let base = match bytes.int_in_range(0..=6u8)? {
            0 => Base::Default(capacity),
            1 | 2 => Base::Percent(capacity, bytes.arbitrary()?, bytes.arbitrary()?),
            3 | 4 => {
                let high = hostile(bytes, capacity)?;
                Base::Counts(capacity, high, hostile(bytes, high)?)
            }
            5 => Base::Unbounded,
            _ => Base::Rendezvous,
        };
        let mut more = Vec::new();
        let mut near = match base {
            Base::Counts(_, high, low) => (high, low),
            _ => (capacity, capacity),
        };
        for _ in 0..bytes.int_in_range(0..=4u8)? {
            near = (hostile(bytes, near.0)?, hostile(bytes, near.1)?);
            more.push(near);
        }
        Ok(Recipe { base, more })
    }

    /// Numbers that make watermarks, for a capacity of at most `capacity_max`.
    pub fn sound(bytes: &mut Unstructured<'_>, capacity_max: u64) -> Result<Recipe> {
        let kind = bytes.int_in_range(0..=11u8)?;
        let bare = |base| Ok(Recipe { base, more: Vec::new() });
        if kind == 0 {
            return bare(Base::Unbounded);
        }
        if kind == 1 {
            return bare(Base::Rendezvous);
        }
        let capacity = hostile(bytes, capacity_max)?.clamp(1, capacity_max);
        if kind == 2 {
            return bare(Base::Default(capacity));
        }
        if kind <= 4 {
            let high = bytes.int_in_range(1..=100)?;
            return bare(Base::Percent(capacity, high, bytes.int_in_range(0..=high - 1)?));
        }
        let mut low = within(bytes, 0..=capacity - 1)?;
        let mut high = within(bytes, low + 1..=capacity)?;
        let base = Base::Counts(capacity, high, low);
        let mut more = Vec::new();
        for _ in 0..kind % 3 {
            if high == capacity {
                break;
            }
            low = within(bytes, low + 1..=capacity - 1)?;
            high = within(bytes, low.max(high) + 1..=capacity)?;
            more.push((high, low));
        }
        Ok(Recipe { base, more })
    }

    /// Calls the constructors and holds each answer against what it should be.
    ///
    /// # Returns
    /// The last watermarks that were made, and what they should say; `None` if none were.
    pub fn make(&self, seen: &mut Seen) -> Option<(Watermarks, Limits)> {
        let (answer, limits, faults) = self.base.make();
        let mut watermarks = judge(answer, &faults, seen)?;
        let mut limits = limits;
        limits.assert_same(&watermarks);
        for &(high, low) in &self.more {
            let faults = faults_of_level(&limits, high, low);
            if let Some(more) = judge(watermarks.try_with_level(high, low), &faults, seen) {
                watermarks = more;
                limits.levels.push((high, low));
            }
            limits.assert_same(&watermarks);
        }
        Some((watermarks, limits))
    }

    /// The watermarks of a [`sound`](Recipe::sound) recipe.
    pub fn make_sound(&self) -> (Watermarks, Limits) {
        let mut seen = Seen::default();
        let made = self.make(&mut seen).expect("a sound recipe makes watermarks");
        assert!(seen.names().is_empty(), "a sound recipe errs nowhere");
        made
    }
}

impl Base {
    /// What the constructor answers, what the watermarks should say, and what is wrong with it.
    fn make(self) -> (Answer, Limits, Vec<WatermarkError>) {
        match self {
            Base::Default(capacity) => {
                let (limits, faults) = percent(capacity, 80, 50);
                (Watermarks::try_new(capacity), limits, faults)
            }
            Base::Percent(capacity, high, low) => {
                let (limits, faults) = percent(capacity, high, low);
                (Watermarks::try_percent(capacity, high, low), limits, faults)
            }
            Base::Counts(capacity, high, low) => {
                let (limits, faults) = counts(capacity, high, low);
                (Watermarks::try_counts(capacity, high, low), limits, faults)
            }
            Base::Unbounded => {
                let limits = Limits { capacity: None, levels: Vec::new() };
                (Ok(Watermarks::unbounded()), limits, Vec::new())
            }
            Base::Rendezvous => {
                let limits = Limits { capacity: Some(0), levels: Vec::new() };
                (Ok(Watermarks::rendezvous()), limits, Vec::new())
            }
        }
    }
}

type Answer = std::result::Result<Watermarks, WatermarkError>;

/// The rounding law: the smallest count that is at least `high` percent of the capacity, and the
/// largest that is at most `low` percent.
fn percent(capacity: u64, high: u8, low: u8) -> (Limits, Vec<WatermarkError>) {
    let part = |percent: u8| u128::from(capacity) * u128::from(percent);
    let up = part(high) / 100 + u128::from(part(high) % 100 > 0);
    let (mut limits, mut faults) = counts(capacity, up as u64, (part(low) / 100) as u64);
    for percent in [high, low] {
        if percent > 100 {
            faults.push(WatermarkError::PercentTooLarge { percent });
        }
    }
    limits.levels = vec![(up as u64, (part(low) / 100) as u64)];
    (limits, faults)
}

fn counts(capacity: u64, high: u64, low: u64) -> (Limits, Vec<WatermarkError>) {
    let mut limits = Limits { capacity: Some(capacity), levels: Vec::new() };
    let mut faults = match capacity {
        0 => vec![WatermarkError::ZeroCapacity],
        _ => faults_of_level(&limits, high, low),
    };
    if capacity > MAX_CAPACITY {
        faults.push(WatermarkError::CapacityTooLarge { capacity, max: MAX_CAPACITY });
    }
    limits.levels.push((high, low));
    (limits, faults)
}

fn faults_of_level(below: &Limits, high: u64, low: u64) -> Vec<WatermarkError> {
    let Some(capacity) = below.capacity.filter(|capacity| *capacity > 0) else {
        return vec![WatermarkError::NoCapacity];
    };
    let mut faults = Vec::new();
    if below.levels.len() == 3 {
        faults.push(WatermarkError::TooManyLevels);
    }
    if high > capacity {
        faults.push(WatermarkError::HighAboveCapacity { high, capacity });
    }
    if low >= high {
        faults.push(WatermarkError::LowNotBelowHigh { low, high });
    }
    if let Some(&(high_below, low_below)) = below.levels.last() {
        if high <= high_below || low <= low_below {
            faults.push(WatermarkError::LevelsOutOfOrder { high, high_below, low, low_below });
        }
    }
    faults
}

/// An error is one of the faults and names the numbers asked; without a fault there is none.
fn judge(answer: Answer, faults: &[WatermarkError], seen: &mut Seen) -> Option<Watermarks> {
    let error = match answer {
        Ok(watermarks) => {
            assert!(faults.is_empty(), "accepted in spite of {faults:?}");
            return Some(watermarks);
        }
        Err(error) => error,
    };
    assert!(faults.contains(&error), "{error:?} is none of {faults:?}");
    let (name, numbers) = describe(&error);
    let text = error.to_string();
    for number in numbers {
        assert!(text.contains(&number.to_string()), "{text:?} does not say {number}");
    }
    seen.note(name);
    None
}

fn describe(error: &WatermarkError) -> (&'static str, Vec<u64>) {
    match *error {
        WatermarkError::ZeroCapacity => ("zero capacity", vec![0]),
        WatermarkError::CapacityTooLarge { capacity, max } => {
            ("capacity too large", vec![capacity, max])
        }
        WatermarkError::PercentTooLarge { percent } => {
            ("percent too large", vec![percent.into(), 100])
        }
        WatermarkError::HighAboveCapacity { high, capacity } => {
            ("high above capacity", vec![high, capacity])
        }
        WatermarkError::LowNotBelowHigh { low, high } => ("low not below high", vec![low, high]),
        WatermarkError::LevelsOutOfOrder { high, high_below, low, low_below } => {
            ("levels out of order", vec![high, high_below, low, low_below])
        }
        WatermarkError::TooManyLevels => ("too many levels", Vec::new()),
        WatermarkError::NoCapacity => ("no capacity for levels", Vec::new()),
        ref other => panic!("an error that no fault explains: {other:?}"),
    }
}
