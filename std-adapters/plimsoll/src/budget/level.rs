//! One level of a tree of budgets: its word, its place in the tree, and what a registry shows of it.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::budget::{self as core, Asker, Duties, MAX_AMOUNT, Reading};
use plimsoll_core::{Waiters, Watermarks};

use super::error::BudgetError;
use super::refused::{Refused, RefusedReason};
use crate::clock;
use crate::registry::{Registration, Registry};
use crate::sync::{AtomicBool, Ordering};
use crate::telemetry::{Seen, Source, SourceReading, Tag};

/// What is asked for: an amount, for who holds some already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) amount: u64,
    /// What the lease that is to grow holds; it counts for what can ever fit.
    pub(super) held: u64,
}

/// What a level is to its principal, and is dropped with it.
pub(super) trait Member: Send + Sync {
    /// Records the largest amount that the principal has had reserved.
    fn note_peak(&self, peak: u64);
}

/// One level, whose tree has the queues `Q`. Its children keep it alive.
pub(super) struct Level<Q> {
    pub(super) word: core::Node,
    pub(super) parent: Option<Arc<Level<Q>>>,
    /// The queues of all levels of the tree.
    pub(super) line: Arc<Q>,
    /// Its number among the levels of the tree.
    pub(super) id: u64,
    pub(super) waiters: Waiters,
    pub(super) tag: Arc<Tag>,
    pub(super) is_closed: AtomicBool,
    /// `None`: no registry lists it.
    pub(super) listing: Option<Registration>,
    /// `None`: it is of no principal.
    pub(super) member: Option<Box<dyn Member>>,
}

impl<Q> Level<Q> {
    /// The level itself and those above it, the root last.
    pub(super) fn path(&self) -> impl Iterator<Item = &Self> + Clone {
        iter::successors(Some(self), |node| node.parent.as_deref())
    }

    /// The same in the core.
    #[inline(always)]
    fn words(&self) -> impl Iterator<Item = &core::Node> + Clone {
        self.path().map(|node| &node.word)
    }

    /// The level that is so many above this one.
    pub(super) fn up(&self, height: usize) -> &Self {
        self.path().nth(height).unwrap_or(self)
    }

    /// Takes an amount at all levels or at none (BUDGET-2). Edges are among the duties.
    #[inline(always)]
    pub(super) fn take(&self, amount: u64, asker: Asker) -> Result<Duties, core::Refused> {
        match self.parent {
            // A level alone costs half as much.
            None => core::try_reserve(iter::once(&self.word), amount, asker),
            Some(_) => core::try_reserve(self.words(), amount, asker),
        }
    }

    /// Gives an amount back at all levels. Edges are among the duties, and who is to be served.
    #[inline(always)]
    pub(super) fn release(&self, amount: u64) -> Duties {
        // No error: a lease gives back what it took, on the path on which it did.
        let released = match self.parent {
            None => core::release(iter::once(&self.word), amount),
            Some(_) => core::release(self.words(), amount),
        };
        released.unwrap_or_default()
    }

    /// Makes the edges that are due on the path, and hands them on. No lock may be held.
    #[inline(always)]
    pub(super) fn hand_on(&self, duties: Duties) {
        if !duties.is_none() {
            self.settle(duties);
        }
    }

    #[cold]
    fn settle(&self, duties: Duties) {
        for height in duties.edges() {
            self.up(height).emit();
        }
    }

    /// Makes the edge that is due at this level, and hands it on. No lock may be held.
    pub(super) fn emit(&self) {
        let edge = self.word.settle();
        if let Some(listing) = &self.listing {
            listing.emit(edge);
        }
    }

    /// Records the largest amount that its principal has had reserved.
    pub(super) fn note_peak(&self) {
        if let Some(member) = &self.member {
            // Not the usage: an ask in flight shows in that, and what has been given back does not.
            member.note_peak(self.word.high_water());
        }
    }

