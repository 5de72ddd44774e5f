//! The streaming guests: who they are, what they may use, and their runs, each of which is one
//! lease of an instance.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll::catalog::SandboxLimit;
use plimsoll::channel::{mpsc, tokio::Sender};
use plimsoll::keepalive::{KeepAlive, Watch, Watcher};
use plimsoll::{Limit, ObservedGauge, Registry, TrackedGauge, Watermarks};
use plimsoll_wasmtime::{Allowance, CallError, WasmPrincipal};

use crate::Failure;
use crate::program::{GUEST_BYTES, GUEST_DEADLINE, MIB, Pool, Program, Step};
use crate::stop::Stop;

/// How long a call of a guest may last by the wall clock, whatever it has used of its deadline.
const TURN_MAX: Duration = Duration::from_millis(1_200);

/// One piece of a guest's output.
pub(crate) struct Frame {
    from: Arc<Principal>,
    value: i64,
}

/// A guest's program, limits and habits.
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    /// What its runs call; the sink calls something else.
    step: fn(&Program) -> &Step,
    /// How many runs go on at once.
    pub(crate) instances: usize,
    /// The most memory of one instance.
    quota_bytes: u64,
    /// A run is silent after this time without a frame, and late after this one.
    pub(crate) window: Duration,
    late_after: Duration,
    /// When the first run begins, and how long to wait before the next one.
    start_after: Duration,
    rest: Duration,
}

/// A guest with one instance that gives many frames a second and is soon missed.
const ORDINARY: Plan = Plan {
    name: "steady",
    step: |program| &program.steady,
    instances: 1,
    quota_bytes: MIB,
    window: Duration::from_secs(2),
    late_after: Duration::from_secs(1),
    start_after: Duration::ZERO,
    rest: Duration::from_secs(2),
};
/// The window of those that fall silent.
const MISSED: Plan = Plan {
    window: Duration::from_millis(400),
    late_after: Duration::from_millis(250),
    start_after: Duration::from_millis(200),
    ..ORDINARY
};

/// The guests whose frames flow into the pipeline, and the one at its end.
pub(crate) const PRODUCERS: [Plan; 4] = [
    ORDINARY,
    Plan {
        name: "burst",
        step: |program| &program.burst,
        instances: 3,
        // It rests for up to four seconds, and that is as it should be.
        window: Duration::from_secs(8),
        late_after: Duration::from_secs(6),
        start_after: Duration::from_millis(300),
        ..ORDINARY
    },
    Plan { name: "hog", step: |program| &program.hog, quota_bytes: GUEST_BYTES, ..MISSED },
    Plan { name: "spin", step: |program| &program.spin, ..MISSED },
];
pub(crate) const SINK: Plan = Plan { name: "sink", ..ORDINARY };

/// A guest as the host knows it, whatever the number of its runs.
pub(crate) struct Principal {
    pub(crate) plan: Plan,
    in_pool: WasmPrincipal,
    memory: TrackedGauge,
    /// How long the call under way has run, of those of all instances the longest.
    _turn: ObservedGauge,
    turns: Arc<Turns>,
    state: Mutex<&'static str>,
    /// Runs begun; frames given or taken; those given that the sink took; runs stopped at the
    /// deadline; runs that used up their memory.
    pub(crate) runs: AtomicU64,
    pub(crate) frames: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) stops: AtomicU64,
    pub(crate) refusals: AtomicU64,
}

/// When the call of each instance began.
type Turns = Mutex<Vec<Option<Instant>>>;

