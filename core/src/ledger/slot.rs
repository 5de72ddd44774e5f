//! One slot of a set.

use super::word::SlotWord;
use crate::sync::{AtomicU64, Ordering, const_unless_loom, fence};

/// A slot's [word](SlotWord), which strictly rises for ever, also when the slot changes hands.
///
/// ```text
///            1 admit            2 raise
///   empty -----------> entry -----------+
///                      |  ^ ^ <---------+
///                      |  | | 3 evict: another key at a higher value
///                      |  | +-----------+
///             4 remove |  |
///                      v  | 5 admit over it: a key at a higher value
///                   tombstone
/// ```
///
/// A tombstone belongs to no key and keeps the value of the entry that was removed (LEDGER-12).
///
/// From this follow: a word that was seen twice was there all the while; a value that was seen is a
/// lower bound for ever (LEDGER-5); an eviction and a raise that race are exchanges of one word, so
/// one of them fails and looks again (LEDGER-3).
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `look`: load | Acquire | | `replace`, `raise` | | `ledger_7_torn_readers`, `ledger_3_listed_once_seen` |
/// | `still`: fence | Acquire | | the fence of `Cell::write` | | `ledger_7_torn_readers` |
/// | `still`: load | Relaxed | | | after the fence | `ledger_7_torn_readers` |
/// | `hint`: load | Relaxed | | | checked by `raise`, or equal to a word once looked at, or not used | `ledger_3_handles` |
/// | `raise`: exchange | Release | Relaxed | `look` | the set's ceiling | `ledger_3_listed_once_seen` |
/// | `replace`: exchange | Release | Relaxed | `look` | the key in the new cell | `ledger_7_torn_readers` |
/// | `remove`: exchange | Relaxed | Relaxed | | goes on with what `replace` has published | `ledger_12_remove` |
///
/// Nothing need keep a processor from reading a key late, after a raise and in the cell's next
/// life. A thread that has written there has done so behind a fence, after the slot had changed
/// hands; a reader who meets it meets that fence with its own, and `still` finds another word.
#[derive(Debug)]
pub(super) struct Slot {
    word: AtomicU64,
}

impl Slot {
    const_unless_loom! {
        pub(super) const fn new() -> Slot {
            Slot { word: AtomicU64::new(SlotWord::EMPTY.word()) }
        }
    }

    const_unless_loom! {
        /// A slot that never has an entry.
        pub(super) const fn closed() -> Slot {
            Slot { word: AtomicU64::new(SlotWord::CLOSED.word()) }
        }
    }

    #[inline(always)]
    pub(super) fn look(&self) -> SlotWord {
        // Acquire: the key in the word's cell is visible; if the slot has changed hands, so is what
        // the one who evicted had seen of the other slots.
        SlotWord::from_word(self.word.load(Ordering::Acquire))
    }

    /// Whether the slot has held `word` ever since it was looked at.
    #[inline(always)]
    pub(super) fn still(&self, word: SlotWord) -> bool {
        // Acquire: if a cell was read that had been written anew, the word that led to it is gone.
        fence(Ordering::Acquire);
        // Relaxed: ordered by the fence.
        SlotWord::from_word(self.word.load(Ordering::Relaxed)) == word
    }

    /// The word, to be compared with one that was looked at before.
    #[inline(always)]
    pub(super) fn hint(&self) -> SlotWord {
        // Relaxed: a word does not come again, so an equal one has been there all the while.
        SlotWord::from_word(self.word.load(Ordering::Relaxed))
    }

    /// 2: raises the value, if the word is unchanged.
    #[inline(always)]
    pub(super) fn raise(&self, word: SlotWord, value: u64) -> Option<SlotWord> {
        debug_assert!(value > word.value());
        let next = word.transition_to(value);
        // Release: who has seen the value finds the ceiling as high. What `replace` has published is
        // found behind it, for exchanges form a chain.
        self.word
            .compare_exchange(word.word(), next.word(), Ordering::Release, Ordering::Relaxed)
            .is_ok()
            .then_some(next)
    }

    /// 4: makes the slot a tombstone of the same value, if the word is unchanged.
    pub(super) fn remove(&self, word: SlotWord) -> bool {
        debug_assert!(word.is_entry());
        let next = word.transition_to_tombstone();
        // Relaxed: no value rises, so that no ceiling is published; what `replace` published is found behind
        // it, for exchanges form a chain. The cell is handed on by the set's word of cells.
        self.word
            .compare_exchange(word.word(), next.word(), Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// 1, 3, 5: makes the slot another key's, if the word is unchanged.
    #[inline(always)]
    pub(super) fn replace(&self, word: SlotWord, next: SlotWord) -> bool {
        debug_assert!(next.value() > word.value());
        // Release: publishes the key in the new cell, and the look at the other slots. What the old
        // word had published was acquired by the look that found it.
        self.word
            .compare_exchange(word.word(), next.word(), Ordering::Release, Ordering::Relaxed)
            .is_ok()
    }
}
