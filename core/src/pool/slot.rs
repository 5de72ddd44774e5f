//! One slot of a pool.

use super::moment::Moment;
use super::tenant::Tenant;
use super::word::{Event, SlotWord};
use crate::sync::{AtomicU64, Ordering, const_unless_loom};

/// The life cycle of one place of a pool, on a cache line of its own.
///
/// ```text
///          1 reserve             2 finish          5 take
/// vacant ------------> building -----------> idle -----------> leased
///  ^  ^                 |    |               ^ |               ^ | |
///  |  +----- 4 fail ----+    |               +-|- 6 give_back -|-+ |
///  |                         +-----------------|---------------+   |
///  |                           3 finish_leased |                   |
///  |        9 vacate                           | 8 evict           | 7 condemn
///  +------------------- condemned <------------+-------------------+
/// ```
///
/// `claim` leaves a leased slot leased, and assigns an unowned one to a tenant. 10, `rebuild`, leads
/// from condemned to building. 11, `revoke`, leads from building, leased and condemned to condemned,
/// under a new token. Only 1, 5, 8 and 11 are open to all; every other change is made by the holder of
/// the slot's token, and by nobody else.
///
/// # Invariants
/// - POOL-2: an idle word is exchanged once, so one thread leases it.
/// - POOL-3: the only ways to idle are a finished build and `give_back`.
/// - POOL-8: 5 and 8 are exchanges of the same word: one of them succeeds.
/// - POOL-10: 5 is for the word's own tenant, and a tenant's slot is nobody else's until its
///   object is gone.
/// - POOL-12: 11 and the holder's own next change are exchanges of the same word: one of them
///   succeeds.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `look`: load | Relaxed | | | checked by the exchange that follows | `pool_2` |
/// | `look_with_age`: load | Acquire | | `release` | since when it is idle, or later | `pool_8_age` |
/// | `since`: load | Relaxed | | | after the word's load; else a hint | `pool_8_age` |
/// | `release_idle`: store of `since` | Relaxed | | | published by `release` | `pool_8_age` |
/// | `acquire`: exchange | Acquire | Relaxed | `release` | | `pool_2`, `pool_12` |
/// | `advance`: exchange | Relaxed | Relaxed | | same holder, before and after | `pool_3` |
/// | `release`: exchange | Release | Relaxed | `acquire`, `look_with_age` | the object, or that it is gone | `pool_2` |
#[derive(Debug)]
// Two lines: x86 processors fetch them in pairs.
#[repr(align(128))]
pub struct PoolSlot {
    word: AtomicU64,
    /// A [`Moment`].
    since: AtomicU64,
}

impl PoolSlot {
    const_unless_loom! {
        /// A vacant slot.
        pub const fn new() -> PoolSlot {
            PoolSlot { word: AtomicU64::new(SlotWord::VACANT.word()), since: AtomicU64::new(0) }
        }
    }

    #[inline(always)]
    pub(super) fn look(&self) -> SlotWord {
        // Relaxed: a thread that acts on it exchanges this very word.
        SlotWord::from_word(self.word.load(Ordering::Relaxed))
    }

    /// The word, and since when it is idle if it is; a later moment if it is idle no more.
    #[inline(always)]
    pub(super) fn look_with_age(&self) -> (SlotWord, Moment) {
        // Acquire: the moment was noted before the word.
        let word = SlotWord::from_word(self.word.load(Ordering::Acquire));
        (word, self.since())
    }

    /// Since when it is idle. A hint, unless its word was looked at before.
    #[inline(always)]
    pub(super) fn since(&self) -> Moment {
        // Relaxed: it decides which slot is tried first.
        Moment::from_word(self.since.load(Ordering::Relaxed))
    }

    /// 1, 5, 8, 11: the caller becomes the holder, if the word is unchanged.
    #[inline(always)]
    pub(super) fn acquire(&self, word: SlotWord, event: Event) -> Option<SlotWord> {
        let next = word.transition_on(event).to()?;
        // Acquire: what the last holder did with the object, or that it has taken it out. Of two
        // who exchange one word, the second fails.
        self.word
            .compare_exchange(word.word(), next.word(), Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
            .then_some(next)
    }

    /// 3, 7, 10 and `claim`: the holder stays the holder.
    #[inline(always)]
    pub(super) fn advance(&self, word: SlotWord, event: Event) -> Option<SlotWord> {
        let next = word.transition_on(event).to()?;
        // Relaxed: nothing is handed over. What was handed over before is still found by a
        // later holder, for the exchanges form a chain.
        self.word
            .compare_exchange(word.word(), next.word(), Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
            .then_some(next)
    }

    /// 4, 9: the slot is everybody's again.
    #[inline(always)]
    pub(super) fn release(&self, word: SlotWord, event: Event) -> Option<SlotWord> {
        let next = word.transition_on(event).to()?;
        // Release: what was done with the object comes before its next holder. A read-modify-write
        // and no store: the holder's look at the demand comes after it.
        self.word
            .compare_exchange(word.word(), next.word(), Ordering::Release, Ordering::Relaxed)
            .is_ok()
            .then_some(next)
    }

    /// 2, 6: the same, with an object to be leased.
    #[inline(always)]
    pub(super) fn release_idle(
        &self,
        word: SlotWord,
        event: Event,
        now: Moment,
    ) -> Option<SlotWord> {
        // Relaxed: published by the exchange. Only the holder stores.
        self.since.store(now.to_word(), Ordering::Relaxed);
        self.release(word, event)
    }

    /// 8.
    pub(super) fn evict(&self, word: SlotWord) -> Option<SlotWord> {
        self.acquire(word, Event::Evict)
    }

    /// 11.
    pub(super) fn revoke(&self, word: SlotWord) -> Option<SlotWord> {
        self.acquire(word, Event::Revoke)
    }

    /// 5, if it is idle and this tenant's.
    #[inline(always)]
    pub(super) fn take(&self, tenant: Tenant) -> Option<SlotWord> {
        self.acquire(self.look(), Event::Take(tenant))
    }
}

impl Default for PoolSlot {
    fn default() -> Self {
        Self::new()
    }
}
