//! The core as schedules see it: a copy with their atomics, and with mistakes that they can plant.
//!
//! The build script makes the copy, which has both sides of each mistake: lints are for the source.
#![no_std]
#![forbid(unsafe_code)]
#![allow(clippy::all, unused)]

include!(concat!(env!("OUT_DIR"), "/src/lib.rs"));
