//! Ways to come by an instance.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use plimsoll::pool::Isolation;
use plimsoll_wasmtime::{Exports, Meter, WasmEngine, WasmPool, WasmPoolBuilder, WasmPrincipal};
use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::{Config, Engine, Instance, InstancePre, Linker, Module, Store, TypedFunc};

use super::super::tasks::RUNTIME;
use super::guest::{Guest, QUOTA};

/// Instances of a pool.
pub(super) const INSTANCES: usize = 4;

const FUEL: u64 = 1 << 40;
/// The default of the pools.
const YIELD_INTERVAL: u64 = 100_000;
const FAR: u64 = 1 << 40;
const SOUND: &str = "a guest that is as it should be";

/// A principal who has turns.
pub(super) trait Turns {
    /// Gets an instance, calls it, gives it up.
    fn turn(&mut self, value: i32) -> i32;
}

/// Keeps the thread busy for so long.
pub(super) fn pause(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

type Run = TypedFunc<i32, i32>;

/// Room for a few pools: what a pool gives back, it gives back some time after it is dropped.
pub(super) fn engine() -> WasmEngine {
    let builder = WasmEngine::builder().instances(4 * INSTANCES).quota(QUOTA);
    builder.keep_resident(QUOTA as usize).build().expect("settings that can be")
}

fn linked(engine: &Engine, guest: Guest) -> InstancePre<()> {
    let module = Module::new(engine, guest.wat()).expect(SOUND);
    Linker::new(engine).instantiate_pre(&module).expect(SOUND)
}

fn new_store(program: &InstancePre<()>) -> Store<()> {
    let mut store = Store::new(program.module().engine(), ());
    store.set_epoch_deadline(FAR);
    store.set_fuel(FUEL).expect("a meter");
    store
}

fn fresh(program: &InstancePre<()>) -> (Store<()>, Instance) {
    let mut store = new_store(program);
    let instance = program.instantiate(&mut store).expect(SOUND);
    (store, instance)
}

fn fresh_turn(program: &InstancePre<()>, value: i32) -> i32 {
    let (mut store, instance) = fresh(program);
    let run: Run = instance.get_typed_func(&mut store, "run").expect(SOUND);
    run.call(&mut store, value).expect(SOUND)
}

pub(super) struct Exclusive {
    store: Store<()>,
    run: Run,
}

impl Exclusive {
    pub(super) fn of(guest: Guest) -> Self {
        let (mut store, instance) = fresh(&linked(engine().wasmtime(), guest));
        let run = instance.get_typed_func(&mut store, "run").expect(SOUND);
        Self { store, run }
    }
}

impl Turns for Exclusive {
    fn turn(&mut self, value: i32) -> i32 {
        self.run.call(&mut self.store, value).expect(SOUND)
    }
}

pub(super) struct Locked(Mutex<Exclusive>);

impl Locked {
    pub(super) fn of(guest: Guest) -> Self {
        Self(Mutex::new(Exclusive::of(guest)))
    }
}

impl Turns for &Locked {
    fn turn(&mut self, value: i32) -> i32 {
        self.0.lock().turn(value)
    }
}

impl Turns for Locked {
    fn turn(&mut self, value: i32) -> i32 {
        (&*self).turn(value)
    }
}

pub(super) struct FreshPooling(InstancePre<()>);

impl FreshPooling {
    pub(super) fn of(guest: Guest) -> Self {
        Self(linked(engine().wasmtime(), guest))
    }
}

impl Turns for &FreshPooling {
    fn turn(&mut self, value: i32) -> i32 {
        fresh_turn(&self.0, value)
    }
}

impl Turns for FreshPooling {
    fn turn(&mut self, value: i32) -> i32 {
        fresh_turn(&self.0, value)
    }
}

/// The same for guests that yield, on a stack of their own.
pub(super) struct FreshYielding(InstancePre<()>);

impl FreshYielding {
    pub(super) fn of(guest: Guest) -> Self {
        Self(linked(engine().wasmtime(), guest))
    }

    async fn turn(&self, value: i32) -> i32 {
        let mut store = new_store(&self.0);
        store.fuel_async_yield_interval(Some(YIELD_INTERVAL)).expect("a meter");
        let instance = self.0.instantiate_async(&mut store).await.expect(SOUND);
        let run: Run = instance.get_typed_func(&mut store, "run").expect(SOUND);
        run.call_async(&mut store, value).await.expect(SOUND)
    }
}

impl Turns for &FreshYielding {
    fn turn(&mut self, value: i32) -> i32 {
        let mut turn = pin!(FreshYielding::turn(self, value));
        loop {
            let context = &mut Context::from_waker(Waker::noop());
            if let Poll::Ready(result) = turn.as_mut().poll(context) {
                return result;
            }
        }
    }
}

impl Turns for FreshYielding {
    fn turn(&mut self, value: i32) -> i32 {
        Turns::turn(&mut &*self, value)
    }
}

/// As many at a time as a pool has instances, in the order in which they came: tokio's semaphore
/// gives a permit to who has waited longest.
pub(super) struct Fair<T> {
    permits: Semaphore,
    inner: T,
}

impl<T> Fair<T> {
    pub(super) fn over(inner: T) -> Self {
        Self { permits: Semaphore::new(INSTANCES), inner }
    }
}

impl<T> Turns for &Fair<T>
where
    for<'t> &'t T: Turns,
{
    fn turn(&mut self, value: i32) -> i32 {
        let _permit = permit_of(&self.permits);
        (&self.inner).turn(value)
    }
}

/// A permit, for which the thread waits if need be.
fn permit_of(permits: &Semaphore) -> SemaphorePermit<'_> {
    match permits.try_acquire() {
        Ok(permit) => permit,
        Err(_) => RUNTIME.block_on(permits.acquire()).expect("an open semaphore"),
    }
}

