//! Cells that hold keys.

use super::CELLS;
use super::key::{Key, words_in};
use super::key_ref::KeyRef;
use super::lookup::Entry;
use super::word::VALUE_MAX;
use crate::sync::{AtomicU64, Ordering, const_unless_loom, fence};

/// Room for one key, and for what does not change while it is there.
///
/// ```text
/// meta   0..8   the key's code: its length, or that it is a number
///        8..64  the error of its value: what it inherited (LEDGER-6)
/// words         the key's bytes
/// ```
///
/// A cell is written only while no slot leads to it, by the one who has taken it. A thread that
/// reads it finds out by a second look at the slot whether the slot has led to it all the while
/// (LEDGER-7).
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `write`: fence | Release | | the fence of `Slot::still` | that no slot leads here | `ledger_7_torn_readers` |
/// | `write`: meta, words store | Relaxed | | | published by the slot | `ledger_7_torn_readers` |
/// | `holds`: fence | Acquire | | the fence of `write` | | `ledger_4_the_noted_floor` |
/// | `is`, `read`: meta, words load | Relaxed | | | validated by `Slot::still` | `ledger_7_torn_readers` |
///
/// The meta word comes first: it and the words of a short key are on one cache line as a rule.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Cell<const WORDS: usize> {
    meta: AtomicU64,
    words: [AtomicU64; WORDS],
}

const ERROR_SHIFT: u32 = 8;
const _: () = assert!(VALUE_MAX.leading_zeros() >= ERROR_SHIFT);

impl<const WORDS: usize> Cell<WORDS> {
    const_unless_loom! {
        pub(super) const fn new() -> Cell<WORDS> {
            #[cfg(not(loom))]
            let words = [const { AtomicU64::new(0) }; WORDS];
            #[cfg(loom)]
            let words = core::array::from_fn(|_| AtomicU64::new(0));
            Cell { meta: AtomicU64::new(0), words }
        }
    }

    fn write(&self, key: KeyRef<'_, WORDS>) {
        // Release: who finds one of these words, and looks at a slot after a fence, finds that the
        // slot no longer leads here.
        fence(Ordering::Release);
        // Relaxed: the exchange that leads a slot here publishes them.
        self.meta.store(key.code().into(), Ordering::Relaxed);
        self.words[key.last_index()].store(key.last(), Ordering::Relaxed);
        for (cell, word) in self.words.iter().zip(key.words_before()) {
            cell.store(word, Ordering::Relaxed);
        }
    }

    /// Whether this is the key's. `true` holds only if the slot still leads here afterwards; after
    /// `false`, the eviction of the key is visible.
    #[inline(always)]
    pub(super) fn holds(&self, key: KeyRef<'_, WORDS>) -> bool {
        let is_key = self.is(key);
        if !is_key {
            // Acquire: if the cell was the key's and has been written anew, the slot is seen to have
            // changed hands, and the other slots as high as the one who evicted saw them.
            fence(Ordering::Acquire);
        }
        is_key
    }

    #[inline(always)]
    fn is(&self, key: KeyRef<'_, WORDS>) -> bool {
        // Relaxed: see `holds`. Ids differ at their ends, more often than not.
        self.words[key.last_index()].load(Ordering::Relaxed) == key.last()
            && self.meta.load(Ordering::Relaxed) as u8 == key.code()
            && (self.words.iter().zip(key.words_before()))
                .all(|(cell, word)| cell.load(Ordering::Relaxed) == word)
    }

    /// The key and its error. Hold only if the slot still leads here afterwards.
    pub(super) fn read(&self) -> (Key<WORDS>, u64) {
        // Relaxed: validated by the caller.
        let meta = self.meta.load(Ordering::Relaxed);
        let word = |index: usize| self.words[index].load(Ordering::Relaxed);
        let code = meta as u8;
        // A meta word is written whole, so the code is one that fits.
        debug_assert!(words_in(code) <= WORDS);
        (Key::from_words(code, word), meta >> ERROR_SHIFT)
    }

