//! The host put together: pools, pipeline, guests and tenants, started, and stopped in order.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use plimsoll::channel::mpsc;
use plimsoll::keepalive::{Watcher, WatcherThread};
use plimsoll::{DeliveryThread, Registry, Snapshot};
use tokio::task::JoinSet;

use crate::Failure;
use crate::guests::{Frame, PRODUCERS, Principal, Runner, SINK};
use crate::pipeline::{Pipeline, spawn};
use crate::program::{GUESTS_MAX, Pools};
use crate::stop::Stop;
use crate::tenants::Tenants;

/// How finely silence is measured. The windows are ten times that, so that a busy machine, which
/// steps late, is not taken for one that stands still.
const TICK: Duration = Duration::from_millis(40);

/// A running host.
pub(crate) struct Host {
    registry: Registry,
    pools: Pools,
    /// The producers in their order, and the sink last.
    pub(crate) principals: Vec<Arc<Principal>>,
    pub(crate) tenants: Arc<Tenants>,
    tasks: JoinSet<Result<(), Failure>>,
    failed: Option<Failure>,
    pipeline: Pipeline<Frame>,
    sink: JoinHandle<Result<mpsc::Receiver<Frame>, Failure>>,
    watch: WatcherThread,
    /// Registered for as long as this lives.
    watcher: Watcher,
    stop: Stop,
}

impl Host {
    /// Compiles the program, builds the pipeline and starts everything, on the runtime that is
    /// entered.
    ///
    /// # Errors
    /// Whatever cannot be had: a valid guest, a place in the registry, a thread.
    pub(crate) fn start(registry: &Registry, stop: &Stop, began: Instant) -> Result<Self, Failure> {
        // First the pipeline, then the guests: a snapshot lists them in this order.
        let names = PRODUCERS.iter().map(|plan| plan.name);
        let (pipeline, streams, responses) = Pipeline::start(registry, names)?;
        let pools = Pools::new(registry)?;
        let watcher = Watcher::builder().tick(TICK).capacity(GUESTS_MAX).build(registry)?;
        // Not a task of the guests' runtime: it is to see them even if they take all of that.
        let watch = watcher.spawn_thread()?;
        let (pool, of) = (pools.guests.clone(), watcher.clone());
        let runner =
            Runner { registry: registry.clone(), pool, watcher: of, stop: stop.clone(), began };

        let mut principals = Vec::new();
        let mut tasks = JoinSet::new();
        for (plan, stream) in PRODUCERS.into_iter().zip(streams) {
            let instances = plan.instances;
            let principal = Arc::new(Principal::new(registry, &pools.guests, plan)?);
            for instance in 0..instances {
                let (runner, stream) = (runner.clone(), stream.clone());
                tasks.spawn(runner.produce(principal.clone(), instance, stream));
            }
            principals.push(principal);
        }
        let sink = Arc::new(Principal::new(registry, &pools.guests, SINK)?);
        principals.push(sink.clone());
        let of = stop.clone();
        let sink = spawn("sink", move || {
            let ended = runner.consume(sink, responses);
            of.request("a failure");
            ended
        })?;
        let tenants = Arc::new(Tenants::new());
        tenants.tasks(&pools.tenants, stop)?.into_iter().for_each(|task| drop(tasks.spawn(task)));
        let (registry, stop) = (registry.clone(), stop.clone());
        Ok(Self {
            registry,
            pools,
            principals,
            tenants,
            tasks,
            failed: None,
            pipeline,
            sink,
            watch,
            watcher,
            stop,
        })
    }

    /// Waits until the stop is said, for `time` at most. Returns whether it was. A guest that ends
    /// before that is a failure, and says it.
    pub(crate) async fn wait_for_stop(&mut self, time: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.stop.requested() => true,
            Some(ended) = self.tasks.join_next() => {
                self.failed = ended.map_err(Failure::from).flatten().err();
                self.stop.request("a failure");
                true
            }
            () = tokio::time::sleep(time) => false,
        }
    }

    /// Stops the producers, lets the frames on their way go through, and waits until no instance is
    /// left. The delivery of events ends with that.
    ///
    /// # Returns
    /// The last snapshot. Everything is still registered in it, and nothing is under way.
    ///
    /// # Errors
    /// What a guest or a thread failed of.
    pub(crate) async fn stop(mut self, delivery: DeliveryThread) -> Result<Snapshot, Failure> {
        self.stop.request("the host");
        while let Some(ended) = self.tasks.join_next().await {
            let ended = ended.map_err(Failure::from).flatten();
            self.failed = self.failed.or(ended.err());
        }
        let _drained = self.pipeline.finish()?;
        let _responses = self.sink.join().map_err(|_| "the thread of the sink panicked")??;
        self.pools.close()?;
        // It takes a last step, and then what is left is delivered: snapshot and events agree.
        drop(self.watch);
        drop(delivery);
        let _watcher = self.watcher;
        self.failed.map_or_else(|| Ok(self.registry.snapshot()), Err)
    }
}
