//! `crossbeam_channel`'s two handles and one constructor, as the program calls them, tracked by
//! plimsoll. Written into the folder of the real program; see `benches/README.md`.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use plimsoll::{Limit, Registry};

pub use plimsoll::channel::crossbeam::{Receiver, Sender};

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

/// A channel of its own limit in the one registry: upstream's signature has no place for either.
pub fn bounded<T: Send + 'static>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    static CHANNELS: AtomicU64 = AtomicU64::new(0);
    // Relaxed: each channel only needs another number.
    let number = CHANNELS.fetch_add(1, Ordering::Relaxed);
    let limit = Limit::queue("documents").scope(number.to_string());
    plimsoll::channel::crossbeam::bounded(&REGISTRY, limit, capacity).expect("a good limit")
}

/// The largest number of messages that lay in one of the channels there are.
pub fn high_water() -> u64 {
    let snapshot = REGISTRY.snapshot();
    snapshot.entries().iter().map(|entry| entry.high_water).max().unwrap_or(0)
}
