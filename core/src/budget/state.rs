//! A budget's word as a plain value.

use super::MAX_AMOUNT;

/// Usage, asks in flight and the flag of waiters of a node in 64 bits, low bit first:
///
/// ```text
/// 0       waiting    an ask waits for room here: newcomers are refused, releases have a duty
/// 1..3    turn       the resizes there have been, modulo 4
/// 3..7    in flight  asks that have taken from this node and not yet from the last of their path
/// 7..64   usage      what is reserved, those asks included
/// ```
///
/// Usage lies on top, so that a release is one subtraction. An ask in flight is in the usage and in
/// the count at once, by one exchange; the usage is what is really reserved when the count is 0.
/// The turn makes an exchange fail that was judged by the capacity before a resize.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State(u64);

const WAITING: u64 = 1;
const TURN_SHIFT: u32 = 1;
const TURN_MASK: u64 = 0b11 << TURN_SHIFT;
const IN_FLIGHT_SHIFT: u32 = 3;
const IN_FLIGHT_ONE: u64 = 1 << IN_FLIGHT_SHIFT;
const IN_FLIGHT_MASK: u64 = 0b1111 << IN_FLIGHT_SHIFT;
const USAGE_SHIFT: u32 = 7;

const _: () = assert!(WAITING & TURN_MASK == 0 && (WAITING | TURN_MASK) & IN_FLIGHT_MASK == 0);
const _: () = assert!((WAITING | TURN_MASK | IN_FLIGHT_MASK) >> USAGE_SHIFT == 0);
const _: () = assert!(MAX_AMOUNT <= u64::MAX >> USAGE_SHIFT);

impl State {
    pub(crate) const EMPTY: State = State(0);

    #[inline(always)]
    pub(crate) const fn from_word(word: u64) -> State {
        State(word)
    }

    #[inline(always)]
    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    /// What a subtraction from the word takes for a release of `amount`.
    #[inline(always)]
    pub(crate) const fn step(amount: u64) -> u64 {
        amount << USAGE_SHIFT
    }

    /// What a subtraction from the word takes to end an ask that is in flight and keeps its amount.
    #[inline(always)]
    pub(crate) const fn end() -> u64 {
        IN_FLIGHT_ONE
    }

    #[inline(always)]
    pub(crate) const fn usage(self) -> u64 {
        self.0 >> USAGE_SHIFT
    }

    #[inline(always)]
    pub(crate) const fn is_waiting(self) -> bool {
        self.0 & WAITING != 0
    }

    /// Whether nothing is in flight: the usage is what is really reserved.
    #[inline(always)]
    pub(crate) const fn is_at_rest(self) -> bool {
        self.0 & IN_FLIGHT_MASK == 0
    }

    /// Whether as many asks are in flight as can be counted.
    #[inline(always)]
    pub(crate) const fn is_crowded(self) -> bool {
        self.0 & IN_FLIGHT_MASK == IN_FLIGHT_MASK
    }

    /// `amount` more, taken by an ask that stays in flight or not. It fits, and so does the count.
    #[inline(always)]
    pub(crate) const fn take(self, amount: u64, in_flight: bool) -> State {
        State(self.0 + Self::step(amount) + in_flight as u64 * IN_FLIGHT_ONE)
    }

    #[inline(always)]
    pub(crate) const fn give(self, amount: u64) -> State {
        State(self.0.wrapping_sub(Self::step(amount)))
    }

    #[inline(always)]
    pub(crate) const fn after_end(self) -> State {
        State(self.0.wrapping_sub(IN_FLIGHT_ONE))
    }

    /// The same after one more resize.
    pub(crate) const fn next_turn(self) -> State {
        let turn = (self.0 + (1 << TURN_SHIFT)) & TURN_MASK;
        State((self.0 & !TURN_MASK) | turn)
    }

    pub(crate) const fn with_waiting(self, waiting: bool) -> State {
        State((self.0 & !WAITING) | waiting as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_partition_the_word() {
        let usage_mask = !0 << USAGE_SHIFT;
        assert_eq!(WAITING | TURN_MASK | IN_FLIGHT_MASK | usage_mask, u64::MAX);
        assert_eq!(WAITING ^ TURN_MASK ^ IN_FLIGHT_MASK ^ usage_mask, u64::MAX);
    }

    #[test]
    fn an_ask_moves_usage_and_count_alone() {
        let start = State::EMPTY.next_turn().with_waiting(true);
        let taken = start.take(5, true);
        assert_eq!((taken.usage(), taken.is_at_rest(), taken.is_waiting()), (5, false, true));
        let ended = taken.after_end();
        assert_eq!((ended.usage(), ended.is_at_rest()), (5, true));
        assert_eq!(taken.word() - State::end(), ended.word());
        assert_eq!(ended.give(5), start);
        assert_eq!(ended.word() - State::step(5), start.word());
        let full = State::EMPTY.take(MAX_AMOUNT, false);
        assert_eq!((full.usage(), full.is_at_rest()), (MAX_AMOUNT, true));
    }

    #[test]
    fn the_count_is_full_at_fifteen() {
        let mut state = State::EMPTY;
        for _ in 0..15 {
            assert!(!state.is_crowded());
            state = state.take(1, true);
        }
        assert!(state.is_crowded());
        assert_eq!(state.usage(), 15);
    }

    #[test]
    fn the_turn_wraps_inside_its_field() {
        let mut state = State::EMPTY.take(7, true).with_waiting(true);
        let before = state;
        for _ in 0..3 {
            let next = state.next_turn();
            assert_ne!(next, state);
            assert_eq!((next.usage(), next.is_waiting(), next.is_at_rest()), (7, true, false));
            state = next;
        }
        assert_eq!(state.next_turn(), before);
        assert!(!before.with_waiting(false).is_waiting());
    }
}
