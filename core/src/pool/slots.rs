//! The slots of a pool: which are lent, and to whom.

use core::cmp::Reverse;

use super::counts::{PoolCounts, SlotView};
use super::error::{ClaimError, ForeignToken, PoolSlotsError, check_slots};
use super::slot::PoolSlot;
use super::tenant::Tenant;
use super::token::sealed::Sealed;
use super::token::{Building, Condemned, Held, Leased, PoolId, SlotId, Token};
use super::word::{Event, SlotState, SlotWord, Transition};
use crate::Tick;
use crate::sync::const_unless_loom;

/// A fixed number of places for instances, and who has which.
///
/// The slots are the pool's own: an array for a `static`, or whatever the caller brings that can be
/// seen as a slice of [`PoolSlot`], such as a box. The objects are the caller's, in a table with
/// the places of [`SlotId::index`].
///
/// Who holds a token of a slot holds its object: it makes it while [`Building`], uses it while
/// [`Leased`], drops it while [`Condemned`]. A token that is dropped keeps its slot for ever, and
/// the object is nobody's; so a caller who may fail in between wraps it in a guard that condemns.
///
/// Time is an argument, and decides which idle slot is the hottest and which the coldest. Of slots
/// that became idle at the same tick the lowest place is the hotter one.
///
/// # Invariants
/// - POOL-1: there are as many objects as slots at most, being made and condemned ones included.
/// - POOL-2: a slot has one token.
/// - POOL-3: a slot is idle after `finish` and after `give_back`, and after nothing else.
/// - POOL-4: whatever becomes of its objects, each slot comes back by `condemn` and `vacate`; a pool of
///   one never has two.
/// - POOL-8: an eviction takes an idle slot or nothing, never one that is lent, and none that has
///   been idle for less than was asked.
/// - POOL-10: a slot of one tenant is taken by that tenant alone, until it is vacant again.
///
/// # Progress
/// Lock-free, and wait-free where nothing is said: `take`, `evict` and `evict_other` look again when
/// another thread has changed the very slot they had chosen. Every look is at all slots, which takes
/// about a nanosecond each, where `take` does not find what it wants at `near`.
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

impl<S: AsRef<[PoolSlot]>> PoolSlots<S> {
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

