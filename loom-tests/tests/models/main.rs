//! Models of `plimsoll-core`, and of words of the pool of `plimsoll`.
extern crate plimsoll_loom as plimsoll_core;

mod common;
mod counts;
mod flow;
mod freeze;
mod gauge;
mod hand_over;
mod keepalive;
mod ledger;
mod marks;
mod pool;
mod ring;
mod sampled;
mod twins;
