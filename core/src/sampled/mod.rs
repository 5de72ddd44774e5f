//! The sampled gauge, for a thing that knows its own depth.

mod state;

pub(crate) use state::State;

use crate::edge::{Edge, Level};
use crate::high_water::{HighWater, Peak};
use crate::reading::Reading;
use crate::sync::{AtomicU64, Ordering, const_unless_loom, fence, fence_after_rmw};
use crate::watermarks::{MAX_CAPACITY, Watermarks};

/// The level and the high-water mark of a bounded thing that can be asked for its depth.
///
/// A thread that has moved the thing calls [`observe_with`](Self::observe_with) with a function
/// that reads its depth. As long as no level is due to change and no new mark is reached, that
/// writes nothing.
///
/// An edge is made in two steps: *claim* the word, look again, *settle* it. A thread that has moved
/// the thing after that look finds the claim and spoils it with one of its own, so a level is never
/// settled on a depth that has gone.
///
/// A channel with many handles is watched more cheaply still by a [`FlowGauge`](crate::FlowGauge).
///
/// # Invariants
/// - GAUGE-3: levels change one edge at a time; each edge is handed to one caller, with its number.
/// - GAUGE-4: with no operation in flight, the level agrees with the depth.
/// - GAUGE-5: the high-water mark is the largest depth that was seen. What was put in and taken out
///   again before anybody looked is in flight and may be missed.
/// - GAUGE-7: an observation that finds nothing due writes nothing.
///
/// # Progress
/// Wait-free while nothing is due and no new mark is reached. An edge is lock-free: a claim is
/// tried again only if another operation has changed the word. A thread that stops for ever inside
/// a claim hinders no other; the others make claims of their own.
///
/// # Orderings
/// "Moves, fences, then loads" stands for a caller that has moved the thing by a read-modify-write
/// and passes `fence_after_rmw`; the other side writes its word, fences, then looks. Of two such
/// threads at least one sees the other: the total order of the `SeqCst` fences is what this needs.
///
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `observe_with`: fence | SeqCst | | `judge_with`, `take_high_water` | the caller's move | `gauge_4_sampled` |
/// | `observe_with`: state load | Relaxed | | | ordered by the fence | `gauge_4_sampled` |
/// | `judge_with`: state load | Relaxed | | | checked by the exchange | `gauge_3_sampled` |
/// | `judge_with`: claim | Relaxed | Relaxed | | ordered by the fence | `gauge_4_sampled` |
/// | `judge_with`: fence | SeqCst | | `observe_with` | the claim | `gauge_4_sampled` |
/// | `judge_with`: settle | Relaxed | Relaxed | | the word is its own message | `gauge_3_sampled` |
/// | `take_high_water`: fence | SeqCst | | `observe_with` | the reset window | `gauge_5_sampled` |
/// | readers: state load | Relaxed | | | the word is its own message | `gauge_4_sampled` |
///
/// # Example
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
/// use plimsoll_core::{EdgeKind, SampledGauge, Watermarks};
///
/// static DEPTH: AtomicU64 = AtomicU64::new(0);
/// static GAUGE: SampledGauge = SampledGauge::new(Watermarks::percent(4, 75, 25));
/// let look = || DEPTH.load(SeqCst);
///
/// DEPTH.fetch_add(3, SeqCst);
/// assert_eq!(GAUGE.observe_with(look).unwrap().kind(), EdgeKind::Raised);
/// assert!(GAUGE.observe_with(look).is_none(), "each edge once");
/// DEPTH.fetch_sub(2, SeqCst);
/// assert_eq!(GAUGE.observe_with(look).unwrap().kind(), EdgeKind::Cleared);
/// ```
// `FlowGauge` says why in this order.
#[derive(Debug)]
#[repr(C)]
pub struct SampledGauge {
    state: AtomicU64,
    marks: HighWater,
    watermarks: Watermarks,
    peak: Peak,
}

/// A peak may be too small by up to the mark divided by this.
#[cfg(not(loom))]
const PEAK_DIVISOR: u64 = 64;
#[cfg(loom)]
const PEAK_DIVISOR: u64 = 2;

#[cfg(all(target_pointer_width = "64", not(any(loom, shuttle))))]
const _: () = assert!(core::mem::offset_of!(SampledGauge, watermarks) == 24);

impl SampledGauge {
    const_unless_loom! {
        /// A gauge that has seen nothing. `const`, so that a gauge can be a `static`.
        pub const fn new(watermarks: Watermarks) -> SampledGauge {
            SampledGauge {
                state: AtomicU64::new(State::EMPTY.word()),
                marks: HighWater::new(),
                peak: Peak::new(),
                watermarks,
            }
        }
    }

    /// Looks at the depth, after the caller has moved it.
    ///
    /// The move must have ended in an atomic read-modify-write, as every multi-producer queue's
    /// does. `depth` is called once, and again if an edge is due; it must not call back.
    ///
    /// # Returns
    /// The edge that was made, if one was due.
    #[inline]
    pub fn observe_with(&self, mut depth: impl FnMut() -> u64) -> Option<Edge> {
        fence_after_rmw();
        let state = self.state();
        if self.is_quiet(state, depth()) { None } else { self.judge_with(depth) }
    }

    /// Whether `depth`, seen after `state`, asks for nothing; notes it if it is a new mark.
    #[inline(always)]
    pub(crate) fn is_quiet(&self, state: State, depth: u64) -> bool {
        self.note(state, depth);
        !state.is_judging() && self.watermarks.is_quiet_at(state.level(), depth)
    }

