//! The usage of one node, and its capacity.

use super::MAX_AMOUNT;
use super::asker::Asker;
use super::state::State;
use crate::sync::{AtomicU64, Ordering, const_unless_loom, spin_loop, stand_back};

/// The capacity word of a node without a bound.
pub(super) const UNBOUNDED: u64 = u64::MAX;

/// What is reserved of one node, and how much may be.
///
/// ```text
/// word      0..64  see [`State`]
/// capacity  0..64  up to 2^56; the maximum says that there is no bound
/// ```
///
/// # Invariants
/// - BUDGET-1: an ask that exchanges the word leads to no usage above the capacity. A resize
///   changes the capacity first and the word's turn then: an ask either sees the new capacity, or
///   its exchange fails. The turn comes back after four resizes: an ask that has been stopped
///   between its two loads and its exchange while a multiple of four resizes were made, and that
///   finds all the rest of the word as it was, goes by the old capacity.
/// - BUDGET-4: once a resize has returned, no ask leads above the new capacity.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `look`: word load | Acquire | | `resize` | | `budget_4_resize` |
/// | `look`, `capacity`: capacity load | Relaxed | | | ordered by the load before it, or a fence | `budget_4_resize` |
/// | `exchange`: word exchange | Acquire | Relaxed | `give`, `resize` | | `budget_6_publishes` |
/// | `give`: word `fetch_sub` | Release | | `take` | what the holder has done | `budget_6_publishes` |
/// | `regret`: word `fetch_add` | Relaxed | | | the word is its own message | `budget_1_exact` |
/// | `end`, `undo`: word `fetch_sub` | Relaxed | | | a fence follows before anything is judged | `budget_2_rollback` |
/// | `resize`: capacity store | Relaxed | | | published by the exchange | `budget_4_resize` |
/// | `resize`: word load | Relaxed | | | checked by the exchange | `budget_4_resize` |
/// | `resize`: word exchange | Release | Relaxed | `look`, `take` | the capacity | `budget_4_resize` |
/// | `set_waiting`: word load, exchange | Relaxed | Relaxed | | the flag is in the word itself | `budget_3_flag` |
#[derive(Debug)]
#[repr(C)]
pub(super) struct Usage {
    word: AtomicU64,
    /// What each ask reads lies on another cache line than what it writes, as in a gauge.
    _apart: [u64; 7],
    capacity: AtomicU64,
}

/// Why a node has no room for an ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRoom {
    /// Others wait for it already.
    Waiters,
    /// It is more than there ever is.
    AboveCapacity { capacity: u64 },
    /// It does not fit beside what is reserved.
    Full { usage: u64, capacity: u64 },
}

impl Usage {
    const_unless_loom! {
        pub(super) const fn new(capacity: u64) -> Usage {
            Usage {
                word: AtomicU64::new(State::EMPTY.word()),
                _apart: [0; 7],
                capacity: AtomicU64::new(capacity),
            }
        }
    }

    #[inline(always)]
    fn look(&self) -> State {
        // Acquire: after a resize that shows in the word, the capacity below is its own or a later
        // one.
        State::from_word(self.word.load(Ordering::Acquire))
    }

    /// Usage, count and flag now.
    #[inline(always)]
    pub(super) fn state(&self) -> State {
        self.look()
    }

    /// The capacity word.
    #[inline(always)]
    pub(super) fn capacity(&self) -> u64 {
        // Relaxed: ordered by the caller's load or exchange of the word, or by its fence.
        self.capacity.load(Ordering::Relaxed)
    }

    /// Whether `amount` fits now; writes nothing.
    #[inline(always)]
    pub(super) fn check(&self, amount: u64, asker: Asker) -> Result<(), NoRoom> {
        self.fits(self.look(), amount, asker)
    }

    #[inline(always)]
    fn fits(&self, state: State, amount: u64, asker: Asker) -> Result<(), NoRoom> {
        // The capacity is loaded after the word: see the type.
        let capacity = self.capacity();
        let usage = state.usage();
        // Waiters come first. An ask that can never fit is refused as such at once.
        let has_turn = !state.is_waiting() || matches!(asker, Asker::Waiter);
        // Both are below 2^58. Without a bound there is still that of the word.
        let after = usage + amount;
        if has_turn && after <= capacity && after <= MAX_AMOUNT {
            return Ok(());
        }
        Err(Self::why(usage, capacity.min(MAX_AMOUNT), amount, has_turn))
    }

