//! Pools whose checkout suspends a task. Each thread drives a task of its own.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::LazyLock;

use plimsoll::pool::{Pool, Principal};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, Semaphore};

use super::Lends;
use super::blocking::{Numbers, full};

pub(super) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let builder = &mut Builder::new_multi_thread();
    builder.worker_threads(2).enable_time().build().expect("threads can be started")
});

pub(super) struct PlimsollTask(Pool<Numbers>, Principal);

impl Lends for PlimsollTask {
    fn of(instances: usize) -> Self {
        let (pool, principal) = full(instances);
        PlimsollTask(pool, principal)
    }

    fn lend(&self, times: u64) -> u64 {
        RUNTIME.block_on(async {
            let mut sum = 0;
            for _ in 0..times {
                let lease = self.0.checkout(&self.1).await.expect("an open pool");
                sum += *lease;
                lease.complete();
            }
            sum
        })
    }
}

/// The design in use: permits first, then whatever lies in front.
pub(super) struct SemaphoreDeque(Semaphore, Mutex<VecDeque<u64>>);

impl Lends for SemaphoreDeque {
    fn of(instances: usize) -> Self {
        SemaphoreDeque(Semaphore::new(instances), Mutex::new(vec![1; instances].into()))
    }

    fn lend(&self, times: u64) -> u64 {
        RUNTIME.block_on(async {
            let mut sum = 0;
            for _ in 0..times {
                let permit = self.0.acquire().await.expect("an open semaphore");
                let number = self.1.lock().await.pop_front().expect("one for each permit");
                sum += number;
                self.1.lock().await.push_back(number);
                drop(permit);
            }
            sum
        })
    }
}

pub(super) struct DeadUnmanaged(deadpool::unmanaged::Pool<u64>);

impl Lends for DeadUnmanaged {
    fn of(instances: usize) -> Self {
        DeadUnmanaged(deadpool::unmanaged::Pool::from(vec![1; instances]))
    }

    fn lend(&self, times: u64) -> u64 {
        RUNTIME.block_on(async {
            let mut sum = 0;
            for _ in 0..times {
                sum += *self.0.get().await.expect("an open pool");
            }
            sum
        })
    }
}

impl deadpool::managed::Manager for Numbers {
    type Type = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(1)
    }

    async fn recycle(
        &self,
        _: &mut u64,
        _: &deadpool::managed::Metrics,
    ) -> deadpool::managed::RecycleResult<Infallible> {
        Ok(())
    }
}

pub(super) struct DeadManaged(deadpool::managed::Pool<Numbers>);

impl Lends for DeadManaged {
    fn of(instances: usize) -> Self {
        let builder = deadpool::managed::Pool::builder(Numbers).max_size(instances);
        DeadManaged(builder.build().expect("settings that can be"))
    }

    fn lend(&self, times: u64) -> u64 {
        RUNTIME.block_on(async {
            let mut sum = 0;
            for _ in 0..times {
                sum += *self.0.get().await.expect("an open pool");
            }
            sum
        })
    }
}

impl bb8::ManageConnection for Numbers {
    type Connection = u64;
    type Error = Infallible;

    async fn connect(&self) -> Result<u64, Infallible> {
        Ok(1)
    }

    async fn is_valid(&self, _: &mut u64) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut u64) -> bool {
        false
    }
}

pub(super) struct Bb8(bb8::Pool<Numbers>);

impl Lends for Bb8 {
    fn of(instances: usize) -> Self {
        let size = u32::try_from(instances).expect("a few");
        let builder = bb8::Pool::builder().max_size(size).min_idle(size);
        Bb8(RUNTIME.block_on(builder.build(Numbers)).expect("nothing fails"))
    }

    fn lend(&self, times: u64) -> u64 {
        RUNTIME.block_on(async {
            let mut sum = 0;
            for _ in 0..times {
                sum += *self.0.get().await.expect("an open pool");
            }
            sum
        })
    }
}
