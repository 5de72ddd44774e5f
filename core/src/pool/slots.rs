//! The slots of a pool: which are lent, and to whom.

use core::cmp::Reverse;

use super::counts::{PoolCounts, SlotView};
use super::error::{ClaimError, ForeignToken, PoolSlotsError, check_slots};
use super::moment::Moment;
use super::slot::PoolSlot;
use super::table::SlotTable;
use super::tenant::Tenant;
use super::token::sealed::Sealed;
use super::token::{Building, Condemned, Held, Leased, PoolId, SlotId, Token};
use super::word::{Event, SlotState, SlotWord, Transition};
use crate::sync::const_unless_loom;

/// A fixed number of places for instances, and who has which.
///
/// The slots are the pool's own: an array for a `static`, or whatever the caller brings that can be
/// seen as a slice of [`PoolSlot`], such as a box, or a [`SlotTable`] that grows. The objects are the caller's, in a table with
/// the places of [`SlotId::index`].
///
/// Who holds a token of a slot holds its object: it makes it while [`Building`], uses it while
/// [`Leased`], drops it while [`Condemned`]. A token that is dropped keeps its slot for ever, and
/// the object has no owner; so a caller who may fail in between wraps it in a guard that condemns.
///
/// Time is an argument, and decides which idle slot is the hottest and which the coldest: a tick, or a
/// [`Moment`] within one. Of slots that became idle at the same moment the lowest place is the hotter one.
///
/// # Invariants
/// - POOL-1: there are as many objects as slots at most, being made and condemned ones included.
/// - POOL-2: a slot has one token.
/// - POOL-3: a slot is idle after `finish` and after `give_back`, and after nothing else.
/// - POOL-4: whatever becomes of its objects, each slot comes back by `condemn` and then
///   `vacate` or `rebuild`; a pool of one never has two.
/// - POOL-8: an eviction takes an idle slot or nothing, never one that is lent, and none that has
///   been idle for less than was asked.
/// - POOL-10: a slot of one tenant is taken by that tenant alone, until its object is gone.
/// - POOL-12: of a [`revoke`](Self::revoke) and whatever the holder does next one succeeds; a slot
///   that was revoked is not idle before its object is gone.
///
/// # Progress
/// Wait-free, but for `take`, `evict` and `evict_other`, which are lock-free: they look at all slots,
/// and again if another thread has changed the very slot they had chosen. No look is taken where
/// `take` finds what it wants at `near`. Else it costs about 0.65 ns per slot that is not idle and
/// twice that per slot that is, 0.65 us for the last idle one of 1,000, on a processor with
/// the slots in its second cache; so a caller with that many keeps in mind which slot was whose.
///
/// # Example
/// ```
/// use plimsoll_core::keepalive::Tick;
/// use plimsoll_core::pool::{PoolId, PoolSlot, PoolSlots, Tenant};
///
/// let slots: Box<[PoolSlot]> = (0..8).map(|_| PoolSlot::new()).collect();
/// let slots = PoolSlots::with_slots(slots, PoolId::new(1))?;
/// let tenant = Tenant::new(42)?;
///
/// // Nobody has an object for this tenant: make one, and lend it.
/// let built = slots.reserve(tenant).ok_or("full")?;
/// let lease = slots.finish_leased(built)?;
///
/// // It has failed: it is gone for good, and there is room for another.
/// let gone = slots.condemn(lease)?;
/// slots.vacate(gone)?;
/// assert_eq!(slots.counts().vacant, 8);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
/// A lease comes to one end:
/// ```compile_fail,E0382
/// # use plimsoll_core::keepalive::Tick;
/// # use plimsoll_core::pool::{PoolId, PoolSlot, PoolSlots, Tenant};
/// # let slots: PoolSlots<[PoolSlot; 1]> = PoolSlots::new(PoolId::new(1));
/// # let lease = slots.take(Tenant::NONE, None).unwrap();
/// slots.give_back(lease, Tick::new(1)).unwrap();
/// slots.condemn(lease).unwrap();
/// ```
#[derive(Debug)]
pub struct PoolSlots<S> {
    id: PoolId,
    slots: S,
}

impl<const N: usize> PoolSlots<[PoolSlot; N]> {
    const SLOTS: () = match check_slots(N) {
        Ok(()) => {}
        Err(_) => panic!("a pool has at least 1 slot, and less than 2^32"),
    };

    const_unless_loom! {
        /// `N` vacant slots; none does not compile.
        pub const fn new(id: PoolId) -> PoolSlots<[PoolSlot; N]> {
            let () = Self::SLOTS;
            #[cfg(not(loom))]
            let slots = [const { PoolSlot::new() }; N];
            #[cfg(loom)]
            let slots = core::array::from_fn(|_| PoolSlot::new());
            PoolSlots { id, slots }
        }
    }
}

