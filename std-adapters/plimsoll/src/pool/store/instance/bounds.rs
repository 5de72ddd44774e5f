//! The bounds of an instance, and the jitter that keeps those of many apart.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use plimsoll_core::keepalive::Tick;
use plimsoll_core::pool::Moment;

use crate::clock::ceil_ms;
use crate::pool::config::RetireBounds;
use crate::pool::store::moments::NEVER;
use crate::sync::{AtomicU64, Ordering};

/// When an instance is retired: by its uses, its age, its bytes.
pub(in crate::pool) struct Bounds {
    pub(in crate::pool) uses_max: u32,
    pub(in crate::pool) expires: Moment,
    pub(in crate::pool) bytes_max: u64,
}

impl Bounds {
    /// The bounds of an instance that is built at `now_ms`, which is not called without a bound on
    /// the age.
    ///
    /// # Returns
    /// `None` if nothing bounds it.
    pub(in crate::pool) fn new(
        bounds: &RetireBounds,
        random: &Random,
        now_ms: impl FnOnce() -> u64,
    ) -> Option<Self> {
        let RetireBounds { uses, age, bytes, .. } = bounds;
        if uses.is_none() && age.is_none() && bytes.is_none() {
            return None;
        }
        let jittered = |whole| bounds.jittered(whole, random.next());
        let bound = |whole: Option<u64>| whole.map_or(u64::MAX, jittered);
        let uses_max = u32::try_from(bound(uses.map(u64::from))).unwrap_or(u32::MAX);
        let lifetime_ms = |age: Duration| jittered(ceil_ms(age));
        let expiry = |age| expiry(now_ms().saturating_add(lifetime_ms(age)));
        let expires = age.map_or(NEVER, expiry);
        Some(Self { uses_max, expires, bytes_max: bound(*bytes) })
    }
}

/// The moment at which an instance is too old; none if that is beyond all time.
fn expiry(ms: u64) -> Moment {
    let tick = Tick::new(ms);
    if tick == Tick::MAX { NEVER } else { tick.into() }
}

/// Where the jitter comes from: a sequence without any pattern that matters.
pub(in crate::pool) struct Random(AtomicU64);

impl Random {
    /// One that differs from process to process.
    pub(in crate::pool) fn new() -> Self {
        Self(AtomicU64::new(RandomState::new().hash_one(0)))
    }

    /// The next number (SplitMix64, Steele et al. 2014).
    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        // Relaxed: the number carries no other data.
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
