//! A beat, as a guest's host pays for it, and watching many guests: the CPU time and memory it
//! takes, and how late a silence is reported.

mod beat;
mod clock;
mod detection;
mod memory;
mod peers;
mod watched;
mod watching;

use std::time::Duration;

use plimsoll::keepalive::Watch;
use tokio::runtime::{Builder, Runtime};

use crate::case::Case;
pub use memory::held_bytes;

const WINDOW: Duration = Watch::WINDOW_DEFAULT;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = beat::cases();
    cases.extend(watching::cases());
    cases.extend(detection::cases());
    cases.extend(memory::cases());
    cases
}

/// A runtime whose tasks run on the thread that waits for it, and only while it does.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}
