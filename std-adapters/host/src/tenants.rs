//! Tenants: many principals whose calls are served by a few instances, through a pool.
//!
//! Most of them behave. `hoarder` takes all the memory it can get, `looper` comes with four endless
//! loops at a time; what that costs is theirs alone.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use plimsoll::pool::{CheckoutError, Quota};
use plimsoll_wasmtime::{CallError, WasmPrincipal};
use serde_json::{Value, json};

use crate::Failure;
use crate::guests::{count, load};
use crate::program::{Pool, START_BYTES, TENANT_BYTES};
use crate::stop::Stop;

/// Tenants that behave.
pub(crate) const ORDINARY: usize = 24;
/// How long one of them waits between two calls. Without optimization an instance takes some ten
/// times as long to build.
const PAUSE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 25 } else { 4 });
/// How long the others wait, whether they were refused or not.
const RUDE_PAUSE: Duration = Duration::from_millis(25);
/// Calls that `looper` makes at a time.
const LOOPS: usize = 4;
/// The calls of ordinary tenants whose latency is known are the last ones.
const LATENCIES: usize = 4_096;

/// What a tenant asks of its guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    Answer,
    Hoard,
    Loop,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It returned what it should.
    Served,
    /// It had as much memory as there was for it, and was refused more.
    GrowthRefused,
    /// It was stopped at its deadline.
    Stopped,
    /// The pool did not let it in, because of earlier faults.
    TurnedAway,
    /// It found something in the instance that another tenant had left there.
    Leaked,
    /// It failed in any other way.
    Failed,
}

impl End {
    const ALL: [(End, &'static str); 6] = [
        (End::Served, "served"),
        (End::GrowthRefused, "growths_refused"),
        (End::Stopped, "stopped"),
        (End::TurnedAway, "turned_away"),
        (End::Leaked, "leaks"),
        (End::Failed, "failed"),
    ];
}

impl From<CheckoutError> for End {
    fn from(error: CheckoutError) -> Self {
        match error {
            CheckoutError::Refused { quota: Quota::Faults { .. } } => Self::TurnedAway,
            _ => Self::Failed,
        }
    }
}

impl From<CallError> for End {
    fn from(error: CallError) -> Self {
        match error {
            CallError::DeadlineExceeded { .. } => Self::Stopped,
            _ => Self::Failed,
        }
    }
}

/// A principal whose calls go through the pool.
struct Tenant {
    name: String,
    habit: Habit,
    /// How many of its calls ended in each way.
    ends: [AtomicU64; End::ALL.len()],
}

/// All tenants, and what became of their calls.
pub(crate) struct Tenants {
    tenants: Vec<Tenant>,
    latencies: Mutex<VecDeque<Duration>>,
    began: Instant,
}

impl Tenants {
    pub(crate) fn new() -> Self {
        let ordinary = (1..=ORDINARY).map(|at| (format!("tenant-{at:02}"), Habit::Answer));
        let unruly = [("hoarder".to_owned(), Habit::Hoard), ("looper".to_owned(), Habit::Loop)];
        let tenant = |(name, habit)| Tenant { name, habit, ends: Default::default() };
        Self {
            tenants: ordinary.chain(unruly).map(tenant).collect(),
            latencies: Mutex::default(),
            began: Instant::now(),
        }
    }

    /// The tasks that call for the tenants until the stop, which ends a call where it is.
    ///
    /// # Errors
    /// A pool that does not take a principal.
    pub(crate) fn tasks(
        self: &Arc<Self>,
        pool: &Pool,
        stop: &Stop,
    ) -> Result<Vec<impl Future<Output = Result<(), Failure>> + use<>>, Failure> {
        let mut tasks = Vec::new();
        for (at, tenant) in self.tenants.iter().enumerate() {
            let principal = pool.principal(&tenant.name)?;
            for _ in 0..if tenant.habit == Habit::Loop { LOOPS } else { 1 } {
                let (tenants, principal) = (self.clone(), principal.clone());
                tasks.push(tenants.call_until_stop(at, principal, pool.clone(), stop.clone()));
            }
        }
        Ok(tasks)
    }

