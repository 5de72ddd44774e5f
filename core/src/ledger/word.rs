//! A slot's word as a plain value.

/// The largest value that an entry can hold, 2^50 - 1. Larger ones are cut to it, so that it reads as
/// "this much or more".
pub const VALUE_MAX: u64 = u64::MAX >> VALUE_SHIFT;

/// Value, tag and cell of a slot in 64 bits, low bit first:
///
/// ```text
///  0..6   cell   which cell of the set holds the key
///  6..14  tag    eight bits of the key's hash, to pass by most other keys unread
/// 14..64  value  the aggregate; 0 in an empty slot, and never 0 in another
/// ```
///
/// | value | tag | cell | is |
/// |---|---|---|---|
/// | 0 | 0 | 0 | an empty slot |
/// | 1 to the largest | any | of a cell | an entry |
/// | 1 to the largest | all ones | all ones | a tombstone: what a removed entry leaves |
/// | the largest | all ones | all ones | also a closed slot, which no newcomer is above |
///
/// The value lies on top, so that a word whose value rises rises. No cell has the index of a
/// tombstone, so a tombstone is above every entry of its value, and below all of larger ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotWord(u64);

const CELL_BITS: u32 = 6;
const CELL_MASK: u64 = (1 << CELL_BITS) - 1;
const TAG_SHIFT: u32 = CELL_BITS;
const TAG_BITS: u32 = 8;
const TAG_MASK: u64 = ((1 << TAG_BITS) - 1) << TAG_SHIFT;
const VALUE_SHIFT: u32 = TAG_SHIFT + TAG_BITS;

const _: () = assert!(CELL_MASK & TAG_MASK == 0 && (CELL_MASK | TAG_MASK) >> VALUE_SHIFT == 0);
// The last index is that of a tombstone.
const _: () = assert!(super::CELLS < 1 << CELL_BITS);

impl SlotWord {
    /// How many bits there are below the value.
    pub(super) const LOW_BITS: u32 = VALUE_SHIFT;

    pub(crate) const EMPTY: SlotWord = SlotWord(0);

    /// A slot that takes no entry: a tombstone of the largest value.
    pub(crate) const CLOSED: SlotWord = SlotWord(u64::MAX);

    #[inline(always)]
    pub(crate) const fn from_word(word: u64) -> SlotWord {
        SlotWord(word)
    }

    /// An entry of `value`, which is 1 to [`VALUE_MAX`], whose key is in `cell`.
    #[inline(always)]
    pub(crate) const fn entry(value: u64, tag: u8, cell: usize) -> SlotWord {
        SlotWord(value << VALUE_SHIFT | (tag as u64) << TAG_SHIFT | cell as u64)
    }

    #[inline(always)]
    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    #[inline(always)]
    pub(crate) const fn value(self) -> u64 {
        self.0 >> VALUE_SHIFT
    }

    #[inline(always)]
    pub(crate) const fn is_empty(self) -> bool {
        self.value() == 0
    }

    /// Whether the slot has an entry: it is neither empty nor a tombstone.
    #[inline(always)]
    pub(crate) const fn is_entry(self) -> bool {
        !self.is_empty() && !self.is_tombstone()
    }

    /// Whether an entry was removed here, and no entry has come since; or the slot is closed.
    #[inline(always)]
    pub(crate) const fn is_tombstone(self) -> bool {
        self.0 & CELL_MASK == CELL_MASK
    }

    /// Where the key is; meaningless in an empty slot, and an index that no cell has in a tombstone.
    #[inline(always)]
    pub(crate) const fn cell(self) -> usize {
        (self.0 & CELL_MASK) as usize
    }

    #[inline(always)]
    pub(crate) const fn has_tag(self, tag: u8) -> bool {
        self.0 & TAG_MASK == (tag as u64) << TAG_SHIFT
    }

    /// The tag's place among all tags.
    #[inline(always)]
    pub(crate) const fn tag(self) -> u8 {
        ((self.0 & TAG_MASK) >> TAG_SHIFT) as u8
    }

    /// A number whose highest bit is set if the tag fits, and only then.
    #[inline(always)]
    pub(crate) const fn tag_fit(self, tag: u8) -> u64 {
        ((self.0 ^ (tag as u64) << TAG_SHIFT) & TAG_MASK).wrapping_sub(1)
    }

