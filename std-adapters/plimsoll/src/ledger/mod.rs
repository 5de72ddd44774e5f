//! Ledgers of who uses the most memory or fuel, when guests come and go by the million: the
//! [core's ledgers](plimsoll_core::ledger), boxed, shared between threads, and listed by a
//! [`Registry`](crate::Registry).
//!
//! - [`PeakLedger`]: who has had the most at one time.
//! - [`SumLedger`]: who has used the most in all, by Space-Saving.
//! - [`WindowLedger`]: who has had the most in this minute, or whatever the window is.
//!
//! A principal is text of up to 64 bytes, or a number: a [`PrincipalId`]; longer ids are known by
//! their digest, as [`LongPrincipalId`] says. A caller that records for one
//! again and again takes a [`Principal`], which remembers its slot.
//!
//! ```
//! use plimsoll::ledger::Lookup;
//! use plimsoll::{Limit, Registry};
//!
//! let registry = Registry::new();
//! let heaps = registry.peak_ledger(Limit::memory("guest_memory"), 4_096)?;
//! let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), 4_096)?;
//!
//! heaps.record("acme", 3 << 20)?;
//! heaps.record("globex", 1 << 20)?;
//! let mut acme = fuel.principal("acme")?;
//! acme.record(1_000); // a few nanoseconds
//! acme.record(500);
//!
//! let snapshot = registry.snapshot();
//! let [heaps, fuel] = snapshot.ledgers() else { panic!("two ledgers") };
//! let largest = &heaps.users()[0];
//! assert_eq!((largest.principal().and_then(|key| key.as_str()), largest.value()), (Some("acme"), 3 << 20));
//! assert_eq!((largest.share, heaps.certified), (0.75, 2));
//! assert_eq!(fuel.users()[0].value(), 1_500);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! *Who went, and who is gone.* A record can [name whom it evicted](Ledger::record_evicting), and a
//! principal that is gone is [removed](Ledger::remove). *Time.* A [`Holder`] feeds bytes times the
//! time that they are held. *Exactly N.* [`LedgerSettings::exact`] is for a ledger that has N entries
//! and evicts the least of all. *On its own.* [`PeakLedger::new`] needs no registry.
//!
//! # When should I use it?
//! - For "who are the largest", among more principals than you want to keep a number for.
//! - Where records are frequent and come from many threads, and ids are picked by others.
//!
//! # When not?
//! - A number for each of a few thousand principals that you know is a map.
//! - It says who was the largest, not when: that is a time series.
//!
//! # What is guaranteed at rest
//! "At rest" means that no record is under way. A ledger for the N largest has 2.5 N slots, in sets
//! of 40; a principal belongs to one set, by a hash under a secret seed.
//!
//! - *Peaks.* Each set holds the 40 largest peaks that were ever recorded for its principals,
//!   exactly; who has the same peak as the least stays out. So the N largest of all are there
//!   unless more than 40 of them share a set: at N = 4,096, about one random fill of 10,000 misses
//!   anybody.
//! - *Sums.* Each value is what was recorded for the principal, and up to its error more. No error
//!   is above a 40th of what was recorded in the set, and a principal that has used more than its
//!   set's floor is listed. All values together are all that was recorded.
//! - *You need not trust the odds.* A snapshot says how many of those it lists are certified:
//!   no other has had more. It knows because a missing principal was turned away at, or evicted
//!   from, a floor of its set, and floors never fall: so nobody who is missing has had more than
//!   the largest floor there is, and who is listed with that much or more is certain. Of sums,
//!   as many are certified as would come first without their errors too.
//!
//! # What is guaranteed while others record
//! - When a record of `v` for `k` has returned, `k` is listed at `v` or more, or the floor of its
//!   set is `v` or more, and so it stays. Above all, a raise is not lost when it meets the eviction
//!   of its own principal.
//! - There are never more entries than slots, and nobody has two.
//! - A name is never shown with another's number. Readers hold up nobody, and nobody them.
//! - What a snapshot lists is not of one instant: each entry is as it was at some moment while the
//!   snapshot was taken. All records that had returned before are counted.
//!
//! # Why that holds
//! Value and place of an entry are one word of 64 bits, and this word *only rises*, even when its
//! slot changes hands: a newcomer gets in only above the least peak, or inherits the least sum. So
//! a thread that has seen a word and exchanges it for a larger one knows that nothing has happened
//! in between, for no word comes twice. A raise and the eviction of the same entry are exchanges of
//! the same word: one of them fails and looks again. Two threads that bring the same newcomer both
//! want the least slot; if they took two different ones, each would have to be less than the other.
//! And a floor that was seen once is a lower bound for ever, so that a newcomer is turned away
//! after plain loads. The [core](plimsoll_core::ledger) has the argument step by step, and
//! `loom-tests` checks each sentence of it in all interleavings of small cases.
//!
//! # What the adapter adds to that
//! - The seed is drawn from the randomness of the operating system, once for each process, unless
//!   it is [set](LedgerSettings::seed).
//! - Records that were turned away are counted. The core writes nothing for them; the count adds
//!   one write to a line of memory that belongs to the thread, as long as 32 threads or fewer
//!   record in the process. It can be [left off](LedgerSettings::count_turned_away).
//! - A removed principal leaves its slot at its value, so that floors do not fall: what was larger
//!   than all others leaves room only for what is larger still.
//! - Values end at [`VALUE_MAX`], 1 PiB in bytes; what is cut is said to be:
//!   [`is_saturated`](Ledger::is_saturated).
//! - A share is the part of [`total`](crate::SnapshotLedger::total): for sums, of all that was ever
//!   recorded; for peaks, of the peaks of all who are tracked; for a window, of those that are
//!   listed.

mod digest;
mod eras;
mod error;
mod gone;
mod held;
mod id;
mod merge;
mod places;
mod principal;
mod register;
mod settings;
mod tracked;
mod turned_away;
mod window;

pub use crate::telemetry::LedgerKind;
pub use error::{LedgerError, PrincipalError};
pub use held::{HeldBytes, Holder};
pub use id::{LongPrincipalId, PrincipalId};
pub use plimsoll_core::ledger::{Aggregate, EXACT_MAX, Entries, Peak, Sum, VALUE_MAX};
pub use plimsoll_core::ledger::{Certificate, Entry, Key, LedgerSet, Lookup, Recorded, Seed, Top};
pub use principal::{PeakPrincipal, Principal, SumPrincipal};
pub use settings::LedgerSettings;
pub use tracked::{BoxedLedger, Ledger, PeakLedger, SumLedger};
pub use window::WindowLedger;
