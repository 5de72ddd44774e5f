//! Limits under names of your own, checked when the program is compiled:
//! `cargo run -p plimsoll --example own_catalog`.

use plimsoll::{Registry, Watermarks};

plimsoll::limits! {
    /// What our workers are bounded by.
    pub enum WorkerLimit {
        Queue: Jobs = "jobs";
        Memory: ScratchBytes = "scratch_bytes";
    }
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let _jobs = registry.gauge(WorkerLimit::Jobs, Watermarks::new(100))?;
    let scratch =
        registry.gauge(WorkerLimit::ScratchBytes, Watermarks::percent(1 << 20, 90, 70))?;
    scratch.add(900 << 10);
    println!("{}", registry.snapshot());
    assert_eq!("jobs".parse(), Ok(WorkerLimit::Jobs));
    assert_eq!(scratch.depth(), 900 << 10);
    scratch.sub(900 << 10);
    Ok(())
}
