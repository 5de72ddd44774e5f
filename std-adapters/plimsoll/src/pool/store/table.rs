//! A table that grows at its end while it is read.

use plimsoll_core::pool::{PoolSlot, SlotTable};

use crate::sync::OnceLock;

/// How often the first part can double: from 1 to more than two pools of the largest size.
const DOUBLINGS: usize = 18;

/// Entries by their numbers. The first ones are read as fast as those of a slice.
pub(in crate::pool) struct Table<T> {
    first: Box<[T]>,
    /// Each as long as all before it.
    later: [OnceLock<Box<[T]>>; DOUBLINGS],
}

impl<T> Table<T> {
    /// `len` new entries, at least one.
    pub(in crate::pool) fn new(len: usize, new: impl FnMut() -> T) -> Self {
        let first = std::iter::repeat_with(new).take(len.max(1)).collect();
        Self { first, later: [const { OnceLock::new() }; DOUBLINGS] }
    }

    #[inline(always)]
    pub(in crate::pool) fn get(&self, index: usize) -> Option<&T> {
        if let Some(entry) = self.first.get(index) {
            return Some(entry);
        }
        self.get_later(index)
    }

    #[cold]
    fn get_later(&self, index: usize) -> Option<&T> {
        let part = (index / self.first.len()).ilog2() as usize;
        self.later.get(part)?.get()?.get(index - (self.first.len() << part))
    }

    pub(in crate::pool) fn iter(&self) -> impl Iterator<Item = &T> {
        let later = self.later.iter().map_while(OnceLock::get);
        self.first.iter().chain(later.flat_map(|part| part.iter()))
    }

    /// Twice as many entries. One grows it at a time.
    ///
    /// # Returns
    /// Whether there was room.
    pub(in crate::pool) fn grow(&self, new: impl FnMut() -> T) -> bool {
        let is_free = |(_, part): &(usize, &OnceLock<Box<[T]>>)| part.get().is_none();
        let Some((number, part)) = self.later.iter().enumerate().find(is_free) else {
            return false;
        };
        let len = self.first.len() << number;
        part.set(std::iter::repeat_with(new).take(len).collect()).is_ok()
    }
}

impl SlotTable for Table<PoolSlot> {
    #[inline(always)]
    fn slot(&self, place: usize) -> Option<&PoolSlot> {
        self.get(place)
    }

    #[inline(always)]
    fn slots(&self) -> impl Iterator<Item = &PoolSlot> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_places_while_it_grows() {
        for len in [1, 2, 3, 7] {
            let mut numbers = 0..;
            let mut next = || numbers.next().unwrap();
            let table = Table::new(len, &mut next);
            for doubling in 0..5 {
                let all = len << doubling;
                assert!(table.iter().copied().eq(0..all), "{len} {doubling}");
                for index in 0..all {
                    assert_eq!(table.get(index), Some(&index));
                }
                assert_eq!((table.get(all), table.get(10 * all)), (None, None));
                assert!(table.grow(&mut next));
            }
        }
    }

    #[test]
    fn the_largest_pool_has_room_for_as_many_more() {
        let table = Table::new(1, || ());
        while table.grow(|| ()) {}
        assert!(table.iter().count() > 2 << 16);
    }
}
