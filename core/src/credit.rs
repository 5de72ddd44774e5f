//! The credit of a channel's handles: operations that need no look at its depth.

use crate::sync::{AtomicU64, Ordering, const_unless_loom, fence_after_rmw};

/// A number that tells threads apart while they live, never 0: the address of a thread-local, say.
pub type ThreadKey = core::num::NonZeroU64;

/// Fewer operations than this are not worth the exchange of a grant.
#[cfg(not(loom))]
pub(crate) const GRANT_MIN: u64 = 4;
#[cfg(loom)]
pub(crate) const GRANT_MIN: u64 = 1;
/// Room for fewer operations of each handle is not worth a new generation: it would end before the
/// last handle has had its share.
#[cfg(not(loom))]
const RENEWAL_MIN: u64 = 4 * GRANT_MIN;
#[cfg(loom)]
const RENEWAL_MIN: u64 = 2 * GRANT_MIN;

/// The lower part of both words: a number of operations.
const COUNT_BITS: u32 = 16;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
/// The upper part of both words: a generation.
const GENERATION: u64 = 1 << COUNT_BITS;

/// All credit given out for one direction of a channel, low bit first:
///
/// ```text
/// 0..16   granted     operations granted in this generation, spent or not
/// 16..64  generation  grants of earlier generations are void
/// ```
///
/// The word strictly rises, so an exchange fails if anything has happened in between.
///
/// # Invariants
/// With no operation in flight, those that hold credit of this generation cannot carry the depth to
/// the next interesting one: so GAUGE-4 and GAUGE-5 hold although most operations do not look.
///
/// # Orderings
/// The callers' fences order an operation against a grant and against a voiding: of a thread that has
/// moved the thing and then loads the pool, and one that has changed the pool and then looks, at
/// least one sees the other.
///
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | `granted`: pool load | Acquire | | `void` | | `flow_mark_taken_while_credit_is_granted` |
/// | `void`: pool `fetch_add` | Release | | `granted` | the claim, reset or theft before it | `flow_theft` |
/// | `grant`: pool exchange | Relaxed | Relaxed | | ordered by the fences around it | `flow_credit` |
/// | `grant`: fence | SeqCst | | `FlowGauge`'s fences | the share | `flow_credit` |
/// | `join`, `leave`, `holders` | Relaxed | | | a hint | `flow_clone` |
#[derive(Debug)]
pub(crate) struct CreditPool {
    pool: AtomicU64,
    /// How many handles there are.
    holders: AtomicU64,
}

/// What a pool had given out when it was looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Granted(u64);

impl Granted {
    /// Nothing that any handle could still hold.
    #[inline(always)]
    pub(crate) fn is_nothing(self) -> bool {
        self.sum() == 0
    }

    #[inline(always)]
    fn sum(self) -> u64 {
        self.0 & COUNT_MASK
    }

    #[inline(always)]
    fn generation(self) -> u64 {
        self.0 & !COUNT_MASK
    }
}

/// What became of a grant.
#[must_use]
pub(crate) enum Grant {
    /// It was made, or there was nothing to give.
    Done,
    /// The pool has moved on, or had to: look again.
    LookAgain,
}

impl CreditPool {
    const_unless_loom! {
        pub(crate) const fn new() -> CreditPool {
            CreditPool { pool: AtomicU64::new(GENERATION), holders: AtomicU64::new(0) }
        }
    }

    /// What was given out, before a look at the depth.
    #[inline(always)]
    pub(crate) fn granted(&self) -> Granted {
        // Acquire: what was written before the last voiding is found by what follows: that the level
        // is being judged, that the mark was taken, that a credit has passed to another thread.
        Granted(self.pool.load(Ordering::Acquire))
    }

    /// How many handles there are.
    pub(crate) fn holders(&self) -> u64 {
        // Relaxed: a hint; see `grant`.
        self.holders.load(Ordering::Relaxed)
    }

    /// Voids every grant: each operation that comes looks before it goes on.
    pub(crate) fn void(&self) {
        // The count stays and errs on the safe side until the next grant. Release: a thread that is
        // granted credit after this finds what the caller has written before. No model shows this:
        // all callers but a theft pass a fence first, and a theft without it needs more steps than
        // a model holds (its victim spends all, is stopped, and puts back what the thief has spent
        // meanwhile).
        self.pool.fetch_add(GENERATION, Ordering::Release);
    }

