//! What the generic pool promises, one test or more for each property.
#![cfg(feature = "pool")]

mod alive;
mod batches;
mod closing;
#[path = "../common/mod.rs"]
mod common;
mod contained;
mod drained;
mod evictions;
mod hostile;
mod hung;
mod inline;
mod inline_hostile;
mod inline_races;
mod isolation;
mod leases;
mod listed;
mod own;
mod resized;
mod served;
mod shrunk;
mod soak;
mod support;
#[cfg(feature = "tokio")]
mod tasks;
mod turns;
mod waits;
