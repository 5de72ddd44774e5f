//! The counted gauge's word as a plain value.

use crate::edge::Level;

/// Depth and level of a counted gauge in 64 bits, low bit first:
///
/// ```text
/// 0..2    level        0 normal, 1 elevated, 2 critical, 3 full
/// 2..16   tag          the edges there have been, modulo 2^14
/// 16..64  depth        two's complement; negative while a `sub` has overtaken its `add`
/// ```
///
/// The depth lies on top, so that `add` and `sub` are one addition to the word and their carry falls
/// off its end. Level and tag move together, by exchange, and only for an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State(u64);

const LEVEL_MASK: u64 = 0b11;
const TAG_SHIFT: u32 = 2;
#[cfg(not(loom))]
const TAG_BITS: u32 = 14;
// In a model that makes five edges, a number that was not published is out of reach.
#[cfg(loom)]
const TAG_BITS: u32 = 3;
const TAG_MASK: u64 = ((1 << TAG_BITS) - 1) << TAG_SHIFT;
const DEPTH_SHIFT: u32 = TAG_SHIFT + TAG_BITS;

const _: () = assert!(LEVEL_MASK & TAG_MASK == 0 && (LEVEL_MASK | TAG_MASK) >> DEPTH_SHIFT == 0);
// A depth that has reached the limit has room for 63 more steps of the largest size on top.
const _: () = assert!(crate::MAX_CAPACITY + 63 * super::MAX_STEP < 1 << (63 - DEPTH_SHIFT));

impl State {
    pub(crate) const EMPTY: State = State(0);

    #[inline(always)]
    pub(crate) const fn from_word(word: u64) -> State {
        State(word)
    }

    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    /// What `fetch_add` or `fetch_sub` takes for a change of depth by `step`.
    #[inline(always)]
    pub(crate) const fn step(step: u64) -> u64 {
        step << DEPTH_SHIFT
    }

    #[inline(always)]
    pub(crate) const fn level(self) -> Level {
        Level::from_bits(self.0)
    }

    /// At the normal level after no edge, or after a multiple of 2^14 of them.
    #[inline(always)]
    pub(crate) const fn is_as_begun(self) -> bool {
        self.0 & (LEVEL_MASK | TAG_MASK) == 0
    }

    /// The depth as counted: negative while subtractions are ahead of their additions.
    #[inline(always)]
    pub(crate) const fn signed_depth(self) -> i64 {
        self.0 as i64 >> DEPTH_SHIFT
    }

    /// The depth as a number of things: a debt is none.
    #[inline(always)]
    pub(crate) const fn depth(self) -> u64 {
        let depth = self.signed_depth();
        if depth < 0 { 0 } else { depth as u64 }
    }

    /// The same level and edges over another depth, of at most 2^46.
    pub(crate) const fn with_depth(self, depth: u64) -> State {
        State((self.0 & (LEVEL_MASK | TAG_MASK)) | Self::step(depth))
    }

    /// The same depth after one more edge, at `level`.
    pub(crate) const fn transition_to(self, level: Level) -> State {
        // Wrapping: over a debt all bits above the tag are set, and its carry falls off the end.
        let tag = self.0.wrapping_add(1 << TAG_SHIFT) & TAG_MASK;
        State((self.0 & !(LEVEL_MASK | TAG_MASK)) | tag | level as u64)
    }

    /// The full number of the last edge in this word, given a full number `near` that differs from
    /// it by less than 2^13.
    pub(crate) const fn sequence(self, near: u64) -> u64 {
        let tag = (self.0 & TAG_MASK) >> TAG_SHIFT;
        // The difference modulo 2^14, sign-extended.
        let shift = u64::BITS - TAG_BITS;
        let ahead = (tag.wrapping_sub(near) << shift) as i64 >> shift;
        near.wrapping_add_signed(ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_partition_the_word() {
        let depth_mask = !0 << DEPTH_SHIFT;
        assert_eq!(LEVEL_MASK | TAG_MASK | depth_mask, u64::MAX);
        assert_eq!(LEVEL_MASK ^ TAG_MASK ^ depth_mask, u64::MAX);
    }

    #[test]
    fn a_step_moves_the_depth_alone() {
        let state = State::EMPTY.transition_to(Level::Critical);
        let up = State::from_word(state.word().wrapping_add(State::step(5)));
        assert_eq!((up.depth(), up.level()), (5, Level::Critical));
        let down = State::from_word(up.word().wrapping_sub(State::step(9)));
        assert_eq!((down.signed_depth(), down.depth(), down.level()), (-4, 0, Level::Critical));
        assert_eq!(down.sequence(0), 1);
        let set = down.with_depth(7);
        assert_eq!((set.signed_depth(), set.level(), set.sequence(0)), (7, Level::Critical, 1));
    }

    #[test]
    fn sequence_extends_across_the_wrap_of_the_tag() {
        let mut state = State::EMPTY;
        for edge in 1..=40_000u64 {
            state =
                state.transition_to(if edge % 2 == 1 { Level::Elevated } else { Level::Normal });
            for near in [edge.saturating_sub(8_000), edge - 1, edge, edge + 1, edge + 8_000] {
                assert_eq!(state.sequence(near), edge, "near {near}");
            }
        }
    }
}
