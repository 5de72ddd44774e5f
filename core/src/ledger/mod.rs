//! Ledgers: the largest users of something, in fixed memory.
//!
//! A ledger follows the largest users of something among principals who come and go by the million:
//! the peak of each (memory) or the sum (fuel, processor time). It has a fixed number of slots,
//! allocates nothing, and any number of threads record into it and read it without a lock.
//!
//! - [`PeakLedger`]: a newcomer gets in only above the least peak, and the least goes.
//! - [`SumLedger`]: Space-Saving (Metwally, Agrawal, El Abbadi 2005): a newcomer takes the place of
//!   the least sum and inherits it; what it inherited is the error of its value.
//! - [`WindowLedger`]: peaks of the current window, such as a minute, without ever being cleared.
//!
//! ```
//! use plimsoll_core::ledger::{Entry, Key, LedgerSet, Lookup, PeakLedger, Seed, sets_for};
//!
//! // In a program, the seed comes from the operating system's random numbers.
//! static HEAPS: PeakLedger<[LedgerSet; sets_for(64)]> = PeakLedger::new(Seed::new(17, 4));
//!
//! let guest = Key::new(b"guest-7")?;
//! HEAPS.record(&guest, 3 << 20);
//! HEAPS.record(&guest, 1 << 20);
//! assert_eq!(HEAPS.get(&guest), Lookup::Present { value: 3 << 20, error: 0 });
//! assert_eq!(HEAPS.get(&Key::new(b"guest-8")?), Lookup::Absent { at_most: 0 });
//!
//! let mut buffer = [Entry::NONE; 10];
//! let top = HEAPS.top(&mut buffer);
//! assert_eq!((top.entries()[0].key(), top.entries().len()), (&guest, 1));
//! assert_eq!(top.covered(), 1, "nobody who is not listed had more");
//! # Ok::<(), plimsoll_core::ledger::KeyError>(())
//! ```
//!
//! # What holds at rest
//! A key belongs to one of the ledger's *sets* of 40 slots, by its keyed hash. With no operation in
//! flight, each set holds the 40 largest peaks that were ever recorded for its keys, exactly, ties
//! going to the earlier entry; of sums it holds what Space-Saving over those keys would.
//!
//! So a key can be missing from the largest N of all only if more than 40 of those N fall into its
//! set. There are 2.5 slots for each entry of the [capacity](Ledger::capacity) N, which makes that
//! rare: at N = 4096 it happens in about one of 10,000 random fills. Whether it *can* have happened
//! here, the ledger says itself: the [certificate](Ledger::certificate) is the largest of the sets'
//! floors, and every entry at or above it is one of the largest, with none missing in between.
//!
//! An [exact](Ledger::exact) ledger has one set of N entries instead, two of them looked at as one if N
//! is above 40, and evicts the least of all: it misses none.
//!
//! # What holds while others record
//! - When `record(k, v)` has returned, `k` is tracked at `v` or more, or the floor of its set is `v`
//!   or more, and stays so (LEDGER-3, LEDGER-5).
//! - A name and its number that are read together were together in a slot at one moment (LEDGER-7).
//! - [`Lookup::Absent`] and certificates count every record that was finished before the call began.
//! - One key is never in two slots (LEDGER-10).
//!
//! # Why
//! One rule carries everything: *a slot's word strictly rises for ever*, also when the slot changes
//! hands, for a newcomer is admitted only above the least value, or inherits it.
//!
//! *No lost raise.* An eviction is an exchange of the very word that was judged the least. A raise
//! of that entry is an exchange of the same word. If the raise comes first, the eviction fails and
//! looks again; if the eviction comes first, the raise fails, finds its key gone, and enters it as a
//! newcomer, or finds a floor that is as high.
//!
//! *No second entry.* Let two threads A and B have looked through the set without finding `k`, and
//! let A put it into slot `i` over the word `a`, and B into slot `j` over `b`. Suppose that A read `j`
//! before B's exchange and B read `i` before A's. Words rise, so A saw `j` at `b` or lower, and B saw
//! `i` at `a` or lower. A chose `i`, the least by value and then by place: so `(a, i) < (b, j)`. B chose
//! `j`: so `(b, j) < (a, i)`. Both cannot be. So one of them read the other's slot after the other's
//! exchange, and found `k` there, or `k` had been evicted again. The argument needs no order between
//! different words, only that each word rises, so it holds on every processor.
//!
//! *No torn reader.* A key's cell is not written while a slot leads to it. Who has read a cell looks
//! at the slot again: the same word means that the slot has led there all the while, for words do not
//! come again.
//!
//! *No lie about an absent key.* Keys move: one that was evicted from a slot not yet looked at can
//! come back in one already passed. So the reader looks through the set, does not find `k`, and
//! only then looks through it *again* for the least value. If `k` was tracked when it began, then a
//! thread has evicted `k`, at a value `u` that was the least of all. The reader has seen this
//! eviction, by the slot's new word or by another key in the cell, so its second look comes after
//! the evictor's, and finds nothing below `u`.
//!
//! *No room for less.* A removed entry leaves a tombstone: its slot stays at its value, by a word
//! that is above the entry's and leads to no key. So removals break none of these arguments; a
//! tombstone is evicted when it is the least, like an entry, and only then does its slot serve
//! another key. What a removed key had is forgotten: it counts as never seen.
//!
//! *Turned away at a glance.* A value that was the least of a set once is a lower bound for ever.
//! So each admission notes its victim's value, and an amount up to that note can change nothing: a
//! caller that is tracked has as much. Such a record reads one cache line and writes none
//! (LEDGER-4).
//!
//! *Passed by at a glance.* No value of a set is above its ceiling, which a record raises before the
//! slot. So a reader of the largest, once it has as many as it wants, need not look at the slots of a set
//! whose ceiling is no higher than what it has passed over: whatever was recorded there before is not
//! above that either, wherever its key has gone meanwhile. Of such a set it still wants to know how high
//! absent keys can be; a single slot that is not above what other sets tell is enough.
//!
//! # Bad luck and bad intent
//! Sets are chosen by SipHash-1-3 under a [`Seed`] that a principal does not know (LEDGER-8). Work
//! per record is one set at most, whatever the size of the ledger and however newcomers grow
//! (LEDGER-9). A record is tried again only if another one has changed the word it was about to
//! exchange: lock-free, but for one bound. Each set has 8 cells more than slots, and an admission
//! holds one of them, so 8 threads may stand still for ever within an admission to one and the same
//! set, at whatever step, and all others finish. Only when 8 do, a *newcomer above the floor* of
//! that set waits for one of them; raises of tracked keys, records that are turned away, readers,
//! and all other sets do not.
//!
//! # Decisions
//! - *No word for the certificate.* A record that is turned away writes nothing, so a word for "the
//!   largest value lost" could tell of the evicted only. But neither they nor the turned away were
//!   above the floor of their set, and floors never fall: the largest floor is the bound for both.
//!   Merged sums are the exception: their floor has what both ledgers know of an entry, which can be
//!   far above what both have lost. They turn no key away, so a word holds it exactly.
//! - *A removed entry's slot is not freed.* Its words would come again, and a stalled raise or eviction
//!   would find the word that it expects. Generations in the word take bits that values need, and run
//!   out. A ledger whose guests leave all the time is a [`WindowLedger`]: there a removed entry's
//!   slot is as good as free from the next window on.
//! - *Exact up to 80 entries.* Every slot is looked at for the least, so an admission takes time in
//!   proportion to N. A tree over the slots would make that O(log N), and keys would need an index
//!   without locks whose cells are used again: to look at again if exact ledgers of thousands are
//!   wanted.
//! - *40 slots to a set, for 16 of the capacity.* Of 4096 keys thrown into sets at random, some set
//!   gets more than it has slots for in this share of fills: 512 sets of 24, 0.2 %; 341 of 32, 0.04 %;
//!   256 of 36, 0.3 %; *256 of 40, 0.01 %*; 128 of 56, 1 %. More slots for fewer sets take less memory
//!   and longer admissions, which look at every slot; with 40 the certificate covers everything at
//!   65,536 as well, in all but 0.1 % of fills. To look at again if memory per entry matters more: 40
//!   for 20 of the capacity are a fifth less, and 1 % at 4096.
//! - *A spare cell that is not free is waited for.* To steal one from a thread that may still write
//!   to it takes generations on every word of a key; to give the newcomer up takes a loss that sums
//!   cannot bound. Both cost every record something, for threads that stop within 50 instructions of
//!   each other, nine at once, in one set.

