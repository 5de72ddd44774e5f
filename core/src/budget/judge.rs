//! The level and the high-water mark of one node.

use super::MAX_AMOUNT;
use super::percent::PercentWatermarks;
use super::usage::{UNBOUNDED, Usage};
use crate::edge::{Edge, Level};
use crate::high_water::{HighWater, Peak};
use crate::sampled::State;
use crate::sync::{AtomicU64, Ordering, const_unless_loom, fence, fence_after_rmw};

/// Level, edges and high-water mark over a node's usage.
///
/// It judges the usage only while no ask is in flight; while one is, the thread that ends the last
/// of them judges later. An edge is made as a sampled gauge makes it: claim the state, look at the
/// usage again, settle the state.
///
/// # Invariants
/// - BUDGET-2: what an ask in flight has taken raises no edge and no mark, whichever thread looks.
/// - GAUGE-3: levels change one edge at a time; each edge is handed to one caller, with its number.
/// - GAUGE-4: with no operation in flight, the level agrees with usage and capacity, and what is
///   due is known to a caller.
/// - GAUGE-5: the high-water mark is at least each usage at which nothing was in flight, and at
///   most the largest that was reserved.
///
/// # Orderings
/// As those of [`SampledGauge`](crate::SampledGauge): a thread that has moved usage or capacity by
/// a read-modify-write fences and loads `state`; a thread that judges claims `state`, fences and
/// looks. Of two such threads one at least sees the other.
///
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `is_due_*`: fence | SeqCst | | `settle`, `take_high_water` | the caller's move | `budget_2_judged`, `budget_4_judged`, `budget_4_level_below_the_root` |
/// | `is_due_*`: state load | Relaxed | | | ordered by the fence | `budget_2_edges` |
/// | `claim`: state load | Relaxed | | | checked by the exchange | `budget_2_edges` |
/// | `claim`: state exchange | Relaxed | Relaxed | | ordered by the fence | `budget_2_edges` |
/// | `settle`: fence | SeqCst | | `is_due_*` | the claim | `budget_2_judged`, `budget_4_judged` |
/// | `settle`: state exchange | Relaxed | Relaxed | | the word is its own message | `budget_2_edges` |
/// | `take_high_water`: fence | SeqCst | | `is_due_*` | the reset window | `budget_2_mark` |
/// | readers: state load | Relaxed | | | the word is its own message | `budget_2_edges` |
#[derive(Debug)]
pub(super) struct Judge {
    state: AtomicU64,
    marks: HighWater<MAX_AMOUNT>,
    peak: Peak<MAX_AMOUNT>,
    watermarks: PercentWatermarks,
}

impl Judge {
    const_unless_loom! {
        pub(super) const fn new(watermarks: PercentWatermarks) -> Judge {
            Judge {
                state: AtomicU64::new(State::EMPTY.word()),
                marks: HighWater::new(),
                peak: Peak::new(),
                watermarks,
            }
        }
    }

    /// Notes what is reserved after the caller has taken more, and says whether an edge is due.
    #[inline(always)]
    pub(super) fn is_due_after_more(&self, usage: u64, counts: &Usage) -> bool {
        fence_after_rmw();
        let state = self.state();
        // Loaded after the fence: a resize that found an ask in flight left the edge to this caller.
        let capacity = counts.capacity();
        if state.is_normal() {
            // These loads do not depend on each other, so that the processor overlaps them.
            self.marks.raise(usage);
            return self.watermarks.rises_from_normal(usage, capacity);
        }
        self.note(state, usage);
        self.is_due(state, usage, capacity)
    }

    /// Says whether an edge is due after the caller has given something back.
    #[inline(always)]
    pub(super) fn is_due_after_less(&self, usage: u64, counts: &Usage) -> bool {
        fence_after_rmw();
        let state = self.state();
        !state.is_normal() && self.is_due(state, usage, counts.capacity())
    }

    /// Says whether an edge is due after a resize.
    pub(super) fn is_due_after_resize(&self, usage: u64, capacity: u64) -> bool {
        fence_after_rmw();
        self.is_due(self.state(), usage, capacity)
    }

    fn is_due(&self, state: State, usage: u64, capacity: u64) -> bool {
        state.is_judging() || !self.watermarks.is_quiet(state.level(), usage, capacity)
    }

    fn note(&self, state: State, usage: u64) {
        self.marks.raise(usage);
        if state.level() > Level::Normal {
            self.peak.raise(state.sequence(), usage);
        }
    }

    /// Makes the edge that is due, if one is and nothing is in flight.
    #[cold]
    pub(super) fn settle(&self, counts: &Usage) -> Option<Edge> {
        let claimed = self.claim();
        // SeqCst: either a thread that moves usage or capacity from here on finds the claim, or its
        // move is visible to the looks below.
        fence(Ordering::SeqCst);
        let seen = counts.state();
        let (from, usage, capacity) = (claimed.level(), seen.usage(), counts.capacity());
        let to = if seen.is_at_rest() {
            self.note(claimed, usage);
            self.watermarks.judge(from, usage, capacity)
        } else {
            // The thread that ends the last ask in flight finds the claim, or what comes of it
            // here.
            from
        };
        let peak = if to > from { usage } else { self.peak.since(claimed.sequence()).max(usage) };
        let settled = claimed.settle(to);
        // Relaxed: the word is its own message. If this fails, a later claim looks after this one.
        let exchanged = self.state.compare_exchange(
            claimed.word(),
            settled.word(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if exchanged.is_err() || to == from {
            return None;
        }
        self.peak.raise(settled.sequence(), usage);
        let capacity = (capacity != UNBOUNDED).then_some(capacity);
        Some(Edge { from, to, depth: usage, peak, capacity, sequence: settled.sequence() })
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
    fn state(&self) -> State {
        // Relaxed: the word is its own message, or a fence or an exchange orders it.
        State::from_word(self.state.load(Ordering::Relaxed))
    }

    /// The level as last settled.
    pub(super) fn level(&self) -> Level {
        self.state().level()
    }

    /// Notes a usage that was reserved, and returns the mark of the node's life.
    pub(super) fn mark_at(&self, usage: u64) -> u64 {
        self.marks.raise(usage);
        self.marks.lifetime().max(usage)
    }

    /// The mark of the node's life.
    pub(super) fn high_water(&self) -> u64 {
        self.marks.lifetime()
    }

    /// The largest usage since the last call.
    pub(super) fn take_high_water(&self, counts: &Usage) -> u64 {
        self.marks.take(|| {
            // SeqCst: either a thread that moves the usage from here on finds the window reset, or
            // its move is visible to this look.
            // No model shows this: the models of `SampledGauge` show it of the same steps.
            fence(Ordering::SeqCst);
            let seen = counts.state();
            // The thread that ends the last ask in flight notes the usage in the new window.
            if seen.is_at_rest() { seen.usage() } else { 0 }
        })
    }

    pub(super) const fn watermarks(&self) -> &PercentWatermarks {
        &self.watermarks
    }
}
