//! A node of a tree of budgets.

use super::MAX_AMOUNT;
use super::asker::Asker;
use super::duties::{Duties, Duty};
use super::error::CapacityError;
use super::judge::Judge;
use super::percent::PercentWatermarks;
use super::reading::Reading;
use super::state::State;
use super::usage::{NoRoom, UNBOUNDED, Usage};
use crate::edge::{Edge, Level};
use crate::sync::const_unless_loom;

/// One limit of a tree of budgets: what is reserved of it, its capacity, its level and its
/// high-water mark.
///
/// It does not know its parent: [`try_reserve`](super::try_reserve) and [`release`](super::release)
/// are given the path from a leaf to the root. A node has two cache lines of 64 bytes: one for the
/// word that each ask writes, and one for what is read beside it.
///
/// # Progress
/// Reading is wait-free; `resize`, `settle` and `take_high_water` are lock-free.
///
/// # Example
/// ```
/// use core::iter::once;
/// use plimsoll_core::EdgeKind;
/// use plimsoll_core::budget::{Asker, Node, PercentWatermarks, release, try_reserve};
///
/// static MEMORY: Node = Node::new(1000, PercentWatermarks::new());
///
/// let duties = try_reserve(once(&MEMORY), 900, Asker::Newcomer).unwrap();
/// assert!(duties.is_edge_due(0));
/// assert_eq!(MEMORY.settle().unwrap().kind(), EdgeKind::Raised);
/// assert_eq!(MEMORY.usage(), 900);
///
/// let duties = release(once(&MEMORY), 900).unwrap();
/// assert_eq!(MEMORY.settle().unwrap().kind(), EdgeKind::Cleared);
/// ```
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Node {
    counts: Usage,
    judge: Judge,
}

#[cfg(not(any(loom, shuttle)))]
const _: () = assert!(size_of::<Node>() == 128);

impl Node {
    const_unless_loom! {
        /// A node of which nothing is reserved. `const`, so that a node can be a `static`.
        ///
        /// A capacity of 0 refuses every ask until it is resized.
        ///
        /// # Panics
        /// If the capacity is above [`MAX_AMOUNT`]; in a `static` that is a compile error.
        pub const fn new(capacity: u64, watermarks: PercentWatermarks) -> Node {
            assert!(capacity <= MAX_AMOUNT, "the capacity of a budget is above 2^56");
            Node { counts: Usage::new(capacity), judge: Judge::new(watermarks) }
        }
    }

    const_unless_loom! {
        /// A node without a bound of its own: usage up to [`MAX_AMOUNT`] is counted, and no level
        /// is raised before a [`resize`](Self::resize) gives it a capacity.
        pub const fn unbounded(watermarks: PercentWatermarks) -> Node {
            Node { counts: Usage::new(UNBOUNDED), judge: Judge::new(watermarks) }
        }
    }

    /// A node of which nothing is reserved; without a bound if `capacity` is `None`.
    ///
    /// # Errors
    /// If the capacity is above [`MAX_AMOUNT`].
    pub fn try_new(
        capacity: Option<u64>,
        watermarks: PercentWatermarks,
    ) -> Result<Node, CapacityError> {
        let counts = Usage::new(capacity_word(capacity)?);
        Ok(Node { counts, judge: Judge::new(watermarks) })
    }

    /// Whether `amount` fits now; writes nothing.
    #[inline(always)]
    pub(super) fn check(&self, amount: u64, asker: Asker) -> Result<(), NoRoom> {
        self.counts.check(amount, asker)
    }

    /// Takes `amount` for an ask that goes on to other nodes.
    #[inline(always)]
    pub(super) fn begin(&self, amount: u64, asker: Asker) -> Result<(), NoRoom> {
        self.counts.take(amount, true, asker).map(|_| ())
    }

    /// Keeps what [`begin`](Self::begin) took.
    #[inline(always)]
    pub(super) fn end(&self) -> Duty {
        let state = self.counts.end();
        Duty { edge: self.is_due_after_more(state), waiters: false }
    }

    /// Takes `amount`, for an ask that has asked all its other nodes.
    #[inline(always)]
    pub(super) fn take(&self, amount: u64, asker: Asker) -> Result<Duty, NoRoom> {
        let state = self.counts.take(amount, false, asker)?;
        Ok(Duty { edge: self.is_due_after_more(state), waiters: false })
    }

    /// Gives back what [`begin`](Self::begin) took.
    pub(super) fn undo(&self, amount: u64) -> Duty {
        let state = self.counts.undo(amount);
        // Others may have been kept while this one was in flight.
        Duty { edge: self.is_due_after_more(state), waiters: state.is_waiting() }
    }

    /// Gives back what was reserved.
    #[inline(always)]
    pub(super) fn give(&self, amount: u64) -> Result<Duty, u64> {
        let state = self.counts.give(amount)?;
        let edge = state.is_at_rest() && self.judge.is_due_after_less(state.usage(), &self.counts);
        Ok(Duty { edge, waiters: state.is_waiting() })
    }

