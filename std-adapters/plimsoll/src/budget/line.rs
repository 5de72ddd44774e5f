//! The queues of a tree of budgets: who waits, at which level, and who is served next (BUDGET-3).
//!
//! An ask waits at the level that refused it, and keeps its *ticket*, its place among all asks of the
//! tree that ever waited. At each level the lowest ticket is first, and none is granted that has to
//! pass a level at which a lower ticket waits. So a large ask is passed by finitely many others, and
//! a full guest holds up nobody but its own. When the first at a level finds room there and none at
//! another one, it moves to that one, with its ticket.
//!
//! # Locks
//! | lock | taken while it is held |
//! |---|---|
//! | the tree's [`Line`] | that of a [`Waiter`], to say how its wait ends |
//! | a [`Waiter`]'s | none |
//!
//! No waker is called, no edge is handed on, no level and nothing of the user's is dropped under
//! either: what is to be done is gathered in a [`Decision`], and done once both are free.
//!
//! # Why no wake-up is lost
//! A level is marked in its own word (`set_waiting`) *before* the attempt whose refusal leaves an ask
//! there. A release comes before that attempt, which then finds room; or after the mark, and then it
//! sees it, takes the lock and serves. A rollback is a release.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;

use plimsoll_core::budget::{Asker, Duties};

use super::level::{Ask, Level};
use super::refused::{Refused, RefusedReason};
use super::waiter::{self, Outcome};
use crate::clock;
use crate::contain::wake_all;
use crate::sync::Mutex;

/// A level of a tree with these queues.
pub(super) type Node = Level<Line>;

/// One who waits in these queues.
pub(super) type Waiter = waiter::Waiter<Line>;

/// The queues of one tree.
#[derive(Default)]
pub(super) struct Line {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next_level: u64,
    next_ticket: u64,
    /// By level and ticket.
    waits: BTreeMap<(u64, u64), Wait>,
}

struct Wait {
    waiter: Arc<Waiter>,
    /// When it came to this level.
    since_us: u64,
}

/// What is to be done once no lock is held.
#[derive(Default)]
pub(super) struct Decision {
    wakers: Vec<Waker>,
    /// Those whose wait is over. Their futures may be gone already, so that the last handle of a level
    /// may be theirs: it is dropped here, and not under the lock.
    settled: Vec<Arc<Waiter>>,
    edges: Vec<(Arc<Waiter>, Duties)>,
}

impl Decision {
    fn settle(&mut self, waiter: &Arc<Waiter>, outcome: Outcome) {
        self.settled.push(waiter.clone());
        self.wakers.extend(waiter.settle(outcome));
    }

    fn carry_out(self) {
        wake_all(self.wakers);
        for (waiter, duties) in self.edges {
            waiter.node.hand_on(duties);
        }
    }
}

impl Line {
    /// The number of a new level.
    pub(super) fn add_level(&self) -> u64 {
        let mut state = self.state.lock();
        state.next_level += 1;
        state.next_level
    }

    /// Asks in turn: behind all who wait, and before all who come later.
    ///
    /// # Returns
    /// The waiter, who has been served already if there is room.
    pub(super) fn arrive(&self, node: &Arc<Node>, ask: Ask) -> Arc<Waiter> {
        self.decide(|state, decision| {
            let ticket = state.next_ticket;
            state.next_ticket += 1;
            let waiter = Arc::new(Waiter::new(node.clone(), ask, ticket));
            state.place(&waiter, decision);
            waiter
        })
    }

    /// Leaves the queue.
    ///
    /// # Returns
    /// The outcome, if the wait has ended before, and was not taken; else a refusal, by the level at
    /// which it was.
    pub(super) fn leave(&self, waiter: &Waiter) -> Option<Outcome> {
        self.decide(|state, decision| {
            for level in waiter.node.path() {
                if state.remove(level, waiter.ticket).is_some() {
                    state.serve(level, decision);
                    state.unmark(level);
                    return Some(Err(level.refused(waiter.ask, RefusedReason::TimedOut)));
                }
            }
            waiter.take()
        })
    }

    /// Serves all levels from `node` upwards: there may be room.
    #[cold]
    pub(super) fn serve(&self, node: &Node) {
        self.decide(|state, decision| {
            for level in node.path() {
                state.serve(level, decision);
            }
            for level in node.path() {
                state.unmark(level);
            }
        });
    }

    /// Ends the waits that pass `node` and can never be served any more, and serves the others.
    fn review(&self, node: &Node) {
        self.decide(|state, decision| {
            let waits = state.waits.iter();
            let passing =
                waits.filter(|(_, wait)| wait.waiter.node.path().any(|n| n.id == node.id));
            let hopeless = passing.filter_map(|(key, wait)| {
                let refused = wait.waiter.node.hopeless(wait.waiter.ask)?;
                Some((*key, refused))
            });
            for ((level, ticket), refused) in hopeless.collect::<Vec<_>>() {
                state.end(level, ticket, refused, decision);
            }
            // A wait that ended may have been the first anywhere in the tree.
            state.serve_all(decision);
        });
    }

    /// Changes `node` by a step under the lock, and does right by who waits then.
    pub(super) fn change<E>(
        &self,
        node: &Node,
        step: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        self.decide(|_, _| step())?;
        self.review(node);
        Ok(())
    }

