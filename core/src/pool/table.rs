//! The table of a pool's slots.

use super::slot::PoolSlot;

/// The slots of a pool by their places: anything that can be seen as a slice of them, or a table of
/// the caller's that grows at its end.
///
/// A place once there keeps its slot for good: tokens name places.
pub trait SlotTable {
    /// The slot at this place; `None` if there is none yet.
    fn slot(&self, place: usize) -> Option<&PoolSlot>;

    /// All slots that there are, in the order of their places.
    fn slots(&self) -> impl Iterator<Item = &PoolSlot>;
}

impl<S: AsRef<[PoolSlot]>> SlotTable for S {
    #[inline(always)]
    fn slot(&self, place: usize) -> Option<&PoolSlot> {
        self.as_ref().get(place)
    }

    #[inline(always)]
    fn slots(&self) -> impl Iterator<Item = &PoolSlot> {
        self.as_ref().iter()
    }
}
