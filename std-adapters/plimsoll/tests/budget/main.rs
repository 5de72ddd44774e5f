//! What budgets promise, one test or more for each property.
#![cfg(feature = "budget")]

mod admission;
mod bad_input;
mod channel;
mod chaos;
#[path = "../common/mod.rs"]
mod common;
mod hostile;
mod hostile_channel;
mod leases;
mod listed;
#[cfg(feature = "pressure")]
mod pressed;
mod principals;
mod resized;
mod semaphore;
mod support;
mod tree;
mod turns;
mod wakers;
