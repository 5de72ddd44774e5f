//! A beat, as a guest's host pays for it, and watching many guests: the CPU time it takes, and how
//! late a silence is reported; the memory is a case of the area `memory`.

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
pub(crate) use memory::HELD;
pub(super) use memory::memory_case;

const WINDOW: Duration = Watch::WINDOW_DEFAULT;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = beat::cases();
    cases.extend(watching::cases());
    cases.extend(detection::cases());
    cases
}

/// A runtime whose tasks run on the thread that waits for it, and only while it does.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}
