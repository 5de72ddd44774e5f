//! How many instances there are, and how many there may be.
//!
//! Slots are reserved and vacated by the scheduler, which counts those that count. Those of calls
//! that were abandoned count no more (POOL-12): they lie beside the pool's room, in slots that are
//! added when they are needed.

use std::collections::HashMap;

use plimsoll_core::pool::Condemned;

use crate::pool::config::{Config, Isolation};
use crate::pool::error::CheckoutError;
use crate::pool::store::Words;

/// How many instances there may be, and how many there are.
pub(in crate::pool) struct Room {
    pub(in crate::pool) max: usize,
    /// As many as suit the maximum, if `None`.
    pub(in crate::pool) warm: Option<usize>,
    pub(in crate::pool) min: usize,
    /// How many are kept warm at most, while the pool is under pressure.
    pub(in crate::pool) shrunk: Option<usize>,
    isolation: Isolation,
    /// Slots that are not vacant, without those that were abandoned.
    pub(in crate::pool) held: usize,
    /// Slots whose holder was given up, by their numbers: with the token that the holder has lost,
    /// until it comes back and takes it.
    pub(in crate::pool) abandoned: HashMap<usize, Option<Condemned>>,
}

impl Room {
    pub(in crate::pool) fn new(config: &Config) -> Self {
        let Config { max, warm, min, isolation, .. } = *config;
        Self { shrunk: None, max, warm, min, isolation, held: 0, abandoned: HashMap::new() }
    }

    /// Room for so many, none of them warm.
    #[cfg(test)]
    pub(super) fn of(max: usize, isolation: Isolation) -> Self {
        let (warm, shrunk) = (Some(0), None);
        Self { max, warm, min: 0, shrunk, isolation, held: 0, abandoned: HashMap::new() }
    }

    /// How many idle instances are kept ready now.
    pub(in crate::pool) fn warm(&self) -> usize {
        self.warm_at_ease().min(self.shrunk.unwrap_or(usize::MAX))
    }

    /// How many idle instances are kept ready without pressure.
    pub(in crate::pool) fn warm_at_ease(&self) -> usize {
        let suits = match self.isolation {
            Isolation::Fresh => self.max - self.max / 4,
            Isolation::PerPrincipal | Isolation::Shared => 0,
        };
        self.warm.unwrap_or(suits).min(self.max)
    }

    pub(in crate::pool) fn is_full(&self) -> bool {
        self.held >= self.max
    }

    /// There are more than there may be by now (POOL-17).
    pub(in crate::pool) fn is_over(&self) -> bool {
        self.held > self.max
    }

    /// The error of a checkout of more than there may be.
    pub(in crate::pool) fn too_many(&self, asked: usize) -> Option<CheckoutError> {
        let max = self.max;
        (asked > max).then_some(CheckoutError::TooMany { asked, max })
    }

    /// Publishes the numbers for readers that do not take the lock.
    pub(in crate::pool) fn publish(&self, words: &Words) {
        words.room.note(self.max, self.warm(), self.min, self.abandoned.len());
    }

    /// Nothing lives, and nothing can come to live any more but by a build that is begun.
    pub(in crate::pool) fn is_empty(&self) -> bool {
        self.held == 0 && self.abandoned.is_empty()
    }
}
