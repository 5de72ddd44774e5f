//! The gauge of a channel with many handles.

use crate::credit::{Credit, CreditPool, GRANT_MIN, Grant, Granted, ThreadKey};
use crate::edge::Edge;
use crate::reading::Reading;
use crate::sampled::SampledGauge;
use crate::sync::{Ordering, const_unless_loom, fence, fence_after_rmw};
use crate::watermarks::Watermarks;

/// A [`SampledGauge`] for a channel, in which most operations need not look at the depth.
///
/// A look at depth `d` tells how many more sends cannot possibly reach the next interesting depth
/// (a watermark, one above the high-water mark, or while raised one too far above the known peak),
/// whatever is received meanwhile. Each handle takes a share of that number as its [`Credit`] and looks
/// again when it is spent. Receivers look only while the level is raised, on credit as well. Near a
/// watermark everybody looks every time.
///
/// So edges and high-water mark stay what looking every time would give, and the cost of looking (a
/// cache line of the other side) is paid once in many operations. The [peak](Edge::peak) of an edge that
/// clears may be too small by up to a 64th of the high-water mark, unless [`note_full`](Self::note_full) has
/// seen the channel full. An exact one would need a look at each send between watermark and mark, each time a
/// channel fills up.
///
/// # Invariants
/// GAUGE-3, GAUGE-4, GAUGE-5 and GAUGE-7 as [`SampledGauge`] has them.
///
/// # Orderings
/// The fences are here; the words they order are the channel's own and those of [`SampledGauge`] and
/// of credit. Those of operations follow a read-modify-write (`fence_after_rmw`).
///
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `after_send`: fence | SeqCst | | those of `judge`, `take_high_water` | the item sent | `flow_mark_taken_while_credit_is_out` |
/// | `after_receive`, `after_receive_many`: fence | SeqCst | | that of `judge` | the item received | `flow_credit_of_two_receivers` |
/// | `look_after_send`: fence | SeqCst | | that of `after_send` | credit voided a round before | `flow_credit_of_three_senders` |
/// | `look_after_receive`: fence | SeqCst | | that of `after_receive` | credit voided a round before | `flow_credit_of_two_receivers` |
/// | `settle`: fence | SeqCst | | those of `judge` and of operations | the caller's move; credit voided a round before | `flow_settled_by_hand`, `flow_send_credit_beside_a_move_by_hand` |
/// | `judge`: fence | SeqCst | | those of operations | credit voided | `flow_edge_while_send_credit_is_out` |
/// | `take_high_water`: fence | SeqCst | | that of `after_send` | credit voided | `flow_mark_taken_while_credit_is_out` |
///
/// # Progress
/// An operation on credit is wait-free. A look is lock-free: it is repeated only if another handle
/// has been granted credit, or has voided all credit, meanwhile.
///
/// # Example
/// ```
/// use std::num::NonZeroU64;
/// use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
/// use plimsoll_core::{EdgeKind, FlowGauge, Watermarks};
///
/// let depth = AtomicU64::new(0); // a channel that tells its length
/// let look = || depth.load(SeqCst);
/// let flow = FlowGauge::new(Watermarks::percent(100, 80, 50));
/// let (sender, receiver) = (flow.join_sender(), flow.join_receiver());
/// let me = NonZeroU64::MIN; // one thread only: any number will do
///
/// for n in 1..=80 {
///     depth.fetch_add(1, SeqCst);
///     let edge = flow.after_send(&sender, me, look);
///     assert_eq!(edge.is_some(), n == 80);
/// }
/// for n in (0..80).rev() {
///     depth.fetch_sub(1, SeqCst);
///     let edge = flow.after_receive(&receiver, me, look);
///     assert_eq!(edge.is_some(), n == 50);
/// }
/// assert_eq!(flow.reading(look).0.high_water, 80);
/// ```
// First what receivers read for each item, last what senders write as they look. Which cache lines these are is up
// to the holder, as `Shared` of plimsoll's crossbeam channels.
#[derive(Debug)]
#[repr(C)]
pub struct FlowGauge {
    receives: CreditPool,
    gauge: SampledGauge,
    sends: CreditPool,
}

impl FlowGauge {
    const_unless_loom! {
        /// A gauge without handles that has seen nothing.
        pub const fn new(watermarks: Watermarks) -> FlowGauge {
            FlowGauge {
                gauge: SampledGauge::new(watermarks),
                sends: CreditPool::new(),
                receives: CreditPool::new(),
            }
        }
    }

