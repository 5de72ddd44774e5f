//! From `crossbeam_channel` to a tracked channel: the constructor changes, and what uses the handles stays:
//! `cargo run -p plimsoll --example migrating_a_channel`.

use std::thread;

use plimsoll::Registry;
// Was: use crossbeam_channel::{Receiver, Sender, bounded};
use plimsoll::channel::crossbeam::{Receiver, Sender, bounded};

/// As it was: the same methods, errors and iterators.
fn produce(jobs: &Sender<u32>) {
    for job in 0..100 {
        if jobs.send(job).is_err() {
            return; // the receiver is gone
        }
    }
}

/// As it was.
fn consume(jobs: Receiver<u32>) -> u32 {
    jobs.iter().sum()
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    // Was: let (tx, rx) = bounded(16);
    let (tx, rx) = bounded(&registry, "jobs", 16)?;
    let consumer = thread::spawn(move || consume(rx));
    produce(&tx);
    println!("{}", registry.snapshot());
    assert!(tx.reading().high_water >= 1, "what the channel tells for it");
    drop(tx);
    let sum = consumer.join().map_err(|_| "the consumer has panicked")?;
    assert_eq!(sum, (0..100).sum::<u32>());
    assert!(registry.snapshot().entries().is_empty(), "it leaves with its last handle");
    Ok(())
}
