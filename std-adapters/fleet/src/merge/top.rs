//! The largest of many.

use std::cmp::Reverse;

use plimsoll::ledger::{Entry, Key};

use super::gather::Gathered;
use super::{MergedUser, Range};
use crate::state::Principal;

struct Candidate<'a> {
    rank: u64,
    range: Range,
    principal: Principal<'a>,
    gathered: Gathered,
}

impl Candidate<'_> {
    /// The largest first; of equals, the more certain, and then in an order that no hash chooses.
    fn order(&self) -> impl Ord {
        (Reverse(self.rank), self.range.1 - self.range.0, self.principal)
    }
}

/// The largest that were offered.
pub(super) struct Largest<'a> {
    candidates: Vec<Candidate<'a>>,
    most: usize,
    /// No candidate up to this can be among the largest.
    least: u64,
    /// The largest value that was left out.
    passed_over: u64,
}

impl<'a> Largest<'a> {
    /// The `most` largest, where something was left out that has up to `passed_over`.
    pub(super) fn new(most: usize, passed_over: u64) -> Self {
        Self { candidates: Vec::new(), most, least: 0, passed_over }
    }

    pub(super) fn offer(&mut self, rank: u64, range: Range, of: Principal<'a>, gathered: Gathered) {
        if rank < self.least {
            self.passed_over = self.passed_over.max(rank);
            return;
        }
        self.candidates.push(Candidate { rank, range, principal: of, gathered });
        // Every now and then, so that it costs little for each.
        if self.candidates.len() >= 2 * self.most + 1_024 {
            self.cut();
        }
    }

    /// Leaves the largest.
    fn cut(&mut self) {
        if self.candidates.len() <= self.most {
            return;
        }
        if self.most > 0 {
            self.candidates.select_nth_unstable_by(self.most - 1, |a, b| a.order().cmp(&b.order()));
        }
        for left_out in self.candidates.drain(self.most..) {
            self.passed_over = self.passed_over.max(left_out.rank);
        }
        self.least = self.candidates.last().map_or(u64::MAX, |candidate| candidate.rank);
    }

    /// The users, the largest first, how many of them are certain, and the largest that is left out.
    pub(super) fn finish(mut self, bound: u64, total: u64) -> (Vec<MergedUser>, usize, u64) {
        self.cut();
        self.candidates.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        let (mut certified, mut certain) = (0, u64::MAX);
        for (place, candidate) in self.candidates.iter().enumerate() {
            certain = certain.min(candidate.range.0);
            let next = self.candidates.get(place + 1).map_or(self.passed_over, |next| next.rank);
            if certain >= next.max(bound) {
                certified = place + 1;
            }
        }
        let user = |Candidate { rank, range, principal, gathered }| MergedUser {
            principal: key_of(principal),
            at_least: range.0,
            at_most: range.1,
            share: rank as f64 / total.max(1) as f64,
            most_on: gathered.state_of_max as usize,
            most: gathered.value_max,
            states: gathered.states as usize,
        };
        (self.candidates.into_iter().map(user).collect(), certified, self.passed_over)
    }
}

fn key_of(principal: Principal<'_>) -> Key {
    // A state has no users without a key.
    principal.key().unwrap_or(*Entry::NONE.key())
}