    /// The credit of a new sending handle. It begins with none.
    pub fn join_sender(&self) -> Credit {
        self.sends.join();
        Credit::new()
    }

    /// Takes a sending handle's credit back, after its last send.
    pub fn leave_sender(&self, _credit: &mut Credit) {
        self.sends.leave();
    }

    /// The credit of a new receiving handle. It begins with none.
    pub fn join_receiver(&self) -> Credit {
        self.receives.join();
        Credit::new()
    }

    /// Takes a receiving handle's credit back, after its last receive.
    pub fn leave_receiver(&self, _credit: &mut Credit) {
        self.receives.leave();
    }

    /// To be called after each item sent, with the handle's credit, the calling thread and a look.
    ///
    /// The send must have ended in an atomic read-modify-write, as every multi-producer queue's
    /// does.
    ///
    /// # Returns
    /// The edge that was made, if one was due.
    #[inline(always)]
    pub fn after_send(
        &self,
        credit: &Credit,
        thread: ThreadKey,
        depth: impl Fn() -> u64,
    ) -> Option<Edge> {
        fence_after_rmw();
        let granted = self.sends.granted();
        if granted.is_nothing() {
            if self.gauge.is_at_its_mark(self.gauge.state(), depth(), GRANT_MIN) {
                return None;
            }
        } else if credit.spend(granted, thread) {
            return None;
        }
        self.look_after_send(credit, thread, depth)
    }

    // Out of line, so that an operation on credit saves no registers for it.
    #[inline(never)]
    fn look_after_send(
        &self,
        credit: &Credit,
        thread: ThreadKey,
        depth: impl Fn() -> u64,
    ) -> Option<Edge> {
        loop {
            // A round that has voided credit looks again: of that and of an operation on the credit
            // that was voided, one sees the other.
            fence_after_rmw();
            let before = (self.sends.granted(), self.sends.holders());
            let state = self.gauge.state();
            let seen = depth();
            if !self.gauge.is_quiet(state, seen) {
                return self.judge(depth);
            }
            let rise = self.gauge.next_rise(state);
            let room = |depth: u64| rise.saturating_sub(depth.saturating_add(1));
            let room_now = || room(depth());
            // While raised, a look at a new mark, or under a low one, finds no room for a grant: it ends
            // without a call. At the normal level that is rare.
            if !state.is_normal() && credit.has_no_use_for(room(seen), thread, before) {
                return None;
            }
            if let Grant::Done = self.sends.grant(credit, thread, before, room(seen), room_now) {
                return None;
            }
        }
    }

    /// To be called after each item received, with the handle's credit, the calling thread and a
    /// look.
    ///
    /// The receive must have ended in an atomic read-modify-write.
    ///
    /// # Returns
    /// The edge that was made, if one was due.
    #[inline]
    pub fn after_receive(
        &self,
        credit: &Credit,
        thread: ThreadKey,
        depth: impl Fn() -> u64,
    ) -> Option<Edge> {
        if self.needs_no_look(|granted| credit.spend(granted, thread)) {
            return None;
        }
        self.look_after_receive(credit, thread, depth)
    }

    /// To be called after `items` were received at once, as [`after_receive`](Self::after_receive) is
    /// after one.
    ///
    /// # Returns
    /// The edge that was made, if one was due.
    #[inline]
    pub fn after_receive_many(
        &self,
        credit: &Credit,
        thread: ThreadKey,
        items: u64,
        depth: impl Fn() -> u64,
    ) -> Option<Edge> {
        if self.needs_no_look(|granted| credit.spend_many(granted, thread, items)) {
            return None;
        }
        self.look_after_receive(credit, thread, depth)
    }

    /// Whether a receive can clear nothing, or `spend` has paid for it.
    #[inline(always)]
    fn needs_no_look(&self, spend: impl FnOnce(Granted) -> bool) -> bool {
        fence_after_rmw();
        self.gauge.state().is_normal() || spend(self.receives.granted())
    }