impl Principal {
    pub(crate) fn new(registry: &Registry, pool: &Pool, plan: Plan) -> Result<Self, Failure> {
        let grant = pool.allow(&Allowance::new().quota(plan.quota_bytes))?;
        let memory = Limit::from(SandboxLimit::WasmMemoryBytes).scope(plan.name);
        let memory_max = plan.quota_bytes * plan.instances as u64;
        let turns = Arc::new(Mutex::new(vec![None::<Instant>; plan.instances]));
        let of = turns.clone();
        let longest = move || {
            let turns = of.lock().unwrap_or_else(PoisonError::into_inner);
            turns.iter().flatten().map(|began| ms(began.elapsed())).max().unwrap_or(0)
        };
        let turn = Limit::from(SandboxLimit::WasmFuelMs).scope(plan.name);
        Ok(Self {
            in_pool: pool.principal_with(plan.name, &grant)?,
            memory: registry.gauge(memory, Watermarks::new(memory_max))?,
            _turn: registry.observe(turn, Watermarks::new(ms(GUEST_DEADLINE)), longest)?,
            turns,
            plan,
            state: Mutex::new("starting"),
            runs: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            stops: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
        })
    }

    pub(crate) fn state(&self) -> &'static str {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn transition_to(&self, state: &'static str) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    fn set_turn(&self, instance: usize, began: Option<Instant>) {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)[instance] = began;
    }
}

/// What runs of guests need.
#[derive(Clone)]
pub(crate) struct Runner {
    pub(crate) registry: Registry,
    pub(crate) pool: Pool,
    pub(crate) watcher: Watcher,
    pub(crate) stop: Stop,
    pub(crate) began: Instant,
}

impl Runner {
    /// Runs one instance of a producer over and over, each time from a fresh one, until the stop.
    ///
    /// # Errors
    /// A checkout or a call that fails in a way other than the ones planned for.
    pub(crate) async fn produce(
        self,
        principal: Arc<Principal>,
        instance: usize,
        stream: Sender<Frame>,
    ) -> Result<(), Failure> {
        let mut pause = principal.plan.start_after;
        loop {
            tokio::select! {
                biased;
                () = self.stop.requested() => break,
                () = tokio::time::sleep(pause) => {}
            }
            self.run(&principal, instance, &stream).await?;
            pause = principal.plan.rest;
        }
        principal.transition_to("ended");
        Ok(())
    }

    async fn run(
        &self,
        principal: &Arc<Principal>,
        instance: usize,
        stream: &Sender<Frame>,
    ) -> Result<(), Failure> {
        let mut lease = self.pool.checkout(&principal.in_pool).await?;
        let keep_alive = self.begin(principal)?;
        let mut memory = Memory::new(principal);
        loop {
            let began = Instant::now();
            principal.set_turn(instance, Some(began));
            let now = ms(self.began.elapsed()) as i64;
            // The dropped call ends the guest where it is.
            let step = tokio::select! {
                step = lease.call(principal.plan.step, now) => Some(step),
                () = self.stop.requested() => None,
                // On a busy machine its own time passes slowly.
                () = tokio::time::sleep(TURN_MAX) => {
                    Some(Err(CallError::DeadlineExceeded { deadline: GUEST_DEADLINE }))
                }
            };
            let took = began.elapsed();
            principal.set_turn(instance, None);
            let Some(step) = step else { break };
            let (value, rest) = match step {
                Ok((value @ 0.., rest)) => (value, Duration::from_millis(u64::from(rest as u32))),
                Ok(_) => break lease.complete(),
                Err(CallError::DeadlineExceeded { .. }) => {
                    lease.fault();
                    return self.on_deadline(principal, took);
                }
                Err(error) => return Err(format!("{}: {error}", principal.plan.name).into()),
            };
            memory.set(lease.usage().bytes);
            self.look_at(&mut memory)?;
            keep_alive.notify();
            let frame = Frame { from: principal.clone(), value };
            // A guest that waits for its host need not give a sign of life.
            let waits = keep_alive.pause_guard();
            // The dropped send takes its frame along: a stop does not wait for room in the stream.
            tokio::select! {
                biased;
                sent = stream.send(frame) => sent.map_err(|_| "the pipeline is gone")?,
                () = self.stop.requested() => break,
            }
            drop(waits);
            count(&principal.frames);
            tokio::select! {
                () = self.stop.requested() => break,
                () = tokio::time::sleep(rest) => {}
            }
        }
        Ok(())
    }

