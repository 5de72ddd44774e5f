//! Models of `plimsoll-core`.
mod common;
mod counts;
mod flow;
mod freeze;
mod gauge;
mod keepalive;
mod ledger;
mod marks;
mod pool;
mod ring;
mod sampled;
mod twins;