    /// Gives `credit` its share of the `room` that a look after `granted` and `holders` has found.
    ///
    /// `room_now` looks again once the share stands in the pool. Of this and of an operation that has
    /// looked without finding the share there, one sees the other; without it, a thread that is
    /// stopped before the exchange would give away room that others have used up since.
    pub(crate) fn grant(
        &self,
        credit: &Credit,
        thread: ThreadKey,
        (granted, holders): (Granted, u64),
        room: u64,
        room_now: impl FnOnce() -> u64,
    ) -> Grant {
        // The only handle, in the hands of its owner, has spent all there was, or its owner would not
        // be here: what comes next begins anew. If another handle has joined unseen, its credit ends
        // with the generation, and its moves are found by `room_now`.
        let alone = credit.is_alone(thread, holders);
        let outstanding = if alone { 0 } else { granted.sum() };
        let holders = holders.max(1);
        let share = room.min(COUNT_MASK).saturating_sub(outstanding) / holders;
        // What is outstanding is spent for the most part. Where all room is worth the looks of the
        // others and the rest of it is not, it begins anew as well.
        let is_used_up = share < GRANT_MIN && room / holders >= RENEWAL_MIN;
        if room < outstanding || is_used_up {
            let _ = self.exchange(granted, granted.generation() + GENERATION);
            return Grant::LookAgain;
        }
        if share < GRANT_MIN {
            return Grant::Done;
        }
        if !credit.belongs_to(thread) && !credit.claim(thread) {
            if !credit.was_idle() {
                return Grant::Done;
            }
            self.steal(credit, thread);
            return Grant::LookAgain;
        }
        let begun = if alone { granted.generation() + GENERATION } else { granted.0 };
        let next = Granted(begun + share);
        if !self.exchange(granted, next.0) {
            return Grant::LookAgain;
        }
        // SeqCst: an operation that has not found the share is visible to the look.
        fence_after_rmw();
        if room_now() < next.sum() {
            return Grant::LookAgain;
        }
        credit.put(next.generation() + share);
        Grant::Done
    }

    /// Passes `credit` to `thread`. Voiding comes last: it ends what the former owner is granted until
    /// then, and a thread that finds it void finds the new owner.
    fn steal(&self, credit: &Credit, thread: ThreadKey) {
        credit.pass_to(thread);
        self.void();
    }

    /// Whether what `granted` has given out fits into `room`. If not, it is void, or the pool has moved
    /// on: look again.
    pub(crate) fn fits(&self, granted: Granted, room: u64) -> bool {
        let fits = granted.sum() <= room;
        if !fits {
            let _ = self.exchange(granted, granted.generation() + GENERATION);
        }
        fits
    }

