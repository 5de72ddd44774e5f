//! Who uses the most, among any number of principals: `cargo run -p plimsoll --example largest_users`.

use plimsoll::{Limit, Registry};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let memory = registry.peak_ledger(Limit::memory("guest_memory"), 64)?;
    let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), 64)?;
    for guest in 0..10_000_u64 {
        let id = format!("guest-{guest}");
        memory.record(id.as_str(), 1_000 + guest)?;
        fuel.record(id.as_str(), 10)?;
    }
    memory.record("hog", 64 << 20)?;
    for _call in 0..1_000 {
        fuel.record("spin", 1_000)?;
    }
    let snapshot = registry.snapshot();
    println!("{snapshot}");
    for (ledger, largest) in snapshot.ledgers().iter().zip(["hog", "spin"]) {
        assert!(
            ledger.users()[0].principal().and_then(|key| key.as_str()) == Some(largest),
            "{ledger:?}"
        );
    }
    assert_eq!(memory.get("hog")?.value(), Some(64 << 20));
    Ok(())
}
