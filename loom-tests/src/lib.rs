//! The core as models see it: a copy with their atomics, and with mistakes that they can plant.
//!
//! The build script makes the copy, which has both sides of each mistake: lints are for the source.
// `cargo test NAME` builds this for tests whatever the manifest says, and the core's own need no model.
#![cfg(not(test))]
#![no_std]
#![forbid(unsafe_code)]
#![allow(clippy::all, unused)]

include!(concat!(env!("OUT_DIR"), "/src/lib.rs"));
