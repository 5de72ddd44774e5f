//! The counted gauge.

mod permit;
mod state;

pub use permit::Permit;

use crate::edge::{Edge, Level};
use crate::high_water::{HighWater, Peak};
use crate::reading::Reading;
use crate::sync::{AtomicU64, Ordering, const_unless_loom};
use crate::watermarks::{MAX_CAPACITY, Watermarks};
use state::State;

/// The largest change of depth in one call: 2^40 (1 TiB, counted in bytes). Larger ones are clamped.
pub const MAX_STEP: u64 = 1 << 40;

const MAX_DEPTH: i64 = MAX_CAPACITY as i64;

/// The depth of one bounded thing, counted: its high-water mark, and its level between watermarks.
///
/// Every thread that puts in calls [`add`](Self::add), every one that takes out calls
/// [`sub`](Self::sub), or both hold a [`permit`](Self::permit). Depth and level live in one word, so
/// that an edge is a compare-exchange which fails when the depth it was judged on has moved.
///
/// A thing that tells its own depth (most channels do) is watched more cheaply by a
/// [`SampledGauge`](crate::SampledGauge).
///
/// # Invariants
/// - GAUGE-1: with no operation in flight, the depth is what was last [`set`](Self::set), or 0, and
///   what was added since less what was taken; a `sub` that overtakes its `add` is kept as a debt and
///   not lost.
/// - GAUGE-3: levels change one edge at a time; each edge is handed to one caller, with its number.
/// - GAUGE-4: with no operation in flight and no permit dropped unsettled, the level agrees with the
///   depth.
/// - GAUGE-5: the high-water mark is the largest depth that was counted.
/// - GAUGE-6: depths reach 2^46 whatever the width of `usize`. Beyond it they saturate: a step that
///   would lead further is cut, as is one below -2^46. There is room for 63 steps of [`MAX_STEP`]
///   that go beyond it at the same moment.
/// - GAUGE-7: below the watermark and the high-water mark, an operation is one read-modify-write and
///   one load at most. A gauge of capacity 1 has an edge for each item, which is the truth; the
///   registry of the `plimsoll` crate holds such edges back until they last.
///
/// # Progress
/// Lock-free: an exchange is tried again only if another operation has moved its word. Reading depth
/// and level is wait-free, and so is an operation while it makes no edge and reaches no new mark.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `add`: state `fetch_add` | Acquire | | `take_high_water` | | `gauge_5_window` |
/// | `set`: state exchange | Acquire | Relaxed | `take_high_water` | | `gauge_5_window_of` |
/// | `add` while raised: sequence load | Relaxed | | | any number near the state's will do | `gauge_3` |
/// | `sub`, drop of a permit: state `fetch_sub` | Relaxed | | | the word is its own message | `gauge_1` |
/// | `make_edge`: state load | Acquire | | `make_edge` | | `gauge_3_numbers` |
/// | `make_edge`: sequence load, `fetch_max` | Relaxed | | | published by the exchange | `gauge_3_numbers` |
/// | `make_edge`: state exchange | Release | Relaxed | `make_edge` | the sequence of the edge before | `gauge_3_numbers` |
/// | `saturate`: state exchange | Relaxed | Relaxed | | the word is its own message | `gauge_6` |
/// | `take_high_water`: state `fetch_add(0)` | Release | | `add` | the reset window | `gauge_5_window` |
/// | `depths_before_edges`: state load | Acquire | | `make_edge` | | `gauge_3_before_edges` |
/// | `depths_before_edges`: sequence load | Relaxed | | | ordered by the load before it | `gauge_3_before_edges` |
/// | readers: state load | Relaxed | | | the word is its own message | `gauge_5_mark` |
///
/// # Example
/// ```
/// use plimsoll_core::{EdgeKind, Gauge, Watermarks};
///
/// static FRAMES: Gauge = Gauge::new(Watermarks::percent(4, 75, 25));
///
/// assert!(FRAMES.add(2).is_none());
/// assert_eq!(FRAMES.add(1).unwrap().kind(), EdgeKind::Raised);
/// assert!(FRAMES.sub(1).is_none(), "between the watermarks the level stays");
/// assert_eq!(FRAMES.sub(1).unwrap().kind(), EdgeKind::Cleared);
/// assert_eq!((FRAMES.depth(), FRAMES.high_water()), (1, 3));
/// ```
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Gauge {
    state: AtomicU64,
    /// A recent edge's full number: the one in `state`, or the one before it.
    sequence: AtomicU64,
    peak: Peak,
    /// What each move reads lies on another cache line than what it writes: moves of other threads
    /// would throw it out.
    _apart: [u64; 5],
    marks: HighWater,
    watermarks: Watermarks,
}

#[cfg(not(any(loom, shuttle)))]
const _: () = assert!(core::mem::offset_of!(Gauge, marks) == 64);