    /// Closes `node` under the lock, and ends all waits that pass it.
    pub(super) fn close(&self, node: &Node) {
        self.decide(|_, _| node.mark_closed());
        self.review(node);
    }

    fn decide<T>(&self, step: impl FnOnce(&mut State, &mut Decision) -> T) -> T {
        let mut decision = Decision::default();
        let done = step(&mut self.state.lock(), &mut decision);
        decision.carry_out();
        done
    }
}

impl State {
    fn first(&self, level: &Node) -> Option<&Arc<Waiter>> {
        let mut of_level = self.waits.range((level.id, 0)..=(level.id, u64::MAX));
        of_level.next().map(|(_, wait)| &wait.waiter)
    }

    fn is_behind(&self, level: &Node, ticket: u64) -> bool {
        self.waits.range((level.id, 0)..(level.id, ticket)).next().is_some()
    }

    fn insert(&mut self, level: &Node, waiter: Arc<Waiter>) {
        let since_us = clock::now_us();
        level.waiters.enter(since_us);
        self.waits.insert((level.id, waiter.ticket), Wait { waiter, since_us });
    }

    fn remove(&mut self, level: &Node, ticket: u64) -> Option<Arc<Waiter>> {
        let wait = self.waits.remove(&(level.id, ticket))?;
        level.waiters.exit(wait.since_us, clock::now_us());
        Some(wait.waiter)
    }

    /// Grants the ask of a waiter that is in no queue, or puts it into the one where it has to be.
    fn place(&mut self, waiter: &Arc<Waiter>, decision: &mut Decision) {
        if let Some(refused) = waiter.node.hopeless(waiter.ask) {
            decision.settle(waiter, Err(refused));
            return;
        }
        let mut marked = None;
        loop {
            match self.attempt(waiter, decision) {
                Ok(()) => {
                    decision.settle(waiter, Ok(()));
                    break;
                }
                Err(at) if marked == Some(at.id) => {
                    self.insert(at, waiter.clone());
                    break;
                }
                Err(at) => {
                    at.word.set_waiting(true);
                    if let Some(old) = marked.replace(at.id) {
                        // It is refused elsewhere now: nobody may be left there.
                        self.unmark_id(waiter, old);
                    }
                }
            }
        }
        if let Some(id) = marked {
            self.unmark_id(waiter, id);
        }
    }

    /// # Errors
    /// The level at which the ask has to wait.
    fn attempt<'w>(
        &self,
        waiter: &'w Arc<Waiter>,
        decision: &mut Decision,
    ) -> Result<(), &'w Node> {
        let (node, amount) = (&waiter.node, waiter.ask.amount);
        let refuses =
            |level: &&Node| self.is_behind(level, waiter.ticket) || !level.has_room(amount);
        if let Some(level) = node.path().find(refuses) {
            return Err(level);
        }
        let (duties, refused) = match node.take(amount, Asker::Waiter) {
            Ok(duties) => (duties, None),
            Err(refused) => (refused.duties, refused.refusal.place().or(Some(0))),
        };
        if duties.edges().next().is_some() {
            decision.edges.push((waiter.clone(), duties));
        }
        refused.map_or(Ok(()), |height| Err(node.up(height)))
    }

    /// Serves those who wait at `level`, the lowest ticket first, for as long as that finds room.
    fn serve(&mut self, level: &Node, decision: &mut Decision) {
        while let Some(first) = self.first(level).cloned() {
            match self.attempt(&first, decision) {
                Err(at) if at.id == level.id => return,
                Ok(()) => {
                    self.remove(level, first.ticket);
                    decision.settle(&first, Ok(()));
                }
                Err(_) => {
                    self.remove(level, first.ticket);
                    self.place(&first, decision);
                    if self.first(level).is_some_and(|next| next.ticket == first.ticket) {
                        // It came back: there is no room here after all.
                        return;
                    }
                }
            }
        }
    }

    fn serve_all(&mut self, decision: &mut Decision) {
        let mut after = 0;
        while let Some((&(level, _), wait)) = self.waits.range((after, 0)..).next() {
            let waiter = wait.waiter.clone();
            if let Some(level) = waiter.node.path().find(|node| node.id == level) {
                self.serve(level, decision);
                self.unmark(level);
            }
            after = level + 1;
        }
    }

    /// Ends a wait with a refusal.
    fn end(&mut self, level: u64, ticket: u64, refused: Refused, decision: &mut Decision) {
        let Some(waiter) = self.waits.get(&(level, ticket)).map(|wait| wait.waiter.clone()) else {
            return;
        };
        if let Some(level) = waiter.node.path().find(|node| node.id == level) {
            self.remove(level, ticket);
            self.unmark(level);
        }
        decision.settle(&waiter, Err(refused));
    }

    /// Takes the mark off a level at which nobody waits.
    fn unmark(&self, level: &Node) {
        if self.first(level).is_none() && !level.is_closed() {
            level.word.set_waiting(false);
        }
    }

    fn unmark_id(&self, waiter: &Waiter, level: u64) {
        if let Some(level) = waiter.node.path().find(|node| node.id == level) {
            self.unmark(level);
        }
    }
}