mod bound;
mod ceiling;
mod ceilings;
mod cell;
mod certificate;
mod engine;
mod error;
mod floor;
mod gone;
mod group;
mod handle;
mod hints;
mod key;
mod key_ref;
mod largest;
mod lookup;
mod merge;
mod rule;
mod search;
mod seed;
mod set;
mod slot;
#[cfg(test)]
mod tests;
mod top;
mod view;
mod window;
mod word;

pub use certificate::Certificate;
pub use engine::{Aggregate, Ledger, Peak, PeakLedger, Sum, SumLedger};
pub use error::LedgerError;
pub use handle::LedgerHandle;
pub use key::{KEY_BYTES_MAX, Key, KeyError};
pub use key_ref::KeyRef;
pub use lookup::{Entry, Lookup, Recorded};
pub use seed::Seed;
pub use set::LedgerSet;
pub use top::Top;
pub use view::Entries;
pub use window::WindowLedger;
pub use word::VALUE_MAX;

/// Slots of a set.
#[cfg(not(any(loom, shuttle)))]
const WAYS: usize = 40;
#[cfg(any(loom, shuttle))]
const WAYS: usize = 2;
/// Slots that are looked at side by side.
const LANES: usize = if WAYS % 4 == 0 { 4 } else { 1 };

/// Cells of a set beyond its slots: so many admissions to one set can be under way at once.
#[cfg(not(any(loom, shuttle)))]
const SPARES: usize = 8;
#[cfg(any(loom, shuttle))]
const SPARES: usize = 2;

const CELLS: usize = WAYS + SPARES;

/// Entries that the capacity counts on in each of several sets.
#[cfg(not(any(loom, shuttle)))]
const PROMISED: usize = 16;
#[cfg(any(loom, shuttle))]
const PROMISED: usize = 1;

/// How many sets a ledger for the `capacity` largest users needs: one for each 16.
///
/// Up to 40, a single set is enough, and exact outright.
pub const fn sets_for(capacity: usize) -> usize {
    if capacity > 0 && capacity <= WAYS { 1 } else { capacity.div_ceil(PROMISED) }
}

/// The most entries that an [exact](Ledger::exact) ledger can have: those of two sets.
pub const EXACT_MAX: usize = 2 * WAYS;

/// How many sets an [exact](Ledger::exact) ledger of so many entries needs.
pub const fn sets_for_exact(entries: usize) -> usize {
    entries.div_ceil(WAYS)
}

/// How many entries ledgers of so many sets are made for.
const fn capacity_of(sets: usize) -> usize {
    if sets == 1 { WAYS } else { sets * PROMISED }
}