    /// Whether `depth`, seen after `state`, asks for nothing, and a new mark is less than `reach`
    /// above it: there is nothing to note and nothing to grant.
    #[inline(always)]
    pub(crate) fn is_at_its_mark(&self, state: State, depth: u64, reach: u64) -> bool {
        let below = self.marks.window().wrapping_sub(depth);
        state.is_normal() && below < reach && depth < self.watermarks.rise(Level::Normal)
    }

    #[inline(always)]
    pub(crate) fn note(&self, state: State, depth: u64) {
        self.marks.raise(depth);
        if state.level() > Level::Normal {
            self.peak.raise(state.sequence(), depth);
        }
    }

    /// Looks at the depth in order to change the level.
    #[cold]
    pub(crate) fn judge_with(&self, mut depth: impl FnMut() -> u64) -> Option<Edge> {
        let claimed = self.claim();
        // SeqCst: either a thread that moves the thing from here on finds the claim, or its move is
        // visible to the look below.
        fence(Ordering::SeqCst);
        let depth = depth().min(MAX_CAPACITY);
        self.note(claimed, depth);
        let (from, to) = (claimed.level(), self.watermarks.judge(claimed.level(), depth));
        let peak = if to > from { depth } else { self.peak.since(claimed.sequence()) };
        let settled = claimed.settle(to);
        // Relaxed: the word is its own message. If this fails, a thread that has moved the thing,
        // or found our claim, has claimed after us and looks after us: the level is theirs to
        // settle.
        let exchanged = self.state.compare_exchange(
            claimed.word(),
            settled.word(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if exchanged.is_err() || to == from {
            return None;
        }
        self.peak.raise(settled.sequence(), depth);
        let capacity = self.watermarks.capacity();
        Some(Edge { from, to, depth, peak, capacity, sequence: settled.sequence() })
    }

    fn claim(&self) -> State {
        let mut state = self.state();
        loop {
            let claimed = state.claim();
            // Relaxed: ordered by the fence that follows.
            match self.state.compare_exchange(
                state.word(),
                claimed.word(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return claimed,
                Err(moved) => state = State::from_word(moved),
            }
        }
    }

    #[inline(always)]
    pub(crate) fn state(&self) -> State {
        // Relaxed: the word is its own message, or a fence or an exchange orders it.
        State::from_word(self.state.load(Ordering::Relaxed))
    }

    /// The depth that is interesting next for threads that put in: the next level, a new mark, or a depth
    /// that the known peak would miss by more than it may.
    pub(crate) fn next_rise(&self, state: State) -> u64 {
        let rise = self.watermarks.rise(state.level());
        let window = self.marks.window();
        let mark = match state.level() {
            Level::Normal => window,
            _ => window.min(self.peak.since(state.sequence()) + window / PEAK_DIVISOR),
        };
        match self.watermarks.capacity() {
            Some(capacity) if mark >= capacity => rise,
            _ => rise.min(mark + 1),
        }
    }

    /// The level as last settled.
    #[inline]
    pub fn level(&self) -> Level {
        self.state().level()
    }

    /// Whether the level is above [`Level::Normal`].
    pub fn is_raised(&self) -> bool {
        self.level() > Level::Normal
    }

    /// The largest depth that was seen in the gauge's life.
    pub fn high_water(&self) -> u64 {
        self.marks.lifetime()
    }

    /// The largest depth since the last call, or since the beginning; the depth at this moment
    /// counts for the time before the call and for the time after it.
    ///
    /// # Progress
    /// Lock-free. With several takers, each depth goes to one of them at least.
    pub fn take_high_water(&self, depth: impl FnOnce() -> u64) -> u64 {
        self.marks.take(|| {
            // SeqCst: either a thread that moves the thing from here on finds the window reset, or
            // its move is visible to this look.
            fence(Ordering::SeqCst);
            depth()
        })
    }

    /// Depth, high-water mark and level, looked at afresh.
    ///
    /// # Returns
    /// The reading, and the edge that was made, if one was due: a thread whose look is still to come
    /// has then nothing left to do.
    pub fn reading(&self, mut depth: impl FnMut() -> u64) -> (Reading, Option<Edge>) {
        let mut seen = 0;
        let edge = self.observe_with(|| {
            seen = depth();
            seen
        });
        (self.reading_at(seen), edge)
    }

    /// The reading of a depth that was quiet at `state`, and is noted.
    #[inline]
    pub(crate) fn quiet_reading(&self, state: State, depth: u64) -> Reading {
        let (high_water, level) = (self.marks.lifetime().max(depth), state.level());
        Reading { depth, high_water, level, watermarks: self.watermarks }
    }

    /// The depth, looked at after the state, and the high-water mark, if there was no edge, none is due,
    /// and there is nothing to note.
    #[inline(always)]
    pub(crate) fn depths_before_edges(&self, depth: impl FnOnce() -> u64) -> Option<(u64, u64)> {
        if !self.state().is_before_edges() {
            return None;
        }
        let depth = depth();
        if depth >= self.watermarks.rise(Level::Normal) {
            return None;
        }
        Some((depth, self.marks.lifetime_with(depth)?))
    }

    /// The reading of a known depth. Notes the mark, and makes no edge.
    #[inline]
    pub fn reading_at(&self, depth: u64) -> Reading {
        let depth = depth.min(MAX_CAPACITY);
        self.marks.raise(depth);
        Reading {
            depth,
            high_water: self.marks.lifetime().max(depth),
            level: self.watermarks.level_at(self.level(), depth),
            watermarks: self.watermarks,
        }
    }

    /// The watermarks, and with them the capacity.
    #[inline]
    pub const fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }
}
