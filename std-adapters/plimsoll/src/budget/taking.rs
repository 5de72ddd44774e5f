//! A wait for room, from its first ask to its end.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::level::Ask;
use super::line::{Node, Waiter};
use super::waiter::Outcome;
use crate::park::block_on;

/// A wait for an amount. Dropped before its end it leaves the queue, and gives back what it was
/// granted meanwhile.
pub(super) struct Taking {
    node: Arc<Node>,
    ask: Ask,
    stage: Stage,
}

enum Stage {
    New,
    Waiting(Arc<Waiter>),
    Over,
}

impl Taking {
    pub(super) fn new(node: Arc<Node>, ask: Ask) -> Self {
        Self { node, ask, stage: Stage::New }
    }

    pub(super) fn asked(&self) -> u64 {
        self.ask.amount
    }

    pub(super) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Waits on the calling thread.
    pub(super) fn block(mut self, timeout: Option<Duration>) -> Outcome {
        match block_on(&mut self, timeout) {
            Some(outcome) => outcome,
            None => {
                let outcome = self.leave().unwrap_or(Ok(()));
                self.end(outcome)
            }
        }
    }

    /// Ends the wait.
    fn leave(&mut self) -> Option<Outcome> {
        match mem::replace(&mut self.stage, Stage::Over) {
            Stage::Waiting(waiter) => self.node.line.leave(&waiter),
            Stage::New | Stage::Over => None,
        }
    }

    fn end(&mut self, outcome: Outcome) -> Outcome {
        self.stage = Stage::Over;
        if outcome.is_ok() {
            self.node.note_peak();
        }
        outcome
    }
}

impl Future for Taking {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        let this = &mut *self;
        if matches!(this.stage, Stage::New) {
            match this.node.try_take(this.ask) {
                Err(refused) if refused.is_temporary() => {
                    this.stage = Stage::Waiting(this.node.line.arrive(&this.node, this.ask));
                }
                outcome => return Poll::Ready(this.end(outcome)),
            }
        }
        let Stage::Waiting(waiter) = &this.stage else { return Poll::Pending };
        match waiter.poll(context.waker()) {
            Some(outcome) => Poll::Ready(this.end(outcome)),
            None => Poll::Pending,
        }
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        if let Some(Ok(())) = self.leave() {
            self.node.give_back(self.ask.amount);
        }
    }
}
