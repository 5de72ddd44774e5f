//! Tenants: many principals whose calls are served by a few instances, through a pool. Each call
//! has an instance that nobody has used before.
//!
//! Most of them behave. `hoarder` takes all the memory it can get, `looper` comes with four endless
//! loops at a time; what that costs is theirs alone.

mod calls;
mod latency;
mod program;
mod report;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use plimsoll::Registry;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::Failure;
use crate::guests::count;
use crate::ledgers::Ledgers;
use crate::stop::Stop;

pub(crate) use latency::Latency;
pub(crate) use program::{POOL, QUOTA_BYTES};

/// Tenants that behave.
const ORDINARY: usize = 24;

/// How long an ordinary tenant waits between two calls. Without optimization an instance takes some
/// ten times as long to build.
const PAUSE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 25 } else { 4 });
/// How long the others wait, whether they were refused or not.
const RUDE_PAUSE: Duration = Duration::from_millis(25);
/// Calls that `looper` makes at a time.
const LOOPS: usize = 4;

/// What a tenant asks of its guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    Answer,
    Hoard,
    Spin,
}

/// A principal whose calls go through the pool.
pub(crate) struct Tenant {
    pub(crate) name: String,
    pub(crate) habit: Habit,
    pub(crate) tally: Tally,
}

/// How a tenant's calls ended. Each number only grows.
#[derive(Default)]
pub(crate) struct Tally {
    /// Calls that returned what they should.
    pub(crate) served: AtomicU64,
    /// Growths of memory that the quota refused.
    pub(crate) growths_refused: AtomicU64,
    /// Calls stopped at their deadline.
    pub(crate) stopped: AtomicU64,
    /// Calls that the pool did not let in, because of earlier faults.
    pub(crate) turned_away: AtomicU64,
    /// Calls that failed in any other way.
    pub(crate) failed: AtomicU64,
    /// Calls that found something in the instance that somebody else had left there.
    pub(crate) leaks: AtomicU64,
}

/// The tenants at work.
pub(crate) struct Tenants {
    pub(crate) facts: Arc<Facts>,
    runtime: Runtime,
    calls: JoinSet<()>,
    pool: program::Pool,
}

/// What is known of the tenants.
pub(crate) struct Facts {
    pub(crate) tenants: Vec<Arc<Tenant>>,
    /// Of the ordinary tenants: from asking for an instance to having given it back.
    pub(crate) latency: Latency,
    started: Instant,
}

impl Tenants {
    /// Makes the pool, and lets the tenants loose on it.
    ///
    /// # Errors
    /// Whatever cannot be had: a valid guest, a place in the registry, a thread.
    pub(crate) fn start(
        registry: &Registry,
        ledgers: &Ledgers,
        stop: &Stop,
    ) -> Result<Self, Failure> {
        let pool = program::pool(registry, ledgers)?;
        // Theirs alone: the streaming guests hold a thread for a whole epoch.
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("tenants")
            // Timers are looked at between so many turns, some of which are a looper's.
            .event_interval(8)
            .enable_time()
            .build()?;
        let latency = Latency::default();
        let facts = Arc::new(Facts { tenants: everybody(), latency, started: Instant::now() });
        let mut calls = JoinSet::new();
        for (number, tenant) in (0..).zip(&facts.tenants) {
            let tasks = if tenant.habit == Habit::Spin { LOOPS } else { 1 };
            for _ in 0..tasks {
                let principal = pool.principal(&tenant.name)?;
                let caller = calls::Caller {
                    tenant: tenant.clone(),
                    facts: facts.clone(),
                    pool: pool.clone(),
                    principal,
                };
                // Spread over the pause, so that they do not all come at once.
                let first = PAUSE * number / ORDINARY as u32;
                calls.spawn_on(caller.run(first, stop.clone()), runtime.handle());
            }
        }
        Ok(Self { facts, runtime, calls, pool })
    }

    /// Waits for the calls under way, and until no instance is left.
    ///
    /// # Returns
    /// The pool, closed, which stays in the registry for as long as it lives.
    ///
    /// # Errors
    /// A tenant's task that panicked, an instance that stays.
    pub(crate) fn stop(mut self) -> Result<Closed, Failure> {
        while let Some(ended) = self.runtime.block_on(self.calls.join_next()) {
            ended?;
        }
        self.pool.close();
        if !self.pool.wait_drained(Duration::from_secs(5)) {
            return Err(format!("instances are left: {:?}", self.pool.counts()).into());
        }
        Ok(Closed { facts: self.facts, _pool: self.pool })
    }
}

/// A pool whose tenants are gone.
pub(crate) struct Closed {
    pub(crate) facts: Arc<Facts>,
    _pool: program::Pool,
}

fn everybody() -> Vec<Arc<Tenant>> {
    let tenant = |name: String, habit| Arc::new(Tenant { name, habit, tally: Tally::default() });
    let ordinary =
        (1..=ORDINARY).map(|number| tenant(format!("tenant-{number:02}"), Habit::Answer));
    let others = [("hoarder", Habit::Hoard), ("looper", Habit::Spin)];
    ordinary.chain(others.map(|(name, habit)| tenant(name.to_owned(), habit))).collect()
}

impl Facts {
    /// A number of the tenants with this habit, together.
    pub(crate) fn sum(&self, habit: Habit, of: fn(&Tally) -> &AtomicU64) -> u64 {
        let tenants = self.tenants.iter().filter(|tenant| tenant.habit == habit);
        // Relaxed: numbers for people to read, which order nothing.
        tenants.map(|tenant| of(&tenant.tally).load(Ordering::Relaxed)).sum()
    }

    /// Calls of ordinary tenants that did not end as they should.
    pub(crate) fn harmed(&self) -> u64 {
        let numbers: [fn(&Tally) -> &AtomicU64; 4] =
            [|it| &it.failed, |it| &it.leaks, |it| &it.stopped, |it| &it.turned_away];
        numbers.into_iter().map(|of| self.sum(Habit::Answer, of)).sum()
    }

    /// How many tenants have this habit.
    pub(crate) fn number(&self, habit: Habit) -> usize {
        self.tenants.iter().filter(|tenant| tenant.habit == habit).count()
    }

    /// Calls that were served, per second since the start.
    pub(crate) fn per_second(&self) -> f64 {
        let served = self.sum(Habit::Answer, |tally| &tally.served);
        served as f64 / self.started.elapsed().as_secs_f64().max(1e-3)
    }
}