impl<S: AsRef<[PoolSlot]> + AsMut<[PoolSlot]>> PoolSlots<S> {
    /// As many vacant slots as the caller brings, whatever they held before.
    ///
    /// # Errors
    /// There are none, or more than 2^32 - 1.
    pub fn with_slots(mut slots: S, id: PoolId) -> Result<Self, PoolSlotsError> {
        check_slots(slots.as_ref().len())?;
        for slot in slots.as_mut() {
            *slot = PoolSlot::new();
        }
        Ok(PoolSlots { id, slots })
    }
}

impl<S: SlotTable> PoolSlots<S> {
    /// The slots of a table, which are new. It may grow later.
    ///
    /// # Errors
    /// There are none, or more than 2^32 - 1.
    pub fn with_table(slots: S, id: PoolId) -> Result<Self, PoolSlotsError> {
        check_slots(slots.slots().count())?;
        Ok(PoolSlots { id, slots })
    }

    /// Where the slots are.
    pub const fn table(&self) -> &S {
        &self.slots
    }

    /// Reserves a vacant slot, the one of the lowest place, for an object that is to be made.
    ///
    /// # Returns
    /// `None` if none is vacant: each was seen with an object, or taken by another, in this call.
    ///
    /// # Progress
    /// Wait-free: one look at each slot at most.
    pub fn reserve(&self, tenant: Tenant) -> Option<Building> {
        self.all().find_map(|(id, slot)| {
            let word = slot.look();
            let is_vacant = word.state() == SlotState::Vacant;
            let next = is_vacant.then(|| slot.acquire(word, Event::Reserve(tenant)))??;
            Some(self.token(id, next))
        })
    }

    /// The object is made and in its place, to be taken.
    ///
    /// # Errors
    /// The token is another pool's.
    pub fn finish(
        &self,
        built: Building,
        now: impl Into<Moment>,
    ) -> Result<(), ForeignToken<Building>> {
        self.change(built, |slot, word| slot.release_idle(word, Event::Finish, now.into()))
            .map(|_| ())
    }

    /// The object is made and lent to the caller.
    ///
    /// # Errors
    /// The token is another pool's.
    pub fn finish_leased(&self, built: Building) -> Result<Leased, ForeignToken<Building>> {
        self.change(built, |slot, word| slot.advance(word, Event::FinishLeased)).map(Leased::new)
    }

    /// The object could not be made: the slot is vacant again.
    ///
    /// # Errors
    /// The token is another pool's.
    pub fn fail(&self, built: Building) -> Result<(), ForeignToken<Building>> {
        self.change(built, |slot, word| slot.release(word, Event::Fail)).map(|_| ())
    }

    /// Leases an idle slot of exactly this tenant: the one at `near` if it is such, else the one
    /// that became idle last.
    ///
    /// A caller that names the slot it has used last finds it in its processor's cache, and does not
    /// meet other callers there.
    ///
    /// # Returns
    /// `None` if none is idle: each was seen not to be so in this call.
    ///
    /// # Progress
    /// At `near`: wait-free, a load and an exchange. Else lock-free: it looks at all slots, and again
    /// if another has changed the one it chose.
    #[inline]
    pub fn take(&self, tenant: Tenant, near: Option<SlotId>) -> Option<Leased> {
        near.and_then(|id| self.take_at(id, tenant)).or_else(|| self.take_hottest(tenant))
    }

    /// Leases this slot, if it is idle and exactly this tenant's.
    ///
    /// # Progress
    /// Wait-free: a load and an exchange.
    #[inline(always)]
    pub fn take_at(&self, id: SlotId, tenant: Tenant) -> Option<Leased> {
        let word = self.slot(id)?.take(tenant)?;
        Some(self.token(id, word))
    }

    #[inline(never)]
    fn take_hottest(&self, tenant: Tenant) -> Option<Leased> {
        loop {
            let idle = self.all().filter_map(|(id, slot)| {
                let word = slot.look();
                word.is_idle_of(tenant).then(|| (slot.since(), Reverse(id), word))
            });
            let (_, Reverse(id), word) = idle.max_by_key(|(since, id, _)| (*since, *id))?;
            if let Some(next) = self.slot(id)?.acquire(word, Event::Take(tenant)) {
                return Some(self.token(id, next));
            }
        }
    }

