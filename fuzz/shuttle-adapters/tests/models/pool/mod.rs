//! The pool: wake-ups, hand-over, and what is counted when something fails.

mod errors;
mod shrink;
mod threads;
mod waits;
mod world;
