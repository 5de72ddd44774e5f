//! Who does the work: threads of the pool's own, tasks, or whoever steps.

use std::io;
use std::sync::Arc;
use std::thread;

use plimsoll_core::pool::{Building, Condemned};

use super::after::After;
use super::config::Background;
use super::contain::{Contained, Panicked, contain};
use super::error::{BuildFailure, CheckoutError, PoolError, Stage};
use super::hands::Holding;
use super::live::{Built, Live, Shell};
use super::manager::Manager;
use super::running::Running;
use super::shared::Shared;
use super::waiter::Outcome;
use super::work::Doomed;
use crate::park::block_on;

/// How a call of the manager has ended; `None` if it was out of time.
type Created<M> = Option<Result<Result<<M as Manager>::Object, <M as Manager>::Error>, Panicked>>;

/// How long no warm instance is built after a build that failed: doubled by each further one.
const HOLD_OFF_MIN_MS: u64 = 10;
const HOLD_OFF_DOUBLINGS_MAX: u32 = 10;

impl<M: Manager> Shared<M> {
    fn failed(&self, cause: BuildFailure) -> CheckoutError {
        self.stats.failed.count();
        CheckoutError::BuildFailed { cause }
    }

    fn panicked(&self, Panicked(message): Panicked) -> CheckoutError {
        self.stats.panics.count();
        self.failed(BuildFailure::Panicked(message))
    }

    pub(super) fn built(&self, created: Created<M>, shell: Shell<M>) -> Built<M> {
        match created {
            Some(Ok(Ok(object))) => Ok(self.enliven(object, shell)),
            Some(Ok(Err(error))) => Err(self.failed(BuildFailure::Manager(Arc::new(error)))),
            Some(Err(panicked)) => Err(self.panicked(panicked)),
            None => {
                self.stats.failed.count();
                Err(self.out_of_time())
            }
        }
    }

    pub(super) fn out_of_time(&self) -> CheckoutError {
        let after = self.config.build_timeout.unwrap_or_default();
        CheckoutError::TimedOut { stage: Stage::Build, after }
    }

    fn build_blocking(&self, holding: Holding) -> Built<M> {
        let shell = self.new_shell();
        let created = self.call_in(holding, || match Contained::new(|| shell.manager().create()) {
            Ok(future) => block_on(future, self.config.build_timeout),
            Err(panicked) => Some(Err(panicked)),
        });
        self.built(created, shell)
    }

    /// A build has ended: its object is idle, or its waiter is told.
    pub(super) fn on_built(&self, building: Building, outcome: Built<M>) {
        let slot = building.slot();
        let now_ms = self.refresh().as_millis() as u64;
        let idle = match outcome {
            Ok(mut live) => {
                let place = self.place(slot);
                live.idle_since = self.moments.next(live.idle_since);
                let since = live.idle_since;
                // Relaxed: a hint.
                let relaxed = std::sync::atomic::Ordering::Relaxed;
                place.expires.store(live.expires.to_word(), relaxed);
                place.put(live);
                Ok(since)
            }
            Err(error) => Err(error),
        };
        let mut after = After::default();
        let mut queue = self.queue.lock();
        match idle {
            Ok(since) => {
                if self.slots.finish(building, since).is_err() {
                    drop(queue);
                    return self.on_late_return(slot, None);
                }
                queue.fair.arrived(slot.index());
                (queue.failures, queue.hold_off_ms) = (0, 0);
            }
            Err(error) => {
                let ticket = queue.fair.arrived(slot.index());
                self.fail(&mut queue, building);
                let hold_off_ms = HOLD_OFF_MIN_MS << queue.failures.min(HOLD_OFF_DOUBLINGS_MAX);
                queue.failures = queue.failures.saturating_add(1);
                queue.hold_off_ms = now_ms.saturating_add(hold_off_ms);
                let queued = ticket.and_then(|ticket| Some((ticket, queue.fair.remove(ticket)?)));
                match queued {
                    Some((ticket, queued)) => {
                        queue.settle(ticket, queued, Outcome::Refused(error), &mut after);
                    }
                    None => after.leave_untold(error),
                }
            }
        }
        self.dispatch(&mut queue, &mut after);
        drop(queue);
        after.run(self);
    }

    /// A build was dropped by the runtime that drove it: there will be no further ones.
    pub(super) fn on_cancelled(&self, building: Building) {
        self.close();
        self.stats.failed.count();
        let mut queue = self.queue.lock();
        queue.fair.arrived(building.slot().index());
        self.fail(&mut queue, building);
        self.conclude(queue);
    }

    /// Destroys an object.
    ///
    /// # Returns
    /// The allocation that it was in.
    pub(super) fn destroy(
        &self,
        condemned: &Condemned,
        live: Option<Box<Live<M>>>,
    ) -> Option<Box<Live<M>>> {
        let mut live = live?;
        if self.call_in(condemned.into(), || contain(|| live.retire())).is_err() {
            self.stats.panics.count();
        }
        Some(live)
    }

    /// Destroys an object; its slot is vacant.
    pub(super) fn retire(&self, doomed: Doomed<M>) {
        let Doomed { condemned, live } = doomed;
        // With the allocation goes its hold on the manager, before the slot is vacant.
        drop(self.destroy(&condemned, live));
        let mut after = After::default();
        let mut queue = self.queue.lock();
        queue.fair.arrived(condemned.slot().index());
        self.vacate(&mut queue, condemned);
        self.dispatch(&mut queue, &mut after);
        self.replenish(&mut queue, &mut after);
        drop(queue);
        after.run(self);
    }
}

