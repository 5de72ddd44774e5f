//! Principals that keep the pools busy.

use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use plimsoll::pool::Isolation;
use plimsoll_wasmtime::{CallError, WasmLease};

use crate::guest::{Desk, Guest, Guests, Leavers};

/// Principals of each pool: three for each instance.
const PRINCIPALS: u64 = 24;

/// What came of the leases.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    leases: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
    time: Duration,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.leases += other.leases;
        self.completed += other.completed;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.time = self.time.max(other.time);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { leases, completed, failed, cancelled, time } = self;
        let rate = *leases as f64 / time.as_secs_f64();
        write!(
            f,
            "{leases} leases, {completed} completed, {failed} failed, {cancelled} cancelled, in \
             {time:.1?}: {rate:.0} per second"
        )
    }
}

/// Principals at work, on a runtime of their own.
pub(crate) struct Load(JoinHandle<Result<Tally, String>>);

impl Load {
    pub(crate) fn start(
        pools: Arc<[(Isolation, Guests)]>,
        leavers: Leavers,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self(thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = runtime.worker_threads(2).enable_all().build();
            runtime.map_err(|error| error.to_string())?.block_on(all(pools, leavers, stop))
        }))
    }

    pub(crate) fn join(self) -> Result<Tally, String> {
        self.0.join().map_err(|_| "the load panicked".to_owned())?
    }
}

async fn all(
    pools: Arc<[(Isolation, Guests)]>,
    leavers: Leavers,
    stop: Arc<AtomicBool>,
) -> Result<Tally, String> {
    let mut tasks = vec![tokio::spawn(leaver(leavers, stop.clone()))];
    for place in 0..pools.len() {
        for number in 0..PRINCIPALS {
            tasks.push(tokio::spawn(principal(pools.clone(), place, number, stop.clone())));
        }
    }
    let mut tally = Tally::default();
    for task in tasks {
        tally += task.await.map_err(|error| error.to_string())??;
    }
    Ok(tally)
}

/// xorshift64, Marsaglia 2003.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

async fn principal(
    pools: Arc<[(Isolation, Guests)]>,
    place: usize,
    number: u64,
    stop: Arc<AtomicBool>,
) -> Result<Tally, String> {
    let (isolation, pool) = &pools[place];
    let principal =
        pool.principal(&format!("principal-{number}")).map_err(|error| error.to_string())?;
    let secret = number as i64 + 1;
    let (mut dice, mut tally) = (Dice(number + 1), Tally::default());
    let began = Instant::now();
    // Relaxed: only to stop.
    while !stop.load(Ordering::Relaxed) {
        tally.leases += 1;
        // A checkout that gives up now and then, and loses nothing by it.
        let patience = if dice.roll(20) == 0 { 50 } else { 20_000_000 };
        let checkout =
            tokio::time::timeout(Duration::from_micros(patience), pool.checkout(&principal));
        let Ok(lease) = checkout.await else {
            if patience > 50 {
                return Err(format!("{isolation:?}: no instance for 20 s: {:?}", pool.counts()));
            }
            tally.cancelled += 1;
            continue;
        };
        let mut lease = lease.map_err(|error| error.to_string())?;
        let found = match lease.call(|guest| &guest.seek, ()).await {
            Ok(found) => found,
            // The machine was busy elsewhere for that long.
            Err(CallError::DeadlineExceeded { .. }) => {
                tally.failed += 1;
                continue;
            }
            Err(error) => return Err(error.to_string()),
        };
        let may_find = if *isolation == Isolation::Fresh { 0 } else { secret };
        if found != 0 && found != may_find {
            return Err(format!("{isolation:?}: {principal:?} found a secret: {found}"));
        }
        match turn(&mut lease, &mut dice, secret).await {
            None => tally.cancelled += 1,
            Some(Ok(())) => {
                tally.completed += 1;
                lease.complete();
            }
            Some(Err(CallError::Failed { cause })) => return Err(format!("{cause:#}")),
            Some(Err(_)) => tally.failed += 1,
        }
    }
    tally.time = began.elapsed();
    Ok(tally)
}

/// Leases components that leave tasks behind: no instance is lent with one in it.
async fn leaver(pool: Leavers, stop: Arc<AtomicBool>) -> Result<Tally, String> {
    let principal = pool.principal("leaver").map_err(|error| error.to_string())?;
    let (mut dice, mut tally) = (Dice(7), Tally::default());
    let (began, mut is_clean) = (Instant::now(), false);
    // Relaxed: only to stop.
    while !stop.load(Ordering::Relaxed) {
        tally.leases += 1;
        let mut lease = pool.checkout(&principal).await.map_err(|error| error.to_string())?;
        if !is_clean && lease.uses() > 1 {
            return Err("an instance was lent with a task in it".to_owned());
        }
        let leaves = dice.roll(2) as u32;
        lease.call(|run| run, (leaves,)).await.map_err(|error| error.to_string())?;
        is_clean = leaves == 0;
        lease.complete();
        tally.completed += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tally.time = began.elapsed();
    Ok(tally)
}

/// What a guest does in a lease. Nothing comes of it if it is cancelled.
async fn turn(
    lease: &mut WasmLease<'_, Desk, Guest>,
    dice: &mut Dice,
    secret: i64,
) -> Option<Result<(), CallError>> {
    if let Err(error) = lease.call(|guest| &guest.hide, secret).await {
        return Some(Err(error));
    }
    let patience = Duration::from_micros(dice.roll(400));
    Some(match dice.roll(100) {
        0 => lease.call(|guest| &guest.trap, ()).await,
        1 => lease.call(|guest| &guest.spin, ()).await,
        2 => lease.call(|guest| &guest.recurse, ()).await,
        3 => lease.call(|guest| &guest.rest, ()).await,
        4..8 => lease.call(|guest| &guest.hog, ()).await,
        8..10 => tokio::time::timeout(patience, lease.call(|guest| &guest.spin, ())).await.ok()?,
        10..14 => tokio::time::timeout(patience, lease.call(|guest| &guest.rest, ())).await.ok()?,
        14 => return None,
        15 => lease.call(|guest| &guest.throw, ()).await,
        16 => lease.call(|guest| &guest.hoard, ()).await,
        17..20 => lease.call(|guest| &guest.litter, ()).await,
        _ => lease.call(|guest| &guest.work, 1_000).await,
    })
}
