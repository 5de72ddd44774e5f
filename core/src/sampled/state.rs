//! The sampled gauge's word as a plain value.

use crate::edge::Level;

/// Level and edges of a sampled gauge in 64 bits, low bit first:
///
/// ```text
/// 0..2    level     0 normal, 1 elevated, 2 critical, 3 full
/// 2       judging   a thread reads the depth in order to change the level
/// 3..16   turn      rises with every claim, modulo 2^13: with the sequence, each claim's word is new
/// 16..64  sequence  the edges there have been, modulo 2^48
/// ```
///
/// ```text
///            1 claim                  2 settle
/// resting ------------> judging ----------------------> resting
///            ^                |   same or other level
///            +----------------+
///          1 claim by another thread: the earlier claim can no longer settle
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State(u64);

const LEVEL_MASK: u64 = 0b11;
const JUDGING: u64 = 1 << 2;
const TURN_SHIFT: u32 = 3;
const TURN_BITS: u32 = 13;
const TURN_MASK: u64 = ((1 << TURN_BITS) - 1) << TURN_SHIFT;
const SEQUENCE_SHIFT: u32 = TURN_SHIFT + TURN_BITS;

const _: () = assert!(LEVEL_MASK & JUDGING == 0 && (LEVEL_MASK | JUDGING) & TURN_MASK == 0);
const _: () = assert!((LEVEL_MASK | JUDGING | TURN_MASK) >> SEQUENCE_SHIFT == 0);

impl State {
    pub(crate) const EMPTY: State = State(0);

    #[inline(always)]
    pub(crate) const fn from_word(word: u64) -> State {
        State(word)
    }

    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    #[inline(always)]
    pub(crate) const fn level(self) -> Level {
        Level::from_bits(self.0)
    }

    #[inline(always)]
    pub(crate) const fn is_judging(self) -> bool {
        self.0 & JUDGING != 0
    }

    /// Neither raised nor being judged: a thread that takes out need not look.
    #[inline(always)]
    pub(crate) const fn is_normal(self) -> bool {
        self.0 & (LEVEL_MASK | JUDGING) == 0
    }

    /// At rest at the normal level, with no edge so far: 2^48 of them are out of reach.
    #[inline(always)]
    pub(crate) const fn is_before_edges(self) -> bool {
        self.0 & !TURN_MASK == 0
    }

    pub(crate) const fn sequence(self) -> u64 {
        self.0 >> SEQUENCE_SHIFT
    }

    /// 1: a word that no other claim has, in which the caller may look at the depth.
    pub(crate) const fn claim(self) -> State {
        let turn = self.0.wrapping_add(1 << TURN_SHIFT) & TURN_MASK;
        State((self.0 & !TURN_MASK) | turn | JUDGING)
    }

    /// 2: the end of a claim; one edge more if `level` is another.
    pub(crate) const fn settle(self, level: Level) -> State {
        let edges = if level as u64 == self.0 & LEVEL_MASK { 0 } else { 1 << SEQUENCE_SHIFT };
        State((self.0 & !(LEVEL_MASK | JUDGING) | level as u64).wrapping_add(edges))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_partition_the_word() {
        let sequence_mask = !0 << SEQUENCE_SHIFT;
        assert_eq!(LEVEL_MASK | JUDGING | TURN_MASK | sequence_mask, u64::MAX);
        assert_eq!(LEVEL_MASK ^ JUDGING ^ TURN_MASK ^ sequence_mask, u64::MAX);
    }

    #[test]
    fn a_claim_changes_the_word_and_nothing_a_reader_sees() {
        let mut state = State::EMPTY.claim().settle(Level::Full);
        for _ in 0..3 {
            let claimed = state.claim();
            assert_ne!(claimed, state);
            assert_ne!(claimed.claim(), claimed, "a second claim spoils the first");
            assert_eq!((claimed.level(), claimed.sequence()), (Level::Full, 1));
            state = claimed.settle(Level::Full);
            assert_eq!((state.is_judging(), state.sequence()), (false, 1));
        }
        let cleared = state.claim().settle(Level::Normal);
        assert_eq!((cleared.level(), cleared.sequence()), (Level::Normal, 2));
        assert!(cleared.is_normal());
    }

    #[test]
    fn the_turn_wraps_inside_its_field() {
        let last = State(TURN_MASK);
        assert_eq!(last.claim().word(), JUDGING);
    }
}