pub(super) struct FreshOnDemand(InstancePre<()>);

impl FreshOnDemand {
    pub(super) fn of(guest: Guest) -> Self {
        let mut config = Config::new();
        config.consume_fuel(true).epoch_interruption(true);
        Self(linked(&Engine::new(&config).expect("settings that can be"), guest))
    }
}

impl Turns for FreshOnDemand {
    fn turn(&mut self, value: i32) -> i32 {
        fresh_turn(&self.0, value)
    }
}

/// The design in use: a permit, whatever lies in front, fuel set again, the export looked up again.
pub(super) struct Deque {
    permits: Semaphore,
    idle: Mutex<VecDeque<(Store<()>, Instance)>>,
}

impl Deque {
    pub(super) fn of(guest: Guest) -> Self {
        let program = linked(engine().wasmtime(), guest);
        let idle = (0..INSTANCES).map(|_| fresh(&program)).collect();
        Self { permits: Semaphore::new(INSTANCES), idle: Mutex::new(idle) }
    }
}

impl Turns for &Deque {
    fn turn(&mut self, value: i32) -> i32 {
        let permit = permit_of(&self.permits);
        let (mut store, instance) = self.idle.lock().pop_front().expect("one for each permit");
        store.set_fuel(FUEL).expect("a meter");
        let run: Run = instance.get_typed_func(&mut store, "run").expect(SOUND);
        let result = run.call(&mut store, value).expect(SOUND);
        self.idle.lock().push_back((store, instance));
        drop(permit);
        result
    }
}

impl Turns for Deque {
    fn turn(&mut self, value: i32) -> i32 {
        (&*self).turn(value)
    }
}

/// A pool of ours, and a principal that uses it.
pub(super) struct Pooled {
    pub(super) pool: WasmPool<(), Run>,
    pub(super) principal: WasmPrincipal,
}

impl Pooled {
    pub(super) fn of(
        guest: Guest,
        isolation: Isolation,
        set: impl FnOnce(WasmPoolBuilder<(), Run>) -> WasmPoolBuilder<(), Run>,
    ) -> Self {
        let engine = engine();
        let module = Module::new(engine.wasmtime(), guest.wat()).expect(SOUND);
        let linker = Linker::new(engine.wasmtime());
        let look_up = |exports: &mut Exports<'_, Meter>| exports.func("run");
        let builder = WasmPool::module(&engine, (), &linker, &module, look_up).expect(SOUND);
        let builder = builder.max(INSTANCES).isolation(isolation).fuel(FUEL);
        let pool = set(builder).build().expect(SOUND);
        let principal = pool.principal("acme").expect("a good id");
        Self { pool, principal }
    }

    pub(super) fn turn_of(&self, principal: &WasmPrincipal, value: i32) -> i32 {
        let mut lease = self.pool.checkout_blocking(principal).expect("an open pool");
        let result = lease.call_blocking(|run| run, value).expect(SOUND);
        lease.complete();
        result
    }
}

/// Guests that yield and can be cancelled.
pub(super) struct Yielding(pub(super) Pooled);

impl Yielding {
    pub(super) fn of(guest: Guest, isolation: Isolation) -> Self {
        Self(Pooled::of(guest, isolation, |builder| builder))
    }
}

impl Turns for Yielding {
    fn turn(&mut self, value: i32) -> i32 {
        self.0.turn_of(&self.0.principal, value)
    }
}

/// Guests on their caller's stack.
pub(super) struct InPlace(pub(super) Pooled);

impl InPlace {
    pub(super) fn of(guest: Guest, isolation: Isolation) -> Self {
        Self(Pooled::of(guest, isolation, WasmPoolBuilder::in_place))
    }
}

impl Turns for InPlace {
    fn turn(&mut self, value: i32) -> i32 {
        self.0.turn_of(&self.0.principal, value)
    }
}
