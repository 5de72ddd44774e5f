//! Models of the adapters: how they use the core's protocols, under schedules of chance.
extern crate plimsoll_shuttle_adapters as plimsoll;

mod budget;
mod common;
mod keepalive;
mod pool;
mod pressure;
mod registry;
