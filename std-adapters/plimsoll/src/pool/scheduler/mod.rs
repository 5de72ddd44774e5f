//! The scheduler: every decision of a pool, as a function of the state, an input and the moment.
//!
//! The [`Scheduler`] knows who waits, which slot is on its way to which waiter, and how much room
//! there is. Each of its `on_*` methods takes one input and pushes the [`Action`]s that follow from
//! it. It knows no manager, asks no clock, takes no lock and calls nobody back. The executor locks
//! it, passes an input, and does what it says once the lock is free (POOL-7).
//!
//! Instances change hands without the scheduler as well, by lock-free words that leases share with
//! it. It reaches those through [`Stock`].

mod action;
mod build;
mod calls;
mod numbers;
mod own;
mod queue;
mod room;
mod rules;
mod serve;
mod slots;
mod state;
mod stock;
mod wait;
mod watch;

pub(in crate::pool) use action::{Action, Actions, Queued};
pub(in crate::pool) use queue::Ticket;
pub(in crate::pool) use room::Room;
pub(in crate::pool) use rules::{Rules, out_of_time};
pub(in crate::pool) use state::{Decision, Scheduler};
pub(in crate::pool) use stock::Stock;

#[cfg(test)]
mod tests;