    /// Assigns an unowned lease to a tenant, from now until its object is gone. On a
    /// lease that is this tenant's already it has no effect.
    ///
    /// # Errors
    /// The slot is another tenant's, or another pool's. The lease is handed back.
    pub fn claim(&self, lease: Leased, tenant: Tenant) -> Result<Leased, ClaimError> {
        match lease.held().word.transition_on(Event::Claim(tenant)) {
            Transition::Invalid => Err(ClaimError::Claimed { lease, tenant }),
            Transition::NoOp if lease.held().pool() == self.id => Ok(lease),
            Transition::NoOp => Err(ClaimError::Foreign(self.foreign(lease))),
            Transition::To(_) => self
                .change(lease, |slot, word| slot.advance(word, Event::Claim(tenant)))
                .map(Leased::new)
                .map_err(ClaimError::Foreign),
        }
    }

    /// The lease has come to a good end, and its object is in its place: the slot is idle.
    ///
    /// # Errors
    /// The token is another pool's.
    #[inline]
    pub fn give_back(
        &self,
        lease: Leased,
        now: impl Into<Moment>,
    ) -> Result<(), ForeignToken<Leased>> {
        self.change(lease, |slot, word| slot.release_idle(word, Event::GiveBack, now.into()))
            .map(|_| ())
    }

    /// The lease has come to a bad end: its object is never lent again.
    ///
    /// # Errors
    /// The token is another pool's.
    pub fn condemn(&self, lease: Leased) -> Result<Condemned, ForeignToken<Leased>> {
        self.change(lease, |slot, word| slot.advance(word, Event::Condemn)).map(Condemned::new)
    }

    /// The object of a condemned slot is gone: the slot is vacant.
    ///
    /// # Errors
    /// The token is another pool's.
    pub fn vacate(&self, gone: Condemned) -> Result<(), ForeignToken<Condemned>> {
        self.change(gone, |slot, word| slot.release(word, Event::Vacate)).map(|_| ())
    }

    /// The object of a condemned slot is gone, and another is to be made in its place: as `vacate` and
    /// `reserve`, with nobody else in between.
    ///
    /// # Errors
    /// The token is another pool's.
    pub fn rebuild(
        &self,
        gone: Condemned,
        tenant: Tenant,
    ) -> Result<Building, ForeignToken<Condemned>> {
        self.change(gone, |slot, word| slot.advance(word, Event::Rebuild(tenant)))
            .map(Building::new)
    }

    /// How many slots there are.
    pub fn capacity(&self) -> usize {
        self.slots.slots().count()
    }

    /// What tells this pool from others.
    pub const fn id(&self) -> PoolId {
        self.id
    }

    /// How many slots are in which state.
    ///
    /// # Staleness
    /// Each slot is counted once, as it was at a moment of the call; slots that change meanwhile can
    /// add up to what never was at one moment.
    pub fn counts(&self) -> PoolCounts {
        PoolCounts::of(self.slots.slots())
    }

    /// What is at this place; `None` if there is no such place.
    pub fn view(&self, id: SlotId) -> Option<SlotView> {
        self.slot(id).map(SlotView::of)
    }

    /// What is at each place, one after the other: as stale as [`counts`](Self::counts).
    pub fn views(&self) -> impl Iterator<Item = (SlotId, SlotView)> + '_ {
        self.all().map(|(id, slot)| (id, SlotView::of(slot)))
    }

    #[inline(always)]
    pub(super) fn slot(&self, id: SlotId) -> Option<&PoolSlot> {
        self.slots.slot(id.index())
    }

    #[inline(always)]
    pub(super) fn all(&self) -> impl Iterator<Item = (SlotId, &PoolSlot)> {
        (0..).map(SlotId::new).zip(self.slots.slots())
    }

    #[inline(always)]
    pub(super) fn token<T: Token>(&self, slot: SlotId, word: SlotWord) -> T {
        T::new(self.held(slot, word))
    }

    #[inline(always)]
    pub(super) fn held(&self, slot: SlotId, word: SlotWord) -> Held {
        Held::new(self.id, slot, word)
    }

    fn foreign<T: Token>(&self, token: T) -> ForeignToken<T> {
        ForeignToken { token, pool: self.id }
    }

    /// Changes the slot of a token, which only its holder does.
    #[inline(always)]
    fn change<T: Token>(
        &self,
        token: T,
        change: impl FnOnce(&PoolSlot, SlotWord) -> Option<SlotWord>,
    ) -> Result<Held, ForeignToken<T>> {
        let held = token.held();
        let slot = match self.slot(held.slot()) {
            Some(slot) if held.pool() == self.id => slot,
            _ => return Err(self.foreign(token)),
        };
        // The exchange fails if another pool of this number has made the token.
        match change(slot, held.word) {
            Some(word) => Ok(held.with(word)),
            None => Err(self.foreign(token)),
        }
    }
}
