//! High-water marks: for life, and since the mark was last taken.

use crate::sync::{AtomicU64, Ordering, const_unless_loom};
use crate::watermarks::MAX_CAPACITY;

/// The largest depth of a gauge's life, and the largest since the mark was last taken; both are cut at `MAX`.
///
/// ```text
/// window    0..64  largest depth since the last take; 0 while a take is under way
/// lifetime  0..64  never falls; at least every window that was taken
/// ```
///
/// A recorder looks at `window` only. Taking folds the window into `lifetime` *before* it is reset,
/// so the larger of the two never falls.
///
/// # Invariants
/// GAUGE-5: with no operation in flight, `window` is at least every depth since the last take and
/// `max(window, lifetime)` at least every depth of the gauge's life.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `raise`, `window`: window load, `fetch_max` | Relaxed | | | the word is its own message | `gauge_5` |
/// | `take`: window load | Relaxed | | | the exchange below checks it | `gauge_5_takers` |
/// | `take`: lifetime `fetch_max` | Relaxed | | | published by the exchange | `gauge_5_lifetime` |
/// | `take`: window exchange to 0 | Release | Relaxed | `lifetime` | the fold into lifetime | `gauge_5_lifetime` |
/// | `lifetime`, `lifetime_with`: window load | Acquire | | `take` | | `gauge_5_lifetime` |
/// | `lifetime`, `lifetime_with`: lifetime load | Relaxed | | | ordered by the load before it | `gauge_5_lifetime` |
#[derive(Debug)]
pub(crate) struct HighWater<const MAX: u64 = MAX_CAPACITY> {
    window: AtomicU64,
    lifetime: AtomicU64,
}

impl<const MAX: u64> HighWater<MAX> {
    const_unless_loom! {
        pub(crate) const fn new() -> HighWater<MAX> {
            HighWater { window: AtomicU64::new(0), lifetime: AtomicU64::new(0) }
        }
    }

    /// Notes a depth. One load, and a write only for a new mark.
    #[inline(always)]
    pub(crate) fn raise(&self, depth: u64) {
        // Relaxed: the mark carries no other data.
        if depth > self.window.load(Ordering::Relaxed) {
            self.raise_cold(depth);
        }
    }

    #[cold]
    fn raise_cold(&self, depth: u64) {
        let depth = depth.min(MAX);
        // Relaxed: as above.
        self.window.fetch_max(depth, Ordering::Relaxed);
    }

    /// The mark since the last take, as far as it is known without a look at the depth.
    #[inline(always)]
    pub(crate) fn window(&self) -> u64 {
        // Relaxed: the mark carries no other data.
        self.window.load(Ordering::Relaxed)
    }

    /// The largest depth of the gauge's life.
    #[inline]
    pub(crate) fn lifetime(&self) -> u64 {
        // Acquire: if this sees a reset window, the fold that came before the reset is visible too.
        let window = self.window.load(Ordering::Acquire);
        // Relaxed: ordered by the load above.
        window.max(self.lifetime.load(Ordering::Relaxed))
    }

    /// The largest depth of the gauge's life, if the window has `depth` in it: then there is nothing to
    /// note.
    #[inline(always)]
    pub(crate) fn lifetime_with(&self, depth: u64) -> Option<u64> {
        // Acquire: as in `lifetime`.
        let window = self.window.load(Ordering::Acquire);
        // Relaxed: ordered by the load above.
        (depth <= window).then(|| window.max(self.lifetime.load(Ordering::Relaxed)))
    }

    /// Ends the window and begins the next one, whose first depth is what `depth` answers.
    ///
    /// `depth` must order itself after the reset for every recorder: see the callers. A recorder
    /// either comes before `depth`, which then sees its move, or it sees the reset window.
    pub(crate) fn take(&self, depth: impl FnOnce() -> u64) -> u64 {
        // Relaxed: the exchange below fails if this is stale.
        let mut window = self.window.load(Ordering::Relaxed);
        loop {
            // Relaxed: published by the exchange below.
            self.lifetime.fetch_max(window, Ordering::Relaxed);
            // Release: a thread that sees the reset sees the fold.
            match self.window.compare_exchange(window, 0, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(moved) => window = moved,
            }
        }
        let depth = depth().min(MAX);
        self.raise(depth);
        window.max(depth)
    }
}

/// The largest depth since the gauge's last edge, cut at `MAX`.
///
/// ```text
/// 0..48   depth; from 2^47 on, bit 47 and the depth in units of 1024
/// 48..64  the low bits of the sequence number of the edge that began this stretch
/// ```
///
/// A stretch that is at most 2^15 edges old gives way to a later one and ignores an earlier one, so
/// a recorder that was stopped cannot carry its depth into another stretch.
///
/// # Orderings
/// Every access is Relaxed: the word is its own message, and a recorder in flight may be missed.
#[derive(Debug)]
pub(crate) struct Peak<const MAX: u64 = MAX_CAPACITY>(AtomicU64);

const DEPTH_BITS: u32 = 48;

impl<const MAX: u64> Peak<MAX> {
    const_unless_loom! {
        pub(crate) const fn new() -> Peak<MAX> {
            Peak(AtomicU64::new(0))
        }
    }

    /// The largest depth noted in the stretch that edge `sequence` began.
    pub(crate) fn since(&self, sequence: u64) -> u64 {
        // Relaxed: see the type.
        let word = self.0.load(Ordering::Relaxed);
        if (word >> DEPTH_BITS) as u16 == sequence as u16 { unpacked(word) } else { 0 }
    }

    /// Notes a depth in the stretch that edge `sequence` began.
    #[inline]
    pub(crate) fn raise(&self, sequence: u64, depth: u64) {
        let depth = packed(depth.min(MAX));
        // Relaxed: see the type.
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let ahead = (sequence as u16).wrapping_sub((word >> DEPTH_BITS) as u16) as i16;
            if ahead < 0 || (ahead == 0 && depth <= word & DEPTH_MASK) {
                return;
            }
            let next = (sequence as u16 as u64) << DEPTH_BITS | depth;
            // Relaxed: see the type.
            match self.0.compare_exchange(word, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(moved) => word = moved,
            }
        }
    }
}

const DEPTH_MASK: u64 = (1 << DEPTH_BITS) - 1;
/// The flag of a depth in larger units, and the least depth that has it.
const LARGE: u64 = 1 << 47;
const UNIT_BITS: u32 = 10;

/// A depth of up to 2^57 in 48 bits, in the same order.
const fn packed(depth: u64) -> u64 {
    if depth < LARGE { depth } else { LARGE | depth >> UNIT_BITS }
}

const fn unpacked(word: u64) -> u64 {
    let depth = word & DEPTH_MASK;
    if depth < LARGE { depth } else { (depth - LARGE) << UNIT_BITS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_depths_keep_their_order_and_come_back() {
        let mut last = 0;
        for bits in 0..=56 {
            for depth in [(1 << bits) - 1, 1 << bits, (1 << bits) + (1 << bits >> 1)] {
                let word = packed(depth);
                assert!(word >= last && word <= DEPTH_MASK, "{depth}");
                let back = unpacked(word);
                assert!(
                    back <= depth && depth - back < 1 << UNIT_BITS,
                    "{depth} comes back as {back}"
                );
                assert!(depth >= LARGE || back == depth);
                last = word;
            }
        }
    }
}
