//! An instance (an object with its own bounds), and the cell that holds it while it is idle.

mod bounds;

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_utils::atomic::AtomicCell;
use plimsoll_core::pool::{Condemned, Leased, Moment};

use super::hands::Hands;
use super::moments::NEVER;
use super::uses::Uses;
use crate::pool::config::Config;
use crate::pool::manager::Manager;
use crate::sync::AtomicU64;

pub(in crate::pool) use bounds::{Bounds, Random};

/// One in how many leases of an instance that is used again is timed.
const TIMED_EVERY: u64 = 64;

/// An object and its own bounds. On cache lines of its own: every lease writes to it.
#[repr(align(128))]
pub(in crate::pool) struct Instance<M: Manager> {
    /// `None` once it is retired: the allocation is good for another.
    object: Option<M::Object>,
    /// Each instance refers to the manager, so that it is dropped after the last of them (POOL-16).
    manager: Arc<M>,
    /// How often its slot was leased before it was in it: see [`Uses`].
    first_use: u64,
    pub(in crate::pool) bounds: Option<Bounds>,
    /// How many leases its slot has had before the next one that is timed.
    timed_use: u64,
    /// When the lease began, if it is one that is timed.
    pub(in crate::pool) began: Option<Duration>,
    /// When it became idle last.
    pub(in crate::pool) idle_since: Moment,
}

impl<M: Manager> Instance<M> {
    #[inline]
    pub(in crate::pool) fn object(&self) -> &M::Object {
        self.object.as_ref().expect("an instance in use is not retired")
    }

    #[inline]
    pub(in crate::pool) fn object_mut(&mut self) -> &mut M::Object {
        self.object.as_mut().expect("an instance in use is not retired")
    }

    /// # Returns
    /// Whether it may be used again.
    #[inline]
    pub(in crate::pool) fn reset(&mut self) -> bool {
        match &mut self.object {
            Some(object) => self.manager.reset(object).is_ok(),
            // An instance in use is not retired.
            None => false,
        }
    }

    /// It is in that slot from now on.
    #[inline]
    pub(in crate::pool) fn begin_in(&mut self, cell: &InstanceCell<M>) {
        self.first_use = cell.uses.total();
    }

    /// Counts a lease, which begins, and times it if that is due.
    #[inline(always)]
    pub(in crate::pool) fn begin_lease(&mut self, cell: &InstanceCell<M>, config: &Config) {
        let before = cell.uses.count();
        if before >= self.timed_use {
            self.time_lease(before, config);
        }
    }

    #[cold]
    fn time_lease(&mut self, before: u64, config: &Config) {
        self.timed_use = before.saturating_add(TIMED_EVERY);
        self.began = Some(config.clock.now());
    }

    /// The lease was none.
    pub(in crate::pool) fn undo_lease(&mut self) {
        // Its slot has counted it.
        self.first_use = self.first_use.wrapping_add(1);
        if self.began.take().is_some() {
            self.timed_use = 0;
        }
    }

    /// When it is too old.
    pub(in crate::pool) fn expires(&self) -> Moment {
        self.bounds.as_ref().map_or(NEVER, |bounds| bounds.expires)
    }

    /// Leases that it has had in that slot, the present one included.
    pub(in crate::pool) fn uses_in(&self, cell: &InstanceCell<M>) -> u32 {
        let uses = cell.uses.total().wrapping_sub(self.first_use);
        u32::try_from(uses).unwrap_or(u32::MAX)
    }

    #[inline(always)]
    pub(in crate::pool) fn is_alive(&self) -> bool {
        // An instance in use is not retired.
        self.object.as_ref().is_none_or(|object| self.manager.is_alive(object))
    }

    pub(in crate::pool) fn bytes(&self) -> u64 {
        self.manager.bytes(self.object())
    }

    /// The object is handed to the manager, to be destroyed.
    pub(in crate::pool) fn retire(&mut self) {
        if let Some(object) = self.object.take() {
            self.manager.retire(object);
        }
    }
}

/// Holds a slot's instance while it is idle. The holder of the slot puts it there before it makes
/// the slot idle; the next holder takes it out.
pub(in crate::pool) struct InstanceCell<M: Manager> {
    object: AtomicCell<ManuallyDrop<Option<Box<Instance<M>>>>>,
    /// When the object expires, for maintenance. Stored by the builder; a hint.
    pub(in crate::pool) expires: AtomicU64,
    pub(in crate::pool) hands: Hands,
    pub(in crate::pool) uses: Uses,
}

impl<M: Manager> InstanceCell<M> {
    pub(in crate::pool) fn empty() -> Self {
        Self {
            object: AtomicCell::new(ManuallyDrop::new(None)),
            expires: AtomicU64::new(NEVER.to_word()),
            hands: Hands::new(),
            uses: Uses::new(),
        }
    }

    /// Puts the slot's instance there. The cell is empty: only the holder of the slot puts one
    /// there.
    ///
    /// What does not drop what was there before is a plain store, not an exchange.
    #[inline(always)]
    pub(in crate::pool) fn put(&self, instance: Box<Instance<M>>) {
        debug_assert!(self.take().is_none(), "a slot has one object");
        self.object.store(ManuallyDrop::new(Some(instance)));
    }

    /// Takes the slot's object out.
    #[inline(always)]
    pub(in crate::pool) fn take(&self) -> Option<Box<Instance<M>>> {
        ManuallyDrop::into_inner(self.object.swap(ManuallyDrop::new(None)))
    }
}

impl<M: Manager> Drop for InstanceCell<M> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// A slot whose object is to be retired.
pub(in crate::pool) struct Retirement<M: Manager> {
    pub(in crate::pool) condemned: Condemned,
    pub(in crate::pool) instance: Option<Box<Instance<M>>>,
}

/// A leased slot and its instance.
pub(in crate::pool) struct Grant<M: Manager> {
    pub(in crate::pool) token: Leased,
    pub(in crate::pool) instance: Box<Instance<M>>,
}

/// The allocation that an object is put into.
pub(in crate::pool) enum Shell<M: Manager> {
    New(Arc<M>),
    /// The allocation of one that was retired.
    Spare(Box<Instance<M>>),
}

impl<M: Manager> Shell<M> {
    pub(in crate::pool) fn manager(&self) -> &M {
        match self {
            Self::New(manager) => manager,
            Self::Spare(instance) => &instance.manager,
        }
    }

    /// Puts a new object there.
    pub(in crate::pool) fn fill(
        self,
        object: M::Object,
        bounds: Option<Bounds>,
        is_timed: bool,
    ) -> Box<Instance<M>> {
        let (object, began, idle_since) = (Some(object), None, NEVER);
        // Of no slot yet: see `begin_in`. Its first lease is timed, or none.
        let (first_use, timed_use) = (0, if is_timed { 0 } else { u64::MAX });
        match self {
            Self::Spare(mut instance) => {
                (instance.object, instance.bounds) = (object, bounds);
                (instance.timed_use, instance.began, instance.idle_since) =
                    (timed_use, began, idle_since);
                instance
            }
            Self::New(manager) => Box::new(Instance {
                object,
                manager,
                first_use,
                bounds,
                timed_use,
                began,
                idle_since,
            }),
        }
    }
}
