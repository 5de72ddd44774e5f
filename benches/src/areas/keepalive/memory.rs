//! What it takes to keep a guest; the area `memory` has the case.

use std::sync::Arc;
use std::time::Duration;

use plimsoll::Registry;
use plimsoll::keepalive::Watcher;

use super::peers::{Polled, Queue, Stamps};
use super::watched::{Plimsoll, Told, Watched};
use super::{WINDOW, runtime};
use crate::case::Case;
use crate::resident::{self, Held, more};

const GUESTS: u64 = 200_000;

pub(in crate::areas) fn memory_case() -> Option<Case> {
    resident::case("a guest that is watched: bytes, not ns", "guest", GUESTS, &HELD)
}

pub(crate) static HELD: [Held; 5] = [
    Held { name: Polled::NAME, baseline: Polled::NAME, bytes: held_by::<Polled> },
    Held { name: Stamps::NAME, baseline: Polled::NAME, bytes: held_by::<Stamps> },
    Held { name: Queue::NAME, baseline: Polled::NAME, bytes: held_by::<Queue> },
    Held { name: Plimsoll::NAME, baseline: Polled::NAME, bytes: held_by::<Plimsoll> },
    Held {
        name: "plimsoll Watcher: without ids and handles",
        baseline: Polled::NAME,
        bytes: held_by_room,
    },
];

/// All there is to it: ids, timers and what beats.
fn held_by<W: Watched>(guests: usize) -> u64 {
    let runtime = runtime();
    let told: Told = Arc::new(|_| ());
    more(|| {
        let watched = W::new(&runtime, guests, WINDOW, &told);
        // Tasks have timers once they have run.
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
        (0..guests).for_each(|guest| watched.beat(guest));
        watched
    })
}

/// What a watcher of that capacity takes when it is made.
fn held_by_room(guests: usize) -> u64 {
    let registry = Registry::new();
    more(|| Watcher::builder().capacity(guests).build(&registry).expect("good settings"))
}