    /// The entry of this value. Holds only if the slot still leads here afterwards.
    #[inline(always)]
    pub(super) fn entry(&self, value: u64) -> Entry<WORDS> {
        let (key, error) = self.read();
        Entry { key, value, error }
    }

    /// Sets the error, while no other thread writes the ledger, or before a slot leads here.
    pub(super) fn set_error(&self, key: KeyRef<'_, WORDS>, error: u64) {
        // Relaxed: published by the exchange that leads a slot here, or by the caller's `&mut`.
        self.meta.store(error << ERROR_SHIFT | u64::from(key.code()), Ordering::Relaxed);
    }
}

/// The cells of a set, and which of them are taken.
///
/// ```text
/// taken  0..48   one bit for each cell: a slot leads to it, or an admission under way has it
///        48..64  always 0
/// ```
///
/// There are more cells than slots. An admission takes a cell, writes its key, leads a slot to it
/// by one exchange, and puts back the cell that the slot led to before (LEDGER-7). So cells are conserved: at
/// rest as many are taken as there are entries. Who removes an entry puts back its cell.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `take`: taken load | Relaxed | | | checked by the exchange | `ledger_1_cells` |
/// | `take`: taken exchange | Acquire | Relaxed | `put_back` | | `ledger_3_raise_meets_two_evictions` |
/// | `put_back`: taken `fetch_sub` | Release | | `take` | that no slot leads there | `ledger_3_raise_meets_two_evictions` |
/// | `taken`: taken load | Relaxed | | | the word is its own message | `ledger_1_cells` |
#[derive(Debug)]
#[repr(C)]
pub(super) struct CellPool<const WORDS: usize> {
    taken: AtomicU64,
    cells: Cells<WORDS>,
}

/// The cells begin a cache line, so that few reach over the end of one.
#[derive(Debug)]
#[repr(C, align(64))]
struct Cells<const WORDS: usize>([Cell<WORDS>; CELLS]);

impl<const WORDS: usize> CellPool<WORDS> {
    const_unless_loom! {
        pub(super) const fn new() -> CellPool<WORDS> {
            #[cfg(not(loom))]
            let cells = [const { Cell::new() }; CELLS];
            #[cfg(loom)]
            let cells = core::array::from_fn(|_| Cell::new());
            CellPool { taken: AtomicU64::new(0), cells: Cells(cells) }
        }
    }

    /// The cell that a slot's word leads to; `None` for a tombstone, which leads to none.
    #[inline(always)]
    pub(super) fn cell(&self, index: usize) -> Option<&Cell<WORDS>> {
        self.cells.0.get(index)
    }

    /// Takes a cell to which no slot leads, and writes this key into it; `None` if all are taken.
    #[inline(always)]
    pub(super) fn take(&self, key: KeyRef<'_, WORDS>) -> Option<usize> {
        // Relaxed: the exchange below tells whether this is stale.
        let mut taken = self.taken.load(Ordering::Relaxed);
        loop {
            let index = taken.trailing_ones();
            if index as usize >= CELLS {
                return None;
            }
            let next = taken | 1 << index;
            // Acquire: the thread that put the cell back had led its slot away from it.
            match self.taken.compare_exchange_weak(
                taken,
                next,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(moved) => taken = moved,
            }
        }
        let index = taken.trailing_ones() as usize;
        self.cells.0[index].write(key);
        Some(index)
    }

    /// Puts back a taken cell to which no slot leads, or no longer.
    pub(super) fn put_back(&self, index: usize) {
        // Release: who takes it finds that no slot leads to it.
        self.taken.fetch_sub(1 << index, Ordering::Release);
    }

    /// How many cells are taken.
    pub(super) fn taken(&self) -> usize {
        // Relaxed: the word is its own message.
        self.taken.load(Ordering::Relaxed).count_ones() as usize
    }
}