    async fn call_until_stop(
        self: Arc<Self>,
        at: usize,
        principal: WasmPrincipal,
        pool: Pool,
        stop: Stop,
    ) -> Result<(), Failure> {
        let tenant = &self.tenants[at];
        let is_ordinary = tenant.habit == Habit::Answer;
        // Spread over the pause, so that they do not all come at once.
        let mut pause = PAUSE * at as u32 / ORDINARY as u32;
        for request in 1.. {
            tokio::select! {
                biased;
                () = stop.requested() => break,
                () = tokio::time::sleep(pause) => {}
            }
            pause = if is_ordinary { PAUSE } else { RUDE_PAUSE };
            let asked = Instant::now();
            // A call that the stop cuts short is in no number.
            let end = tokio::select! {
                end = call(&pool, &principal, tenant.habit, request) => end.unwrap_or_else(|end| end),
                () = stop.requested() => break,
            };
            if is_ordinary {
                self.record(asked.elapsed());
            }
            count(&tenant.ends[end as usize]);
        }
        Ok(())
    }

    /// From asking for an instance to having given it back.
    fn record(&self, latency: Duration) {
        let mut latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        if latencies.len() == LATENCIES {
            latencies.pop_front();
        }
        latencies.push_back(latency);
    }

    /// The median and the 99th percentile of the last calls of ordinary tenants.
    pub(crate) fn latency(&self) -> [Duration; 2] {
        let latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<_> = latencies.iter().copied().collect();
        drop(latencies);
        sorted.sort_unstable();
        let at = |percent| sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied();
        [50, 99].map(|percent| at(percent).unwrap_or_default())
    }

    /// How many calls of the tenants with this habit ended in this way.
    pub(crate) fn sum(&self, habit: Habit, end: End) -> u64 {
        let tenants = self.tenants.iter().filter(|tenant| tenant.habit == habit);
        tenants.map(|tenant| load(&tenant.ends[end as usize])).sum()
    }

    /// Calls of ordinary tenants that did not end as they should.
    pub(crate) fn harmed(&self) -> u64 {
        let ends = End::ALL.iter().filter(|(end, _)| *end != End::Served);
        ends.map(|(end, _)| self.sum(Habit::Answer, *end)).sum()
    }

    /// Calls of ordinary tenants that were served, per second since the start.
    pub(crate) fn per_second(&self) -> f64 {
        self.sum(Habit::Answer, End::Served) as f64 / self.began.elapsed().as_secs_f64().max(1e-3)
    }

    /// For programs. What the pool did is in the snapshot.
    pub(crate) fn to_json(&self) -> Value {
        let tenants = self.tenants.iter().map(|tenant| {
            let mut json = json!({ "name": tenant.name });
            for (end, name) in End::ALL {
                json[name] = load(&tenant.ends[end as usize]).into();
            }
            json
        });
        let [p50, p99] = self.latency().map(|time| time.as_micros() as u64);
        json!({
            "quota_bytes": TENANT_BYTES,
            "well_behaved": ORDINARY,
            "served": self.sum(Habit::Answer, End::Served),
            "served_per_second": self.per_second(),
            "failed": self.harmed(),
            "latency_p50_us": p50,
            "latency_p99_us": p99,
            "principals": tenants.collect::<Vec<_>>(),
        })
    }
}

/// One call, on an instance of its own. Either way it is how the call ended.
async fn call(
    pool: &Pool,
    principal: &WasmPrincipal,
    habit: Habit,
    request: u64,
) -> Result<End, End> {
    let mut lease = pool.checkout(principal).await?;
    let end = match habit {
        Habit::Answer => {
            let (found, answer) = lease.call(|program| &program.answer, request as i64).await?;
            match (found, answer as u64 == hash(request)) {
                (0, true) => End::Served,
                (0, false) => End::Failed,
                _ => End::Leaked,
            }
        }
        Habit::Hoard => {
            let pages = lease.call(|program| &program.hoard, ()).await?;
            let is_metered = lease.usage().bytes == pages as u64 * START_BYTES;
            if is_metered { End::GrowthRefused } else { End::Failed }
        }
        Habit::Loop => {
            lease.call(|program| &program.endless, ()).await?;
            End::Failed
        }
    };
    lease.complete();
    Ok(end)
}

/// The answer that a request has: FNV-1a of its bytes.
fn hash(request: u64) -> u64 {
    let bytes = request.to_le_bytes();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}