    fn exchange(&self, granted: Granted, next: u64) -> bool {
        // Relaxed, both: the fences before and after order it.
        self.pool.compare_exchange(granted.0, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    pub(crate) fn join(&self) {
        // Relaxed: a hint.
        self.holders.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self) {
        // Relaxed: a hint.
        self.holders.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The credit of one channel handle, in three words:
///
/// ```text
/// owner  0..64   the thread that may spend; 0: nobody yet
/// left   0..16   operations left
///        16..64  the generation they were granted in
/// seen   0..64   `left` as the last thread saw it that may not spend
/// ```
///
/// Spending is a load and a store, not a read-modify-write, so only one thread may: the owner. A
/// handle that is used by another thread passes to it once the owner has not spent between two
/// looks of the other. A late store of the former owner puts back credit of a generation that the
/// theft has voided.
///
/// # Orderings
/// | operation | success | failure | pairs with | publishes | model |
/// |---|---|---|---|---|---|
/// | all | Relaxed | | | published by `CreditPool::void`, found by `granted` | `flow_theft` |
#[derive(Debug)]
#[must_use = "it counts as a handle's until it is handed back by `leave_sender` or `leave_receiver`"]
pub struct Credit {
    owner: AtomicU64,
    left: AtomicU64,
    seen: AtomicU64,
}

impl Credit {
    pub(crate) fn new() -> Self {
        Self { owner: AtomicU64::new(0), left: AtomicU64::new(0), seen: AtomicU64::new(0) }
    }

    /// Spends the credit for one operation, if `granted`, seen after the move and a fence, leaves it
    /// valid.
    #[inline(always)]
    pub(crate) fn spend(&self, granted: Granted, thread: ThreadKey) -> bool {
        // Relaxed: only the owner's own stores matter.
        let left = self.left.load(Ordering::Relaxed);
        // In one comparison: the same generation, and more than none left.
        if left.wrapping_sub(granted.generation() + 1) >= COUNT_MASK || !self.belongs_to(thread) {
            return false;
        }
        // Relaxed: only the owner stores, and a late store is void.
        self.left.store(left - 1, Ordering::Relaxed);
        true
    }

    /// Spends the credit for `items` moved at once. What is less than that is spent as well: the look
    /// that follows takes the owner to have none.
    #[inline]
    pub(crate) fn spend_many(&self, granted: Granted, thread: ThreadKey, items: u64) -> bool {
        // Relaxed: as in `spend`.
        let left = self.left.load(Ordering::Relaxed);
        let count = left.wrapping_sub(granted.generation());
        if count > COUNT_MASK || !self.belongs_to(thread) {
            return false;
        }
        // Relaxed: as in `spend`.
        self.left.store(left - items.min(count), Ordering::Relaxed);
        items <= count
    }

    /// Whether `room`, found after `granted` and `holders`, is too small for a grant and nothing is
    /// outstanding: then [`CreditPool::grant`] is [`Grant::Done`], without a call.
    #[inline(always)]
    pub(crate) fn has_no_use_for(
        &self,
        room: u64,
        thread: ThreadKey,
        (granted, holders): (Granted, u64),
    ) -> bool {
        room < GRANT_MIN && (granted.is_nothing() || self.is_alone(thread, holders))
    }

    /// Whether this is the only handle, in the hands of its owner.
    #[inline(always)]
    fn is_alone(&self, thread: ThreadKey, holders: u64) -> bool {
        holders <= 1 && self.belongs_to(thread)
    }

    #[inline(always)]
    fn belongs_to(&self, thread: ThreadKey) -> bool {
        // Relaxed: found after `granted`, or harmless because the theft voids.
        self.owner.load(Ordering::Relaxed) == thread.get()
    }

    /// Takes a credit that nobody owns yet.
    fn claim(&self, thread: ThreadKey) -> bool {
        // Relaxed: one thread wins; there is nothing to spend before its first grant.
        self.owner.compare_exchange(0, thread.get(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn pass_to(&self, thread: ThreadKey) {
        // Relaxed: the voiding that follows publishes it.
        self.owner.store(thread.get(), Ordering::Relaxed);
    }

    fn put(&self, left: u64) {
        // Relaxed: only the owner spends it.
        self.left.store(left, Ordering::Relaxed);
    }

    /// Whether the owner has not spent since the last call.
    fn was_idle(&self) -> bool {
        // Relaxed, all: a hint.
        let left = self.left.load(Ordering::Relaxed);
        let idle = left == self.seen.load(Ordering::Relaxed);
        self.seen.store(left, Ordering::Relaxed);
        idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a handle is, to the thread that looks.
    #[derive(Clone, Copy, Debug)]
    enum Owner {
        None,
        Mine,
        Other,
    }

    #[test]
    fn what_has_no_use_for_a_grant_gets_none_and_changes_nothing() {
        let [mine, another] = [1, 2].map(|thread| ThreadKey::new(thread).unwrap());
        let mut ended = 0;
        for (owner, holders, given) in [Owner::None, Owner::Mine, Owner::Other]
            .into_iter()
            .flat_map(|owner| (0..=3).map(move |holders| (owner, holders)))
            .flat_map(|(owner, holders)| [0, 1, 3, 9].map(|given| (owner, holders, given)))
        {
            for room in 0..=2 * RENEWAL_MIN {
                let (pool, credit) = (CreditPool::new(), Credit::new());
                let claimed = match owner {
                    Owner::None => false,
                    Owner::Mine => credit.claim(mine),
                    Owner::Other => credit.claim(another),
                };
                assert_eq!(claimed, !matches!(owner, Owner::None));
                (0..holders).for_each(|_| pool.join());
                assert!(pool.exchange(pool.granted(), GENERATION + given));
                let before = (pool.granted(), pool.holders());
                if !credit.has_no_use_for(room, mine, before) {
                    continue;
                }
                let grant = pool.grant(&credit, mine, before, room, || room);
                let case = (owner, holders, given, room);
                assert!(matches!(grant, Grant::Done), "{case:?}");
                assert_eq!(pool.granted().0, before.0.0, "{case:?}");
                assert!(!credit.spend(pool.granted(), mine), "{case:?}");
                ended += 1;
            }
        }
        // With nothing outstanding in all cases; else only where the handle is the only one, and its owner looks.
        assert_eq!(ended, GRANT_MIN * (3 * 4 + 2 * 3));
    }
}
