//! The workers and the timekeeper: threads of the pool's own, or tasks.

use std::io;
use std::sync::Arc;

use super::running::Running;
use crate::pool::config::Background;
use crate::pool::error::PoolError;
use crate::pool::manager::Manager;
use crate::pool::shared::Shared;
use crate::sync::thread;

/// Starts the threads or tasks that work for this pool.
pub(in crate::pool) fn start<M: Manager>(shared: &Arc<Shared<M>>) -> Result<(), PoolError> {
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
pub(in crate::pool) fn replace_worker<M: Manager>(shared: &Arc<Shared<M>>) -> bool {
    spawn(shared, "plimsoll-pool-r".into(), work).is_ok()
}

fn work<M: Manager>(shared: &Arc<Shared<M>>) {
    while let Some(job) = shared.work.wait(shared.inline.is_quick()) {
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

    use super::super::running::Running;
    use crate::pool::manager::Manager;
    use crate::pool::shared::Shared;

    /// Starts a task for what there is to do, if another may be started.
    pub(in crate::pool) fn spawn_worker<M: Manager>(handle: &Handle, shared: &Shared<M>) {
        // Without a handle left there is a job left at most, which goes with the pool.
        let Some(shared) = shared.me.upgrade() else { return };
        let Some(job) = shared.work.start() else { return };
        let mut running = Running::new(shared.clone(), job);
        handle.spawn(async move {
            loop {
                if let Some(holding) = running.begin() {
                    let began = shared.config.clock.now();
                    let outcome = Running::build_async(&shared, holding).await;
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

    /// Closes the pool when the runtime goes: nobody would build or keep time any more.
    struct Timekeeper<M: Manager>(Arc<Shared<M>>);

    impl<M: Manager> Drop for Timekeeper<M> {
        fn drop(&mut self) {
            self.0.close();
        }
    }

    pub(in crate::pool) async fn keep_time_async<M: Manager>(shared: Arc<Shared<M>>) {
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
pub(in crate::pool) use tasks::spawn_worker;
