//! A pool that keeps fewer instances while memory is short:
//! `cargo run -p plimsoll --example memory_pressure`.

use std::convert::Infallible;

use plimsoll::Registry;
use plimsoll::pool::{Manager, Pool, Shrink};
use plimsoll::probes::{ProbeLimit, Probes};

struct Interpreters;

impl Manager for Interpreters {
    type Object = Vec<u8>;
    type Error = Infallible;

    async fn create(&self) -> Result<Vec<u8>, Infallible> {
        Ok(vec![0; 1 << 20])
    }
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let probes = Probes::builder().build(&registry)?;
    for error in probes.errors() {
        println!("{error}"); // what this system does not have
    }
    let _sampler = probes.spawn_thread()?;

    let pool = Pool::builder(Interpreters).max(16).warm(8).build()?;
    pool.shrink_under(&probes.pressure(ProbeLimit::MemoryStallUs), Shrink::new().warm(2))?;

    println!("{}", registry.snapshot());
    match probes.headroom(0) {
        Some(bytes) => println!("{} MiB may be granted", bytes >> 20),
        None => println!("no bound on the memory of this cgroup"),
    }
    Ok(())
}