impl Gauge {
    const_unless_loom! {
        /// An empty gauge. `const`, so that a gauge can be a `static`.
        pub const fn new(watermarks: Watermarks) -> Gauge {
            Gauge {
                state: AtomicU64::new(State::EMPTY.word()),
                sequence: AtomicU64::new(0),
                peak: Peak::new(),
                _apart: [0; 5],
                marks: HighWater::new(),
                watermarks,
            }
        }
    }

    /// Counts `amount` in (items, or bytes of one item; at most [`MAX_STEP`] at once).
    ///
    /// # Returns
    /// The edge that was made, if one was due.
    #[inline]
    pub fn add(&self, amount: u64) -> Option<Edge> {
        let step = State::step(amount.min(MAX_STEP));
        // Acquire: if a taker of the mark came before, its reset of the window is visible below.
        let before = self.state.fetch_add(step, Ordering::Acquire);
        let state = State::from_word(before.wrapping_add(step));
        self.marks.raise(state.depth());
        if state.level() == Level::Normal {
            if state.signed_depth() < self.watermarks.rise(Level::Normal) as i64 {
                return None;
            }
        } else {
            self.note_peak(state);
        }
        self.settle_from(state)
    }

    /// Counts `amount` out (at most [`MAX_STEP`] at once).
    ///
    /// Taking out more than is there leaves a debt, which the additions still to come make good; the
    /// depth reads 0 meanwhile.
    ///
    /// # Returns
    /// The edge that was made, if one was due.
    #[inline]
    pub fn sub(&self, amount: u64) -> Option<Edge> {
        self.settle_from(self.take_out(amount))
    }

    /// Sets the depth, for a thing that is counted and, now and then, measured; at most
    /// [`MAX_CAPACITY`]. What others add and take out before and after counts, in the order in which
    /// it happens: a permit that is held across a `set` is taken out of what was set.
    ///
    /// # Returns
    /// The edge that was made, if one was due.
    ///
    /// # Progress
    /// Lock-free: tried again only if another operation has changed depth or level meanwhile.
    pub fn set(&self, depth: u64) -> Option<Edge> {
        let mut before = self.state();
        let state = loop {
            let next = before.with_depth(depth.min(MAX_CAPACITY));
            // Acquire: as `add`, if a taker of the mark came before. Relaxed: tried again.
            match self.state.compare_exchange(
                before.word(),
                next.word(),
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => break next,
                Err(moved) => before = State::from_word(moved),
            }
        };
        self.marks.raise(state.depth());
        if state.level() > Level::Normal {
            self.note_peak(state);
        }
        self.settle_from(state)
    }

    #[inline]
    fn take_out(&self, amount: u64) -> State {
        let step = State::step(amount.min(MAX_STEP));
        // Relaxed: depth and level are in the word itself.
        State::from_word(self.state.fetch_sub(step, Ordering::Relaxed).wrapping_sub(step))
    }

    /// Counts `amount` out without a caller to be handed an edge.
    fn take_out_unsettled(&self, amount: u64) {
        let mut state = self.take_out(amount);
        while state.signed_depth() < -MAX_DEPTH {
            self.saturate(state);
            state = self.state();
        }
    }

    /// Makes the edge that is due, if a dropped [`Permit`] has left one.
    #[inline]
    pub fn settle(&self) -> Option<Edge> {
        self.settle_from(self.state())
    }

    #[inline]
    fn settle_from(&self, state: State) -> Option<Edge> {
        let (level, depth) = (state.level(), state.signed_depth());
        // The normal level first: its bounds lie at a fixed address. Those of another level are found by the
        // word, and the next locked step waits for that load.
        if level == Level::Normal && self.watermarks.is_quiet(Level::Normal, depth) {
            return None;
        }
        if self.watermarks.is_quiet(level, depth) {
            return None;
        }
        self.make_edge()
    }

    #[cold]
    fn make_edge(&self) -> Option<Edge> {
        loop {
            // Acquire: the thread that made the edge in this word published its number before.
            let state = State::from_word(self.state.load(Ordering::Acquire));
            if state.signed_depth().unsigned_abs() > MAX_CAPACITY {
                self.saturate(state);
                continue;
            }
            let depth = state.depth();
            let (from, to) = (state.level(), self.watermarks.judge(state.level(), depth));
            if from == to {
                return None;
            }
            // Relaxed: not older than what the load above has made visible.
            let known = self.sequence.load(Ordering::Relaxed);
            let last = state.sequence(known);
            if last > known {
                // Relaxed: the exchange below publishes it, so `sequence` lags by one at most.
                self.sequence.fetch_max(last, Ordering::Relaxed);
            }
            let peak = if to > from { depth } else { self.peak.since(last).max(depth) };
            let next = state.transition_to(to);
            // Release: publishes `sequence`. If the depth moved, this fails and is judged anew.
            let exchanged = self.state.compare_exchange(
                state.word(),
                next.word(),
                Ordering::Release,
                Ordering::Relaxed,
            );
            if exchanged.is_ok() {
                let sequence = last + 1;
                self.peak.raise(sequence, depth);
                let capacity = self.watermarks.capacity();
                return Some(Edge { from, to, depth, peak, capacity, sequence });
            }
        }
    }

