//! Memory of guests within a host's: `cargo run -p plimsoll --example byte_budget`.

use std::thread;

use plimsoll::{Limit, Registry};

const MIB: u64 = 1 << 20;

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let host = registry.budget(Limit::memory("host_bytes"), 100 * MIB)?;
    let guests = host.principals(Limit::memory("guest_bytes"), 60 * MIB).listed().build()?;

    // A greedy guest meets its own limit.
    let greedy = guests.budget("greedy")?;
    let mut lease = greedy.try_reserve(50 * MIB)?;
    println!("{}", lease.try_grow(20 * MIB).unwrap_err());

    // Another one meets the host's, and waits for its turn.
    let other = guests.budget("other")?;
    println!("{}", other.try_reserve(60 * MIB).unwrap_err());
    let waiting = thread::spawn(move || other.reserve_blocking(60 * MIB));
    lease.shrink(20 * MIB)?;
    let served = waiting.join().expect("no panic")?;
    println!("{}", registry.snapshot());
    assert_eq!(host.usage(), 90 * MIB);

    drop((lease, served));
    assert_eq!(host.usage(), 0);
    Ok(())
}
