//! The instances of a pool: a slot and a cell for each, and the order in which they became idle.
//!
//! Everything here is lock-free: a checkout that need not wait, and its return, use nothing else.

mod hands;
mod instance;
mod moments;
mod table;
mod uses;
mod words;

use std::cell::Cell;

use crossbeam_utils::CachePadded;
use plimsoll_core::pool::{Condemned, Leased, PoolId, PoolSlot, SlotId, Tenant, Token};

use crate::pool::manager::Manager;
use crate::sync::thread_local;

pub(in crate::pool) use hands::{Hands, Holding};
pub(in crate::pool) use instance::{
    Bounds, Grant, Instance, InstanceCell, Random, Retirement, Shell,
};
pub(in crate::pool) use moments::Moments;
pub(in crate::pool) use table::Table;
pub(in crate::pool) use words::{Words, usable};

thread_local! {
    /// The slot and the pool that this thread has used last: the warmest one to it.
    static NEAR: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
}

/// Forgets the slot that this thread has used last.
pub(in crate::pool) fn forget_near() {
    NEAR.set((0, 0));
}

/// Notes the slot that this thread uses.
#[inline(always)]
pub(in crate::pool) fn note_near(token: &Leased) {
    NEAR.set((token.slot().index() as u32, token.pool().get()));
}

/// Slots, and the instances in them.
pub(in crate::pool) struct Store<M: Manager> {
    pub(in crate::pool) words: Words,
    pub(in crate::pool) cells: Table<CachePadded<InstanceCell<M>>>,
    /// The pool's clock, as published by maintenance and slow paths.
    pub(in crate::pool) moments: CachePadded<Moments>,
}

impl<M: Manager> Store<M> {
    pub(in crate::pool) fn new(words: Words, max: usize) -> Self {
        let cells = Table::new(max, || CachePadded::new(InstanceCell::empty()));
        Self { words, cells, moments: CachePadded::new(Moments::new()) }
    }

    #[inline(always)]
    pub(in crate::pool) fn id(&self) -> PoolId {
        self.words.slots.id()
    }

    #[inline(always)]
    pub(in crate::pool) fn cell(&self, slot: SlotId) -> &InstanceCell<M> {
        self.cells.get(slot.index()).expect("a slot has its cell")
    }

    /// How many leases there were.
    pub(in crate::pool) fn leases(&self) -> u64 {
        self.cells.iter().fold(0, |sum, cell| sum.wrapping_add(cell.uses.total()))
    }

    /// Twice as many slots, with their cells.
    pub(in crate::pool) fn grow(&self) {
        // Cells first: a slot that is seen has one.
        self.cells.grow(|| CachePadded::new(InstanceCell::empty()));
        self.words.slots.table().grow(PoolSlot::new);
    }

    /// An idle slot that this tenant may have, the near one first; `owner` is the owner of those that
    /// it has used.
    #[inline(always)]
    pub(in crate::pool) fn take_idle(&self, tenant: Tenant, owner: Tenant) -> Option<Leased> {
        let (slot, pool) = NEAR.get();
        let near = SlotId::new(slot);
        let is_own = pool == self.id().get();
        if is_own {
            if let Some(token) = self.words.slots.take_at(near, owner) {
                return Some(token);
            }
        }
        let token = self.take_far(tenant, owner, is_own.then_some(near))?;
        note_near(&token);
        Some(token)
    }

    #[inline(never)]
    fn take_far(&self, tenant: Tenant, owner: Tenant, near: Option<SlotId>) -> Option<Leased> {
        let slots = &self.words.slots;
        let own = slots.take(owner, None);
        if own.is_some() || owner.is_none() {
            return own;
        }
        let pristine = slots.take(Tenant::NONE, near)?;
        Some(slots.claim(pristine, tenant).expect("an unowned slot can be claimed"))
    }

    /// Takes the instance of an idle slot that was condemned.
    pub(in crate::pool) fn retirement(&self, condemned: Condemned) -> Retirement<M> {
        let instance = self.cell(condemned.slot()).take();
        Retirement { condemned, instance }
    }

    /// Calls the manager in the name of a slot. The call contains its panics.
    #[inline(always)]
    pub(in crate::pool) fn call_in<R>(&self, holding: Holding, call: impl FnOnce() -> R) -> R {
        let hands = &self.cell(holding.slot).hands;
        hands.call(holding);
        let done = call();
        hands.end_call();
        done
    }
}
