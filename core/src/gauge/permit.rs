//! A guard that holds an amount in a gauge until it is dropped.

use super::Gauge;
use crate::edge::Edge;

/// Something that is counted in until this is released or dropped.
///
/// Dropping it counts out at once, but a drop has no caller to be handed an edge: an edge that is due
/// is made by the next `add`, `sub` or [`settle`](Gauge::settle) of any thread. Meanwhile
/// [`level`](Gauge::level) is right.
///
/// ```
/// use plimsoll_core::{EdgeKind, Gauge, Watermarks};
///
/// let sockets = Gauge::new(Watermarks::counts(2, 2, 1));
/// let (first, _) = sockets.permit(1);
/// let (second, edge) = sockets.permit(1);
/// assert_eq!(edge.unwrap().kind(), EdgeKind::Raised);
/// assert_eq!(first.release().unwrap().kind(), EdgeKind::Cleared);
/// drop(second);
/// assert_eq!(sockets.depth(), 0);
/// ```
#[derive(Debug)]
#[must_use = "dropping a permit counts its amount out at once"]
pub struct Permit<'g> {
    gauge: &'g Gauge,
    amount: u64,
}

impl<'g> Permit<'g> {
    #[inline]
    pub(super) fn new(gauge: &'g Gauge, amount: u64) -> Self {
        Self { gauge, amount }
    }

    /// Counts the amount out.
    ///
    /// # Returns
    /// The edge that was made, if one was due.
    #[inline]
    pub fn release(mut self) -> Option<Edge> {
        let amount = core::mem::take(&mut self.amount);
        self.gauge.sub(amount)
    }

    /// How much this permit counts: what was asked, at most [`MAX_STEP`](super::MAX_STEP).
    pub fn amount(&self) -> u64 {
        self.amount
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.amount > 0 {
            self.gauge.take_out_unsettled(self.amount);
        }
    }
}
