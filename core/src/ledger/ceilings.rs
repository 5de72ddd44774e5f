//! The sets with the highest ceilings.

use super::word::VALUE_MAX;

/// A ceiling and its set in 64 bits, low bit first:
///
/// ```text
///  0..14  set      counted from all ones down; 0 is none
/// 14..64  ceiling
/// ```
///
/// So of equal ceilings the first is the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct High(u64);

const SET_BITS: u32 = VALUE_MAX.leading_zeros();
const SET_MASK: u64 = (1 << SET_BITS) - 1;

impl High {
    #[inline(always)]
    const fn new(ceiling: u64, set: usize) -> High {
        High(ceiling << SET_BITS | (SET_MASK - set as u64))
    }

    #[inline(always)]
    const fn ceiling(self) -> u64 {
        self.0 >> SET_BITS
    }

    #[inline(always)]
    const fn set(self) -> Option<usize> {
        match self.0 & SET_MASK {
            0 => None,
            from_end => Some((SET_MASK - from_end) as usize),
        }
    }
}

/// The sets with the highest ceilings, the highest first.
pub(super) struct Ceilings {
    /// In order, from `first` on: so the last one always has the same place.
    highest: [High; Ceilings::ROOM],
    first: usize,
}

impl Ceilings {
    /// How many are kept at most.
    pub(super) const ROOM: usize = if cfg!(any(loom, shuttle)) { 1 } else { 16 };

    /// How many sets can be told apart.
    pub(super) const SETS: usize = SET_MASK as usize;

    /// Keeps up to `room` sets, [`ROOM`](Self::ROOM) at most, with ceilings above `low`.
    pub(super) fn above(low: u64, room: usize) -> Ceilings {
        let first = Ceilings::ROOM - room.clamp(1, Ceilings::ROOM);
        Ceilings { highest: [High(low << SET_BITS); Ceilings::ROOM], first }
    }

    /// A set is taken in only if its ceiling is above this. No set that was offered and is not kept has a
    /// higher ceiling.
    #[inline(always)]
    pub(super) fn low(&self) -> u64 {
        self.highest[Ceilings::ROOM - 1].ceiling()
    }

    /// Takes in a set whose ceiling is above [`low`](Self::low).
    #[inline(always)]
    pub(super) fn insert(&mut self, ceiling: u64, set: usize) {
        let new = High::new(ceiling, set);
        for place in (self.first + 1..Ceilings::ROOM).rev() {
            let above = self.highest[place - 1];
            if above > new {
                self.highest[place] = new;
                return;
            }
            self.highest[place] = above;
        }
        self.highest[self.first] = new;
    }

    /// The ceilings and their sets.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, usize)> + '_ {
        let highest = self.highest[self.first..].iter();
        highest.map_while(|high| Some((high.ceiling(), high.set()?)))
    }

    pub(super) fn has(&self, set: usize) -> bool {
        self.iter().any(|(_, other)| other == set)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_highest_of_all_are_kept_and_the_first_of_equals() {
        let all = [5, 9, VALUE_MAX, 3, 9, 2, 7, 5, VALUE_MAX];
        for room in 1..=all.len() {
            let mut highest = Ceilings::above(2, room);
            for (set, ceiling) in all.into_iter().enumerate() {
                if ceiling > highest.low() {
                    highest.insert(ceiling, set);
                }
            }
            let expected: &[_] =
                &[(VALUE_MAX, 2), (VALUE_MAX, 8), (9, 1), (9, 4), (7, 6), (5, 0), (5, 7), (3, 3)];
            let kept: Vec<_> = highest.iter().collect();
            assert_eq!(kept, expected[..room.min(8)], "room for {room}");
            assert_eq!(
                highest.low(),
                if room < 8 { expected[room - 1].0 } else { 3 - u64::from(room > 8) }
            );
            assert!(highest.has(2) && !highest.has(5));
        }
    }

    #[test]
    fn the_last_set_comes_back_as_it_went_in() {
        for ceiling in [1, VALUE_MAX] {
            let high = High::new(ceiling, Ceilings::SETS - 1);
            assert_eq!((high.ceiling(), high.set()), (ceiling, Some(Ceilings::SETS - 1)));
        }
    }
}