    #[cold]
    fn why(usage: u64, capacity: u64, amount: u64, has_turn: bool) -> NoRoom {
        if amount > capacity {
            NoRoom::AboveCapacity { capacity }
        } else if has_turn {
            NoRoom::Full { usage, capacity }
        } else {
            NoRoom::Waiters
        }
    }

    /// Takes `amount` if it fits; the ask stays in flight until [`end`](Self::end) or
    /// [`undo`](Self::undo) if it has other nodes to ask.
    #[inline(always)]
    pub(super) fn take(&self, amount: u64, in_flight: bool, asker: Asker) -> Result<State, NoRoom> {
        let mut state = self.look();
        loop {
            self.fits(state, amount, asker)?;
            if in_flight && state.is_crowded() {
                spin_loop();
                state = self.look();
                continue;
            }
            let next = state.take(amount, in_flight);
            match self.exchange(state, next) {
                Ok(taken) => return Ok(taken),
                Err(()) => {
                    stand_back();
                    state = self.look();
                }
            }
        }
    }

    #[inline(always)]
    fn exchange(&self, state: State, next: State) -> Result<State, ()> {
        // Acquire: what the last holder has done before its release is visible to this one. Relaxed
        // on failure: the caller looks again.
        // No model shows this: the load before it has read that release, unless the word has changed
        // meanwhile and came back.
        let exchanged = self.word.compare_exchange_weak(
            state.word(),
            next.word(),
            Ordering::Acquire,
            Ordering::Relaxed,
        );
        exchanged.map(|_| next).map_err(|_| ())
    }

    /// Ends an ask in flight: what it took stays taken.
    #[inline(always)]
    pub(super) fn end(&self) -> State {
        // Relaxed: the caller fences before it judges the usage.
        State::from_word(self.word.fetch_sub(State::end(), Ordering::Relaxed)).after_end()
    }

    /// Ends an ask in flight, and takes back what it took.
    #[inline]
    pub(super) fn undo(&self, amount: u64) -> State {
        // Relaxed: as `end`.
        let before = self.word.fetch_sub(State::step(amount) + State::end(), Ordering::Relaxed);
        State::from_word(before).give(amount).after_end()
    }

    /// Gives `amount` back.
    ///
    /// # Errors
    /// The usage, if it is less than that: nothing is given back then.
    #[inline(always)]
    pub(super) fn give(&self, amount: u64) -> Result<State, u64> {
        // Release: what this holder has done is visible to the next one.
        // No model shows this: the fences before and after it order as much there.
        let before = self.word.fetch_sub(State::step(amount), Ordering::Release);
        let before = State::from_word(before);
        if before.usage() < amount {
            Err(self.give_too_much(before, amount))
        } else {
            Ok(before.give(amount))
        }
    }

    #[cold]
    fn give_too_much(&self, before: State, amount: u64) -> u64 {
        // Meanwhile the usage was too large, and refused asks.
        self.regret(amount);
        before.usage()
    }

    /// Takes `amount` again that was given back by mistake.
    pub(super) fn regret(&self, amount: u64) {
        // Relaxed: the word is its own message.
        self.word.fetch_add(State::step(amount), Ordering::Relaxed);
    }

    /// Sets the capacity for all asks whose exchange is still to come.
    pub(super) fn resize(&self, capacity: u64) -> State {
        // Relaxed: published by the exchange below.
        self.capacity.store(capacity, Ordering::Relaxed);
        // Release: a thread that sees the new turn sees the capacity.
        self.change(Ordering::Release, State::next_turn)
    }

    /// Sets or clears the flag that an ask waits for room here; returns what it was.
    pub(super) fn set_waiting(&self, waiting: bool) -> bool {
        let mut was_waiting = false;
        // Relaxed: the flag is in the word itself.
        self.change(Ordering::Relaxed, |state| {
            was_waiting = state.is_waiting();
            state.with_waiting(waiting)
        });
        was_waiting
    }

    fn change(&self, success: Ordering, mut next: impl FnMut(State) -> State) -> State {
        // Relaxed: checked by the exchange.
        let mut state = State::from_word(self.word.load(Ordering::Relaxed));
        loop {
            let next = next(state);
            // Relaxed: tried again.
            match self.word.compare_exchange_weak(
                state.word(),
                next.word(),
                success,
                Ordering::Relaxed,
            ) {
                Ok(_) => return next,
                Err(moved) => state = State::from_word(moved),
            }
        }
    }
}
