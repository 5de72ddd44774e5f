//! An object with bounds of its own, and its place.

mod enliven;

use std::hash::{BuildHasher, RandomState};
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_utils::atomic::AtomicCell;
use plimsoll_core::Tick;
use plimsoll_core::pool::Moment;

use crate::pool::error::CheckoutError;
use crate::pool::hands::Hands;
use crate::pool::manager::Manager;
use crate::pool::moments::NEVER;

/// An object and its own bounds. On cache lines of its own: every lease writes to it.
#[repr(align(128))]
pub(super) struct Live<M: Manager> {
    /// `None` once it is retired: the allocation is good for another.
    object: Option<M::Object>,
    /// Held by the objects, so that the last one of them that goes lets go of it (POOL-16).
    manager: Arc<M>,
    /// Leases that it has had, the present one included.
    pub(super) uses: u32,
    pub(super) uses_max: u32,
    pub(super) expires: Moment,
    pub(super) bytes_max: u64,
    /// Whether leases of it are timed, now and then.
    pub(super) is_timed: bool,
    /// When the lease began, if it is one that is timed.
    pub(super) began: Option<Duration>,
    /// When it became idle last.
    pub(super) idle_since: Moment,
}

impl<M: Manager> Live<M> {
    #[inline]
    pub(super) fn object(&self) -> &M::Object {
        self.object.as_ref().expect("who has it has not retired it")
    }

    #[inline]
    pub(super) fn object_mut(&mut self) -> &mut M::Object {
        self.object.as_mut().expect("who has it has not retired it")
    }

    /// # Returns
    /// Whether it may be used again.
    #[inline]
    pub(super) fn reset(&mut self) -> bool {
        match &mut self.object {
            Some(object) => self.manager.reset(object).is_ok(),
            // Who has it has not retired it.
            None => false,
        }
    }

    #[inline(always)]
    pub(super) fn is_alive(&self) -> bool {
        // Who has it has not retired it.
        self.object.as_ref().is_none_or(|object| self.manager.is_alive(object))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.manager.bytes(self.object())
    }

    /// The object is handed to the manager, to be destroyed.
    pub(super) fn retire(&mut self) {
        if let Some(object) = self.object.take() {
            self.manager.retire(object);
        }
    }
}

/// The moment at which an object is too old; none if that is beyond all time.
fn expiry(ms: u64) -> Moment {
    let tick = Tick::new(ms);
    if tick == Tick::MAX { NEVER } else { tick.into() }
}

/// Where a slot's object is while it is idle: put there by whoever makes the slot idle, before that,
/// and taken out by whoever takes the slot.
pub(super) struct Place<M: Manager> {
    object: AtomicCell<ManuallyDrop<Option<Box<Live<M>>>>>,
    /// When the object expires, for maintenance. Stored by the builder; a hint.
    pub(super) expires: AtomicU64,
    pub(super) hands: Hands,
}

impl<M: Manager> Place<M> {
    pub(super) fn empty() -> Self {
        Self {
            object: AtomicCell::new(ManuallyDrop::new(None)),
            expires: AtomicU64::new(NEVER.to_word()),
            hands: Hands::new(),
        }
    }

    /// Puts the slot's object there. The place is empty: only who has the slot puts something there.
    ///
    /// What does not drop what was there before is a plain store, not an exchange.
    #[inline(always)]
    pub(super) fn put(&self, live: Box<Live<M>>) {
        debug_assert!(self.take().is_none(), "a slot has one object");
        self.object.store(ManuallyDrop::new(Some(live)));
    }

    /// Takes the slot's object out.
    #[inline(always)]
    pub(super) fn take(&self) -> Option<Box<Live<M>>> {
        ManuallyDrop::into_inner(self.object.swap(ManuallyDrop::new(None)))
    }
}

impl<M: Manager> Drop for Place<M> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// Where the jitter comes from: a sequence without any pattern that matters.
pub(super) struct Random(AtomicU64);

impl Random {
    /// One that differs from process to process.
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(RandomState::new().hash_one(0)))
    }

    /// The next number (SplitMix64, Steele et al. 2014).
    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        // Relaxed: the number carries no other data.
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// What has come of a build: an object, or what to tell whoever waits for it.
pub(super) type Built<M> = Result<Box<Live<M>>, CheckoutError>;

/// What an object is put into.
pub(super) enum Shell<M: Manager> {
    New(Arc<M>),
    /// The allocation of one that was retired.
    Spare(Box<Live<M>>),
}

impl<M: Manager> Shell<M> {
    pub(super) fn manager(&self) -> &M {
        match self {
            Self::New(manager) => manager,
            Self::Spare(live) => &live.manager,
        }
    }
}