    /// The object is made and in its place, for whoever takes it.
    ///
    /// # Errors
    /// The token is another pool's.
    pub fn finish(&self, built: Building, now: Tick) -> Result<(), ForeignToken<Building>> {
        self.change(built, |slot, word| slot.release_idle(word, Event::Finish, now)).map(|_| ())
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

    #[inline(always)]
    fn take_at(&self, id: SlotId, tenant: Tenant) -> Option<Leased> {
        let word = self.slots.as_ref().get(id.index())?.take(tenant)?;
        Some(self.token(id, word))
    }

    #[inline(never)]
    fn take_hottest(&self, tenant: Tenant) -> Option<Leased> {
        loop {
            let idle = self.all().filter_map(|(id, slot)| {
                let word = slot.look();
                word.is_idle_of(tenant).then(|| (slot.since(), Reverse(id), slot, word))
            });
            let (_, Reverse(id), slot, word) = idle.max_by_key(|(since, id, ..)| (*since, *id))?;
            if let Some(next) = slot.acquire(word, Event::Take(tenant)) {
                return Some(self.token(id, next));
            }
        }
    }

    /// Makes a lease that is nobody's a tenant's, from now until the slot is vacant again. On a
    /// lease that is this tenant's already it has no effect.
    ///
    /// # Errors
    /// The slot is another tenant's, or another pool's. The lease is handed back.
    pub fn claim(&self, lease: Leased, tenant: Tenant) -> Result<Leased, ClaimError> {
        match lease.held().word.transition_on(Event::Claim(tenant)) {
            Transition::Invalid => Err(ClaimError::Claimed { lease, tenant }),
            Transition::NoOp if lease.held().pool == self.id => Ok(lease),
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
    pub fn give_back(&self, lease: Leased, now: Tick) -> Result<(), ForeignToken<Leased>> {
        self.change(lease, |slot, word| slot.release_idle(word, Event::GiveBack, now)).map(|_| ())
    }

    /// The lease has come to a bad end: its object is never lent again.
    ///
    /// # Errors
    /// The token is another pool's.
    pub fn condemn(&self, lease: Leased) -> Result<Condemned, ForeignToken<Leased>> {
        self.change(lease, |slot, word| slot.advance(word, Event::Condemn)).map(Condemned::new)
    }

    /// Condemns the slot that has been idle longest, of any tenant, if that was `before` this moment
    /// or at it.
    ///
    /// # Returns
    /// `None` if no slot has been idle for so long.
    ///
    /// # Progress
    /// Lock-free: it looks at all slots, and again if another has changed the one it chose.
    pub fn evict(&self, before: Tick) -> Option<Condemned> {
        self.evict_coldest(|_, since| since <= before)
    }

    /// Condemns the slot that has been idle longest of those that are another tenant's, to make room
    /// for this one. Slots of [`Tenant::NONE`] are left: they can be taken and claimed.
    ///
    /// # Returns
    /// `None` if no such slot is idle.
    ///
    /// # Progress
    /// Lock-free, as [`evict`](Self::evict).
    pub fn evict_other(&self, tenant: Tenant) -> Option<Condemned> {
        self.evict_coldest(|word, _| word.tenant() != tenant && !word.tenant().is_none())
    }

    /// Condemns this slot, if it is idle.
    ///
    /// # Returns
    /// `None` if it is not, or another was faster, or there is no such slot.
    pub fn evict_at(&self, id: SlotId) -> Option<Condemned> {
        let slot = self.slots.as_ref().get(id.index())?;
        let next = slot.evict(slot.look())?;
        Some(self.token(id, next))
    }

    fn evict_coldest(&self, may_go: impl Fn(SlotWord, Tick) -> bool) -> Option<Condemned> {
        loop {
            let idle = self.all().filter_map(|(id, slot)| {
                let (word, since) = slot.look_with_age();
                (word.is_idle() && may_go(word, since)).then_some((since, Reverse(id), slot, word))
            });
            let (_, Reverse(id), slot, word) = idle.min_by_key(|(since, id, ..)| (*since, *id))?;
            if let Some(next) = slot.evict(word) {
                return Some(self.token(id, next));
            }
        }
    }

    /// The object of a condemned slot is gone: the slot is vacant.
    ///
    /// # Errors
    /// The token is another pool's.
    pub fn vacate(&self, gone: Condemned) -> Result<(), ForeignToken<Condemned>> {
        self.change(gone, |slot, word| slot.release(word, Event::Vacate)).map(|_| ())
    }

    /// How many slots there are.
    pub fn capacity(&self) -> usize {
        self.slots.as_ref().len()
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
        PoolCounts::of(self.slots.as_ref())
    }

    /// What is at this place; `None` if there is no such place.
    pub fn view(&self, id: SlotId) -> Option<SlotView> {
        self.slots.as_ref().get(id.index()).map(SlotView::of)
    }

    /// What is at each place, one after the other: as stale as [`counts`](Self::counts).
    pub fn views(&self) -> impl Iterator<Item = (SlotId, SlotView)> + '_ {
        self.all().map(|(id, slot)| (id, SlotView::of(slot)))
    }

    #[inline(always)]
    fn all(&self) -> impl Iterator<Item = (SlotId, &PoolSlot)> {
        (0..).map(SlotId::new).zip(self.slots.as_ref())
    }

    #[inline(always)]
    fn token<T: Token>(&self, slot: SlotId, word: SlotWord) -> T {
        T::new(Held { pool: self.id, slot, word })
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
        let slot = match self.slots.as_ref().get(held.slot.index()) {
            Some(slot) if held.pool == self.id => slot,
            _ => return Err(self.foreign(token)),
        };
        // The exchange fails if another pool of this number has made the token.
        match change(slot, held.word) {
            Some(word) => Ok(Held { word, ..held }),
            None => Err(self.foreign(token)),
        }
    }
}
