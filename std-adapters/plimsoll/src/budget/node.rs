//! Budgets as nodes of a tree: how they are made, asked, given back to and resized.

use std::sync::Arc;

use plimsoll_core::budget::{self as core, Asker, Duties, Refusal};
use plimsoll_core::{Waiters, Watermarks};

use super::LEVELS_MAX;
use super::bounds::Bounds;
use super::error::BudgetError;
use super::level::{Ask, Member};
use super::line::Node;
use super::refused::{Refused, RefusedReason};
use crate::registry::{Registration, Registry};
use crate::sync::AtomicBool;
use crate::telemetry::{Limit, Tag};

/// What a level needs before it is made: all that can fail is done.
pub(super) struct Place {
    tag: Arc<Tag>,
    word: core::Node,
    parent: Option<Arc<Node>>,
    listing: Option<Registration>,
}

impl Place {
    /// Takes a place in a tree, and one in a registry, if there is one.
    pub(super) fn take(
        registry: Option<&Registry>,
        parent: Option<Arc<Node>>,
        limit: Limit,
        bounds: Bounds,
    ) -> Result<Self, BudgetError> {
        limit.check()?;
        let Bounds { capacity, watermarks } = bounds;
        let shown = || Tag::new(limit.clone(), Watermarks::unbounded()).to_string();
        let counts = bounds.counts(shown)?;
        let tag = Arc::new(Tag::new(limit.clone(), counts));
        if let Some(parent) = &parent {
            if parent.path().count() >= LEVELS_MAX {
                return Err(BudgetError::TooDeep { limit: tag.to_string() });
            }
            parent.check_child(&tag, capacity)?;
        }
        let word = core::Node::new(capacity, watermarks);
        let listing = registry.map(|registry| registry.reserve(limit, counts)).transpose()?;
        Ok(Self { tag, word, parent, listing })
    }
}

impl Node {
    /// Makes a level. A `member` is dropped with it.
    pub(super) fn new(place: Place, member: Option<Box<dyn Member>>) -> Arc<Self> {
        let Place { tag, word, parent, listing } = place;
        let line = parent.as_ref().map_or_else(Arc::default, |parent| parent.line.clone());
        let node = Arc::new(Self {
            word,
            parent,
            id: line.add_level(),
            line,
            waiters: Waiters::new(),
            tag,
            is_closed: AtomicBool::new(false),
            listing,
            member,
        });
        if let Some(listing) = &node.listing {
            listing.attach(&node);
        }
        node
    }

    /// Takes an amount as a newcomer.
    #[inline]
    pub(super) fn try_take(&self, ask: Ask) -> Result<(), Refused> {
        match self.take(ask.amount, Asker::Newcomer) {
            Ok(duties) => {
                self.hand_on(duties);
                self.note_peak();
                Ok(())
            }
            Err(refused) => Err(self.on_refused(ask, refused)),
        }
    }

    #[cold]
    fn on_refused(&self, ask: Ask, refused: core::Refused) -> Refused {
        if refused.duties.waiters().next().is_some() {
            self.line.serve(self);
        }
        self.hand_on(refused.duties);
        if let Some(hopeless) = self.hopeless(ask) {
            return hopeless;
        }
        let level = self.up(refused.refusal.place().unwrap_or(0));
        match refused.refusal {
            Refusal::NoRoom { usage, capacity, .. } => {
                let refused = level.refused(ask, RefusedReason::Full);
                Refused { usage, capacity, ..refused }
            }
            Refusal::AboveCapacity { .. } => level.refused(ask, RefusedReason::NeverFits),
            Refusal::Waiters { .. } => level.refused(ask, RefusedReason::Queued),
            _ => level.refused(ask, RefusedReason::BadAmount),
        }
    }

    /// Gives an amount back at all levels, and serves those who wait.
    #[inline]
    pub(super) fn give_back(&self, amount: u64) {
        let duties = self.release(amount);
        if !duties.is_none() {
            self.on_given(duties);
        }
    }

    #[cold]
    fn on_given(&self, duties: Duties) {
        if duties.waiters().next().is_some() {
            self.line.serve(self);
        }
        self.hand_on(duties);
    }

    /// Gives the level another capacity, by the one that it has. One resize of a tree comes after the other.
    pub(super) fn resize(&self, capacity: impl FnOnce(u64) -> u64) -> Result<(), BudgetError> {
        self.line.change(self, || self.set_capacity(capacity(self.capacity())))?;
        self.emit();
        Ok(())
    }

    fn set_capacity(&self, capacity: u64) -> Result<(), BudgetError> {
        Bounds { capacity, watermarks: *self.word.watermarks() }.counts(|| self.tag.to_string())?;
        if let Some(parent) = &self.parent {
            parent.check_child(&self.tag, capacity)?;
        }
        // The capacity has been checked, and the duties are done by `resize`.
        let _ = self.word.resize(Some(capacity));
        Ok(())
    }
}