    // Out of line as well.
    #[inline(never)]
    fn look_after_receive(
        &self,
        credit: &Credit,
        thread: ThreadKey,
        depth: impl Fn() -> u64,
    ) -> Option<Edge> {
        loop {
            // As in `look_after_send`.
            fence_after_rmw();
            let before = (self.receives.granted(), self.receives.holders());
            let state = self.gauge.state();
            let seen = depth();
            if !self.gauge.is_quiet(state, seen) {
                return self.judge(depth);
            }
            let fall = self.gauge.watermarks().fall(state.level())?;
            let room = |depth: u64| depth.saturating_sub(fall + 1);
            let room_now = || room(depth());
            if credit.has_no_use_for(room(seen), thread, before) {
                return None;
            }
            if let Grant::Done = self.receives.grant(credit, thread, before, room(seen), room_now) {
                return None;
            }
        }
    }

    /// To be called after the channel was moved without a handle, by any number of items and in either
    /// direction. It looks at the depth, and ends the credit for which there is no room any more.
    ///
    /// # Returns
    /// The edge that was made, if one was due.
    pub fn settle(&self, mut depth: impl FnMut() -> u64) -> Option<Edge> {
        loop {
            // Of the caller's move and of a grant that counts on the depth before it, one sees the other;
            // in a second round, so do the voiding and an operation on the credit that was voided.
            fence_after_rmw();
            let (sends, receives) = (self.sends.granted(), self.receives.granted());
            let state = self.gauge.state();
            let seen = depth();
            if !self.gauge.is_quiet(state, seen) {
                return self.judge(depth);
            }
            let rise = self.gauge.next_rise(state);
            let send_room = rise.saturating_sub(seen.saturating_add(1));
            let fall = self.gauge.watermarks().fall(state.level());
            let receive_room = fall.map_or(u64::MAX, |fall| seen.saturating_sub(fall + 1));
            let fits =
                self.sends.fits(sends, send_room) & self.receives.fits(receives, receive_room);
            if fits {
                return None;
            }
        }
    }

    /// To be called when there was no room for a send: notes the depth as a mark and a peak, which the sends
    /// before may have reached on credit. Makes no edge.
    ///
    /// # Progress
    /// Lock-free.
    #[cold]
    pub fn note_full(&self, depth: impl FnOnce() -> u64) {
        // The state first: what is seen after it is of its stretch.
        let state = self.gauge.state();
        self.gauge.note(state, depth());
    }

    /// Credit was granted for the level that held: it ends before the look that may change it.
    #[cold]
    fn judge(&self, mut depth: impl FnMut() -> u64) -> Option<Edge> {
        self.gauge.judge_with(|| {
            self.sends.void();
            self.receives.void();
            // SeqCst: either an operation finds its credit void, or its move is visible to the look.
            fence(Ordering::SeqCst);
            depth()
        })
    }

    /// Depth, high-water mark and level, looked at afresh: the caller has not moved the channel, so
    /// nobody counts on what it sees.
    ///
    /// # Returns
    /// The reading, and the edge that was made, if one was due.
    #[inline(always)]
    pub fn reading(&self, mut depth: impl FnMut() -> u64) -> (Reading, Option<Edge>) {
        let (state, seen) = (self.gauge.state(), depth());
        if self.gauge.is_quiet(state, seen) {
            return (self.gauge.quiet_reading(state, seen), None);
        }
        let mut seen = 0;
        let edge = self.judge(|| {
            seen = depth();
            seen
        });
        (self.gauge.reading_at(seen), edge)
    }

    /// Depth and high-water mark, looked at afresh, if there has never been an edge, none is due, and there
    /// is nothing to note: the level is `Normal`, and has been for life.
    ///
    /// # Returns
    /// `None` if any of it is not so: [`reading`](Self::reading) tells.
    ///
    /// # Progress
    /// Wait-free; writes nothing.
    #[inline(always)]
    pub fn depths_before_edges(&self, depth: impl FnOnce() -> u64) -> Option<(u64, u64)> {
        self.gauge.depths_before_edges(depth)
    }

    /// The largest depth since the last call, or since the beginning; the depth at this moment
    /// counts for the time before the call and for the time after it.
    pub fn take_high_water(&self, depth: impl Fn() -> u64) -> u64 {
        self.gauge.take_high_water(|| {
            // A new window makes lower depths interesting again.
            self.sends.void();
            // SeqCst: either a send finds its credit void, or it is visible to this look.
            fence(Ordering::SeqCst);
            depth()
        })
    }

    /// The gauge behind: level and high-water mark without a look.
    #[inline]
    pub const fn gauge(&self) -> &SampledGauge {
        &self.gauge
    }
}
