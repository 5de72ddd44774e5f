//! Everything at once: after it the usage is exactly zero, and nobody waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use plimsoll::budget::{Budget, Lease, RefusedReason};
use plimsoll::{Limit, Registry};

use super::support::PATIENCE;

/// Numbers of chance, the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % bound
    }
}

struct World {
    registry: Registry,
    host: Budget,
    guests: Vec<Budget>,
    granted: AtomicU64,
}

impl World {
    fn new() -> Self {
        let registry = Registry::new();
        let host = registry.budget(Limit::memory("host_bytes"), 1_000).unwrap();
        let guest = |number| {
            let limit = Limit::memory("guest_bytes").scope(format!("guest-{number}"));
            host.child(limit, 400).unwrap()
        };
        let guests = (0..4).map(guest).collect();
        Self { registry, host, guests, granted: AtomicU64::new(0) }
    }

    fn guest(&self, chance: &mut Chance) -> &Budget {
        &self.guests[chance.below(self.guests.len() as u64) as usize]
    }

    /// What a holder does with its lease.
    fn use_up(&self, mut lease: Lease, chance: &mut Chance) {
        self.granted.fetch_add(1, Ordering::Relaxed);
        match chance.below(6) {
            0 => {
                let part = lease.split(chance.below(lease.amount() + 1)).unwrap();
                drop(lease);
                drop(part);
            }
            1 => {
                let part = lease.split(lease.amount() / 2).unwrap();
                lease.merge(part).unwrap();
            }
            2 => {
                let _ = lease.try_grow(1 + chance.below(20));
            }
            3 => {
                let _ = lease.grow_timeout(1 + chance.below(20), Duration::from_micros(50));
            }
            4 => {
                let panicked = catch_unwind(AssertUnwindSafe(move || {
                    let _held = lease;
                    // Without the message of the hook.
                    std::panic::resume_unwind(Box::new("of a holder"));
                }));
                assert!(panicked.is_err());
            }
            _ => {
                if chance.below(20) == 0 {
                    thread::yield_now();
                }
                lease.shrink(1).unwrap();
            }
        }
    }

    /// A thread: waits, waits for a time, does not wait.
    fn run_thread(&self, seed: u64, rounds: u64) {
        let mut chance = Chance(seed);
        for _ in 0..rounds {
            let amount = 1 + chance.below(120);
            let guest = self.guest(&mut chance).clone();
            let taken = match chance.below(4) {
                0 => guest.try_reserve(amount),
                1 => guest.reserve_timeout(amount, Duration::from_micros(chance.below(200))),
                _ => guest.reserve_timeout(amount, PATIENCE),
            };
            match taken {
                Ok(lease) => self.use_up(lease, &mut chance),
                Err(refused) => assert!(refused.is_temporary(), "{refused}"),
            }
        }
    }

    /// Resizes up and down, below the usage too, and never below the largest ask.
    fn run_resizes(&self, is_over: &AtomicBool) {
        let mut chance = Chance(99);
        while !is_over.load(Ordering::Relaxed) {
            self.host.resize(400 + chance.below(800)).unwrap();
            // A guest may be above its host for now.
            let _ = self.guest(&mut chance).resize(200 + chance.below(200));
            let snapshot = self.registry.snapshot();
            assert_eq!(snapshot.entries().len(), 5);
            thread::sleep(Duration::from_micros(200));
        }
    }

    fn assert_at_rest(&self) {
        for budget in self.guests.iter().chain([&self.host]) {
            assert_eq!((budget.usage(), budget.waiting()), (0, 0), "{budget:?}");
            drop(budget.try_reserve(100).expect("no mark of a waiter is left"));
        }
        assert_eq!(self.registry.stats().panicked, 0);
    }
}

#[cfg(feature = "tokio")]
async fn run_task(world: std::sync::Arc<World>, seed: u64, rounds: u64) {
    let mut chance = Chance(seed);
    for _ in 0..rounds {
        let amount = 1 + chance.below(120);
        let reserve = world.guest(&mut chance).reserve(amount);
        let taken = match chance.below(3) {
            0 => {
                // Polled once or twice, and cancelled, granted or not.
                tokio::select! {
                    biased;
                    taken = reserve => Some(taken),
                    () = tokio::task::yield_now() => None,
                }
            }
            1 => tokio::time::timeout(Duration::from_micros(chance.below(300)), reserve).await.ok(),
            _ => Some(reserve.await),
        };
        match taken {
            Some(Ok(lease)) => world.use_up(lease, &mut chance),
            Some(Err(refused)) => panic!("{refused}"),
            None => {}
        }
    }
}

#[cfg(feature = "tokio")]
#[test]
fn budget_3_after_chaos_the_usage_is_zero_and_nobody_waits() {
    let world = std::sync::Arc::new(World::new());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let resizes = scope.spawn(|| world.run_resizes(&is_over));
        let threads: Vec<_> = (0..4)
            .map(|seed| {
                scope.spawn({
                    let world = &world;
                    move || world.run_thread(seed, 1_500)
                })
            })
            .collect();
        // Two runtimes, of two threads each.
        let runtimes: Vec<_> = (0..2)
            .map(|runtime| {
                let world = world.clone();
                scope.spawn(move || {
                    let mut builder = tokio::runtime::Builder::new_multi_thread();
                    let tokio = builder.worker_threads(2).enable_time().build().unwrap();
                    tokio.block_on(async {
                        let tasks = (0..8).map(|task| {
                            tokio::spawn(run_task(world.clone(), 100 + 10 * runtime + task, 1_500))
                        });
                        for task in tasks.collect::<Vec<_>>() {
                            task.await.unwrap();
                        }
                    });
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        runtimes.into_iter().for_each(|runtime| runtime.join().unwrap());
        is_over.store(true, Ordering::Relaxed);
        resizes.join().unwrap();
    });
    world.host.resize(1_000).unwrap();
    world.assert_at_rest();
    let granted = world.granted.load(Ordering::Relaxed);
    assert!(granted >= 10_000, "{granted} leases");
}

#[test]
fn budget_3_threads_alone_end_as_well() {
    let world = World::new();
    thread::scope(|scope| {
        for seed in 0..6 {
            let world = &world;
            scope.spawn(move || world.run_thread(seed, 500));
        }
    });
    world.assert_at_rest();
}

#[test]
fn budget_4_a_close_in_the_middle_ends_all_waits() {
    let world = World::new();
    thread::scope(|scope| {
        for seed in 0..4 {
            let guest = &world.guests[seed % 2];
            scope.spawn(move || {
                let mut chance = Chance(seed as u64);
                loop {
                    match guest.reserve_blocking(1 + chance.below(300)) {
                        Ok(lease) => drop(lease),
                        Err(refused) => {
                            assert_eq!(refused.reason(), RefusedReason::Closed);
                            return;
                        }
                    }
                }
            });
        }
        thread::sleep(Duration::from_millis(20));
        world.host.close();
    });
    assert_eq!((world.host.usage(), world.host.waiting()), (0, 0));
}
