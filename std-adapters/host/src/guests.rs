//! The principals: who they are, what they may use, and the life of their instances.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use plimsoll::catalog::SandboxLimit;
use plimsoll::keepalive::WatchError;
use plimsoll::{Limit, RegisterError, Registry, TrackedGauge, Watermarks};

use crate::engine::{Guest, Outcome, Port};
use crate::heartbeat::{Heartbeat, Heartbeats};
use crate::ledgers::Usage;
use crate::limits::Quota;
use crate::plans::Plan;
use crate::stop::Stop;

/// What a principal is doing, or what was last done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Starting,
    Running,
    /// It asked for more memory than its quota and did not get it.
    MemoryRefused,
    /// It used up its turn and was stopped at the epoch deadline.
    Trapped,
    /// It has ended and is not started again.
    Ended,
    /// It failed in a way that the host did not foresee.
    Failed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::MemoryRefused => "memory refused",
            Self::Trapped => "trapped at deadline",
            Self::Ended => "ended",
            Self::Failed => "failed",
        })
    }
}

/// How often things happened to a principal. Each number only grows.
#[derive(Default)]
pub(crate) struct Tally {
    /// Runs begun.
    pub(crate) runs: AtomicU64,
    /// Frames that the pipeline took from it.
    pub(crate) frames_sent: AtomicU64,
    /// Frames of it that reached the sink.
    pub(crate) frames_delivered: AtomicU64,
    /// Frames that it took, if it is the sink.
    pub(crate) frames_taken: AtomicU64,
    /// Runs stopped at the epoch deadline.
    pub(crate) traps: AtomicU64,
    /// Growths of memory refused.
    pub(crate) refusals: AtomicU64,
}

/// Adds one to a number of a [`Tally`], and returns what it is then.
pub(crate) fn count(number: &AtomicU64) -> u64 {
    // Relaxed: a number for people to read, which orders nothing.
    number.fetch_add(1, Ordering::Relaxed) + 1
}

/// A principal: the party that limits and blame attach to, whatever the number of its instances.
pub(crate) struct Principal {
    pub(crate) plan: &'static Plan,
    pub(crate) memory: Quota,
    pub(crate) turn: TrackedGauge,
    pub(crate) tally: Tally,
    pub(crate) heartbeats: Heartbeats,
    pub(crate) usage: Usage,
    state: Mutex<State>,
    registry: Registry,
}

impl Principal {
    pub(crate) fn new(
        registry: &Registry,
        heartbeats: &Heartbeats,
        usage: Usage,
        plan: &'static Plan,
    ) -> Result<Self, RegisterError> {
        let memory = SandboxLimit::WasmMemoryBytes;
        let turn = Limit::from(SandboxLimit::WasmFuelMs).instance(plan.name);
        let turn_max_ms = plan.turn_max_ms * plan.instances;
        Ok(Self {
            plan,
            memory: Quota::new(registry, memory, plan.name, plan.memory_max_bytes)?,
            turn: registry.gauge(turn, Watermarks::new(turn_max_ms))?,
            tally: Tally::default(),
            heartbeats: heartbeats.clone(),
            usage,
            state: Mutex::new(State::Starting),
            registry: registry.clone(),
        })
    }

    pub(crate) fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn transition_to(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// A run begins, and is watched as long as its heartbeat lives.
    fn on_run(&self) -> Result<Heartbeat, WatchError> {
        let number = count(&self.tally.runs);
        let heartbeat = self.heartbeats.watch(self.plan, number)?;
        self.transition_to(State::Running);
        Ok(heartbeat)
    }

    /// A growth to `desired_bytes` was refused: the gauge never sees it, so it is said outright.
    pub(crate) fn on_memory_refused(&self, desired_bytes: u64) -> Result<(), RegisterError> {
        count(&self.tally.refusals);
        self.transition_to(State::MemoryRefused);
        let limit = Limit::from(SandboxLimit::WasmMemoryBytes).instance(self.plan.name);
        let capacity = Some(self.plan.memory_max_bytes);
        self.registry.warn_exhausted(limit, Some(desired_bytes), capacity, "growth refused")
    }

    /// A turn went on for `used_ms` and is stopped.
    pub(crate) fn on_deadline(&self, used_ms: u64) -> Result<(), RegisterError> {
        count(&self.tally.traps);
        self.transition_to(State::Trapped);
        let limit = Limit::from(SandboxLimit::WasmFuelMs).instance(self.plan.name);
        let capacity = Some(self.plan.turn_max_ms);
        self.registry.warn_exhausted(limit, Some(used_ms), capacity, "trapped at deadline")
    }
}

/// Runs one instance of a producer over and over, each time from a fresh one, until the stop.
///
/// # Errors
/// What wasmtime says when the guest fails in a way other than the ones planned for it.
pub(crate) async fn produce(
    guest: Arc<Guest>,
    port: impl Fn() -> Port,
    vm_processes: TrackedGauge,
    stop: Stop,
) -> wasmtime::Result<()> {
    let _end = stop.at_end();
    let principal = Arc::clone(&guest.principal);
    let mut pause = principal.plan.start_after;
    loop {
        tokio::select! {
            biased;
            () = stop.requested() => break,
            () = tokio::time::sleep(pause) => {}
        }
        let _process = vm_processes.permit(1);
        let (_, outcome) = run(&guest, port(), &stop).await;
        match outcome {
            Outcome::Returned | Outcome::Trapped => {}
            Outcome::Stopped => break,
            Outcome::Failed(error) => {
                principal.transition_to(State::Failed);
                return Err(error.context(format!("guest {} failed", principal.plan.name)));
            }
        }
        pause = principal.plan.rest;
    }
    principal.transition_to(State::Ended);
    Ok(())
}

/// Runs the sink until the pipeline before it has closed.
///
/// # Returns
/// The pipeline's last receiver, which is still registered.
///
/// # Errors
/// Whatever stopped the sink before that.
pub(crate) async fn consume(
    guest: Arc<Guest>,
    port: Port,
    vm_processes: TrackedGauge,
    stop: Stop,
) -> wasmtime::Result<Port> {
    let _end = stop.at_end();
    let _process = vm_processes.permit(1);
    let (port, outcome) = run(&guest, port, &stop).await;
    let failed = match outcome {
        Outcome::Returned => {
            guest.principal.transition_to(State::Ended);
            return Ok(port);
        }
        Outcome::Failed(error) => error,
        Outcome::Stopped | Outcome::Trapped => wasmtime::format_err!("the sink was stopped"),
    };
    guest.principal.transition_to(State::Failed);
    Err(failed.context("the sink failed"))
}

async fn run(guest: &Guest, port: Port, stop: &Stop) -> (Port, Outcome) {
    match guest.principal.on_run() {
        Ok(heartbeat) => guest.run(port, heartbeat, stop.clone()).await,
        Err(error) => (port, Outcome::Failed(error.into())),
    }
}
