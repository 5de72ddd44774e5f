//! A page to look at: queues that fill and drain, a pool, ledgers, and a guest that falls silent now
//! and then. `cargo run -p plimsoll-status --example status_page`, with another address as an argument.

use std::convert::Infallible;
use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, Instant};

use plimsoll::catalog::SandboxLimit;
use plimsoll::keepalive::{Watch, Watcher};
use plimsoll::pool::{Isolation, Manager, Pool};
use plimsoll::{Category, Limit, Registry, TrackedGauge, Watermarks};
use plimsoll_status::Status;

/// Makes instances of nothing.
struct Interpreters;

impl Manager for Interpreters {
    type Object = ();
    type Error = Infallible;

    async fn create(&self) -> Result<(), Infallible> {
        Ok(())
    }

    fn reset(&self, (): &mut ()) -> Result<(), Infallible> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7070".into());
    let registry = Registry::new();
    let serving = Status::builder(&registry).show_principals(true).build()?.spawn(addr)?;
    println!("open http://{}/", serving.local_addr());

    let limits = limits(&registry)?;
    let memory = registry.peak_ledger(Limit::memory("guest_memory_bytes"), 1_024)?;
    let fuel = registry.sum_ledger(Limit::cpu("guest_fuel"), 1_024)?;
    let pool = Pool::builder(Interpreters)
        .max(8)
        .isolation(Isolation::PerPrincipal)
        .registry(&registry, Limit::resource("interpreters"))
        .build()?;
    let watcher = Watcher::builder().build(&registry)?;
    let _driver = watcher.spawn_thread()?;
    let window = Duration::from_secs(3);
    let guest = watcher.watch(Watch::new("agent-3", "run-1").window(window).rearming())?;

    let began = Instant::now();
    loop {
        let seconds = began.elapsed().as_secs_f64();
        for (at, (limit, capacity)) in limits.iter().enumerate() {
            limit.set(wave(seconds, at, *capacity));
        }
        for number in 0..12 {
            let id = format!("agent-{number}");
            memory.record(&id, wave(seconds, number, 64 << 20).max(1))?;
            fuel.record(&id, 1 + number as u64)?;
        }
        let principal = pool.principal(&format!("agent-{}", seconds as u64 % 6))?;
        let lease = pool.checkout_blocking(&principal)?;
        if seconds as u64 % 20 < 10 {
            guest.notify();
        }
        sleep(Duration::from_millis(100));
        lease.complete();
    }
}

/// The limits of the sandbox catalog, and their capacities.
fn limits(registry: &Registry) -> Result<Vec<(TrackedGauge, u64)>, Box<dyn Error>> {
    let mut limits = Vec::new();
    for limit in SandboxLimit::ALL {
        let capacity = match limit.category() {
            Category::Memory => 256 << 20,
            Category::Cpu => 60_000,
            _ => 1_024,
        };
        let watermarks = Watermarks::percent(capacity, 80, 50);
        limits.push((registry.gauge(Limit::from(*limit).scope("demo"), watermarks)?, capacity));
    }
    Ok(limits)
}

/// A depth that comes and goes, at a pace of its own for each number.
fn wave(seconds: f64, number: usize, capacity: u64) -> u64 {
    let pace = 0.05 + 0.013 * (number % 7) as f64;
    let height = 0.35 + 0.1 * (number % 7) as f64;
    let swing = (1.0 + (seconds * pace * std::f64::consts::TAU + number as f64).sin()) / 2.0;
    (swing * height * capacity as f64) as u64
}