    /// A number that is the less, the less the value is, and of equal values the less the place is.
    #[inline(always)]
    pub(crate) const fn rank(self, place: usize) -> u64 {
        self.0 & !(CELL_MASK | TAG_MASK) | place as u64
    }

    /// The place and the value of a rank.
    pub(crate) const fn of_rank(rank: u64) -> (usize, u64) {
        ((rank & (CELL_MASK | TAG_MASK)) as usize, rank >> VALUE_SHIFT)
    }

    /// Tag and cell.
    #[inline(always)]
    pub(super) const fn low(self) -> u64 {
        self.0 & (CELL_MASK | TAG_MASK)
    }

    /// The largest word of all with this value.
    #[inline(always)]
    pub(super) const fn last_of(value: u64) -> SlotWord {
        SlotWord(value << VALUE_SHIFT | CELL_MASK | TAG_MASK)
    }

    /// What removing the entry leaves: a tombstone of the same value, in a larger word.
    #[inline(always)]
    pub(crate) const fn transition_to_tombstone(self) -> SlotWord {
        SlotWord(self.0 | CELL_MASK | TAG_MASK)
    }

    /// The same key at `value`.
    #[inline(always)]
    pub(crate) const fn transition_to(self, value: u64) -> SlotWord {
        SlotWord(self.0 & (CELL_MASK | TAG_MASK) | value << VALUE_SHIFT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_partition_the_word() {
        let value_mask = VALUE_MAX << VALUE_SHIFT;
        assert_eq!(CELL_MASK | TAG_MASK | value_mask, u64::MAX);
        assert_eq!(CELL_MASK ^ TAG_MASK ^ value_mask, u64::MAX);
    }

    #[test]
    fn every_field_comes_back_as_it_went_in() {
        for value in [1, 2, 1 << 40, VALUE_MAX] {
            for (tag, cell) in [(0, 0), (255, 63), (1, 62), (0x5a, 17)] {
                let word = SlotWord::entry(value, tag, cell);
                assert_eq!((word.value(), word.tag(), word.cell()), (value, tag, cell));
                assert!(word.has_tag(tag) && !word.has_tag(!tag) && !word.is_empty());
                assert_eq!((word.tag_fit(tag) >> 63, word.tag_fit(!tag) >> 63), (1, 0));
                assert_eq!(word.transition_to(7), SlotWord::entry(7, tag, cell));
                assert_eq!(SlotWord::from_word(word.word()), word);
            }
        }
        assert!(SlotWord::EMPTY.is_empty());
    }

    #[test]
    fn a_tombstone_is_above_its_value_and_below_the_next() {
        for value in [1, 2, 1 << 40, VALUE_MAX] {
            for (tag, cell) in [(0, 0), (255, 62), (0x5a, 17)] {
                let entry = SlotWord::entry(value, tag, cell);
                let gone = entry.transition_to_tombstone();
                assert!(gone.word() > entry.word() && gone.value() == value);
                assert!(
                    value == VALUE_MAX || gone.word() < SlotWord::entry(value + 1, 0, 0).word()
                );
                assert!(entry.is_entry() && !gone.is_entry() && gone.is_tombstone());
            }
        }
        assert!(!SlotWord::EMPTY.is_entry() && !SlotWord::EMPTY.is_tombstone());
        let saturated = SlotWord::entry(VALUE_MAX, 0, 0);
        assert_eq!(saturated.transition_to_tombstone(), SlotWord::CLOSED);
    }

    #[test]
    fn ranks_go_by_value_and_then_by_place() {
        let [low, high] = [SlotWord::entry(4, 255, 63), SlotWord::entry(5, 0, 0)];
        assert!(low.rank(39) < high.rank(0));
        assert!(SlotWord::entry(4, 255, 63).rank(1) < SlotWord::entry(4, 0, 0).rank(2));
        assert_eq!(SlotWord::of_rank(low.rank(39)), (39, 4));
    }

    #[test]
    fn a_larger_value_is_a_larger_word_whatever_the_key() {
        let [low, high] = [SlotWord::entry(4, 255, 63), SlotWord::entry(5, 0, 0)];
        assert!(low.word() < high.word());
        assert!(SlotWord::EMPTY.word() < SlotWord::entry(1, 0, 0).word());
    }
}
