//! What a state costs: read, written and read back, of many limits and of large ledgers.
//!
//! `cargo run --release -p plimsoll-fleet --example state_cost`

use std::time::{Duration, Instant};

use plimsoll::{Limit, Registry, Watermarks};
use plimsoll_fleet::{HostName, HostState};

const INTERVAL: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let limits = Registry::new();
    let gauges: Result<Vec<_>, _> = (0..10_000)
        .map(|n| {
            let limit = Limit::queue("stdout_frames").scope(format!("guest-{n}"));
            limits.gauge(limit, Watermarks::percent(1_024, 80, 50))
        })
        .collect();
    let gauges = gauges?;
    gauges.iter().zip(0..).for_each(|(gauge, depth)| gauge.add(depth % 1_000));
    measure("10,000 limits", &limits)?;

    let ledgers = Registry::new();
    let fuel = ledgers.sum_ledger(Limit::cpu("guest_fuel"), 4_096)?;
    for n in 0..100_000_u64 {
        fuel.record(&format!("guest-{}", n % 20_011), 1 + n % 977)?;
    }
    measure("a ledger of 4,096", &ledgers)?;
    Ok(())
}

/// Prints the medians of reading a registry into bytes, and of reading those back.
fn measure(what: &str, registry: &Registry) -> Result<(), Box<dyn std::error::Error>> {
    let host = HostName::new("web-1")?;
    let (mut written, mut read) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for _ in 0..51 {
        let begin = Instant::now();
        let body = HostState::of(registry, host.clone(), usize::MAX).to_bytes()?;
        written.push(begin.elapsed());
        bytes = body.len();
        let begin = Instant::now();
        std::hint::black_box(HostState::from_bytes(body)?);
        read.push(begin.elapsed());
    }
    written.sort_unstable();
    read.sort_unstable();
    let (written, read) = (written[25], read[25]);
    let share = written.as_secs_f64() / INTERVAL.as_secs_f64() * 100.0;
    println!(
        "{what}: {bytes} bytes, written in {written:?} ({share:.2} % of a core), read in {read:?}"
    );
    Ok(())
}