    /// Takes `amount` again that was given back by mistake.
    #[cold]
    pub(super) fn regret(&self, amount: u64) {
        self.counts.regret(amount);
    }

    /// Whether an edge is due. While an ask is in flight, the thread that ends the last of them judges.
    #[inline(always)]
    fn is_due_after_more(&self, state: State) -> bool {
        state.is_at_rest() && self.judge.is_due_after_more(state.usage(), &self.counts)
    }

    /// Makes the edge that is due, if one is and no ask is in flight.
    ///
    /// # Returns
    /// The edge: it is this caller's alone.
    pub fn settle(&self) -> Option<Edge> {
        self.judge.settle(&self.counts)
    }

    /// Sets the capacity; `None` for no bound. What is reserved stays reserved: below the usage,
    /// asks are refused until it fits again. The watermarks move with the capacity.
    ///
    /// # Returns
    /// The duties, this node being at place 0.
    ///
    /// # Errors
    /// If the capacity is above [`MAX_AMOUNT`].
    ///
    /// # Progress
    /// Lock-free.
    pub fn resize(&self, capacity: Option<u64>) -> Result<Duties, CapacityError> {
        let capacity = capacity_word(capacity)?;
        let state = self.counts.resize(capacity);
        let edge = state.is_at_rest() && self.judge.is_due_after_resize(state.usage(), capacity);
        let mut duties = Duties::NONE;
        // Also if it is smaller: a waiter that asks for more than that is refused now.
        duties.note(0, Duty { edge, waiters: state.is_waiting() });
        Ok(duties)
    }

    /// Sets or clears the flag that an ask waits for room here. While it is set, newcomers are
    /// refused, and each release says that there are waiters to be served.
    ///
    /// To wait without missing a release: set it, ask once more as [`Asker::Waiter`], then block.
    ///
    /// # Returns
    /// Whether it was set before.
    pub fn set_waiting(&self, waiting: bool) -> bool {
        self.counts.set_waiting(waiting)
    }

    /// Whether an ask waits for room here.
    pub fn is_waiting(&self) -> bool {
        self.counts.state().is_waiting()
    }

    /// What is reserved now, asks in flight included.
    #[inline]
    pub fn usage(&self) -> u64 {
        self.counts.state().usage().min(MAX_AMOUNT)
    }

    /// The capacity; `None` if there is no bound.
    pub fn capacity(&self) -> Option<u64> {
        as_option(self.counts.capacity())
    }

    /// The level that agrees with what is reserved, whether or not its edge has been made yet.
    pub fn level(&self) -> Level {
        self.level_at(self.counts.state(), self.counts.capacity())
    }

    fn level_at(&self, state: State, capacity: u64) -> Level {
        let level = self.judge.level();
        if state.is_at_rest() {
            self.judge.watermarks().judge(level, state.usage(), capacity)
        } else {
            level
        }
    }

    /// Whether the level is above [`Level::Normal`].
    pub fn is_raised(&self) -> bool {
        self.level() > Level::Normal
    }

    /// The largest usage of the node's life.
    pub fn high_water(&self) -> u64 {
        self.reading().high_water
    }

    /// The largest usage since the last call, or since the beginning; what is reserved at this
    /// moment counts for the time before the call and for the time after it.
    ///
    /// # Progress
    /// Lock-free. With several takers, each usage goes to one of them at least.
    pub fn take_high_water(&self) -> u64 {
        self.judge.take_high_water(&self.counts)
    }

    /// Usage, high-water mark, level and capacity at one moment: `usage <= high_water`, and the
    /// level agrees with what is reserved.
    ///
    /// # Staleness
    /// While asks are in flight, the usage is shown up to the high-water mark, and the level is the
    /// last settled.
    ///
    /// # Progress
    /// Lock-free; writes only if a thread has yet to note the usage that this has seen.
    pub fn reading(&self) -> Reading {
        let state = self.counts.state();
        let capacity = self.counts.capacity();
        let usage = state.usage().min(MAX_AMOUNT);
        let level = self.level_at(state, capacity);
        let high_water =
            if state.is_at_rest() { self.judge.mark_at(usage) } else { self.judge.high_water() };
        Reading {
            usage: usage.min(high_water),
            high_water,
            level,
            capacity: as_option(capacity),
            watermarks: *self.judge.watermarks(),
        }
    }

    /// The watermarks.
    pub const fn watermarks(&self) -> &PercentWatermarks {
        self.judge.watermarks()
    }
}

fn capacity_word(capacity: Option<u64>) -> Result<u64, CapacityError> {
    match capacity {
        None => Ok(UNBOUNDED),
        Some(capacity) if capacity > MAX_AMOUNT => Err(CapacityError { capacity }),
        Some(capacity) => Ok(capacity),
    }
}

fn as_option(capacity: u64) -> Option<u64> {
    (capacity != UNBOUNDED).then_some(capacity)
}