impl<M: Manager> Running<M> {
    /// Does it, on the calling thread.
    ///
    /// # Returns
    /// Whether the thread is still one of those that work for the pool.
    pub(super) fn run_blocking(mut self) -> bool {
        if let Some(holding) = self.begin() {
            let began = self.shared.config.clock.now();
            let outcome = self.shared.build_blocking(holding);
            self.shared.on_end_of_build(began);
            self.finish(outcome);
        }
        self.end()
    }
}

/// Starts what works for this pool.
pub(super) fn start<M: Manager>(shared: &Arc<Shared<M>>) -> Result<(), PoolError> {
    match &shared.work.background {
        Background::Threads => {
            let workers = shared.config.builders + shared.config.drops;
            let name = |number: usize| format!("plimsoll-pool-{number}");
            for number in 0..workers {
                start_one(shared, name(number), work)?;
            }
            start_one(shared, "plimsoll-pool-time".into(), keep_time)
        }
        #[cfg(feature = "tokio")]
        Background::Tokio(handle) => {
            handle.spawn(keep_time_async(shared.clone()));
            Ok(())
        }
        Background::Manual => Ok(()),
    }
}

fn spawn<M: Manager>(
    shared: &Arc<Shared<M>>,
    name: String,
    run: fn(&Arc<Shared<M>>),
) -> io::Result<()> {
    let moved = shared.clone();
    thread::Builder::new().name(name).spawn(move || run(&moved)).map(drop)
}

fn start_one<M: Manager>(
    shared: &Arc<Shared<M>>,
    name: String,
    run: fn(&Arc<Shared<M>>),
) -> Result<(), PoolError> {
    spawn(shared, name, run).map_err(|error| {
        // Those that were started end again.
        shared.close();
        PoolError::Spawn(error)
    })
}

/// A thread like those that work already, in the place of one that hangs.
///
/// # Returns
/// Whether it could be started.
pub(super) fn replace_worker<M: Manager>(shared: &Arc<Shared<M>>) -> bool {
    spawn(shared, "plimsoll-pool-r".into(), work).is_ok()
}

fn work<M: Manager>(shared: &Arc<Shared<M>>) {
    while let Some(job) = shared.work.wait() {
        if !Running::new(shared.clone(), job).run_blocking() {
            return;
        }
    }
}

fn keep_time<M: Manager>(shared: &Arc<Shared<M>>) {
    while !shared.work.is_stopped() {
        let next = shared.maintain();
        shared.work.sleep(shared.work.bedtime(next));
    }
}

#[cfg(feature = "tokio")]
mod tasks {
    use std::sync::Arc;

    use tokio::runtime::Handle;

    use super::super::contain::Contained;
    use super::super::hands::Holding;
    use super::super::manager::Manager;
    use super::super::running::Running;
    use super::super::shared::Shared;

    /// Starts a task for what there is to do, if another may be started.
    pub(in super::super) fn spawn_worker<M: Manager>(handle: &Handle, shared: &Shared<M>) {
        // Without a handle left there is a job left at most, which goes with the pool.
        let Some(shared) = shared.me.upgrade() else { return };
        let Some(job) = shared.work.start() else { return };
        let mut running = Running::new(shared.clone(), job);
        handle.spawn(async move {
            loop {
                if let Some(holding) = running.begin() {
                    let began = shared.config.clock.now();
                    let outcome = shared.build_async(holding).await;
                    shared.on_end_of_build(began);
                    running.finish(outcome);
                }
                if !running.end() {
                    return;
                }
                let Some(job) = shared.work.start() else { return };
                running = Running::new(shared.clone(), job);
                tokio::task::yield_now().await;
            }
        });
    }

    impl<M: Manager> Shared<M> {
        async fn build_async(&self, holding: Holding) -> super::Built<M> {
            let shell = self.new_shell();
            let calling = self.call_in_task(holding);
            let created = match Contained::new(|| shell.manager().create()) {
                Ok(future) => match self.config.build_timeout {
                    Some(timeout) => tokio::time::timeout(timeout, future).await.ok(),
                    None => Some(future.await),
                },
                Err(panicked) => Some(Err(panicked)),
            };
            drop(calling);
            self.built(created, shell)
        }
    }

    /// Closes the pool when the runtime goes: nobody would build or keep time any more.
    struct Timekeeper<M: Manager>(Arc<Shared<M>>);

    impl<M: Manager> Drop for Timekeeper<M> {
        fn drop(&mut self) {
            self.0.close();
        }
    }

    pub(super) async fn keep_time_async<M: Manager>(shared: Arc<Shared<M>>) {
        let keeper = Timekeeper(shared);
        let shared = &keeper.0;
        while !shared.work.is_stopped() {
            let next = shared.maintain();
            let sleep = shared.work.bedtime(next);
            let _ = tokio::time::timeout(sleep, shared.work.nudge.notified()).await;
        }
    }
}

#[cfg(feature = "tokio")]
use tasks::keep_time_async;
#[cfg(feature = "tokio")]
pub(super) use tasks::spawn_worker;