    /// Runs the sink, on a thread of its own, until the pipeline before it has closed.
    ///
    /// # Returns
    /// The pipeline's last receiver, which is still registered.
    ///
    /// # Errors
    /// Whatever stopped the sink before that.
    pub(crate) fn consume(
        self,
        principal: Arc<Principal>,
        responses: mpsc::Receiver<Frame>,
    ) -> Result<mpsc::Receiver<Frame>, Failure> {
        let mut lease = self.pool.checkout_blocking(&principal.in_pool)?;
        let keep_alive = self.begin(&principal)?;
        let mut memory = Memory::new(&principal);
        loop {
            let waits = keep_alive.pause_guard();
            let Ok(frame) = responses.recv() else { break };
            drop(waits);
            let rest = lease.call_blocking(|program| &program.sink, frame.value)?;
            keep_alive.notify();
            memory.set(lease.usage().bytes);
            count(&frame.from.delivered);
            count(&principal.frames);
            // At the stop the pipeline is emptied quickly.
            if self.stop.reason().is_none() {
                thread::sleep(Duration::from_millis(u64::from(rest as u32)));
            }
        }
        lease.complete();
        principal.transition_to("ended");
        Ok(responses)
    }

    fn begin(&self, principal: &Principal) -> Result<KeepAlive, Failure> {
        let Plan { name, window, late_after, .. } = principal.plan;
        let run = format!("run-{}", count(&principal.runs));
        principal.transition_to("running");
        let watch = Watch::new(name, run).window(window).late_after(late_after).rearming();
        Ok(self.watcher.watch(watch)?)
    }

    /// `took` is longer than the deadline if others had the processor meanwhile: that is not the
    /// guest's time.
    fn on_deadline(&self, principal: &Principal, took: Duration) -> Result<(), Failure> {
        count(&principal.stops);
        principal.transition_to("stopped");
        let limit = Limit::from(SandboxLimit::WasmFuelMs).scope(principal.plan.name);
        let (used, capacity) = (Some(ms(took)), Some(ms(GUEST_DEADLINE)));
        Ok(self.registry.warn_exhausted(limit, used, capacity, "stopped at its deadline")?)
    }

    /// The pool refuses growth beyond the quota: it is said once a run.
    fn look_at(&self, memory: &mut Memory<'_>) -> Result<(), Failure> {
        let Plan { name, quota_bytes, .. } = memory.principal.plan;
        if memory.is_used_up || memory.held < quota_bytes {
            return Ok(());
        }
        memory.is_used_up = true;
        count(&memory.principal.refusals);
        memory.principal.transition_to("out of memory");
        let limit = Limit::from(SandboxLimit::WasmMemoryBytes).scope(name);
        let (held, capacity) = (Some(memory.held), Some(quota_bytes));
        Ok(self.registry.warn_exhausted(limit, held, capacity, "no more is granted")?)
    }
}

/// A run's part of its principal's memory, in the gauge for as long as this lives.
struct Memory<'a> {
    principal: &'a Principal,
    held: u64,
    is_used_up: bool,
}

impl<'a> Memory<'a> {
    fn new(principal: &'a Principal) -> Self {
        Self { principal, held: 0, is_used_up: false }
    }

    /// The memory of an instance only grows.
    fn set(&mut self, bytes: u64) {
        self.principal.memory.add(bytes.saturating_sub(self.held));
        self.held = self.held.max(bytes);
    }
}

impl Drop for Memory<'_> {
    fn drop(&mut self) {
        self.principal.memory.sub(self.held);
    }
}

/// Adds one to a number for people to read, and returns what it is then.
pub(crate) fn count(number: &AtomicU64) -> u64 {
    // Relaxed: it orders nothing.
    number.fetch_add(1, Ordering::Relaxed) + 1
}

pub(crate) fn load(number: &AtomicU64) -> u64 {
    // Relaxed: a number for people to read, which orders nothing.
    number.load(Ordering::Relaxed)
}

pub(crate) fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