    /// Cuts a depth that has left the range back to its end.
    fn saturate(&self, state: State) {
        let depth = state.signed_depth();
        let excess = depth - depth.clamp(-MAX_DEPTH, MAX_DEPTH);
        let cut = state.word().wrapping_sub(State::step(excess as u64));
        // Relaxed: the word is its own message; a failure is judged anew by the caller.
        let _ =
            self.state.compare_exchange(state.word(), cut, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Notes the depth for the edge that ends this stretch.
    #[cold]
    fn note_peak(&self, state: State) {
        // Relaxed: any number near the state's own will do.
        let near = self.sequence.load(Ordering::Relaxed);
        self.peak.raise(state.sequence(near), state.depth());
    }

    /// Counts `amount` in for as long as the permit lives.
    ///
    /// # Returns
    /// The permit, and the edge that was made, if one was due.
    #[inline]
    pub fn permit(&self, amount: u64) -> (Permit<'_>, Option<Edge>) {
        let edge = self.add(amount);
        (Permit::new(self, amount.min(MAX_STEP)), edge)
    }

    #[inline(always)]
    fn state(&self) -> State {
        // Relaxed: depth and level are in the word itself.
        State::from_word(self.state.load(Ordering::Relaxed))
    }

    /// The depth now.
    #[inline]
    pub fn depth(&self) -> u64 {
        self.state().depth().min(MAX_CAPACITY)
    }

    /// The level that agrees with the depth now, whether or not its edge has been made yet.
    pub fn level(&self) -> Level {
        let state = self.state();
        self.watermarks.judge(state.level(), state.depth())
    }

    /// Whether the level is above [`Level::Normal`].
    pub fn is_raised(&self) -> bool {
        self.level() > Level::Normal
    }

    /// The largest depth of the gauge's life.
    pub fn high_water(&self) -> u64 {
        self.reading().high_water
    }

    /// The largest depth since the last call, or since the beginning; the depth at this moment
    /// counts for the time before the call and for the time after it.
    ///
    /// # Progress
    /// Lock-free. With several takers, each depth goes to one of them at least.
    pub fn take_high_water(&self) -> u64 {
        self.marks.take(|| {
            // Release: an `add` that comes after this addition of nothing sees the reset window;
            // one that came before is in the depth that this returns.
            State::from_word(self.state.fetch_add(0, Ordering::Release)).depth()
        })
    }

    /// Depth, high-water mark and level at one moment: `depth <= high_water`, and the level agrees
    /// with the depth.
    ///
    /// # Progress
    /// Lock-free; writes only if a recorder has yet to note the depth that this has seen.
    #[inline]
    pub fn reading(&self) -> Reading {
        let state = self.state();
        // A depth beyond the limit is about to be cut.
        let depth = state.depth().min(MAX_CAPACITY);
        // For a recorder that has counted and not yet noted: the mark must not fall back later.
        self.marks.raise(depth);
        Reading {
            depth,
            high_water: self.marks.lifetime().max(depth),
            level: self.watermarks.level_at(state.level(), depth),
            watermarks: self.watermarks,
        }
    }

    /// Depth and high-water mark, if there has never been an edge, none is due, and a recorder has nothing
    /// to note: the level is [`Level::Normal`], and has been for life. For a reader of many gauges, most
    /// of which are so.
    ///
    /// # Returns
    /// `None` if any of it is not so, or not known to be: [`settle`](Self::settle) and
    /// [`reading`](Self::reading) tell.
    ///
    /// # Progress
    /// Wait-free; writes nothing.
    #[inline(always)]
    pub fn depths_before_edges(&self) -> Option<(u64, u64)> {
        // Acquire: the thread that made an edge in this word published the number before it: so a tag that
        // has come back to 0 shows in `sequence`.
        let state = State::from_word(self.state.load(Ordering::Acquire));
        let depth = state.signed_depth();
        // Relaxed: not older than what the load above has made visible.
        let is_before = state.is_as_begun() && self.sequence.load(Ordering::Relaxed) == 0;
        if !is_before || depth < 0 || depth >= self.watermarks.rise(Level::Normal) as i64 {
            return None;
        }
        Some((depth as u64, self.marks.lifetime_with(depth as u64)?))
    }

    /// The watermarks, and with them the capacity.
    pub const fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }
}
