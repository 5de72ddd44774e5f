//! POOL-16: closed and drained means that everything is free again, what the manager holds included.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

#[cfg(feature = "tokio")]
use plimsoll::pool::Background;
use plimsoll::pool::{Isolation, Manager, Pool, PoolBuilder};

use super::support::{poll, stand};

const LONG: Duration = Duration::from_secs(60);
const ROUNDS: usize = 1_000;
const ROOM: usize = 2;

/// An engine with room for so many instances, and no more.
#[derive(Default)]
struct Engine {
    reserved: AtomicUsize,
    live: AtomicUsize,
}

/// Room for a pool, reserved for as long as this lives.
struct Reservation(Arc<Engine>);

impl Engine {
    fn reserve(self: &Arc<Engine>) -> Reservation {
        let before = self.reserved.fetch_add(ROOM, Ordering::SeqCst);
        assert_eq!(before, 0, "POOL-16: the last pool was drained, and its room is not free");
        Reservation(self.clone())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.0.reserved.fetch_sub(ROOM, Ordering::SeqCst);
    }
}

struct Guests(Reservation);

struct Guest(Arc<Engine>);

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Manager for Guests {
    type Object = Guest;
    type Error = Infallible;

    async fn create(&self) -> Result<Guest, Infallible> {
        let engine = &self.0.0;
        let live = engine.live.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(live <= ROOM, "POOL-1: {live} in room for {ROOM}");
        Ok(Guest(engine.clone()))
    }

    fn may_run_inline(&self) -> bool {
        true
    }
}

fn builder(engine: &Arc<Engine>, round: usize) -> PoolBuilder<Guests> {
    let isolation = [Isolation::Fresh, Isolation::PerPrincipal, Isolation::Shared][round % 3];
    Pool::builder(Guests(engine.reserve()))
        .wait_for_own_leases()
        .max(ROOM)
        .warm(round % 3)
        .isolation(isolation)
}

fn assert_free(engine: &Engine, pool: &Pool<Guests>) {
    let numbers = [&engine.reserved, &engine.live].map(|number| number.load(Ordering::SeqCst));
    assert_eq!(numbers, [0, 0], "POOL-16, with a handle left: {:?}", pool.counts());
}

#[test]
fn pool_16_the_room_is_free_when_a_closed_pool_is_drained() {
    let engine = Arc::new(Engine::default());
    for round in 0..ROUNDS {
        let pool = builder(&engine, round).build().unwrap();
        thread::scope(|scope| {
            for id in ["a", "b"] {
                let pool = &pool;
                scope.spawn(move || {
                    let principal = pool.principal(id).unwrap();
                    for _ in 0..round % 4 {
                        match pool.checkout_blocking(&principal) {
                            Ok(lease) if round % 5 == 0 => drop(lease),
                            Ok(lease) => lease.complete(),
                            Err(_) => return,
                        }
                    }
                });
            }
            if round % 2 == 0 {
                pool.close();
            }
        });
        pool.close();
        assert!(pool.wait_drained(LONG), "round {round}: {:?}", pool.counts());
        assert_free(&engine, &pool);
        assert!(pool.manager().is_none());
        // The handle goes before or after the next pool comes: its room is free either way.
        if round % 7 == 0 {
            let next = builder(&engine, round).build().unwrap();
            next.close();
            assert!(next.wait_drained(LONG));
        }
    }
}

#[cfg(feature = "tokio")]
#[test]
fn pool_16_the_room_is_free_with_tasks_as_well() {
    let engine = Arc::new(Engine::default());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        for round in 0..ROUNDS {
            let background = Background::Tokio(runtime.handle().clone());
            let pool = builder(&engine, round).background(background).build().unwrap();
            let tasks = ["a", "b"].map(|id| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    let principal = pool.principal(id).unwrap();
                    for _ in 0..round % 4 {
                        let Ok(lease) = pool.checkout(&principal).await else { return };
                        tokio::task::yield_now().await;
                        lease.complete();
                    }
                })
            });
            if round % 2 == 0 {
                pool.close();
            }
            for task in tasks {
                task.await.unwrap();
            }
            pool.close();
            pool.drained().await;
            assert_free(&engine, &pool);
        }
    });
}

#[test]
fn pool_16_a_handle_of_the_manager_keeps_its_room() {
    let engine = Arc::new(Engine::default());
    let pool = builder(&engine, 0).build().unwrap();
    let manager = pool.manager().unwrap();
    pool.close();
    assert!(pool.wait_drained(LONG));
    assert_eq!(engine.reserved.load(Ordering::SeqCst), ROOM);
    drop(manager);
    assert_free(&engine, &pool);
}

#[test]
fn pool_16_a_lease_that_is_out_keeps_the_manager() {
    let stand = stand(|builder| builder.max(2).isolation(Isolation::Shared));
    stand.fill(2);
    let acme = stand.pool.principal("acme").unwrap();
    let held = stand.pool.try_checkout(&acme).unwrap().into_owned();
    stand.pool.close();
    stand.settle();
    let mut drained = stand.pool.drained();
    assert!(poll(&mut drained).is_pending() && stand.pool.manager().is_some());
    held.complete();
    assert!(poll(&mut drained).is_pending(), "its object is not destroyed");
    stand.settle();
    assert!(poll(&mut drained).is_ready() && stand.pool.manager().is_none());
    assert_eq!(Arc::strong_count(&stand.world), 1, "nothing is left that knows the world");
}

/// A manager whose drop panics.
struct Bomb;

impl Manager for Bomb {
    type Object = ();
    type Error = Infallible;

    async fn create(&self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a manager panics in its drop");
    }
}

#[test]
fn pool_16_a_manager_that_panics_in_its_drop_is_contained() {
    let pool = Pool::builder(Bomb).wait_for_own_leases().max(2).warm(1).build().unwrap();
    pool.close();
    assert!(pool.wait_drained(LONG));
    assert_eq!(pool.stats().panics, 1);
}
