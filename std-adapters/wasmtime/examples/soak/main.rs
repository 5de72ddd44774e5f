//! Runs wasm guests that misbehave in every way for as long as you like, and fails if instances,
//! permits or memory leak.
//!
//! ```text
//! cargo run --release -p plimsoll-wasmtime --example soak -- --minutes 10
//! ```

mod guest;
mod load;
mod memory;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::pool::Isolation;
use plimsoll_wasmtime::WasmEngine;

use guest::{Guests, INSTANCES, Leavers};
use load::{Load, Tally};

/// What the heap may differ by between two quiet moments.
const SLACK_BYTES: u64 = 16 << 20;

fn minutes() -> Result<f64, String> {
    let mut args = std::env::args().skip(1);
    let minutes = match (args.next().as_deref(), args.next(), args.next()) {
        (None, ..) => return Ok(10.0),
        (Some("--minutes"), Some(number), None) => number.parse().ok(),
        _ => None,
    };
    let minutes = minutes.filter(|minutes: &f64| (0.001..=10_000.0).contains(minutes));
    minutes.ok_or_else(|| "usage: soak [--minutes NUMBER]".to_owned())
}

fn main() -> ExitCode {
    match minutes().and_then(|minutes| soak(Duration::from_secs_f64(60.0 * minutes))) {
        Ok(()) => {
            println!("nothing leaked");
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprintln!("error: {what}");
            ExitCode::FAILURE
        }
    }
}

fn soak(time: Duration) -> Result<(), String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let engine = WasmEngine::builder().instances(3 * INSTANCES).tick(Duration::from_millis(1));
    // All that an engine can be asked for.
    let engine =
        engine.gc().exceptions().component_model_async(32).build().map_err(|error| text(&error))?;
    let policies = [Isolation::Fresh, Isolation::PerPrincipal];
    let pools = policies.map(|isolation| guest::pool(&engine, isolation));
    let [fresh, own] = pools.map(|pool| pool.map_err(|error| error.to_string()));
    let pools: Arc<[(Isolation, Guests)]> = policies.into_iter().zip([fresh?, own?]).collect();

    let leavers = guest::leavers(&engine).map_err(|error| error.to_string())?;

    // First a tenth of the time, for heap and page tables to find their size.
    let warm_up = run(&pools, &leavers, time / 10)?;
    let before = quiet_state(&engine, &pools)?;
    println!("warmed up: {warm_up}\n  {before}");
    let tally = run(&pools, &leavers, time - time / 10)?;
    let after = quiet_state(&engine, &pools)?;
    println!("done: {tally}\n  {after}");
    for (isolation, pool) in pools.iter() {
        all_permits_are_there(pool).map_err(|what| format!("{isolation:?}: {what}"))?;
    }
    if let (Some(before), Some(after)) = (before.resident, after.resident)
        && after > before + SLACK_BYTES
    {
        return Err(format!("memory: {before} bytes became {after}"));
    }
    leavers.close();
    if !leavers.wait_drained(Duration::from_secs(20)) {
        return Err(format!("leavers: {:?} after the end", leavers.counts()));
    }
    nothing_is_left(&engine, &pools)
}

/// Runs the load for so long. Meanwhile no pool ever holds more than it may.
fn run(
    pools: &Arc<[(Isolation, Guests)]>,
    leavers: &Leavers,
    time: Duration,
) -> Result<Tally, String> {
    let stop = Arc::new(AtomicBool::new(false));
    let load = Load::start(pools.clone(), leavers.clone(), stop.clone());
    let until = Instant::now() + time;
    let mut excess = None;
    while Instant::now() < until {
        thread::sleep(Duration::from_millis(5).min(time));
        excess = excess.or_else(|| {
            let over = |counts: &plimsoll::pool::PoolCounts| counts.live() > INSTANCES;
            pools.iter().map(|(_, pool)| pool.counts()).find(over)
        });
    }
    // Relaxed: only to stop.
    stop.store(true, Ordering::Relaxed);
    let tally = load.join()?;
    match excess {
        Some(counts) => Err(format!("more instances than {INSTANCES}: {counts:?}")),
        None => Ok(tally),
    }
}

struct Quiet {
    instances: u64,
    stacks: usize,
    idle: usize,
    resident: Option<u64>,
}

impl std::fmt::Display for Quiet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { instances, stacks, idle, .. } = self;
        write!(f, "{instances} instances, {idle} idle, {stacks} stacks, ")?;
        match self.resident {
            Some(bytes) => write!(f, "{:.1} MiB resident", bytes as f64 / f64::from(1 << 20)),
            None => f.write_str("resident memory unknown on this system"),
        }
    }
}

/// What there is once nobody does anything any more.
fn quiet_state(engine: &WasmEngine, pools: &[(Isolation, Guests)]) -> Result<Quiet, String> {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        thread::sleep(Duration::from_millis(50));
        let counts: Vec<_> = pools.iter().map(|(_, pool)| pool.counts()).collect();
        let busy = counts.iter().map(|counts| counts.live() - counts.idle).sum::<usize>();
        if busy == 0 {
            let idle = counts.iter().map(|counts| counts.idle).sum();
            let metrics = engine.wasmtime().pooling_allocator_metrics();
            let metrics = metrics.ok_or("no pooling allocator")?;
            let (instances, stacks) = (metrics.core_instances(), metrics.stacks());
            return Ok(Quiet { instances, stacks, idle, resident: memory::resident() });
        }
        if Instant::now() > until {
            return Err(format!("instances that nobody holds are not idle: {counts:?}"));
        }
    }
}

/// As many leases as there may be can be held at one time.
fn all_permits_are_there(pool: &Guests) -> Result<(), String> {
    let principals = (0..INSTANCES).map(|number| pool.principal(&format!("last-{number}")));
    let principals: Vec<_> =
        principals.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let leases = principals.iter().map(|principal| pool.checkout_blocking(principal));
    let leases: Vec<_> = leases.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    println!("{} of {INSTANCES} permits are there", leases.len());
    for lease in leases {
        lease.complete();
    }
    Ok(())
}

fn nothing_is_left(engine: &WasmEngine, pools: &[(Isolation, Guests)]) -> Result<(), String> {
    for (isolation, pool) in pools {
        pool.close();
        if !pool.wait_drained(Duration::from_secs(20)) {
            return Err(format!("{isolation:?}: {:?} after the end", pool.counts()));
        }
    }
    let metrics = engine.wasmtime().pooling_allocator_metrics().ok_or("no pooling allocator")?;
    // Garbage-collected heaps are memories here.
    let left = (metrics.core_instances(), metrics.memories(), metrics.tables(), metrics.stacks());
    println!("after the end: {left:?} instances, memories, tables and stacks");
    if left == (0, 0, 0, 0) { Ok(()) } else { Err("wasmtime holds some after the end".into()) }
}