    pub(super) fn usage(&self) -> u64 {
        self.word.usage()
    }

    pub(super) fn capacity(&self) -> u64 {
        // A budget always has a bound.
        self.word.capacity().unwrap_or(MAX_AMOUNT)
    }

    /// Whether an amount fits at this level now.
    pub(super) fn has_room(&self, amount: u64) -> bool {
        self.usage().saturating_add(amount) <= self.capacity()
    }

    /// Why an ask can never be served, if it cannot.
    pub(super) fn hopeless(&self, ask: Ask) -> Option<Refused> {
        if ask.amount == 0 || ask.amount > MAX_AMOUNT {
            return Some(self.refused(ask, RefusedReason::BadAmount));
        }
        let needed = ask.amount.saturating_add(ask.held);
        self.path().find_map(|level| {
            if level.is_closed() {
                Some(level.refused(ask, RefusedReason::Closed))
            } else if needed > level.capacity() {
                Some(level.refused(ask, RefusedReason::NeverFits))
            } else {
                None
            }
        })
    }

    pub(super) fn refused(&self, ask: Ask, reason: RefusedReason) -> Refused {
        let (tag, usage, capacity) = (self.tag.clone(), self.usage(), self.capacity());
        Refused { tag, reason, usage, capacity, asked: ask.amount, held: ask.held }
    }

    pub(super) fn is_closed(&self) -> bool {
        // Relaxed: written under the lock of the line, before the mark that leads newcomers to it.
        self.is_closed.load(Ordering::Relaxed)
    }

    /// Refuses all asks from now on. Under the lock of the line.
    pub(super) fn mark_closed(&self) {
        // Relaxed: see `is_closed`.
        self.is_closed.store(true, Ordering::Relaxed);
        self.word.set_waiting(true);
    }

    /// The registry that lists it.
    pub(super) fn registry(&self) -> Option<Registry> {
        self.listing.as_ref().map(Registration::home)
    }

    /// # Errors
    /// A child of this capacity would be above this level.
    pub(super) fn check_child(&self, tag: &Tag, capacity: u64) -> Result<(), BudgetError> {
        let parent_capacity = self.capacity();
        if capacity > parent_capacity {
            let (limit, parent) = (tag.to_string(), self.tag.to_string());
            return Err(BudgetError::AboveParent { limit, capacity, parent, parent_capacity });
        }
        Ok(())
    }

    /// The reading now. An edge that is due is handed on.
    pub(super) fn reading(&self) -> Reading {
        self.emit();
        self.word.reading()
    }
}

impl<Q> Drop for Level<Q> {
    fn drop(&mut self) {
        // With asks in flight the mark lags: now it has all.
        self.note_peak();
    }
}

impl<Q: Send + Sync> Source for Level<Q> {
    fn look(&self) -> Option<SourceReading> {
        let (reading, waiting) = (self.reading(), self.waiters.waiting());
        let Reading { usage: depth, high_water, level, .. } = reading;
        let now_us = if waiting > 0 { clock::now_us() } else { 0 };
        let blocked = Duration::from_micros(self.waiters.blocked_us(now_us));
        Some(SourceReading { depth, high_water, level, waiting, blocked, edge: None })
    }

    fn read_into(&self, seen: &mut Seen<'_>) {
        if let Some(reading) = self.look() {
            seen.depth(reading);
            if let Some(watermarks) = self.changed_watermarks() {
                seen.watermarks(watermarks);
            }
        }
    }

    fn changed_watermarks(&self) -> Option<Watermarks> {
        let capacity = self.capacity();
        if self.tag.watermarks.capacity() == Some(capacity) {
            return None;
        }
        self.word.watermarks().at(capacity).ok()
    }

    fn take_high_water(&self) -> u64 {
        self.word.take_high_water()
    }

    fn waiting(&self) -> u64 {
        self.waiters.waiting()
    }
}
