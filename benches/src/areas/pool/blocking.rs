//! Pools whose checkout does not suspend a task.

use std::convert::Infallible;

use crossbeam_queue::ArrayQueue;
use opool::PoolAllocator;
use parking_lot::{Condvar, Mutex};
use plimsoll::pool::{Isolation, Manager, Pool, Principal};

use super::Lends;

/// What makes numbers, for every pool that wants to be told.
pub(super) struct Numbers;

impl Manager for Numbers {
    type Object = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(1)
    }
}

/// A pool of ours that is full, and a principal to lend to.
pub(super) fn full(instances: usize) -> (Pool<Numbers>, Principal) {
    let builder = Pool::builder(Numbers).wait_for_own_leases().max(instances).warm(instances);
    let pool = builder.isolation(Isolation::Shared).build().expect("settings that can be");
    while pool.counts().idle < instances {
        std::thread::yield_now();
    }
    let principal = pool.principal("acme").expect("a good id");
    (pool, principal)
}

pub(super) struct Plimsoll(Pool<Numbers>, Principal);

impl Lends for Plimsoll {
    fn of(instances: usize) -> Self {
        let (pool, principal) = full(instances);
        Plimsoll(pool, principal)
    }

    fn lend(&self, times: u64) -> u64 {
        let mut sum = 0;
        for _ in 0..times {
            let lease = self.0.checkout_blocking(&self.1).expect("an open pool");
            sum += *lease;
            lease.complete();
        }
        sum
    }
}

/// What is never empty here: nobody waits.
pub(super) struct Locked(Mutex<Vec<u64>>);

impl Lends for Locked {
    fn of(instances: usize) -> Self {
        Locked(Mutex::new(vec![1; instances]))
    }

    fn lend(&self, times: u64) -> u64 {
        let mut sum = 0;
        for _ in 0..times {
            let number = self.0.lock().pop().expect("more instances than threads");
            sum += number;
            self.0.lock().push(number);
        }
        sum
    }
}

/// The least that waits.
pub(super) struct CondvarVec(Mutex<Vec<u64>>, Condvar);

impl Lends for CondvarVec {
    fn of(instances: usize) -> Self {
        CondvarVec(Mutex::new(vec![1; instances]), Condvar::new())
    }

    fn lend(&self, times: u64) -> u64 {
        let mut sum = 0;
        for _ in 0..times {
            let mut idle = self.0.lock();
            let number = loop {
                match idle.pop() {
                    Some(number) => break number,
                    None => self.1.wait(&mut idle),
                }
            };
            drop(idle);
            sum += number;
            self.0.lock().push(number);
            self.1.notify_one();
        }
        sum
    }
}

pub(super) struct Queue(ArrayQueue<u64>);

impl Lends for Queue {
    fn of(instances: usize) -> Self {
        let queue = ArrayQueue::new(instances);
        (0..instances).for_each(|_| queue.push(1).expect("room for all"));
        Queue(queue)
    }

    fn lend(&self, times: u64) -> u64 {
        let mut sum = 0;
        for _ in 0..times {
            let number = self.0.pop().expect("more instances than threads");
            sum += number;
            self.0.push(number).expect("room for all");
        }
        sum
    }
}

pub(super) struct Object(object_pool::Pool<u64>);

impl Lends for Object {
    fn of(instances: usize) -> Self {
        Object(object_pool::Pool::new(instances, || 1))
    }

    fn lend(&self, times: u64) -> u64 {
        (0..times).map(|_| *self.0.try_pull().expect("more instances than threads")).sum()
    }
}

impl PoolAllocator<u64> for Numbers {
    fn allocate(&self) -> u64 {
        1
    }
}

pub(super) struct Opool(opool::Pool<Numbers, u64>);

impl Lends for Opool {
    fn of(instances: usize) -> Self {
        Opool(opool::Pool::new_prefilled(instances, Numbers))
    }

    fn lend(&self, times: u64) -> u64 {
        (0..times).map(|_| *self.0.try_get().expect("more instances than threads")).sum()
    }
}
