//! The host put together: principals, pipeline, guests and tenants, started, and stopped in order.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use plimsoll::catalog::SandboxLimit;
use plimsoll::keepalive::WatcherThread;
use plimsoll::{Registry, TrackedGauge, Watermarks};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::Failure;
use crate::engine::{Guest, Port, engine};
use crate::guests::{Principal, consume, produce};
use crate::heartbeat::Heartbeats;
use crate::ledgers::Ledgers;
use crate::pipeline::{Drained, Ends, Pipeline};
use crate::plans::{INSTANCES_MAX, PRODUCERS, Plan, SINK};
use crate::stop::Stop;
use crate::tenants::{Closed, Facts, Tenants};

/// A running host.
pub(crate) struct Host {
    /// The producers in their order, and the sink last.
    pub(crate) principals: Vec<Arc<Principal>>,
    tenants: Tenants,
    runtime: Runtime,
    producers: JoinSet<wasmtime::Result<()>>,
    pipeline: Pipeline,
    sink: JoinHandle<wasmtime::Result<Port>>,
    vm_processes: TrackedGauge,
    watch: WatcherThread,
    stop: Stop,
}

impl Host {
    /// Compiles the guests, builds the pipeline and starts everything.
    ///
    /// # Errors
    /// Whatever cannot be had: a valid guest, a place in the registry, a thread.
    pub(crate) fn start(
        registry: &Registry,
        heartbeats: &Heartbeats,
        stop: &Stop,
    ) -> Result<Self, Failure> {
        let engine = engine()?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
        let names: Vec<&'static str> = PRODUCERS.iter().map(|plan| plan.name).collect();
        // First the pipeline, then the principals: a snapshot lists them in this order.
        let (pipeline, ends) = Pipeline::start(registry, &names, runtime.handle().clone())?;
        let Ends { streams, responses } = ends;
        let vm_processes =
            registry.gauge(SandboxLimit::VmProcesses, Watermarks::new(INSTANCES_MAX))?;
        let ledgers = Ledgers::new(registry)?;
        let guest = |plan: &'static Plan| -> Result<Arc<Guest>, Failure> {
            let usage = ledgers.usage(plan.name)?;
            let principal = Arc::new(Principal::new(registry, heartbeats, usage, plan)?);
            Ok(Arc::new(Guest::new(&engine, principal)?))
        };

        // Not a task of the guests' runtime: it is to see them even if they take all of that.
        let watch = heartbeats.watcher().spawn_thread()?;
        let mut principals = Vec::new();
        let mut producers = JoinSet::new();
        for (plan, stream) in PRODUCERS.iter().zip(streams) {
            let guest = guest(plan)?;
            principals.push(Arc::clone(&guest.principal));
            for _ in 0..plan.instances {
                let stream = stream.clone();
                let port = move || Port::Source(stream.clone());
                let run = produce(Arc::clone(&guest), port, vm_processes.clone(), stop.clone());
                producers.spawn_on(run, runtime.handle());
            }
        }
        let guest = guest(&SINK)?;
        principals.push(Arc::clone(&guest.principal));
        let run = consume(guest, Port::Sink(responses), vm_processes.clone(), stop.clone());
        let handle = runtime.handle().clone();
        let sink =
            thread::Builder::new().name("sink".into()).spawn(move || handle.block_on(run))?;
        let tenants = Tenants::start(registry, &ledgers, stop)?;
        let stop = stop.clone();
        Ok(Self {
            principals,
            tenants,
            runtime,
            producers,
            pipeline,
            sink,
            vm_processes,
            watch,
            stop,
        })
    }

    /// What is known of the tenants.
    pub(crate) fn tenants(&self) -> &Facts {
        &self.tenants.facts
    }

    /// Waits until the stop is said, for `time` at most. Returns whether it was.
    pub(crate) fn wait_for_stop(&self, time: Duration) -> bool {
        // An error is the time that ran out.
        let waited = async { tokio::time::timeout(time, self.stop.requested()).await };
        self.runtime.block_on(waited).is_ok()
    }

    /// Stops the producers, and lets the frames on their way go through.
    ///
    /// # Errors
    /// What a guest or a thread failed of.
    pub(crate) fn stop(mut self) -> Result<Stopped, Failure> {
        self.stop.request("the host");
        let tenants = self.tenants.stop();
        let mut failed: Option<Failure> = None;
        while let Some(ended) = self.runtime.block_on(self.producers.join_next()) {
            if let Err(error) = ended.map_err(Failure::from).and_then(|it| Ok(it?)) {
                failed.get_or_insert(error);
            }
        }
        let drained = self.pipeline.finish()?;
        let responses = self.sink.join().map_err(|_| "the thread of the sink panicked")??;
        drop(self.watch);
        let tenants = tenants?;
        match failed {
            Some(error) => Err(error),
            None => {
                let Self { principals, vm_processes, .. } = self;
                let (_drained, _responses, _vm_processes) = (drained, responses, vm_processes);
                Ok(Stopped { principals, tenants, _drained, _responses, _vm_processes })
            }
        }
    }
}

/// What is left of a host. Its limits are registered for as long as this lives.
pub(crate) struct Stopped {
    pub(crate) principals: Vec<Arc<Principal>>,
    pub(crate) tenants: Closed,
    _drained: Drained,
    _responses: Port,
    _vm_processes: TrackedGauge,
}
