//! What an operation on a path leaves to its caller.

use core::ops::{BitOr, BitOrAssign};

/// What the caller has to do at the nodes of a path after an operation, by their places from the
/// leaf (0) on.
///
/// A place says that an edge has become due there. A caller that does not settle it leaves it to the
/// next [`settle`](super::Node::settle) of that node; levels that are read are right meanwhile.
///
/// Nodes from place 64 on have no place in it: settle each of these, and ask each
/// [whether an ask waits](super::Node::is_waiting).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "edges that are due and waiters that may have room are the caller's to serve"]
pub struct Duties {
    edges: u64,
    waiters: u64,
}

/// The same at one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Duty {
    pub(super) edge: bool,
    pub(super) waiters: bool,
}

impl Duties {
    /// Nothing to do.
    pub const NONE: Duties = Duties { edges: 0, waiters: 0 };

    /// Whether there is nothing to do.
    #[inline(always)]
    pub const fn is_none(self) -> bool {
        self.edges | self.waiters == 0
    }

    /// Whether the node at `place` is to [`settle`](super::Node::settle) an edge.
    pub const fn is_edge_due(self, place: usize) -> bool {
        self.edges & bit(place) != 0
    }

    /// Whether the node at `place` has waiters for whom there may be room now.
    pub const fn has_waiters(self, place: usize) -> bool {
        self.waiters & bit(place) != 0
    }

    /// The places at which an edge is due, from the leaf on.
    pub fn edges(self) -> impl Iterator<Item = usize> {
        places(self.edges)
    }

    /// The places of the nodes whose waiters are to be served, from the leaf on.
    pub fn waiters(self) -> impl Iterator<Item = usize> {
        places(self.waiters)
    }

    #[inline(always)]
    pub(super) const fn note(&mut self, place: usize, duty: Duty) {
        if duty.edge {
            self.edges |= bit(place);
        }
        if duty.waiters {
            self.waiters |= bit(place);
        }
    }
}

const fn bit(place: usize) -> u64 {
    if place < 64 { 1 << place } else { 0 }
}

fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let place = bits.trailing_zeros();
        // Without its lowest bit.
        bits &= bits.wrapping_sub(1);
        (place < 64).then_some(place as usize)
    })
}

impl BitOr for Duties {
    type Output = Duties;

    fn bitor(self, other: Duties) -> Duties {
        Duties { edges: self.edges | other.edges, waiters: self.waiters | other.waiters }
    }
}

impl BitOrAssign for Duties {
    fn bitor_assign(&mut self, other: Duties) {
        *self = *self | other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_up_to_63_are_noted_and_the_others_left_out() {
        let mut duties = Duties::NONE;
        for place in [0, 63, 64, 65, usize::MAX] {
            duties.note(place, Duty { edge: true, waiters: true });
        }
        assert!(duties.edges().eq([0, 63]));
        assert!(duties.waiters().eq([0, 63]));
        assert!(duties.is_edge_due(63) && !duties.is_edge_due(64));
        assert!(duties.has_waiters(63) && !duties.has_waiters(usize::MAX));
    }
}
